"""Which masks a weighted regression on them plays: all, strata of sizes, or pairs of a mask and its complement."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import checked_seed, is_whole, shown
from pellucid.errors import InputError
from pellucid.estimation.size_law import Array, SizeLaw

Masks = NDArray[np.uint8]

# Rows per coefficient below which pairs, whose regression has half as many rows, are not considered.
ROWS_FOR_PILOT = 6
# The pilot: 2.5 rows a coefficient tell odd from even reliably, 1.5 do not; it takes 3 rows in 10 at most.
PILOT_ROWS_PER_COEFFICIENT = 2.5
MOST_PILOT_SHARE = 0.3
FEWEST_PILOT_ROWS = 64
MOST_ENUMERATED_PARTS = 40


class MaskDesign:
    r"""Masks for a regression under a law of sizes, in stages, with the weights that make them one sample of it.

    If all :math:`2^p` masks fit the budget they are played, each with its probability: no sampling error. Otherwise
    sizes are stratified, and a fixed rule of counts and residuals chooses between two samplers:

    * *half*: sizes from the mixture (P + base) / 2, weights P / mixture, at most 2;
    * *pairs*: a mask and its complement from the symmetric mixture. What the outputs hold of even order cancels out of
      the coefficients, what they hold of odd order counts twice.

    From 6 rows a coefficient and 128 rows on, a part of the budget is a pilot of pairs. Its half differences give the
    odd part :math:`\sigma_o^2`, what a ridge regression leaves of them, its means the even part :math:`\sigma_e^2`.
    Pairs are played where

    .. math:: \frac{2 \sigma_o^2}{1 - 2 (p + 1) / n} < \frac{\sigma_o^2 + \sigma_e^2}{1 - (p + 1) / n}

    Rows q of both samplers, :math:`n_q` of them, are pooled by the balance heuristic [veach1995]: the weight of a mask
    is :math:`\omega_q P / \sum_r n_r \omega_r q_r`. A pair says less of an odd function than two masks, so its
    :math:`\omega` is :math:`(\sigma_o^2 + \sigma_e^2) / 2 \sigma_o^2`, within 1/2 and 2.

    Parameters
    ----------
    law : the law of the masks.
    seed, budget : the key of the masks, and how many to play at most; sampled masks come in twos, so an odd budget
        leaves one.

    Raises
    ------
    InputError : for a seed that is none, or a budget below 2.

    Examples
    --------
    >>> design = MaskDesign(SizeLaw.exponential(3), seed=0, budget=10)
    >>> masks = design.next(None)
    >>> masks.shape, design.exact, round(float(design.weights.sum()), 12), design.next(masks[:, :1] * 1.0)
    ((8, 3), True, 1.0, None)
    """

    def __init__(self, law: SizeLaw, *, seed: int, budget: int) -> None:
        self.law = law
        self.seed = checked_seed(seed)
        self.budget = _checked_budget(budget)
        self.exact = _enumerable(law.parts, self.budget)
        self._blocks: list[Masks] = []
        self._kinds: list[bool] = []  # for every block whether it is of pairs
        self._rows_of_kind = {False: 0, True: 0}
        self._pilot: slice | None = None
        self._pair_information = 1.0  # omega of the pairs
        self._scheme: bool | None = None  # whether pairs were chosen; None before the pilot has spoken
        self._why = "all masks were played, each with its probability" if self.exact else ""

    @property
    def rows(self) -> int:
        """m, the masks handed out so far."""
        return sum(len(block) for block in self._blocks)

    @property
    def masks(self) -> Masks:
        """(m, p) all masks handed out so far, in order."""
        return np.concatenate(self._blocks) if self._blocks else np.empty((0, self.law.parts), dtype=np.uint8)

    @property
    def pairs(self) -> bool:
        """Whether rows 2i and 2i + 1 must be kept together, as one cluster of the standard errors and one fold.

        True as soon as one pair was played; two rows that were drawn alone lose nothing by it.
        """
        return self._rows_of_kind[True] > 0

    @property
    def why(self) -> str:
        """One sentence for the report: what is played, and for which reason."""
        return self._why

    @property
    def weights(self) -> Array:
        """(m,) the weight of every mask handed out so far: probabilities if exact, else with a mean of about 1."""
        off = self.law.parts - self.masks.sum(axis=1, dtype=np.int64)
        if self.exact:
            measure: Array = self.law.probabilities()[off]
            return measure
        omega = self._pair_information
        drawn = self._rows_of_kind[False] * self.law.half + omega * self._rows_of_kind[True] * self.law.symmetric_half
        lengths = np.array([len(block) for block in self._blocks], dtype=np.int64)
        each = np.repeat(np.where(self._kinds, omega, 1.0), lengths)
        weights: Array = self.rows * each * self.law.target[off] / drawn[off]
        return weights

    def extend(self, budget: int) -> None:
        """Let `next` go on to a larger budget. An exact design has nothing to add."""
        if _checked_budget(budget) < self.budget:
            raise InputError(f"budget can only grow, got {budget:,} after {self.budget:,}")
        self.budget = int(budget)

    def next(self, values: Array | None) -> Masks | None:
        """The masks to play next, or None when the budget is spent.

        values : (m, k) outputs for all masks handed out so far; None at the first call.
        """
        if self.rows and (values is None or len(values) != self.rows):
            got = "None" if values is None else f"{len(values):,} rows"
            raise InputError(f"values must have a row for each of the {self.rows:,} masks handed out, got {got}")
        if self.exact:
            return self._enumerated()
        if self._pilot is not None and self._scheme is None and values is not None:
            self._decide(values)
        left = (self.budget - self.rows) // 2 * 2
        if left <= 0:
            return None
        enough_rows = max(ROWS_FOR_PILOT * (self.law.parts + 1), 2 * FEWEST_PILOT_ROWS)
        if self._scheme is None and self.budget >= enough_rows and left >= FEWEST_PILOT_ROWS:
            enough = min(PILOT_ROWS_PER_COEFFICIENT * (self.law.parts + 1), MOST_PILOT_SHARE * self.budget)
            count = min(left, max(FEWEST_PILOT_ROWS, int(enough) // 2 * 2))
            self._pilot = slice(self.rows, self.rows + count)
            return self._drawn(count, pairs=True)
        if self._scheme is None:
            self._why = (
                f"sizes from the half mixture: {self.budget:,} masks for {self.law.parts + 1} coefficients are too few "
                "to try pairs"
            )
        return self._drawn(left, pairs=bool(self._scheme))

    def _enumerated(self) -> Masks | None:
        from pellucid import _core

        if self._blocks:
            return None
        self._blocks.append(np.asarray(_core.all_coalitions(self.law.parts, 0, 2**self.law.parts)))
        return self._blocks[0]

    def _drawn(self, count: int, *, pairs: bool) -> Masks:
        from pellucid import _core

        law = self.law.symmetric_half if pairs else self.law.half
        block = np.asarray(_core.sized_masks(self.seed, 0, law, self._rows_of_kind[pairs], count, pairs))
        self._blocks.append(block)
        self._kinds.append(pairs)
        self._rows_of_kind[pairs] += count
        return block

    def _decide(self, values: Array) -> None:
        assert self._pilot is not None
        odd, even = odd_and_even(self.masks[self._pilot], values[self._pilot], self.law)
        share = (self.law.parts + 1) / self.budget
        paired, alone = 2.0 * odd / (1.0 - 2.0 * share), (odd + even) / (1.0 - share)
        self._scheme = bool(paired < alone)
        self._pair_information = min(max((odd + even) / (2.0 * odd), 0.5), 2.0) if odd > 0.0 else 1.0
        chosen = "pairs of a mask and its complement" if self._scheme else "sizes from the half mixture"
        self._why = (
            f"{chosen}: in a pilot of {self._pilot.stop - self._pilot.start:,} masks the residual variance was "
            f"{_percent(odd, odd + even)} odd and {_percent(even, odd + even)} even"
        )


def odd_and_even(masks: Masks, values: Array, law: SizeLaw) -> tuple[float, float]:
    """Residual variances of odd and even order in pairs of a mask and its complement, summed over the outputs.

    Each output is scaled to a variance of 1 first; constant outputs are left out. The odd part is what a ridge
    regression on z - 1/2, its ridge by generalised cross-validation, leaves of the half differences, the even part the
    variance of the means. masks (2h, p), values (2h, k).
    """
    from pellucid import _core

    off = law.parts - masks.sum(axis=1, dtype=np.int64)
    each = law.target[off] / law.symmetric_half[off]
    weights = (each[0::2] + each[1::2]) / 2.0
    total = weights.sum()
    mean = each @ values / each.sum()
    spread = np.sqrt(each @ (values - mean) ** 2 / each.sum())
    varying = spread > 1e-12 * (1.0 + np.abs(mean))
    if not total > 0.0 or not varying.any():
        return 0.0, 0.0
    scaled = (values[:, varying] - mean[varying]) / spread[varying]
    differences = np.ascontiguousarray((scaled[0::2] - scaled[1::2]) / 2.0)
    means = (scaled[0::2] + scaled[1::2]) / 2.0
    centred = means - weights @ means / total
    even = weights @ centred**2 / total

    regression = _core.WeightedLeastSquares(law.parts, differences.shape[1])
    regression.add(masks[0::2].astype(np.float64) - 0.5, differences, weights)
    fit = regression.solve_gcv()
    intercepts = -fit.coefficients.sum(axis=0, keepdims=True) / 2.0
    odd_masks = np.ascontiguousarray(masks[0::2])
    left = differences - _core.linear_predictions(odd_masks, np.concatenate([intercepts, fit.coefficients]))
    freedom = np.minimum(np.asarray(fit.freedom), 0.95 * len(weights))
    odd = (weights @ left**2 / total) / (1.0 - freedom / len(weights))
    return float(odd.sum()), float(even.sum())


def _percent(part: float, whole: float) -> str:
    return f"{100.0 * part / whole:.0f} %" if whole > 0.0 else "0 %"


def _enumerable(parts: int, budget: int) -> bool:
    return parts <= MOST_ENUMERATED_PARTS and 2**parts <= budget


def _checked_budget(budget: Any) -> int:
    if not is_whole(budget) or not 2 <= int(budget) < 2**40:
        raise InputError(f"budget must be a whole number of masks of at least 2, got {shown(budget)}")
    return int(budget)
