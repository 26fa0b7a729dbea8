"""Linear models of scikit-learn, alone and behind transformers, answer as the models do, on raw columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pellucid
import pytest
from pellucid.adapters.sklearn_linear import find
from pellucid.errors import InputError
from pellucid.model.structure_codes import StructureCodes
from pellucid.space import Space
from pellucid.whitebox import Additive, Linear
from sklearn.compose import ColumnTransformer
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNetCV,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    Perceptron,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

ROWS = 150


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 4)) * [1.0, 3.0, 0.2, 1.0] + [0.0, 5.0, 1.0, -2.0]
    return X, X[:, 0] + X[:, 1] * X[:, 2] - X[:, 3] + 0.1 * rng.normal(size=ROWS)


def classes(y, count):
    return np.digitize(y, np.quantile(y, [0.4] if count == 2 else [0.3, 0.6]))


def assert_the_same(model, X, model_output=None, *, kind=Linear):
    found = find(model, model_output)
    assert type(found) is kind
    space = Space.infer(X)
    codes = StructureCodes(found, space)(space.encode(X))
    if model_output == "raw":
        truth = model.decision_function(X)
    else:
        truth = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
    np.testing.assert_allclose(found.predict(codes), truth.reshape(len(X), -1), rtol=1e-9, atol=1e-10)
    return found


REGRESSORS = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(),
    Lasso(alpha=0.01),
    ElasticNetCV(cv=3),
    HuberRegressor(max_iter=1000),
    SGDRegressor(random_state=0, eta0=1e-4),
    LinearSVR(random_state=0, max_iter=20000),
    SVR(kernel="linear"),
    PLSRegression(2),
    TweedieRegressor(power=0),
]


@pytest.mark.parametrize("model", REGRESSORS, ids=lambda model: type(model).__name__)
def test_regressors(model):
    X, y = data()

    assert_the_same(model.fit(X, y), X)


@pytest.mark.parametrize(
    "model", [LinearRegression(), Ridge(), MultiTaskLasso(), PLSRegression(2)], ids=lambda model: type(model).__name__
)
def test_regressors_of_two_targets(model):
    X, y = data()

    assert assert_the_same(model.fit(X, np.column_stack([y, y**2])), X).intercept.shape == (2,)


@pytest.mark.parametrize(
    "model",
    [PoissonRegressor(), GammaRegressor(), TweedieRegressor(power=1.5)],
    ids=lambda model: type(model).__name__,
)
def test_generalised_models_are_exponentials(model):
    X, y = data()

    assert assert_the_same(model.fit(X, np.abs(y) + 0.1), X).link == "exp"


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("model_output", [None, "raw"])
@pytest.mark.parametrize(
    "model",
    [LogisticRegression(max_iter=500), SGDClassifier(loss="log_loss", random_state=0), LinearDiscriminantAnalysis()],
    ids=lambda model: type(model).__name__,
)
def test_classifiers_with_probabilities(model, count, model_output):
    X, y = data()

    found = assert_the_same(model.fit(X, classes(y, count)), X, model_output)

    assert len(found.outputs) == (1 if count == 2 else 3)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(
    "model",
    [LinearSVC(random_state=0), RidgeClassifier(), Perceptron(random_state=0)],
    ids=lambda model: type(model).__name__,
)
def test_classifiers_without_probabilities(model, count):
    X, y = data()

    assert_the_same(model.fit(X, classes(y, count)), X, "raw")


AFFINE = {
    "standard": (StandardScaler(),),
    "standard, not centred": (StandardScaler(with_mean=False),),
    "min max": (MinMaxScaler(),),
    "max abs": (MaxAbsScaler(),),
    "robust": (RobustScaler(),),
    "robust, not scaled": (RobustScaler(with_scaling=False),),
    "components": (PCA(2),),
    "whitened": (StandardScaler(), PCA(3, whiten=True)),
    "singular values": (TruncatedSVD(2),),
    "selected": (StandardScaler(), SelectKBest(f_regression, k=2)),
    "varying": (VarianceThreshold(0.5),),
    "degree one": (PolynomialFeatures(1),),
    "united": (FeatureUnion([("a", PCA(2)), ("b", StandardScaler())], transformer_weights={"a": 2.0}),),
    "nothing": ("passthrough", FunctionTransformer()),
    "nested": (make_pipeline(StandardScaler(), PCA(3)), MinMaxScaler()),
}
BY_COLUMN = {
    "clipped": (MinMaxScaler(clip=True),),
    "powers": (PowerTransformer(),),
    "quantiles": (StandardScaler(), QuantileTransformer(n_quantiles=20)),
    "bins": (KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf"), PCA(5)),
    "ordinal bins": (KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf"), StandardScaler()),
    "exponential": (MinMaxScaler(), FunctionTransformer(np.exp), StandardScaler()),
    "binary": (Binarizer(threshold=0.5),),
}


@pytest.mark.parametrize("name", [*AFFINE, *BY_COLUMN])
def test_transformers_before_a_linear_model(name):
    X, y = data()
    steps = {**AFFINE, **BY_COLUMN}[name]
    model = make_pipeline(*steps, Ridge()).fit(X, y)
    # Rows that were not fitted, beyond their range too.
    rows = np.concatenate([X, X[:20] * 1.5])

    assert_the_same(model, rows, kind=Linear if name in AFFINE else Additive)


@pytest.mark.parametrize(
    "steps",
    [
        (SimpleImputer(), StandardScaler()),
        (StandardScaler(), SimpleImputer(strategy="median", add_indicator=True)),
        (SimpleImputer(strategy="constant", fill_value=-3.0), PCA(2)),
    ],
    ids=["mean", "indicator", "constant"],
)
def test_imputed_values_are_part_of_the_sum(steps):
    X, y = data()
    holes = X.copy()
    holes[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan

    assert_the_same(make_pipeline(*steps, Ridge()).fit(holes, y), holes)


def frame():
    X, y = data()
    rng = np.random.default_rng(2)
    colour = rng.choice(["red", "green", "blue"], ROWS)
    table = pd.DataFrame(
        {
            "a": X[:, 0],
            "colour": colour,
            "floor": rng.integers(0, 4, ROWS),
            "side": rng.choice(["left", "right", None], ROWS),
            "b": np.where(rng.random(ROWS) < 0.1, np.nan, X[:, 1]),
        }
    )
    return table, y + (colour == "red")


ENCODERS = {
    "one hot": OneHotEncoder(handle_unknown="ignore"),
    "first dropped": OneHotEncoder(drop="first", handle_unknown="ignore"),
    "rare together": OneHotEncoder(min_frequency=60, handle_unknown="infrequent_if_exist"),
    "dense": OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
    "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7),
}


@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.parametrize("name", ENCODERS)
def test_a_pipeline_of_encoders_and_scalers_on_the_raw_columns(name):
    table, y = frame()
    most_frequent = make_pipeline(SimpleImputer(strategy="most_frequent"), ENCODERS[name])
    columns = ColumnTransformer(
        [
            ("labels", ENCODERS[name], ["colour", "floor"]),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["b", "a"]),
            ("filled", most_frequent, ["side"]),
        ]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(table, classes(y, 3))
    unseen = table.copy()
    unseen.loc[:4, "colour"] = "amber"
    unseen.loc[3:6, "floor"] = 9

    found = assert_the_same(model, unseen, kind=Additive)

    assert found.feature_names == tuple(table.columns)
    assert set(found.feature_categories) == {1, 2, 3}


def test_columns_dropped_and_passed_on():
    table, y = frame()
    columns = ColumnTransformer(
        [("label", OneHotEncoder(), ["colour"]), ("out", "drop", ["side", "b"])], remainder="passthrough"
    )
    model = make_pipeline(columns, Ridge()).fit(table, y)

    found = assert_the_same(model, table, kind=Additive)

    assert not found.contribution(3, np.array([0.0, 1.0, np.nan])).any()


def test_an_encoder_that_refuses_a_category_has_no_answer_for_it():
    table, y = frame()
    model = make_pipeline(ColumnTransformer([("label", OneHotEncoder(), ["colour"])]), Ridge()).fit(table, y)

    assert np.isnan(find(model, None).contribution(1, np.array([-1.0]))).all()


@pytest.mark.parametrize(
    "steps",
    [
        (PolynomialFeatures(2),),
        (Normalizer(),),
        (PCA(2), FunctionTransformer(np.exp)),
        (FunctionTransformer(lambda X: X),),
    ],
    ids=["products", "lengths", "a function of components", "an unknown function"],
)
def test_what_mixes_columns_is_no_sum(steps):
    X, y = data()

    assert find(make_pipeline(*steps, Ridge()).fit(X, y), None) is None


def test_what_is_no_linear_model_of_this_output():
    X, y = data()
    three = classes(y, 3)

    assert find(RandomForestRegressor(2).fit(X, y), None) is None
    assert find(SVR().fit(X, y), None) is None
    assert find(SVC(kernel="linear").fit(X, three), "raw") is None
    assert find(LogisticRegression(max_iter=500).fit(X, three), "value") is None
    assert find(SGDClassifier(loss="modified_huber").fit(X, three), None) is None
    with pytest.raises(InputError, match="not fitted"):
        find(Ridge(), None)


def test_a_column_that_is_a_number_here_and_a_category_there_is_no_sum():
    table, y = frame()
    columns = ColumnTransformer([("label", OneHotEncoder(), ["floor"]), ("number", StandardScaler(), ["floor", "a"])])

    assert find(make_pipeline(columns, Ridge()).fit(table, y), None) is None


def test_weights_are_read_for_raw_columns_and_named_after_the_class_they_vote_for():
    X, y = data()
    classes = np.where(y > np.median(y), "high", "low")
    scaled = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, classes)

    weights = pellucid.read_linear(scaled)

    np.testing.assert_allclose(weights.coefficients.T, scaled[-1].coef_ / scaled[0].scale_)
    assert weights.outputs == ("log-odds of low",)
    assert weights.to_text(X).startswith("log-odds of low = ")
    with pytest.raises(InputError, match="must be a fitted linear model, got RandomForestRegressor"):
        pellucid.read_linear(RandomForestRegressor(n_estimators=2).fit(X, y))
    with pytest.raises(InputError, match="model_output"):
        pellucid.read_linear(scaled, model_output="margin")
