"""The interaction index against rational arithmetic, and its regression against the slow obvious way."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.shapley_interactions import rational_index, regression, shares


@pytest.mark.parametrize("n", range(2, 9))
def test_exact_against_rational_arithmetic(n):
    rng = np.random.default_rng(n)
    values = np.column_stack(
        [rng.integers(-1000, 1000, 2**n).astype(float), rng.normal(size=2**n) * 10.0 ** rng.integers(-9, 9, 2**n)]
    )

    index = _core.exact_interactions(values, n)

    for o, v in enumerate(values.T):
        oracle = rational_index([Fraction(x) for x in v], n)
        np.testing.assert_allclose(
            index[:, o],
            [float(oracle[pair]) for pair in combinations(range(n), 2)],
            rtol=0,
            atol=1e-12 * np.abs(v).max(),
        )


@pytest.mark.parametrize("n", [3, 8, 13])
def test_exact_on_unanimity_games(n):
    """1[T in S] has the index 1 / (|T| - 1) for the pairs within T, and 0 for all others."""
    masks = _core.all_coalitions(n, 0, 2**n)
    carriers = [np.random.default_rng(size).permutation(n)[:size] for size in range(2, n + 1)]
    values = np.column_stack([masks[:, T].all(axis=1) for T in carriers]).astype(float)

    index = _core.exact_interactions(np.ascontiguousarray(values), n)

    for o, T in enumerate(carriers):
        expected = [1 / (len(T) - 1) if {i, j} <= set(T.tolist()) else 0.0 for i, j in combinations(range(n), 2)]
        np.testing.assert_allclose(index[:, o], expected, rtol=0, atol=1e-13)


def test_exact_refuses_what_does_not_fit():
    with pytest.raises(InputError, match="2\\^3 = 8 rows"):
        _core.exact_interactions(np.zeros((7, 1)), 3)
    with pytest.raises(InputError, match="between 2 and 40"):
        _core.exact_interactions(np.zeros((2, 1)), 1)


def pairs_of_design(n, draws, limit, *, seed=0, weights=None):
    w = np.full(draws, 1 / draws) if weights is None else weights / weights.sum()
    design = _core.PairedDesign(seed, n, w)
    design.grow(limit)
    S = np.ascontiguousarray(design.pair_masks(0, design.pairs)[0::2])
    b = np.ascontiguousarray(design.pair_draws(0, design.pairs)[0::2])
    e = np.array([design.expected(int(d), int(s)) for d, s in zip(b, S.sum(axis=1), strict=True)])
    return S, b, e, np.ones((draws, n), dtype=np.uint8), w


def pairs_with_null_players(n, limit):
    """Three draws of n, n - 2 and 2 players; the masks of each draw are those of a design of its own players."""
    active = np.ones((3, n), dtype=np.uint8)
    active[1, [0, 3]] = 0
    active[2] = 0
    active[2, [1, 4]] = 1
    w = np.array([0.5, 0.3, 0.2])
    found = []
    for draw, mask in enumerate(active):
        own = np.flatnonzero(mask)
        S, _, e, _, _ = pairs_of_design(len(own), 1, limit, seed=draw)
        wide = np.zeros((len(S), n), dtype=np.uint8)
        wide[:, own] = S
        found.append((wide, np.full(len(S), draw), e))
    S, b, e = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.random.default_rng(3).permutation(len(S))
    return S[order], b[order], e[order], active, w


UNEVEN = np.array([1.0, 2.0, 0.5, 4.0])
CASES = {
    "one draw, ridge": pairs_of_design(7, 1, 20),
    "one draw, least squares": pairs_of_design(7, 1, 45),
    "one draw, all": pairs_of_design(6, 1, 31),
    "by draw": pairs_of_design(6, 3, 78),
    "fewer pairs than edges": pairs_of_design(7, 4, 40),
    "more pairs than edges": pairs_of_design(6, 4, 72),
    "uneven weights": pairs_of_design(6, 4, 60, weights=UNEVEN),
    "draws without pairs": pairs_of_design(6, 30, 20),
    "two players": pairs_of_design(2, 9, 5),
    "three players": pairs_of_design(3, 4, 8),
    "null players": pairs_with_null_players(7, 20),
}
KINDS = {"one draw, least squares": "by draw", "one draw, all": "by draw", "by draw": "by draw"}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("outputs", [1, 3])
def test_regression_against_its_twin(case, outputs):
    S, b, e, active, w = CASES[case]
    h = np.random.default_rng(8).normal(size=(len(S), outputs))

    fit = _core.InteractionRegression(S, b, e, active, w, 1.5)
    found = fit.solve(h)

    values, variance, squares, sum_variance = regression(S.astype(int), b, e, active.astype(int), w, h)
    scale = max(1.0, np.abs(values).max())
    np.testing.assert_allclose(found.values, values, rtol=0, atol=1e-7 * scale)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-5, atol=1e-9 * scale**2)
    np.testing.assert_allclose(found.squares, squares, rtol=1e-5, atol=1e-9 * scale**4)
    np.testing.assert_allclose(found.sum_variance, sum_variance, rtol=1e-5, atol=1e-9 * scale**2)
    assert fit.kind == KINDS.get(case, "shrunk")


def test_least_squares_from_fewer_pairs_on():
    S, b, e, active, w = pairs_of_design(7, 4, 96)
    h = np.random.default_rng(8).normal(size=(len(S), 2))

    fit = _core.InteractionRegression(S, b, e, active, w, 1.05)

    values, *_ = regression(S.astype(int), b, e, active.astype(int), w, h, enough=1.05)
    np.testing.assert_allclose(fit.solve(h).values, values, rtol=0, atol=1e-6 * np.abs(values).max())
    assert fit.kind == "by draw"
    assert _core.InteractionRegression(S, b, e, active, w, 1.5).kind == "shrunk"


@pytest.mark.parametrize("case", CASES)
def test_coalitions_of_two_and_more_say_nothing_of_the_sum_of_a_player(case):
    S, b, e, active, w = CASES[case]
    n = S.shape[1]
    of_player = np.array([[i in pair for i in range(n)] for pair in combinations(range(n), 2)], dtype=float)

    sums = shares(S.astype(int), b, e, active.astype(int), w) @ of_player

    np.testing.assert_allclose(sums[S.sum(axis=1) > 1], 0.0, atol=1e-12)
    assert (np.abs(sums[S.sum(axis=1) == 1]).max(axis=1) > 1e-3).all()


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7])
def test_all_pairs_give_the_index_of_any_game(n):
    draws = 2
    tables = np.random.default_rng(n).normal(size=(draws, 2**n, 2))
    tables[:, -1] = tables[0, -1]
    S, b, e, active, w = pairs_of_design(n, draws, 10**6)
    assert len(S) == draws * (2 ** (n - 1) - 1)
    places = S @ (1 << np.arange(n))
    h = (tables[b, -1] + tables[b, 0] - tables[b, places] - tables[b, 2**n - 1 - places]) / 2

    found = _core.InteractionRegression(S, b, e, active, w, 1.5).solve(h)

    truth = _core.exact_interactions(np.ascontiguousarray(np.tensordot(w, tables, axes=1)), n)
    np.testing.assert_allclose(found.values, truth, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.variance, 0.0, atol=1e-18)
    np.testing.assert_allclose(found.sum_variance, 0.0, atol=1e-18)


def test_the_order_of_the_pairs_does_not_show():
    S, b, e, active, w = CASES["null players"]
    h = np.random.default_rng(8).normal(size=(len(S), 2))
    order = np.lexsort((S.sum(axis=1), b))  # stable, so pairs of one cell stay in their order

    found = _core.InteractionRegression(S, b, e, active, w, 1.5).solve(h)
    other = _core.InteractionRegression(
        np.ascontiguousarray(S[order]), b[order].copy(), e[order].copy(), active, w, 1.5
    ).solve(np.ascontiguousarray(h[order]))

    assert found.values.tobytes() == other.values.tobytes()
    assert found.variance.tobytes() == other.variance.tobytes()


def test_null_players_have_no_interaction():
    S, b, e, active, w = CASES["null players"]
    only_first = w * np.array([0.0, 0.5, 0.5]) + 1e-300

    found = _core.InteractionRegression(S, b, e, active, only_first, 1.5).solve(np.ones((len(S), 1)))

    none = [
        place for place, (i, j) in enumerate(combinations(range(7), 2)) if not (active[1:, i] & active[1:, j]).any()
    ]
    assert len(none) > 5
    np.testing.assert_allclose(found.values[none], 0.0, atol=1e-290)


def test_a_fit_that_would_take_too_long_is_left_out():
    S, b, e, active, w = pairs_of_design(90, 2, 2000)

    fit = _core.InteractionRegression(S, b, e, active, w, 1.5)

    assert fit.kind == "none"
    h = np.random.default_rng(0).normal(size=(len(S), 1))
    a = shares(S[:50].astype(int), b[:50], e[:50], active.astype(int), w)
    some = np.zeros_like(h)
    some[:50] = h[:50]
    np.testing.assert_allclose(fit.solve(some).values, a.T @ h[:50], rtol=1e-9, atol=1e-12)


REFUSED = {
    "a mask larger than half": (lambda S, b, e, a, w: (1 - S, b, e, a, w), "1 to n / 2"),
    "a mask of another player": (
        lambda S, b, e, a, w: (S, b, e, a * np.array([0, 1, 1, 1, 1, 1], np.uint8), w),
        "n / 2",
    ),
    "a draw that is not there": (lambda S, b, e, a, w: (S, b + 1, e, a, w), "between 0 and 0"),
    "nothing expected": (lambda S, b, e, a, w: (S, b, e * 0.0, a, w), "expected must be positive"),
    "a short list": (lambda S, b, e, a, w: (S, b[:-1].copy(), e, a, w), "an entry for each"),
    "players of other draws": (lambda S, b, e, a, w: (S, b, e, np.vstack([a, a]), w), "active must be 1 by 6"),
    "a mask of twos": (lambda S, b, e, a, w: (S * np.uint8(2), b, e, a, w), "0 and 1"),
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_does_not_fit_is_refused(change):
    spoil, message = REFUSED[change]
    with pytest.raises(InputError, match=message):
        _core.InteractionRegression(*spoil(*pairs_of_design(6, 1, 31)), 1.5)
    fit = _core.InteractionRegression(*pairs_of_design(6, 1, 31), 1.5)
    with pytest.raises(InputError, match="a row for each of the 31 pairs"):
        fit.solve(np.zeros((30, 1)))
