"""Shapley values by weighted regression on paired coalitions."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation import designs, variance_reduction
from pellucid.estimation.clock import Deadline
from pellucid.estimation.control_variate import ControlVariate
from pellucid.estimation.designs import Stage, Stages
from pellucid.estimation.estimate import Array, Estimate, precise_enough
from pellucid.estimation.pair_fits import PairFit, Played, fit_pairs
from pellucid.games import GameLike


class Regression:
    r"""Paired designs and the Shapley regressions over them.

    The values solve the Shapley-weighted least squares
    :math:`\min_\phi \sum_S k(|S|)\,(v(S) - v(\emptyset) - \sum_{i \in S} \phi_i)^2` under
    :math:`\sum_i \phi_i = v(N) - v(\emptyset)`, on coalitions drawn by leverage in complementary pairs. Each background
    row gets coalitions of its own: for the same model rows their errors average out, where the same coalitions
    for every background row repeat theirs. [lundberg2017, covert2021, musco2025]

    The values under one background row are shared coefficients, which move with the background row, and a part of its
    own, shrunk by restricted maximum likelihood. [patterson1971] Where every background row has many pairs, this is a
    fit for each; where all have few, one for all. Below 3 pairs per player in all, the fit is a ridge without standard
    errors. Games without null players share one design, which is drawn and factorised once.
    """

    def __init__(
        self,
        players: int,
        draw_weights: Array,
        *,
        seed: int,
        limits: tuple[int, ...],
        control_variate: ControlVariate | str | None = None,
    ) -> None:
        self.players = players
        self.control_variate = control_variate
        self.draw_weights = np.ascontiguousarray(draw_weights)
        self.seed = seed
        self.limits = limits
        self._shared = Stages(players, self.draw_weights, seed=seed, limits=limits)

    def _stages_of(self, game: GameLike) -> Stages:
        """The design shared by all games, or one of its own for a game with null players under some draws."""
        active, draws = active_players(game), len(self.draw_weights)
        if active is None or active.all() or self.limits[0] < designs.pairs_for_mixed(self.players, draws):
            return self._shared
        if designs.shrinkage_work(self.players, draws, self.limits[-1]) > designs.MOST_WORK_FOR_SHRINKAGE:
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
        """Play stage by stage until the tolerance is met; the outputs in `played` are not played again."""
        empty, full = game.ends()
        stages = self._stages_of(game)
        contrasts = cache(lambda: self._contrasts(game))
        outputs = [*played]
        result: Estimate | None = None
        for index in range(len(self.limits)):
            if result is not None and deadline is not None and deadline.passed():
                return replace(result, out_of_time=True)
            stage = stages[index]
            if index >= len(outputs):
                outputs.append(game.play(stage.masks, stage.draws))
            if index + 1 < len(played):
                continue
            data = Played(stage.design, np.concatenate(outputs), empty, full, self.draw_weights, contrasts)
            fit = self._fit(game, stages, index, data, tolerance)
            reached = stage.complete or tolerance is None or precise_enough(fit.values, fit.std_err, tolerance)
            result = Estimate(
                values=fit.values,
                std_err=fit.std_err,
                coalitions=2 * stage.pairs,
                rule=fit.rule,
                size=stage.pairs,
                unit="pairs of coalitions",
                reached=reached,
                warnings=self._warnings(stage),
                limits=self.limits[: index + 1],
                played=tuple(outputs),
                background_std_err=fit.background_std_err,
                explained=None if fit.explained is None else float(fit.explained.min()),
            )
            if stage.complete or (reached and tolerance is not None):
                break
        assert result is not None
        return result

    def _fit(self, game: GameLike, stages: Stages, index: int, data: Played, tolerance: float | None) -> PairFit:
        if stages[index].kind == "ridge" or stages[index].complete:
            return fit_pairs(stages[index], data)
        return variance_reduction.fit_reduced(
            stages,
            index,
            data,
            game=game,
            variate=self.control_variate,
            precise=lambda fit, factor: (
                tolerance is not None and precise_enough(fit.values, factor * fit.std_err, tolerance)
            ),
            last=index + 1 == len(self.limits),
        )

    def _contrasts(self, game: GameLike) -> Array:
        found = contrasts_of(game)
        return np.empty((len(self.draw_weights), 0)) if found is None else found

    def _warnings(self, stage: Stage) -> tuple[str, ...]:
        if stage.kind != "ridge":
            return ()
        return (
            f"{stage.pairs:,} pairs of coalitions are few for {self.players} players: the values are shrunk "
            f"and have no standard errors; {designs.PAIRS_FOR_LEAST_SQUARES * self.players:,} pairs give them",
        )


def contrasts_of(game: GameLike) -> Array | None:
    """How far each draw is from the explained row in each part, (B, p); None for games that cannot tell."""
    method = getattr(game, "contrasts", None)
    return None if method is None else method()


def active_players(game: GameLike) -> NDArray[np.bool_] | None:
    """(B, p): False where the explained row equals a draw in a part, which cannot matter then; None if unknown."""
    method = getattr(game, "differs", None)
    return None if method is None else method()
