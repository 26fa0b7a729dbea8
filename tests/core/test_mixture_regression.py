"""The mixture of regressions: its steps against the twin, what must never fall, and where it starts from."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.selection import mixture_step


def problem(seed=0, n=150, p=4):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, p)) + 3
    left = rng.random(n) < 0.4
    y = np.where(left, Z @ np.arange(p), 5 - Z @ np.ones(p)) + 0.3 * rng.normal(size=n)
    return Z, y, rng.uniform(0.2, 2, size=n), rng.dirichlet(np.ones(2), size=n)


def run(Z, y, w, r, lams=(0.5, 2.0), *, sigmas=None, bound=-1.0, floor=1e-6, iterations=60, tolerance=1e-10):
    sigmas = np.ones(r.shape[1]) if sigmas is None else sigmas
    options = _core.MixtureOptions(bound, floor, iterations, tolerance)
    return _core.mixture_regression(Z, y, w, r, sigmas, np.array(lams), options)


def test_one_iteration_is_that_of_the_twin():
    Z, y, w, r = problem()
    lams = np.array([0.5, 20.0])
    sigmas = np.array([2.0, 0.7])
    fit = run(Z, y, w, r, lams, sigmas=sigmas, iterations=1)
    density = np.empty((len(y), 2))
    penalty = 0.0
    for c in range(2):
        b, a, pi, sigma = mixture_step(Z, y, w, r[:, c], lams[c], sigmas[c])
        np.testing.assert_allclose(fit.coefficients[c], b, atol=1e-8)
        assert fit.intercepts[c] == pytest.approx(a, abs=1e-7)
        assert fit.shares[c] == pytest.approx(pi)
        assert fit.sigmas[c] == pytest.approx(sigma)
        density[:, c] = pi * np.exp(-((y - a - Z @ b) ** 2) / (2 * sigma**2)) / sigma
        penalty += lams[c] * np.abs(np.diff(b)).sum()
    np.testing.assert_allclose(fit.responsibilities, density / density.sum(axis=1, keepdims=True), atol=1e-7)
    likelihood = w @ np.log(density.sum(axis=1))
    assert fit.log_likelihood == pytest.approx(likelihood, rel=1e-9)
    assert fit.log_likelihoods[0] == pytest.approx(likelihood - penalty, rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bound", [-1.0, 0.0, 0.7, 5.0])
def test_what_is_maximised_never_falls(seed, bound):
    Z, y, w, _ = problem(seed)
    r = np.random.default_rng(seed + 10).dirichlet(np.ones(3), size=len(y))
    fit = run(Z, y, w, r, (0.1, 1.0, 30.0), bound=bound, tolerance=-1.0, floor=0.02)
    assert len(fit.log_likelihoods) == 60
    assert np.diff(fit.log_likelihoods).min() >= -1e-9 * np.abs(fit.log_likelihoods).max()
    assert np.ptp(fit.log_likelihoods) > 1
    if bound >= 0:
        assert np.abs(np.diff(fit.coefficients, axis=1)).sum(axis=1).max() <= bound * (1 + 1e-9)
    assert fit.sigmas.min() >= 0.02


def test_weights_count_rows():
    Z, y, _, r = problem()
    w = np.random.default_rng(1).integers(1, 4, size=len(y))
    one = run(Z, y, w.astype(float), r)
    other = run(*(np.repeat(a, w, axis=0) for a in (Z, y, np.ones(len(y)), r)))
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-6)
    np.testing.assert_allclose(one.log_likelihoods, other.log_likelihoods, rtol=1e-9)


def test_same_bits_for_any_threads():
    Z, y, w, r = problem(n=3000)
    fits = []
    for count in (1, 2, 5):
        _core.set_thread_count(count)
        fits.append(run(Z, y, w, r))
    _core.set_thread_count(0)
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit.coefficients, fits[0].coefficients)
        np.testing.assert_array_equal(fit.responsibilities, fits[0].responsibilities)


def test_an_empty_component_stays_empty():
    Z, y, w, r = problem()
    r = np.column_stack([r, np.zeros(len(y))])
    fit = run(Z, y, w, r, (0.1, 0.1, 0.1))
    assert fit.shares[2] == 0.0
    assert np.isfinite(fit.log_likelihoods).all()
    assert not fit.responsibilities[:, 2].any()


def test_outputs_without_noise_meet_the_floor():
    Z, _, w, r = problem()
    fit = run(Z, Z @ np.ones(4), w, r, floor=0.1)
    np.testing.assert_array_equal(fit.sigmas, 0.1)
    assert np.isfinite(fit.log_likelihoods).all()


def test_projections_belong_to_their_number_and_are_free_of_units():
    Z = problem()[0]
    four = _core.random_projections(Z, 7, 3, 4)
    np.testing.assert_allclose(_core.random_projections(Z, 7, 5, 1)[:, 0], four[:, 2], rtol=1e-12)
    np.testing.assert_allclose(_core.random_projections(Z * [1, 10, 1e3, 1e-4], 7, 3, 4), four, rtol=1e-9)
    assert not np.allclose(_core.random_projections(Z, 8, 3, 4), four)
    assert not _core.random_projections(np.ones((3, 2)), 0, 0, 2).any()


def test_what_is_refused():
    Z, y, w, r = problem()
    with pytest.raises(InputError, match="150 rows"):
        run(Z, y[1:], w, r)
    with pytest.raises(InputError, match="one must be positive"):
        run(Z, y, 0 * w, r)
    with pytest.raises(InputError, match="must be finite"):
        run(Z, y * np.nan, w, r)
    with pytest.raises(InputError, match=r"penalties must be .* each of the 2 components"):
        run(Z, y, w, r, (1.0,))
    with pytest.raises(InputError, match=r"sigmas must be .* each of the 2 components"):
        run(Z, y, w, r, sigmas=-np.ones(2))
    with pytest.raises(InputError, match="floor must be > 0"):
        run(Z, y, w, r, floor=0.0)
