"""Marginal contributions of antithetic pairs of orders."""

from itertools import permutations

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.shapley_permutation import antithetic


def game(n, k, seed=0):
    """A table of values, as a function of frozensets and of masks."""
    table = np.random.default_rng(seed).normal(size=(2**n, k))
    return table, lambda S: table[sum(1 << j for j in S)], lambda masks: table[masks.astype(int) @ (1 << np.arange(n))]


def contributions(orders, table, of_masks):
    m = len(orders)
    twins = orders[:, ::-1].copy()
    values = of_masks(_core.antithetic_coalitions(orders, twins))
    return _core.antithetic_contributions(orders, twins, values, np.tile(table[0], (m, 1)), np.tile(table[-1], (m, 1)))


@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize("k", [1, 3])
def test_against_the_twin(n, k):
    table, v, of_masks = game(n, k)
    orders = _core.random_permutations(1, n, 0, 50)
    expected = np.array([antithetic(list(order), v) for order in orders]).reshape(50, n * k)
    np.testing.assert_allclose(contributions(orders, table, of_masks), expected, rtol=0, atol=1e-14)


def test_the_mean_over_all_orders_is_the_shapley_value():
    table, _, of_masks = game(5, 2)
    orders = np.array(list(permutations(range(5))))
    mean = contributions(orders, table, of_masks).mean(axis=0).reshape(5, 2)
    np.testing.assert_allclose(mean, _core.exact_shapley(table, 5), atol=1e-13)


def test_every_pair_is_efficient():
    table, _, of_masks = game(6, 2)
    orders = _core.random_permutations(3, 6, 0, 40)
    sums = contributions(orders, table, of_masks).reshape(40, 6, 2).sum(axis=1)
    np.testing.assert_allclose(sums, np.tile(table[-1] - table[0], (40, 1)), atol=1e-13)


def test_same_bits_for_any_number_of_threads():
    table, _, of_masks = game(8, 2)
    orders = _core.random_permutations(3, 8, 0, 500)
    found = set()
    for threads in (1, 2, 4):
        _core.set_thread_count(threads)
        found.add(contributions(orders, table, of_masks).tobytes())
    _core.set_thread_count(0)
    assert len(found) == 1


def test_wrong_shapes_are_refused():
    orders = _core.random_permutations(0, 3, 0, 2)
    values, ends = np.zeros((8, 1)), np.zeros((2, 1))
    nobody = np.empty((2, 0), dtype=np.int64)
    _core.antithetic_contributions(orders, orders, values, ends, ends)
    for change in [
        (orders, orders, values[:7], ends, ends),
        (orders, orders, values, ends[:1], ends),
        (orders, orders, values, ends, np.zeros((2, 2))),
        (orders + 1, orders, values, ends, ends),
        (orders, orders - 1, values, ends, ends),
        (orders, orders[:1], values, ends, ends),
        (nobody, nobody, values, ends, ends),
    ]:
        with pytest.raises(InputError):
            _core.antithetic_contributions(*change)
