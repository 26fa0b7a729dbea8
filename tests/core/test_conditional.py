"""The kernels of conditional values against their twins, and against the laws they stand for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pellucid import InputError, NumericalError, _core
from reference.conditional import completed, conditional_moments, interventional_moments, kernel_weights

D = 6
_rng = np.random.default_rng(11)
ROWS = _rng.normal(size=(40, D)) @ _rng.normal(size=(D, D)) + np.array([3.0, -1.0, 0.0, 100.0, 2.0, 0.5])
WEIGHTS = _rng.gamma(2.0, size=40)
WEIGHTS /= WEIGHTS.sum()
MEAN = WEIGHTS @ ROWS
COVARIANCE = (ROWS - MEAN).T @ ((ROWS - MEAN) * WEIGHTS[:, None])
X = ROWS[0] + 1.5
MASKS = np.array(list(itertools.product([0, 1], repeat=D)), dtype=np.uint8)
OWN_PART = np.arange(D, dtype=np.int32)
ONE_COMPONENT = np.zeros(D, dtype=np.int32)
OPEN = np.zeros(1, dtype=np.int32)
# Components {0, 3}, {1}, {2, 4, 5} in this order.
CHAIN = np.array([0, 1, 2, 0, 2, 2], dtype=np.int32)
CHAINED = [[0, 3], [1], [2, 4, 5]]


def completion(*, part=OWN_PART, component=ONE_COMPONENT, confounded=OPEN, cache=2**20, covariance=COVARIANCE):
    confounded = np.asarray(confounded, dtype=np.int32)
    return _core.GaussianCompletion(covariance, part, int(part.max()) + 1, component, confounded, cache)


def composed(kernel, draws, masks=MASKS, *, x=X):
    rows = np.empty((len(masks) * len(draws), len(x)))
    kernel.compose_grid(x, draws, masks, 0, len(draws), rows)
    return rows


def test_moments_are_the_weighted_ones():
    moments = _core.weighted_moments(ROWS, WEIGHTS)

    np.testing.assert_allclose(moments.mean, MEAN, rtol=1e-13)
    np.testing.assert_allclose(moments.covariance, COVARIANCE, rtol=1e-11, atol=1e-12)


def test_a_constant_column_has_no_variance_at_all():
    rows = ROWS.copy()
    rows[:, 2] = 0.1

    moments = _core.weighted_moments(rows, WEIGHTS)

    assert moments.mean[2] == 0.1
    assert not moments.covariance[2].any()
    assert not moments.covariance[:, 2].any()


@pytest.mark.parametrize("pairs", [D, 50])
def test_draws_have_the_moments_exactly_and_no_odd_ones(pairs):
    draws = _core.matched_normal_draws(7, MEAN, COVARIANCE, pairs)
    away = draws - MEAN

    np.testing.assert_allclose(draws.mean(axis=0), MEAN, rtol=0, atol=1e-12)
    np.testing.assert_allclose(away.T @ away / len(draws), COVARIANCE, rtol=0, atol=1e-11)
    third = np.einsum("na,nb,nc->abc", away, away, away) / len(draws)
    assert np.abs(third).max() < 1e-10


def test_draws_are_normal():
    """Kurtosis 3 within five standard errors, sqrt(24 / n) of them each."""
    draws = _core.matched_normal_draws(0, MEAN, COVARIANCE, 20_000)

    standard = (draws - MEAN) / np.sqrt(np.diag(COVARIANCE))
    assert np.abs((standard**4).mean(axis=0) - 3.0).max() < 5 * np.sqrt(96 / 20_000)


def test_draws_of_a_singular_law_stay_on_its_support():
    rows = ROWS.copy()
    rows[:, 5] = rows[:, 0] - 2.0 * rows[:, 1]
    moments = _core.weighted_moments(rows, WEIGHTS)

    draws = _core.matched_normal_draws(3, moments.mean, moments.covariance, 10)

    np.testing.assert_allclose(draws[:, 5], draws[:, 0] - 2.0 * draws[:, 1], atol=1e-10)
    assert _core.smallest_correlation(moments.covariance) < 1e-12 < _core.smallest_correlation(COVARIANCE)


def test_too_few_draws_are_refused():
    with pytest.raises(InputError, match="at least 6"):
        _core.matched_normal_draws(0, MEAN, COVARIANCE, D - 1)


def test_rows_are_completed_by_matherons_rule():
    draws = _core.matched_normal_draws(1, MEAN, COVARIANCE, 20)

    rows = composed(completion(), draws).reshape(len(MASKS), len(draws), D)

    for mask, found in zip(MASKS, rows, strict=True):
        expected = [completed(X, np.flatnonzero(mask), b, COVARIANCE) for b in draws]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_completed_draws_have_the_conditional_moments():
    draws = _core.matched_normal_draws(1, MEAN, COVARIANCE, 20)

    rows = composed(completion(), draws).reshape(len(MASKS), len(draws), D)

    for mask, found in zip(MASKS, rows, strict=True):
        S, U = np.flatnonzero(mask), np.flatnonzero(mask == 0)
        mean, variance = conditional_moments(X, S, MEAN, COVARIANCE)
        np.testing.assert_array_equal(found[:, S], np.broadcast_to(X[S], (len(draws), len(S))))
        np.testing.assert_allclose(found[:, U].mean(axis=0), mean, rtol=0, atol=1e-9)
        away = found[:, U] - mean
        np.testing.assert_allclose(away.T @ away / len(draws), variance, rtol=0, atol=1e-8)


@pytest.mark.parametrize("confounded", list(itertools.product([0, 1], repeat=3)))
def test_interventions_have_the_moments_of_the_causal_chain(confounded):
    draws = _core.matched_normal_draws(1, MEAN, COVARIANCE, 20)

    rows = composed(completion(component=CHAIN, confounded=confounded), draws).reshape(len(MASKS), len(draws), D)

    for mask, found in zip(MASKS, rows, strict=True):
        mean, variance = interventional_moments(X, list(np.flatnonzero(mask)), MEAN, COVARIANCE, CHAINED, confounded)
        np.testing.assert_allclose(found.mean(axis=0), mean, rtol=0, atol=1e-9)
        np.testing.assert_allclose(np.cov(found.T, bias=True), variance, rtol=0, atol=1e-8)


def test_operators_move_unknown_columns_alone():
    operators = completion().operators(MASKS).reshape(len(MASKS), D, D)

    for mask, operator in zip(MASKS, operators, strict=True):
        S, U = np.flatnonzero(mask), np.flatnonzero(mask == 0)
        assert not operator[S].any()
        assert not operator[:, U].any()
        if len(S) and len(U):
            slopes = np.linalg.solve(COVARIANCE[np.ix_(S, S)], COVARIANCE[np.ix_(S, U)]).T
            np.testing.assert_allclose(operator[np.ix_(U, S)], slopes, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("cache", [0, 3000, 2**26], ids=["none", "a few", "all"])
def test_the_cache_does_not_show(cache):
    draws = _core.matched_normal_draws(1, MEAN, COVARIANCE, 20)
    expected = composed(completion(), draws)
    kernel = completion(cache=cache)

    for _ in range(2):
        np.testing.assert_array_equal(composed(kernel, draws), expected)


def test_one_by_one_is_the_grid_to_the_bit():
    draws = _core.matched_normal_draws(1, MEAN, COVARIANCE, 35)
    grid = composed(completion(), draws)
    rows = np.empty_like(grid)

    chosen = np.tile(np.arange(len(draws)), len(MASKS))
    completion().compose(X, draws, np.repeat(MASKS, len(draws), axis=0), chosen, rows)

    np.testing.assert_array_equal(rows, grid)


def test_a_part_of_the_draws_is_that_part_of_the_grid():
    draws = _core.matched_normal_draws(1, MEAN, COVARIANCE, 35)
    grid = composed(completion(), draws).reshape(len(MASKS), len(draws), D)
    rows = np.empty((len(MASKS) * 33, D))

    completion().compose_grid(X, draws, MASKS, 5, 33, rows)

    np.testing.assert_array_equal(rows.reshape(len(MASKS), 33, D), grid[:, 5:38])


def test_columns_of_a_part_are_known_together():
    part = np.array([0, 1, 0, 2, 1, 2], dtype=np.int32)
    draws = _core.matched_normal_draws(1, MEAN, COVARIANCE, 8)
    masks = np.array(list(itertools.product([0, 1], repeat=3)), dtype=np.uint8)

    np.testing.assert_array_equal(
        composed(completion(part=part), draws, masks),
        composed(completion(), draws, np.ascontiguousarray(masks[:, part])),
    )


def test_a_constant_column_tells_nothing_and_stays():
    covariance = COVARIANCE.copy()
    covariance[2] = covariance[:, 2] = 0.0
    draws = _core.matched_normal_draws(1, MEAN, covariance, 8)
    kernel = completion(covariance=covariance)

    without = composed(kernel, draws, np.array([[1, 0, 0, 1, 0, 0]], dtype=np.uint8))
    known = composed(kernel, draws, np.array([[1, 0, 1, 1, 0, 0]], dtype=np.uint8))

    assert (without[:, 2] == MEAN[2]).all()
    assert (known[:, 2] == X[2]).all()
    others = [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(known[:, others], without[:, others])


def test_a_singular_covariance_is_refused():
    covariance = np.ones((2, 2)) * np.array([[1.0, 1.0], [1.0, 1.0 - 1e-3]])
    covariance = np.block([[covariance, np.zeros((2, 1))], [np.zeros((1, 2)), np.ones((1, 1))]])
    kernel = completion(part=np.arange(3, dtype=np.int32), component=np.zeros(3, dtype=np.int32), covariance=covariance)

    with pytest.raises(NumericalError, match="singular"):
        composed(kernel, np.zeros((1, 3)), np.array([[1, 1, 0]], dtype=np.uint8), x=np.ones(3))


def test_shapes_that_do_not_fit_are_refused():
    kernel, rows = completion(), np.empty((1, D))
    mask, chosen = MASKS[:1], np.zeros(1, dtype=np.int64)

    with pytest.raises(InputError, match="6 columns"):
        kernel.compose(np.zeros(D - 1), ROWS, mask, chosen, rows)
    with pytest.raises(InputError, match="draws must name"):
        kernel.compose(X, ROWS, mask, np.array([40]), rows)
    with pytest.raises(InputError, match="do not exist"):
        kernel.compose_grid(X, ROWS, mask, 39, 2, rows)
    with pytest.raises(InputError, match="out must hold"):
        kernel.compose_grid(X, ROWS, mask, 0, 2, rows)
    with pytest.raises(InputError, match="part_of_column"):
        _core.GaussianCompletion(COVARIANCE, OWN_PART, D - 1, ONE_COMPONENT, OPEN, 0)
    with pytest.raises(InputError, match="component_of_column"):
        _core.GaussianCompletion(COVARIANCE, OWN_PART, D, ONE_COMPONENT + 1, OPEN, 0)


def neighbours(*, rows=ROWS, sigma=0.4, share=0.95, most=100, cache=2**20, unordered=None, covariance=COVARIANCE):
    scale = np.sqrt(np.diag(covariance))
    correlation = np.ascontiguousarray(covariance / scale[:, None] / scale)
    unordered = np.zeros(D, dtype=np.int32) if unordered is None else unordered
    return _core.EmpiricalNeighbours(
        rows, WEIGHTS, correlation, scale, unordered, OWN_PART, D, sigma, share, most, cache
    )


@pytest.mark.parametrize("cache", [0, 2**20])
@pytest.mark.parametrize(("sigma", "share"), [(0.1, 0.95), (0.6, 0.95), (0.6, 0.3)])
def test_neighbours_are_weighted_as_in_the_paper(cache, sigma, share):
    found = neighbours(sigma=sigma, share=share, cache=cache).weights(X, MASKS)

    for mask, weights in zip(MASKS, found, strict=True):
        expected = kernel_weights(X, np.flatnonzero(mask), ROWS, WEIGHTS, COVARIANCE, sigma, share)
        np.testing.assert_allclose(weights, expected, rtol=1e-7, atol=1e-12)


def test_no_more_than_the_most_rows_are_kept():
    found = neighbours(sigma=5.0, most=7).weights(X, MASKS)

    assert (found[0] == WEIGHTS).all()
    assert ((found[1:] > 0).sum(axis=1) == 7).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-12)


def test_an_unordered_column_is_the_same_or_not():
    rows = ROWS.copy()
    rows[:, 1] = np.arange(40) % 3
    unordered = np.array([0, 1, 0, 0, 0, 0], dtype=np.int32)
    x = X.copy()
    x[1] = 2.0
    only = np.array([[0, 1, 0, 0, 0, 0]], dtype=np.uint8)

    found = neighbours(rows=rows, sigma=0.5, share=1.0, unordered=unordered).weights(x, only)[0]

    expected = WEIGHTS * np.where(rows[:, 1] == 2.0, 1.0, np.exp(-1 / (2 * 0.5**2)))
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-12)


def test_means_of_runs():
    outputs, weights = _rng.normal(size=(9, 2)), _rng.uniform(size=9)
    counts = np.array([4, 0, 5])

    means = _core.weighted_run_means(outputs, weights, counts)

    np.testing.assert_allclose(means[0], weights[:4] @ outputs[:4], rtol=1e-13)
    np.testing.assert_allclose(means[2], weights[4:] @ outputs[4:], rtol=1e-13)
    assert not means[1].any()
    with pytest.raises(InputError, match="counts"):
        _core.weighted_run_means(outputs, weights, np.array([4, 4]))


def test_latent_values_go_back_through_the_step_quantiles():
    thresholds = np.array([-1.0, 0.5, 0.0, 0.0])
    values = np.array([10.0, 20.0, 30.0, 7.0])
    rows = np.array([[-1.5, 9.0], [-1.0, 0.0], [-0.9, 0.0], [0.6, 0.0]])
    masks = np.zeros((2, 2), dtype=np.uint8)
    masks[1, 1] = 1

    first = np.array([0, 3, 4])
    _core.latent_to_values(
        np.array([1.0, 2.0]), np.array([0, 1], dtype=np.int32), masks, 2, thresholds, values, first, rows
    )

    assert rows.tolist() == [[10.0, 7.0], [10.0, 7.0], [20.0, 2.0], [30.0, 2.0]]
