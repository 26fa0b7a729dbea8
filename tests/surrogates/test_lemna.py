"""The mixture: planted components are found, its number is chosen, and an instance has its owner."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from pellucid.surrogates import FusedLasso, Lemna


def planted(seed=0, n=500, p=6, noise=0.2):
    """Two lines with fused coefficients, one of three fifths of the rows; which is left to chance."""
    rng = np.random.default_rng(seed)
    Z = rng.integers(0, 2, size=(n, p)).astype(float)
    B = np.array([[2, 2, 2, 0, 0, 0], [-1, -1, -1, -1, 3, 3.0]])
    a = np.array([1.0, -2.0])
    owner = (rng.random(n) > 0.6).astype(int)
    return Z, a[owner] + (Z * B[owner]).sum(axis=1) + noise * rng.normal(size=n), owner, a, B


@pytest.mark.parametrize("seed", range(4))
def test_two_planted_components_are_found(seed):
    Z, y, owner, a, B = planted(seed)
    fit = Lemna(seed=seed).fit(Z, y)
    assert fit.components_ == 2
    assert fit.converged_
    np.testing.assert_allclose(fit.coefs_, B, atol=0.12)
    np.testing.assert_allclose(fit.intercepts_, a, atol=0.15)
    np.testing.assert_allclose(fit.weights_, [(owner == 0).mean(), (owner == 1).mean()], atol=0.03)
    np.testing.assert_allclose(fit.sigmas_, 0.2, atol=0.05)
    density = np.array([0.6, 0.4]) * np.exp(-((y[:, None] - a - Z @ B.T) ** 2) / (2 * 0.2**2))
    knowing_the_truth = (density.argmax(axis=1) == owner).mean()
    assert (fit.responsibilities(Z, y).argmax(axis=1) == owner).mean() > knowing_the_truth - 0.015
    assert np.diff(fit.log_likelihoods_).min() > -1e-8


def test_with_a_bound_the_components_keep_to_it():
    Z, y, _, _, B = planted(1)
    fit = Lemna(components=2, bound=4.0).fit(Z, y)
    np.testing.assert_allclose(fit.coefs_, B, atol=0.15)
    assert np.abs(np.diff(fit.coefs_, axis=1)).sum(axis=1).max() <= 4.0 * (1 + 1e-9)
    tight = Lemna(components=2, bound=1.0).fit(Z, y)
    assert np.abs(np.diff(tight.coefs_, axis=1)).sum(axis=1).max() <= 1.0 * (1 + 1e-9)
    assert tight.log_likelihoods_[-1] < fit.log_likelihoods_[-1]


def test_neighbours_are_fused_to_the_last_bit():
    Z, y, _, _, _ = planted(2)
    fit = Lemna(components=2).fit(Z, y)
    assert (np.diff(fit.coefs_, axis=1) == 0).sum() >= 5


@pytest.mark.parametrize("seed", range(3))
def test_one_line_is_one_component(seed):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(300, 4))
    y = Z @ [1.0, 1, 0, 0] + rng.normal(size=300)
    fit = Lemna().fit(Z, y)
    assert fit.components_ == 1
    assert set(fit.bic_) == {1, 2, 3, 4}
    line = FusedLasso().fit(Z, y)
    np.testing.assert_allclose(fit.coef_, line.coef_, atol=1e-5)
    assert fit.sigmas_[0] == pytest.approx(line.sigma_, rel=1e-5)


def test_the_bic_of_one_line_by_hand():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(100, 2))
    y = Z @ [1.0, -1.0] + rng.normal(size=100)
    fit = Lemna(components=1, smoothness=0.0).fit(Z, y)
    residuals = y - fit.predict(Z)
    log_likelihood = -50 * (np.log(2 * np.pi * residuals.var()) + 1)
    assert fit.bic_[1] == pytest.approx(-2 * log_likelihood + 4 * np.log(100))


def test_the_owner_of_an_instance_explains_it():
    Z, y, _, _, _ = planted(3)
    fit = Lemna(components=2).fit(Z, y)
    for c in range(2):
        z = np.array([1.0, 0, 1, 0, 1, 1])
        owner = fit.explain(z, float(z @ fit.coefs_[c] + fit.intercepts_[c]))
        assert owner.index == c
        assert owner.responsibility > 0.99
        np.testing.assert_array_equal(owner.coef, fit.coefs_[c])
        assert (owner.intercept, owner.sigma) == (fit.intercepts_[c], fit.sigmas_[c])


def test_the_mean_of_the_mixture():
    Z, y, _, _, _ = planted(0)
    fit = Lemna(components=3).fit(Z, y)
    each = Z @ fit.coefs_.T + fit.intercepts_
    np.testing.assert_allclose(fit.predict(Z), each @ fit.weights_)
    np.testing.assert_allclose(Z @ fit.coef_ + fit.intercept_, each @ fit.weights_)
    np.testing.assert_array_equal(fit.predict(Z)[7:9], fit.predict(Z[7:9]))
    np.testing.assert_allclose(fit.responsibilities(Z, y).sum(axis=1), 1.0)
    assert (np.diff(fit.weights_) <= 0).all()


def test_units_do_not_matter():
    Z, y, _, _, _ = planted(1)
    one, other = Lemna(components=2).fit(Z, y), Lemna(components=2).fit(Z, 100 * y + 5)
    np.testing.assert_allclose(other.coefs_, 100 * one.coefs_, atol=1e-3)


def test_the_seed_names_the_fit_whatever_the_threads():
    Z, y, _, _, _ = planted(2)
    first = Lemna(components=3, seed=5).fit(Z, y)
    _core.set_thread_count(3)
    second = Lemna(components=3, seed=5).fit(Z, y)
    _core.set_thread_count(0)
    np.testing.assert_array_equal(first.coefs_, second.coefs_)
    np.testing.assert_array_equal(first.log_likelihoods_, second.log_likelihoods_)


def test_more_starts_can_go_further():
    Z, y, _, _, _ = planted(3, noise=1.0)
    few, many = (Lemna(components=3, n_starts=n, smoothness=0.0).fit(Z, y) for n in (1, 8))
    assert many.log_likelihoods_[-1] > few.log_likelihoods_[-1] + 1


def test_no_component_shrinks_to_a_few_rows():
    rng = np.random.default_rng(0)
    fit = Lemna(most_components=6).fit(rng.normal(size=(40, 5)), rng.standard_cauchy(size=40))
    runs = (np.diff(fit.coefs_, axis=1) != 0).sum(axis=1) + 3
    assert (fit.weights_ * 40 > runs).all()
    assert np.isinf([fit.bic_[c] for c in (5, 6)]).any()


def test_few_rows():
    fit = Lemna().fit(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 2.0]))
    assert fit.components_ == 1
    assert np.isfinite(fit.coef_).all()
    assert np.isfinite(Lemna().fit(np.ones((5, 1)), np.ones(5)).coef_).all()


def test_what_is_refused():
    Z, y, _, _, _ = planted()
    for wrong in ({"components": 0}, {"components": "aic"}, {"components": 1.5}, {"n_starts": 0}, {"max_iter": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Lemna(**wrong)
    with pytest.raises(InputError, match="components must be at most 3"):
        Lemna(components=4).fit(Z[:3], y[:3])
    with pytest.raises(InputError, match="not fitted"):
        Lemna().explain(Z[0], 1.0)
    fit = Lemna(components=1).fit(Z, y)
    with pytest.raises(InputError, match="columns of the fit"):
        fit.explain(Z[0, :2], 1.0)
    with pytest.raises(InputError, match="one for each row"):
        fit.responsibilities(Z, y[1:])
