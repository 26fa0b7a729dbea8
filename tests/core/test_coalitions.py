"""All coalitions in counting order, and distinct random subsets of one size."""

from math import comb

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError


def there_are(n, s):
    return comb(n, s) // 2 if 2 * s == n else comb(n, s)


def chi_square(counts):
    expected = counts.sum() / counts.size
    return ((counts - expected) ** 2 / expected).sum()


def most_chi_square(cells):
    """Five standard deviations above the mean."""
    return cells - 1 + 5 * np.sqrt(2 * (cells - 1))


def test_all_coalitions_count_in_binary():
    masks = _core.all_coalitions(5, 0, 32)
    assert masks.dtype == np.uint8
    assert (masks @ 2 ** np.arange(5)).tolist() == list(range(32))
    assert np.array_equal(_core.all_coalitions(5, 11, 9), masks[11:20])


def test_the_last_of_62_players():
    assert _core.all_coalitions(62, 2**62 - 1, 1).sum() == 62


@pytest.mark.parametrize(
    ("players", "first", "count"),
    [(0, 0, 1), (63, 0, 1), (3, 0, 9), (3, -1, 2), (3, 8, 1), (3, 0, -1), (3, 1, 2**63 - 1)],
)
def test_coalitions_that_do_not_exist(players, first, count):
    with pytest.raises(InputError):
        _core.all_coalitions(players, first, count)


@pytest.mark.parametrize(("n", "s"), [(2, 1), (3, 1), (4, 2), (5, 2), (7, 3), (8, 4), (9, 4), (12, 6), (30, 2)])
def test_asking_for_all_subsets_gives_each_once(n, s):
    masks = _core.random_subsets(1, 2, n, s, 0, there_are(n, s))
    assert (masks.sum(axis=1) == s).all()
    assert len({row.tobytes() for row in masks}) == there_are(n, s)
    if 2 * s == n:
        assert masks[:, -1].sum() == 0


@pytest.mark.parametrize(
    ("n", "s"), [(10, 3), (10, 5), (62, 20), (70, 35), (64, 32), (2000, 2), (2000, 5), (2000, 700), (2000, 1000)]
)
def test_rows_do_not_depend_on_how_they_are_asked_for(n, s):
    m = min(60, there_are(n, s))
    masks = _core.random_subsets(5, 6, n, s, 0, m)
    assert (masks.sum(axis=1) == s).all()
    assert len({row.tobytes() for row in masks}) == m
    for step in (1, 7):
        pieces = [_core.random_subsets(5, 6, n, s, first, min(step, m - first)) for first in range(0, m, step)]
        assert np.array_equal(np.concatenate(pieces), masks)
    if 2 * s == n:
        assert masks[:, -1].sum() == 0


@pytest.mark.parametrize(("n", "s"), [(6, 2), (6, 3), (7, 3)])
@pytest.mark.parametrize("place", [0, 1, 4])
def test_every_place_of_the_order_is_uniform(n, s, place):
    names = [tuple(_core.random_subsets(0, instance, n, s, place, 1)[0]) for instance in range(3500)]
    counts = np.unique(names, axis=0, return_counts=True)[1]
    assert counts.size == there_are(n, s)
    assert chi_square(counts) < most_chi_square(counts.size)


def test_two_places_of_the_order_are_uniform_together():
    pairs = [_core.random_subsets(3, instance, 5, 1, 0, 2).argmax(axis=1) @ [5, 1] for instance in range(4000)]
    counts = np.unique(pairs, return_counts=True)[1]
    assert counts.size == 20
    assert chi_square(counts) < most_chi_square(20)


def test_independent_subsets_hold_every_player_alike():
    n, s, m = 100, 40, 4000
    inside = _core.random_subsets(0, 0, n, s, 0, m).mean(axis=0)
    assert np.abs(inside - s / n).max() < 5 * np.sqrt(s / n * (1 - s / n) / m)


def test_seeds_instances_and_sizes_differ():
    rows = [
        _core.random_subsets(seed, instance, 200, s, 0, 4) for seed in (0, 1) for instance in (0, 1) for s in (90, 91)
    ]
    assert len({block.tobytes() for block in rows}) == len(rows)


@pytest.mark.parametrize(
    ("n", "s", "first", "count"),
    [
        (5, 0, 0, 1),
        (5, 3, 0, 1),
        (1, 1, 0, 1),
        (5, 2, 0, 11),
        (4, 2, 2, 2),
        (5, 2, -1, 1),
        (5, 2, 0, -1),
        (5, 2, 2**63 - 1, 1),
    ],
)
def test_subsets_that_do_not_exist(n, s, first, count):
    with pytest.raises(InputError):
        _core.random_subsets(0, 0, n, s, first, count)
