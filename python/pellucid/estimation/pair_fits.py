"""One Shapley regression over everything that was played of a game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation.designs import Stage
from pellucid.estimation.estimate import Array, background_error

RULES = {
    "by draw": "a fit for each background row",
    "mixed": "one mixed-effects fit for all background rows",
    "moving": "one fit that moves with the background row",
    "pooled": "one fit for all background rows",
}


@dataclass(frozen=True)
class Played:
    """The pairs of a design and what they were worth.

    outputs : (2 m, k), a coalition and its complement by turns. empty : (B, k), full : (k,), the ends of the game.
    contrasts : gives (B, p), or (B, 0) for a game that has none.
    """

    design: Any
    outputs: Array
    empty: Array
    full: Array
    draw_weights: Array
    contrasts: Callable[[], Array]

    @property
    def targets(self) -> Array:
        """(m, k): half differences (v(S) - v(complement)) / 2."""
        return np.ascontiguousarray((self.outputs[0::2] - self.outputs[1::2]) * 0.5)

    @property
    def gaps(self) -> Array:
        """(B, k): v(everybody) - v(nobody) under each draw."""
        return np.ascontiguousarray(self.full - self.empty)

    @property
    def pairs(self) -> int:
        return len(self.outputs) // 2

    def masks(self) -> NDArray[np.bool_]:
        """(2 m, p) as they were played."""
        masks: NDArray[np.uint8] = self.design.pair_masks(0, self.pairs)
        return masks.view(np.bool_)

    def draws(self) -> NDArray[np.int64]:
        """(2 m,), the draw of each coalition."""
        draws: NDArray[np.int64] = self.design.pair_draws(0, self.pairs)
        return draws


@dataclass(frozen=True)
class PairFit:
    """Values (p, k), their standard errors, those of the background, and the rule in words; what a mixed fit found.

    explained : (k,) the share of half differences that control variates tell of pairs which they have not seen.
    """

    values: Array
    std_err: Array
    background_std_err: Array | None
    rule: str
    mixed: Any = None
    explained: Array | None = None


def fit_pairs(stage: Stage, played: Played) -> PairFit:
    """The regression that the counts of the stage call for."""
    if stage.kind == "ridge":
        values = stage.regression.solve(played.targets, played.gaps)
        return PairFit(values, np.full_like(values, np.nan), None, "ridge by generalised cross-validation")
    mixed = stage.kind in ("mixed", "moving")
    if mixed:
        fit = stage.regression.solve(played.targets, played.gaps, played.contrasts())
    else:
        fit = stage.regression.solve(played.targets, played.gaps)
    rule = RULES[stage.kind] if len(played.empty) > 1 else "least squares"
    if stage.complete:
        rule += "; these are all there are, so the values are exact"
    background = background_error(fit.background_variance, played.draw_weights)
    return PairFit(fit.values, np.sqrt(fit.variance), background, rule, fit if mixed else None)
