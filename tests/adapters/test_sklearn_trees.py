"""Forests of scikit-learn's trees answer as the models do: at thresholds, beside them, for missing values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pellucid.adapters.sklearn_trees import find
from pellucid.errors import InputError, ModelFormatError
from pellucid.model.structure_codes import StructureCodes
from pellucid.space import Space
from pellucid.whitebox.forest import CATEGORIES, LEAF
from pellucid.whitebox.links import apply_link
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

ROWS, D = 120, 4


def data(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, D))
    X[:, 2] = np.round(X[:, 2], 1)
    X[:, 3] = rng.integers(0, 6, size=ROWS)
    score = X[:, 0] + X[:, 1] * X[:, 2] + (X[:, 3] % 2)
    return X, score


def beside_thresholds(forest, X, rng):
    """Rows whose values are thresholds, and their neighbours as floats and as doubles."""
    arrays = forest.arrays
    inner = arrays["questions"] == 1
    rows = [X]
    for feature in range(X.shape[1]):
        own = arrays["thresholds"][inner & (arrays["split_features"] == feature)]
        own = own[np.isfinite(own)][:60]
        single = own.astype(np.float32)
        values = [own, np.nextafter(own, -np.inf), np.nextafter(own, np.inf), single]
        values += [np.nextafter(single, np.float32(side)) for side in (-np.inf, np.inf)]
        values = np.concatenate([np.asarray(v, dtype=np.float64) for v in values])
        beside = X[rng.integers(len(X), size=len(values))].copy()
        beside[:, feature] = values
        rows.append(beside)
    return np.concatenate(rows)


def walked(forest, rows):
    """Margins (n, k) by following the rows down every tree."""
    a = forest.arrays
    total = np.tile(a["base"], (len(rows), 1))
    for t, root in enumerate(a["tree_starts"][:-1]):
        values = a["values"][leaves_of(a, root, rows)]
        if len(a["tree_outputs"]):
            total[:, a["tree_outputs"][t]] += values[:, 0]
        else:
            total += values
    return total


def leaves_of(a, root, rows):
    node = np.full(len(rows), root)
    while (a["questions"][node] != LEAF).any():
        going = a["questions"][node] != LEAF
        x = rows[np.arange(len(rows)), np.where(going, a["split_features"][node], 0)]
        with np.errstate(invalid="ignore"):
            left = (x.astype(np.float32).astype(np.float64) if a["single"] else x) <= a["thresholds"][node]
        asked = a["questions"][node] == CATEGORIES
        for i in np.flatnonzero(asked & (x >= 0)):
            listed = a["categories"][a["category_starts"][node[i]] : a["category_starts"][node[i] + 1]]
            left[i] = (int(x[i]) in listed) != bool(a["others_left"][node[i]])
        left = np.where(np.isnan(x) | (asked & (x < 0)), a["missing_left"][node], left)
        node = np.where(going, root + np.where(left, a["left"][node], a["right"][node]), node)
    return node


def answers(model, rows, model_output):
    if model_output == "raw":
        found = model.decision_function(rows)
    else:
        found = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)
    return found.reshape(len(rows), -1)


def assert_the_same(model, X, model_output=None, *, codes=None):
    forest = find(model, model_output)
    rows = X if codes is None else codes
    found = apply_link(forest.link, walked(forest, rows))
    np.testing.assert_allclose(found, answers(model, X, model_output), rtol=1e-12, atol=1e-12)
    return forest


CASES = {
    "tree": (DecisionTreeRegressor(max_depth=5, random_state=0), "score", None),
    "extra tree": (ExtraTreeRegressor(max_depth=5, random_state=0), "score", None),
    "tree of classes": (DecisionTreeClassifier(max_depth=4, random_state=0), "class", None),
    "extra tree of classes": (ExtraTreeClassifier(max_depth=5, random_state=0), "class", None),
    "two targets": (RandomForestRegressor(4, max_depth=4, random_state=0), "both", None),
    "random forest": (RandomForestClassifier(5, max_depth=4, random_state=0), "class", None),
    "extra trees": (ExtraTreesRegressor(5, max_depth=4, random_state=0), "score", None),
    "extra trees of classes": (ExtraTreesClassifier(5, max_depth=4, random_state=0), "class", None),
    "boosting": (GradientBoostingRegressor(n_estimators=6, random_state=0), "score", None),
    "boosting from zero": (GradientBoostingRegressor(n_estimators=6, init="zero", random_state=0), "score", None),
    "boosting, huber": (GradientBoostingRegressor(n_estimators=4, loss="huber", random_state=0), "score", None),
    "boosting of two": (GradientBoostingClassifier(n_estimators=6, random_state=0), "binary", None),
    "boosting of two, raw": (GradientBoostingClassifier(n_estimators=6, random_state=0), "binary", "raw"),
    "boosting, exponential": (
        GradientBoostingClassifier(n_estimators=6, loss="exponential", random_state=0),
        "binary",
        None,
    ),
    "boosting of three": (GradientBoostingClassifier(n_estimators=4, random_state=0), "class", None),
    "boosting of three, raw": (GradientBoostingClassifier(n_estimators=4, random_state=0), "class", "raw"),
    "boosting, constant start": (
        GradientBoostingClassifier(n_estimators=4, init=DummyClassifier(strategy="prior"), random_state=0),
        "class",
        None,
    ),
    "histogram": (HistGradientBoostingRegressor(max_iter=6, random_state=0), "score", None),
    "histogram, quantile": (
        HistGradientBoostingRegressor(max_iter=6, loss="quantile", quantile=0.7, random_state=0),
        "score",
        None,
    ),
    "histogram, poisson": (HistGradientBoostingRegressor(max_iter=6, loss="poisson", random_state=0), "positive", None),
    "histogram, gamma": (HistGradientBoostingRegressor(max_iter=6, loss="gamma", random_state=0), "positive", None),
    "histogram of two": (HistGradientBoostingClassifier(max_iter=6, random_state=0), "binary", None),
    "histogram of three": (HistGradientBoostingClassifier(max_iter=4, random_state=0), "class", None),
    "histogram of three, raw": (HistGradientBoostingClassifier(max_iter=4, random_state=0), "class", "raw"),
    "isolation": (IsolationForest(n_estimators=7, max_samples=40, random_state=0), "score", "raw"),
    "isolation of some features": (
        IsolationForest(n_estimators=7, max_features=0.5, contamination=0.1, random_state=0),
        "score",
        "raw",
    ),
}


def target(kind, score):
    return {
        "score": score,
        "both": np.column_stack([score, score**2]),
        "class": np.digitize(score, [-0.3, 0.9]),
        "binary": np.where(score > 0.3, "yes", "no"),
        "positive": np.exp(score / 3),
    }[kind]


@pytest.mark.parametrize("name", CASES)
def test_margins_through_the_link_are_what_the_model_predicts(name):
    model, kind, model_output = CASES[name]
    X, score = data()
    model.fit(X, target(kind, score))
    rows = beside_thresholds(find(model, model_output), X, np.random.default_rng(1))

    forest = assert_the_same(model, rows[:: max(1, len(rows) // 200)], model_output)

    assert forest.features == D
    assert forest.has_cover


@pytest.mark.parametrize(
    ("model", "kind", "model_output"),
    [
        (DecisionTreeRegressor(max_depth=5, random_state=0), "score", None),
        (RandomForestClassifier(4, max_depth=5, random_state=0), "class", None),
        (ExtraTreesRegressor(4, max_depth=5, random_state=0), "score", None),
        (HistGradientBoostingClassifier(max_iter=4, random_state=0), "class", "raw"),
        (IsolationForest(n_estimators=5, random_state=0), "score", "raw"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else str(value),
)
@pytest.mark.parametrize("trained_with_missing", [True, False])
def test_missing_values_go_where_the_model_sends_them(model, kind, model_output, trained_with_missing):
    X, score = data()
    holes = X.copy()
    holes[np.random.default_rng(2).random(X.shape) < 0.2] = np.nan
    # In the first column it is told by nothing but whether it is missing, which makes an infinite threshold.
    score = score + 3.0 * np.isnan(holes[:, 0])
    model.fit(holes if trained_with_missing else X, target(kind, score))

    assert_the_same(model, holes, model_output)


def test_weights_are_covers():
    X, score = data()
    weights = np.random.default_rng(3).random(ROWS)
    model = DecisionTreeRegressor(max_depth=3).fit(X, score, sample_weight=weights)

    assert find(model, None).arrays["cover"][0] == pytest.approx(weights.sum())


def test_categories_of_a_frame_by_their_names():
    X, score = data()
    rng = np.random.default_rng(4)
    names = np.array(["red", "green", "blue", "grey"])[rng.integers(4, size=ROWS)]
    score = score + 2.0 * (names == "red") - (names == "grey")
    frame = pd.DataFrame({"a": X[:, 0], "colour": pd.Categorical(names), "b": X[:, 1]})
    frame.loc[:9, "colour"] = None
    model = HistGradientBoostingRegressor(max_iter=8, min_samples_leaf=5, random_state=0).fit(frame, score)
    # Another frame, whose categories are others in another order, of which the model does not know one.
    other = frame.assign(colour=frame["colour"].astype(object))
    other.loc[20:25, "colour"] = "amber"
    space = Space.infer(other)
    forest = find(model, None)
    codes = StructureCodes(forest, space)(space.encode(other))

    assert forest.feature_categories == {1: ("blue", "green", "grey", "red")}
    assert (codes[20:26, 1] == -1).all()
    known = other.assign(colour=other["colour"].astype(pd.CategoricalDtype(["red", "green", "blue", "grey", "amber"])))
    assert_the_same(model, known, codes=codes)


def test_categories_that_are_numbers_may_be_more_than_31():
    rng = np.random.default_rng(5)
    X = np.column_stack([rng.normal(size=2000), rng.integers(0, 50, size=2000) * 3.0])
    score = X[:, 0] + np.isin(X[:, 1], [0.0, 9.0, 96.0, 147.0])
    model = HistGradientBoostingRegressor(max_iter=5, categorical_features=[1], min_samples_leaf=2, random_state=0).fit(
        X, score
    )
    rows = np.column_stack([np.linspace(-1, 1, 52), np.r_[np.arange(50) * 3.0, 1.0, np.nan]])
    space = Space.infer(rows)
    forest = find(model, None)

    assert max(forest.arrays["categories"]) > 31
    assert_the_same(model, rows, codes=StructureCodes(forest, space)(space.encode(rows)))


def test_a_tree_of_one_leaf():
    X, _ = data()

    forest = assert_the_same(DecisionTreeRegressor().fit(X, np.full(ROWS, 2.5)), X)

    assert forest.arrays["base"] == 0.0


def test_what_is_no_forest_of_this_output():
    X, score = data()
    classes = target("class", score)

    assert find(LinearRegression().fit(X, score), None) is None
    assert find(RandomForestClassifier(2).fit(X, classes), "raw") is None
    assert find(GradientBoostingClassifier(n_estimators=2).fit(X, classes), "value") is None
    assert find(IsolationForest(n_estimators=2).fit(X), None) is None
    assert find(lambda rows: rows[:, 0], None) is None


class Doubled(RandomForestRegressor):
    def predict(self, X):
        return 2 * super().predict(X)


def test_a_subclass_may_predict_what_it_likes():
    X, score = data()

    assert find(Doubled(2).fit(X, score), None) is None


def test_what_cannot_be_represented_is_refused():
    X, score = data()
    classes = target("class", score)
    two = DecisionTreeClassifier(max_depth=2).fit(X, np.column_stack([classes, classes > 0]))
    started = GradientBoostingRegressor(n_estimators=2, init=LinearRegression()).fit(X, score)
    drawn = GradientBoostingClassifier(n_estimators=2, init=DummyClassifier(strategy="stratified")).fit(X, classes)

    with pytest.raises(ModelFormatError, match="2 targets"):
        find(two, None)
    for model in (started, drawn):
        with pytest.raises(ModelFormatError, match="leave init out"):
            find(model, None)
    with pytest.raises(InputError, match="not fitted"):
        find(RandomForestRegressor(), None)
