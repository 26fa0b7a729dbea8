"""The limit of LIME on tables: bins of any frequency, the formula for equal bins, and the Gaussian neighbourhood."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from pellucid.errors import BudgetError, InputError, NumericalError
from pellucid.estimation import bin_measure, gaussian_lime_limit, tabular_lime_limit
from reference.lime_limits import tabular_limit

FREQUENCIES = ([3, 1, 4, 1], [0.5, 0.5], [0.2, 0.3, 0.5], [5, 2, 1, 1, 1], [0.9, 0.1])
BINS = [2, 0, 1, 3, 1]


def table_of(lengths, seed):
    table = np.random.default_rng(seed).normal(size=lengths)
    return lambda cells: table[tuple(np.asarray(cells).T)]


@pytest.mark.parametrize("width", [0.4, 1.0, 0.75 * math.sqrt(5), np.inf])
def test_the_main_effects_of_the_tilted_law_are_the_regression(width):
    f = table_of([len(p) for p in FREQUENCIES], seed=0)
    expected, total = tabular_limit(f, FREQUENCIES, BINS, width)
    limit = tabular_lime_limit(f, FREQUENCIES, bins=BINS, kernel_width=width)

    assert abs(limit.coefficients[:, 0] - expected[1:]).max() < 1e-12
    assert abs(limit.intercept[0] - expected[0]) < 1e-12
    assert bin_measure(FREQUENCIES, bins=BINS, kernel_width=width).total == pytest.approx(total, rel=1e-13)


@pytest.mark.parametrize(("p", "d"), [(2, 12), (4, 5)])
@pytest.mark.parametrize("width", [0.5, 2.0])
def test_equal_bins_by_the_formula_of_garreau_and_von_luxburg(p, d, width):
    r"""beta_j = c^-d pc / (pc - 1) (-E[pi f] + pc E[pi z_j f]), c = 1/p + (1 - 1/p) exp(-1 / (2 nu^2))."""
    f = table_of([p] * d, seed=p)
    cells = np.stack(np.unravel_index(np.arange(p**d), [p] * d), axis=1)
    z = cells == 1
    pi = np.exp(-(d - z.sum(axis=1)) / (2 * width**2))
    c = 1 / p + (1 - 1 / p) * math.exp(-1 / (2 * width**2))
    without = np.mean(pi * f(cells))
    formula = [c**-d * p * c / (p * c - 1) * (-without + p * c * np.mean(pi * z[:, j] * f(cells))) for j in range(d)]
    limit = tabular_lime_limit(f, [[1.0] * p] * d, bins=[1] * d, kernel_width=width)

    assert abs(limit.coefficients[:, 0] - formula).max() < 1e-12
    assert bin_measure([[1.0] * p] * d, bins=[1] * d, kernel_width=width).total == pytest.approx(c**d, rel=1e-13)


def test_in_rational_numbers():
    """Without a kernel, E[f | same bin] - E[f | other bins] under the product of the frequencies."""
    frequencies, bins = ([3, 1], [1, 2, 1]), [0, 1]
    value = {(a, b): Fraction((3 * a + 5 * b) ** 2, 4) for a in range(2) for b in range(3)}
    weight = {(a, b): Fraction(frequencies[0][a] * frequencies[1][b], 16) for a in range(2) for b in range(3)}

    def mean(where):
        return sum(weight[c] * value[c] for c in weight if where(c)) / sum(weight[c] for c in weight if where(c))

    expected = [mean(lambda c, j=j: c[j] == bins[j]) - mean(lambda c, j=j: c[j] != bins[j]) for j in range(2)]
    limit = tabular_lime_limit(
        lambda cells: np.array([float(value[tuple(map(int, c))]) for c in cells]),
        frequencies,
        bins=bins,
        kernel_width=np.inf,
    )

    np.testing.assert_allclose(limit.coefficients[:, 0], [float(e) for e in expected], rtol=1e-15)


@pytest.mark.parametrize("width", [0.2, 1.0, np.inf])
def test_an_additive_function_has_the_means_of_its_bins_at_every_bandwidth(width):
    rng = np.random.default_rng(2)
    tables = [rng.normal(size=(len(p), 2)) for p in FREQUENCIES]
    closed = tabular_lime_limit(tables, FREQUENCIES, bins=BINS, kernel_width=width)
    cells = tabular_lime_limit(
        lambda b: sum(table[b[:, j]] for j, table in enumerate(tables)), FREQUENCIES, bins=BINS, kernel_width=width
    )
    for j, (table, p, b) in enumerate(zip(tables, FREQUENCIES, BINS, strict=True)):
        others = np.delete(np.arange(len(p)), b)
        expected = table[b] - np.average(table[others], axis=0, weights=np.asarray(p)[others])
        np.testing.assert_allclose(closed.coefficients[j], expected, atol=1e-13)

    np.testing.assert_allclose(cells.coefficients, closed.coefficients, atol=1e-12)
    np.testing.assert_allclose(cells.intercept, closed.intercept, atol=1e-12)


def test_a_feature_that_is_not_used_has_the_coefficient_0():
    f = table_of([4, 2], seed=3)
    frequencies = [FREQUENCIES[0], FREQUENCIES[1], FREQUENCIES[2]]
    limit = tabular_lime_limit(lambda b: f(b[:, :2]), frequencies, bins=[0, 1, 2], kernel_width=0.7)

    assert abs(limit.coefficients[2, 0]) < 1e-15
    assert abs(limit.coefficients[:2, 0]).min() > 1e-3


def test_limits_are_linear_in_f():
    lengths = [len(p) for p in FREQUENCIES]
    f, g = table_of(lengths, 4), table_of(lengths, 5)
    both, one, two = (
        tabular_lime_limit(h, FREQUENCIES, bins=BINS).coefficients for h in (lambda b: f(b) + 3 * g(b), f, g)
    )

    np.testing.assert_allclose(both, one + 3 * two, atol=1e-12)


def test_a_feature_with_one_bin_changes_nothing():
    f = table_of([4, 2], seed=6)
    with_one = tabular_lime_limit(
        lambda b: f(b[:, [0, 2]]), [[3, 1, 4, 1], [7], [1, 1]], bins=[1, 0, 0], kernel_width=1.0
    )
    without = tabular_lime_limit(f, [[3, 1, 4, 1], [1, 1]], bins=[1, 0], kernel_width=1.0)

    assert with_one.coefficients[1, 0] == 0.0
    np.testing.assert_allclose(with_one.coefficients[[0, 2]], without.coefficients, atol=1e-14)
    np.testing.assert_allclose(with_one.intercept, without.intercept, atol=1e-14)


def test_the_default_kernel_changes_the_frequencies_little():
    """Of 30 features in quartiles, a sample shares a bin with probability 0.2556, not 0.25."""
    same = bin_measure([[0.25] * 4] * 30, bins=[0] * 30).same

    np.testing.assert_allclose(same, 0.25 / (0.25 + 0.75 * math.exp(-1 / (2 * 0.75**2 * 30))), rtol=1e-14)
    assert same[0] < 0.256


def test_what_the_tabular_limit_refuses():
    def f(cells):
        return cells[:, 0]

    for frequencies, bins in (
        ([], []),
        ([[1, 1]], [2]),
        ([[1, 0]], [1]),
        ([[1, 1]], [0.0]),
        ([[1, 1]], [0, 0]),
        ([[1, -1]], [0]),
        ([[0, 0]], [0]),
        ([[np.nan, 1]], [1]),
        ([[[1.0]]], [0]),
    ):
        with pytest.raises(InputError, match=r"bins must|frequencies(\[0\])? must"):
            tabular_lime_limit(f, frequencies, bins=bins)
    for tables in ([[0.0]], [[0.0, 1.0], [0.0, 1.0]], [[0.0, np.inf]]):
        with pytest.raises(InputError, match=r"f(\[0\])? must"):
            tabular_lime_limit(tables, [[1, 1]], bins=[0])
    with pytest.raises(InputError, match="same number k"):
        tabular_lime_limit([[0.0, 1.0], [[0.0, 1.0], [1.0, 1.0]]], [[1, 1]] * 2, bins=[0, 0])
    with pytest.raises(InputError, match="f must return"):
        tabular_lime_limit(lambda cells: np.ones(3), [[1, 1]], bins=[0])
    with pytest.raises(BudgetError, match="all combinations"):
        tabular_lime_limit(f, [[1, 1]] * 21, bins=[0] * 21)
    with pytest.raises(NumericalError, match="kernel_width"):
        tabular_lime_limit(f, [[1, 1]], bins=[0], kernel_width=0.001)


def cubic(rows):
    return rows[:, 0] ** 3 - 2.0 * rows[:, 0] * rows[:, 1] + np.stack([rows[:, 2] ** 2, rows[:, 1]])


X, MEAN, SCALE = np.array([1.0, -2.0, 0.5]), np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, 0.5])


@pytest.mark.parametrize("width", [0.3, 1.3, np.inf])
def test_a_gaussian_neighbourhood_gives_the_mean_gradient(width):
    """Stein: cov(x_j, f) / var(x_j) = E d_j f; of this polynomial in closed form from the first two moments."""
    closeness = 0.0 if math.isinf(width) else 1 / (1 + width**2)
    m, variance = MEAN + closeness * (X - MEAN), SCALE**2 * (1 - closeness)
    expected = np.array(
        [
            [3 * (m[0] ** 2 + variance[0]) - 2 * m[1]] * 2,
            [-2 * m[0], -2 * m[0] + 1],
            [2 * m[2], 0.0],
        ]
    )
    limit = gaussian_lime_limit(lambda r: cubic(r).T, X, mean=MEAN, scale=SCALE, kernel_width=width, nodes=3)

    np.testing.assert_allclose(limit.coefficients, expected, atol=1e-12)


@pytest.mark.parametrize("mean", [MEAN, X])
def test_a_small_bandwidth_gives_the_gradient(mean):
    def f(rows):
        return np.sin(rows[:, 0]) * np.exp(0.3 * rows[:, 1]) + rows[:, 2] ** 2

    gradient = np.array([np.cos(X[0]) * np.exp(0.3 * X[1]), 0.3 * np.sin(X[0]) * np.exp(0.3 * X[1]), 2 * X[2]])
    errors = [
        abs(
            gaussian_lime_limit(f, X, mean=mean, scale=SCALE, kernel_width=width, nodes=5).coefficients[:, 0] - gradient
        ).max()
        for width in (0.1, 0.01, 0.001)
    ]

    assert errors[2] < 1e-4
    # The error falls with the square of the bandwidth.
    assert 90 < errors[0] / errors[1] < 110
    assert 90 < errors[1] / errors[2] < 110


def test_what_the_gaussian_limit_refuses():
    def f(rows):
        return rows[:, 0]

    with pytest.raises(InputError, match="x must be one row"):
        gaussian_lime_limit(f, [[1.0]], mean=[0.0], scale=[1.0])
    with pytest.raises(InputError, match="scale"):
        gaussian_lime_limit(f, [1.0], mean=[0.0], scale=[0.0])
    with pytest.raises(InputError, match="mean must have shape"):
        gaussian_lime_limit(f, [1.0], mean=[0.0, 1.0], scale=[1.0])
    with pytest.raises(InputError, match="nodes must"):
        gaussian_lime_limit(f, [1.0], mean=[0.0], scale=[1.0], nodes=1)
    with pytest.raises(BudgetError, match="all combinations"):
        gaussian_lime_limit(f, np.ones(10), mean=np.zeros(10), scale=np.ones(10))
