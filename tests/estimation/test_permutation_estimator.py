"""Antithetic pairs of orders: what is exact, what is estimated, and how its error is told."""

from __future__ import annotations

import numpy as np
import pytest
from estimation.closed_form import Products, Unanimity, table_game
from pellucid.estimation import shapley_values
from pellucid.estimation.permutation import Permutations
from pellucid.estimation.student import student_factor


def test_one_pair_is_exact_for_order_two_and_has_no_error():
    game = Unanimity.random(15, terms=40, orders=(1, 2), seed=0)

    result = shapley_values(game, 15, method="permutation", budget=2 + 28)

    np.testing.assert_allclose(result.values[0], game.values, atol=1e-12)
    assert np.isnan(result.std_err).all()
    assert any("no standard error" in warning for warning in result.report.warnings)


def test_the_estimate_is_the_mean_over_the_orders():
    """Against the naive walk along the orders that the sampler names."""
    table = np.random.default_rng(1).normal(size=2**5)
    powers = 1 << np.arange(5)
    sampler = Permutations(5, np.ones(1), seed=3)
    orders = sampler.pairs(0, 9)[0]

    result = shapley_values(lambda m: table[m @ powers], 5, method="permutation", budget=2 + 9 * 8, seed=3)

    pairs = np.zeros((9, 5))
    for i, order in enumerate(orders):
        for walk in (order, order[::-1]):
            reached = np.cumsum(powers[walk])
            pairs[i, walk] += np.diff(table[np.concatenate([[0], reached])]) / 2
    np.testing.assert_allclose(result.values[0, :, 0], pairs.mean(axis=0), atol=1e-13)
    expected = pairs.std(axis=0, ddof=1) / 3 * student_factor(8)
    np.testing.assert_allclose(result.std_err[0, :, 0], expected, rtol=1e-10)


def test_longer_sequences_continue_shorter_ones():
    sampler = Permutations(6, np.array([0.2, 0.5, 0.3]), seed=8)
    whole = sampler.pairs(0, 40)

    for first, last in ((0, 7), (7, 23), (23, 40)):
        orders, twins, draws, masks = sampler.pairs(first, last)
        np.testing.assert_array_equal(orders, whole[0][first:last])
        np.testing.assert_array_equal(twins, whole[1][first:last])
        np.testing.assert_array_equal(draws, whole[2][first:last])
        np.testing.assert_array_equal(masks, whole[3][first * 10 : last * 10])


def test_an_additive_model_is_exact_once_every_draw_was_seen():
    model = Products(6, terms=[], coefficients=[], linear=[1.0, -2.0, 0.5, 0.0, 3.0, 1.0])
    rng = np.random.default_rng(2)
    x, background = rng.normal(size=6), rng.normal(size=(5, 6))

    result = shapley_values(model.game(x, background), method="permutation", budget=6 + 20 * 10)

    np.testing.assert_allclose(result.values[0, :, 0], model.values(x, background), atol=1e-12)
    assert result.std_err.max() < 1e-12


@pytest.mark.parametrize("weights", [None, [1.0, 5.0, 2.0, 0.5, 0.1]])
@pytest.mark.parametrize("pairs", [3, 11, 60])
def test_it_is_unbiased(weights, pairs):
    model = Products.random(6, terms=8, orders=(2, 4), seed=3)
    rng = np.random.default_rng(2)
    x, background = rng.normal(size=6), rng.normal(size=(5, 6))
    game, truth = model.game(x, background, weights=weights), model.values(x, background, weights)

    estimates = np.array(
        [
            shapley_values(game, method="permutation", budget=6 + 10 * pairs, seed=seed, n_threads=1).values[0, :, 0]
            for seed in range(300)
        ]
    )

    # The adjustment to the known total is a ratio: its bias is of a smaller order than the error of one run.
    spread = estimates.std(axis=0)
    assert (np.abs(estimates.mean(axis=0) - truth) <= 4.5 * spread / np.sqrt(300) + 0.12 * spread).all()
    assert spread.max() > 0.01


def test_a_constant_game():
    result = shapley_values(lambda m: np.full(len(m), 3.0), 5, method="permutation", budget=500)

    assert (result.values == 0.0).all()
    assert (result.std_err == 0.0).all()


def test_a_draw_of_tiny_weight_counts_with_its_weight():
    tables = np.zeros((2, 2**4, 1))
    tables[1, 0] = -1000.0
    game, truth = table_game(tables, weights=[1.0, 1e-4])

    result = shapley_values(game, method="permutation", budget=3 + 6 * 20)

    assert np.abs(result.residual).max() < 1e-12
    np.testing.assert_allclose(result.values[0].sum(), truth.sum(), rtol=1e-12)
