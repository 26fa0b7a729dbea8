"""LIME on texts and images: known weights, the limits of mask laws, and what a model is handed."""

from __future__ import annotations

import threading
from math import comb

import numpy as np
import pytest
from pellucid import Lime, Superpixels, Words, lime_limit
from pellucid.games import Game
from pellucid.model import Model

REVIEW = "good plot, fine cast; the bad end was a dull one"
LEXICON = {"good": 1.3, "fine": 0.7, "the": 0.0, "dull": -0.5, "bad": -2.3}
LONG = " ".join(f"w{i}" for i in range(14))


def score(texts):
    return np.array([sum(LEXICON.get(word.strip(",;"), 0.0) for word in text.split()) for text in texts])


def tangled(texts):
    """Products of words, so that nothing but sampling decides the error."""
    has = np.array([[f"w{i}" in text.split() for i in range(14)] for text in texts], dtype=np.float64)
    return has[:, 0] * has[:, 1] + np.sqrt(1.0 + has.sum(axis=1)) - has[:, 2] * (1.0 - has[:, 3]) + 0.3 * has[:, 5]


def picture(shape=(12, 10), dtype=np.uint8):
    return (np.random.default_rng(0).random(shape) * 200).astype(dtype)


def corners(images):
    light = images.reshape(len(images), -1).astype(np.float64)
    return np.tanh(light[:, 0] / 80.0) * light[:, -1] / 100.0 + light.mean(axis=1) / 50.0


@pytest.mark.parametrize("n_parts", [11, 20])
def test_a_review_of_known_weights_is_recovered(n_parts):
    text = REVIEW if n_parts == 11 else REVIEW + " that nobody in this town would ever forget"
    words = Words(text)

    found = Lime(score, budget=5000)(words)

    expected = [LEXICON.get(word, 0.0) for word in words.parts]
    np.testing.assert_allclose(found.values[0, :, 0], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.base_values, 0.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.r2, 1.0, rtol=0, atol=1e-12)
    if len(words.parts) <= 12:
        assert found.std_err is None
        assert "all masks" in found.report.method
    else:
        assert found.std_err.max() < 1e-12
    assert [word for word, _ in found.as_list()[:4]] == ["bad", "good", "fine", "dull"]


@pytest.mark.parametrize("kernel_width", [None, 0.4, np.inf])
def test_all_masks_are_the_limit_itself(kernel_width):
    words, image = Words(REVIEW), Superpixels(picture(), n_segments=9)

    def lengths(texts):
        return np.array([len(text) ** 1.5 for text in texts])

    for model, parts in ((lengths, words), (corners, image)):
        found = Lime(model, kernel_width=kernel_width, budget=5000)(parts)
        game = Game(Model(model, medium=parts.medium), parts)
        limit = lime_limit(game, kernel_width=kernel_width)
        assert found.std_err is None
        np.testing.assert_allclose(found.values[0], limit.coefficients, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.base_values[0], limit.intercept, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "options", [{}, {"control_variate": None}, {"kernel_width": 0.5}, {"distance": "euclidean"}], ids=str
)
@pytest.mark.parametrize("kind", ["text", "image"])
def test_samples_are_within_their_errors_of_the_limit(kind, options):
    if kind == "text":
        parts, model = Words(LONG), tangled
    else:
        parts, model = Superpixels(picture(), n_segments=16), corners
    p = len(parts.parts)
    found = Lime(model, budget=1200, **options)(parts)

    law, width = kind, options.get("kernel_width")
    if options.get("distance") == "euclidean":
        # D^2 is the number of parts that are off, and the width 0.75 sqrt(p).
        off = np.arange(p + 1)
        base = np.r_[0.0, np.full(p, 1.0 / p)] if kind == "text" else binomial(p)
        law, width = base * np.exp(-off / (2.0 * 0.75**2 * p)), None
    game = Game(Model(model, medium=parts.medium), parts)
    limit = lime_limit(game, law=law, kernel_width=width)
    distance = limit.distance(found)
    assert distance.largest < 5.0
    assert np.nanmax(found.std_err) < 0.3 * np.abs(limit.coefficients).max()
    assert found.report.rows_used <= 1200


def binomial(p):
    return np.array([comb(p, s) for s in range(p + 1)]) / 2.0**p


def test_intervals_of_masks_hold_what_they_say():
    words = Words(LONG)
    truth = lime_limit(Game(Model(tangled, medium=words.medium), words)).coefficients
    z = []
    for seed in range(60):
        found = Lime(tangled, budget=700, seed=seed)(words)
        z.append((found.values[0] - truth) / found.std_err[0])

    assert 0.92 <= (np.abs(z) <= 1.96).mean() <= 0.995


def test_a_distance_or_kernel_of_ones_own_has_the_same_limit_as_the_built_in_one():
    words = Words(LONG)
    built_in = Lime(tangled, budget=4000)(words)
    own_kernel = Lime(tangled, budget=4000, kernel=lambda d: np.exp(-0.5 * (d / 0.25) ** 2))(words)
    own_distance = Lime(
        tangled, budget=4000, kernel_width=0.25, distance=lambda z: 1.0 - np.sqrt(z.mean(axis=1)), control_variate=None
    )(words)

    np.testing.assert_allclose(own_kernel.values, built_in.values, rtol=0, atol=1e-12)
    limit = lime_limit(Game(Model(tangled, medium=words.medium), words))
    assert limit.distance(own_distance).largest < 5.0


def test_texts_come_as_str_and_a_pipeline_of_scikit_learn_as_an_object():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    linear = pytest.importorskip("sklearn.linear_model")
    pipeline = pytest.importorskip("sklearn.pipeline").make_pipeline(
        text.CountVectorizer(), linear.LogisticRegression()
    )
    pipeline.fit(["good film", "a good end", "bad film", "a bad end"], ["liked", "liked", "hated", "hated"])

    found = Lime(pipeline)(Words("a good end, a bad film"))

    assert found.outputs == ("hated", "liked")
    by_word = dict(found.as_list(output="liked"))
    assert by_word["good"] > 0.1
    assert by_word["bad"] < -0.1
    np.testing.assert_allclose(found.values[..., 0], -found.values[..., 1], rtol=0, atol=1e-12)

    def only_str(texts):
        assert type(texts) is list
        assert all(type(one) is str for one in texts)
        return pipeline.predict_proba(texts)

    assert Lime(only_str)(Words("a good end, a bad film")).values.tobytes() == found.values.tobytes()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, bool])
@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3), (3, 12, 10)])
def test_images_come_in_their_own_type_and_shape(dtype, shape):
    image = picture(shape, dtype)

    def model(images):
        assert images.dtype == dtype
        assert images.shape[1:] == shape
        return images.reshape(len(images), -1).mean(axis=1)

    found = Lime(model, budget=200)(Superpixels(image, n_segments=6, fill=0))

    labels = Superpixels(image, n_segments=6).labels
    plane = image.astype(np.float64)
    plane = plane if len(shape) == 2 else plane.sum(axis=shape.index(3))
    expected = [plane[labels == part].sum() / image.size for part in range(6)]
    np.testing.assert_allclose(found.values[0, :, 0], expected, rtol=1e-5 if dtype == np.float32 else 1e-10)


@pytest.mark.parametrize("images", [1, 3, 1000])
def test_batch_bytes_bounds_the_blocks_of_images(images):
    sizes = []

    def model(block):
        sizes.append(len(block))
        return corners(block)

    parts = Superpixels(picture(), n_segments=16)
    found = Lime(model, budget=300, batch_bytes=images * 120)(parts)

    assert max(sizes) <= images
    assert sum(sizes) == found.report.rows_per_row[0]
    assert found.values.tobytes() == Lime(corners, budget=300)(parts).values.tobytes()


@pytest.mark.parametrize("budget", [20, 100, 600, None])
@pytest.mark.parametrize(
    "parts",
    [Words(LONG), Words(REVIEW), Superpixels(picture(), n_segments=16)],
    ids=["long text", "short text", "image"],
)
def test_the_report_counts_every_row_of_the_model(budget, parts):
    paid = []

    def model(block):
        paid.append(len(block))
        return np.array([len(str(one)) % 7 for one in block], dtype=np.float64)

    if budget == 20:
        budget = 2 * min(16, len(parts.parts) + 2) + 1 + 4  # the least
    explainer = Lime(model, budget=budget)
    found = explainer(parts)
    assert found.report.rows_per_row == (sum(paid),)
    assert budget is None or sum(paid) <= budget
    paid.clear()
    assert explainer(parts).report.rows_per_row == (sum(paid),)


def test_a_list_of_texts_is_explained_one_by_one():
    texts = [Words(REVIEW), Words("good, so good"), Words(LONG)]

    together = Lime(score, budget=800)(texts)

    assert [one.parts for one in together] == [text.parts for text in texts]
    for text, one in zip(texts, together, strict=True):
        assert one.values.tobytes() == Lime(score, budget=800)(text).values.tobytes()
    mixed = Lime(lambda block: np.arange(len(block)) * 0.0)([texts[0], Superpixels(picture(), n_segments=4)])
    assert [len(one.parts) for one in mixed] == [11, 4]


def test_several_calls_at_once_give_the_same_bits():
    names, words = set(), Words(LONG)

    def model(texts):
        names.add(threading.current_thread().name)
        return tangled(texts)

    in_turn = Lime(tangled, budget=900)(words)
    at_once = Lime(model, budget=900, concurrency=4, batch_bytes=2000)(words)

    assert at_once.values.tobytes() == in_turn.values.tobytes()
    assert at_once.std_err.tobytes() == in_turn.std_err.tobytes()
    assert any(name.startswith("pellucid") for name in names)


def test_masks_of_ones_own_are_played_and_weighted():
    words = Words(LONG)
    asked = []

    def halves(count, seed):
        asked.append((count, seed))
        return np.random.default_rng(seed).random((count, 14)) < 0.5

    found = Lime(tangled, budget=1500, sampler=halves, seed=3)(words)

    assert asked == [(1500 - 33, 3)]
    assert found.report.why.endswith("masks of your own")
    game = Game(Model(tangled, medium=words.medium), words)
    assert lime_limit(game, law="image").distance(found).largest < 5.0
