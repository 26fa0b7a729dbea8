"""Columns for a regression on masks that take out what cheap surrogates know of the outputs, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.estimation.mask_design import Masks
from pellucid.estimation.size_law import Array, SizeLaw

FEWEST_ROWS = 1000
FOLDS = 4
TREES = 80
BANK_ROWS = 60_000
MOST_ENUMERATED_PARTS = 15


def surrogate_columns(masks: Masks, values: Array, *, weights: Array, law: SizeLaw, pairs: bool, seed: int) -> Array:
    r"""(m, e, k) columns for the outputs (m, k) of masks (m, p), each with its own; e = 0 below 1,000 masks.

    .. math:: h_i = g_{-f(i)}(z_i) - \beta_0(g) - z_i^\top \beta(g)

    where g was fitted without the fold of row i, and :math:`\beta(g)` is the limit of its own coefficients under the
    law. So h is uncorrelated with 1 and z, and in a regression of the outputs on (1, z, h) the limits of the
    coefficients of z stay, whatever g is; their variance falls by what h explains.

    Surrogates are boosted trees [friedman2001], whose limit is exact, and, for outputs that all lie within [0, 1], a
    logistic curve over a linear function, whose limit is estimated over 60,000 masks. Folds are four blocks of
    consecutive rows, in pairs. Constant outputs get columns of zeros; where all are constant, e = 0.

    Raises
    ------
    InputError : where masks, values and weights have different numbers of rows.
    """
    m = len(masks)
    if len(values) != m or len(weights) != m:
        raise InputError(
            f"values and weights must have a row for each of {m:,} masks, got {len(values):,} and {len(weights):,}"
        )
    outputs = values.shape[1]
    if m < FEWEST_ROWS:
        return np.empty((m, 0, outputs))
    varying = np.flatnonzero(np.ptp(values, axis=0) > 1e-12 * (1.0 + np.abs(values).max(axis=0)))
    if len(varying) == 0:
        return np.empty((m, 0, outputs))
    starts = fold_starts(m, pairs=pairs)
    targets = np.ascontiguousarray(values[:, varying])
    found = [tree_column(masks, targets, weights=weights, law=law, starts=starts)]
    if targets.min() >= 0.0 and targets.max() <= 1.0:
        found.insert(0, logistic_column(masks, targets, weights=weights, law=law, starts=starts, seed=seed))
    columns = np.zeros((m, len(found), outputs))
    columns[:, :, varying] = np.stack(found, axis=1)
    return columns


def fold_starts(rows: int, *, pairs: bool) -> NDArray[np.int64]:
    """Where each of the blocks of consecutive rows starts, and where the last one ends.

    >>> fold_starts(1002, pairs=True).tolist()
    [0, 250, 500, 750, 1002]
    """
    unit = 2 if pairs else 1
    starts = np.arange(FOLDS + 1, dtype=np.int64) * (rows // unit) // FOLDS * unit
    starts[-1] = rows
    return starts


def tree_column(masks: Masks, values: Array, *, weights: Array, law: SizeLaw, starts: NDArray[np.int64]) -> Array:
    """(m, k) cross-fitted boosted trees less their limits."""
    from pellucid import _core

    fitted = _core.MaskTrees(masks, values, weights, starts, TREES)
    alpha, inverse = law.alphas(int(fitted.most_depth) + 1), inverse_entries(law)
    limits = [fitted.limits(block, alpha, inverse) for block in range(FOLDS)]
    return _less_limits(masks, fitted, limits, starts)


def logistic_column(
    masks: Masks, values: Array, *, weights: Array, law: SizeLaw, starts: NDArray[np.int64], seed: int
) -> Array:
    """(m, k) cross-fitted logistic curves less their limits."""
    from pellucid import _core

    fitted = _core.MaskLogistic(masks, values, weights, starts)
    bank, bank_weights = mask_bank(law, seed=seed)
    alpha, inverse = law.alphas(3), inverse_entries(law)
    limits = [fitted.limits(block, bank, bank_weights, alpha, inverse) for block in range(FOLDS)]
    return _less_limits(masks, fitted, limits, starts)


def mask_bank(law: SizeLaw, *, seed: int) -> tuple[Masks, Array]:
    """Masks of the target law and their weights, which sum to 1: all masks of up to 15 parts, else 60,000."""
    from pellucid import _core

    if law.parts <= MOST_ENUMERATED_PARTS:
        masks = np.asarray(_core.all_coalitions(law.parts, 0, 2**law.parts))
        weights = law.probabilities()[law.parts - masks.sum(axis=1, dtype=np.int64)]
        return masks, weights / weights.sum()
    masks = np.asarray(_core.sized_masks(seed, 1, law.target, 0, BANK_ROWS, False))
    return masks, np.full(BANK_ROWS, 1.0 / BANK_ROWS)


def inverse_entries(law: SizeLaw) -> Array:
    """(4,) the inverse of the second moments as the core takes it: corner, border, diagonal less beside, beside."""
    inverse = law.inverse
    return np.array([inverse.intercept, inverse.border, inverse.diagonal - inverse.beside, inverse.beside])


def _less_limits(masks: Masks, fitted: Any, limits: list[Array], starts: NDArray[np.int64]) -> Array:
    from pellucid import _core

    blocks = np.repeat(np.arange(FOLDS, dtype=np.int64), np.diff(starts))
    linear = [
        _core.linear_predictions(masks[first:last], limit)
        for first, last, limit in zip(starts[:-1], starts[1:], limits, strict=True)
    ]
    values: Array = fitted.evaluate(masks, blocks)
    return values - np.concatenate(linear)
