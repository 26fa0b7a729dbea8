"""Functions fitted on rows already played, whose interventional Shapley values are known exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.estimation.estimate import Array

MOST_LANDMARKS = 400
FEWEST_OF_MANY_ROWS = 200  # landmarks from 800 rows on
FOLDS_OF_FEW_ROWS = 5
FOLDS_OF_MANY_ROWS = 3
MANY_ROWS = 5000


class FittedControlVariate(Protocol):
    """One function for each fold, fitted without the rows of that fold."""

    def evaluate(self, rows: Array, *, folds: NDArray[np.int64]) -> Array:
        """(n, k) outputs for rows (n, d), each by the function that has not seen its fold (n,)."""
        ...

    def values(self, x: Array, background: Array, *, part_of_column: NDArray[np.int32], parts: int) -> Array:
        """(folds, B, p, k) Shapley values of every function for x (d,) against each background row (B, d) alone.

        They sum to s(x) - s(b) over the parts, and are zero for parts where x and b agree.
        """
        ...


class ControlVariate(Protocol):
    """A kind of function that can be fitted to a model, and whose Shapley values are known exactly.

    What it gets wrong costs accuracy, never correctness: only its own error against its own exact values is
    taken from what was played.
    """

    def fit(self, rows: Array, outputs: Array, *, folds: NDArray[np.int64], seed: int) -> FittedControlVariate:
        """Fit to outputs (n, k) of rows (n, d); rows of fold -1 are seen by the functions of all folds."""
        ...


@dataclass(frozen=True)
class KernelControlVariate:
    r"""Ridge regression on Gaussian features and the columns, for models that are smooth.

    .. math:: s(z) = w_0 + w^T z + \sum_c a_c \exp(-\gamma |z - c|^2 / d)

    with standardised columns z and landmarks c drawn from the rows; :math:`\gamma` and the ridge have the least
    generalised cross-validation [golub1979]. The kernel is a product over columns, so its values are one-dimensional
    integrals of the multilinear extension [owen1972], exact up to 33 parts. A missing value counts as the mean of
    its column, and a column that is constant in the rows is left out.

    Parameters
    ----------
    landmarks : how many; None takes one for 4 rows up to 200, then one for 8 rows up to 400.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.array([[i, j] for i in range(6) for j in range(6)], dtype=float)
    >>> fitted = KernelControlVariate(landmarks=12).fit(
    ...     rows, rows[:, :1] * rows[:, 1:], folds=np.arange(36) % 3, seed=0
    ... )
    >>> x, b = rows[[35]], rows[[0]]
    >>> phi = fitted.values(x[0], b, part_of_column=np.arange(2, dtype=np.int32), parts=2)
    >>> fold = np.array([1])
    >>> phi.shape, np.allclose(phi[1].sum(axis=1), fitted.evaluate(x, folds=fold) - fitted.evaluate(b, folds=fold))
    ((3, 1, 2, 1), True)
    """

    landmarks: int | None = None

    @property
    def name(self) -> str:
        """For reports."""
        return "a smooth kernel"

    def fit(self, rows: Array, outputs: Array, *, folds: NDArray[np.int64], seed: int) -> FittedKernel:
        """Fit to outputs (n, k) of rows (n, d), numbers or NaN; at most 20,000 rows are used.

        Raises
        ------
        InputError : shapes that do not fit, infinities, fewer than two folds or a fold that holds all rows.
        """
        from pellucid import _core

        landmarks = self.landmarks
        if landmarks is None:
            most = min(MOST_LANDMARKS, max(FEWEST_OF_MANY_ROWS, len(rows) // 8))
            landmarks = max(1, min(most, len(rows) // 4))
        return FittedKernel(
            _core.KernelRidge(doubles(rows), doubles(outputs), _folds(folds), landmarks=landmarks, seed=seed)
        )


@dataclass(frozen=True)
class FittedKernel:
    """The fits of `KernelControlVariate`, one for each fold."""

    ridge: Any

    def evaluate(self, rows: Array, *, folds: NDArray[np.int64]) -> Array:
        """(n, k) outputs for rows (n, d), each by the function that has not seen its fold (n,)."""
        return np.asarray(self.ridge.evaluate(doubles(rows), _folds(folds)))

    def values(self, x: Array, background: Array, *, part_of_column: NDArray[np.int32], parts: int) -> Array:
        """(folds, B, p, k) exact values for x (d,) against each background row (B, d); see `ControlVariate`.

        The time grows with B: give the background rows that were played, not all there are.
        """
        from pellucid import _core

        part_of_column = np.ascontiguousarray(part_of_column, dtype=np.int32)
        flat = _core.kernel_values(self.ridge, doubles(x), doubles(background), part_of_column, parts)
        return np.asarray(flat).reshape(self.ridge.folds, len(background), parts, -1)


def fold_of_pairs(pairs: int, *, rows: int, seed: int) -> NDArray[np.int64]:
    """(m,) the fold of each pair, at random and of even sizes: 5 of them, or 3 from 5,000 rows on.

    Both coalitions of a pair belong to one fold, because their outputs are used as one number.

    Raises
    ------
    InputError : fewer than two pairs, which leave nothing to fit on.

    Examples
    --------
    >>> sorted(fold_of_pairs(7, rows=14, seed=0).tolist())
    [0, 0, 1, 1, 2, 3, 4]
    """
    from pellucid import _core

    if pairs < 2:
        raise InputError(f"pairs must be at least 2 to make folds, got {pairs}; play more coalitions")
    folds = min(pairs, FOLDS_OF_MANY_ROWS if rows >= MANY_ROWS else FOLDS_OF_FEW_ROWS)
    fold = np.empty(pairs, dtype=np.int64)
    fold[_core.random_permutations(seed, pairs, 0, 1)[0]] = np.arange(pairs) % folds
    return fold


def doubles(array: Any) -> Array:
    return np.ascontiguousarray(array, dtype=np.float64)


def _folds(folds: Any) -> NDArray[np.int64]:
    return np.ascontiguousarray(folds, dtype=np.int64)
