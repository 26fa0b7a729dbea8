"""CatBoost read as a Forest: its raw values to rounding, at borders, with missing values, in every shape of tree."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from pellucid.adapters import find_predictor
from pellucid.adapters.city_hash import HashedTexts
from pellucid.adapters.structures import find_structure
from pellucid.errors import InputError, ModelFormatError
from pellucid.model.structure_codes import StructureCodes
from pellucid.space import Space
from reference.foreign_forests import assert_margins, hard_rows, plain_margins

catboost = pytest.importorskip("catboost")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(300, 4))
HOLES = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
Y = X[:, 0] + X[:, 1] ** 2 + np.isnan(HOLES[:, 2])
BINARY, THREE = (Y > 1).astype(int), np.digitize(Y, [0.5, 1.5])
QUIET = {"verbose": 0, "allow_writing_files": False, "thread_count": 1, "iterations": 6, "depth": 3, "random_seed": 0}


def assert_same(fitted, data=HOLES):
    forest = find_structure(fitted, model_output="raw")
    rows = hard_rows(forest, data, np.random.default_rng(1), missing=np.isnan(data).any())
    expected = fitted.predict(rows, prediction_type="RawFormulaVal", thread_count=1)
    assert_margins(forest, rows, expected, single=False)
    assert forest.has_cover
    return forest


@pytest.mark.parametrize("nan_mode", ["Min", "Max"])
@pytest.mark.parametrize("policy", ["SymmetricTree", "Depthwise", "Lossguide"])
def test_every_shape_of_tree(policy, nan_mode):
    assert_same(catboost.CatBoostRegressor(grow_policy=policy, nan_mode=nan_mode, **QUIET).fit(HOLES, Y))


def test_nan_where_no_training_row_had_one():
    forest = assert_same(catboost.CatBoostRegressor(**QUIET).fit(X, Y), X)
    fitted = catboost.CatBoostRegressor(**QUIET).fit(X, Y)
    rows = np.where(RNG.random((50, 4)) < 0.5, np.nan, X[:50])

    assert_margins(forest, rows, fitted.predict(rows), single=False)


@pytest.mark.parametrize("policy", ["SymmetricTree", "Depthwise"])
@pytest.mark.parametrize("loss", ["MultiClass", "MultiClassOneVsAll"])
def test_three_classes(loss, policy):
    fitted = catboost.CatBoostClassifier(loss_function=loss, grow_policy=policy, **QUIET).fit(HOLES, THREE)
    forest = assert_same(fitted)
    margins, link = plain_margins(forest, HOLES[:20]), find_structure(fitted).link
    each = (
        np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
        if link == "softmax"
        else 1 / (1 + np.exp(-margins))
    )

    assert link == {"MultiClass": "softmax", "MultiClassOneVsAll": "logistic_each"}[loss]
    assert find_structure(fitted).outputs == ("0", "1", "2")
    np.testing.assert_allclose(each, fitted.predict_proba(HOLES[:20]), rtol=1e-9)


def test_two_classes():
    fitted = catboost.CatBoostClassifier(**QUIET).fit(HOLES, BINARY)
    forest = assert_same(fitted)
    chance = 1 / (1 + np.exp(-plain_margins(forest, HOLES[:20])[:, 0]))

    assert (find_structure(fitted).link, forest.link, forest.margin) == ("logistic", "identity", "log-odds")
    np.testing.assert_allclose(chance, fitted.predict_proba(HOLES[:20])[:, 1], rtol=1e-9)


def test_predict_of_counts_is_the_exponential():
    fitted = catboost.CatBoostRegressor(loss_function="Poisson", **QUIET).fit(HOLES, np.abs(Y))
    forest = find_structure(fitted)

    assert forest.link == "exp"
    np.testing.assert_allclose(np.exp(plain_margins(forest, X[:20])[:, 0]), fitted.predict(X[:20]), rtol=1e-9)


def test_several_targets():
    assert (
        assert_same(
            catboost.CatBoostRegressor(loss_function="MultiRMSE", **QUIET).fit(HOLES, np.c_[Y, -Y])
        ).core.outputs
        == 2
    )


def test_a_scale_and_a_bias():
    fitted = catboost.CatBoostRegressor(**QUIET).fit(HOLES, Y)
    fitted.set_scale_and_bias(0.25, 3.0)

    assert_same(fitted)


def test_early_stopping_keeps_the_best_trees():
    fitted = catboost.CatBoostRegressor(**{**QUIET, "iterations": 60}, learning_rate=1.0)
    fitted.fit(HOLES[:200], Y[:200], eval_set=(HOLES[200:], Y[200:]), early_stopping_rounds=2)

    assert assert_same(fitted).core.trees == fitted.tree_count_ < 60


def test_names_of_a_frame_and_a_column_that_no_tree_asks():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(word="same")
    fitted = catboost.CatBoostRegressor(cat_features=["word"], **QUIET).fit(frame, Y)

    assert find_structure(fitted).feature_names == ("a", "b", "c", "d", "word")


def with_categories():
    """Texts beyond ASCII, and of all lengths that the hash tells apart; whole numbers and booleans."""
    words = np.array(["", "x", "zß", "medium", "some twelve b", "a text of twenty four by", "w" * 47, "long " * 30])
    frame = pd.DataFrame({"a": X[:, 0], "word": RNG.choice(words, size=300), "floor": RNG.integers(-2, 3, size=300)})
    frame["sold"] = RNG.random(300) < 0.5
    chosen = frame["word"].isin(["x", "zß", "w" * 47, "some twelve b"]).to_numpy()
    return frame, words, 5.0 * chosen + X[:, 0] * frame["sold"] - np.abs(frame["floor"] + 1.0)


@pytest.mark.parametrize("policy", ["SymmetricTree", "Lossguide"])
@pytest.mark.parametrize("kind", ["text", "category"])
def test_categories_by_the_hashes_of_their_texts(policy, kind):
    frame, words, y = with_categories()
    if kind == "category":
        frame = frame.astype({"word": "category"})
    fitted = catboost.CatBoostRegressor(
        cat_features=["word", "floor", "sold"], one_hot_max_size=20, grow_policy=policy, **{**QUIET, "iterations": 30}
    ).fit(frame, y)
    inside = find_structure(fitted)
    unseen = frame.astype({"word": object})
    unseen.loc[:5, "word"], unseen.loc[4:8, "floor"] = "never seen", 77
    space = Space.infer(unseen)
    codes = StructureCodes(inside, space)(space.encode(unseen))

    assert set(inside.feature_categories) == {1, 2, 3}
    assert set(inside.feature_categories[1]) <= {HashedTexts().key(word) for word in words}
    assert len(inside.feature_categories[1]) >= 4
    np.testing.assert_allclose(inside.margins(codes)[:, 0], fitted.predict(unseen), rtol=1e-12)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(inside)).margins(codes), inside.margins(codes))


def test_hashes_of_every_length():
    words = [str(7 ** (2 * i))[:i] for i in range(1, 160)]
    frame = pd.DataFrame({"word": words})
    fitted = catboost.CatBoostRegressor(cat_features=["word"], one_hot_max_size=200, **{**QUIET, "iterations": 60})
    inside = find_structure(fitted.fit(frame, np.arange(len(words)) ** 0.5))

    assert len(inside.feature_categories[0]) > 40
    assert set(inside.feature_categories[0]) <= {HashedTexts().key(word) for word in words}


def test_statistics_of_categories_are_refused():
    frame, _, y = with_categories()
    fitted = catboost.CatBoostRegressor(cat_features=["word"], one_hot_max_size=1, **QUIET).fit(frame, y)

    with pytest.raises(ModelFormatError, match="statistics of categories"):
        find_structure(fitted)


def test_a_mean_with_its_variance_is_refused_unless_raw():
    fitted = catboost.CatBoostRegressor(loss_function="RMSEWithUncertainty", **QUIET).fit(HOLES, Y)

    assert_same(fitted)
    with pytest.raises(ModelFormatError, match="a mean and a variance"):
        find_structure(fitted)


def test_the_predictor_of_each_output():
    two, number = catboost.CatBoostClassifier(**QUIET).fit(X, BINARY), catboost.CatBoostRegressor(**QUIET).fit(X, Y)
    raw = find_predictor(two, model_output="raw")

    np.testing.assert_array_equal(find_predictor(two).function(X), two.predict_proba(X))
    np.testing.assert_array_equal(raw.function(X), two.predict(X, prediction_type="RawFormulaVal"))
    np.testing.assert_array_equal(find_predictor(number).function(X), number.predict(X))
    assert (raw.n_features, raw.feature_names, raw.fitted_on_array) == (4, (), True)
    assert raw.classes == ("0", "1")
    with pytest.raises(InputError, match="needs predict_proba"):
        find_predictor(number, model_output="probability")
    with pytest.raises(InputError, match="not fitted"):
        find_predictor(catboost.CatBoostRegressor())
