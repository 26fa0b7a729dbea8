"""Background rows that resemble the explained one in what a coalition knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.representation.gaussian_law import CACHE_BYTES, correlation_of, regular
from pellucid.space import Space

Array = NDArray[np.float64]

UNORDERED_KINDS = frozenset({"categorical", "boolean"})
KEPT_SHARE = 0.95


@dataclass(frozen=True, eq=False)
class EmpiricalLaw:
    r"""Kernel weights of background rows given the known features of x. [aas2021]

    .. math:: w_b(S) \propto w_b \exp\Bigl(-\frac{D_S(x, b)^2}{2 \sigma^2}\Bigr), \qquad
              D_S(x, b)^2 = \frac{(x_S - b_S)^\top \Sigma_{SS}^{-1} (x_S - b_S)}{|S|}

    of which the largest are kept until they hold 95 % of the sum, `most` of them at most. |S| counts the features that
    vary; an unordered one adds 0 or 1 to the quadratic form instead.

    Attributes
    ----------
    rows, weights : the background (B, d) and its weights (B,).
    sigma : the width of the kernel.
    most : the most rows that a coalition keeps.
    """

    rows: Array
    weights: Array
    sigma: float
    most: int
    correlation: Array
    scale: Array
    unordered: NDArray[np.int32]
    part_of_column: NDArray[np.int32]
    warnings: tuple[str, ...]
    _core: Any = field(default=None, init=False, repr=False)

    @classmethod
    def fit(cls, rows: Array, weights: Array, *, space: Space, sigma: float, most: int) -> EmpiricalLaw:
        """The law of rows (B, d) of a space under weights (B,) that sum to 1."""
        from pellucid import _core

        rows = np.ascontiguousarray(rows)
        unordered = np.array([feature.kind in UNORDERED_KINDS for feature in space.features], dtype=np.int32)
        covariance = np.zeros((space.d, space.d))
        scaled = np.flatnonzero(unordered == 0)
        if len(scaled):
            moments = _core.weighted_moments(np.ascontiguousarray(rows[:, scaled]), np.ascontiguousarray(weights))
            covariance[np.ix_(scaled, scaled)] = moments.covariance
        correlation, warnings = regular(correlation_of(covariance), space, n_rows=len(rows))
        return cls(
            rows,
            np.ascontiguousarray(weights),
            sigma,
            most,
            correlation,
            np.sqrt(np.diag(covariance)),
            unordered,
            np.ascontiguousarray(space.part_of_column, dtype=np.int32),
            warnings,
        )

    def kept(self, x: Array, masks: NDArray[np.uint8]) -> Array:
        """Weights (m, B) with sum 1 for each mask (m, p); 0 where a row is not kept."""
        weights: Array = self.core.weights(x, masks)
        return weights

    @property
    def core(self) -> Any:
        """The kernel with the factors of the coalitions played so far, shared by all rows explained."""
        from pellucid import _core

        if self._core is None:
            core = _core.EmpiricalNeighbours(
                self.rows,
                self.weights,
                self.correlation,
                self.scale,
                self.unordered,
                self.part_of_column,
                int(self.part_of_column.max()) + 1,
                self.sigma,
                KEPT_SHARE,
                self.most,
                CACHE_BYTES,
            )
            object.__setattr__(self, "_core", core)
        return self._core

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_core": None}
