"""Linear models, whatever library they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.errors import ModelFormatError
from pellucid.whitebox.additive import Additive, Array, Line
from pellucid.whitebox.links import Link


class Linear(Additive):
    r"""A linear function of the columns; through a link it is what a model predicts.

    .. math:: f(x) = \mathrm{link}(b + x^\top C)

    Parameters
    ----------
    coefficients : (d, k), C.
    intercept : (k,), b.
    missing : (d, k), what a missing value adds instead, as an imputer before the model has it; None or NaN: the model
        has no answer.
    link, outputs, feature_names, margin, source : as of `Additive`.

    Raises
    ------
    ModelFormatError : shapes that do not fit, or coefficients that are not finite.

    Examples
    --------
    >>> Linear(coefficients=[[2.0], [-1.0]], intercept=[0.5]).margins([[1.0, 1.0]])
    array([[1.5]])
    """

    def __init__(
        self,
        *,
        coefficients: Any,
        intercept: Any,
        missing: Any = None,
        link: str | Link = "identity",
        outputs: Sequence[str] | None = None,
        feature_names: Sequence[str] = (),
        margin: str = "prediction",
        source: str = "linear model",
    ) -> None:
        self.coefficients: Array = np.array(coefficients, dtype=np.float64)
        shape = self.coefficients.shape
        if len(shape) != 2 or shape[1] != np.size(intercept):
            raise ModelFormatError(
                f"coefficients of the {source} must have shape (d, {np.size(intercept)}), a column for each intercept, "
                f"got {shape}"
            )
        if not np.isfinite(self.coefficients).all():
            raise ModelFormatError(f"coefficients of the {source} must be finite")
        self.missing: Array = np.full(shape, np.nan) if missing is None else np.array(missing, dtype=np.float64)
        if self.missing.shape != shape:
            raise ModelFormatError(f"missing of the {source} must have shape {shape}, got {self.missing.shape}")
        super().__init__(
            pieces=[Line(slope, value) for slope, value in zip(self.coefficients, self.missing, strict=True)],
            intercept=intercept,
            link=link,
            outputs=outputs,
            feature_names=feature_names,
            margin=margin,
            source=source,
        )

    def margins(self, rows: Any) -> Array:
        """(n, k) of rows (n, d) of codes."""
        rows = self._checked(rows)
        if np.isnan(rows).any():
            return super().margins(rows)
        # Not a product of BLAS, whose sums may depend on the number of its threads.
        return np.asarray(np.einsum("nd,dk->nk", rows, self.coefficients) + self.intercept)
