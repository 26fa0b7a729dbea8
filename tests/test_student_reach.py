"""Student's intervals at any level, against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid._student import checked_level, student_factors, student_interval, student_reach
from pellucid.errors import InputError


@pytest.mark.parametrize("level", [0.05, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 30, 200, 10**6])
def test_scipy(level, freedom):
    stats = pytest.importorskip("scipy.stats")

    assert student_reach(level, freedom) == pytest.approx(stats.t.ppf(0.5 + level / 2, freedom), rel=1e-5)


def test_a_widened_error_gives_the_interval_of_its_own_degrees():
    freedom = np.array([1.0, 4.0, 50.9])
    widened = 2.0 * student_factors(freedom)

    low, high = student_interval(np.full(3, 10.0), widened, freedom, 0.9)

    expected = [2.0 * student_reach(0.9, one) for one in (1, 4, 50)]
    np.testing.assert_allclose(high - 10.0, expected)
    np.testing.assert_allclose(10.0 - low, expected)
    # At 95 % it is 1.96 of the widened error.
    np.testing.assert_allclose(student_interval(np.zeros(3), widened, freedom, 0.95)[1], 1.959963984540054 * widened)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95, True, "0.95", None, float("nan")])
def test_levels_that_are_none(level):
    with pytest.raises(InputError, match="level must lie between 0 and 1"):
        checked_level(level)
