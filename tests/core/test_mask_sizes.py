"""Masks with a given law of sizes: the strata, the members, and rows that do not depend on how they are asked for."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError


def law_of(p, seed=0):
    law = np.random.default_rng(seed).random(p + 1) ** 3
    return law / law.sum()


def sizes(law, first, count, *, seed=0, pairs=False):
    masks = _core.sized_masks(seed, 0, law, first, count, pairs)
    assert masks.max() <= 1
    return len(law) - 1 - masks.sum(axis=1, dtype=int)


@pytest.mark.parametrize("p", [1, 5, 40, 300])
@pytest.mark.parametrize(("first", "count"), [(0, 1024), (0, 64), (512, 512), (3072, 1024)])
def test_every_size_comes_as_often_as_expected_to_within_one(p, first, count):
    law = law_of(p, seed=p)
    for seed in range(3):
        counts = np.bincount(sizes(law, first, count, seed=seed), minlength=p + 1)
        assert np.abs(counts - count * law).max() < 1


def test_counts_that_are_no_power_of_two_stay_close():
    law = law_of(20)
    for count in (100, 333, 777, 1000):
        counts = np.bincount(sizes(law, 0, count), minlength=21)
        assert np.abs(counts - count * law).max() < 4


def test_sizes_without_probability_never_come():
    law = np.array([0.0, 0.5, 0.0, 0.5, 0.0, 0.0])
    assert set(sizes(law, 0, 4096)) == {1, 3}
    for s in (0, 5):
        assert set(sizes(np.eye(6)[s], 0, 100)) == {s}


@pytest.mark.large
@pytest.mark.parametrize(("p", "off"), [(5, 2), (6, 4), (30, 13), (30, 17), (70, 20), (70, 50), (70, 64), (131, 64)])
def test_members_of_a_size_are_alike_alone_and_two_by_two(p, off):
    """Within 5 standard errors for every part and every pair of parts."""
    n = 20_000
    Z = _core.sized_masks(1, 0, np.eye(p + 1)[off], 0, n, False).astype(float)
    on, both = (p - off) / p, (p - off) * (p - off - 1) / (p * (p - 1))
    assert np.abs(Z.mean(axis=0) - on).max() < 5 * np.sqrt(on * (1 - on) / n)
    together = (Z.T @ Z / n)[np.triu_indices(p, 1)]
    assert np.abs(together - both).max() < 5.5 * np.sqrt(both * (1 - both) / n)


@pytest.mark.parametrize("p", [5, 29, 64, 200])
@pytest.mark.parametrize("pairs", [False, True])
def test_rows_do_not_depend_on_how_they_are_asked_for(p, pairs):
    law = law_of(p)
    law = (law + law[::-1]) / 2
    whole = _core.sized_masks(3, 1, law, 0, 700, pairs)
    pieces = [_core.sized_masks(3, 1, law, first, min(37, 700 - first), pairs) for first in range(0, 700, 37)]
    assert np.array_equal(np.concatenate(pieces), whole)
    _core.set_thread_count(1)
    try:
        assert np.array_equal(_core.sized_masks(3, 1, law, 0, 700, pairs), whole)
    finally:
        _core.set_thread_count(0)


@pytest.mark.parametrize("p", [3, 29, 64, 200])
def test_pairs_are_complements_with_the_law_of_sizes(p):
    law = law_of(p)
    law = (law + law[::-1]) / 2
    masks = _core.sized_masks(0, 0, law, 0, 2048, True)
    assert np.array_equal(masks[0::2], 1 - masks[1::2])
    counts = np.bincount(p - masks.sum(axis=1, dtype=int), minlength=p + 1)
    assert np.abs(counts - 2048 * law).max() < 2


def test_seeds_instances_and_kinds_differ():
    law = np.full(41, 1 / 41)
    blocks = {
        _core.sized_masks(seed, instance, law, 0, 8, pairs).tobytes()
        for seed in (0, 1)
        for instance in (0, 1)
        for pairs in (False, True)
    }
    assert len(blocks) == 8


@pytest.mark.parametrize(
    ("law", "first", "count", "pairs"),
    [
        ([1.0], 0, 1, False),
        ([0.5, 0.4], 0, 1, False),
        ([1.5, -0.5], 0, 1, False),
        ([np.nan, 1.0], 0, 1, False),
        ([0.7, 0.3], 0, 2, True),
        ([0.5, 0.5], -1, 2, False),
        ([0.5, 0.5], 0, -2, False),
    ],
)
def test_laws_that_are_none(law, first, count, pairs):
    with pytest.raises(InputError):
        _core.sized_masks(0, 0, np.array(law), first, count, pairs)
