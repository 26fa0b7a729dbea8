"""Any function of masks as a game."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid.errors import InputError, ModelOutputError
from pellucid.games import PlainGame


def test_a_plain_game_has_the_face_of_a_game():
    game = PlainGame(lambda masks: masks.sum(axis=1) ** 2, ["a", "b", "c"])
    masks = np.array([[1, 0, 0], [1, 1, 1]], dtype=np.uint8)
    assert game.value(masks).tolist() == [[1.0], [9.0]]
    assert game.play(masks, np.zeros(2, int)).tolist() == [[1.0], [9.0]]
    empty, full = game.ends()
    assert (empty.tolist(), full.tolist()) == ([[0.0]], [9.0])
    assert (game.parts, game.n_draws, game.draw_weights.tolist(), game.n_outputs) == (
        ("a", "b", "c"),
        1,
        [1.0],
        1,
    )
    assert (game.rows_used, game.calls) == (6, 3)


def test_a_plain_game_of_several_outputs_knows_how_many():
    game = PlainGame(lambda masks: np.stack([masks[:, 0], masks[:, 1]], axis=1), 2)
    assert game.n_outputs == 2
    assert game.parts == ("player 0", "player 1")
    assert game.value(np.zeros((0, 2), bool)).shape == (0, 2)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda masks: None, "returned None"),
        (lambda masks: np.zeros(len(masks) + 1), "length 3 for 2 coalitions"),
        (lambda masks: np.full(len(masks), np.nan), "NaN or infinite scores for 2 of 2 coalitions"),
        (lambda masks: ["win"] * len(masks), "not labels"),
    ],
)
def test_a_plain_game_checks_what_its_function_returns(answer, sentence):
    with pytest.raises(ModelOutputError, match=sentence):
        PlainGame(answer, 2).value(np.ones((2, 2), bool))


def test_a_plain_game_is_not_changed_by_a_function_that_writes():
    masks = np.ones((2, 2), bool)

    def v(coalitions):
        values = coalitions.sum(axis=1)
        coalitions[:] = False
        return values

    assert PlainGame(v, 2).value(masks).tolist() == [[2.0], [2.0]]
    assert masks.all()


def test_a_plain_game_hands_on_the_exception():
    error = KeyError("mine")

    def v(masks):
        raise error

    game = PlainGame(v, 2)
    with pytest.raises(KeyError) as caught:
        game.value(np.ones((3, 2), bool))
    assert caught.value is error
    assert any("coalitions 0 to 2" in note for note in getattr(error, "__notes__", ["coalitions 0 to 2"]))


@pytest.mark.parametrize("players", [0, True, "abc", [], ["a", "a"], [1, 2], None])
def test_players_are_names(players):
    with pytest.raises(InputError, match="players must"):
        PlainGame(lambda masks: masks[:, 0], players)


def test_the_function_of_a_plain_game_is_callable():
    with pytest.raises(InputError, match="v must be a callable"):
        PlainGame(None, 2)
