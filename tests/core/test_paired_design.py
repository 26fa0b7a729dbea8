"""Paired leverage sampling without replacement, and the shares it is planned by."""

from math import comb

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError


def there_are(n, s):
    return comb(n, s) // 2 if 2 * s == n else comb(n, s)


def design_of(players, weights, *limits, seed=0):
    design = _core.PairedDesign(seed, players, np.array(weights, dtype=float))
    for limit in limits:
        design.grow(limit)
    return design


def pairs_of(design):
    """(draw, coalition) of every pair, S the side that is played first."""
    masks, draws = design.pair_masks(0, design.pairs)[::2], design.pair_draws(0, design.pairs)[::2]
    return [(int(b), S.tobytes()) for b, S in zip(draws, masks, strict=True)]


def counts_of(design, players, draws):
    counts = np.zeros((draws, players // 2 + 1), dtype=int)
    masks, of = design.pair_masks(0, design.pairs)[::2], design.pair_draws(0, design.pairs)[::2]
    np.add.at(counts, (of, masks.sum(axis=1, dtype=int)), 1)
    return counts[:, 1:]


def brute_shares(weights, caps, total):
    """Bisection of the rate in total = sum_i min(rate * weight_i, cap_i)."""
    low, high = 0.0, max(c / w for c, w in zip(caps, weights, strict=True)) + 1.0
    for _ in range(200):
        rate = (low + high) / 2
        low, high = (rate, high) if np.minimum(rate * weights, caps).sum() < total else (low, rate)
    return np.minimum(high * weights, caps)


@pytest.mark.parametrize("seed", range(6))
def test_saturating_shares_against_bisection(seed):
    rng = np.random.default_rng(seed)
    for n in (1, 2, 5, 40):
        weights, caps = rng.exponential(size=n) + 1e-3, rng.exponential(size=n) * 10.0 ** rng.integers(-2, 3, n)
        for part in (0.0, 0.1, 0.5, 0.9, 1.0):
            total = part * caps.sum()
            shares = _core.saturating_shares(weights, caps, total)
            np.testing.assert_allclose(shares, brute_shares(weights, caps, total), rtol=1e-9, atol=1e-12)
            assert (shares <= caps).all()


def test_saturating_shares_at_the_edges():
    shares = _core.saturating_shares
    assert shares(np.array([1.0, 1e-17]), np.array([10.0, np.inf]), 100.0).tolist() == [10.0, 90.0]
    assert shares(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 100.0).tolist() == [3.0, 4.0]
    assert shares(np.array([1.0, 2.0]), np.array([0.0, 4.0]), 2.0).tolist() == [0.0, 2.0]
    equal = shares(np.full(1000, 0.1), np.full(1000, np.inf), 77.7)
    assert len(set(equal.tolist())) == 1
    assert equal.sum() == pytest.approx(77.7, rel=1e-13)


@pytest.mark.parametrize(
    ("weights", "caps", "total"),
    [
        ([1, 1], [1], 1),
        ([0, 1], [1, 1], 1),
        ([-1, 1], [1, 1], 1),
        ([np.nan], [1], 1),
        ([1], [-1], 1),
        ([1], [1], -1),
        ([1], [np.nan], 1),
    ],
)
def test_saturating_shares_refuse(weights, caps, total):
    with pytest.raises(InputError):
        _core.saturating_shares(np.array(weights, dtype=float), np.array(caps, dtype=float), total)


@pytest.mark.parametrize("players", [2, 3, 4, 7, 12, 60, 300])
@pytest.mark.parametrize("draws", [1, 2, 9, 64])
def test_equal_draws_reach_the_limit_within_a_few_pairs(players, draws):
    for limit in (players, 5 * players, 1000):
        limit = min(limit, draws * (2 ** (players - 1) - 1))
        pairs = design_of(players, [1.0] * draws, limit).pairs
        assert limit - 3 <= pairs <= limit


@pytest.mark.parametrize("players", [5, 40, 200])
def test_unequal_draws_reach_the_limit_within_rounding(players):
    weights = np.random.default_rng(players).exponential(size=50) + 0.01
    for limit in (50, 700, 5000):
        limit = min(limit, len(weights) * (2 ** (players - 1) - 1))
        pairs = design_of(players, weights, limit).pairs
        # One rounding for each cell (draw, size), of variance at most 1/4.
        assert limit - 3 - 4 * np.sqrt(len(weights) * (players // 2) / 4) <= pairs <= limit


def test_pairs_are_complements_against_one_draw():
    design = design_of(9, [1.0, 2.0, 0.5], 200)
    masks, draws = design.pair_masks(0, design.pairs), design.pair_draws(0, design.pairs)
    assert (masks[::2] + masks[1::2] == 1).all()
    assert np.array_equal(draws[::2], draws[1::2])
    assert (2 * masks[::2].sum(axis=1, dtype=int) <= 9).all()
    assert np.array_equal(design.pair_masks(11, 50), masks[22:100])
    assert np.array_equal(design.pair_draws(11, 50), draws[22:100])


@pytest.mark.parametrize("players", [4, 7, 10, 70])
@pytest.mark.parametrize("weights", [[1.0], [1.0, 1.0, 1.0], [0.2, 5.0, 1.0, 0.01]])
def test_no_pair_comes_twice(players, weights):
    design = design_of(players, weights, 20, 21, 60, 130)
    named = pairs_of(design)
    complements = {(b, bytes(1 - x for x in S)) for b, S in named}
    assert len(set(named) | complements) == 2 * len(named)


@pytest.mark.parametrize("seed", range(4))
def test_a_larger_design_contains_the_smaller(seed):
    rng = np.random.default_rng(seed)
    players, weights = int(rng.integers(4, 40)), rng.exponential(size=int(rng.integers(1, 12))) + 0.05
    limits = sorted(int(limit) for limit in rng.integers(players, 60 * players, 6))
    limits = [min(limit, len(weights) * (2 ** (players - 1) - 1)) for limit in limits]
    grown = design_of(players, weights, seed=seed)
    for limit in limits:
        before = pairs_of(grown)
        grown.grow(limit)
        assert pairs_of(grown)[: len(before)] == before
        # However it was reached, the design of one size is the same set.
        assert set(pairs_of(grown)) == set(pairs_of(design_of(players, weights, limit, seed=seed)))


def test_expected_pairs_are_the_mean_of_the_counts():
    players, weights, limit, seeds = 7, [1.0, 3.0, 0.4], 41, 1500
    counts = np.mean([counts_of(design_of(players, weights, limit, seed=s), players, 3) for s in range(seeds)], axis=0)
    expected = np.mean(
        [
            [[design_of(players, weights, limit, seed=s).expected(b, size) for size in (1, 2, 3)] for b in range(3)]
            for s in range(60)
        ],
        axis=0,
    )
    # A count is its expectation rounded up or down: its standard deviation is at most 1/2. The expectations move a
    # little with the seed, because a design that passes the limit is asked for less.
    np.testing.assert_allclose(counts, expected, atol=5 * 0.5 / np.sqrt(seeds) + 0.08)


def test_a_size_gets_equal_pairs_until_it_has_no_more():
    design = design_of(12, [1.0], 700)
    expected = [design.expected(0, size) for size in range(1, 7)]
    # Size 6 is its own complement and counts half; sizes 1 and 2 have only 12 and 66 pairs.
    assert expected[:2] == [12.0, 66.0]
    assert expected[2] == pytest.approx(expected[3]) == pytest.approx(expected[4]) == pytest.approx(2 * expected[5])
    assert sum(expected) == pytest.approx(design.pairs_per_draw(0)) == pytest.approx(700, abs=2)


def test_draws_get_pairs_in_proportion_to_their_weights():
    weights = np.array([1.0, 2.0, 4.0, 0.5])
    design = design_of(30, weights, 6000)
    per_draw = np.array([design.pairs_per_draw(b) for b in range(4)])
    np.testing.assert_allclose(per_draw / per_draw.sum(), weights / weights.sum(), rtol=1e-12)
    np.testing.assert_allclose(counts_of(design, 30, 4).sum(axis=1), per_draw, atol=15)


@pytest.mark.parametrize("players", [2, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("weights", [[1.0], [1.0, 1.0], [0.1, 1.0, 7.0]])
def test_complete_with_all_pairs(players, weights):
    everything = len(weights) * (2 ** (players - 1) - 1)
    design = design_of(players, weights, everything)
    assert design.complete
    assert design.pairs == everything == len(set(pairs_of(design)))
    assert counts_of(design, players, len(weights)).tolist() == [
        [there_are(players, s) for s in range(1, players // 2 + 1)]
    ] * len(weights)
    design.grow(10 * everything)
    assert design.pairs == everything
    if everything > 1:
        assert not design_of(players, weights, everything - 1).complete


def test_thousands_of_players_do_not_overflow():
    for players in (2000, 2001):
        design = design_of(players, [1.0, 3.0], 3 * players)
        assert 3 * players - 100 <= design.pairs <= 3 * players
        assert not design.complete
        assert np.isfinite([design.expected(1, s) for s in range(1, players // 2 + 1)]).all()
        sizes = design.pair_masks(0, design.pairs).sum(axis=1, dtype=int)
        assert (sizes[::2] + sizes[1::2] == players).all()


def test_same_bits_for_any_number_of_threads():
    found = set()
    for threads in (1, 2, 4):
        _core.set_thread_count(threads)
        design = design_of(40, [1.0, 2.0, 3.0], 500, 3000)
        found.add((design.pair_masks(0, design.pairs).tobytes(), design.pair_draws(0, design.pairs).tobytes()))
    _core.set_thread_count(0)
    assert len(found) == 1


def test_what_a_design_refuses():
    for players, weights in [(1, [1.0]), (3, []), (3, [0.0, 1.0]), (3, [np.nan]), (3, [np.inf]), (3, [-1.0])]:
        with pytest.raises(InputError):
            design_of(players, weights)
    design = design_of(6, [1.0, 1.0], 20)
    with pytest.raises(InputError, match="cannot shrink"):
        design.grow(design.pairs - 1)
    for first, last in [(-1, 2), (3, 2), (0, design.pairs + 1)]:
        with pytest.raises(InputError, match="do not exist"):
            design.pair_masks(first, last)
        with pytest.raises(InputError, match="do not exist"):
            design.pair_draws(first, last)
    for draw, size in [(-1, 1), (2, 1), (0, 0), (0, 4)]:
        with pytest.raises(InputError):
            design.expected(draw, size)
    with pytest.raises(InputError):
        design.pairs_per_draw(2)
    with pytest.raises(InputError):
        design_of(6, [1.0]).expected(0, 1)


def active_of(players, draws, seed=0):
    active = np.random.default_rng(seed).random((draws, players)) > 0.4
    active[0], active[1], active[2] = True, False, np.arange(players) == 1
    return np.ascontiguousarray(active, dtype=np.uint8)


@pytest.mark.parametrize("limit", [30, 100, 10_000])
def test_null_players_take_part_in_no_coalition(limit):
    active = active_of(9, 12)
    design = _core.PairedDesign(3, active, np.ones(12))
    design.grow(limit)
    masks, draws = design.pair_masks(0, design.pairs), design.pair_draws(0, design.pairs)
    smaller, of = masks[::2], draws[::2]
    assert (smaller <= active[of]).all()
    assert (masks[::2] + masks[1::2] == 1).all()
    sizes, players = smaller.sum(axis=1), active.sum(axis=1)[of]
    assert (sizes >= 1).all()
    assert (2 * sizes <= players).all()
    assert len({(b, S.tobytes()) for b, S in zip(of.tolist(), smaller, strict=True)}) == design.pairs
    if limit == 10_000:
        assert design.complete
        assert design.pairs == sum(2 ** (n - 1) - 1 for n in active.sum(axis=1).tolist() if n > 1)


def test_nobody_active_leaves_nothing_to_play():
    design = _core.PairedDesign(3, np.zeros((2, 5), dtype=np.uint8), np.ones(2))
    design.grow(10)
    assert design.pairs == 0
    assert design.complete


def test_a_design_with_null_players_grows_too():
    active = active_of(11, 15, seed=1)
    grown = _core.PairedDesign(0, active, np.ones(15))
    for limit in (40, 41, 200):
        before = pairs_of(grown)
        grown.grow(limit)
        at_once = _core.PairedDesign(0, active, np.ones(15))
        at_once.grow(limit)
        assert pairs_of(grown)[: len(before)] == before
        assert set(pairs_of(grown)) == set(pairs_of(at_once))


@pytest.mark.parametrize("players", [7, 30])
def test_a_draw_that_expects_a_pair_gets_one(players):
    """The rounding spreads over the sizes of every draw, so that few draws stay without a pair."""
    draws = 200
    design = design_of(players, [1.0] * draws, draws)
    counts = np.bincount(design.pair_draws(0, design.pairs)[::2], minlength=draws)
    assert counts.max() <= 2
    assert (counts == 1).mean() > 0.85
