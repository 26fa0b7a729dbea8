"""The 97.5 % quantile of Student's distribution, for standard errors from few samples."""

from __future__ import annotations

from pellucid._student import NORMAL_975, student_factors, student_reach

__all__ = ["NORMAL_975", "student_975", "student_factor", "student_factors"]


def student_975(freedom: int) -> float:
    """The 97.5 % quantile of Student's t.

    >>> round(student_975(1), 3), round(student_975(4), 3), round(student_975(30), 3)
    (12.706, 2.776, 2.042)
    """
    return student_reach(0.95, freedom)


def student_factor(freedom: int) -> float:
    """By how much a standard error from few samples is widened, so that 1.96 of it is the t interval."""
    return student_975(freedom) / NORMAL_975
