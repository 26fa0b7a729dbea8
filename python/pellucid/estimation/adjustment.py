"""Played pairs less what control variates already explain of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.estimation.control_variate import ControlVariate, FittedControlVariate
from pellucid.estimation.estimate import Array
from pellucid.representation import Mixture

MOST_CONTROL_VARIATES = 4
LARGEST_WEIGHT = 1.3
# Of a size: where less was played, it hardly matters that functions fit better what they have seen.
LEAST_SHARE = 0.01

Residuals = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class PlayedPairs:
    """What was played for one explained row: a coalition and its complement among the parts that differ, by turns.

    Attributes
    ----------
    rows : (2 m, d) codes as they were evaluated: the coalition of a pair, then its complement.
    outputs : (2 m, k) of the model.
    masks : (m, p) bool, the coalition of each pair.
    draws : (m,) its background row.
    weights : (m,) its weight in the regression.
    x : (d,) the explained row, and `full` (k,) its outputs.
    background : (B, d), and `empty` (B, k) its outputs.
    part_of_column : (d,) int32, the part of each column.
    """

    rows: Array
    outputs: Array
    masks: NDArray[np.bool_]
    draws: NDArray[np.int64]
    weights: Array
    x: Array
    full: Array
    background: Array
    empty: Array
    part_of_column: NDArray[np.int32]

    @property
    def targets(self) -> Array:
        """(m, k) half differences (v(S) - v(complement)) / 2."""
        return (self.outputs[0::2] - self.outputs[1::2]) * 0.5

    @property
    def gaps(self) -> Array:
        """(B, k) f(x) - f(b)."""
        return self.full - self.empty

    def shares(self) -> Array:
        """(m,): of all pairs of the same size under the same draw, the share that was played."""
        differs = Mixture(self.x, self.background, self.part_of_column).differs(self.masks.shape[1])[self.draws]
        active, size = differs.sum(axis=1), (self.masks & differs).sum(axis=1)
        cells = np.stack([self.draws, active, np.minimum(size, active - size)], axis=1)
        found, of_cell, played = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
        share = [int(n) * (1 + (2 * s == a)) / comb(a, s) for n, (_, a, s) in zip(played, found.tolist(), strict=True)]
        shares: Array = np.minimum(np.array(share), 1.0)[of_cell.ravel()]
        return shares

    def centred_masks(self) -> Array:
        """(m, p): 1/2 for parts of the coalition, -1/2 for those of its complement, 0 where x and b agree."""
        differs = Mixture(self.x, self.background, self.part_of_column).differs(self.masks.shape[1])
        return np.where(differs[self.draws], self.masks - 0.5, 0.0)


@dataclass(frozen=True)
class Adjusted:
    """Targets for the regression, and what must be added back to its values.

    Attributes
    ----------
    targets : (m, k) half differences less the weighted noise of the control variates, for the values.
    fresh : (m, k) the same by functions that have not seen the pair and weights that do not count it, for the errors.
    line : (m, k) u' prior_b, the part of the targets that the prior stands for.
    prior : (B, p, k) what they say the values for each background row are. The regression is run on
        targets - line and gaps - sum of prior_b; its values for b plus prior_b are those of the model.
    weights : (S, k) of the noise of each control variate.
    prior_weights : (S, k) of its values in the prior.
    r2 : (k,) share of the half differences that functions fitted without them explain.
    gain : (k,) share that goes from the residual of the regression, in the weighted squares.
    """

    targets: Array
    fresh: Array
    line: Array
    prior: Array
    weights: Array
    prior_weights: Array
    r2: Array
    gain: Array


def fit_to_pairs(
    variate: ControlVariate, pairs: PlayedPairs, *, folds: NDArray[np.int64], seed: int
) -> FittedControlVariate:
    """Fit to the rows of all pairs, and to x and the background, which all folds see.

    Parameters
    ----------
    variate : what to fit.
    pairs : what was played.
    folds : (m,) the fold of each pair.
    seed : of the fit.
    """
    in_all = np.full(1 + len(pairs.background), -1)
    return variate.fit(
        np.vstack([pairs.rows, pairs.x, pairs.background]),
        np.vstack([pairs.outputs, pairs.full, pairs.empty]),
        folds=np.concatenate([np.repeat(folds, 2), in_all]),
        seed=seed,
    )


def adjust(
    pairs: PlayedPairs,
    fitted: Sequence[FittedControlVariate],
    *,
    folds: NDArray[np.int64],
    residuals: Residuals | None = None,
) -> Adjusted:
    r"""Take from every half difference the noise of the control variates, whose own values are known.

    For pair (S, b) of fold f and a control variate s with values :math:`\phi_f(b)`,

    .. math:: h = \tfrac12 (s_f(S) - s_f(E_b \setminus S)) - u^T \phi_f(b), \qquad u = 1_S - \tfrac12 1_{E_b}

    has Shapley value zero for this very b and does not know the outputs of the pair: any multiple of it can be
    subtracted without bias. The weights are non-negative least squares of what the regression leaves of the half
    differences on what it leaves of h: noise that the regression removes by itself earns nothing.

    Parameters
    ----------
    pairs : what was played.
    fitted : one to four control variates, fitted on these rows with these folds.
    folds : (m,) the fold of each pair.
    residuals : maps targets (m, k) and gaps (B, k) to what the regression leaves of the targets (m, k), at the
        shrinkage it chose for the model. None regresses half differences on odd parts: weights near 1.

    Raises
    ------
    InputError : no or too many control variates, or folds that do not fit the pairs.
    """
    if not 1 <= len(fitted) <= MOST_CONTROL_VARIATES:
        raise InputError(f"fitted must hold 1 to {MOST_CONTROL_VARIATES} control variates, got {len(fitted)}")
    if folds.shape != pairs.draws.shape:
        raise InputError(f"folds must have shape {pairs.draws.shape}, one for each pair, got {folds.shape}")

    targets, weight = pairs.targets, pairs.weights
    odd, noise, phi = zip(*(noise_of(pairs, function, folds=folds) for function in fitted), strict=True)

    prior_weights, r2 = stacking_weights(targets, odd, weights=weight)
    prior = sum((w * of.mean(axis=0) for w, of in zip(prior_weights, phi, strict=True)), np.zeros(phi[0].shape[1:]))
    line = _lines(pairs.centred_masks(), prior[None], np.zeros_like(folds), pairs.draws)
    left, of_noise, gain = targets, odd, np.full_like(r2, np.nan)
    weights = prior_weights
    if residuals is not None:
        # Beside the prior, which the values are estimated with: it takes what is of the draws, and not noise.
        left = residuals(targets - line, pairs.gaps - prior.sum(axis=1))
        nothing = np.zeros_like(pairs.gaps)
        of_noise = tuple(residuals(h, nothing) for h in noise)
        weights, gain = stacking_weights(left, of_noise, weights=weight)
    adjusted, fresh = targets.copy(), targets.copy()
    for w, function, h, of in zip(weights, fitted, noise, phi, strict=True):
        if w.any():
            adjusted -= w * balanced_noise(pairs, function, h, of, folds=folds)
    for fold in range(int(folds.max()) + 1):
        inside = folds == fold
        without, _ = stacking_weights(left[~inside], [h[~inside] for h in of_noise], weights=weight[~inside])
        fresh[inside] -= sum(w * h[inside] for w, h in zip(without, noise, strict=True))
    return Adjusted(adjusted, fresh, line, prior, weights, prior_weights, r2, gain)


def noise_of(
    pairs: PlayedPairs, function: FittedControlVariate, *, folds: NDArray[np.int64]
) -> tuple[Array, Array, Array]:
    """Odd parts (m, k) of a control variate, its noise h (m, k), and its values (folds, B, p, k)."""
    phi = function.values(pairs.x, pairs.background, part_of_column=pairs.part_of_column, parts=pairs.masks.shape[1])
    odd = _odd_parts(function, pairs.rows, folds)
    return odd, odd - _lines(pairs.centred_masks(), phi, folds, pairs.draws), phi


def balanced_noise(
    pairs: PlayedPairs, function: FittedControlVariate, noise: Array, phi: Array, *, folds: NDArray[np.int64]
) -> Array:
    """(m, k): the noise by the function of a pair's fold and by the others, in the proportion of what was played."""
    count = int(folds.max()) + 1
    known = pairs.shares()
    some = np.flatnonzero(known >= LEAST_SHARE)
    known = (1.0 - 1.0 / count) * known[some, None]
    rows, u = pairs.rows.reshape(len(folds), 2, -1)[some], pairs.centred_masks()[some]
    by_others = np.zeros((len(some), noise.shape[1]))
    for shift in range(1, count):
        other = (folds[some] + shift) % count
        by_others += _odd_parts(function, rows.reshape(2 * len(some), -1), other)
        by_others -= _lines(u, phi, other, pairs.draws[some])
    balanced: Array = noise.copy()
    balanced[some] += known * (by_others / (count - 1) - noise[some])
    return balanced


def _odd_parts(function: FittedControlVariate, rows: Array, folds: NDArray[np.int64]) -> Array:
    predicted = function.evaluate(rows, folds=np.repeat(folds, 2))
    odd: Array = (predicted[0::2] - predicted[1::2]) * 0.5
    return odd


def stacking_weights(targets: Array, columns: Sequence[Array], *, weights: Array) -> tuple[Array, Array]:
    r"""Non-negative least squares :math:`\min_{a \ge 0} \sum_i w_i (g_i - \sum_s a_s h_{si})^2`, output by output.

    Parameters
    ----------
    targets : (m, k).
    columns : S arrays (m, k), at most four: every set of them is tried, so the minimum is exact.
    weights : (m,) not negative.

    Returns
    -------
    weights (S, k), scaled down to a sum of at most 1.3, and the share of the squares explained (k,).

    Examples
    --------
    >>> import numpy as np
    >>> g = np.array([[1.0], [2.0], [3.0]])
    >>> a, r2 = stacking_weights(g, [g * 2, -g], weights=np.ones(3))
    >>> a.ravel().tolist(), r2.tolist()
    ([0.5, 0.0], [1.0])
    """
    count, outputs = len(columns), targets.shape[1]
    best, share = np.zeros((count, outputs)), np.zeros(outputs)
    for o in range(outputs):
        h = np.stack([column[:, o] for column in columns])
        # Sums without BLAS, whose order of addition depends on threads.
        gram = np.array([[np.sum(weights * a * b) for b in h] for a in h])
        right = np.array([np.sum(weights * a * targets[:, o]) for a in h])
        total = float(np.sum(weights * targets[:, o] ** 2))
        best[:, o] = _non_negative(gram, right)
        best[:, o] *= min(1.0, LARGEST_WEIGHT / max(best[:, o].sum(), LARGEST_WEIGHT))
        explained = 2.0 * best[:, o] @ right - best[:, o] @ gram @ best[:, o]
        share[o] = explained / total if total > 0 else 0.0
    return best, share


def _non_negative(gram: Array, right: Array) -> Array:
    """argmin a'G a - 2 a'r over a >= 0, by trying every set of positive entries."""
    best, lowest = np.zeros(len(right)), 0.0
    for size in range(1, len(right) + 1):
        for active in combinations(range(len(right)), size):
            at = list(active)
            a = np.linalg.lstsq(gram[np.ix_(at, at)], right[at], rcond=1e-10)[0]
            objective = float(a @ gram[np.ix_(at, at)] @ a - 2.0 * a @ right[at])
            if (a >= 0.0).all() and objective < lowest:
                lowest = objective
                best = np.zeros(len(right))
                best[at] = a
    return best


def _lines(u: Array, phi: Array, folds: NDArray[np.int64], draws: NDArray[np.int64]) -> Array:
    """(m, k): u' phi of the fold and draw of each pair; phi (folds, B, p, k)."""
    lines = np.empty((len(u), phi.shape[3]))
    for o in range(phi.shape[3]):  # an output at a time, or the gathered values would be k times as large
        lines[:, o] = np.sum(u * phi[folds, draws, :, o], axis=1)
    return lines
