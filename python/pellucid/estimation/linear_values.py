"""Exact Shapley values of linear functions against a background."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation.estimate import Array


class LinearValues:
    r"""Shapley values of the margins of a linear function, marginal: :math:`\phi_i = \beta_i (x_i - \bar b_i)`.

    A group of columns has the sum over its columns; there are no interactions.

    Parameters
    ----------
    linear : `coefficients` (d, k) and `intercept` (k,).
    part_of_column : (d,) the player of each column.
    parts : number p of players.
    background : (B, d) rows in the columns of the function.
    weights : (B,) their weights, with sum 1.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> line = SimpleNamespace(coefficients=np.array([[3.0], [1.0]]), intercept=np.zeros(1))
    >>> known = {"part_of_column": np.arange(2, dtype=np.int32), "parts": 2}
    >>> found = LinearValues(line, **known, background=np.array([[0.0, 0.0], [2.0, 4.0]]), weights=np.full(2, 0.5))
    >>> found.values(np.array([[2.0, 5.0]]))[0, :, 0].tolist(), found.base.tolist()
    ([3.0, 3.0], [5.0])
    """

    def __init__(
        self, linear: Any, *, part_of_column: NDArray[np.int32], parts: int, background: Array, weights: Array
    ) -> None:
        self.coefficients = np.ascontiguousarray(linear.coefficients, dtype=np.float64)
        self.intercept = np.ascontiguousarray(linear.intercept, dtype=np.float64)
        self.part_of_column = part_of_column
        self.parts = int(parts)
        self.rows = len(background)
        self.mean = weights @ background
        self.mean_size = weights @ np.abs(background)

    @property
    def method(self) -> str:
        return f"Shapley values of a linear model, {'baseline' if self.rows == 1 else 'marginal'}"

    @property
    def base(self) -> Array:
        """(k,) the value of the mean row."""
        found: Array = self.intercept + self.mean @ self.coefficients
        return found

    def values(self, rows: Array) -> Array:
        """(n, p, k) values of rows (n, d)."""
        return self._by_part((rows - self.mean)[:, :, None] * self.coefficients)

    def interactions(self, rows: Array) -> Array:
        """(n, p, p, k) zeros."""
        return np.zeros((len(rows), self.parts, self.parts, len(self.intercept)))

    def error_bound(self, rows: Array) -> Array:
        """(k,) of sums and products in double precision: each operation errs by half a unit of its last place."""
        sizes = np.abs(rows).max(axis=0, initial=0.0) + (self.rows + 2) * self.mean_size
        terms = self._by_part((sizes[:, None] * np.abs(self.coefficients))[None])
        found: Array = (len(self.mean) + 4) * 2.0**-53 * terms.max(axis=(0, 1))
        return found

    def _by_part(self, columns: Array) -> Array:
        """(n, p, k) sums of (n, d, k) over the columns of each player."""
        if self.parts == columns.shape[1]:
            return columns
        found = np.zeros((len(columns), self.parts, columns.shape[2]))
        for column, part in enumerate(self.part_of_column):
            found[:, part] += columns[:, column]
        return found
