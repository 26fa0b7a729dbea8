"""Coalitions that a partial order allows, how many orders there are, and the values that follow from them."""

import math
from fractions import Fraction

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.asymmetric_shapley import consistent_orders, ideals, rational_asymmetric, table


def random_order(n, seed):
    rng = np.random.default_rng(seed)
    names, share = rng.permutation(n).tolist(), rng.choice([0.1, 0.3, 0.6])
    return {(names[i], names[j]) for i in range(n) for j in range(i + 1, n) if rng.random() < share}


ORDERS = [(n, random_order(n, seed)) for seed in range(4) for n in range(1, 8)]


def zigzag(n):
    """0 < 1 > 2 < 3 > ..."""
    return {(i, i + 1) if i % 2 == 0 else (i + 1, i) for i in range(n - 1)}


def grid(columns):
    """Two rows: everybody comes after the left and the upper neighbour."""
    across = {(row * columns + c, row * columns + c + 1) for row in range(2) for c in range(columns - 1)}
    return across | {(c, columns + c) for c in range(columns)}


def counted(n, pairs):
    return math.exp(_core.OrderIdeals(table(n, pairs), 2**20).log_orders)


@pytest.mark.parametrize(("n", "pairs"), ORDERS)
def test_against_all_permutations(n, pairs):
    found = _core.OrderIdeals(table(n, pairs), 2**n)

    assert found.complete
    masks = found.masks(0, found.size)
    expected = ideals(n, pairs)
    assert {frozenset(np.flatnonzero(mask).tolist()) for mask in masks} == set(expected)
    assert found.size == len(expected)
    assert (np.diff(masks.sum(axis=1)) >= 0).all()  # by size, so that nobody is first and everybody last
    np.testing.assert_array_equal(found.masks(1, found.size - 1), masks[1:])
    assert math.isclose(math.exp(found.log_orders), len(consistent_orders(n, pairs)), rel_tol=1e-13)


@pytest.mark.parametrize(("n", "pairs"), ORDERS)
def test_values_against_rational_arithmetic(n, pairs):
    rng = np.random.default_rng(n)
    v = np.column_stack([rng.normal(size=2**n), rng.integers(-9, 9, 2**n)]).astype(float)
    found = _core.OrderIdeals(table(n, pairs), 2**n)

    phi = _core.asymmetric_shapley(found, v[found.masks(0, found.size) @ (1 << np.arange(n))])

    for o in range(2):
        oracle = [float(x) for x in rational_asymmetric([Fraction(x) for x in v[:, o]], n, pairs)]
        np.testing.assert_allclose(phi[:, o], oracle, rtol=0, atol=1e-13 * max(1.0, np.abs(v).max()))


@pytest.mark.parametrize("n", [1, 2, 5, 12, 18])
def test_without_relations_there_are_n_factorial_orders(n):
    assert _core.OrderIdeals(table(n, set()), 2**20).size == 2**n
    assert math.isclose(counted(n, set()), math.factorial(n), rel_tol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 300])
def test_a_chain_has_one_order(n):
    precedes = np.triu(np.ones((n, n), dtype=np.uint8), 1)
    found = _core.OrderIdeals(precedes, n + 1)

    assert (found.size, found.complete, found.log_orders) == (n + 1, True, 0.0)
    np.testing.assert_array_equal(found.masks(0, n + 1), np.tri(n + 1, n, -1))


@pytest.mark.parametrize(
    ("n", "number"),
    [(2, 1), (3, 2), (4, 5), (5, 16), (6, 61), (7, 272), (8, 1385), (9, 7936), (10, 50521), (11, 353792)],
)
def test_zigzags_have_as_many_orders_as_euler_numbers(n, number):
    assert math.isclose(counted(n, zigzag(n)), number, rel_tol=1e-12)


@pytest.mark.parametrize("columns", range(1, 13))
def test_two_rows_have_as_many_orders_as_catalan_numbers(columns):
    assert math.isclose(
        counted(2 * columns, grid(columns)), math.comb(2 * columns, columns) / (columns + 1), rel_tol=1e-12
    )


@pytest.mark.large
def test_numbers_of_orders_beyond_the_doubles():
    """Two chains of 530: binom(1060, 530) orders, about 1e317."""
    n = 530
    precedes = np.zeros((2 * n, 2 * n), dtype=np.uint8)
    precedes[:n, :n] = precedes[n:, n:] = np.triu(np.ones((n, n)), 1)
    found = _core.OrderIdeals(precedes, (n + 1) ** 2)

    assert found.complete
    assert math.isclose(found.log_orders, math.log(math.comb(2 * n, n)), rel_tol=1e-14)
    # v(S) = |S| gives everybody 1, whatever the order: the probabilities of a player's steps sum to 1.
    sizes = np.add.outer(np.arange(n + 1.0), np.arange(n + 1.0)).ravel()
    phi = _core.asymmetric_shapley(found, np.sort(sizes)[:, None])
    np.testing.assert_allclose(phi, 1.0, rtol=1e-11)


def test_ideals_beyond_the_limit_are_not_looked_for():
    assert _core.OrderIdeals(table(3, set()), 8).complete
    for limit in (1, 2, 7):
        found = _core.OrderIdeals(table(3, set()), limit)
        assert not found.complete
        with pytest.raises(InputError, match="not all found"):
            found.log_orders  # noqa: B018
        with pytest.raises(InputError, match="must all have been found"):
            _core.asymmetric_shapley(found, np.zeros((found.size, 1)))
    assert not _core.OrderIdeals(np.zeros((1000, 1000), dtype=np.uint8), 5000).complete


def test_same_bits_for_any_number_of_threads():
    found = _core.OrderIdeals(table(16, zigzag(5)), 2**16)
    values = np.random.default_rng(1).normal(size=(found.size, 2))
    assert found.size > 3 * 4096
    bits = set()
    for threads in (1, 2, 4):
        _core.set_thread_count(threads)
        bits.add(_core.asymmetric_shapley(found, values).tobytes())
    _core.set_thread_count(0)
    assert len(bits) == 1


@pytest.mark.parametrize("make", [_core.LinearExtensions, lambda precedes: _core.OrderIdeals(precedes, 100)])
@pytest.mark.parametrize(
    ("precedes", "message"),
    [
        ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], "must be closed"),
        ([[0, 1], [1, 0]], "must be closed"),
        ([[1, 0], [0, 0]], "not put a player before itself, got player 0"),
        ([[0, 2], [0, 0]], "must hold 0 and 1"),
        ([[0, 1, 0], [0, 0, 0]], "must be a square table of at least one player, got 2 by 3"),
        (np.zeros((0, 0)), "got 0 by 0"),
    ],
)
def test_tables_that_are_no_partial_orders_are_refused(make, precedes, message):
    with pytest.raises(InputError, match=message):
        make(np.array(precedes, dtype=np.uint8))


def test_wrong_counts_are_refused():
    found = _core.OrderIdeals(table(3, {(0, 1)}), 8)
    for first, count in ((-1, 2), (0, -1), (0, found.size + 1), (found.size, 1)):
        with pytest.raises(InputError):
            found.masks(first, count)
    with pytest.raises(InputError, match="a row for each of the 6 ideals, got 5"):
        _core.asymmetric_shapley(found, np.zeros((5, 1)))
    for limit in (0, -1, 2**32):
        with pytest.raises(InputError, match="limit must be"):
            _core.OrderIdeals(table(3, set()), limit)
