"""The neighbourhood of a row without bins: normal, uniform, or whole training rows."""

import math

import numpy as np
import pytest
from pellucid.representation.table_law import TableLaw
from pellucid.space import Space
from scipy.stats import kstest, norm, truncnorm

N = 4096


def numbers(rows=150, d=4, seed=0):
    codes = np.random.default_rng(seed).normal(size=(rows, d)) * np.arange(1, d + 1)
    return codes, Space.infer(codes)


@pytest.mark.parametrize("nu", [0.5, 1.5, math.inf])
def test_lines_are_normal_times_kernel(nu):
    codes, space = numbers()
    x, mean, deviation = codes[5] + 1.0, codes.mean(axis=0), codes.std(axis=0)
    around = TableLaw.learn(codes, space, bins=None).around(x, kernel_width=nu)
    z, drawn, weights = around.draw(0, 0, N)
    assert (around.binary, weights, z.dtype) == (False, None, np.float64)
    c = 1 + nu**-2
    at = (x - mean) / deviation
    np.testing.assert_allclose(around.z_x, at, rtol=1e-12)
    for j in range(4):
        assert kstest(z[:, j], norm(at[j] * nu**-2 / c, c**-0.5).cdf).statistic < 1.1 / N
    np.testing.assert_array_equal(around.z_of(drawn), z)
    z, drawn, weights = around.draw(0, 0, N, absorbed=False)
    assert kstest((drawn[:, 1] - mean[1]) / deviation[1], "norm").statistic < 1.1 / N
    expected = np.exp(-((z - at) ** 2).sum(axis=1) / (2 * nu**2))
    if nu == math.inf:
        assert weights is None
    else:
        np.testing.assert_allclose(weights, expected, rtol=1e-12)


def test_lines_around_the_instance():
    codes, space = numbers()
    around = TableLaw.learn(codes, space, bins=None, around="instance", scale=0.1).around(codes[5], kernel_width=0.2)
    z = around.draw(0, 0, N).z
    assert (around.z_x == 0).all()
    tau = (0.1**-2 + 0.2**-2) ** -0.5
    assert max(kstest(z[:, j], norm(0, tau).cdf).statistic for j in range(4)) < 1.1 / N


def test_uniform_lines_are_cut_normal_under_the_kernel():
    codes, space = numbers(d=2)
    law = TableLaw.learn(codes, space, bins=None, continuous="uniform")
    low, high, deviation = codes.min(axis=0), codes.max(axis=0), codes.std(axis=0)
    width = 0.5 * deviation
    for x in (codes[5], high + 15 * deviation, low - 3 * deviation):
        drawn = law.around(x, kernel_width=0.5).draw(0, 0, N).codes
        for j in range(2):
            cut = truncnorm((low[j] - x[j]) / width[j], (high[j] - x[j]) / width[j], loc=x[j], scale=width[j])
            assert kstest(drawn[:, j], cut.cdf).statistic < 1.1 / N
            assert low[j] <= drawn[:, j].min() <= drawn[:, j].max() <= high[j]
    far = law.around(low - 40 * deviation, kernel_width=0.5).draw(0, 0, 10).codes
    np.testing.assert_array_equal(far, np.tile(low, (10, 1)))
    drawn = law.around(codes[5]).draw(0, 0, N, absorbed=False).codes
    assert kstest((drawn[:, 0] - low[0]) / (high[0] - low[0]), "uniform").statistic < 1.1 / N


def test_whole_training_rows_come_with_weights():
    codes, _ = numbers()
    codes[:, 1] = codes[:, 1] > 0
    space = Space.infer(codes, boolean=[1])
    weights = np.random.default_rng(0).random(len(codes))
    law = TableLaw.learn(codes, space, bins=None, continuous="rows", weights=weights)
    around = law.around(codes[3], kernel_width=1.0)
    z, drawn, kernel = around.draw(0, 0, N)
    places = [int(np.flatnonzero((codes == row).all(axis=1))[0]) for row in drawn]
    np.testing.assert_allclose(np.bincount(places, minlength=len(codes)) / N, weights / weights.sum(), atol=2.1 / N)
    np.testing.assert_allclose(kernel, np.exp(-((z - around.z_x) ** 2).sum(axis=1) / 2), rtol=1e-12)
    np.testing.assert_array_equal(around.draw(0, 100, 50).codes, drawn[100:150])


def test_categories_beside_lines_are_zero_or_one():
    codes, _ = numbers()
    codes[:, 1], codes[:, 2] = codes[:, 1] > 0, np.rint(codes[:, 2])
    space = Space.infer(codes, boolean=[1], integer=[2])
    around = TableLaw.learn(codes, space, bins=None).around(codes[3], kernel_width=0.8)
    z, drawn, _ = around.draw(0, 0, N)
    share = (codes[:, 1] == codes[3, 1]).mean()
    assert around.measure[1] == pytest.approx(share / (share + (1 - share) * math.exp(-0.5 / 0.64)))
    assert abs(z[:, 1].mean() - around.measure[1]) <= 2 / N
    assert (drawn[:, 2] == np.rint(drawn[:, 2])).all()
    np.testing.assert_array_equal(around.z_of(drawn), z)
    np.testing.assert_array_equal(around.z_of(codes[3:4])[0], around.z_x)
    assert around.labels == ("x0", f"x1 = {int(codes[3, 1])}", "x2", "x3")
