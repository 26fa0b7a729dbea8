"""Small models of every library of trees, on tables that are hard for them, and the library's own word on each.

A maker fits one model on a table drawn from its seed. What is needed of a library is imported as it is made, so that
the families of one that is not installed are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

ROWS = 120


@dataclass(frozen=True)
class Fitted:
    """A fitted model and what it says itself.

    model : as a user has it.
    output : the `model_output` under which its answer is the margin.
    margins : rows (n, d) -> (n, k), by the library.
    X : (ROWS, d) training rows.
    missing : rows with NaN are answered.
    single : the library adds in float32.
    contributions : rows -> (n, d + 1, k), the library's own path-dependent values and their base.
    pairs : rows -> (n, d + 1, d + 1, k), its own interactions.
    """

    model: Any
    output: str | None
    margins: Callable[[np.ndarray], np.ndarray]
    X: np.ndarray
    missing: bool = False
    single: bool = False
    contributions: Callable[[np.ndarray], np.ndarray] | None = None
    pairs: Callable[[np.ndarray], np.ndarray] | None = None


def table(seed, d, *, missing=False, categories=0):
    """X and a score: columns of doubles, of few decimals, of whole numbers and zeros, and last one of categories."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, d))
    X[:, 1] = X[:, 1].round(1)
    X[:, 2] = rng.integers(-2, 3, size=ROWS)
    score = X[:, 0] + 2.0 * X[:, 1] * X[:, 2] + np.where(X[:, 3] > 0, X[:, 0], -X[:, 1]) + X[:, 4:].sum(axis=1)
    if categories:
        # Every category occurs, so that its number and its code are one.
        X[:, -1] = rng.permutation(np.arange(ROWS) % categories)
        score = score + 3.0 * (X[:, -1] % 3 == 0) - 2.0 * (X[:, -1] == categories - 1)
    if missing:
        holes = rng.random(X.shape) < 0.15
        if categories:
            holes[:, -1] &= np.arange(ROWS) >= categories
        score = score + 2.0 * holes[:, 0] - holes[:, 3]
        X[holes] = np.nan
    return X, score


def target(kind, score):
    low, high = np.quantile(score, [0.4, 0.7])
    return {
        "number": score,
        "two numbers": np.column_stack([score, np.abs(score)]),
        "binary": (score > low).astype(int),
        "classes": np.digitize(score, [low, high]),
    }[kind]


def column(answer):
    answer = np.asarray(answer, dtype=np.float64)
    return answer.reshape(len(answer), -1)


def of_sklearn(name, kind="number", *, d=5, categories=0, method=None, **options):
    """A model of scikit-learn by the name of its class; NaN where this version of it takes any."""

    def make(seed):
        from sklearn import ensemble, tree

        model = getattr(ensemble, name, None) or getattr(tree, name)
        more = {"categorical_features": [d - 1]} if categories else {}
        model = model(random_state=seed, **more, **options)
        missing = _takes_missing(model)
        X, score = table(seed, d, missing=missing, categories=categories)
        model.fit(X, target(kind, score))
        asked = method or ("predict" if kind.endswith("number") or kind.endswith("numbers") else "predict_proba")
        output = "raw" if asked == "decision_function" else None
        return Fitted(model, output, lambda rows: column(getattr(model, asked)(rows)), X, missing)

    return make


def of_members(make_model, kind="number", *, d=5, categories=0, method="predict", missing=False):
    """A model of scikit-learn that is made of others."""

    def make(seed):
        X, score = table(seed, d, missing=missing, categories=categories)
        model = make_model(seed).fit(X, target(kind, score))
        output = "raw" if method == "decision_function" else None
        return Fitted(model, output, lambda rows: column(getattr(model, method)(rows)), X, missing)

    return make


def bagged_votes(seed):
    """Trees that saw some of the columns, and those of the histogram, which compare doubles."""
    from sklearn import ensemble, tree

    bag = ensemble.BaggingRegressor(tree.DecisionTreeRegressor(max_depth=4), 3, max_features=3, random_state=seed)
    members = [("bag", bag), ("histogram", ensemble.HistGradientBoostingRegressor(random_state=seed, **HISTOGRAM))]
    return ensemble.VotingRegressor(members, weights=[2, 1])


def adaptive_votes(seed):
    from sklearn import ensemble, tree

    return ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(max_depth=2), n_estimators=4, random_state=seed)


def behind_transformers(seed):
    """Holes filled, numbers scaled, and the last column one column for each category."""
    from sklearn import compose, ensemble, impute, pipeline, preprocessing

    numbers = pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler())
    labels = preprocessing.OneHotEncoder(handle_unknown="ignore")
    columns = compose.ColumnTransformer([("labels", labels, [4]), ("numbers", numbers, [3, 0, 1, 2])])
    return pipeline.make_pipeline(columns, ensemble.ExtraTreesRegressor(4, max_depth=5, random_state=seed))


def _takes_missing(model):
    try:
        from sklearn.utils import get_tags
    except ImportError:
        return False
    return bool(get_tags(model).input_tags.allow_nan)


def of_xgboost(kind="number", *, d=5, categories=0, witness=True, **options):
    def make(seed):
        xgb = pytest.importorskip("xgboost")
        X, score = table(seed, d, missing=True, categories=categories)
        kinds = ["q"] * (d - 1) + ["c"] if categories else None
        more = {"feature_types": kinds, "enable_categorical": True} if categories else {}
        wrapper = xgb.XGBClassifier if kind in ("binary", "classes") else xgb.XGBRegressor
        settings = {"n_estimators": 5, "max_depth": 3, "n_jobs": 1, "random_state": seed, "learning_rate": 0.4}
        model = wrapper(**{**settings, **more, **options}).fit(X, target(kind, score))
        booster = model.get_booster()

        def own(rows, **what):
            data = xgb.DMatrix(rows, feature_types=kinds, enable_categorical=bool(categories))
            return np.asarray(booster.predict(data, **what), dtype=np.float64)

        def contributions(rows):
            found = own(rows, pred_contribs=True)
            return found[..., None] if found.ndim == 2 else found.transpose(0, 2, 1)

        def pairs(rows):
            found = own(rows, pred_interactions=True)
            return found[..., None] if found.ndim == 3 else found.transpose(0, 2, 3, 1)

        output = "raw" if wrapper is xgb.XGBClassifier else None
        says = {"contributions": contributions, "pairs": pairs} if witness else {}
        return Fitted(model, output, lambda rows: column(own(rows, output_margin=True)), X, True, True, **says)

    return make


def of_lightgbm(kind="number", *, d=5, categories=0, output=None, **options):
    def make(seed):
        lgb = pytest.importorskip("lightgbm")
        X, score = table(seed, d, missing=True, categories=categories)
        wrapper = lgb.LGBMClassifier if kind in ("binary", "classes") else lgb.LGBMRegressor
        settings = {"n_estimators": 5, "num_leaves": 7, "min_child_samples": 3, "n_jobs": 1, "verbose": -1}
        settings |= {"random_state": seed, "learning_rate": 0.4}
        if categories:
            settings |= {"min_data_per_group": 2, "cat_smooth": 1.0, "cat_l2": 0.0}
        model = wrapper(**{**settings, **options})
        model.fit(X, target(kind, score), categorical_feature=[d - 1] if categories else "auto")
        asked = output or ("raw" if wrapper is lgb.LGBMClassifier else None)
        k = 3 if kind == "classes" else 1

        def contributions(rows):
            found = np.asarray(model.predict(rows, pred_contrib=True)).reshape(len(rows), k, d + 1)
            return found.transpose(0, 2, 1)

        def margins(rows):
            return column(model.predict(rows, raw_score=asked == "raw"))

        says = {} if options.get("boosting_type") == "rf" and asked != "raw" else {"contributions": contributions}
        return Fitted(model, asked, margins, X, True, **says)

    return make


def of_catboost(kind="number", *, d=5, **options):
    def make(seed):
        catboost = pytest.importorskip("catboost")
        X, score = table(seed, d, missing=True)
        classifies = kind in ("binary", "classes")
        wrapper = catboost.CatBoostClassifier if classifies else catboost.CatBoostRegressor
        settings = {"verbose": 0, "allow_writing_files": False, "thread_count": 1, "iterations": 5, "depth": 3}
        model = wrapper(random_seed=seed, **settings, **options).fit(X, target(kind, score))

        def margins(rows):
            return column(model.predict(rows, prediction_type="RawFormulaVal", thread_count=1))

        return Fitted(model, "raw" if classifies else None, margins, X, True)

    return make


BOOSTED = {"n_estimators": 5, "max_depth": 3}
HISTOGRAM = {"max_iter": 5, "max_leaf_nodes": 7, "min_samples_leaf": 4}
MULTI = {"multi_strategy": "multi_output_tree", "witness": False}

FAMILIES = {
    "decision tree": of_sklearn("DecisionTreeRegressor", max_depth=6),
    "decision tree of classes": of_sklearn("DecisionTreeClassifier", "classes", max_depth=5),
    "extra tree": of_sklearn("ExtraTreeRegressor", max_depth=5),
    "random forest": of_sklearn("RandomForestRegressor", n_estimators=4, max_depth=4),
    "random forest of two targets": of_sklearn("RandomForestRegressor", "two numbers", n_estimators=3, max_depth=4),
    "random forest of classes": of_sklearn("RandomForestClassifier", "classes", n_estimators=4, max_depth=4),
    "extra trees": of_sklearn("ExtraTreesRegressor", n_estimators=4, max_depth=4),
    "extra trees of classes": of_sklearn("ExtraTreesClassifier", "binary", n_estimators=4, max_depth=4),
    "boosting": of_sklearn("GradientBoostingRegressor", **BOOSTED),
    "boosting of two": of_sklearn("GradientBoostingClassifier", "binary", method="decision_function", **BOOSTED),
    "boosting of three": of_sklearn("GradientBoostingClassifier", "classes", method="decision_function", **BOOSTED),
    "histogram": of_sklearn("HistGradientBoostingRegressor", **HISTOGRAM),
    "histogram, categories": of_sklearn("HistGradientBoostingRegressor", categories=40, **HISTOGRAM),
    "histogram of two": of_sklearn("HistGradientBoostingClassifier", "binary", method="decision_function", **HISTOGRAM),
    "histogram of three": of_sklearn(
        "HistGradientBoostingClassifier", "classes", categories=9, method="decision_function", **HISTOGRAM
    ),
    "bags and votes": of_members(bagged_votes),
    "adaptive votes": of_members(adaptive_votes, "classes", method="decision_function"),
    "behind transformers": of_members(behind_transformers, categories=6, missing=True),
    "xgboost": of_xgboost(),
    "xgboost, exact": of_xgboost(tree_method="exact", gamma=0.5, max_depth=4),
    "xgboost, categories": of_xgboost(categories=40, max_cat_to_onehot=1),
    "xgboost, one-hot": of_xgboost(categories=6, max_cat_to_onehot=64),
    "xgboost of two": of_xgboost("binary", base_score=0.3),
    "xgboost of three": of_xgboost("classes", num_parallel_tree=2, n_estimators=3),
    "xgboost, leaves of two targets": of_xgboost("two numbers", **MULTI),
    "xgboost, trees for two targets": of_xgboost("two numbers"),
    "xgboost, dart": of_xgboost(booster="dart", rate_drop=0.5, n_estimators=8, max_depth=2),
    "lightgbm": of_lightgbm(),
    "lightgbm, zeros missing": of_lightgbm(zero_as_missing=True),
    "lightgbm, nothing missing": of_lightgbm(use_missing=False),
    "lightgbm, categories": of_lightgbm(categories=40, max_cat_to_onehot=1),
    "lightgbm, one-hot": of_lightgbm(categories=6, max_cat_to_onehot=64),
    "lightgbm of two": of_lightgbm("binary"),
    "lightgbm of three": of_lightgbm("classes"),
    "lightgbm, random forest": of_lightgbm(boosting_type="rf", subsample=0.6, subsample_freq=1),
    "lightgbm, sum of a random forest": of_lightgbm(boosting_type="rf", subsample=0.6, subsample_freq=1, output="raw"),
    "lightgbm, dart": of_lightgbm(boosting_type="dart", n_estimators=8),
    "catboost": of_catboost(),
    "catboost, depthwise": of_catboost(grow_policy="Depthwise", nan_mode="Max"),
    "catboost of two": of_catboost("binary", grow_policy="Lossguide"),
    "catboost of three": of_catboost("classes"),
}
WIDE = {
    "random forest": of_sklearn("RandomForestRegressor", d=12, n_estimators=4, max_depth=3),
    "xgboost": of_xgboost(d=10, max_depth=2),
    "lightgbm": of_lightgbm(d=10, num_leaves=4),
}
