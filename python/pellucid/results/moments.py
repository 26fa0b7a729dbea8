"""Means over rows with their errors, and how much of a mean of |values| may be noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pellucid._student import student_factors

Floats = NDArray[np.float64]

_FAR = 9.0  # standard errors from zero; beyond, folding adds less than rounding does


def mean_and_error(values: Floats) -> tuple[Floats, Floats]:
    """Mean over the first axis and s / sqrt(n), widened so that 1.96 of it is the t interval; NaN below two rows."""
    n = len(values)
    if n == 0:
        unknown = np.full(values.shape[1:], np.nan)
        return unknown, unknown
    mean = values.mean(axis=0)
    if n == 1:
        return mean, np.full(values.shape[1:], np.nan)
    return mean, values.std(axis=0, ddof=1) / math.sqrt(n) * student_factors(np.array(n - 1.0))


def folding_lift(values: Floats, std_err: Floats | None) -> Floats:
    r"""By how much sampling noise lifts \|value\|, at most, in expectation; NaN where the error is not known.

    A value x with normal error of standard deviation s has E\|x + e\| > \|x\|. Adding the noise once more lifts it by

    .. math:: b(x, s) = E\lvert x + e \rvert - \lvert x \rvert = 2 s\,\bigl(\varphi(z) - z\,\Phi(-z)\bigr),
              \qquad z = \lvert x \rvert / s

    and the lift of the estimate itself is at most (1 + sqrt 2) E b, with equality where the truth is 0. As a function
    of the variance t s^2 the mean of \|mu + e\| has the derivative c exp(-a / t) / sqrt t; over the step from 0 to 1
    it is at most exp(-a) c 2, over that from 1 to 2 at least exp(-a) c 2 (sqrt 2 - 1).

    >>> folding_lift(np.array([0.0, 0.1, 1.0]), np.full(3, 0.1)).round(3).tolist()
    [0.193, 0.04, 0.0]
    """
    if std_err is None:
        return np.zeros(values.shape)
    lift = np.where(np.isnan(std_err), np.nan, 0.0)
    near = (std_err > 0) & (np.abs(values) < _FAR * std_err)
    s = std_err[near]
    z = np.abs(values[near]) / s
    tails = np.array([math.erfc(one) for one in z / math.sqrt(2.0)])
    lift[near] = (1.0 + math.sqrt(2.0)) * s * (math.sqrt(2.0 / math.pi) * np.exp(-0.5 * z * z) - z * tails)
    return lift
