"""Models made of models, and models behind transformers, answer as scikit-learn has them: at and beside thresholds."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from pellucid import Shapley
from pellucid.adapters.combined import columns_asked, last_left
from pellucid.adapters.structures import find_structure
from pellucid.model.structure_codes import StructureCodes
from pellucid.space import Space
from pellucid.whitebox import Forest
from pellucid.whitebox.links import link_name
from reference.foreign_forests import hard_rows
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, SelectKBest, VarianceThreshold, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RANSACRegressor, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

ROWS = 90
TREE = DecisionTreeRegressor(max_depth=4, random_state=0)
CLASS_TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
FOREST = RandomForestRegressor(3, max_depth=4, random_state=0)
CLASS_FOREST = RandomForestClassifier(3, max_depth=3, random_state=0)
HISTOGRAM = HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=4)


def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 4)) * [1.0, 3.0, 0.2, 1.0] + [0.0, 5.0, 1.0, -2.0]
    X[:, 1] = X[:, 1].round(1)
    return X, X[:, 0] + X[:, 1] * X[:, 2] - np.abs(X[:, 3])


def target(kind, score):
    return {
        "number": score,
        "positive": np.exp(score / 5),
        "two numbers": np.column_stack([score, score**2]),
        "binary": np.where(score > np.median(score), "yes", "no"),
        "classes": np.digitize(score, np.quantile(score, [0.3, 0.6])),
    }[kind]


def votes(*members, **options):
    """Named as scikit-learn wants them."""
    return {"estimators": [(f"member{i}", member) for i, member in enumerate(members)], **options}


# A model, its target, the output that is asked for, and the link of what is read.
ENSEMBLES = {
    "bagged trees": (
        BaggingRegressor(TREE, 4, max_features=0.7, bootstrap_features=True, random_state=0),
        "number",
        None,
        "identity",
    ),
    "bagged lines": (BaggingRegressor(Ridge(), 3, max_features=0.5, random_state=0), "number", None, "identity"),
    "bagged trees of classes": (BaggingClassifier(CLASS_TREE, 4, random_state=0), "classes", None, "identity"),
    "bags without a class": (
        BaggingClassifier(CLASS_TREE, 5, max_samples=3, random_state=0),
        "classes",
        None,
        "identity",
    ),
    "bagged decisions": (BaggingClassifier(LogisticRegression(), 3, random_state=0), "binary", "raw", "identity"),
    "a vote of floats and doubles": (
        VotingRegressor(**votes(FOREST, HISTOGRAM, "drop", TREE, weights=[1, 2, 5, 1])),
        "number",
        None,
        "identity",
    ),
    "a vote of lines": (
        VotingRegressor(**votes(Ridge(), make_pipeline(StandardScaler(), Ridge()))),
        "number",
        None,
        "identity",
    ),
    "soft votes": (
        VotingClassifier(**votes(CLASS_TREE, CLASS_FOREST, voting="soft", weights=[2, 1])),
        "binary",
        None,
        "identity",
    ),
    "a stack": (StackingRegressor(**votes(TREE, FOREST), final_estimator=Ridge(), cv=2), "number", None, "identity"),
    "a stack of two classes": (StackingClassifier(**votes(CLASS_TREE, CLASS_FOREST), cv=2), "binary", None, "logistic"),
    "a stack of classes, raw": (
        StackingClassifier(**votes(CLASS_TREE, CLASS_FOREST), cv=2),
        "classes",
        "raw",
        "identity",
    ),
    "adaptive votes of two": (
        AdaBoostClassifier(CLASS_TREE, n_estimators=4, random_state=0),
        "binary",
        "raw",
        "identity",
    ),
    "adaptive probabilities of two": (AdaBoostClassifier(CLASS_TREE, n_estimators=4), "binary", None, "logistic"),
    "adaptive votes": (AdaBoostClassifier(CLASS_TREE, n_estimators=4), "classes", "raw", "identity"),
    "adaptive probabilities": (AdaBoostClassifier(CLASS_TREE, n_estimators=4), "classes", None, "softmax"),
    "each class, raw": (
        OneVsRestClassifier(GradientBoostingClassifier(n_estimators=3)),
        "classes",
        "raw",
        "identity",
    ),
    "each class": (OneVsRestClassifier(LogisticRegression()), "classes", None, "logistic_normalised"),
    "one class against the other": (OneVsRestClassifier(LogisticRegression()), "binary", None, "logistic"),
    "forests for each label": (OneVsRestClassifier(CLASS_FOREST), "binary", None, "identity"),
    "targets": (MultiOutputRegressor(GradientBoostingRegressor(n_estimators=3)), "two numbers", None, "identity"),
    "lines for targets": (MultiOutputRegressor(Ridge()), "two numbers", None, "identity"),
    "eliminated": (RFE(Ridge(), n_features_to_select=2), "number", None, "identity"),
    "consensus": (RANSACRegressor(random_state=0), "number", None, "identity"),
    "search": (GridSearchCV(FOREST, {"max_depth": [2, 3]}, cv=2), "number", None, "identity"),
    "search of classes": (GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2), "classes", "raw", "identity"),
    "standard target": (TransformedTargetRegressor(FOREST, transformer=StandardScaler()), "number", None, "identity"),
    "target between": (TransformedTargetRegressor(Ridge(), transformer=MinMaxScaler()), "number", None, "identity"),
    "robust target": (TransformedTargetRegressor(Ridge(), transformer=RobustScaler()), "number", None, "identity"),
    "log of the target": (
        TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp),
        "positive",
        None,
        "exp",
    ),
    "log of 1 + the target": (
        TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
        "positive",
        None,
        "expm1",
    ),
    "calibrated": (CalibratedClassifierCV(LinearSVC(), cv=2, ensemble=False), "binary", None, "logistic"),
    "calibrated trees": (CalibratedClassifierCV(CLASS_FOREST, cv=2, ensemble=False), "binary", None, "logistic"),
    "calibrated classes": (
        CalibratedClassifierCV(LinearSVC(), cv=2, ensemble=False),
        "classes",
        None,
        "logistic_normalised",
    ),
}


def answers(model, rows, output):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if output == "raw":
            return model.decision_function(rows).reshape(len(rows), -1)
        found = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)
        return found.reshape(len(rows), -1)


def rows_for(inside, X, *, missing=False):
    if not isinstance(inside, Forest):
        return np.concatenate([X, 1.5 * X])
    # What tells missing values from all others has no finite threshold.
    return np.clip(hard_rows(inside, X, np.random.default_rng(1), count=150, missing=missing), -1e30, 1e30)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_what_the_members_add_up_to(name):
    model, kind, output, link = ENSEMBLES[name]
    X, score = table()
    model.fit(X, target(kind, score))
    inside = find_structure(model, model_output=output)
    rows = rows_for(inside, X)

    assert link_name(inside) == link
    np.testing.assert_allclose(inside.predict(rows), answers(model, rows, output), rtol=1e-9, atol=1e-11)
    if isinstance(inside, Forest):
        assert inside.has_cover


NUMBERS = {
    "standard": (StandardScaler(),),
    "robust, between": (RobustScaler(), MinMaxScaler()),
    "clipped": (MinMaxScaler(clip=True),),
    "largest, chosen": (MaxAbsScaler(), SelectKBest(f_regression, k=2)),
    "varying": (VarianceThreshold(0.5),),
    "filled": (SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
    "united": (FeatureUnion([("a", StandardScaler()), ("b", "passthrough"), ("c", MinMaxScaler())]),),
    "binned": (
        SimpleImputer(),
        KBinsDiscretizer(5, encode="ordinal", quantile_method="averaged_inverted_cdf"),
    ),
    "binary, chosen": (
        SimpleImputer(),
        ColumnTransformer([("a", Binarizer(threshold=1.0), [2]), ("b", "passthrough", [3, 1])]),
    ),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_thresholds_behind_transformers_are_moved_without_error(name):
    X, score = table()
    holes = X.copy()
    if name != "largest, chosen":
        holes[np.random.default_rng(2).random(X.shape) < 0.1] = np.nan
    # The histogram's trees compare doubles, the others floats.
    model = make_pipeline(*NUMBERS[name], HISTOGRAM if name == "robust, between" else FOREST).fit(holes, score)
    inside = find_structure(model)
    rows = rows_for(inside, holes, missing=name != "largest, chosen")

    np.testing.assert_allclose(inside.predict(rows), answers(model, rows, None), rtol=1e-9, atol=1e-11)


def frame():
    X, score = table()
    rng = np.random.default_rng(3)
    colour, floor = rng.choice(["red", "green", "blue", "grey"], ROWS), rng.integers(0, 4, ROWS)
    found = pd.DataFrame({"a": X[:, 0], "colour": colour, "floor": floor, "b": X[:, 1]})
    found["side"] = rng.choice(["left", "right", None], ROWS)
    found.loc[:8, "b"] = np.nan
    return found, score + 2.0 * (colour == "red") - floor


ENCODERS = {
    "one hot": OneHotEncoder(handle_unknown="ignore"),
    "first dropped": OneHotEncoder(drop="first", handle_unknown="ignore", sparse_output=False),
    "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_trees_behind_encoders_ask_for_categories(name):
    data, score = frame()
    columns = ColumnTransformer(
        [
            ("labels", ENCODERS[name], ["colour", "floor"]),
            ("filled", make_pipeline(SimpleImputer(strategy="most_frequent"), ENCODERS[name]), ["side"]),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["b", "a"]),
        ],
        sparse_threshold=0.0,
    )
    model = make_pipeline(columns, GradientBoostingRegressor(n_estimators=15, random_state=0)).fit(data, score)
    unseen = data.copy()
    unseen.loc[:4, "colour"] = "amber"
    unseen.loc[3:6, "floor"] = 9
    inside, space = find_structure(model), Space.infer(unseen)

    assert set(inside.feature_categories) == {1, 2, 4}
    assert inside.feature_names == tuple(data.columns)
    codes = StructureCodes(inside, space)(space.encode(unseen))
    np.testing.assert_allclose(inside.predict(codes), answers(model, unseen, None), rtol=1e-9, atol=1e-11)
    # All together, with the probe of its own.
    found = Shapley(model, data[:5], method="tree")(unseen[:3])
    np.testing.assert_allclose(found.predictions[:, 0], model.predict(unseen[:3]), rtol=1e-12)


@pytest.mark.parametrize("sparse", [True, False])
def test_xgboost_takes_what_a_sparse_table_leaves_out_for_missing(sparse):
    xgboost = pytest.importorskip("xgboost")
    data, score = frame()
    columns = ColumnTransformer([("labels", OneHotEncoder(sparse_output=sparse), ["colour", "floor"])])
    model = make_pipeline(columns, xgboost.XGBRegressor(n_estimators=3, max_depth=2, n_jobs=1)).fit(data, score)
    inside = find_structure(model)

    assert (inside is None) == sparse
    if not sparse:
        space = Space.infer(data)
        codes = StructureCodes(inside, space)(space.encode(data))
        np.testing.assert_allclose(inside.predict(codes), answers(model, data, None), rtol=1e-5)


def test_zeros_beside_labels_that_no_tree_asks_for():
    xgboost = pytest.importorskip("xgboost")
    data, _ = frame()
    groups = [("labels", OneHotEncoder(), ["colour", "floor"]), ("number", "passthrough", ["a"])]
    columns = ColumnTransformer(groups, sparse_threshold=1.0)
    model = make_pipeline(columns, xgboost.XGBRegressor(n_estimators=1, max_depth=1, n_jobs=1)).fit(data, data["a"])

    assert model[0].sparse_output_
    assert columns_asked(find_structure(model[-1])).tolist() == [8]
    assert find_structure(model) is None


def test_a_transformer_that_refuses_missing_values_lets_those_of_other_columns_be_filled():
    X, score = table()
    X[::5, 0] = np.nan
    filled = SimpleImputer(strategy="constant", fill_value=-9.0)
    columns = ColumnTransformer([("filled", filled, [0]), ("binary", Binarizer(), [1])], remainder="passthrough")
    model = make_pipeline(columns, FOREST).fit(X, score)

    np.testing.assert_allclose(find_structure(model).predict(X), answers(model, X, None), rtol=1e-9)


def test_members_behind_a_scaler_or_nothing():
    X, score = table()
    search, vote = GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2), VotingRegressor(**votes(FOREST, TREE))
    for first, last in ((StandardScaler(), search), (StandardScaler(), vote), ("passthrough", FOREST)):
        model = make_pipeline(first, last).fit(pd.DataFrame(X, columns=list("abcd")), score)
        inside = find_structure(model)
        assert inside.feature_names == (tuple("abcd") if first != "passthrough" else ())
        np.testing.assert_allclose(inside.predict(X), answers(model, X, None), rtol=1e-9, atol=1e-11)


def test_means_of_the_target_before_trees_and_lines():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    if not hasattr(preprocessing, "TargetEncoder"):
        pytest.skip("this scikit-learn has no TargetEncoder")
    data, score = frame()
    for last in (FOREST, Ridge()):
        encoded = ColumnTransformer([("means", preprocessing.TargetEncoder(cv=2), ["colour", "floor"])])
        model = make_pipeline(encoded, last).fit(data, score)
        inside, space = find_structure(model), Space.infer(data)
        codes = StructureCodes(inside, space)(space.encode(data))
        np.testing.assert_allclose(inside.predict(codes), answers(model, data, None), rtol=1e-9)


@pytest.mark.parametrize(
    ("model", "kind", "output"),
    [
        (AdaBoostRegressor(TREE, n_estimators=3), "number", None),
        (RegressorChain(Ridge()), "two numbers", None),
        (VotingRegressor(**votes(TREE, Ridge())), "number", None),
        (VotingClassifier(**votes(CLASS_TREE, LogisticRegression(), voting="soft")), "classes", None),
        (BaggingClassifier(LogisticRegression(), 3), "classes", None),
        (CalibratedClassifierCV(LinearSVC(), cv=2), "binary", None),
        (StackingRegressor(**votes(TREE, LinearRegression()), final_estimator=FOREST, cv=2), "number", None),
        (OneVsRestClassifier(CLASS_FOREST), "classes", None),
        (TransformedTargetRegressor(Ridge(), func=np.cbrt, inverse_func=lambda y: y**3), "number", None),
        (make_pipeline(PowerTransformer(), FOREST), "number", None),
        (make_pipeline(FunctionTransformer(np.abs), FOREST), "number", None),
        (make_pipeline(StandardScaler(), OneVsRestClassifier(CLASS_FOREST)), "classes", None),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else str(value),
)
def test_what_is_no_sum_stays_unread(model, kind, output):
    X, score = table()

    assert find_structure(model.fit(X, target(kind, score)), model_output=output) is None


def test_the_last_number_that_goes_left():
    limits = np.array([-1e300, -1.5, -5e-324, 0.0, 5e-324, 0.1, 2.0**53])

    np.testing.assert_array_equal(last_left(lambda x: x <= limits, len(limits)), limits)
    np.testing.assert_array_equal(last_left(lambda x: x < limits, len(limits)), np.nextafter(limits, -np.inf))
    assert last_left(lambda x: np.ones(1, dtype=bool), 1) == np.inf
    assert last_left(lambda x: np.zeros(1, dtype=bool), 1, largest=1e30) == -np.inf
