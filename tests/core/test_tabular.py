"""Composite rows, compensated sums, and random rows around a point."""

from math import fsum

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.compose import compose as slow_compose


def table(d, p, m, B, seed=0):
    rng = np.random.default_rng(seed)
    x, background = rng.normal(size=d), rng.normal(size=(B, d))
    x[rng.random(d) < 0.2] = np.nan
    background[rng.random((B, d)) < 0.2] = np.nan
    parts = np.arange(d, dtype=np.int32) if d == p else rng.integers(0, p, d).astype(np.int32)
    masks = rng.integers(0, 2, (m, p)).astype(np.uint8)
    return x, background, parts, masks, rng.integers(0, B, m)


@pytest.mark.parametrize(("d", "p"), [(1, 1), (5, 5), (33, 33), (7, 3), (6, 9)])
@pytest.mark.parametrize("m", [0, 1, 40, 1100])
def test_compose_against_its_twin(d, p, m):
    x, background, parts, masks, draws = table(d, p, m, 4)
    out = np.full((m + 3, d), -7.0)
    _core.compose(x, background, parts, masks, draws, out)
    assert out[:m].tobytes() == slow_compose(x, background, parts, masks, draws).tobytes()
    assert (out[m:] == -7.0).all()


def test_compose_with_columns_in_another_order():
    x, background, _, masks, draws = table(4, 4, 30, 3)
    parts = np.array([2, 0, 3, 1], dtype=np.int32)
    out = np.empty((30, 4))
    _core.compose(x, background, parts, masks, draws, out)
    assert out.tobytes() == slow_compose(x, background, parts, masks, draws).tobytes()


def test_any_mask_but_zero_is_in():
    out = np.empty((1, 2))
    _core.compose(
        np.ones(2),
        np.zeros((1, 2)),
        np.arange(2, dtype=np.int32),
        np.array([[255, 2]], dtype=np.uint8),
        np.array([0]),
        out,
    )
    assert out.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize(("first", "count"), [(0, 4), (1, 2), (3, 1), (2, 0)])
def test_compose_grid_goes_mask_by_mask(first, count):
    x, background, parts, masks, _ = table(6, 4, 300, 4)
    out = np.full((300 * count + 1, 6), -7.0)
    _core.compose_grid(x, background, parts, masks, first, count, out)
    draws = np.tile(np.arange(first, first + count), 300)
    expected = slow_compose(x, background, parts, np.repeat(masks, count, axis=0), draws)
    assert out[:-1].tobytes() == expected.tobytes()
    assert (out[-1] == -7.0).all()


def test_compose_refuses():
    x, background, parts, masks, draws = table(3, 3, 5, 2)
    out = np.empty((5, 3))
    good = {"x": x, "background": background, "part_of_column": parts, "masks": masks, "draws": draws, "out": out}
    wrong = [
        {"x": x[:2]},
        {"background": background[:, :2].copy()},
        {"part_of_column": parts[:2]},
        {"part_of_column": np.array([0, 1, 3], dtype=np.int32)},
        {"part_of_column": np.array([0, -1, 2], dtype=np.int32)},
        {"draws": draws[:4]},
        {"draws": np.array([0, 1, 2, 0, 0])},
        {"draws": np.array([0, 1, -1, 0, 0])},
        {"background": background[:0]},
        {"out": out[:4]},
        {"out": np.empty((5, 4))},
    ]
    for change in wrong:
        with pytest.raises(InputError):
            _core.compose(**{**good, **change})
    for first, count in [(-1, 1), (0, 3), (3, 0), (0, -1), (1, 2**63 - 1)]:
        with pytest.raises(InputError):
            _core.compose_grid(x, background, parts, masks, first, count, np.empty((20, 3)))


@pytest.mark.parametrize("cuts", [[], [1], [9], [3, 4, 17], list(range(1, 20))])
def test_add_weighted_has_the_same_bits_for_any_batches(cuts):
    rng = np.random.default_rng(1)
    m, B, k = 6, 20, 3
    outputs, weights = rng.normal(size=(m, B, k)) * 10.0 ** rng.integers(-9, 9, (m, B, k)), rng.random(B)
    whole, lost = np.zeros((m, k)), np.zeros((m, k))
    _core.add_weighted(outputs.reshape(-1, k), weights, whole, lost)
    total, compensation = np.zeros((m, k)), np.zeros((m, k))
    for first, last in zip([0, *cuts], [*cuts, B], strict=True):
        piece = np.ascontiguousarray(outputs[:, first:last].reshape(-1, k))
        _core.add_weighted(piece, weights[first:last], total, compensation)
    assert total.tobytes() == whole.tobytes()
    assert compensation.tobytes() == lost.tobytes()


def test_add_weighted_is_as_accurate_as_fsum():
    rng = np.random.default_rng(2)
    weights = np.ones(1001)
    outputs = rng.normal(size=1001) * 10.0 ** rng.integers(-8, 12, 1001)
    outputs[500:1000] = -outputs[:500]  # what is left is 1e-20 of what is added
    total, compensation = np.zeros((1, 1)), np.zeros((1, 1))
    _core.add_weighted(outputs[:, None], weights, total, compensation)
    assert (total + compensation)[0, 0] == pytest.approx(fsum(outputs), rel=1e-15, abs=1e-18)


def test_add_weighted_refuses():
    outputs, weights, total = np.ones((6, 2)), np.ones(3), np.zeros((2, 2))
    for change in [
        (outputs[:5], weights, total, total),
        (outputs, weights[:2], total, total),
        (outputs, weights, total, total[:1]),
        (outputs[:, :1].copy(), weights, total, total),
    ]:
        with pytest.raises(InputError):
            _core.add_weighted(*change)


CENTRE, SCALE = np.array([0.0, 5.0, -2.0]), np.array([1.0, 0.5, 0.0])
LOW, HIGH = np.array([0.0, -3.0, 2.0]), np.array([1.0, 5.0, 2.0])
FREQUENCIES = np.array([[0.2, 0.5, 0.3, 0.0], [0.0, 4.0, 0.0, 12.0], [1.0, 0.0, 0.0, 0.0]])
SAMPLERS = {
    "gaussian": lambda first, count, seed=1: _core.gaussian_rows(seed, CENTRE, SCALE, first, count),
    "uniform": lambda first, count, seed=1: _core.uniform_rows(seed, LOW, HIGH, first, count),
    "frequency": lambda first, count, seed=1: _core.frequency_rows(seed, FREQUENCIES, first, count),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_rows_do_not_depend_on_batches_or_threads(name):
    rows = SAMPLERS[name](0, 300)
    assert rows.shape == (300, 3)
    assert np.array_equal(SAMPLERS[name](77, 150), rows[77:227])
    assert not np.array_equal(SAMPLERS[name](0, 300, seed=2), rows)
    for threads in (1, 4):
        _core.set_thread_count(threads)
        assert SAMPLERS[name](0, 300).tobytes() == rows.tobytes()
    _core.set_thread_count(0)
    for first, count in [(-1, 1), (0, -1)]:
        with pytest.raises(InputError, match="must not be negative"):
            SAMPLERS[name](first, count)


def test_gaussian_moments():
    rows = SAMPLERS["gaussian"](0, 40_000)
    np.testing.assert_allclose(rows.mean(axis=0), CENTRE, atol=5 / 200)
    np.testing.assert_allclose(rows.std(axis=0), SCALE, atol=5 / 200)
    assert (rows[:, 2] == -2.0).all()
    assert abs(np.corrcoef(rows[:, 0], rows[:, 1])[0, 1]) < 5 / 200
    assert (np.abs(rows[:, 0]) < 1.959964).mean() == pytest.approx(0.95, abs=5 * np.sqrt(0.05 * 0.95) / 200)


def test_uniform_moments():
    rows = SAMPLERS["uniform"](0, 40_000)
    assert (rows >= LOW).all()
    assert (rows <= HIGH).all()
    np.testing.assert_allclose(rows.mean(axis=0), (LOW + HIGH) / 2, atol=5 * 8 / np.sqrt(12) / 200)
    np.testing.assert_allclose(rows.var(axis=0), (HIGH - LOW) ** 2 / 12, rtol=0.02)


def test_frequencies():
    rows = SAMPLERS["frequency"](0, 40_000)
    for c, weights in enumerate(FREQUENCIES):
        share = np.bincount(rows[:, c].astype(int), minlength=4) / len(rows)
        np.testing.assert_allclose(share, weights / weights.sum(), atol=5 * 0.5 / 200)
        assert (share[weights == 0.0] == 0.0).all()


def test_samplers_with_one_seed_are_independent():
    """Columns of one row may come from different samplers."""
    gaussian = _core.gaussian_rows(3, np.zeros(1), np.ones(1), 0, 5000)[:, 0]
    uniform = _core.uniform_rows(3, np.zeros(1), np.ones(1), 0, 5000)[:, 0]
    codes = _core.frequency_rows(3, np.ones((1, 2)), 0, 5000)[:, 0]
    for one, other in [(gaussian, uniform), (gaussian, codes), (uniform, codes)]:
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / np.sqrt(5000)


def test_the_bits_do_not_depend_on_where_the_frequencies_lie():
    frequencies = np.random.default_rng(0).random((3, 9)) * 10.0 ** np.arange(9)
    room = np.empty(28)
    room[1:] = frequencies.ravel()
    moved = room[1:].reshape(3, 9)
    assert np.array_equal(_core.frequency_rows(0, moved, 0, 20_000), _core.frequency_rows(0, frequencies, 0, 20_000))


def test_samplers_refuse():
    for call in [
        lambda: _core.gaussian_rows(0, CENTRE, SCALE[:2], 0, 1),
        lambda: _core.gaussian_rows(0, CENTRE, -SCALE, 0, 1),
        lambda: _core.gaussian_rows(0, CENTRE, SCALE * np.nan, 0, 1),
        lambda: _core.uniform_rows(0, HIGH, LOW, 0, 1),
        lambda: _core.uniform_rows(0, LOW, HIGH[:2], 0, 1),
        lambda: _core.uniform_rows(0, LOW, HIGH * np.nan, 0, 1),
        lambda: _core.frequency_rows(0, -FREQUENCIES, 0, 1),
        lambda: _core.frequency_rows(0, np.zeros((1, 3)), 0, 1),
        lambda: _core.frequency_rows(0, np.array([[np.inf, 1.0]]), 0, 1),
        lambda: _core.frequency_rows(0, np.empty((2, 0)), 0, 1),
    ]:
        with pytest.raises(InputError):
            call()
