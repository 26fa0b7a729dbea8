"""The normal law of a background, and of its normal scores: fitted once, drawn once, for all rows explained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.space import Space
from pellucid.space.causal import CausalOrder
from pellucid.space.declare import listing

Array = NDArray[np.float64]

# Operators of coalitions are kept up to this size; all 2^16 of 16 features fit.
CACHE_BYTES = 2**26
# The correlation of columns that determine one another is lifted to this smallest eigenvalue before it is inverted.
LEAST_EIGENVALUE = 1e-8


@dataclass(frozen=True, eq=False)
class GaussianLaw:
    r"""N(mu, Sigma) with the moments of weighted rows, and draws that have these moments exactly.

    Attributes
    ----------
    covariance : (d, d), with the ridge that it needs to be inverted; 0 for constant columns.
    draws : (B, d), in antithetic pairs.
    component_of_column, confounded : the causal order of the columns; one component without confounding is none.
    warnings : what was done to make the covariance regular, and which columns are constant.
    """

    covariance: Array
    draws: Array
    part_of_column: NDArray[np.int32]
    component_of_column: NDArray[np.int32]
    confounded: NDArray[np.int32]
    warnings: tuple[str, ...]
    _core: Any = field(default=None, init=False, repr=False)

    @classmethod
    def fit(
        cls, rows: Array, weights: Array, *, space: Space, n_draws: int, seed: int, order: CausalOrder | None = None
    ) -> GaussianLaw:
        """The law of rows (B, d) of a space under weights (B,) that sum to 1."""
        from pellucid import _core

        moments = _core.weighted_moments(np.ascontiguousarray(rows), np.ascontiguousarray(weights))
        draws = _drawn(moments.mean, moments.covariance, n_draws=n_draws, seed=seed)
        return cls._of(moments.covariance, draws, space, order, n_rows=len(rows))

    @classmethod
    def standard(
        cls, scores: Array, weights: Array, *, space: Space, n_draws: int, seed: int, order: CausalOrder | None = None
    ) -> GaussianLaw:
        """The law of normal scores (B, d): mean 0, variance 1 where a column varies, and their correlation."""
        from pellucid import _core

        moments = _core.weighted_moments(np.ascontiguousarray(scores), np.ascontiguousarray(weights))
        correlation = correlation_of(moments.covariance)
        draws = _drawn(np.zeros(space.d), correlation, n_draws=n_draws, seed=seed)
        return cls._of(correlation, draws, space, order, n_rows=len(scores))

    @classmethod
    def _of(
        cls, covariance: Array, draws: Array, space: Space, order: CausalOrder | None, *, n_rows: int
    ) -> GaussianLaw:
        constant = tuple(name for name, variance in zip(space.names, np.diag(covariance), strict=True) if variance == 0)
        covariance, warnings = regular(covariance, space, n_rows=n_rows)
        if constant:
            warnings += (f"constant in the background, so that knowing it tells nothing: {listing(constant)}",)
        if order is None:
            component, confounded = np.zeros(space.d, dtype=np.int32), np.zeros(1, dtype=np.int32)
        else:
            component, confounded = order.columns(space)
        part = np.ascontiguousarray(space.part_of_column, dtype=np.int32)
        return cls(covariance, draws, part, component, confounded, warnings)

    @property
    def core(self) -> Any:
        """The kernel with the operators of the coalitions played so far, shared by all rows explained."""
        from pellucid import _core

        if self._core is None:
            parts = int(self.part_of_column.max()) + 1
            core = _core.GaussianCompletion(
                self.covariance, self.part_of_column, parts, self.component_of_column, self.confounded, CACHE_BYTES
            )
            object.__setattr__(self, "_core", core)
        return self._core

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_core": None}


def correlation_of(covariance: Array) -> Array:
    """The correlation matrix, 0 in the rows and columns of constants."""
    deviation = np.sqrt(np.diag(covariance))
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    correlation = covariance * scale[:, None] * scale
    np.fill_diagonal(correlation, np.where(deviation > 0, 1.0, 0.0))
    return np.ascontiguousarray(correlation)


def regular(covariance: Array, space: Space, *, n_rows: int) -> tuple[Array, tuple[str, ...]]:
    """The covariance with the least ridge that makes it safe to invert, and a warning where it needs one."""
    from pellucid import _core

    smallest = float(_core.smallest_correlation(covariance))
    if smallest >= LEAST_EIGENVALUE:
        return covariance, ()
    ridge = LEAST_EIGENVALUE - smallest
    why = f"{n_rows:,} background rows for {space.d} features" if n_rows <= space.d else "some determine others"
    warning = (
        f"the covariance of the features is singular ({why}): {ridge:.1e} of each variance was added to its diagonal; "
        "where a row breaks the relation between such features, its conditional values mean little"
    )
    return np.ascontiguousarray(covariance + np.diag(ridge * np.diag(covariance))), (warning,)


def _drawn(mean: Array, covariance: Array, *, n_draws: int, seed: int) -> Array:
    from pellucid import _core

    draws: Array = _core.matched_normal_draws(
        seed, np.ascontiguousarray(mean), np.ascontiguousarray(covariance), n_draws // 2
    )
    return draws
