"""Boosted trees and logistic curves on masks: against their twins, and their limits against all masks."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from pellucid.estimation.size_law import SizeLaw
from pellucid.estimation.surrogate_columns import inverse_entries
from reference.mask_laws import all_masks, boosted, limit, measure, ridge

STARTS = np.array([0, 60, 130, 200, 260])


def problem(p=8, m=260, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.integers(0, 2, (m, p)).astype(np.uint8)
    logits = Z @ rng.normal(size=p) + 2.0 * Z[:, 0] * Z[:, 1] - 1.5 * Z[:, 2] * (1 - Z[:, 3]) - 0.5
    y = np.column_stack([1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(logits - Z[:, 4] * Z[:, 5]))])
    return Z, y, rng.random(m) * 1.9 * (rng.random(m) < 0.9)


def blocks_of(starts):
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def test_trees_against_the_twin():
    Z, y, w = problem()
    fitted = _core.MaskTrees(Z, y, w, STARTS, 6)
    others = blocks_of(STARTS) != 2
    grid = all_masks(8)
    for o in range(2):
        g = boosted(Z[others], y[others, o], w[others], trees=6)
        found = fitted.evaluate(grid, np.full(len(grid), 2))[:, o]
        # Sums of splits are in single precision, and so are the Gram matrices of the linear fit.
        np.testing.assert_allclose(found, [g(z) for z in grid], atol=2e-6)
        assert np.ptp(found) > 0.05


def test_each_row_is_predicted_by_the_trees_that_have_not_seen_it():
    Z, y, w = problem()
    before = _core.MaskTrees(Z, y, w, STARTS, 10)
    y[60:130] = 1 - y[60:130]
    after = _core.MaskTrees(Z, y, w, STARTS, 10)
    at = [np.full(len(Z), block) for block in range(4)]
    assert np.array_equal(before.evaluate(Z, at[1]), after.evaluate(Z, at[1]))
    assert not np.array_equal(before.evaluate(Z, at[0]), after.evaluate(Z, at[0]))


@pytest.mark.parametrize("base", ["bernoulli", "uniform_size"])
@pytest.mark.parametrize("p", [8, 10])
def test_limits_of_trees_are_those_of_least_squares_over_all_masks(p, base):
    Z, y, w = problem(p)
    law = SizeLaw.exponential(p, base=base, kernel_width=0.3)
    fitted = _core.MaskTrees(Z, y, w, STARTS, 80)
    grid = all_masks(p)
    for block in range(4):
        expected = limit(fitted.evaluate(grid, np.full(len(grid), block)), grid, measure(law.target, p))
        found = fitted.limits(block, law.alphas(fitted.most_depth + 1), inverse_entries(law))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_logistic_curves_against_the_twin():
    Z, y, w = problem()
    fitted = _core.MaskLogistic(Z, y, w, STARTS)
    others = blocks_of(STARTS) != 1
    steep = w[:, None] * (y * (1 - y) + 1e-3)
    steep /= steep.mean(axis=0)
    for o in range(2):
        b = ridge(Z[others], np.log(y / (1 - y))[others, o], steep[others, o], 1.0)
        expected = 1 / (1 + np.exp(-b[0] - Z @ b[1:]))
        np.testing.assert_allclose(fitted.evaluate(Z, np.ones(len(Z), dtype=int))[:, o], expected, atol=2e-6)


def test_limits_of_curves_over_a_bank_of_all_masks_are_exact():
    Z, y, w = problem()
    law = SizeLaw.exponential(8, base="uniform_size", kernel_width=0.3)
    fitted = _core.MaskLogistic(Z, y, w, STARTS)
    grid, weights = all_masks(8), measure(law.target, 8)
    for block in range(4):
        expected = limit(fitted.evaluate(grid, np.full(len(grid), block)), grid, weights)
        found = fitted.limits(block, grid, weights, law.alphas(3), inverse_entries(law))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_what_a_quadratic_explains_needs_no_bank():
    """Nearly flat curves are quadratics in their logits: a bank of 300 masks is then as good as all of them."""
    Z, y, w = problem()
    law = SizeLaw.exponential(8, kernel_width=0.4)
    fitted = _core.MaskLogistic(Z, 0.5 + 0.02 * (y - 0.5), w, STARTS)
    grid, weights = all_masks(8), measure(law.target, 8)
    bank = _core.sized_masks(0, 0, law.target, 0, 300, False)
    expected = fitted.limits(0, grid, weights, law.alphas(3), inverse_entries(law))
    found = fitted.limits(0, bank, np.full(300, 1 / 300), law.alphas(3), inverse_entries(law))
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected[1:]).max()


def test_threads_do_not_change_the_bits():
    Z, y, w = problem(p=70)
    law = SizeLaw.exponential(70)
    bank, weights = _core.sized_masks(0, 0, law.target, 0, 5000, False), np.full(5000, 1 / 5000)

    def everything():
        trees, curves = _core.MaskTrees(Z, y, w, STARTS, 10), _core.MaskLogistic(Z, y, w, STARTS)
        at = blocks_of(STARTS)
        found = [trees.evaluate(Z, at), curves.evaluate(Z, at)]
        return [*found, curves.limits(1, bank, weights, law.alphas(3), inverse_entries(law))]

    many = everything()
    _core.set_thread_count(1)
    try:
        for one, other in zip(everything(), many, strict=True):
            assert np.array_equal(one, other)
    finally:
        _core.set_thread_count(0)


def test_predictions_row_by_row():
    rng = np.random.default_rng(0)
    Z, fits = rng.integers(0, 2, (50, 37)).astype(np.uint8), rng.normal(size=(38, 3))
    np.testing.assert_allclose(_core.linear_predictions(Z, fits), fits[0] + Z @ fits[1:], atol=1e-12)
    assert np.array_equal(_core.linear_predictions(Z[7:9], fits), _core.linear_predictions(Z, fits)[7:9])


@pytest.mark.parametrize("starts", [[0, 260], [0, 100, 250], [10, 100, 260], [0, 100, 100, 260]])
def test_blocks_that_are_none(starts):
    Z, y, w = problem()
    with pytest.raises(InputError):
        _core.MaskTrees(Z, y, w, np.array(starts), 3)


def test_outputs_that_are_no_probabilities():
    Z, y, w = problem()
    with pytest.raises(InputError, match="within"):
        _core.MaskLogistic(Z, y * 1.2, w, STARTS)
    y[3, 0] = np.nan
    with pytest.raises(InputError):
        _core.MaskLogistic(Z, y, w, STARTS)
    with pytest.raises(InputError):
        _core.MaskTrees(Z, y, w, STARTS, 3)
