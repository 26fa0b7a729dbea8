"""Names of outputs, and which of them are explained."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.model import Model
from pellucid.space import Space

X = np.arange(12.0).reshape(4, 3)
SPACE = Space.infer(X)


def first_column(rows):
    return rows[:, 0]


def model_of(function, **options):
    return Model(function, space=options.pop("space", SPACE), **options)


def test_output_names():
    assert _named(1).output_names == ("output",)
    assert _named(2).output_names == ("output 0", "output 1")
    assert _named(2, output_names=["low", "high"]).output_names == ("low", "high")
    with pytest.raises(InputError, match="3 names, but the model returned 2"):
        _named(2, output_names=["a", "b", "c"])
    with pytest.raises(InputError, match="differ from each other"):
        _named(2, output_names=["a", "a"])
    with pytest.raises(InputError, match="sequence of strings"):
        _named(2, output_names="ab")


def _named(k, **options):
    model = model_of(lambda rows: np.zeros((len(rows), k)), **options)
    model(X)
    return model


@pytest.mark.parametrize(
    ("outputs", "columns", "names"),
    [
        (None, [[0, 1, 2], [0, 1, 2]], ("a", "b", "c")),
        (1, [[1], [1]], ("b",)),
        (np.int64(-1), [[2], [2]], ("c",)),
        ("c", [[2], [2]], ("c",)),
        (["c", 0], [[2, 0], [2, 0]], ("c", "a")),
        (np.array([2, 1]), [[2, 1], [2, 1]], ("c", "b")),
        ("predicted", [[1], [0]], ("predicted",)),
        ("top:2", [[1, 2], [0, 1]], ("top 1", "top 2")),
    ],
)
def test_choice_of_outputs(outputs, columns, names):
    model = _named(3, output_names=["a", "b", "c"])
    predictions = np.array([[0.1, 0.6, 0.3], [0.4, 0.4, 0.2]])
    chosen, chosen_names = model.choose(outputs, predictions)
    assert chosen.tolist() == columns
    assert chosen_names == names


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        ("d", "unknown output 'd'; the model has 'a', 'b', 'c'"),
        (3, "index 3 is out of range; the model has 3 outputs"),
        (-4, "index -4 is out of range"),
        ("top:9", "'top:j' with j from 1 to 3"),
        ("top:0", "'top:j' with j from 1 to 3"),
        ("top:x", "'top:j' with j from 1 to 3"),
        ([], "outputs is empty"),
        (["a", 0], "names an output twice"),
        (True, "must be None, an index"),
        (1.5, "must be None, an index"),
    ],
)
def test_a_choice_that_cannot_be_made_says_why(outputs, sentence):
    with pytest.raises(InputError, match=sentence):
        _named(3, output_names=["a", "b", "c"]).choose(outputs, np.zeros((2, 3)))


def test_ties_go_to_the_smaller_index():
    chosen, _ = _named(40).choose("top:3", np.repeat([[0.0, 1.0]], 20, axis=0).reshape(1, 40))
    assert chosen.tolist() == [[1, 3, 5]]


def test_choice_checks_the_predictions():
    with pytest.raises(InputError, match=r"predictions must have shape \(rows, 3\), got \(2, 2\)"):
        _named(3).choose(None, np.zeros((2, 2)))
