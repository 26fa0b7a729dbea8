"""Shapley values of representations: texts, images, and the rows of a table as one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from pellucid import Shapley, Superpixels, Words
from pellucid.representation import Tabular
from reference.shapley_exact import rational_shapley

REVIEW = "good plot, fine cast; bad end"


def score(texts):
    has = np.array([[word in text for word in ("good", "fine", "bad", "end")] for text in texts], dtype=np.float64)
    return has @ [1.5, 0.5, -2.0, 0.25] + has[:, 0] * has[:, 1] - 3.0 * has[:, 2] * has[:, 3] * has[:, 0]


def corners(images):
    light = images.reshape(len(images), -1).astype(np.float64)
    return np.tanh(light[:, 0] / 80.0) * light[:, -1] / 100.0 + light.mean(axis=1) / 50.0


def test_words_are_players():
    words = Words(REVIEW)
    p = len(words.parts)
    masks = (np.arange(2**p)[:, None] >> np.arange(p)) & 1
    values = score(words.compose(masks, np.zeros(2**p, dtype=np.int64)).strings())

    found = Shapley(score)(words)

    expected = rational_shapley([Fraction(float(value)) for value in values], p)
    np.testing.assert_allclose(found.values[0, :, 0], np.array(expected, dtype=np.float64), rtol=0, atol=1e-12)
    assert found.parts == words.parts
    assert found.std_err is None
    np.testing.assert_allclose(found.residual, 0.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.base_values, 0.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["auto", "permutation", "regression"])
def test_samples_of_many_words_are_within_their_errors(method):
    text = REVIEW + " " + " ".join(f"w{i}" for i in range(14))
    exact = Shapley(score)(Words(REVIEW)).values[0, :, 0]

    found = Shapley(score, method=method, budget=3000)(Words(text))

    # Words that the model does not know are dummies, and the others play the same game.
    expected = np.r_[exact, np.zeros(14)]
    errors = np.zeros(20) if found.std_err is None else found.std_err[0, :, 0]
    assert (np.abs(found.values[0, :, 0] - expected) <= 5.0 * errors + 1e-9).all()
    assert found.report.rows_used <= 3000
    np.testing.assert_allclose(found.residual, 0.0, rtol=0, atol=1e-9)


def test_a_row_as_a_representation_has_the_values_of_the_row():
    rng = np.random.default_rng(0)
    background, x = rng.normal(size=(6, 5)), rng.normal(size=5)

    def model(rows):
        return rows[:, 0] * rows[:, 1] + np.sin(rows[:, 2]) * rows[:, 3]

    weights = rng.random(6)
    of_row = Shapley(model, background, background_weights=weights)(x[None])
    of_parts = Shapley(model)(Tabular(x, background, weights=weights))

    np.testing.assert_allclose(of_parts.values, of_row.values, rtol=0, atol=1e-12)
    np.testing.assert_allclose(of_parts.base_values, of_row.base_values, rtol=0, atol=1e-12)


def test_segments_are_players():
    image = (np.random.default_rng(0).random((12, 10)) * 200).astype(np.uint8)

    found = Shapley(corners)(Superpixels(image, n_segments=6))

    np.testing.assert_allclose(found.residual, 0.0, rtol=0, atol=1e-12)
    # Segments that do not hold a corner only count for the mean, by which the fill leaves them nothing.
    assert np.abs(found.values[0, [0, -1], 0]).min() > 5 * np.abs(found.values[0, 1:-1, 0]).max()


@pytest.mark.parametrize("budget", [None, 300])
@pytest.mark.parametrize(
    "parts",
    [
        Words(REVIEW),
        Words(REVIEW + " " + " ".join(f"w{i}" for i in range(14))),
        Tabular(np.ones(6), np.zeros((3, 6)) + np.arange(3.0)[:, None]),
    ],
    ids=["few words", "many words", "rows"],
)
def test_the_report_counts_every_row_of_the_model(parts, budget):
    paid = []

    def model(block):
        paid.append(len(block))
        return np.array([len(str(one)) % 7 for one in block], dtype=np.float64)

    explainer = Shapley(model, budget=budget)
    found = explainer(parts)
    assert found.report.rows_per_row == (sum(paid),)
    assert budget is None or sum(paid) <= budget
    paid.clear()
    again = explainer(parts)
    assert again.report.rows_per_row == (sum(paid),)
    assert again.values.tobytes() == found.values.tobytes()


def test_batches_threads_and_company_do_not_show():
    texts = [Words(REVIEW + " " + " ".join(f"w{i}" for i in range(n))) for n in (3, 14, 1)]

    together = Shapley(score, budget=900)(texts)

    for text, one in zip(texts, together, strict=True):
        alone = Shapley(score, budget=900, batch_bytes=500, n_threads=1, concurrency=3)(text)
        assert alone.values.tobytes() == one.values.tobytes()


def test_an_order_of_words():
    found = Shapley(score, order={"good": ["bad"]})(Words(REVIEW))

    np.testing.assert_allclose(found.residual, 0.0, rtol=0, atol=1e-12)
    assert np.abs(found.values - Shapley(score)(Words(REVIEW)).values).max() > 0.1
