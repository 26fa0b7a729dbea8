r"""Shapley values of linear and additive models without asking the model: marginal, and under a normal law.

A sum of functions of one column each has marginal values that are the functions themselves, less their means. Of a
linear one even the conditional values have a closed form when the columns are normal: the value of a coalition is
:math:`v(S) = v(\emptyset) + c_S^\top (x - \mu)`, with a vector :math:`c_S` that does not depend on x. So the values of
all rows are :math:`\phi = Q (x - \mu)` with one matrix Q, the Shapley values of the vectors :math:`c_S`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.estimation.exact import MASKS_AT_ONCE
from pellucid.representation import GaussianLaw
from pellucid.whitebox.additive import Additive
from pellucid.whitebox.linear import Linear

Array = NDArray[np.float64]

# All coalitions of up to so many parts are solved, if neither the memory nor the time grows beyond these numbers.
EXACT_PARTS = 16
MOST_DOUBLES = 2**25
MOST_WORK = 2**35
DOUBLES_AT_ONCE = 2**21
# Pairs of orders, each the reverse of the other: at least and at most, by products; and groups of them for the spread.
PAIRS = (64, 2048)
PAIRS_WORK = 2e9
MEANS = 64


def linear_marginal(
    structure: Additive, codes: Array, background: Array, weights: Array, part_of_column: Any, parts: int
) -> tuple[Array, Array]:
    r"""Values (n, p, k) and base (k,) of the margins: exact, of all background rows.

    .. math:: \phi_i = \sum_{j \in i} g_j(x_j) - \sum_b w_b\, g_j(b_j)

    Parameters
    ----------
    structure : the sum.
    codes : (n, d) rows to explain, with the codes of the structure.
    background, weights : (B, d) and (B,), with sum 1.
    part_of_column : (d,) the part that each column belongs to.
    parts : p.
    """
    values = np.zeros((len(codes), parts, len(structure.intercept)))
    base = np.array(structure.intercept)
    for j in range(structure.features):
        mean = _weighted(structure.contribution(j, background[:, j]), weights)
        values[:, part_of_column[j]] += _away(structure, j, codes[:, j], background[:, j], weights, mean)
        base += mean
    return values, base


def _away(structure: Additive, j: int, x: Array, b: Array, weights: Array, mean: Array) -> Array:
    """g_j(x) - mean. Of a line the columns are subtracted, not the products: they may be large and close together."""
    if isinstance(structure, Linear) and not (np.isnan(x).any() or np.isnan(b).any()):
        return np.asarray((x - _weighted(b[:, None], weights))[:, None] * structure.coefficients[j])
    return structure.contribution(j, x) - mean


def _weighted(rows: Array, weights: Array) -> Array:
    """Mean (k,) of rows (B, k). Sums over the last axis are made in pairs, in an order that no thread changes."""
    return np.asarray((np.ascontiguousarray(rows.T) * weights).sum(axis=1))


def marginal_error_bound(
    structure: Additive, codes: Array, background: Array, weights: Array, part_of_column: Any, parts: int
) -> Array:
    """(k,) more than rounding can change any of the values of `linear_marginal`."""
    sizes = np.zeros((parts, len(structure.intercept)))
    for j in range(structure.features):
        largest = np.abs(structure.contribution(j, codes[:, j])).max(axis=0, initial=0.0)
        mean = _weighted(np.abs(structure.contribution(j, background[:, j])), weights)
        sizes[part_of_column[j]] += largest + mean
    # A product, a sum in pairs of blocks of 128, a difference, and a sum over the columns of a part.
    steps = 32 + math.log2(max(len(background), 1)) + np.bincount(part_of_column, minlength=parts)[:, None]
    return np.asarray((np.finfo(np.float64).eps * steps * sizes).max(axis=0))


def linear_conditional(
    structure: Additive,
    codes: Array,
    law: GaussianLaw,
    part_of_column: Any,
    parts: int,
    *,
    seed: int,
    budget: int | None = None,
) -> tuple[Array, Array | None, Array, str]:
    r"""Values (n, p, k), their standard errors or None, base (k,), and a sentence on how they were made.

    .. math:: v(S) = \mathrm{E}[f(X) \mid X_S = x_S], \qquad X \sim N(\mu, \Sigma)

    The law is the one that the sampled values use, ridge and causal order included, so that both agree. Up to
    `EXACT_PARTS` parts all coalitions are solved. Beyond, Q is the mean over random orders, each with its reverse, and
    one factorisation of the covariance serves all coalitions of an order [aas2021].

    Parameters
    ----------
    structure : a `Linear`.
    codes : (n, d) rows to explain, none missing.
    law : of the d columns.
    part_of_column, parts : (d,) the part that each column belongs to, and p.
    seed : of the orders.
    budget : number of orders, at least 4; None chooses by the number of columns.

    Raises
    ------
    InputError : the structure is no `Linear`, a missing value, or a budget that is too small.
    """
    if not isinstance(structure, Linear):
        raise InputError(
            f"structure must be linear for conditional values in closed form, got {type(structure).__name__} of "
            f"{structure.source}"
        )
    if np.isnan(codes).any():
        raise InputError("codes must have no missing values under a normal law, got some; fill them in")
    part_of_column = np.asarray(part_of_column, dtype=np.int32)
    mean = law.draws.mean(axis=0)
    away, base = codes - mean, structure.intercept + _product(mean[None], structure.coefficients)[0]
    d, k = structure.coefficients.shape
    solvable = parts <= EXACT_PARTS and 2**parts * d * k <= MOST_DOUBLES and 2**parts * d**3 <= MOST_WORK
    if solvable and budget is None:
        matrix = _exact_matrix(structure.coefficients, law, parts)
        return _values(matrix, away), None, base, f"closed form under the normal law, all {2**parts:,} coalitions"
    orders = _Orders(structure.coefficients, law, part_of_column, parts, seed=seed)
    pairs = math.prod(_groups(_pairs(budget, d)))
    values, std_err = orders.values(away, pairs)
    return values, std_err, base, f"closed form under the normal law, {2 * pairs:,} orders in antithetic pairs"


def _pairs(budget: int | None, d: int) -> int:
    if budget is None:
        return int(np.clip(PAIRS_WORK / d**3, *PAIRS))
    if budget < 4:
        raise InputError(f"budget must be at least 4 orders, two pairs, got {budget}")
    return int(budget) // 2


def _values(matrix: Array, away: Array) -> Array:
    """(n, p, k) of Q (p, d, k) and x - mu (n, d)."""
    return np.asarray(np.einsum("pdk,nd->npk", matrix, away))


def _product(rows: Array, matrix: Array) -> Array:
    # Not BLAS, whose sums may depend on the number of its threads.
    return np.asarray(np.einsum("nd,dk->nk", rows, matrix))


def _exact_matrix(coefficients: Array, law: GaussianLaw, parts: int) -> Array:
    """Q (p, d, k) from all coalitions."""
    from pellucid import _core

    d, k = coefficients.shape
    total = 2**parts
    worth = np.empty((total, d * k))
    step = min(MASKS_AT_ONCE, max(1, DOUBLES_AT_ONCE // d**2))
    for first in range(0, total, step):
        count = min(step, total - first)
        masks = _core.all_coalitions(parts, first, count)
        worth[first : first + count] = _coalition_vectors(coefficients, law, masks).reshape(count, -1)
    matrix: Array = _core.exact_shapley(worth, parts)
    return matrix.reshape(parts, d, k)


def _coalition_vectors(coefficients: Array, law: GaussianLaw, masks: Any) -> Array:
    r"""c_S (m, d, k) of masks (m, p): beta on S, and what the columns of S tell about the others."""
    d = len(coefficients)
    gains = law.core.operators(masks).reshape(len(masks), d, d)
    known = np.asarray(masks, dtype=np.float64)[:, law.part_of_column]
    return np.asarray(known[:, :, None] * coefficients + np.einsum("mud,uk->mdk", gains, coefficients))


class _Orders:
    """Q as a mean over random orders of the parts."""

    def __init__(self, coefficients: Array, law: GaussianLaw, part_of_column: Any, parts: int, *, seed: int) -> None:
        self.coefficients, self.law, self.part, self.parts = coefficients, law, part_of_column, parts
        self.random = np.random.default_rng(seed)
        # A constant column tells nothing and is told nothing.
        self.varying = np.flatnonzero(np.diag(law.covariance) > 0.0)
        self.plain = len(law.confounded) == 1 and not law.confounded[0]

    def values(self, away: Array, pairs: int) -> tuple[Array, Array]:
        """Values (n, p, k) and their standard errors, from the means of groups of pairs."""
        groups, size = _groups(pairs)
        total = np.zeros((len(away), self.parts, self.coefficients.shape[1]))
        spread = np.zeros_like(total)
        for done, matrix in enumerate(self._means(groups, size), start=1):
            # Welford's update.
            step = _values(matrix, away) - total
            total += step / done
            spread += step * step * ((done - 1) / done)
        return total, np.sqrt(spread / (groups - 1) / groups)

    def _means(self, groups: int, size: int) -> Iterator[Array]:
        """Q (p, d, k) of each group of so many pairs of orders."""
        d, k = self.coefficients.shape
        at_once = max(1, min(groups, DOUBLES_AT_ONCE // (d * d * k)))
        of_orders = self._by_factors if self.plain else self._by_solving
        for first in range(0, groups, at_once):
            count = min(at_once, groups - first)
            for sums in of_orders(self._drawn(count * size), 2 * size):
                matrix = np.zeros((self.parts, d, k))
                np.add.at(matrix, self.part, sums / (2 * size))
                yield matrix

    def _drawn(self, pairs: int) -> NDArray[np.int64]:
        """Orders (2 pairs, p) of the parts, each followed by its reverse."""
        forward = self.random.permuted(np.tile(np.arange(self.parts), (pairs, 1)), axis=1)
        return np.stack([forward, forward[:, ::-1]], axis=1).reshape(2 * pairs, self.parts)

    def _by_factors(self, orders: NDArray[np.int64], per_group: int) -> Iterator[Array]:
        """Sums of the matrices (d, d, k) of each group of orders of the parts, a row for each column that enters."""
        from pellucid import _core

        d, k = self.coefficients.shape
        varying, still = self.varying, np.setdiff1d(np.arange(d), self.varying)
        place = np.argsort(orders, axis=1)[:, self.part[varying]]
        found = _core.gaussian_linear_orders(
            np.ascontiguousarray(self.law.covariance[np.ix_(varying, varying)]),
            np.ascontiguousarray(self.coefficients[varying]),
            np.ascontiguousarray(np.argsort(place, axis=1, kind="stable")),
            per_group,
        )
        for one in found:
            sums = np.zeros((d, d, k))
            sums[np.ix_(varying, varying)] = one.reshape(len(varying), len(varying), k)
            sums[still, still] = per_group * self.coefficients[still]
            yield sums

    def _by_solving(self, orders: NDArray[np.int64], per_group: int) -> Iterator[Array]:
        """The same for causal laws: each coalition of each order is solved. Rows are of the first column of a part."""
        d, k = self.coefficients.shape
        first = np.array([int(np.flatnonzero(self.part == part)[0]) for part in range(self.parts)])
        for group in orders.reshape(-1, per_group, self.parts):
            sums = np.zeros((d, d, k))
            for order in group:
                masks = np.zeros((self.parts + 1, self.parts), dtype=np.uint8)
                for place, part in enumerate(order):
                    masks[place + 1 :, part] = 1
                sums[first[order]] += np.diff(_coalition_vectors(self.coefficients, self.law, masks), axis=0)
            yield sums


def _groups(pairs: int) -> tuple[int, int]:
    """How many groups of how many pairs, no more pairs in all than asked for."""
    groups = min(pairs, MEANS)
    return groups, pairs // groups
