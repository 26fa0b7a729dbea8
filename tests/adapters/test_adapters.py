"""From fitted objects to predict functions: outputs, class names, feature names, and what is refused."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pellucid.adapters import find_predictor
from pellucid.errors import InputError, ModelOutputError
from pellucid.model import Model
from pellucid.space import Space
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
CLASSES = np.array(["no", "yes"])[Y]
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
FRAME = pd.DataFrame(X, columns=["age", "dose", "height"])


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def model_of(fitted, data=X, **options):
    space = Space.infer(data)
    return Model(fitted, space=space, **options), space.encode(data)


# --- outputs of scikit-learn -----------------------------------------------------------------------------


def test_a_classifier_gives_all_probabilities_by_its_class_names():
    fitted = LogisticRegression().fit(X, CLASSES)
    model, codes = model_of(fitted)
    np.testing.assert_array_equal(model(codes), fitted.predict_proba(X))
    assert model.output_names == ("no", "yes")
    assert model.model_output == "probability"
    assert model.description == "predict_proba of LogisticRegression"


def test_raw_of_two_classes_is_one_column():
    fitted = LogisticRegression().fit(X, CLASSES)
    model, codes = model_of(fitted, model_output="raw")
    np.testing.assert_array_equal(model(codes)[:, 0], fitted.decision_function(X))
    assert model.output_names == ("log-odds of yes",)


def test_raw_of_an_isolation_forest_is_not_called_by_its_margin():
    model, codes = model_of(IsolationForest(n_estimators=2).fit(X), model_output="raw")
    model(codes)
    assert model.output_names == ("output",)


def test_raw_of_three_classes_is_three_columns():
    fitted = LogisticRegression().fit(X, THREE)
    model, codes = model_of(fitted, model_output="raw")
    np.testing.assert_array_equal(model(codes), fitted.decision_function(X))
    assert model.output_names == ("0", "1", "2")


def test_a_regressor_gives_its_value():
    fitted = LinearRegression().fit(X, X[:, :2])
    model, codes = model_of(fitted)
    np.testing.assert_array_equal(model(codes), fitted.predict(X))
    assert (model.model_output, model.k) == ("value", 2)


def test_a_bound_method_is_read_like_its_object():
    fitted = LogisticRegression().fit(FRAME, CLASSES)
    model, codes = model_of(fitted.predict_proba, X)
    model(codes)
    assert (model.model_output, model.output_names) == ("probability", ("no", "yes"))
    assert model_of(fitted.decision_function)[0].model_output == "raw"
    with pytest.raises(InputError, match="method predict_proba, whose output is 'probability'"):
        find_predictor(fitted.predict_proba, model_output="raw")


def test_a_plain_callable_says_what_it_is():
    predictor = find_predictor(np.linalg.norm, model_output="probability")
    assert predictor.model_output == "probability"
    assert find_predictor(np.sum).description == "callable sum"


def test_an_object_with_predict_alone_is_a_value():
    class Own:
        def predict(self, rows):
            return rows[:, 0]

    model, codes = model_of(Own())
    np.testing.assert_array_equal(model(codes), X[:, :1])
    assert model.description == "predict of Own"


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        GridSearchCV(LogisticRegression(), {}),
    ],
)
def test_an_estimator_that_is_not_fitted_is_refused(estimator):
    with pytest.raises(InputError, match=r"not fitted; call .*\.fit\(X, y\)"):
        find_predictor(estimator)


def test_a_class_instead_of_an_object_is_refused():
    with pytest.raises(InputError, match=r"got the class LogisticRegression; pass an instance"):
        find_predictor(LogisticRegression)


@pytest.mark.parametrize("model", [None, 3, "model", X])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(InputError, match=f"callable or a fitted object.*got {type(model).__name__}"):
        find_predictor(model)


def test_an_unknown_output_is_refused():
    with pytest.raises(InputError, match="'probability', 'raw', 'value' or None, got 'margin'"):
        find_predictor(np.sum, model_output="margin")


def test_raw_without_a_decision_function_names_the_logit_link():
    fitted = KNeighborsClassifier().fit(X, Y)
    with pytest.raises(InputError, match=r"KNeighborsClassifier lacks; .*link='logit'"):
        find_predictor(fitted, model_output="raw")


def test_raw_or_probability_of_a_regressor_names_the_value():
    fitted = LinearRegression().fit(X, Y)
    for output in ("raw", "probability"):
        with pytest.raises(InputError, match="LinearRegression lacks; use model_output='value'"):
            find_predictor(fitted, model_output=output)


@pytest.mark.parametrize(
    ("fitted", "remedy"),
    [
        (RidgeClassifier().fit(X, Y), "model_output='raw'"),
        (IsolationForest(n_estimators=2, random_state=0).fit(X), "model_output='raw'"),
        (KMeans(2, n_init=1, random_state=0).fit(X), "callable that returns one score"),
    ],
)
def test_labels_are_refused_before_any_call(fitted, remedy):
    with pytest.raises(ModelOutputError, match=f"return scores, not labels: .*{remedy}"):
        find_predictor(fitted)


def test_predict_of_a_classifier_is_refused_on_request_too():
    fitted = LogisticRegression().fit(X, Y)
    with pytest.raises(ModelOutputError, match="return scores, not labels: use model_output='probability'"):
        find_predictor(fitted, model_output="value")


def test_string_labels_of_a_callable_are_refused():
    model, codes = model_of(LogisticRegression().fit(X, CLASSES).predict)
    with pytest.raises(ModelOutputError, match="return scores, not labels"):
        model(codes)


def test_several_targets_of_a_classifier_are_refused():
    fitted = MultiOutputClassifier(LogisticRegression()).fit(X, np.stack([Y, 1 - Y], axis=1))
    model, codes = model_of(fitted)
    with pytest.raises(ModelOutputError, match="list of length 2 for 60 rows"):
        model(codes)


# --- features --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [X, FRAME, pl.DataFrame(FRAME.to_dict("list")), pa.table(FRAME.to_dict("list"))])
@pytest.mark.parametrize("fitted_on", [X, FRAME])
def test_no_estimator_complains_about_names(data, fitted_on):
    fitted = RandomForestClassifier(3, random_state=0).fit(fitted_on, Y)
    model, codes = model_of(fitted, data)
    np.testing.assert_array_equal(model(codes), fitted.predict_proba(fitted_on))


def test_a_pipeline_by_column_names_gets_its_columns():
    frame = FRAME.assign(city=np.array(["Rome", "Oslo", "Bern"])[THREE])
    columns = ColumnTransformer([("city", OneHotEncoder(), ["city"]), ("rest", "passthrough", ["age", "dose"])])
    fitted = make_pipeline(columns, LogisticRegression()).fit(frame, Y)
    model, codes = model_of(fitted, frame)
    np.testing.assert_allclose(model(codes), fitted.predict_proba(frame), rtol=1e-12)


def test_another_number_of_features_names_both():
    fitted = LogisticRegression().fit(X, Y)
    with pytest.raises(InputError, match="fitted on 3 features, but the data has 2"):
        model_of(fitted, X[:, :2])


def test_the_first_name_that_differs_is_named():
    fitted = LogisticRegression().fit(FRAME, Y)
    with pytest.raises(InputError, match=r"other features .*column 1 is 'weight', expected 'dose'"):
        model_of(fitted, FRAME.rename(columns={"dose": "weight"}))


def test_another_order_of_the_names_is_refused():
    fitted = LogisticRegression().fit(FRAME, Y)
    with pytest.raises(InputError, match=r"in another order .*column 0 is 'dose', expected 'age'"):
        model_of(fitted, FRAME[["dose", "age", "height"]])
    with pytest.raises(InputError, match="in another order"):
        Model(fitted, space=Space.infer(X, names=["dose", "age", "height"]))


def test_names_of_an_array_may_be_for_display():
    fitted = LogisticRegression().fit(FRAME, Y)
    space = Space.infer(X, names=["Age (years)", "Dose (mg)", "Height"])
    np.testing.assert_array_equal(Model(fitted, space=space)(X), fitted.predict_proba(FRAME))


def test_a_model_of_an_estimator_pickles():
    model, codes = model_of(LogisticRegression().fit(FRAME, Y))
    expected = model(codes)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model))(codes), expected)


# --- boosting --------------------------------------------------------------------------------------------


@pytest.fixture(params=["xgboost", "lightgbm"])
def boosting(request):
    library = pytest.importorskip(request.param)
    if request.param == "xgboost":
        options = {"n_estimators": 4, "max_depth": 2, "n_jobs": 1}
        return library.XGBClassifier, library.XGBRegressor, {"output_margin": True}, options
    options = {"n_estimators": 4, "verbose": -1, "n_jobs": 1}
    return library.LGBMClassifier, library.LGBMRegressor, {"raw_score": True}, options


@pytest.mark.parametrize("fitted_on", [X, FRAME])
@pytest.mark.parametrize("data", [X, FRAME])
@pytest.mark.parametrize(("target", "k"), [(Y, 1), (THREE, 3)])
def test_boosting_gives_its_raw_margin(boosting, fitted_on, data, target, k):
    classifier, _, raw, options = boosting
    fitted = classifier(**options).fit(fitted_on, target)
    model, codes = model_of(fitted, data, model_output="raw")
    expected = np.asarray(fitted.predict(fitted_on, **raw), dtype=np.float64).reshape(len(X), k)
    np.testing.assert_array_equal(model(codes), expected)
    assert model.description == f"raw margin of {classifier.__name__}"
    np.testing.assert_array_equal(model_of(fitted, data)[0](codes), fitted.predict_proba(fitted_on))


def test_boosting_names_its_classes_and_checks_its_features(boosting):
    classifier, regressor, _, options = boosting
    fitted = classifier(**options).fit(FRAME, THREE)
    model, codes = model_of(fitted, FRAME, model_output="raw")
    model(codes)
    assert model.output_names == ("0", "1", "2")
    with pytest.raises(InputError, match="column 0 is 'dose', expected 'age'"):
        model_of(fitted, FRAME[["dose", "age", "height"]], model_output="raw")
    with pytest.raises(InputError, match="fitted on 3 features"):
        model_of(fitted, X[:, :2])
    with pytest.raises(InputError, match="not fitted"):
        find_predictor(classifier(), model_output="raw")
    assert find_predictor(regressor(**options).fit(X, Y), model_output="raw").model_output == "raw"


def test_boosting_takes_names_with_spaces_which_lightgbm_keeps_with_underscores(boosting):
    classifier, _, _, options = boosting
    frame = FRAME.rename(columns={"age": "age in years", "dose": "dose_mg"})
    fitted = classifier(**options).fit(frame, Y)
    model, codes = model_of(fitted, frame)
    np.testing.assert_array_equal(model(codes), fitted.predict_proba(frame))
    with pytest.raises(InputError, match=r"another order.*column 0 is 'dose_mg', expected 'age.in.years'"):
        model_of(fitted, frame[["dose_mg", "age in years", "height"]])
    with pytest.raises(InputError, match=r"other features.*column 0 is 'age at death'"):
        model_of(fitted, frame.rename(columns={"age in years": "age at death"}))


def test_a_native_booster_gives_values_and_margins(boosting):
    classifier, _, _, options = boosting
    fitted = classifier(**options).fit(X, Y)
    booster = fitted.get_booster() if hasattr(fitted, "get_booster") else fitted.booster_
    probability, codes = model_of(booster, FRAME)
    margin, _ = model_of(booster, FRAME, model_output="raw", link="identity")
    np.testing.assert_allclose(probability(codes)[:, 0], fitted.predict_proba(X)[:, 1], rtol=1e-6)
    p = probability(codes)
    np.testing.assert_allclose(margin(codes), np.log(p / (1 - p)), rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="native Booster"):
        find_predictor(booster, model_output="probability")


# --- a bound predict, and names --------------------------------------------------------------------------


@pytest.mark.parametrize("fitted", [LinearRegression().fit(FRAME, Y), LogisticRegression().fit(FRAME, Y)])
def test_a_bound_predict_is_read_like_its_object(fitted):
    model, codes = model_of(fitted.predict)
    np.testing.assert_array_equal(model(codes)[:, 0], fitted.predict(FRAME))
    assert ("labels, read as numbers" in model.description) == hasattr(fitted, "classes_")
    with pytest.raises(InputError, match="other features"):
        model_of(fitted.predict, FRAME.rename(columns={"dose": "weight"}))


def test_an_array_takes_the_names_of_the_model():
    from pellucid import Shapley

    explain = Shapley(LinearRegression().fit(FRAME, Y), X[:5])
    assert explain(X[:2]).parts == explain(FRAME[:2]).parts == ("age", "dose", "height")
