"""Random orders that respect a partial order: which come, how often, and their antithetic twins."""

import math

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import BudgetError, InputError
from reference.asymmetric_shapley import consistent_orders, evacuated, table
from rounds import rounds

# name -> players, who comes before whom, whether it can be taken apart into layers and independent parts
KINDS = {
    "no relation": (4, set(), True),
    "layers": (5, {(i, j) for i in (3, 1) for j in (0, 2, 4)}, True),
    "two chains": (5, {(0, 2), (2, 4), (1, 3)}, True),
    "a tree": (5, {(2, 0), (2, 4), (4, 1), (4, 3)}, True),
    "nested": (6, {(0, 1), (0, 2), (1, 3), (2, 3), (4, 5)}, True),
    "the letter N": (4, {(2, 0), (2, 3), (1, 3)}, False),
    "a zigzag": (5, {(0, 1), (2, 1), (2, 3), (4, 3)}, False),
    "a zigzag, one free": (5, {(4, 1), (2, 1), (2, 3)}, False),
    "two zigzags in layers": (
        8,
        {(0, 1), (2, 1), (2, 3), (4, 5), (6, 5), (6, 7)} | {(i, j) for i in range(4) for j in range(4, 8)},
        False,
    ),
    "three after three": (6, {(0, 3), (0, 4), (1, 4), (1, 5), (2, 5), (2, 3)}, False),
}


def tail(chi_square, freedom):
    """Wilson and Hilferty: about a standard normal number."""
    return ((chi_square / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom))


@pytest.mark.large
@pytest.mark.parametrize("kind", KINDS)
def test_all_consistent_orders_are_equally_likely(kind):
    n, pairs, _ = KINDS[kind]
    expected = consistent_orders(n, pairs)
    each = 300

    both = _core.LinearExtensions(table(n, pairs)).pairs(7, 0, each * len(expected))

    for orders in both:
        found, counts = np.unique(orders, axis=0, return_counts=True)
        assert {tuple(order) for order in found.tolist()} == set(expected)
        assert tail(((counts - each) ** 2 / each).sum(), len(expected) - 1) < 4.0


@pytest.mark.large
@pytest.mark.parametrize("kind", [kind for kind, (_, _, separable) in KINDS.items() if not separable])
@pytest.mark.parametrize("first_steps", [1, 7, 60])
def test_how_far_the_past_is_looked_into_first_does_not_show(kind, first_steps):
    """Short looks seldom suffice, so that draws come from several blocks of the past; many, as errors are small."""
    n, pairs, _ = KINDS[kind]
    expected = consistent_orders(n, pairs)
    draws = rounds(25_000, 100_000)
    each = draws / len(expected)

    orders, _ = _core.LinearExtensions(table(n, pairs), first_steps).pairs(7, 0, draws)

    found, counts = np.unique(orders, axis=0, return_counts=True)
    assert {tuple(order) for order in found.tolist()} == set(expected)
    assert tail(((counts - each) ** 2 / each).sum(), len(expected) - 1) < 4.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_twin_belongs_to_one_order(kind):
    """Orders to twins is one to one, so the twins of uniform orders are uniform."""
    n, pairs, _ = KINDS[kind]
    orders, twins = _core.LinearExtensions(table(n, pairs)).pairs(1, 0, 4000)

    image = {}
    for order, twin in zip(orders.tolist(), twins.tolist(), strict=True):
        assert image.setdefault(tuple(order), twin) == twin
    assert len({tuple(twin) for twin in image.values()}) == len(image)


def test_twins_are_reversed_where_nothing_is_said():
    orders, twins = _core.LinearExtensions(table(6, set())).pairs(4, 10, 50)
    np.testing.assert_array_equal(twins, orders[:, ::-1])
    np.testing.assert_array_equal(orders, _core.random_permutations(4, 6, 10, 50))

    n, pairs, _ = KINDS["layers"]
    orders, twins = _core.LinearExtensions(table(n, pairs)).pairs(4, 0, 50)
    np.testing.assert_array_equal(twins[:, :2], orders[:, 1::-1])
    np.testing.assert_array_equal(twins[:, 2:], orders[:, :1:-1])


@pytest.mark.parametrize("kind", ["the letter N", "a zigzag", "three after three"])
def test_twins_are_evacuated_where_nothing_can_be_taken_apart(kind):
    n, pairs, _ = KINDS[kind]
    orders, twins = _core.LinearExtensions(table(n, pairs)).pairs(0, 0, 200)
    for order, twin in zip(orders.tolist(), twins.tolist(), strict=True):
        assert tuple(twin) == evacuated(order, pairs)
        assert evacuated(twin, pairs) == tuple(order)


@pytest.mark.large
@pytest.mark.parametrize("n", [20, 64, 65])
def test_large_zigzags(n):
    """More players than bits in a word; the mean place of the lower ones is before that of the upper ones."""
    pairs = {(i, i + 1) if i % 2 == 0 else (i + 1, i) for i in range(n - 1)}
    for orders in _core.LinearExtensions(table(n, pairs)).pairs(0, 0, 20):
        place = np.argsort(orders, axis=1)
        assert np.array_equal(np.sort(orders, axis=1), np.tile(np.arange(n), (20, 1)))
        assert all((place[:, i] < place[:, j]).all() for i, j in pairs)


@pytest.mark.parametrize("kind", ["nested", "a zigzag, one free", "two zigzags in layers"])
def test_orders_belong_to_their_row(kind):
    n, pairs, _ = KINDS[kind]
    sampler = _core.LinearExtensions(table(n, pairs))
    whole = sampler.pairs(2, 0, 90)
    for first, count in ((0, 13), (13, 60), (73, 17), (90, 0)):
        for part, all_rows in zip(sampler.pairs(2, first, count), whole, strict=True):
            np.testing.assert_array_equal(part, all_rows[first : first + count])
    assert not np.array_equal(sampler.pairs(3, 0, 90)[0], whole[0])


@pytest.mark.parametrize("kind", ["nested", "two zigzags in layers"])
def test_same_bits_for_any_number_of_threads(kind):
    n, pairs, _ = KINDS[kind]
    found = set()
    for threads in (1, 2, 4):
        _core.set_thread_count(threads)
        orders, twins = _core.LinearExtensions(table(n, pairs)).pairs(1, 5, 500)
        found.add(orders.tobytes() + twins.tobytes())
    _core.set_thread_count(0)
    assert len(found) == 1


def test_what_would_take_too_long_is_refused():
    n = 101
    pairs = {(i, i + 1) if i % 2 == 0 else (i + 1, i) for i in range(n - 1)}
    precedes = np.zeros((n, n), dtype=np.uint8)
    for i, j in pairs:
        precedes[i, j] = 1

    with pytest.raises(BudgetError, match=r"relates 101 players .* more than 100"):
        _core.LinearExtensions(precedes)
    _core.LinearExtensions(precedes[:-1, :-1].copy())


@pytest.mark.parametrize(("first", "count"), [(-1, 2), (0, -1)])
def test_negative_rows_are_refused(first, count):
    with pytest.raises(InputError):
        _core.LinearExtensions(table(3, set())).pairs(0, first, count)
