"""catboost: the margin is an argument of `predict`, everything else follows scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from pellucid.adapters import Predictor, sklearn
from pellucid.errors import InputError


def find(model: Any, model_output: str | None, *, labels: bool = False) -> Predictor:
    """The predict function of a catboost model for the output asked for."""
    require_fitted(model)
    if model_output == "raw":
        function = partial(model.predict, prediction_type="RawFormulaVal")
        found = Predictor(function, "raw", sklearn.describe(model, "raw margin"), sklearn.class_names(model))
    elif model_output == "probability" and not sklearn.has_method(model, "predict_proba"):
        raise InputError(
            f"model_output='probability' needs predict_proba, which {type(model).__name__} lacks; use "
            "CatBoostClassifier, or model_output='value' (predict) or 'raw' (the margin)"
        )
    else:
        found = sklearn.find(model, model_output, labels=labels)
    names = own_names(tuple(str(name) for name in model.feature_names_ or ()))
    count = len(model.feature_names_ or ()) or None
    return replace(found, feature_names=names, n_features=count, fitted_on_array=not names)


def require_fitted(model: Any) -> None:
    if not model.is_fitted():
        name = type(model).__name__
        raise InputError(f"model is a {name} that is not fitted; call {name}.fit(X, y) before explaining it")


def own_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Without the names catboost makes up ("0", "1", ...) for a model fitted on an array."""
    return () if all(name in ("", str(i)) for i, name in enumerate(names)) else names
