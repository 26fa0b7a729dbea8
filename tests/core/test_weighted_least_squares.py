"""Weighted ridge regression fed in batches."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError, NumericalError
from reference.weighted_least_squares import gcv, grid_of, ridge, ridge_with_total


def problem(n=60, p=5, k=2, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, p))
    return Z, Z @ rng.normal(size=(p, k)) + rng.normal(size=(n, k)), rng.exponential(size=n)


def fed(Z, Y, w, cuts=()):
    fit = _core.WeightedLeastSquares(Z.shape[1], Y.shape[1])
    for first, last in zip([0, *cuts], [*cuts, len(Z)], strict=True):
        fit.add(Z[first:last], Y[first:last], w[first:last])
    return fit


@pytest.mark.parametrize(("n", "p", "k"), [(1, 1, 1), (60, 5, 2), (256, 3, 1), (700, 130, 3)])
@pytest.mark.parametrize("lam", [1e-3, 2.5])
def test_against_the_twin(n, p, k, lam):
    Z, Y, w = problem(n, p, k)
    fit = fed(Z, Y, w)
    np.testing.assert_allclose(fit.solve(lam), ridge(Z, Y, w, lam), rtol=1e-9, atol=1e-11)
    total = np.linspace(-1, 3, k)
    np.testing.assert_allclose(
        fit.solve_with_total(lam, total), ridge_with_total(Z, Y, w, lam, total), rtol=1e-8, atol=1e-10
    )


def test_sums():
    Z, Y, w = problem(600)
    fit = fed(Z, Y, w)
    assert fit.rows == 600
    np.testing.assert_allclose(fit.gram, Z.T @ np.diag(w) @ Z, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(fit.response, Z.T @ np.diag(w) @ Y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(fit.squares, w @ Y**2, rtol=1e-12)
    assert np.array_equal(fit.gram, fit.gram.T)


def test_without_ridge_an_exact_model_is_found():
    Z, _, w = problem()
    B = np.arange(10.0).reshape(5, 2)
    np.testing.assert_allclose(fed(Z, Z @ B, w).solve(0.0), B, atol=1e-12)


@pytest.mark.parametrize("cuts", [[0], [1], [255, 256, 257], [256, 512], [700], list(range(13, 900, 13))])
def test_same_bits_for_any_batches(cuts):
    Z, Y, w = problem(900, 7, 3)
    whole, pieces = fed(Z, Y, w), fed(Z, Y, w, cuts)
    for name in ("gram", "response", "squares", "rows"):
        assert np.array_equal(getattr(whole, name), getattr(pieces, name))
    assert np.array_equal(whole.solve(0.1), pieces.solve(0.1))
    assert np.array_equal(whole.solve_gcv().coefficients, pieces.solve_gcv().coefficients)


def test_asking_in_between_changes_nothing():
    Z, Y, w = problem(900)
    asked, quiet = _core.WeightedLeastSquares(5, 2), fed(Z, Y, w)
    for first in range(0, 900, 90):
        asked.add(Z[first : first + 90], Y[first : first + 90], w[first : first + 90])
        asked.solve(1.0)
    assert np.array_equal(asked.gram, quiet.gram)


def test_same_bits_for_any_number_of_threads():
    Z, Y, w = problem(700, 300, 2)
    found = set()
    for threads in (1, 2, 4):
        _core.set_thread_count(threads)
        fit = fed(Z, Y, w)
        found.add((fit.solve(0.1).tobytes(), fit.solve_gcv().coefficients.tobytes()))
    _core.set_thread_count(0)
    assert len(found) == 1


def test_the_sum_constraint_is_exact():
    for seed in range(20):
        Z, Y, w = problem(seed=seed)
        total = np.array([3.0, -0.7])
        B = fed(Z, Y, w).solve_with_total(0.01, total)
        np.testing.assert_allclose(B.sum(axis=0), total, rtol=1e-14, atol=1e-14)


def test_rows_of_weight_zero_count_for_nothing():
    Z, Y, w = problem()
    w[::2] = 0.0
    np.testing.assert_allclose(
        fed(Z, Y, w).solve(0.1), fed(Z[1::2].copy(), Y[1::2].copy(), w[1::2].copy()).solve(0.1), rtol=1e-12
    )


def test_singular_designs_are_refused():
    Z, Y, w = problem(30)
    ones = fed(np.ones((30, 5)), Y, w)
    double = fed(np.column_stack([Z, Z[:, 0]]), Y, w)
    few = fed(Z[:4], Y[:4], w[:4])
    nothing = _core.WeightedLeastSquares(5, 2)
    wide = fed(np.column_stack([np.random.default_rng(0).normal(size=(30, 120)), np.ones((30, 100))]), Y, w)
    for fit in (ones, double, few, nothing, wide):
        with pytest.raises(NumericalError, match="singular"):
            fit.solve(0.0)
        with pytest.raises(NumericalError, match="singular"):
            fit.solve_with_total(0.0, np.ones(2))
    assert np.isfinite(ones.solve(1.0)).all()
    # The same columns in tiny units are not singular.
    assert np.isfinite(fed(Z * [1e-9, 1, 1, 1e8, 1], Y, w).solve(0.0)).all()


def test_gcv_is_the_best_of_the_grid():
    for seed in range(5):
        Z, Y, w = problem(40, 6, 3, seed)
        Y[:, 2] = np.random.default_rng(seed).normal(size=40)  # nothing to explain: much ridge
        fit = fed(Z, Y, w).solve_gcv()
        coefficients, lam, freedom = gcv(Z, Y, w, grid_of(Z.T @ np.diag(w) @ Z))
        np.testing.assert_allclose(fit.ridge, lam, rtol=1e-12)
        np.testing.assert_allclose(fit.freedom, freedom, rtol=1e-10)
        np.testing.assert_allclose(fit.coefficients, coefficients, rtol=1e-8, atol=1e-10)


def test_gcv_of_many_coefficients_is_near_the_grid():
    """Above 400 coefficients the degrees of freedom are estimated by random probes."""
    n, p = 700, 410
    rng = np.random.default_rng(0)
    Z, w = rng.normal(size=(n, p)), np.ones(n)
    Y = (Z[:, :20].sum(axis=1) + 5 * rng.normal(size=n))[:, None]
    fit = fed(Z, Y, w).solve_gcv()
    grid = grid_of(Z.T @ Z)[20::2]
    assert np.isclose(fit.ridge[0], grid, rtol=1e-10).any()
    np.testing.assert_allclose(fit.coefficients, ridge(Z, Y, w, fit.ridge[0]), rtol=1e-8, atol=1e-10)
    G = Z.T @ Z
    freedom = np.trace(np.linalg.solve(G + fit.ridge[0] * np.eye(p), G))
    assert fit.freedom[0] == pytest.approx(freedom, rel=0.05)
    _, best, _ = gcv(Z, Y, w, grid)
    assert abs(np.log10(fit.ridge[0] / best[0])) < 0.51  # the same place of the grid, or the next


def test_what_is_refused():
    Z, Y, w = problem(10)
    fit = _core.WeightedLeastSquares(5, 2)
    bad = w.copy()
    for value in (-1e-300, np.nan, np.inf):
        bad[3] = value
        with pytest.raises(InputError, match="w must be"):
            fit.add(Z, Y, bad)
    for value in (np.nan, np.inf):
        for which in (0, 1):
            pair = [Z.copy(), Y.copy()]
            pair[which][2, 1] = value
            with pytest.raises(InputError, match="z and y must be finite"):
                fit.add(*pair, w)
    for wrong in [(Z[:, :4].copy(), Y, w), (Z, Y[:, :1].copy(), w), (Z[:9], Y, w), (Z, Y[:9], w), (Z, Y, w[:9])]:
        with pytest.raises(InputError):
            fit.add(*wrong)
    assert fit.rows == 0
    fit.add(Z, Y, w)
    for lam in (-1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="ridge must be"):
            fit.solve(lam)
    with pytest.raises(InputError, match="total must have 2"):
        fit.solve_with_total(0.1, np.ones(3))
    for shape in [(0, 1), (1, 0), (-1, 1)]:
        with pytest.raises(InputError):
            _core.WeightedLeastSquares(*shape)


def test_overflow_is_an_error_not_a_number():
    Z, Y, w = problem(10, 3, 1)
    fit = fed(Z, Y * 1e200, w)
    with pytest.raises(NumericalError, match="finite"):
        fit.solve_gcv()
