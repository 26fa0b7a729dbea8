"""The game of retraining: every coalition fitted once, on its own columns."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pellucid.errors import InputError, ModelOutputError
from pellucid.games import retrain
from pellucid.space import Space
from sklearn.linear_model import LinearRegression

RNG = np.random.default_rng(0)
BACKGROUND = RNG.normal(size=(7, 4))
ALL = np.array(list(itertools.product([False, True], repeat=4)))


class Recorder:
    """Fits by least squares and remembers what it was given."""

    def __init__(self):
        self.seen = []

    def fit(self, rows, targets):
        self.seen.append(rows)
        return LinearRegression().fit(np.asarray(rows), targets)

    def score(self, model, rows, targets):
        return model.score(np.asarray(rows), targets)


TARGET = BACKGROUND @ np.array([1.0, -2.0, 0.5, 0.0])


def test_retraining_scores_the_chosen_columns_alone():
    recorder = Recorder()
    game = retrain(recorder.fit, recorder.score, BACKGROUND, TARGET)
    masks = np.array([[0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]], dtype=bool)
    values = game.value(masks)
    expected = LinearRegression().fit(BACKGROUND[:, [0, 2]], TARGET).score(BACKGROUND[:, [0, 2]], TARGET)
    np.testing.assert_allclose(values[:, 0], [0.0, expected, 1.0], atol=1e-12)
    assert [rows.shape for rows in recorder.seen] == [(7, 1), (7, 2), (7, 4)]
    assert (recorder.seen[0] == 0).all()


def test_a_coalition_is_fitted_once():
    recorder = Recorder()
    game = retrain(recorder.fit, recorder.score, BACKGROUND, TARGET)
    game.value(ALL)
    game.value(ALL)
    game.ends()
    assert len(recorder.seen) == 16


def test_validation_data_is_what_is_scored():
    scored = []

    def score(model, rows, targets):
        scored.append((rows, targets))
        return model

    held_out = BACKGROUND[:3] + 1
    game = retrain(lambda rows, targets: len(rows), score, BACKGROUND, TARGET, validation=(held_out, [1, 2, 3]))
    assert game.value(ALL[-1:]).tolist() == [[7.0]]
    np.testing.assert_array_equal(scored[0][0], held_out)
    assert scored[0][1] == [1, 2, 3]


@pytest.mark.parametrize("to_frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_frames_stay_frames(to_frame):
    columns = {"age": [1.0, 2.0, 4.0], "city": ["a", "b", "a"], "constant": [5.0, 6.0, 7.0]}
    frame = to_frame(columns)
    seen = []
    game = retrain(lambda rows, targets: seen.append(rows), lambda model, rows, targets: 0.0, frame, [1, 2, 3])
    game.value(np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1]], dtype=bool))
    assert all(type(rows) is type(frame) for rows in seen)
    names = [list(rows.column_names if to_frame is pa.table else rows.columns) for rows in seen]
    assert names == [["age", "city"], ["constant"], ["constant"]]
    assert [float(value) for value in np.asarray(seen[1]["constant"])] == [0.0] * 3
    assert [float(value) for value in np.asarray(seen[2]["constant"])] == [5.0, 6.0, 7.0]
    assert game.parts == ("age", "city", "constant")


def test_groups_are_players():
    seen = []
    game = retrain(
        lambda rows, targets: seen.append(rows.copy()),
        lambda model, rows, targets: [0.0, 1.0],
        BACKGROUND,
        TARGET,
        groups={"outer": ["x3", 1]},
    )
    assert game.parts == ("x0", "outer", "x2")
    assert game.value(np.array([[False, True, True]])).tolist() == [[0.0, 1.0]]
    np.testing.assert_array_equal(seen[0], BACKGROUND[:, [1, 2, 3]])


def test_players_may_come_from_a_space():
    space = Space.infer(BACKGROUND, groups={"pair": ["x0", "x2"]})
    recorder = Recorder()
    game = retrain(recorder.fit, recorder.score, BACKGROUND, TARGET, space=space)
    assert game.parts == space.parts
    game.value(np.array([[True, False, False]]))
    np.testing.assert_array_equal(recorder.seen[0], BACKGROUND[:, [0, 2]])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"y": TARGET[:3]}, "y must have one target per row, got 3 targets for 7 rows"),
        ({"y": 5}, "y must have one target per row, got int"),
        ({"X": BACKGROUND[0]}, "X must be 2-D"),
        ({"X": [[1.0]]}, "X must be an array or a dataframe, got list"),
        ({"validation": BACKGROUND}, r"validation must be a pair \(X, y\)"),
        ({"validation": (BACKGROUND[:, :2], TARGET)}, "validation X must have the columns of X"),
        ({"groups": {"g": ["x9"]}}, "unknown column 'x9'"),
        ({"groups": {"g": [7]}}, "unknown column 7"),
        ({"groups": {"g": []}}, "non-empty"),
        ({"groups": {"g": ["x0"], "h": ["x0"]}}, "column 'x0' is in 'g' and in 'h'"),
        ({"groups": {"x1": ["x0"]}}, "also the name of a column outside"),
        ({"groups": {}, "space": Space.infer(BACKGROUND)}, "groups or space, not both"),
        ({"space": Space.infer(BACKGROUND[:, :2])}, "space has 2 features, but X has 4"),
    ],
)
def test_retraining_refuses_what_does_not_fit(options, sentence):
    options = {"X": BACKGROUND, "y": TARGET} | options
    with pytest.raises(InputError, match=sentence):
        retrain(lambda *_: pytest.fail("fitted"), lambda *_: 0.0, options.pop("X"), options.pop("y"), **options)


@pytest.mark.parametrize(("score", "sentence"), [(np.nan, "NaN"), (None, "objects"), ("good", "not labels")])
def test_a_score_that_is_none_is_refused(score, sentence):
    game = retrain(lambda *_: None, lambda *_: score, BACKGROUND, TARGET)
    with pytest.raises(ModelOutputError, match=sentence):
        game.value(ALL[:1])


def test_what_was_fitted_before_an_exception_is_remembered():
    recorder = Recorder()

    def score(model, rows, targets):
        if rows.shape[1] == 4 and failing:
            raise RuntimeError("out of memory")
        return recorder.score(model, rows, targets)

    failing = True
    game = retrain(recorder.fit, score, BACKGROUND, TARGET)
    with pytest.raises(RuntimeError, match="out of memory"):
        game.value(ALL)
    failing = False
    game.value(ALL)
    assert len(recorder.seen) == 17
