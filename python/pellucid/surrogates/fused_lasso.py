"""Linear regression whose neighbouring columns like to have the same coefficient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.surrogates.rows import Array, WeightedRows, checked_rows, checked_smoothing, checked_z, lines

MOST_ROUNDS = 200


class FusedLasso:
    r"""Fused lasso [tibshirani2005] in the order of the columns, with its own estimate of the noise.

    .. math:: \min_{\beta, \beta_0, \sigma}\;
              \frac{1}{2\sigma} \sum_i w_i (y_i - \beta_0 - z_i \beta)^2 + \frac{W\sigma}{2}
              + \lambda \sum_{j \ge 2} |\beta_j - \beta_{j-1}|, \qquad \lambda = s \sqrt{W \log p}

    with W the effective number of rows. Its minimum has :math:`\sigma^2` = mean squared residual and the penalty
    :math:`\sigma\lambda` on half the sum of squares, so that s is free of units [sun2012]. For a row of words, bytes or
    points in time, runs of neighbours then share one coefficient.

    Parameters
    ----------
    smoothness : s >= 0; 0 is least squares, large values make all coefficients equal.
    bound : instead of the penalty: the sum of absolute differences is at most this, in units of the coefficients.

    Attributes
    ----------
    coef_ : (p,) coefficients; neighbours that are fused are equal to the last bit.
    intercept_ : float.
    sigma_ : standard deviation of the residuals, at least 0.01 of that of y.
    variation_ : sum of absolute differences of neighbours.
    residual_ : how far the optimality conditions of the coefficients, given sigma, are violated at most, relative to
        the largest gradient at zero.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.integers(0, 2, size=(400, 8)).astype(float)
    >>> y = Z @ [0, 0, 0, 2, 2, 2, 0, 0] + 0.1 * rng.normal(size=400)
    >>> fit = FusedLasso().fit(Z, y)
    >>> (fit.coef_.round(1) + 0.0).tolist()
    [0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 0.0, 0.0]
    >>> len(np.unique(fit.coef_))
    3
    """

    coef_: Array
    intercept_: float
    sigma_: float
    variation_: float
    residual_: float

    def __init__(self, *, smoothness: float = 1.0, bound: float | None = None) -> None:
        checked_smoothing(smoothness, bound)
        self.smoothness = smoothness
        self.bound = bound

    def __repr__(self) -> str:
        return f"FusedLasso(smoothness={self.smoothness!r}, bound={self.bound!r})"

    def fit(self, Z: Any, y: Any, *, sample_weight: Any = None) -> FusedLasso:
        """Fit to rows Z (n, p) and outputs y (n,) with weights (n,).

        Raises
        ------
        InputError : shapes that do not fit, numbers that are not finite, negative weights.
        """
        rows = checked_rows(Z, y, sample_weight)
        centre = (rows.weights[:, None] * rows.z).sum(axis=0) / rows.total
        mean = float((rows.weights * rows.y).sum()) / rows.total
        gram, response, squares = _centred_sums(rows, centre, mean)
        fit, sigma = self._solve(rows, gram, response, squares)
        self.coef_ = np.asarray(fit.coefficients)
        self.intercept_ = mean - float((centre * self.coef_).sum())
        self.sigma_ = sigma
        self.variation_ = float(fit.variation)
        self.residual_ = float(fit.residual)
        return self

    def predict(self, Z: Any) -> Array:
        """(n,) outputs for rows Z (n, p)."""
        if not hasattr(self, "coef_"):
            raise InputError("this FusedLasso is not fitted; call fit(Z, y) first")
        z = checked_z(Z, columns=len(self.coef_))
        return np.asarray(lines(z, self.coef_[None], np.array([self.intercept_]))[:, 0])

    def _solve(self, rows: WeightedRows, gram: Array, response: Array, squares: float) -> tuple[Any, float]:
        from pellucid import _core

        floor, penalty = rows.least_sigma, rows.penalty(self.smoothness)
        sigma = max(math.sqrt(squares / rows.total), floor)
        start = np.zeros(len(response))
        if self.bound is not None:
            fit = _core.fused_lasso_bounded(gram, response, float(self.bound), start)
            return fit, max(math.sqrt(_rss(fit.coefficients, gram, response, squares) / rows.total), floor)
        # Either step lowers the one convex objective in (coefficients, sigma).
        for _ in range(MOST_ROUNDS):
            fit = _core.fused_lasso(gram, response, penalty * sigma, start)
            start = np.asarray(fit.coefficients)
            before = sigma
            sigma = max(math.sqrt(_rss(start, gram, response, squares) / rows.total), floor)
            if abs(sigma - before) <= 1e-10 * before:
                break
        return fit, sigma


def _centred_sums(rows: WeightedRows, centre: Array, mean: float) -> tuple[Array, Array, float]:
    from pellucid import _core

    sums = _core.WeightedLeastSquares(rows.z.shape[1], 1)
    sums.add(rows.z - centre, (rows.y - mean)[:, None], rows.weights)
    return np.asarray(sums.gram), np.asarray(sums.response)[:, 0].copy(), float(sums.squares[0])


def _rss(b: Array, gram: Array, response: Array, squares: float) -> float:
    return max(squares - 2 * float((b * response).sum()) + float((b * (gram * b).sum(axis=1)).sum()), 0.0)
