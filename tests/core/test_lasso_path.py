"""The lasso path against its optimality conditions, and against scikit-learn on the same data."""

import warnings

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.selection import lasso_violation


def problem(seed, n=50, p=12, correlated=1.0):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, p)) + correlated * rng.normal(size=(n, 1)) * rng.choice([-1, 1], size=p)
    y = Z @ rng.normal(size=p) + 2 * rng.normal(size=n)
    Z, y = Z - Z.mean(axis=0), y - y.mean()
    return Z, y, np.ascontiguousarray(Z.T @ Z), Z.T @ y


def check_path(path, G, c):
    """Optimal at every knot and, the path being linear, halfway between them."""
    lams, B = path.lambdas, path.coefficients
    scale = np.abs(c).max()
    assert path.complete
    assert lams[0] == scale
    assert not B[0].any()
    assert (np.diff(lams) <= 0).all()
    for lam, b in zip(lams, B, strict=True):
        assert lasso_violation(G, c, b, lam) <= 1e-9 * scale
    for t in range(len(lams) - 1):
        assert lasso_violation(G, c, (B[t] + B[t + 1]) / 2, (lams[t] + lams[t + 1]) / 2) <= 1e-9 * scale


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("correlated", [0.0, 1.0, 4.0])
def test_every_knot_is_optimal(seed, correlated):
    _, _, G, c = problem(seed, correlated=correlated)
    path = _core.lasso_path(G, c)
    check_path(path, G, c)
    assert path.lambdas[-1] == 0.0
    np.testing.assert_allclose(path.coefficients[-1], np.linalg.solve(G, c), rtol=1e-7)


def test_columns_leave_the_path():
    leaves = 0
    for seed in range(8):
        _, _, G, c = problem(seed, correlated=4.0)
        inside = _core.lasso_path(G, c).coefficients != 0
        leaves += (inside[:-1] & ~inside[1:]).sum()
    assert leaves > 3


@pytest.mark.parametrize("seed", range(8))
def test_against_scikit_learn(seed):
    linear_model = pytest.importorskip("sklearn.linear_model")
    Z, y, G, c = problem(seed, correlated=3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alphas, _, coefs = linear_model.lars_path(Z, y, method="lasso")
    path = _core.lasso_path(G, c)
    np.testing.assert_allclose(path.lambdas / len(Z), alphas, atol=1e-9 * alphas[0])
    np.testing.assert_allclose(path.coefficients.T, coefs, atol=1e-8 * np.abs(coefs).max())
    for k in range(1, 13):
        last = next((i for i in range(coefs.shape[1] - 1, 0, -1) if (coefs[:, i] != 0).sum() <= k), 0)
        assert _core.last_knot_of_size(path, k) == last


def test_orthogonal_columns_are_soft_thresholded():
    c = np.array([3.0, -5.0, 1.0])
    path = _core.lasso_path(np.diag([1.0, 2.0, 4.0]), c)
    for lam, b in zip(path.lambdas, path.coefficients, strict=True):
        expected = np.sign(c) * np.maximum(np.abs(c) - lam, 0) / [1.0, 2.0, 4.0]
        np.testing.assert_allclose(b, expected, atol=1e-14)
    np.testing.assert_allclose(path.lambdas, [5, 3, 1, 0])


def test_ties_enter_one_by_one():
    G, c = np.eye(4) + 0.2, np.array([1.0, 1.0, -1.0, 1.0])
    path = _core.lasso_path(G, c)
    check_path(path, G, c)
    np.testing.assert_allclose(path.coefficients[-1], np.linalg.solve(G, c))


def test_constant_and_dependent_columns_stay_out():
    Z, _, _, _ = problem(0, p=3)
    y = Z @ [1.0, -2.0, 3.0]
    Z = np.column_stack([Z, np.zeros(len(Z)), Z[:, 0], Z[:, 1]])
    G, c = np.ascontiguousarray(Z.T @ Z), Z.T @ y
    path = _core.lasso_path(G, c)
    check_path(path, G, c)
    assert not path.coefficients[:, 3].any()
    np.testing.assert_allclose(Z @ path.coefficients[-1], y, atol=1e-9)


def test_more_columns_than_rows():
    Z, y, G, c = problem(1, n=8, p=20)
    path = _core.lasso_path(G, c)
    check_path(path, G, c)
    np.testing.assert_allclose(Z @ path.coefficients[-1], y, atol=1e-7)


def test_small_problems():
    path = _core.lasso_path(np.array([[2.0]]), np.array([-3.0]))
    np.testing.assert_array_equal(path.lambdas, [3.0, 0.0])
    np.testing.assert_allclose(path.coefficients, [[0.0], [-1.5]])
    nothing = _core.lasso_path(np.eye(2), np.zeros(2))
    np.testing.assert_array_equal(nothing.coefficients, [[0.0, 0.0]])
    assert _core.last_knot_of_size(nothing, 1) == 0
    assert not _core.lasso_path(np.zeros((2, 2)), np.zeros(2)).coefficients.any()


def test_what_is_refused():
    with pytest.raises(InputError, match="square"):
        _core.lasso_path(np.ones((2, 3)), np.ones(2))
    with pytest.raises(InputError, match="2 entries"):
        _core.lasso_path(np.eye(2), np.ones(3))
    with pytest.raises(InputError, match="finite"):
        _core.lasso_path(np.eye(2), np.array([1.0, np.inf]))
