"""Losses against scikit-learn's, and targets that fit no loss."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import InputError, permutation_importance
from pellucid.importance.metrics import metric_of

rng = np.random.default_rng(0)
BINARY = rng.integers(0, 2, 40)
THREE = np.array(["a", "b", "c"])[rng.integers(0, 3, 40)]
P = np.clip(np.round(rng.random((40, 1)), 1), 0.05, 0.95)  # with ties
P2 = np.column_stack([1 - P, P])
P3 = rng.dirichlet(np.ones(3), 40)


def value(metric, y, predictions, names=None, model_output="probability"):
    names = names or tuple("output" if predictions.shape[1] == 1 else str(j) for j in range(predictions.shape[1]))
    measure = metric_of(metric, y, predictions=predictions, output_names=names, model_output=model_output)
    return measure.loss(predictions).mean()


def test_losses_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    own = (BINARY, P[:, 0])
    abc = ("a", "b", "c")
    assert value("log_loss", THREE, P3, abc) == pytest.approx(metrics.log_loss(THREE, P3))
    assert value("accuracy", THREE, P3, abc) == pytest.approx(
        1 - metrics.accuracy_score(THREE, np.array(abc)[P3.argmax(1)])
    )
    for predictions in (P, P2):
        assert value("log_loss", BINARY, predictions) == pytest.approx(metrics.log_loss(*own))
        assert value("brier", BINARY, predictions) == pytest.approx(metrics.brier_score_loss(*own))
        assert value("auc", BINARY, predictions) == pytest.approx(1 - metrics.roc_auc_score(*own))
        assert value("accuracy", BINARY, predictions) == pytest.approx(1 - metrics.accuracy_score(BINARY, own[1] > 0.5))
    y = rng.normal(size=40)
    assert value("squared_error", y, P) == pytest.approx(metrics.mean_squared_error(y, P))
    assert value("absolute_error", y, P) == pytest.approx(metrics.mean_absolute_error(y, P))


def test_auto_goes_by_what_the_model_returns():
    assert value("auto", BINARY, P2) == value("log_loss", BINARY, P2)
    assert value("auto", BINARY, P, model_output="value") == value("squared_error", BINARY, P)
    with pytest.raises(InputError, match="raw score"):
        value("auto", BINARY, P, model_output="raw")


@pytest.mark.parametrize("y", [BINARY, BINARY.astype(bool), BINARY.astype(float), BINARY.astype(str)])
def test_classes_in_any_dtype(y):
    assert value("log_loss", y, P) == value("log_loss", BINARY, P)
    names = ("False", "True") if y.dtype == bool else ("0", "1")
    assert value("log_loss", y, P2, names) == value("log_loss", BINARY, P2)


def test_a_probability_of_zero_costs_a_finite_loss():
    assert value("log_loss", [1, 0], np.array([[0.0], [0.0]])) == pytest.approx(-np.log(2.0**-52) / 2)


@pytest.mark.parametrize(
    ("metric", "y", "predictions", "says"),
    [
        ("log_loss", BINARY + 1, P, "must hold the classes"),
        ("log_loss", THREE, P2, "must hold the classes"),
        ("log_loss", BINARY, 3 * P, "must be probabilities"),
        ("accuracy", BINARY, 3 * P, "must be probabilities"),
        ("auc", THREE, P3, "two classes"),
        ("auc", BINARY * 0, P, "rows of both classes"),
        ("squared_error", THREE, P, "must be numbers"),
        ("squared_error", BINARY, P2, "shape of the predictions"),
    ],
)
def test_targets_that_do_not_fit(metric, y, predictions, says):
    with pytest.raises(InputError, match=says):
        value(metric, y, predictions)


def test_a_classifier_by_itself():
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression

    X = rng.normal(size=(120, 3))
    y = np.where(X[:, 1] + 0.3 * rng.normal(size=120) > 0, "yes", "no")
    model = LogisticRegression().fit(X, y)
    found = permutation_importance(model, X, y)
    assert found.metric == "log_loss"
    assert found.top(1)[0].part == "x1"
    area = permutation_importance(model, X, y, metric="auc")
    assert area.values[1] > 0.3
    assert np.isnan(area.std_err).all()
    assert np.isfinite(area.std_err_repeats).all()
    assert any("auc has no losses of rows" in warning for warning in area.report.warnings)
