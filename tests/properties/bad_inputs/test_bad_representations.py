"""Texts, images and representations that are none, and models that misbehave on them, for all that explain parts."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import BudgetError, InputError, Lime, ModelOutputError, Shapley, Superpixels, Words
from properties.laws import X

IMAGE = np.arange(48, dtype=np.uint8).reshape(6, 8)
THIRDS = np.arange(48).reshape(6, 8) % 3
LEXICON = {"good": 1.5, "bad": -2.0}

over_explainers = pytest.mark.parametrize("explainer", [Lime, Shapley])


def score(texts):
    return [sum(LEXICON.get(word, 0.25) for word in text.split()) for text in texts]


def brightness(images):
    return images.reshape(len(images), -1).mean(axis=1)


class Columns:
    """A representation of one's own, whose compose is given."""

    def __init__(self, compose, *, parts=("a", "b", "c"), n_draws=1, weights=None, **more):
        self.parts, self.n_draws, self._compose = parts, n_draws, compose
        self.weights = np.full(n_draws, 1.0 / max(1, n_draws)) if weights is None else np.array(weights)
        self.__dict__.update(more)

    def compose(self, masks, draws, out=None):
        return self._compose(np.asarray(masks, dtype=np.float64))


@over_explainers
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Words(""), "text is empty"),
        (lambda: Words("?! ..."), "text must have a word"),
        (lambda: Words(None), "text must be a str"),
        (lambda: Words("a \ud800 b"), "text must be valid Unicode"),
        (lambda: Words("a b", keep=["a", "b"]), "keep leaves no word"),
        (lambda: Superpixels(np.where(IMAGE == 7, np.nan, IMAGE)), r"image must be finite, got nan at \(0, 7\)"),
        (lambda: Superpixels(IMAGE, np.zeros((3, 3), int)), r"label map of shape \(6, 8\).* got \(3, 3\)"),
        (lambda: Superpixels(IMAGE, IMAGE / 2.0), "segments must hold whole numbers, got 0.5 at row 0, column 1"),
        (lambda: Superpixels(IMAGE, IMAGE * np.nan), "segments must hold whole numbers, got nan"),
        (lambda: Superpixels(IMAGE, "snow"), "segments must be"),
        (lambda: Superpixels(IMAGE, n_segments=0), "n_segments must be a whole number of at least 1"),
        (lambda: Superpixels(IMAGE.astype(complex)), "image must hold real numbers"),
        (lambda: Superpixels(np.zeros((0, 8))), "at least one pixel"),
    ],
)
def test_texts_and_images_that_are_none(explainer, make, sentence):
    with pytest.raises(InputError, match=sentence):
        explainer(score)(make())


@over_explainers
def test_one_part_gets_what_it_makes(explainer):
    of_word = explainer(lambda texts: [3.0 * ("good" in text) - 1.0 for text in texts])(Words("good, good"))
    of_image = explainer(brightness)(Superpixels(IMAGE, n_segments=1, fill=0))

    for found, value, base in ((of_word, 3.0, -1.0), (of_image, 23.5, 0.0)):
        assert found.std_err is None
        np.testing.assert_allclose(found.values, [[[value]]], rtol=1e-12)
        np.testing.assert_allclose(found.base_values, [[base]], rtol=0, atol=1e-11)


@over_explainers
@pytest.mark.parametrize(
    "labels", [THIRDS * 1000 - 999, THIRDS.astype(np.int8), THIRDS * 1.0, np.asfortranarray(THIRDS).tolist()]
)
def test_label_maps_may_have_gaps_and_be_negative(explainer, labels):
    clean = explainer(brightness)(Superpixels(IMAGE, THIRDS))

    assert explainer(brightness)(Superpixels(IMAGE, labels)).values.tobytes() == clean.values.tobytes()


@over_explainers
@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        ([Words("a b"), "text"], "X must hold nothing but representations where it holds one, got str at 1"),
        ([Words("a b"), None], "got NoneType at 1"),
        ((X[:1], Words("a b")), "got ndarray at 0"),
        ("good film", r"got str; wrap a text: Words\(text\)"),
        (["good film"], r"got str; wrap a text: Words\(text\)"),
        (X[:1], "background is missing.*background=X_train"),
        ([], "background is missing"),
        (None, "background is missing"),
        (Words, "background is missing"),
    ],
    ids=["text", "None", "rows", "a str", "strs", "a table", "nothing", "no X", "a class"],
)
def test_what_is_neither_a_representation_nor_a_table_with_a_background(explainer, X, sentence):
    with pytest.raises(InputError, match=sentence):
        explainer(score)(X)


@over_explainers
@pytest.mark.parametrize("option", [{"space": 1}, {"background_weights": [1.0]}])
def test_what_describes_a_background_needs_one(explainer, option):
    with pytest.raises(InputError, match="background=X_train"):
        explainer(score, **option)


@pytest.mark.parametrize("option", [{"bins": None}, {"around": "instance"}, {"scale": 2.0}, {"labels": [1]}])
def test_what_describes_a_neighbourhood_of_rows_needs_a_background(option):
    with pytest.raises(InputError, match=r"describe a .*pass background=X_train"):
        Lime(score, **option)


@over_explainers
@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lambda texts: [1.0] * (len(texts) - 1), r"a list of length \d+ for \d+ rows"),
        (lambda texts: ["good"] * len(texts), "labels, such as 'good'; return scores, not labels"),
        (lambda texts: None, "returned None"),
        (lambda texts: [np.nan if t == "good film  end" else 1.0 for t in texts], 'its input is "good film  end"'),
    ],
    ids=["a row short", "labels", "None", "NaN for one text"],
)
def test_models_of_texts(explainer, model, sentence):
    with pytest.raises(ModelOutputError, match=sentence):
        explainer(model)(Words("good film bad end"))


@over_explainers
def test_models_of_images(explainer):
    with pytest.raises(ModelOutputError, match="image of 6 x 8 uint8, values from 0 to 47"):
        explainer(lambda images: np.full(len(images), np.nan))(Superpixels(IMAGE))
    with pytest.raises(ModelOutputError, match=r"array of shape \(\d+, 6, 8\)"):
        explainer(lambda images: images)(Superpixels(IMAGE))


@over_explainers
@pytest.mark.parametrize("error", [ValueError("no"), StopIteration("no"), KeyboardInterrupt("no")], ids=repr)
def test_a_model_that_raises_midway(explainer, error):
    calls = []

    def model(texts):
        calls.append(len(texts))
        if len(calls) == 6:
            raise error
        return score(texts)

    explain, text = explainer(model, batch_bytes=500), Words("good film bad end so it is")
    with pytest.raises(type(error)) as caught:
        explain(text)

    assert caught.value is error
    assert any("raised by the model in batch" in note for note in error.__notes__)
    assert explain(text).values.tobytes() == explainer(score)(text).values.tobytes()


@over_explainers
@pytest.mark.parametrize(
    ("compose", "sentence"),
    [
        (lambda masks: masks.astype(np.int64), "compose of Columns must return a float64 array .* got int64"),
        (lambda masks: masks.astype(np.float32), "got float32"),
        (lambda masks: masks[:-1], r"must return a float64 array of shape \(\d+, 3\), got float64"),
        (lambda masks: masks[:, 0], r"must return a float64 array \(masks, columns\), got shape \(5,\)"),
        (lambda masks: None, "got NoneType; a representation of other rows needs a `medium`"),
        (lambda masks: masks.tolist(), "got list"),
        (lambda masks: np.ones((len(masks), 1 + len(masks) % 3)), "must return a float64 array of shape"),
    ],
)
def test_compose_that_returns_something_else(explainer, compose, sentence):
    with pytest.raises(InputError, match=sentence):
        explainer(lambda rows: rows.sum(axis=1))(Columns(compose))


@over_explainers
@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"parts": ()}, "parts of Columns must name at least one part"),
        ({"n_draws": 0}, "at least one draw"),
        ({"n_draws": 2, "weights": [1.0]}, "one weight per draw"),
        ({"n_draws": 2, "weights": [1.5, -0.5]}, "weights of Columns must be at least 0 and sum to 1"),
        ({"n_draws": 2, "weights": [5.0, 5.0]}, "sum to 1, got a sum of 10"),
        ({"n_draws": 2, "weights": [np.nan, 1.0]}, "must be at least 0 and sum to 1"),
    ],
)
def test_representations_that_contradict_themselves(explainer, more, sentence):
    with pytest.raises(InputError, match=sentence):
        explainer(lambda rows: rows.sum(axis=1))(Columns(np.array, **more))


def test_an_unknown_law_of_masks():
    with pytest.raises(InputError, match="mask_law of Columns must be one of text, image, got 'table'"):
        Lime(lambda rows: rows.sum(axis=1))(Columns(np.array, mask_law="table"))


@pytest.mark.parametrize("budget", [1, 2, 16])
def test_a_budget_too_small_for_a_text(budget):
    with pytest.raises(BudgetError, match="take 13, and the fit needs samples; use budget=17 or more"):
        Lime(lambda texts: pytest.fail("rows were paid"), budget=budget)(Words("good film bad end"))
    assert len(Lime(score, budget=17)(Words("good film bad end")).values[0]) == 4


@pytest.mark.parametrize(
    ("sampler", "sentence"),
    [
        (lambda n, seed: np.ones((n - 1, 3)), r"of shape \(20, 3\), got shape \(19, 3\)"),
        (lambda n, seed: np.ones((n, 4)), r"got shape \(20, 4\)"),
        (lambda n, seed: np.full((n, 3), 0.5), "masks of 0 and 1, got float64 with other values"),
        (lambda n, seed: np.full((n, 3), np.nan), "masks of 0 and 1, got float64 with other values"),
        (lambda n, seed: np.full((n, 3), "1"), "masks of 0 and 1, got <U1"),
        (lambda n, seed: [[1], [1, 0]], "sampler must return masks of 0 and 1"),
        (lambda n, seed: None, r"got shape \(\)"),
    ],
)
def test_samplers_of_masks(sampler, sentence):
    with pytest.raises(InputError, match=sentence):
        Lime(score, sampler=sampler, budget=20 + 2 * 5 + 1)(Words("good bad end"))


@pytest.mark.parametrize("text", ["a b c", " ".join(f"w{i}" for i in range(14))])
def test_kernels_that_leave_a_text_nothing(text):
    with pytest.raises(InputError, match="kernel must leave some sample a weight above 0"):
        Lime(score, kernel=np.zeros_like)(Words(text))
    # Only the whole text counts, and the law of texts never draws it.
    with pytest.raises(InputError, match="kernel must leave some sample a weight above 0"):
        Lime(score, kernel=lambda distance: distance == 0.0)(Words(text))
    with pytest.raises(InputError, match="kernel must return finite numbers of at least 0, got -"):
        Lime(score, kernel=lambda distance: -1.0 - distance)(Words(text))


def test_a_kernel_so_narrow_that_texts_tell_nothing_says_so():
    found = Lime(score, kernel_width=1e-9)(Words("good film bad end"))

    assert any("cannot be told apart" in warning for warning in found.report.warnings)
