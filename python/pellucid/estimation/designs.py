"""Paired designs grown in stages, and which regression their counts call for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import NumericalError
from pellucid.estimation.estimate import Array

# Pairs per player from which each rule is used. Below 3 the least-squares fit of p - 1 coefficients is near its
# interpolation peak; 4 leave the mixed fit two pairs for each of its 2p shared coefficients; from 8 for every
# background row on, what the rows could borrow from each other no longer shows, and a fit for each costs less.
PAIRS_FOR_LEAST_SQUARES = 3
PAIRS_FOR_MIXED = 4
PAIRS_FOR_MIXED_WITH_FEW_DRAWS = 6  # two background rows tell the shared coefficients from their own too badly at 4
PAIRS_FOR_BY_DRAW = 8
FIRST_PAIRS = 256
MOST_PLAYERS_FOR_MIXED = 300
# Multiplications of one step in the search for lambda, about a second of one thread for all steps of a row.
MOST_WORK_FOR_SHRINKAGE = 2e8


@dataclass(frozen=True)
class Stage:
    """What one stage plays, and the design and the regression of everything played up to its end."""

    design: Any
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
        self.players = players
        self.draw_weights = draw_weights
        self.seed = seed
        self.limits = limits
        self.active = active
        self._stages: list[Stage] = []
        self._mixed: dict[int, Any] = {}
        self._growing = Lock()

    def mixed(self, index: int) -> Any:
        """The mixed regression of everything played up to stage `index`, whatever its counts call for."""
        from pellucid import _core

        stage = self[index]
        if stage.kind in ("mixed", "moving"):
            return stage.regression
        with self._growing:
            if index not in self._mixed:
                draws = len(self.draw_weights)
                shrink = draws > 1 and shrinkage_work(self.players, draws, stage.pairs) <= MOST_WORK_FOR_SHRINKAGE
                self._mixed[index] = _core.MixedRegression(stage.design, shrink)
            return self._mixed[index]

    def __getitem__(self, index: int) -> Stage:
        with self._growing:
            while len(self._stages) <= index:
                self._stages.append(self._make(self.limits[len(self._stages)]))
            return self._stages[index]

    def _make(self, limit: int) -> Stage:
        # A design of its own for every stage: other rows, in other threads too, are at other stages, and an interrupt
        # must leave nothing half grown behind.
        design = self._stages[-1].design.copy() if self._stages else self._empty()
        first = design.pairs
        design.grow(limit)
        kind, regression = self._choose(design, limit)
        return Stage(
            design=design,
            masks=design.pair_masks(first, design.pairs).view(np.bool_),
            draws=design.pair_draws(first, design.pairs),
            pairs=design.pairs,
            complete=design.complete,
            kind=kind,
            regression=regression,
        )

    def _empty(self) -> Any:
        from pellucid import _core

        if self.active is None:
            return _core.PairedDesign(self.seed, self.players, self.draw_weights)
        return _core.PairedDesign(self.seed, np.ascontiguousarray(self.active, dtype=np.uint8), self.draw_weights)

    def _choose(self, design: Any, limit: int) -> tuple[str, Any]:
        """By counts alone, so that the same budget gives the same rule on every machine and for every seed.

        The counts are those asked for: the rounding of a design may leave it a pair or so below its limit.
        """
        from pellucid import _core

        players, draws = self.players, len(self.draw_weights)
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
