"""Estimators of scikit-learn, and every object that follows its conventions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from pellucid.adapters import Predictor
from pellucid.errors import InputError, ModelOutputError

LABELLING = ("classifier", "clusterer", "outlier_detector")


def find(model: Any, model_output: str | None, *, labels: bool = False) -> Predictor:
    """The predict function of a fitted estimator for the output asked for; `labels` lets label numbers pass."""
    require_fitted(model)
    output = asked_output(model, model_output)
    if labels and kind_of_estimator(model) in LABELLING:
        function, method = model.predict, "labels, read as numbers, by predict"
    else:
        function, method = _METHODS[output](model)
    classes = class_names(model) if output != "value" else ()
    names = feature_names(model)
    n_features = count_of_features(model)
    # An estimator that recorded a width but no names was fitted on an array, and warns about frames.
    on_array = n_features is not None and not names and _is_estimator(model)
    return Predictor(function, output, describe(model, method), classes, names, n_features, on_array)


def asked_output(model: Any, model_output: str | None) -> str:
    """The output asked for; where none is, probabilities of a model that has them, else its value."""
    return model_output or ("probability" if has_method(model, "predict_proba") else "value")


def reader_of(model: Any, readers: Mapping[str, Callable[[Any, str], Any]]) -> Callable[[Any, str], Any] | None:
    """What reads the inside of a class of scikit-learn; None of any other, as a subclass may predict what it likes."""
    return readers.get(type(model).__name__) if type(model).__module__.partition(".")[0] == "sklearn" else None


def read_by(readers: Mapping[str, Callable[[Any, str], Any]], model: Any, model_output: str | None) -> Any:
    """What the reader of a fitted model finds for the output asked for; None of a class without one."""
    reader = reader_of(model, readers)
    if reader is None:
        return None
    require_fitted(model)
    return reader(model, asked_output(model, model_output))


def has_method(model: Any, name: str) -> bool:
    return callable(getattr(model, name, None))


def describe(model: Any, method: str) -> str:
    return f"{method} of {type(model).__name__}"


def class_names(model: Any) -> tuple[str, ...]:
    """`classes_` as text; empty where there is none or where it is a list, one entry per target."""
    classes = getattr(model, "classes_", None)
    if classes is None or isinstance(classes, list) or getattr(classes, "ndim", 1) != 1:
        return ()
    return tuple(str(name) for name in classes)


def feature_names(model: Any) -> tuple[str, ...]:
    names = getattr(model, "feature_names_in_", None)
    return () if names is None else tuple(str(name) for name in names)


def count_of_features(model: Any) -> int | None:
    count = getattr(model, "n_features_in_", None)
    return None if count is None else int(count)


def kind_of_estimator(model: Any) -> str:
    """ "classifier", "regressor", "outlier_detector", "clusterer", or "" where the object does not say."""
    if hasattr(model, "__sklearn_tags__") and "sklearn" in sys.modules:
        from sklearn.utils import get_tags

        return str(get_tags(model).estimator_type or "")
    kind = getattr(model, "_estimator_type", None)
    if kind is None and getattr(model, "classes_", None) is not None:
        kind = "classifier"
    return str(kind or "")


def require_fitted(model: Any) -> None:
    """Refuse an estimator whose `fit` was never called, before any row is paid for."""
    own_answer = getattr(model, "__sklearn_is_fitted__", None)
    if callable(own_answer):
        fitted = bool(own_answer())
    elif _is_estimator(model):
        from sklearn.exceptions import NotFittedError
        from sklearn.utils.validation import check_is_fitted

        try:
            check_is_fitted(model)
            fitted = True
        except NotFittedError:
            fitted = False
    else:
        return
    if not fitted:
        name = type(model).__name__
        raise InputError(f"model is a {name} that is not fitted; call {name}.fit(X, y) before explaining it")


def _is_estimator(model: Any) -> bool:
    base = sys.modules.get("sklearn.base")
    return base is not None and isinstance(model, base.BaseEstimator) and has_method(model, "fit")


def _probability(model: Any) -> tuple[Callable[[Any], Any], str]:
    if has_method(model, "predict_proba"):
        return model.predict_proba, "predict_proba"
    remedy = (
        "use model_output='raw' (decision_function)"
        if has_method(model, "decision_function")
        else "use model_output='value' (predict)"
    )
    raise InputError(f"model_output='probability' needs predict_proba, which {_name(model)} lacks; {remedy}")


def _raw(model: Any) -> tuple[Callable[[Any], Any], str]:
    if has_method(model, "decision_function"):
        return model.decision_function, "decision_function"
    remedy = (
        "use model_output='probability' with link='logit' to explain log-odds"
        if has_method(model, "predict_proba")
        else "use model_output='value' (predict)"
    )
    raise InputError(f"model_output='raw' needs decision_function, which {_name(model)} lacks; {remedy}")


def _value(model: Any) -> tuple[Callable[[Any], Any], str]:
    if not has_method(model, "predict"):
        raise InputError(
            f"model_output='value' needs predict, which {_name(model)} lacks; use model_output='probability'"
        )
    refuse_labels(model)
    return model.predict, "predict"


def refuse_labels(model: Any) -> None:
    """`predict` of a classifier, clusterer or outlier detector is a label: its differences mean nothing."""
    kind = kind_of_estimator(model)
    if kind not in LABELLING:
        return
    if has_method(model, "predict_proba"):
        remedy = "use model_output='probability'"
    elif has_method(model, "decision_function"):
        remedy = "use model_output='raw' (decision_function)"
    else:
        remedy = "pass a callable that returns one score per class"
    raise ModelOutputError(
        f"predict of {_name(model)} returns labels of a {kind.replace('_', ' ')}; return scores, not labels: {remedy}"
    )


def _name(model: Any) -> str:
    return type(model).__name__


_METHODS: dict[str, Callable[[Any], tuple[Callable[[Any], Any], str]]] = {
    "probability": _probability,
    "raw": _raw,
    "value": _value,
}
