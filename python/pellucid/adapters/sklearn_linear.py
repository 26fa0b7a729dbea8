"""Linear models of scikit-learn, alone or at the end of a pipeline, as functions of the raw columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters import sklearn
from pellucid.adapters.sklearn_columns import Columns, NotAdditive
from pellucid.adapters.sklearn_transformers import after
from pellucid.whitebox.additive import Additive, Line, Piece
from pellucid.whitebox.labels import margin_names
from pellucid.whitebox.linear import Linear
from pellucid.whitebox.links import Link

Array = NDArray[np.float64]

_LINKS = {"IdentityLink": "identity", "LogLink": "exp"}


@dataclass(frozen=True)
class Head:
    """The linear model at the end: margins are z @ coefficients + intercept."""

    coefficients: Array
    intercept: Array
    link: str | Link = "identity"
    outputs: tuple[str, ...] | None = None
    margin: str = "prediction"


def find(model: Any, model_output: str | None) -> Additive | None:
    """The sum whose link gives the output asked for; a `Linear` where all is affine, None where it is another model.

    In a pipeline, transformers that mix columns other than linearly make it another model, too.
    """
    last, steps = split_pipeline(model)
    reader = sklearn.reader_of(last, _READERS)
    if reader is None:
        return None
    sklearn.require_fitted(model)
    head = reader(last, sklearn.asked_output(model, model_output))
    if head is None:
        return None
    try:
        columns = columns_behind(steps, width_of(model, last))
    except NotAdditive:
        return None
    if columns.width != len(head.coefficients):
        return None
    source = type(last).__name__ + (" in a Pipeline" if last is not model else "")
    return sum_of(columns.affine(head.coefficients, head.intercept), head, model, source)


def split_pipeline(model: Any) -> tuple[Any, list[Any]]:
    """The last step, and those before it, inner pipelines opened."""
    if type(model).__module__ == "sklearn.pipeline" and type(model).__name__ == "Pipeline":
        last, before = split_pipeline(model.steps[-1][1])
        return last, [*(step for _, step in model.steps[:-1]), *before]
    return model, []


def width_of(model: Any, last: Any) -> int:
    """Number of columns that a pipeline takes."""
    count = sklearn.count_of_features(model)
    if count is None:
        # A pipeline does not know before its first step does.
        first = next((step for _, step in getattr(model, "steps", ()) if hasattr(step, "n_features_in_")), last)
        count = int(first.n_features_in_)
    return count


def columns_behind(steps: Sequence[Any], width: int) -> Columns:
    """The columns that come out of transformers, of so many raw ones; NotAdditive where they are no sums of these."""
    columns = Columns.untouched(width)
    for step in steps:
        columns = after(step, columns)
    return columns


def sum_of(columns: Columns, head: Head, model: Any, source: str) -> Additive:
    """The columns behind the coefficients as functions of the raw columns of a model."""
    k = len(head.intercept)
    nothing: Piece = Line(np.zeros(k), np.zeros(k))
    pieces = [columns.pieces.get(j, nothing) for j in range(columns.raw)]
    common: dict[str, Any] = {
        "intercept": columns.constant,
        "link": head.link,
        "outputs": head.outputs,
        "feature_names": sklearn.feature_names(model),
        "margin": head.margin,
        "source": source,
    }
    lines = [piece for piece in pieces if isinstance(piece, Line)]
    if len(lines) == len(pieces):
        return Linear(
            coefficients=np.array([line.slope for line in lines]),
            missing=np.array([line.missing for line in lines]),
            **common,
        )
    return Additive(pieces=pieces, feature_categories=columns.labels, **common)


def _coefficients(model: Any) -> tuple[Array, Array]:
    coefficients = model.coef_.toarray() if hasattr(model.coef_, "toarray") else np.asarray(model.coef_)
    coefficients = np.atleast_2d(coefficients.astype(np.float64)).T
    intercept = np.broadcast_to(np.asarray(model.intercept_, dtype=np.float64).ravel(), coefficients.shape[1:])
    return coefficients, np.array(intercept)


def _regressor(model: Any, output: str) -> Head | None:
    return Head(*_coefficients(model)) if output == "value" else None


def _support_regressor(model: Any, output: str) -> Head | None:
    return _regressor(model, output) if model.kernel == "linear" else None


def _least_squares_parts(model: Any, output: str) -> Head | None:
    if output != "value":
        return None
    coefficients = np.asarray(model.coef_, dtype=np.float64).T
    return Head(coefficients, np.asarray(model.intercept_).ravel() - np.asarray(model._x_mean) @ coefficients)


def _generalised(model: Any, output: str) -> Head | None:
    link = _LINKS.get(type(model._base_loss.link).__name__)
    if output != "value" or link is None:
        return None
    return Head(*_coefficients(model), link=link, margin="log of the prediction" if link == "exp" else "prediction")


def _classifier(model: Any, output: str, link: str | None = None) -> Head | None:
    """The decision function; with `link` also the probabilities that it makes."""
    if output != "raw" and (output != "probability" or link is None):
        return None
    coefficients, intercept = _coefficients(model)
    several = coefficients.shape[1] > 1
    margin = "decision function"
    if link is not None:
        margin = "log-odds up to a constant" if several and link == "softmax" else "log-odds"
    classes = sklearn.class_names(model)
    return Head(
        coefficients,
        intercept,
        link="identity" if output == "raw" else (str(link) if several else "logistic"),
        outputs=(classes or None) if several else margin_names(1, margin, classes),
        margin=margin,
    )


def _support_classifier(model: Any, output: str) -> Head | None:
    # More than two classes are decided by votes of pairs.
    if model.kernel != "linear" or len(model.classes_) > 2:
        return None
    return _classifier(model, output)


def _logistic(model: Any, output: str) -> Head | None:
    scheme = getattr(model, "multi_class", "auto")
    if scheme == "multinomial" and len(model.classes_) == 2:
        # Older versions: both classes have a margin, of opposite sign.
        head = _classifier(model, output, "softmax")
        return head if head is None or output == "raw" else replace(head, link=Link("logistic", (2.0,)))
    one_against_rest = scheme == "ovr" or model.solver == "liblinear"
    return _classifier(model, output, "logistic_normalised" if one_against_rest else "softmax")


def _descent_classifier(model: Any, output: str) -> Head | None:
    return _classifier(model, output, "logistic_normalised" if model.loss == "log_loss" else None)


def _discriminant(model: Any, output: str) -> Head | None:
    return _classifier(model, output, "softmax")


_READERS: dict[str, Callable[[Any, str], Head | None]] = {
    **dict.fromkeys(
        (
            *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "Lars"),
            *("LarsCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "OrthogonalMatchingPursuit"),
            *("OrthogonalMatchingPursuitCV", "BayesianRidge", "ARDRegression", "HuberRegressor", "TheilSenRegressor"),
            *("QuantileRegressor", "SGDRegressor", "PassiveAggressiveRegressor", "LinearSVR", "MultiTaskLasso"),
            *("MultiTaskLassoCV", "MultiTaskElasticNet", "MultiTaskElasticNetCV"),
        ),
        _regressor,
    ),
    "SVR": _support_regressor,
    "PLSRegression": _least_squares_parts,
    **dict.fromkeys(("PoissonRegressor", "GammaRegressor", "TweedieRegressor"), _generalised),
    **dict.fromkeys(
        ("LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron", "PassiveAggressiveClassifier"), _classifier
    ),
    "SVC": _support_classifier,
    **dict.fromkeys(("LogisticRegression", "LogisticRegressionCV"), _logistic),
    "SGDClassifier": _descent_classifier,
    "LinearDiscriminantAnalysis": _discriminant,
}
