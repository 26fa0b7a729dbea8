"""What the regressors of this package check and share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_real, shown
from pellucid.errors import InputError

Array = NDArray[np.float64]
# Of the standard deviation of the outputs: no fit is taken to be more precise, so that no component of a mixture
# shrinks to a few rows that it reproduces.
LEAST_SIGMA = 0.01


@dataclass(frozen=True)
class WeightedRows:
    """Rows z (n, p), outputs y (n,) and weights (n,) that sum to the effective number of rows.

    The effective number is (sum w)^2 / sum w^2: n for equal weights.
    """

    z: Array
    y: Array
    weights: Array

    @property
    def total(self) -> float:
        return float(self.weights.sum())

    @property
    def least_sigma(self) -> float:
        """A lower bound for standard deviations, positive even for constant outputs."""
        mean = float((self.weights * self.y).sum()) / self.total
        spread = math.sqrt(float((self.weights * (self.y - mean) ** 2).sum()) / self.total)
        return max(LEAST_SIGMA * spread, 1e-12 * float(np.abs(self.y).max()), 1e-150)

    def penalty(self, smoothness: float, *, components: int = 1) -> float:
        """smoothness * sqrt(n log p), with n the effective rows of a component."""
        return smoothness * math.sqrt(self.total / components * math.log(self.z.shape[1]))


def checked_rows(Z: Any, y: Any, sample_weight: Any) -> WeightedRows:
    """Rows without weight are left out."""
    z, y = checked_z(Z), np.ascontiguousarray(y, dtype=np.float64)
    if y.shape != (len(z),):
        raise InputError(f"y must have shape ({len(z)},), one output for each row of Z, got {y.shape}")
    if not np.isfinite(y).all():
        raise InputError("y must be finite; remove the rows without output")
    weights = np.ones(len(z)) if sample_weight is None else np.ascontiguousarray(sample_weight, dtype=np.float64)
    if weights.shape != (len(z),) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise InputError(
            f"sample_weight must be {len(z)} finite numbers >= 0, not all zero, got shape {weights.shape}; "
            "pass one weight for each row of Z, or None"
        )
    kept = weights > 0
    z, y, weights = z[kept], y[kept], weights[kept] / weights.max()
    effective = float(weights.sum()) ** 2 / float((weights**2).sum())
    return WeightedRows(z, y, weights * (effective / float(weights.sum())))


def checked_z(Z: Any, *, columns: int | None = None) -> Array:
    z = np.ascontiguousarray(Z, dtype=np.float64)
    if z.ndim != 2 or z.size == 0:
        raise InputError(f"Z must be a table (n, p) with rows and columns, got shape {z.shape}")
    if columns is not None and z.shape[1] != columns:
        raise InputError(f"Z must have the {columns} columns of the fit, got {z.shape[1]}")
    if not np.isfinite(z).all():
        raise InputError("Z must be finite; fill in missing values first")
    return z


def checked_smoothing(smoothness: Any, bound: Any) -> None:
    for name, value in (("smoothness", smoothness), ("bound", bound)):
        if name == "bound" and value is None:
            continue
        if not is_real(value) or not math.isfinite(value) or value < 0:
            raise InputError(f"{name} must be a finite number >= 0, got {shown(value)}")


def lines(z: Array, coefficients: Array, intercepts: Array) -> Array:
    """(n, components) of z b + a; the bits of a row do not depend on the rows beside it."""
    return np.stack([(z * b).sum(axis=1) + a for b, a in zip(coefficients, intercepts, strict=True)], axis=1)
