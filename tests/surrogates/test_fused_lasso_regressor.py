"""The regressor: what it minimises, its limits, and its units."""

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.surrogates import FusedLasso
from reference.selection import fused_lasso


def problem(seed=0, n=120, p=6):
    rng = np.random.default_rng(seed)
    Z = rng.integers(0, 2, size=(n, p)).astype(float)
    return Z, Z @ [1.0, 1, 1, -2, -2, 0.0][:p] + 3 + 0.5 * rng.normal(size=n), rng.uniform(0.5, 2, size=n)


def test_its_own_sigma_scales_the_penalty():
    Z, y, w = problem()
    fit = FusedLasso(smoothness=1.0).fit(Z, y, sample_weight=w)
    w = w * w.sum() / (w**2).sum()
    lam = fit.sigma_ * np.sqrt(w.sum() * np.log(6))
    Zc, yc = Z - np.average(Z, axis=0, weights=w), y - np.average(y, weights=w)
    b = fused_lasso(Zc.T @ (w[:, None] * Zc), Zc.T @ (w * yc), lam)[1]
    np.testing.assert_allclose(fit.coef_, b, atol=1e-7)
    assert fit.sigma_**2 == pytest.approx(np.average((yc - Zc @ b) ** 2, weights=w), rel=1e-7)
    assert fit.intercept_ == pytest.approx(np.average(y - Z @ b, weights=w))
    assert fit.variation_ == pytest.approx(np.abs(np.diff(b)).sum())
    assert fit.residual_ < 1e-9


def test_without_smoothness_it_is_least_squares_and_with_much_one_coefficient():
    Z, y, w = problem()
    X = np.column_stack([np.ones(len(Z)), Z])
    free = np.linalg.solve(X.T @ (w[:, None] * X), X.T @ (w * y))
    fit = FusedLasso(smoothness=0.0).fit(Z, y, sample_weight=w)
    np.testing.assert_allclose([fit.intercept_, *fit.coef_], free, rtol=1e-7)
    np.testing.assert_allclose(fit.predict(Z), X @ free, rtol=1e-7)
    for much in (FusedLasso(smoothness=1e6), FusedLasso(bound=0.0)):
        assert len(set(much.fit(Z, y).coef_)) == 1


def test_units_of_the_output_and_of_the_weights_do_not_matter():
    Z, y, w = problem()
    one, other = FusedLasso().fit(Z, y, sample_weight=w), FusedLasso().fit(Z, 1e4 * y - 7, sample_weight=1e-3 * w)
    np.testing.assert_allclose(other.coef_, 1e4 * one.coef_, rtol=1e-6)
    assert other.sigma_ == pytest.approx(1e4 * one.sigma_, rel=1e-6)


def test_the_bound_holds():
    Z, y, _ = problem()
    fit = FusedLasso(bound=1.5).fit(Z, y)
    assert fit.variation_ == pytest.approx(1.5)
    assert np.abs(np.diff(fit.coef_)).sum() == pytest.approx(1.5)


def test_rows_without_weight_are_not_there():
    Z, y, w = problem()
    w[:40] = 0.0
    spoilt = np.where(w == 0, 1e9, y)
    np.testing.assert_array_equal(
        FusedLasso().fit(Z, spoilt, sample_weight=w).coef_, FusedLasso().fit(Z[40:], y[40:], sample_weight=w[40:]).coef_
    )


@pytest.mark.parametrize("y", [np.zeros(5), np.full(5, 1e6)])
def test_constant_outputs(y):
    fit = FusedLasso().fit(np.eye(5), y)
    np.testing.assert_allclose(fit.coef_, 0.0, atol=1e-6)
    np.testing.assert_allclose(fit.predict(np.eye(5)), y, rtol=1e-9)


def test_one_column_and_constant_columns():
    Z, y, _ = problem(p=1)
    assert FusedLasso().fit(Z, y).coef_[0] == pytest.approx(np.polyfit(Z[:, 0], y, 1)[0])
    assert np.isfinite(FusedLasso().fit(np.ones((9, 3)), np.arange(9.0)).coef_).all()


def test_what_is_refused():
    Z, y, w = problem()
    with pytest.raises(InputError, match="smoothness must be a finite number"):
        FusedLasso(smoothness=-1)
    with pytest.raises(InputError, match="bound must be a finite number"):
        FusedLasso(bound=np.nan)
    with pytest.raises(InputError, match="y must have shape"):
        FusedLasso().fit(Z, y[1:])
    with pytest.raises(InputError, match="y must be finite"):
        FusedLasso().fit(Z, y * np.inf)
    with pytest.raises(InputError, match="Z must be finite"):
        FusedLasso().fit(Z * np.nan, y)
    with pytest.raises(InputError, match="Z must be a table"):
        FusedLasso().fit(y, y)
    with pytest.raises(InputError, match="sample_weight must be"):
        FusedLasso().fit(Z, y, sample_weight=-w)
    with pytest.raises(InputError, match="not fitted"):
        FusedLasso().predict(Z)
    with pytest.raises(InputError, match="6 columns of the fit"):
        FusedLasso().fit(Z, y).predict(Z[:, :2])
