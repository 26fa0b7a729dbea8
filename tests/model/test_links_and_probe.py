"""What is done to the answers: links, and the probe that asks twice."""

from __future__ import annotations

import warnings

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


def test_links_are_applied_to_every_output():
    probabilities = np.array([[0.25, 0.75], [0.5, 0.5], [1e-9, 1 - 1e-9]])
    space = Space.infer(probabilities)
    logit = Model(lambda rows: rows, space=space, link="logit")
    np.testing.assert_allclose(logit(probabilities), np.log(probabilities / (1 - probabilities)), rtol=1e-12)
    assert logit.output_names == ("output 0", "output 1")
    np.testing.assert_array_equal(
        Model(lambda rows: rows, space=space, link="log")(probabilities), np.log(probabilities)
    )


def test_the_probe_asks_twice_and_is_quiet_about_a_steady_model():
    model = model_of(lambda rows: rows @ np.array([1.0, 0.1, 1e-9]))
    rows = np.random.default_rng(1).normal(size=(40, 3))
    outputs = model.probe(rows)
    assert model.rows_used == 32
    assert model.warnings == []
    np.testing.assert_allclose(outputs, rows[:16] @ np.array([[1.0], [0.1], [1e-9]]), rtol=1e-12)


def test_the_probe_tells_chance():
    rng = np.random.default_rng(2)
    model = model_of(lambda rows: rows[:, 0] + rng.uniform(0.1, 0.2, size=len(rows)))
    model.probe(X)
    assert len(model.warnings) == 1
    assert "not deterministic" in model.warnings[0]
    assert "largest difference 0.0" in model.warnings[0]
    assert model.rows_used == 12


def test_the_probe_needs_a_row():
    model = model_of(first_column)
    with pytest.raises(InputError, match="at least one row"):
        model.probe(X[:0])


def test_the_probe_respects_the_batch_size():
    largest = []
    model = model_of(lambda rows: largest.append(len(rows)) or rows[:, 0], batch_bytes=2 * 24)
    model.probe(X)
    assert max(largest) == 2


def test_no_warning_escapes_from_a_quiet_model():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model_of(first_column).probe(X)


@pytest.mark.parametrize("link", ["logit", "log"])
def test_a_clip_is_told_once_and_only_where_it_moved_something(link):
    scores = np.array([0.25, 0.5, 0.75, 0.5])

    def answer(rows):
        return scores[(rows[:, 0] / 3).astype(int)]

    model = model_of(answer, link=link, clip=1e-6)
    np.testing.assert_array_equal(model(X), model_of(answer, link=link)(X))
    assert model.warnings == []
    scores[1] = 0.0
    assert model(X)[1, 0] == pytest.approx(np.log(1e-6), rel=1e-6)
    model.probe(X[:2])
    assert len(model.warnings) == 1
    assert "clip=1e-06 moved outputs" in model.warnings[0]
    assert model.steady
