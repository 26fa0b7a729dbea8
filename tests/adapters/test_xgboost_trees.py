"""XGBoost read as a Forest: its margins to float32 rounding, at thresholds, with missing values and categories."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from pellucid.adapters.structures import find_structure
from pellucid.adapters.xgboost_meaning import categories_of_features
from pellucid.errors import InputError, ModelFormatError
from reference.foreign_forests import assert_margins, hard_rows, plain_margins

xgb = pytest.importorskip("xgboost")

RNG = np.random.default_rng(7)
X = RNG.normal(size=(300, 4))
X[RNG.random(X.shape) < 0.1] = np.nan
FILLED = np.nan_to_num(X)
Y = FILLED[:, 0] + FILLED[:, 1] ** 2 + np.isnan(X[:, 2])
THREE = np.digitize(Y, [0.5, 1.5])
CATEGORIES = np.where(RNG.random(300) < 0.1, np.nan, RNG.integers(0, 40, size=300))


def booster_of(y=Y, data=X, rounds=6, **parameters):
    options = {"max_depth": 3, "nthread": 1, "verbosity": 0, **parameters}
    options = {name: value for name, value in options.items() if value is not None}
    return xgb.train(options, xgb.DMatrix(data, y), rounds)


def assert_same(booster, data=X, seed=0, **options):
    forest = find_structure(booster, model_output="raw")
    rows = hard_rows(forest, data, np.random.default_rng(seed))
    assert_margins(forest, rows, booster.predict(xgb.DMatrix(rows, **options), output_margin=True))
    assert forest.link == "identity"
    return forest


POSITIVE, BINARY = np.abs(Y) + 0.1, (Y > 1).astype(float)
OBJECTIVES = {
    "reg:squarederror": Y,
    "reg:squaredlogerror": POSITIVE,
    "reg:logistic": BINARY,
    "reg:pseudohubererror": Y,
    "reg:absoluteerror": Y,
    "reg:gamma": POSITIVE,
    "reg:tweedie": POSITIVE,
    "count:poisson": np.floor(POSITIVE),
    "binary:logistic": BINARY,
    "binary:logitraw": BINARY,
    "binary:hinge": BINARY,
    "survival:cox": POSITIVE,
    "rank:pairwise": BINARY,
    "rank:ndcg": BINARY,
}


@pytest.mark.parametrize("base_score", [None, 0.3])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_margin_of_every_objective(objective, base_score):
    options = {} if base_score is None else {"base_score": base_score}
    data = xgb.DMatrix(X, OBJECTIVES[objective])
    if objective.startswith("rank"):
        data.set_group([100, 100, 100])
    booster = xgb.train({"max_depth": 2, "objective": objective, "nthread": 1, **options}, data, 3)

    assert_same(booster)


def test_survival_with_intervals():
    data = xgb.DMatrix(X)
    data.set_float_info("label_lower_bound", POSITIVE)
    data.set_float_info("label_upper_bound", POSITIVE + 0.2)

    assert_same(xgb.train({"objective": "survival:aft", "max_depth": 2, "nthread": 1}, data, 3))


@pytest.mark.parametrize("base_score", [None, 0.2])
def test_three_classes(base_score):
    options = {} if base_score is None else {"base_score": base_score}
    forest = assert_same(booster_of(THREE, objective="multi:softprob", num_class=3, num_parallel_tree=2, **options))

    assert forest.core.outputs == 3
    assert forest.arrays["tree_outputs"].tolist()[:6] == [0, 0, 1, 1, 2, 2]


def test_dropped_trees_keep_their_weights():
    booster = booster_of(booster="dart", rate_drop=0.6, rounds=12, seed=3)
    written = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    weights = {**written.get("model", {}), **written}["weight_drop"]  # in the model from version 3.4 on

    assert len(set(weights)) > 1
    assert_same(booster)


@pytest.mark.parametrize("options", [{}, {"max_depth": 0, "max_leaves": 9, "grow_policy": "lossguide"}])
def test_leaves_of_several_targets(options):
    forest = assert_same(booster_of(np.column_stack([Y, -2 * Y]), multi_strategy="multi_output_tree", **options))

    assert forest.arrays["values"].shape[1] == 2


def test_a_tree_for_each_target():
    assert assert_same(booster_of(np.column_stack([Y, -2 * Y]))).core.outputs == 2


def test_pruned_trees_have_no_dead_nodes():
    booster = booster_of(tree_method="exact", gamma=4, max_depth=5)
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    forest = assert_same(booster)

    assert sum(int(tree["tree_param"]["num_deleted"]) for tree in trees) > 0
    assert len(forest.arrays["left"]) < sum(len(tree["left_children"]) for tree in trees)
    assert forest.has_cover


def test_trees_of_one_leaf():
    forest = assert_same(booster_of(gamma=1e9))

    assert forest.core.depth == 0


@pytest.mark.parametrize("one_hot", [1, 64])
def test_categories_go_right_where_they_are_listed(one_hot):
    data = np.column_stack([X[:, 0], CATEGORIES])
    y = X[:, 0] + 2 * (CATEGORIES % 3)
    y = np.nan_to_num(y)
    kinds = {"feature_types": ["q", "c"], "enable_categorical": True}
    booster = xgb.train({"max_cat_to_onehot": one_hot, "max_depth": 4, "nthread": 1}, xgb.DMatrix(data, y, **kinds), 5)
    forest = assert_same(booster, data, **kinds)
    rows = np.array([[0.0, c] for c in [-1, 0, 31, 32, 39, 40, 64, 1e6, 3e9, np.nan]])

    assert_margins(forest, rows, booster.predict(xgb.DMatrix(rows, **kinds), output_margin=True))
    assert forest.arrays["categories"].max() > 31


@pytest.mark.parametrize("default", [0, 1])
def test_only_a_missing_category_follows_the_default(default):
    data = np.column_stack([X[:, 0], CATEGORIES])
    kinds = {"feature_types": ["q", "c"], "enable_categorical": True}
    fitted = xgb.train(
        {"max_cat_to_onehot": 1, "max_depth": 1, "nthread": 1}, xgb.DMatrix(data, CATEGORIES % 3 == 0, **kinds), 1
    )
    document = json.loads(fitted.save_raw("json"))
    document["learner"]["gradient_booster"]["model"]["trees"][0]["default_left"][0] = default
    booster = xgb.Booster({"nthread": 1}, model_file=bytearray(json.dumps(document).encode()))
    rows = np.array([[0.0, c] for c in [-1, 0, 1, 100, np.nan]])

    assert_margins(find_structure(booster, model_output="raw"), rows, booster.predict(xgb.DMatrix(rows, **kinds)))


def test_a_frame_with_categories():
    words = pd.Categorical(RNG.choice(["x", "y", "zz"], size=300))
    frame = pd.DataFrame({"a": X[:, 0], "c": words, "n": pd.Categorical(RNG.choice([5, 7, 9], size=300))})
    fitted = xgb.XGBRegressor(n_jobs=1, n_estimators=4, max_depth=3, enable_categorical=True).fit(
        frame, FILLED[:, 0] + words.codes
    )
    forest = find_structure(fitted)
    codes = np.column_stack([frame["a"], words.codes, frame["n"].cat.codes])

    assert forest.feature_names == ("a", "c", "n")
    assert_margins(forest, codes, fitted.predict(frame))
    if forest.feature_categories:  # kept in the model since 3.1
        assert forest.feature_categories == {1: ("x", "y", "zz"), 2: (5, 7, 9)}


@pytest.mark.parametrize(("version", "found"), [([3, 4, 1], {0: ("x", "zß")}), ([3, 2, 0], {})], ids=["whole", "cut"])
def test_texts_that_a_version_cut_short_are_not_trusted(version, found):
    container = {"enc": [{"offsets": [0, 1, 4], "values": [120, 122, -61, -97]}]}

    assert categories_of_features(container, tuple(version)) == found


def test_a_wrapper_stops_at_its_best_iteration():
    fitted = xgb.XGBRegressor(n_jobs=1, n_estimators=60, early_stopping_rounds=2, learning_rate=1.0, max_depth=2)
    fitted.fit(X[:200], Y[:200], eval_set=[(X[200:], Y[200:])], verbose=False)
    forest, whole = find_structure(fitted), find_structure(fitted.get_booster())

    assert forest.core.trees == fitted.best_iteration + 1 < whole.core.trees
    assert_margins(forest, X, fitted.predict(X))
    assert_margins(whole, X, fitted.get_booster().inplace_predict(X))


def test_what_is_asked_names_the_link():
    two, three = (
        xgb.XGBClassifier(n_jobs=1, n_estimators=2).fit(X, Y > 1),
        xgb.XGBClassifier(n_jobs=1, n_estimators=2).fit(X, THREE),
    )
    counts = xgb.XGBRegressor(n_jobs=1, n_estimators=2, objective="count:poisson").fit(X, np.floor(POSITIVE))

    assert find_structure(two).link == "logistic"
    assert find_structure(two, model_output="raw").link == "identity"
    assert find_structure(two.predict_proba).link == "logistic"
    assert find_structure(two.predict) is None
    assert find_structure(two.get_booster()).link == "logistic_each"
    assert find_structure(three).link == "softmax"
    assert find_structure(three).outputs == ("0", "1", "2")
    assert find_structure(counts).link == "exp"
    assert find_structure(two).margin == "log-odds"


def test_a_linear_booster():
    pytest.importorskip("pellucid.whitebox.linear")
    options = {"booster": "gblinear", "objective": "multi:softprob", "num_class": 3, "max_depth": None}
    booster = booster_of(THREE, base_score=0.2, **options)
    linear = find_structure(booster, model_output="raw")

    np.testing.assert_allclose(linear.margins(X), booster.predict(xgb.DMatrix(X), output_margin=True), atol=1e-5)
    assert find_structure(booster).link == "softmax"
    counts = booster_of(np.floor(POSITIVE), booster="gblinear", objective="count:poisson", max_depth=None)
    assert find_structure(counts).link == "exp"
    expected = counts.predict(xgb.DMatrix(X), output_margin=True)
    np.testing.assert_allclose(find_structure(counts).margins(X)[:, 0], expected, atol=1e-5)


def test_zero_cover_is_kept():
    document = json.loads(booster_of(rounds=1).save_raw("json"))
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["sum_hessian"] = [0.0] * len(tree["sum_hessian"])

    forest = find_structure(xgb.Booster({"nthread": 1}, model_file=bytearray(json.dumps(document).encode())))

    assert forest.has_cover
    assert not forest.arrays["cover"].any()


@pytest.mark.parametrize(
    ("fitted", "message"),
    [
        (
            lambda: xgb.XGBRegressor(n_jobs=1, n_estimators=1, missing=0.0).fit(FILLED, Y),
            r"takes the value 0.0 for a missing one",
        ),
        (lambda: booster_of(THREE, objective="multi:softmax", num_class=3), r"predict returns labels"),
        (lambda: booster_of(BINARY, objective="binary:hinge"), r"predict returns labels"),
    ],
    ids=["missing", "softmax", "hinge"],
)
def test_what_cannot_be_represented_is_refused(fitted, message):
    with pytest.raises(ModelFormatError, match=message):
        find_structure(fitted())


def test_a_wrapper_that_is_not_fitted():
    with pytest.raises(InputError, match="not fitted"):
        find_structure(xgb.XGBRegressor())


def test_ninety_thousand_features():
    data = np.zeros((40, 90_000), dtype=np.float32)
    data[:, 89_999] = np.arange(40)
    booster = booster_of(np.arange(40) > 20, data, rounds=1, max_depth=1)
    forest = find_structure(booster, model_output="raw")

    assert (forest.features, forest.arrays["split_features"][0]) == (90_000, 89_999)
    np.testing.assert_allclose(plain_margins(forest, data)[:, 0], booster.predict(xgb.DMatrix(data)), rtol=1e-6)
