"""Shapley values by weighted regression on paired coalitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import NumericalError
from pellucid.estimation.clock import Deadline
from pellucid.estimation.estimate import Array, Estimate, precise_enough
from pellucid.games import GameLike

# Pairs per player from which each rule is used. Below 3 the least-squares fit of p - 1 coefficients is near its
# interpolation peak; 8 leaves four pairs for each of the 2p coefficients that move with the draw.
PAIRS_FOR_LEAST_SQUARES = 3
PAIRS_FOR_CONTRASTS = 8
FIRST_PAIRS = 256
MOST_PLAYERS_FOR_CONTRASTS = 300

RULES = {
    "by draw": "a fit for each background row",
    "contrast": "one fit that moves with the background row",
    "pooled": "one fit for all background rows",
}


@dataclass(frozen=True)
class Stage:
    """What one stage plays, and the regression over everything played up to its end."""

    masks: NDArray[np.bool_]
    draws: NDArray[np.int64]
    pairs: int
    complete: bool
    kind: str  # "by draw", "contrast", "pooled" or "ridge"
    regression: Any


class Regression:
    r"""One paired design for all rows explained, grown in stages.

    The values solve the Shapley-weighted least squares
    :math:`\min_\phi \sum_S k(|S|)\,(v(S) - v(\emptyset) - \sum_{i \in S} \phi_i)^2` under
    :math:`\sum_i \phi_i = v(N) - v(\emptyset)`, on coalitions drawn by leverage in complementary pairs. Each background
    row gets coalitions of its own: for the same model rows their errors average out, where the same coalitions
    for every background row repeat theirs. [lundberg2017, covert2021, musco2025]

    With at least 3 pairs per player and background row, every row has a fit of its own. With fewer, one fit for all
    has coefficients that move with the background row. Below 3 pairs per player in all, the fit is a ridge without
    standard errors.
    """

    def __init__(
        self, players: int, draw_weights: Array, *, seed: int, limits: tuple[int, ...], contrasts: bool
    ) -> None:
        from pellucid import _core

        self.players = players
        self.contrasts = contrasts and len(draw_weights) > 1 and players <= MOST_PLAYERS_FOR_CONTRASTS
        self.draw_weights = np.ascontiguousarray(draw_weights)
        self.limits = limits
        self._design = _core.PairedDesign(seed, players, self.draw_weights)
        self._stages: list[Stage] = []
        self._growing = Lock()  # threads that share an explainer share its design

    def stage(self, index: int) -> Stage:
        """Stage `index`; what it costs does not depend on the game, so it is made once."""
        with self._growing:
            while len(self._stages) <= index:
                self._stages.append(self._make_stage(self.limits[len(self._stages)]))
            return self._stages[index]

    def _make_stage(self, limit: int) -> Stage:
        design = self._design
        # Not design.pairs: it has grown already where an interrupt or a lack of memory ended the fit.
        first = self._stages[-1].pairs if self._stages else 0
        design.grow(limit)
        kind, regression = self._choose_regression(limit)
        return Stage(
            masks=design.pair_masks(first, design.pairs).view(np.bool_),
            draws=design.pair_draws(first, design.pairs),
            pairs=design.pairs,
            complete=design.complete,
            kind=kind,
            regression=regression,
        )

    def _choose_regression(self, limit: int) -> tuple[str, Any]:
        """By counts alone, so that the same budget gives the same rule on every machine and for every seed.

        The counts are those asked for: the rounding of a design may leave it a pair or so below its limit.
        """
        from pellucid import _core

        design, players = self._design, self.players
        enough = PAIRS_FOR_LEAST_SQUARES * players
        fewest = min(design.pairs_per_draw(draw) for draw in range(len(self.draw_weights)))
        fewest = max(fewest, limit * float(self.draw_weights.min()))
        if fewest >= enough or design.complete:
            by_draw = _unless_singular(lambda: _core.ClusterRegression(design, True))
            if by_draw is not None:
                return "by draw", by_draw
        if self.contrasts and limit >= PAIRS_FOR_CONTRASTS * players:
            return "contrast", _core.ContrastRegression(design)
        if limit >= enough:
            pooled = _unless_singular(lambda: _core.ClusterRegression(design, False))
            if pooled is not None:
                return "pooled", pooled
        return "ridge", _core.RidgeRegression(design)

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
        contrasts = cache(lambda: contrasts_of(game))
        targets = [*played]
        result: Estimate | None = None
        for index in range(len(self.limits)):
            if result is not None and deadline is not None and deadline.passed():
                return replace(result, out_of_time=True)
            stage = self.stage(index)
            if index >= len(targets):
                targets.append(_half_differences(game.play(stage.masks, stage.draws)))
            if index + 1 < len(played):
                continue
            values, std_err, rule = self._fit(stage, np.concatenate(targets), gaps, contrasts)
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
            )
            if stage.complete or (reached and tolerance is not None):
                break
        assert result is not None
        return result

    def _fit(
        self, stage: Stage, targets: Array, gaps: Array, contrasts: Callable[[], Array | None]
    ) -> tuple[Array, Array, str]:
        """Values and standard errors (p, k) of everything played so far, and the rule in words."""
        if stage.kind == "ridge":
            values = stage.regression.solve(targets, gaps)
            return values, np.full_like(values, np.nan), "ridge by generalised cross-validation"
        if stage.kind == "contrast":
            fit = stage.regression.solve(targets, gaps, contrasts())
        else:
            fit = stage.regression.solve(targets, gaps)
        rule = RULES[stage.kind] if len(gaps) > 1 else "least squares"
        if stage.complete:
            rule += "; these are all there are, so the values are exact"
        return fit.values, np.sqrt(fit.variance), rule

    def _warnings(self, stage: Stage) -> tuple[str, ...]:
        if stage.kind != "ridge":
            return ()
        return (
            f"{stage.pairs:,} pairs of coalitions are few for {self.players} players: the values are shrunk "
            f"and have no standard errors; {PAIRS_FOR_LEAST_SQUARES * self.players:,} pairs give them",
        )


def first_pairs(players: int, *, draws: int) -> int:
    """Pairs before the standard errors are looked at: enough for the fit that these counts lead to."""
    moves = draws > 1 and players <= MOST_PLAYERS_FOR_CONTRASTS
    per_player = 2 * PAIRS_FOR_CONTRASTS if moves else PAIRS_FOR_LEAST_SQUARES + 1
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


def _half_differences(outputs: Array) -> Array:
    """(v(S) - v(complement)) / 2 for outputs in the order of `pair_masks`."""
    return np.ascontiguousarray((outputs[0::2] - outputs[1::2]) * 0.5)
