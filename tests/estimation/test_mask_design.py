"""Which masks are played, what they weigh, and that their regression aims at the limit."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from pellucid.estimation.mask_design import MaskDesign, odd_and_even
from pellucid.estimation.size_law import SizeLaw
from reference.mask_laws import all_masks, limit, measure, ridge

LAW = SizeLaw.exponential(12, base="uniform_size")


def odd(Z):
    """Of odd order about the middle, and far from linear."""
    return np.sin(4.0 * (Z[:, :3] - 0.5).sum(axis=1) + 8.0 * (Z[:, 3] - 0.5) * (Z[:, 4] - 0.5) * (Z[:, 5] - 0.5))[
        :, None
    ]


def quadratic(Z):
    signs = 2.0 * Z - 1.0
    return (signs[:, :1] * signs[:, 1:2] + 0.5 * signs[:, 2:3] * signs[:, 3:4]) + signs[:, 4:5]


def played(law, f, *, seed, budget, extended=None):
    design = MaskDesign(law, seed=seed, budget=budget)
    values = None
    for limit_ in (None, extended):
        if limit_ is not None:
            design.extend(limit_)
        while (masks := design.next(values)) is not None:
            values = f(masks) if values is None else np.concatenate([values, f(masks)])
    return design, values


def test_all_masks_when_they_fit():
    for p in (1, 3, 9):
        law = SizeLaw.exponential(p)
        design, values = played(law, lambda Z: Z.sum(axis=1, dtype=float)[:, None], seed=0, budget=2**p)
        assert design.exact
        assert not design.pairs
        assert len({mask.tobytes() for mask in design.masks}) == 2**p == len(values)
        expected = {m.tobytes(): w for m, w in zip(all_masks(p), measure(law.target, p), strict=True)}
        for mask, weight in zip(design.masks, design.weights, strict=True):
            assert weight == pytest.approx(expected[mask.tobytes()], rel=1e-14)
        assert not MaskDesign(law, seed=0, budget=max(2, 2**p - 1)).exact or p == 1


def test_the_pilot_picks_pairs_for_even_games_and_half_for_odd_ones():
    for seed in range(10):
        even, _ = played(LAW, quadratic, seed=seed, budget=600)
        assert even.why.startswith("pairs")
        assert np.array_equal(even.masks[0::2], 1 - even.masks[1::2])
        alone, _ = played(LAW, odd, seed=seed, budget=600)
        assert alone.why.startswith("sizes")
        assert not np.array_equal(alone.masks[300::2], 1 - alone.masks[301::2])
        assert even.rows == alone.rows == 600
        assert even.pairs
        assert alone.pairs


def test_few_rows_have_no_pilot():
    design, _ = played(LAW, quadratic, seed=0, budget=6 * 13 - 1)
    assert design.rows == 76
    assert not design.pairs
    assert "too few to try pairs" in design.why
    small, _ = played(SizeLaw.exponential(8), quadratic, seed=0, budget=127)
    assert "too few to try pairs" in small.why
    assert played(SizeLaw.exponential(8), quadratic, seed=0, budget=128)[0].pairs
    off = 12 - design.masks.sum(axis=1, dtype=int)
    np.testing.assert_allclose(design.weights, LAW.target[off] / LAW.half[off])


@pytest.mark.parametrize("f", [odd, quadratic])
@pytest.mark.parametrize(("budget", "extended"), [(600, None), (60, None), (300, 900), (60, 700)])
def test_weights_make_the_masks_a_sample_of_the_law(f, budget, extended):
    """Weighted counts of every size: in the mean over seeds within 5 standard errors of the law."""
    off = []
    for seed in range(60):
        design, _ = played(LAW, f, seed=seed, budget=budget, extended=extended)
        assert design.rows == (extended or budget)
        sizes = 12 - design.masks.sum(axis=1, dtype=int)
        off.append(np.bincount(sizes, weights=design.weights, minlength=13) / design.rows)
    error = np.std(off, axis=0) / np.sqrt(60) + 2e-4
    assert (np.abs(np.mean(off, axis=0) - LAW.target) < 5 * error).all()


@pytest.mark.parametrize("f", [odd, quadratic])
def test_the_mean_over_seeds_is_the_limit(f):
    grid, weights = all_masks(12), measure(LAW.target, 12)
    truth = limit(f(grid), grid, weights)[1:, 0]
    found = []
    for seed in range(60):
        design, values = played(LAW, f, seed=seed, budget=1200)
        found.append(ridge(design.masks, values[:, 0], design.weights, 0.0)[1:])
    error = np.std(found, axis=0, ddof=1) / np.sqrt(60)
    assert (np.abs(np.mean(found, axis=0) - truth) < 4.5 * error).all()


def test_a_larger_budget_goes_on_where_the_smaller_one_stopped():
    short, _ = played(LAW, quadratic, seed=5, budget=600)
    long, _ = played(LAW, quadratic, seed=5, budget=600, extended=1000)
    assert np.array_equal(long.masks[:600], short.masks)
    assert long.rows == 1000
    assert len({mask.tobytes() for mask in long.masks}) > 500
    with pytest.raises(InputError, match="only grow"):
        long.extend(999)


def test_a_stage_needs_the_values_of_the_one_before():
    design = MaskDesign(LAW, seed=0, budget=600)
    masks = design.next(None)
    with pytest.raises(InputError, match="masks handed out"):
        design.next(None)
    with pytest.raises(InputError, match="masks handed out"):
        design.next(quadratic(masks)[:-1])


def test_odd_and_even_parts_of_games_that_are_either():
    masks = _core.sized_masks(0, 0, LAW.symmetric_half, 0, 800, True)
    of_odd, of_even = odd_and_even(masks, odd(masks), LAW)
    assert of_even < 1e-12 < of_odd
    of_odd, of_even = odd_and_even(masks, quadratic(masks), LAW)
    assert of_odd < 1e-6 < of_even
    both = odd_and_even(masks, np.hstack([odd(masks), 1e6 * odd(masks), np.ones((800, 1))]), LAW)
    assert both[0] == pytest.approx(2 * odd_and_even(masks, odd(masks), LAW)[0], rel=1e-9)
    assert odd_and_even(masks, np.ones((800, 1)), LAW) == (0.0, 0.0)


def test_constant_outputs_and_one_part():
    design, values = played(LAW, lambda Z: np.ones((len(Z), 1)), seed=0, budget=600)
    assert design.rows == len(values) == 600
    assert np.isfinite(design.weights).all()
    design, _ = played(SizeLaw.exponential(1), lambda Z: Z * 1.0, seed=0, budget=2)
    assert design.exact


@pytest.mark.parametrize(("seed", "budget"), [(-1, 10), (0.5, 10), (0, 1), (0, 10.0), (0, True)])
def test_designs_that_are_none(seed, budget):
    with pytest.raises(InputError):
        MaskDesign(LAW, seed=seed, budget=budget)
