"""The weighted linear fit of a local surrogate, and how sure its coefficients are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import _core
from pellucid._arguments import checked_seed, is_real, is_whole, shown
from pellucid.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LocalFit:
    """A weighted linear fit of k outputs on p parts, with standard errors robust to unequal noise.

    It keeps the influences of the rows, 8 m (p + 1) bytes, for covariances asked for later.

    Attributes
    ----------
    coefficients : (p, k), in units of the outputs for a step of 1 in z; 0 for parts that were dropped or not kept.
    intercept : (k,), the fitted output at z = 0 and all further columns 0.
    std_err : (p, k); 0 where the coefficient is 0 by rule, NaN where no row is left to tell the noise.
    intercept_std_err : (k,).
    r2 : (k,), weighted share of the variance that intercept + z'b explains in the sample, without the further columns;
        1 for an output that does not vary. In the sample: for a surrogate of noise it grows with p.
    ess : effective number of rows, (sum w)^2 / sum w^2.
    freedom : the same for clusters (rows, or pairs), less the columns fitted; at least 0.
    dropped : the parts that do not vary over the rows of positive weight.
    singular : the columns are collinear; the fit is the one of minimum norm, in units of the columns' deviations.
    fixed_rows : rows that fix their own residual (leverage 1). They say nothing about their noise, for which the
        mean squared residual of the other rows stands in.
    """

    coefficients: Array
    intercept: Array
    std_err: Array
    intercept_std_err: Array
    r2: Array
    ess: float
    freedom: float
    dropped: tuple[int, ...]
    singular: bool
    fixed_rows: int
    _solved: _core.LocalRegression = field(repr=False, compare=False)
    _widened: float = field(default=1.0, repr=False, compare=False)

    def widened(self, factor: float) -> LocalFit:
        """The same fit with standard errors times a factor, covariances with them."""
        return replace(
            self,
            std_err=self.std_err * factor,
            intercept_std_err=self.intercept_std_err * factor,
            _widened=self._widened * factor,
        )

    def covariance(self, output: int = 0) -> Array:
        """Sandwich covariance (p, p) of the coefficients of one output; its diagonal is std_err squared."""
        solved = self._solved.covariance(self._checked(output, "output", self.coefficients.shape[1]))
        return np.asarray(solved) * self._widened**2

    def difference_std_err(self, a: int, b: int, output: int = 0) -> float:
        """Standard error of coefficient a less coefficient b, their covariance included."""
        p = self.coefficients.shape[0]
        a, b = self._checked(a, "a", p), self._checked(b, "b", p)
        covariance = self.covariance(output)
        return math.sqrt(max(0.0, float(covariance[a, a] + covariance[b, b] - 2.0 * covariance[a, b])))

    def normal_equations(self) -> tuple[Array, Array, Array]:
        """Gram (p, p), response (p, k), total (k,): all that a selection of parts needs.

        Sums of w (z - mean)(z - mean)', of w (z - mean) y and of w y^2, where y is centred and less what the further
        columns explain of it: (gram + ridge) coefficients = response. Parts not kept have zeros.
        """
        return np.asarray(self._solved.gram), np.asarray(self._solved.response), np.asarray(self._solved.total)

    @staticmethod
    def _checked(index: Any, name: str, count: int) -> int:
        if not is_whole(index) or not 0 <= int(index) < count:
            raise InputError(f"{name} must be a whole number from 0 to {count - 1}, got {shown(index)}")
        return int(index)


def local_fit(
    z: NDArray[Any],
    y: NDArray[Any],
    *,
    weights: NDArray[Any] | None = None,
    shared: NDArray[Any] | None = None,
    own: NDArray[Any] | None = None,
    pairs: bool = False,
    ridge: float = 0.0,
    keep: Sequence[int] | NDArray[Any] | None = None,
) -> LocalFit:
    r"""Weighted least squares of the outputs on the parts, and its robust standard errors.

    .. math:: \min_{b_0, b, c, d} \sum_i w_i (y_i - b_0 - z_i'b - s_i'c - v_i'd)^2 + \lambda |b|^2

    for each output, with columns s that all outputs share and columns v of each output's own: control variates, whose
    coefficients are not the answer. The standard errors are HC3, the residuals divided by one less the
    leverage of their row, or CR3 for pairs of rows. [mackinnon1985, bell2002] With a ridge they are those of the
    shrunk coefficients: the bias of shrinking is not in them.

    Parameters
    ----------
    z : (m, p), uint8 of 0 and 1 (counted in bits, fastest) or numbers.
    y : (m, k) or (m,), outputs.
    weights : (m,), at least 0; None is 1 for all. They scale the squares as they are, so the ridge of
        scikit-learn's Ridge with sample_weight is the same number here.
    shared : (m, e), further columns for all outputs.
    own : (m, e2, k), further columns of each output.
    pairs : rows 2i and 2i + 1 were drawn together, such as a mask and its complement.
    ridge : penalty on the coefficients of z alone.
    keep : the parts to fit; the others get 0. None is all.

    Raises
    ------
    InputError
        Shapes that do not match, numbers that are not finite, negative weights, or weights that are all 0.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [1, 1], [0, 0]], dtype=np.uint8)
    >>> fit = local_fit(z, 1.0 + z @ np.array([2.0, -3.0]))
    >>> fit.coefficients[:, 0].round(6).tolist(), fit.r2.round(6).tolist()
    ([2.0, -3.0], [1.0])
    """
    binary = np.asarray(z).dtype == np.uint8
    z = np.ascontiguousarray(z) if binary else _numbers(z, "z")
    _require_dimensions(z, "z", 2)
    m, p = z.shape
    y = _numbers(y, "y")
    y = np.ascontiguousarray(y[:, None]) if y.ndim == 1 else y
    _require_dimensions(y, "y", 2)
    outputs = y.shape[1]
    w = np.ones(m) if weights is None else _numbers(weights, "weights")
    _require_dimensions(w, "weights", 1)
    s = np.empty((m, 0)) if shared is None else _numbers(shared, "shared")
    _require_dimensions(s, "shared", 2)
    v = np.empty((m, 0, outputs)) if own is None else _numbers(own, "own")
    if v.ndim != 3 or v.shape[2] != outputs:
        raise InputError(f"own must be (rows, columns, {outputs}), a column for each output, got shape {v.shape}")
    if not is_real(ridge):
        raise InputError(f"ridge must be a number of at least 0, got {shown(ridge)}")

    build: Any = _core.LocalRegression.of_masks if binary else _core.LocalRegression.of_numbers
    by_output = np.ascontiguousarray(v.transpose(0, 2, 1)).reshape(len(v), -1)
    solved = build(z, y, w, s, by_output, keep=_kept(keep, p), ridge=float(ridge), pairs=bool(pairs))
    return LocalFit(
        coefficients=solved.coefficients,
        intercept=solved.intercept,
        std_err=solved.std_err,
        intercept_std_err=solved.intercept_std_err,
        r2=solved.r2,
        ess=solved.ess,
        freedom=solved.freedom,
        dropped=tuple(solved.dropped),
        singular=solved.singular,
        fixed_rows=solved.fixed_rows,
        _solved=solved,
    )


def max_t(level: float, fit: LocalFit, *, output: int = 0, draws: int = 0, seed: int = 0) -> float:
    r"""Critical value c with P(all |b_j - beta_j| <= c std_err_j) >= level, over all coefficients of an output.

    Intervals b_j +- c std_err_j of any parts hold together, and so after any selection of parts that looked at the
    data. Without draws c is Sidak's bound :math:`\Phi^{-1}((1 + level^{1/p}) / 2)`, right for normal coefficients
    of any correlation, and exact where there is none. [sidak1967] With draws it is the quantile of the largest of
    normal variables with the correlations of the fit, never more than the bound: less where parts are correlated.

    Parameters
    ----------
    level : between 0 and 1, such as 0.95.
    fit : what `local_fit` returned; parts with a standard error of 0 are not counted.
    output : which output.
    draws : 0 for the bound, or from 100 up; 20,000 give the level to 0.002.
    seed : of the draws.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 4, dtype=np.uint8)
    >>> fit = local_fit(z, np.arange(16.0) % 7)
    >>> round(max_t(0.95, fit), 3)
    2.236
    """
    if not is_real(level) or not 0.0 < level < 1.0:
        raise InputError(f"level must be between 0 and 1, such as 0.95, got {shown(level)}")
    if not is_whole(draws) or not (draws == 0 or draws >= 100):
        raise InputError(f"draws must be 0 (no draws) or a whole number of at least 100, got {shown(draws)}")
    std_err = fit.std_err[:, fit._checked(output, "output", fit.std_err.shape[1])]
    if np.isnan(std_err).any():
        return math.nan
    told = np.flatnonzero(std_err > 0.0)
    bound = NormalDist().inv_cdf((1.0 + level ** (1.0 / max(1, len(told)))) / 2.0)
    if draws == 0 or len(told) < 2:
        return bound
    covariance = fit.covariance(output)[np.ix_(told, told)]
    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviation, deviation)
    drawn = _core.max_normal_quantile(
        np.ascontiguousarray(correlation), level=float(level), draws=int(draws), seed=checked_seed(seed)
    )
    return min(bound, float(drawn))


def _numbers(values: Any, name: str) -> Array:
    try:
        return np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be an array of numbers, got {shown(values)}") from None


def _require_dimensions(values: NDArray[Any], name: str, dimensions: int) -> None:
    if values.ndim != dimensions:
        raise InputError(f"{name} must have {dimensions} dimensions, got shape {values.shape}")


def _kept(keep: Any, p: int) -> NDArray[np.int64]:
    """The parts to fit, increasing, each once."""
    if keep is None:
        return np.arange(p, dtype=np.int64)
    indices = np.asarray(keep)
    whole = indices.ndim == 1 and (indices.size == 0 or np.issubdtype(indices.dtype, np.integer))
    if not whole or (indices.size and not 0 <= indices.min() <= indices.max() < p):
        raise InputError(f"keep must list part numbers from 0 to {p - 1}, got {shown(keep)}")
    return np.unique(indices.astype(np.int64))
