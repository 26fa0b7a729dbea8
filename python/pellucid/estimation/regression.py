"""Shapley values by weighted regression on paired coalitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import NumericalError
from pellucid.estimation.clock import Deadline
from pellucid.estimation.estimate import Array, Estimate, background_error, precise_enough
from pellucid.games import GameLike

# Pairs per player from which each rule is used. Below 3 the least-squares fit of p - 1 coefficients is near its
# interpolation peak; 4 leave the mixed fit two pairs for each of its 2p shared coefficients; from 8 for every background
# row on, what the rows could borrow from each other no longer shows, and a fit for each costs less.
PAIRS_FOR_LEAST_SQUARES = 3
PAIRS_FOR_MIXED = 4
PAIRS_FOR_MIXED_WITH_FEW_DRAWS = 6  # two background rows tell the shared coefficients from their own too badly at 4
PAIRS_FOR_BY_DRAW = 8
FIRST_PAIRS = 256
MOST_PLAYERS_FOR_MIXED = 300
# Multiplications of one step in the search for lambda, about a second of one thread for all steps of a row.
MOST_WORK_FOR_SHRINKAGE = 2e8

RULES = {
    "by draw": "a fit for each background row",
    "mixed": "one mixed-effects fit for all background rows",
    "moving": "one fit that moves with the background row",
    "pooled": "one fit for all background rows",
}


@dataclass(frozen=True)
class Stage:
    """What one stage plays, and the regression over everything played up to its end."""

    masks: NDArray[np.bool_]
    draws: NDArray[np.int64]
    pairs: int
    complete: bool
    kind: str  # "by draw", "mixed", "moving", "pooled" or "ridge"
    regression: Any


class Stages:
    """A paired design grown in stages, with the regression that its counts call for.

    active : (B, p), False where a player is a null player under a draw; None where all count everywhere.
    """

    def __init__(
        self,
        players: int,
        draw_weights: Array,
        *,
        seed: int,
        limits: tuple[int, ...],
        active: NDArray[np.bool_] | None = None,
    ) -> None:
        from pellucid import _core

        self.players = players
        self.draw_weights = draw_weights
        self.limits = limits
        self.active = active
        self.design = (
            _core.PairedDesign(seed, players, draw_weights)
            if active is None
            else _core.PairedDesign(seed, np.ascontiguousarray(active, dtype=np.uint8), draw_weights)
        )
        self._stages: list[Stage] = []

    def __getitem__(self, index: int) -> Stage:
        while len(self._stages) <= index:
            self._stages.append(self._make(self.limits[len(self._stages)]))
        return self._stages[index]

    def _make(self, limit: int) -> Stage:
        first = self.design.pairs
        self.design.grow(limit)
        kind, regression = self._choose(limit)
        return Stage(
            masks=self.design.pair_masks(first, self.design.pairs).view(np.bool_),
            draws=self.design.pair_draws(first, self.design.pairs),
            pairs=self.design.pairs,
            complete=self.design.complete,
            kind=kind,
            regression=regression,
        )

    def _choose(self, limit: int) -> tuple[str, Any]:
        """By counts alone, so that the same budget gives the same rule on every machine and for every seed.

        The counts are those asked for: the rounding of a design may leave it a pair or so below its limit.
        """
        from pellucid import _core

        design, players, draws = self.design, self.players, len(self.draw_weights)
        if self.active is not None:
            return "mixed", _core.MixedRegression(design, True)
        fewest = min(design.pairs_per_draw(draw) for draw in range(draws))
        fewest = max(fewest, limit * float(self.draw_weights.min()))
        enough = PAIRS_FOR_LEAST_SQUARES if draws == 1 else PAIRS_FOR_BY_DRAW
        if fewest >= enough * players or design.complete:
            by_draw = _unless_singular(lambda: _core.ClusterRegression(design, True))
            if by_draw is not None:
                return "by draw", by_draw
        if limit >= pairs_for_mixed(players, draws):
            if shrinkage_work(players, draws, limit) <= MOST_WORK_FOR_SHRINKAGE:
                return "mixed", _core.MixedRegression(design, True)
            return "moving", _core.MixedRegression(design, False)
        if limit >= PAIRS_FOR_LEAST_SQUARES * players:
            pooled = _unless_singular(lambda: _core.ClusterRegression(design, False))
            if pooled is not None:
                return "pooled", pooled
        return "ridge", _core.RidgeRegression(design)


class Regression:
    r"""Paired designs and the Shapley regressions over them.

    The values solve the Shapley-weighted least squares
    :math:`\min_\phi \sum_S k(|S|)\,(v(S) - v(\emptyset) - \sum_{i \in S} \phi_i)^2` under
    :math:`\sum_i \phi_i = v(N) - v(\emptyset)`, on coalitions drawn by leverage in complementary pairs. Each background
    row gets coalitions of its own: for the same model rows their errors average out, where the same coalitions
    for every background row repeat theirs. [lundberg2017, covert2021, musco2025]

    The values under one background row are shared coefficients, which move with the background row, and a part of its
    own, shrunk by restricted maximum likelihood. [patterson1971] Where every background row has many pairs, this is a fit
    for each; where all have few, one for all. Below 3 pairs per player in all, the fit is a ridge without standard
    errors. Games without null players share one design, which is drawn and factorised once.
    """

    def __init__(self, players: int, draw_weights: Array, *, seed: int, limits: tuple[int, ...]) -> None:
        self.players = players
        self.draw_weights = np.ascontiguousarray(draw_weights)
        self.seed = seed
        self.limits = limits
        self._shared = Stages(players, self.draw_weights, seed=seed, limits=limits)

    def _stages_of(self, game: GameLike) -> Stages:
        """The design shared by all games, or one of its own for a game with null players under some draws."""
        active, draws = active_players(game), len(self.draw_weights)
        if active is None or active.all() or self.limits[0] < pairs_for_mixed(self.players, draws):
            return self._shared
        if shrinkage_work(self.players, draws, self.limits[-1]) > MOST_WORK_FOR_SHRINKAGE:
            return self._shared
        return Stages(self.players, self.draw_weights, seed=self.seed, limits=self.limits, active=active)

    def estimate(
        self,
        game: GameLike,
        *,
        tolerance: float | None,
        deadline: Deadline | None = None,
        played: tuple[Any, ...] = (),
    ) -> Estimate:
        """Play stage by stage until the tolerance is met; the targets in `played` are not played again."""
        empty, full = game.ends()
        gaps = np.ascontiguousarray(full - empty)
        stages = self._stages_of(game)
        contrasts = cache(lambda: self._contrasts(game))
        targets = [*played]
        result: Estimate | None = None
        for index in range(len(self.limits)):
            if result is not None and deadline is not None and deadline.passed():
                return replace(result, out_of_time=True)
            stage = stages[index]
            if index >= len(targets):
                targets.append(_half_differences(game.play(stage.masks, stage.draws)))
            if index + 1 < len(played):
                continue
            values, std_err, background, rule = self._fit(stage, np.concatenate(targets), gaps, contrasts)
            reached = stage.complete or tolerance is None or precise_enough(values, std_err, tolerance)
            result = Estimate(
                values=values,
                std_err=std_err,
                coalitions=2 * stage.pairs,
                rule=rule,
                size=stage.pairs,
                unit="pairs of coalitions",
                reached=reached,
                warnings=self._warnings(stage),
                limits=self.limits[: index + 1],
                played=tuple(targets),
                background_std_err=background,
            )
            if stage.complete or (reached and tolerance is not None):
                break
        assert result is not None
        return result

    def _fit(
        self, stage: Stage, targets: Array, gaps: Array, contrasts: Callable[[], Array]
    ) -> tuple[Array, Array, Array | None, str]:
        """Values and standard errors (p, k) of everything played so far, those of the background, the rule in words."""
        if stage.kind == "ridge":
            values = stage.regression.solve(targets, gaps)
            return values, np.full_like(values, np.nan), None, "ridge by generalised cross-validation"
        if stage.kind in ("mixed", "moving"):
            fit = stage.regression.solve(targets, gaps, contrasts())
        else:
            fit = stage.regression.solve(targets, gaps)
        rule = RULES[stage.kind] if len(gaps) > 1 else "least squares"
        if stage.complete:
            rule += "; these are all there are, so the values are exact"
        background = background_error(fit.background_variance, self.draw_weights)
        return fit.values, np.sqrt(fit.variance), background, rule

    def _contrasts(self, game: GameLike) -> Array:
        found = contrasts_of(game)
        return np.empty((len(self.draw_weights), 0)) if found is None else found

    def _warnings(self, stage: Stage) -> tuple[str, ...]:
        if stage.kind != "ridge":
            return ()
        return (
            f"{stage.pairs:,} pairs of coalitions are few for {self.players} players: the values are shrunk "
            f"and have no standard errors; {PAIRS_FOR_LEAST_SQUARES * self.players:,} pairs give them",
        )


def pairs_for_mixed(players: int, draws: int) -> float:
    """The least number of pairs for the mixed fit; infinite where there is none."""
    if draws == 1 or players > MOST_PLAYERS_FOR_MIXED:
        return np.inf
    return players * (PAIRS_FOR_MIXED if draws >= 5 else PAIRS_FOR_MIXED_WITH_FEW_DRAWS)


def shrinkage_work(players: int, draws: int, pairs: int) -> float:
    """Multiplications of one step in the search for lambda: a Gram matrix of every draw from its spectrum."""
    return draws * players**2 * min(players, pairs / draws + 1.0)


def first_pairs(players: int, *, draws: int) -> int:
    """Pairs before the standard errors are looked at: enough for the fit that these counts lead to."""
    mixed = draws > 1 and players <= MOST_PLAYERS_FOR_MIXED
    per_player = 2 * PAIRS_FOR_MIXED if mixed else PAIRS_FOR_LEAST_SQUARES + 1
    return max(per_player * players, FIRST_PAIRS)


def _unless_singular(make: Callable[[], Any]) -> Any:
    """The regression, or None where chance made its design singular."""
    try:
        return make()
    except NumericalError:
        return None


def contrasts_of(game: GameLike) -> Array | None:
    """How far each draw is from the explained row in each part, (B, p); None for games that cannot tell."""
    method = getattr(game, "contrasts", None)
    return None if method is None else method()


def active_players(game: GameLike) -> NDArray[np.bool_] | None:
    """(B, p): False where the explained row equals a draw in a part, so that the part cannot matter; None if unknown."""
    method = getattr(game, "differs", None)
    return None if method is None else method()


def _half_differences(outputs: Array) -> Array:
    """(v(S) - v(complement)) / 2 for outputs in the order of `pair_masks`."""
    return np.ascontiguousarray((outputs[0::2] - outputs[1::2]) * 0.5)
