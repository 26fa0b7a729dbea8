"""The fused lasso against enumeration of all signs, its optimality conditions and closed forms."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.selection import fused_lasso


def problem(seed, n=60, p=6, binary=False):
    rng = np.random.default_rng(seed)
    Z = rng.integers(0, 2, size=(n, p)).astype(float) if binary else rng.normal(size=(n, p)) @ rng.normal(size=(p, p))
    y = Z @ np.repeat(rng.normal(size=p), 3)[:p] + rng.normal(size=n)
    Z, y = Z - Z.mean(axis=0), y - y.mean()
    return np.ascontiguousarray(Z.T @ Z), Z.T @ y


def variation(b):
    return np.abs(np.diff(b)).sum()


def violation(G, c, b, lam):
    """How far b is from the optimality conditions of the lasso in the differences, the first of which is free."""
    theta = np.concatenate([b[:1], np.diff(b)])
    g = np.cumsum((G @ b - c)[::-1])[::-1]
    penalised = np.where(theta != 0, np.abs(g + lam * np.sign(theta)), np.maximum(np.abs(g) - lam, 0))[1:]
    return max(abs(g[0]), penalised.max())


def test_suffix_sums_are_the_gram_of_the_differences():
    G = np.arange(16.0).reshape(4, 4)
    L = np.tril(np.ones((4, 4)))
    np.testing.assert_array_equal(_core.suffix_sums(G), L.T @ G @ L)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("lam", [0.01, 1.0, 10.0, 60.0])
def test_the_least_of_all_signs(seed, lam):
    G, c = problem(seed, binary=seed % 2 == 0)
    value, b = fused_lasso(G, c, lam)
    fit = _core.fused_lasso(G, c, lam, np.zeros(6))
    assert fit.residual <= 1e-10
    np.testing.assert_allclose(fit.coefficients, b, atol=1e-7 * np.abs(b).max())
    reached = fit.coefficients @ G @ fit.coefficients / 2 - c @ fit.coefficients + lam * variation(fit.coefficients)
    assert reached == pytest.approx(value, rel=1e-10)
    np.testing.assert_array_equal(np.diff(fit.coefficients) == 0, np.abs(np.diff(b)) < 1e-9 * np.abs(b).max())


@pytest.mark.parametrize("p", [30, 120])
@pytest.mark.parametrize("fraction", [0.001, 0.03, 0.3])
def test_optimal_where_signs_cannot_be_enumerated(p, fraction):
    G, c = problem(7, n=2 * p, p=p, binary=True)
    largest = np.abs(np.cumsum(c[::-1])).max()
    lam = fraction * largest
    fit = _core.fused_lasso(G, c, lam, np.zeros(p))
    assert fit.residual <= 1e-10
    assert violation(G, c, fit.coefficients, lam) <= 1e-8 * largest
    np.testing.assert_allclose(
        fit.coefficients, _core.fused_lasso(G, c, lam, np.random.default_rng(0).normal(size=p)).coefficients, atol=1e-7
    )


def test_three_numbers_smoothed_by_hand():
    """G = I, c = (0, 0, 3): the last falls by lambda, the others rise by lambda / 2, until all are 1 at lambda = 2."""
    for lam, expected in [(0.0, [0, 0, 3]), (1.0, [0.5, 0.5, 2]), (2.0, [1, 1, 1]), (9.0, [1, 1, 1])]:
        fit = _core.fused_lasso(np.eye(3), np.array([0.0, 0.0, 3.0]), lam, np.zeros(3))
        np.testing.assert_allclose(fit.coefficients, expected, atol=1e-12)
        assert fit.variation == pytest.approx(variation(np.array(expected)), abs=1e-12)


def test_the_limits_are_least_squares_and_one_coefficient():
    G, c = problem(3)
    np.testing.assert_allclose(_core.fused_lasso(G, c, 0.0, np.zeros(6)).coefficients, np.linalg.solve(G, c), rtol=1e-8)
    large = _core.fused_lasso(G, c, 1e9, np.linalg.solve(G, c)).coefficients
    assert len(set(large)) == 1
    assert large[0] == pytest.approx(c.sum() / G.sum())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.001])
def test_the_bound_is_met_by_the_penalty_that_belongs_to_it(seed, share):
    G, c = problem(seed)
    bound = share * variation(np.linalg.solve(G, c))
    fit = _core.fused_lasso_bounded(G, c, bound, np.zeros(6))
    assert fit.variation == pytest.approx(bound, rel=1e-9)
    assert fit.residual <= 1e-10
    same = _core.fused_lasso(G, c, fit.penalty, np.zeros(6))
    np.testing.assert_allclose(fit.coefficients, same.coefficients, atol=1e-8 * np.abs(same.coefficients).max())


def test_a_loose_bound_does_nothing_and_zero_leaves_one_coefficient():
    G, c = problem(2)
    free = np.linalg.solve(G, c)
    loose = _core.fused_lasso_bounded(G, c, 1.01 * variation(free), np.zeros(6))
    assert loose.penalty == 0.0
    np.testing.assert_allclose(loose.coefficients, free, rtol=1e-8)
    tight = _core.fused_lasso_bounded(G, c, 0.0, free)
    assert tight.variation == 0.0
    np.testing.assert_allclose(tight.coefficients, c.sum() / G.sum())


@pytest.mark.parametrize("lam", [0.0, 0.5, 5.0])
def test_singular_grams(lam):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(30, 3))
    Z = np.column_stack([Z, Z[:, 2], np.zeros(30), Z[:, 0]])
    Z -= Z.mean(axis=0)
    G, c = np.ascontiguousarray(Z.T @ Z), Z.T @ (Z @ [1.0, 0.0, 2.0, 0.0, 0.0, 1.0])
    fit = _core.fused_lasso(G, c, lam, np.zeros(6))
    assert fit.residual <= 1e-6
    assert np.isfinite(fit.coefficients).all()
    assert np.isfinite(_core.fused_lasso_bounded(G, c, 0.5, np.zeros(6)).coefficients).all()


def test_small_problems():
    one = _core.fused_lasso(np.array([[4.0]]), np.array([2.0]), 7.0, np.zeros(1))
    assert one.coefficients.tolist() == [0.5]
    assert _core.fused_lasso_bounded(np.array([[4.0]]), np.array([2.0]), 0.0, np.zeros(1)).coefficients.tolist() == [
        0.5
    ]
    assert not _core.fused_lasso(np.zeros((3, 3)), np.zeros(3), 1.0, np.zeros(3)).coefficients.any()


def test_what_is_refused():
    G, c, start = np.eye(2), np.ones(2), np.zeros(2)
    with pytest.raises(InputError, match="penalty must be a number >= 0"):
        _core.fused_lasso(G, c, -1.0, start)
    with pytest.raises(InputError, match="bound must be a number >= 0"):
        _core.fused_lasso_bounded(G, c, np.nan, start)
    with pytest.raises(InputError, match="2 entries"):
        _core.fused_lasso(G, c, 1.0, np.zeros(3))
    with pytest.raises(InputError, match="finite"):
        _core.fused_lasso(np.full((2, 2), np.inf), c, 1.0, start)
