"""xgboost and lightgbm: their scikit-learn wrappers and their native boosters.

The raw margin is an argument of `predict` in both libraries (`output_margin`, `raw_score`), not a method
of its own; everything else follows scikit-learn.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from pellucid.adapters import Predictor, sklearn
from pellucid.errors import InputError


def find(model: Any, model_output: str | None, *, labels: bool = False) -> Predictor:
    """The predict function of an xgboost or lightgbm model for the output asked for."""
    if not sklearn.has_method(model, "get_params"):
        return _booster(model, model_output)
    if model_output != "raw":
        found = sklearn.find(model, model_output, labels=labels)
    else:
        sklearn.require_fitted(model)
        found = Predictor(
            _raw_margin(model),
            "raw",
            sklearn.describe(model, "raw margin"),
            sklearn.class_names(model),
            n_features=sklearn.count_of_features(model),
        )
    names = own_names(sklearn.feature_names(model) or _booster_names(model))
    return replace(found, feature_names=names, fitted_on_array=not names)


def _raw_margin(model: Any) -> Callable[[Any], Any]:
    libraries = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    if "xgboost" in libraries:
        return partial(model.predict, output_margin=True)
    return partial(model.predict, raw_score=True)


def _booster(model: Any, model_output: str | None) -> Predictor:
    """A native Booster; whether its values are probabilities depends on the objective, so it says "value"."""
    output = model_output or "value"
    if output == "probability":
        raise InputError(
            f"model_output='probability' is not known of a native {type(model).__name__}; use model_output="
            "'value' (what its objective predicts), 'raw' (the margin), or the scikit-learn wrapper"
        )
    if sklearn.has_method(model, "inplace_predict"):
        kind = "margin" if output == "raw" else "value"
        function = partial(model.inplace_predict, predict_type=kind)
        n_features, names = int(model.num_features()), model.feature_names
    else:
        function = partial(model.predict, raw_score=output == "raw")
        n_features, names = int(model.num_feature()), model.feature_name()
    names = own_names(tuple(names or ()))
    method = "raw margin" if output == "raw" else "predict"
    return Predictor(
        function,
        output,
        sklearn.describe(model, method),
        feature_names=names,
        n_features=n_features,
        fitted_on_array=not names,
    )


def _booster_names(model: Any) -> tuple[str, ...]:
    """Names of the columns as the inner booster keeps them, for versions without `feature_names_in_`."""
    names = getattr(model, "feature_name_", None)
    if names is None and sklearn.has_method(model, "get_booster"):
        names = model.get_booster().feature_names
    return tuple(str(name) for name in names or ())


def own_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Without the names lightgbm makes up ("Column_0", ...) for a model fitted on an array."""
    made_up = all(re.fullmatch(rf"Column_{i}", name) for i, name in enumerate(names))
    return () if made_up else names
