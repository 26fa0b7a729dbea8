"""Quantiles of Student's distribution, for means and standard errors from few samples."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError

NORMAL_975 = NormalDist().inv_cdf(0.975)


def checked_level(level: object) -> float:
    """The level of an interval, strictly between 0 and 1."""
    if isinstance(level, bool) or not isinstance(level, (int, float, np.floating)) or not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1 (0.95 for 95 %), got {level!r}")
    return float(level)


@lru_cache(maxsize=4096)
def student_reach(level: float, freedom: int) -> float:
    """How many standard errors an interval of that level reaches to either side; relative error below 1e-5.

    The two-sided quantile of Student's t with `freedom` degrees. Closed forms for 1 and 2 degrees, else the
    expansion of Hill, Algorithm 396, CACM 13 (1970).

    >>> round(student_reach(0.95, 1), 3), round(student_reach(0.95, 4), 3), round(student_reach(0.9, 30), 3)
    (12.706, 2.776, 1.697)
    """
    both_tails = 1.0 - level
    if freedom == 1:
        return math.tan(0.5 * math.pi * level)
    if freedom == 2:
        return math.sqrt(2.0 / (both_tails * (2.0 - both_tails)) - 2.0)
    n = float(freedom)
    a = 1.0 / (n - 0.5)
    b = 48.0 / a**2
    c = ((20700.0 * a / b - 98.0) * a - 16.0) * a + 96.36
    d = ((94.5 / (b + c) - 3.0) / b + 1.0) * math.sqrt(a * math.pi / 2.0) * n
    y = (d * both_tails) ** (2.0 / n)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(0.5 * both_tails)
        y = x * x
        if n < 5.0:
            c += 0.3 * (n - 4.5) * (x + 0.6)
        c = (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b + c
        y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x
        y = math.expm1(a * y * y)
    else:
        y = ((1.0 / (((n + 6.0) / (n * y) - 0.089 * d - 0.822) * (n + 2.0) * 3.0) + 0.5 / (n + 4.0)) * y - 1.0) * (
            n + 1.0
        ) / (n + 2.0) + 1.0 / y
    return math.sqrt(n * y)


def student_factors(freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much standard errors with so many degrees of freedom are widened, so that 1.96 of one is the t interval.

    Degrees are rounded down to a whole number of at least 1.
    """
    return _reaches(0.95, freedom) / NORMAL_975


def student_interval(
    values: NDArray[np.float64], std_err: NDArray[np.float64], freedom: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high ends of t intervals, from standard errors widened by `student_factors`.

    >>> low, high = student_interval(np.zeros(1), student_factors(np.full(1, 4.0)), np.full(1, 4.0), 0.95)
    >>> round(float(high[0]), 3)
    2.776
    """
    reach = std_err / student_factors(freedom) * _reaches(level, freedom)
    return values - reach, values + reach


def _reaches(level: float, freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    whole, place = np.unique(np.maximum(np.floor(freedom), 1.0).astype(np.int64), return_inverse=True)
    reaches: NDArray[np.float64] = np.array([student_reach(level, int(one)) for one in whole])
    return reaches[place].reshape(np.shape(freedom))
