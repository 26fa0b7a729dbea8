"""The game of a model: averages whose bits do not depend on batches, buffers nobody loses, taps."""

from __future__ import annotations

import itertools
import pickle
from fractions import Fraction

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.games import Game, Tap
from pellucid.model import Model
from pellucid.representation import Tabular
from pellucid.space import Space

RNG = np.random.default_rng(0)
BACKGROUND = RNG.normal(size=(7, 4))
X = RNG.normal(size=4)
WEIGHTS = RNG.random(7)
ALL = np.array(list(itertools.product([False, True], repeat=4)))


def two_outputs(rows):
    return np.stack([rows[:, 0] * rows[:, 1] + rows[:, 2], np.sin(rows).sum(axis=1)], axis=1)


def game_of(function=two_outputs, *, batch_rows=1000, concurrency=1, weights=WEIGHTS, **options):
    space = Space.infer(BACKGROUND)
    model = Model(function, space=space, batch_bytes=batch_rows * 32, concurrency=concurrency)
    return Game(model, Tabular(X, BACKGROUND, space=space, weights=weights), **options)


def naive_value(function, mask, weights):
    rows = np.where(mask, X, BACKGROUND)
    return weights @ function(rows)


def test_value_is_the_weighted_mean_over_the_draws():
    game = game_of()
    values = game.value(ALL)
    weights = WEIGHTS / WEIGHTS.sum()
    expected = [naive_value(two_outputs, mask, weights) for mask in ALL]
    np.testing.assert_allclose(values, expected, rtol=1e-13)
    assert game.model.rows_used == 16 * 7
    assert (game.parts, game.n_draws, game.n_outputs) == (("x0", "x1", "x2", "x3"), 7, 2)


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 7, 8, 13, 14, 50])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_bits_do_not_depend_on_batches_or_threads(batch_rows, concurrency):
    reference = game_of().value(ALL)
    game = game_of(batch_rows=batch_rows, concurrency=concurrency)
    np.testing.assert_array_equal(game.value(ALL), reference)
    draws = np.arange(16) % 7
    np.testing.assert_array_equal(game.play(ALL, draws), game_of().play(ALL, draws))


def test_the_mean_is_compensated():
    # A plain running sum in double precision loses every 1/7 beside 1e17/7 and ends at 0.
    scores = np.array([1e17, 1.0, 1.0, 1.0, 1.0, 1.0, -1e17])
    game = game_of(lambda rows: scores[: len(rows)], weights=np.ones(7))
    weights = game.draw_weights.tolist()
    exact = sum(Fraction(s) * Fraction(w) for s, w in zip(scores.tolist(), weights, strict=True))
    assert game.value(ALL[:1])[0, 0] == pytest.approx(float(exact), rel=1e-14)


def test_play_takes_each_mask_under_its_own_draw():
    game = game_of(batch_rows=3)
    masks, draws = ALL[[3, 5, 0, 15, 9]], np.array([2, 0, 6, 1, 2])
    expected = two_outputs(np.where(masks, X, BACKGROUND[draws]))
    np.testing.assert_array_equal(game.play(masks, draws), expected)


def test_columns_restrict_the_outputs():
    game = game_of(columns=[1])
    np.testing.assert_array_equal(game.value(ALL), game_of().value(ALL)[:, 1:])
    np.testing.assert_array_equal(game.play(ALL[:3], [0, 1, 2]), game_of().play(ALL[:3], [0, 1, 2])[:, 1:])
    assert game.n_outputs == 1
    empty, full = game.ends()
    assert (empty.shape, full.shape) == ((7, 1), (1,))


@pytest.mark.parametrize("columns", [[], [-1], [0.5], 1, [[0]]])
def test_columns_that_are_none_are_refused(columns):
    with pytest.raises(InputError, match="columns must be a non-empty sequence"):
        game_of(columns=columns)


def test_a_column_out_of_range_is_refused():
    with pytest.raises(InputError, match="index 2 is out of range; the model has 2 outputs"):
        game_of(columns=[2]).value(ALL)


def test_no_mask_needs_no_call():
    game = game_of()
    game.model.probe(BACKGROUND)
    used = game.model.rows_used
    assert game.value(ALL[:0]).shape == (0, 2)
    assert game.play(ALL[:0], np.zeros(0, int)).shape == (0, 2)
    assert game.model.rows_used == used


@pytest.mark.parametrize("masks", [np.ones((2, 3), bool), np.ones(4, bool), np.ones((2, 4)), np.full((2, 4), 3)])
def test_masks_that_do_not_fit_never_reach_the_model(masks):
    game = game_of()
    for ask in (game.value, lambda m: game.play(m, np.zeros(len(m), int))):
        with pytest.raises(InputError, match="masks must"):
            ask(masks)
    assert game.model.calls == 0


def test_draws_out_of_range_never_reach_the_model():
    with pytest.raises(InputError, match="draws must be from 0 to 6, got 0 to 7"):
        game_of().play(ALL[:2], [0, 7])


def test_ends_are_evaluated_once():
    game = game_of()
    empty, full = game.ends()
    np.testing.assert_array_equal(empty, two_outputs(BACKGROUND))
    np.testing.assert_array_equal(full, two_outputs(X[None])[0])
    assert game.model.rows_used == 8
    game.ends()
    assert game.model.rows_used == 8


def test_ends_that_are_known_are_not_asked_for():
    known = game_of(empty_values=two_outputs(BACKGROUND), full_value=two_outputs(X[None])[0], columns=[1, 0])
    empty, full = known.ends()
    np.testing.assert_array_equal(empty, two_outputs(BACKGROUND)[:, ::-1])
    np.testing.assert_array_equal(full, two_outputs(X[None])[0, ::-1])
    assert known.model.calls == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"empty_values": np.zeros((6, 2))}, r"empty_values must have shape \(7, k\)"),
        ({"full_value": np.zeros((1, 2))}, r"full_value must have shape \(k,\)"),
        ({"full_value": np.zeros(3), "empty_values": np.zeros((7, 2))}, "2 outputs, but full_value has 3"),
    ],
)
def test_known_ends_must_fit(options, sentence):
    with pytest.raises(InputError, match=sentence):
        game_of(**options)


@pytest.mark.parametrize("ask", [lambda game: game.value(ALL), lambda game: game.play(ALL, np.zeros(16, int))])
def test_one_buffer_serves_a_callable_that_keeps_nothing(ask):
    game = game_of(batch_rows=7)
    ask(game)
    assert game.model.calls > 2
    assert game.model.medium._buffers.allocated == 1


def test_as_many_buffers_as_blocks_in_flight():
    game = game_of(batch_rows=1, concurrency=3)
    game.value(ALL)
    assert game.model.medium._buffers.allocated <= 3


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("view", [lambda rows: rows, lambda rows: rows[1:, ::2], lambda rows: rows.T])
def test_rows_the_callable_keeps_stay_its_own(view, concurrency):
    kept, copies = [], []

    def keeping(rows):
        kept.append(view(rows))
        copies.append(view(rows).copy())
        return two_outputs(rows)

    game = game_of(keeping, batch_rows=7, concurrency=concurrency)
    np.testing.assert_array_equal(game.value(ALL), game_of().value(ALL))
    assert len(kept) == 16
    for rows, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(rows, copy)


def test_a_callable_that_writes_into_its_rows_changes_nothing():
    def writing(rows):
        scores = two_outputs(rows)
        rows[:] = np.nan
        return scores

    tap = Tap(10**6)
    game = game_of(writing, batch_rows=5, tap=tap)
    np.testing.assert_array_equal(game.value(ALL), game_of().value(ALL))
    assert np.isfinite(tap.rows).all()


def test_a_callable_that_answers_with_its_rows_changes_nothing():
    game = game_of(lambda rows: rows[:, 1:3], batch_rows=4)
    expected = game_of(lambda rows: rows[:, 1:3].copy()).value(ALL)
    np.testing.assert_array_equal(game.value(ALL), expected)


@pytest.mark.parametrize("error_type", [ValueError, KeyboardInterrupt, StopIteration])
def test_a_game_survives_what_the_model_raises(error_type):
    error, failing = error_type("mine"), True

    def answer(rows):
        nonlocal failing
        if failing and len(calls) == 3:
            raise error
        calls.append(len(rows))
        return two_outputs(rows)

    calls = []
    game = game_of(answer, batch_rows=7, tap=Tap(10**6))
    with pytest.raises(error_type) as caught:
        game.value(ALL)
    assert caught.value is error
    assert game.model.rows_used == 4 * 7
    assert len(game.tap) == 3 * 7
    failing = False
    np.testing.assert_array_equal(game.value(ALL), game_of().value(ALL))


def test_a_tap_keeps_rows_and_all_outputs_in_order():
    tap = Tap(10**6)
    game = game_of(batch_rows=3, tap=tap, columns=[1])
    game.play(ALL, np.arange(16) % 7)
    np.testing.assert_array_equal(tap.rows, np.where(ALL, X, BACKGROUND[np.arange(16) % 7]))
    np.testing.assert_array_equal(tap.outputs, two_outputs(tap.rows))
    assert not tap.full


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_tap_stops_at_its_size_and_says_so(concurrency):
    each = 8 * (4 + 2)
    tap = Tap(10 * each + 1)
    game = game_of(batch_rows=4, tap=tap, concurrency=concurrency)
    values = game.play(ALL, np.zeros(16, int))
    assert (len(tap), tap.full) == (10, True)
    np.testing.assert_array_equal(tap.outputs, values[:10])
    game.play(ALL, np.zeros(16, int))
    assert len(tap) == 10


@pytest.mark.parametrize("size", [-1, 1.5, True, None])
def test_the_size_of_a_tap_is_a_whole_number(size):
    with pytest.raises(InputError, match="max_bytes"):
        Tap(size)


def test_an_empty_tap_has_no_rows():
    assert len(Tap(0)) == 0
    assert Tap(0).rows.size == 0


class Halves:
    """Two parts, no compose_grid, and it ignores the buffer offered."""

    parts = ("left", "right")
    n_draws = 2
    weights = np.array([0.25, 0.75])

    def compose(self, masks, draws, out=None):
        present = np.repeat(np.asarray(masks, bool), 2, axis=1)
        return np.where(present, X, BACKGROUND[draws])


def test_a_representation_of_the_user_is_played():
    model = Model(two_outputs, space=Space.infer(BACKGROUND), batch_bytes=3 * 32)
    values = Game(model, Halves()).value(np.array([[True, False], [False, False]]))
    first = two_outputs(np.where([True, True, False, False], X, BACKGROUND[:2]))
    np.testing.assert_allclose(values[0], 0.25 * first[0] + 0.75 * first[1], rtol=1e-14)


def test_what_a_representation_composes_is_checked():
    class Wrong(Halves):
        def compose(self, masks, draws, out=None):
            return np.zeros((len(masks), 3))

    class Listing(Halves):
        def compose(self, masks, draws, out=None):
            return [[0.0] * 4] * len(masks)

    model = Model(two_outputs, space=Space.infer(BACKGROUND))
    with pytest.raises(InputError, match=r"compose of Wrong must return .* \(2, 4\), got float64 \(2, 3\)"):
        Game(model, Wrong()).value(np.ones((1, 2), bool))
    with pytest.raises(InputError, match=r"compose of Listing .*got list"):
        Game(model, Listing()).value(np.ones((1, 2), bool))


def test_weights_of_a_representation_must_fit_its_draws():
    class Short(Halves):
        weights = np.ones(1)

    with pytest.raises(InputError, match=r"n_draws=2 and weights of shape \(1,\)"):
        Game(Model(two_outputs, space=Space.infer(BACKGROUND)), Short())


def test_a_game_pickles():
    game = pickle.loads(pickle.dumps(game_of()))
    np.testing.assert_array_equal(game.value(ALL), game_of().value(ALL))


@pytest.mark.parametrize("masks", [ALL, ALL[:1], ALL[:2]])
def test_a_small_job_uses_every_call_at_once(masks):
    from threading import Barrier

    barrier, game = Barrier(3), game_of(batch_rows=1000, concurrency=3)
    waiting = game_of(lambda rows: (barrier.wait(5), two_outputs(rows))[1], batch_rows=1000, concurrency=3)
    sizes = [(at.stop - at.start) * (draws.stop - draws.start) for at, draws in game._chunks(len(masks))]
    assert len(sizes) >= 3
    if len(sizes) == 3:
        np.testing.assert_array_equal(waiting.value(masks), game_of().value(masks))
    assert [len(block) for block in game._pairs(np.uint8(ALL[:4]), np.zeros(4, np.int64))] == [2, 1, 1]
