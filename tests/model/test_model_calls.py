"""The door to user code: what a call costs, where its errors point, and what goes in."""

from __future__ import annotations

import pickle
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pellucid.errors import InputError, ModelOutputError
from pellucid.model import Model
from pellucid.space import Space

X = np.arange(12.0).reshape(4, 3)
SPACE = Space.infer(X)


def first_column(rows):
    return rows[:, 0]


def model_of(function, **options):
    return Model(function, space=options.pop("space", SPACE), **options)


def test_one_number_is_an_answer_for_one_row_only():
    assert model_of(lambda rows: np.float64(7.0))(X[:1]).tolist() == [[7.0]]
    assert model_of(lambda rows: 7)(X[:1]).tolist() == [[7.0]]
    with pytest.raises(ModelOutputError, match="one number for 4 rows"):
        model_of(lambda rows: 7)(X)


def test_nan_names_the_first_row_how_many_and_the_input():
    def answer(rows):
        scores = np.stack([rows[:, 0], rows[:, 1]], axis=1)
        scores[scores[:, 0] >= 6, 1] = np.nan
        scores[scores[:, 0] >= 9, 0] = np.inf
        return scores

    with pytest.raises(ModelOutputError) as caught:
        model_of(answer)(X)
    message = str(caught.value)
    assert "2 of 4 rows" in message
    assert "nan in output 1 of row 2" in message
    assert "x0=6, x1=7, x2=8" in message


def test_nan_in_a_later_batch_is_counted_from_the_first_row_asked_for():
    model = model_of(lambda rows: np.where(rows[:, 0] == 6, np.inf, 0.0), batch_bytes=1)
    with pytest.raises(ModelOutputError, match=r"batch 2, row 2.*inf in output 0 of row 2"):
        model(X)


class Stop(BaseException):
    pass


@pytest.mark.parametrize(
    "error_type", [ValueError, MemoryError, Stop, KeyboardInterrupt, SystemExit, StopIteration, GeneratorExit]
)
@pytest.mark.parametrize("concurrency", [1, 2])
def test_whatever_the_callable_raises_arrives_as_the_same_object(error_type, concurrency):
    error = error_type("mine")
    failing = True

    def answer(rows):
        if failing and rows[0, 0] == 6:
            raise error
        return rows[:, 0]

    model = model_of(answer, batch_bytes=2 * 3 * 8, concurrency=concurrency)
    with pytest.raises(error_type) as caught:
        model(X)
    assert caught.value is error
    assert error.args == ("mine",)
    assert any("batch 1, rows 2 to 3" in note for note in getattr(error, "__notes__", ["batch 1, rows 2 to 3"]))
    assert (model.calls, model.rows_used) == (2, 4)

    failing = False
    np.testing.assert_array_equal(model(X), X[:, :1])
    assert (model.calls, model.rows_used) == (4, 8)


@pytest.mark.parametrize("seconds", [0.02])
def test_time_inside_user_code_is_counted_even_when_it_raises(seconds):
    def answer(rows):
        time.sleep(seconds)
        raise ValueError

    model = model_of(answer)
    with pytest.raises(ValueError):
        model(X)
    assert seconds <= model.seconds < 1


def test_codes_of_the_wrong_shape_never_reach_the_callable():
    model = model_of(lambda rows: pytest.fail("called"))
    with pytest.raises(InputError, match=r"shape \(rows, 3\), got \(4, 2\)"):
        model(X[:, :2])


def test_zero_rows_need_no_call_once_the_outputs_are_known():
    model = model_of(lambda rows: np.zeros((len(rows), 2)))
    with pytest.raises(InputError, match="call probe"):
        model(X[:0])
    model.probe(X)
    used = model.rows_used
    assert model(X[:0]).shape == (0, 2)
    assert model.rows_used == used


@pytest.mark.parametrize("batch_bytes", [1, 24, 50, 72, 10**6])
def test_bits_do_not_depend_on_the_batch_size(batch_bytes):
    model = model_of(lambda rows: np.sin(rows).sum(axis=1), batch_bytes=batch_bytes)
    rows = np.random.default_rng(0).normal(size=(7, 3))
    np.testing.assert_array_equal(model(rows), np.sin(rows).sum(axis=1)[:, None])
    step = max(1, batch_bytes // 24)
    assert model.batch_rows == step
    assert model.calls == -(-7 // step)


def test_a_frame_goes_in_as_a_frame_with_its_dtypes():
    frame = pd.DataFrame({"age": [30, 40], "city": ["Rome", "Oslo"], "member": [True, False]})
    space = Space.infer(frame)
    seen = []

    def answer(rows):
        seen.append(rows)
        return rows["age"] + (rows["city"] == "Oslo")

    outputs = model_of(answer, space=space)(space.encode(frame))
    assert outputs.tolist() == [[30.0], [41.0]]
    pd.testing.assert_frame_equal(seen[0], frame)


def test_polars_goes_in_as_polars():
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    space = Space.infer(frame)
    outputs = model_of(lambda rows: rows.select(pl.col("a") * 2), space=space)(space.encode(frame))
    assert outputs.tolist() == [[2.0], [4.0]]


def test_a_model_pickles_with_its_counters():
    model = model_of(first_column, link="identity", output_names=["score"])
    model(X)
    copy = pickle.loads(pickle.dumps(model))
    assert (copy.rows_used, copy.output_names, copy.description) == (4, ("score",), model.description)
    np.testing.assert_array_equal(copy(X), model(X))


def test_a_model_of_a_lambda_says_that_it_does_not_pickle():
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model_of(lambda rows: rows[:, 0]))


def test_the_representation_says_what_the_outputs_are():
    model = model_of(first_column)
    assert repr(model) == "Model(callable first_column, model_output='value', link='identity')"
    model(X)
    assert "outputs=['output']" in repr(model)
