"""Student's quantiles against SciPy where it is there, else against printed tables."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid.estimation.student import NORMAL_975, student_975, student_factor, student_factors

# Abramowitz and Stegun, table 26.10.
TABLE = {
    1: 12.706,
    2: 4.303,
    3: 3.182,
    4: 2.776,
    5: 2.571,
    8: 2.306,
    10: 2.228,
    15: 2.131,
    30: 2.042,
    60: 2.000,
    120: 1.980,
}


@pytest.mark.parametrize("freedom", TABLE)
def test_printed_tables(freedom):
    assert student_975(freedom) == pytest.approx(TABLE[freedom], abs=6e-4)


@pytest.mark.parametrize("freedom", [*range(1, 201), 1000, 10**6])
def test_scipy(freedom):
    stats = pytest.importorskip("scipy.stats")

    assert student_975(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-5)


def test_factors_fall_to_one():
    factors = np.array([student_factor(freedom) for freedom in range(1, 500)])

    assert (np.diff(factors) < 0).all()
    assert 1.0 < factors[-1] < 1.006
    assert factors[0] == pytest.approx(12.7062 / NORMAL_975, rel=1e-4)


def test_whole_arrays_round_down():
    freedom = np.array([[0.2, 1.0, 1.9], [2.0, 7.999, 1e9]])

    expected = [[student_factor(1)] * 3, [student_factor(2), student_factor(7), student_factor(10**9)]]
    np.testing.assert_array_equal(student_factors(freedom), expected)
