"""LightGBM read as a Forest: its raw scores to rounding, at thresholds, with every missing value, with categories."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from pellucid.adapters.structures import find_structure
from pellucid.errors import InputError, ModelFormatError
from reference.foreign_forests import assert_margins, hard_rows, plain_margins

lgb = pytest.importorskip("lightgbm")

RNG = np.random.default_rng(11)
X = RNG.normal(size=(400, 4))
X[:, 3] *= RNG.random(400) < 0.6
HOLES = np.where(RNG.random(X.shape) < 0.15, np.nan, X)
Y = X[:, 0] + X[:, 1] ** 2 + (X[:, 3] == 0)
THREE = np.digitize(Y, [0.5, 1.5])
CATEGORIES = RNG.integers(0, 70, size=400).astype(float)
QUIET = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 3, "num_leaves": 9}
SPLIT_CATEGORIES = {"min_data_per_group": 2, "cat_smooth": 1.0, "cat_l2": 0.0}


def booster_of(y=Y, data=X, rounds=6, categorical="auto", **parameters):
    return lgb.train({**QUIET, **parameters}, lgb.Dataset(data, y, categorical_feature=categorical), rounds)


def assert_same(booster, data=X, seed=0):
    forest = find_structure(booster, model_output="raw")
    rows = hard_rows(forest, data, np.random.default_rng(seed))
    assert_margins(forest, rows, booster.predict(rows, raw_score=True), single=False)
    return forest


@pytest.mark.parametrize("data", [X, HOLES], ids=["full", "holes"])
@pytest.mark.parametrize(
    "options",
    [{}, {"use_missing": False}, {"zero_as_missing": True}],
    ids=["missing", "none", "zero"],
)
def test_every_kind_of_missing_value(data, options):
    assert_same(booster_of(data=data, **options), data)


POSITIVE, BINARY = np.abs(Y) + 0.1, (Y > 1).astype(float)
OBJECTIVES = {
    "regression": (Y, "identity"),
    "regression_l1": (Y, "identity"),
    "huber": (Y, "identity"),
    "fair": (Y, "identity"),
    "quantile": (Y, "identity"),
    "mape": (Y, "identity"),
    "poisson": (POSITIVE, "exp"),
    "gamma": (POSITIVE, "exp"),
    "tweedie": (POSITIVE, "exp"),
    "binary": (BINARY, "logistic_each"),
    "cross_entropy": (BINARY * 0.7, "logistic_each"),
    "cross_entropy_lambda": (BINARY * 0.7, "softplus"),
    "regression_sqrt": (Y, "signed_square"),
}
LINKS = {
    "identity": lambda m: m,
    "exp": np.exp,
    "logistic_each": lambda m: 1 / (1 + np.exp(-m)),
    "softplus": lambda m: np.log1p(np.exp(m)),
    "signed_square": lambda m: np.sign(m) * m**2,
}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_margin_and_the_link_of_every_objective(objective):
    y, link = OBJECTIVES[objective]
    options = (
        {"objective": "regression", "reg_sqrt": True} if objective == "regression_sqrt" else {"objective": objective}
    )
    booster = booster_of(y, **options)

    assert_same(booster)
    forest = find_structure(booster)
    assert forest.link == link
    np.testing.assert_allclose(LINKS[link](plain_margins(forest, X[:20]))[:, 0], booster.predict(X[:20]), rtol=1e-12)


@pytest.mark.parametrize("objective", ["multiclass", "multiclassova"])
def test_three_classes(objective):
    forest = assert_same(booster_of(THREE, objective=objective, num_class=3))

    assert forest.arrays["tree_outputs"].tolist()[:4] == [0, 1, 2, 0]


def test_the_slope_of_the_sigmoid_is_part_of_the_link():
    booster = booster_of(BINARY, objective="binary", sigmoid=2.5)
    forest = find_structure(booster)

    assert forest.link == "logistic_each:2.5"
    expected = 1 / (1 + np.exp(-2.5 * plain_margins(forest, X[:20])[:, 0]))
    np.testing.assert_allclose(booster.predict(X[:20]), expected, rtol=1e-12)


def test_a_random_forest_is_a_mean_and_a_sum_in_its_raw_score():
    booster = booster_of(boosting="rf", bagging_fraction=0.6, bagging_freq=1, rounds=7)

    assert_same(booster)
    assert_margins(find_structure(booster), X, booster.predict(X), single=False)


@pytest.mark.parametrize("boosting", ["dart", "goss"])
def test_other_ways_to_boost(boosting):
    assert_same(booster_of(boosting=boosting, rounds=12))


@pytest.mark.parametrize("one_hot", [1, 100])
@pytest.mark.parametrize("holes", [False, True])
def test_categories_beyond_a_word_of_bits_and_category_zero(one_hot, holes):
    categories = np.where(RNG.random(400) < 0.2, np.nan, CATEGORIES) if holes else CATEGORIES
    data = np.column_stack([X[:, 0], categories])
    y = X[:, 0] + 3 * np.nan_to_num(CATEGORIES % 3 == 0)
    booster = booster_of(y, data, categorical=[1], max_cat_to_onehot=one_hot, **SPLIT_CATEGORIES)
    forest = assert_same(booster, data)
    rows = np.array([[0.0, c] for c in [-7, -1, -0.5, 0, 1, 30.9, 31, 32, 63, 64, 69, 70, 5000, 2.0**31, np.nan]])

    assert_margins(forest, rows, booster.predict(rows, raw_score=True), single=False)
    assert one_hot == 100 or {0, 33, 66} <= set(forest.arrays["categories"].tolist())


def test_trees_of_one_leaf():
    forest = assert_same(booster_of(rounds=2, min_data_in_leaf=4000))

    assert forest.core.depth == 0


def test_a_tree_deeper_than_python_recurses():
    x = np.arange(3000.0)[:, None]
    booster = booster_of(
        2.0 ** -(x[:, 0] / 40), x, rounds=1, num_leaves=2900, min_data_in_leaf=1, max_bin=3000, min_data_in_bin=1
    )
    forest = find_structure(booster, model_output="raw")

    assert_margins(forest, x[::97], booster.predict(x[::97], raw_score=True), single=False)


def test_a_frame_with_categories():
    words = pd.Categorical(RNG.choice(["x", "y", "zß"], size=400))
    frame = pd.DataFrame({"a": X[:, 0], "c": words, "n": pd.Categorical(RNG.choice([5, 7, 9], size=400))})
    fitted = lgb.LGBMRegressor(n_estimators=4, min_child_samples=3, verbose=-1, n_jobs=1, **SPLIT_CATEGORIES)
    fitted.fit(frame, X[:, 0] + words.codes + (frame["n"] == 7))
    forest = find_structure(fitted)
    codes = np.column_stack([frame["a"], words.codes, frame["n"].cat.codes])

    assert forest.feature_names == ("a", "c", "n")
    assert forest.feature_categories == {1: ("x", "y", "zß"), 2: (5, 7, 9)}
    assert_margins(forest, codes, fitted.predict(frame), single=False)


def test_the_best_iteration_is_the_last():
    fitted = lgb.LGBMRegressor(n_estimators=60, learning_rate=1.0, verbose=-1, n_jobs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stop = [lgb.early_stopping(2, verbose=False)]
        fitted.fit(X[:250], Y[:250], eval_set=[(X[250:], Y[250:])], callbacks=stop)
    forest = find_structure(fitted)

    assert forest.core.trees == fitted.best_iteration_ < 60
    assert_margins(forest, X, fitted.predict(X), single=False)


def test_what_is_asked_names_the_link():
    options = {"n_estimators": 2, "verbose": -1, "n_jobs": 1}
    two, three = lgb.LGBMClassifier(**options).fit(X, Y > 1), lgb.LGBMClassifier(**options).fit(X, THREE)

    assert find_structure(two).link == "logistic"
    assert find_structure(two, model_output="raw").link == "identity"
    assert find_structure(two.predict) is None
    assert find_structure(two.booster_).link == "logistic_each"
    assert (find_structure(three).link, find_structure(three).outputs) == ("softmax", ("0", "1", "2"))
    assert find_structure(two).feature_names == ()
    assert find_structure(two).has_cover


@pytest.mark.parametrize(
    ("options", "y", "message"),
    [
        ({"linear_tree": True}, Y, "linear models"),
    ],
    ids=["linear"],
)
def test_what_cannot_be_represented_is_refused(options, y, message):
    with pytest.raises(ModelFormatError, match=message):
        find_structure(booster_of(y, **options))


def test_a_wrapper_that_is_not_fitted():
    with pytest.raises(InputError, match="not fitted"):
        find_structure(lgb.LGBMRegressor())
