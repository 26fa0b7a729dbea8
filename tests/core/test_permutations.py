"""Random orders, the coalitions on the way, and the draws they are played against."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError


def test_orders_are_permutations_and_belong_to_their_row():
    orders = _core.random_permutations(4, 9, 0, 130)
    assert np.array_equal(np.sort(orders, axis=1), np.tile(np.arange(9), (130, 1)))
    assert np.array_equal(_core.random_permutations(4, 9, 37, 70), orders[37:107])
    assert not np.array_equal(_core.random_permutations(5, 9, 0, 130), orders)
    assert _core.random_permutations(4, 9, 3, 0).shape == (0, 9)


def test_all_orders_are_equally_likely():
    orders = _core.random_permutations(0, 4, 0, 24_000)
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert counts.size == 24
    # chi-square with 23 degrees of freedom: five standard deviations above the mean
    assert ((counts - 1000) ** 2 / 1000).sum() < 23 + 5 * np.sqrt(46)


def test_same_bits_for_any_number_of_threads():
    found = set()
    for threads in (1, 2, 4):
        _core.set_thread_count(threads)
        found.add(_core.random_permutations(1, 30, 5, 1000).tobytes())
    _core.set_thread_count(0)
    assert len(found) == 1


@pytest.mark.parametrize("players", [1, 2, 3, 6])
def test_antithetic_coalitions_are_prefixes_of_both_orders(players):
    orders = _core.random_permutations(2, players, 0, 40)
    twins = orders[:, ::-1].copy()
    masks = _core.antithetic_coalitions(orders, twins)
    expected = []
    for order in orders:
        for way in (order, order[::-1]):
            expected += [[int(j in way[:length]) for j in range(players)] for length in range(1, players)]
    assert np.array_equal(masks, np.array(expected, dtype=np.uint8).reshape(-1, players))


@pytest.mark.parametrize("wrong", [-1, 3])
def test_antithetic_coalitions_refuse_players_that_do_not_exist(wrong):
    right, odd = np.array([[0, 1, 2]]), np.array([[0, 1, wrong]])
    for orders, twins in ((right, odd), (odd, right)):
        with pytest.raises(InputError, match="orders and twins must hold the players 0 to 2"):
            _core.antithetic_coalitions(orders, twins)


def test_antithetic_coalitions_refuse_twins_of_another_shape():
    orders = np.array([[0, 1, 2], [2, 1, 0]])
    for twins in (orders[:1], np.array([[0, 1], [1, 0]])):
        with pytest.raises(InputError, match="twins must have a row for each"):
            _core.antithetic_coalitions(orders, twins)


def test_a_cycle_goes_through_equal_draws_once():
    draws = _core.systematic_draws(3, np.full(7, 0.25), 0, 70)
    for cycle in draws.reshape(10, 7):
        assert sorted(cycle) == list(range(7))
    assert np.array_equal(_core.systematic_draws(3, np.full(7, 0.25), 13, 30), draws[13:43])
    assert len(_core.systematic_draws(3, np.full(7, 0.25), 5, 0)) == 0


def test_draws_follow_their_weights():
    weights = np.array([1.0, 0.0, 2.0, 5.0, 0.5])
    counts = np.bincount(_core.systematic_draws(0, weights, 0, 20_000), minlength=5)
    assert counts[1] == 0
    np.testing.assert_allclose(counts / counts.sum(), weights / weights.sum(), atol=0.01)


@pytest.mark.parametrize("weights", [[], [0.0], [-1.0, 2.0], [np.nan], [np.inf, 1.0]])
def test_draws_refuse_weights(weights):
    with pytest.raises(InputError, match="weights must"):
        _core.systematic_draws(0, np.array(weights, dtype=float), 0, 1)


@pytest.mark.parametrize(("first", "count"), [(-1, 2), (0, -1)])
def test_negative_rows_are_refused(first, count):
    with pytest.raises(InputError):
        _core.systematic_draws(0, np.ones(3), first, count)
    with pytest.raises(InputError):
        _core.random_permutations(0, 3, first, count)
