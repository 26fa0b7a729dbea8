"""From a foreign model to its predict function: one file per source library, chosen by duck type.

No source library is imported here: a fitted object carries its library with it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pellucid.errors import InputError

MODEL_OUTPUTS = ("probability", "raw", "value")

_BOOSTING_LIBRARIES = frozenset({"xgboost", "lightgbm"})


@dataclass(frozen=True)
class Predictor:
    """What `Model` needs to know of a user's model.

    Parameters
    ----------
    function : takes the user's container of n rows, returns n scores or n rows of k scores.
    model_output : "probability", "raw" or "value": what the scores are.
    description : how reports name it, such as "predict_proba of GradientBoostingClassifier".
    classes : names of the k columns, empty where the model does not say.
    feature_names : names the model was fitted with, empty where it does not say.
    n_features : number of columns it was fitted with, None where it does not say.
    fitted_on_array : it was fitted without feature names and complains about a frame.
    """

    function: Callable[[Any], Any]
    model_output: str
    description: str
    classes: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    n_features: int | None = None
    fitted_on_array: bool = False


def find_predictor(model: Any, *, model_output: str | None = None) -> Predictor:
    """Find the predict function of a callable or of a fitted object.

    Parameters
    ----------
    model : a callable, or a fitted object with `predict_proba`, `decision_function` or `predict`.
        The bound method of a fitted object (`classifier.predict_proba`) is read like the object, so class
        and feature names are known. A bound `predict` of a classifier explains its labels as numbers.
    model_output : "probability", "raw" or "value"; None picks "probability" where the model has
        `predict_proba` and "value" otherwise.

    Raises
    ------
    InputError : not a model, not fitted, or without the output asked for.
    ModelOutputError : model_output="value" of a classifier was asked for, which returns labels.

    Examples
    --------
    >>> find_predictor(lambda X: X.sum(axis=1)).model_output
    'value'
    """
    if model_output is not None and model_output not in MODEL_OUTPUTS:
        raise InputError(
            f"model_output must be one of {', '.join(map(repr, MODEL_OUTPUTS))} or None, got {model_output!r}"
        )
    if inspect.isclass(model) and any(hasattr(model, name) for name in ("predict", "predict_proba")):
        raise InputError(
            f"model must be a fitted object, got the class {model.__name__}; "
            f"pass an instance, such as {model.__name__}().fit(X, y)"
        )
    if _has_predict(model):
        return _adapter_of(model)(model, model_output)
    if not callable(model):
        raise InputError(
            f"model must be a callable or a fitted object with predict_proba or predict, got {type(model).__name__}"
        )
    return _from_callable(model, model_output)


def _has_predict(model: Any) -> bool:
    names = ("predict_proba", "decision_function", "predict", "inplace_predict")
    return not inspect.isclass(model) and any(callable(getattr(model, name, None)) for name in names)


def _adapter_of(model: Any) -> Callable[..., Predictor]:
    libraries = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    if libraries & _BOOSTING_LIBRARIES:
        from pellucid.adapters import boosting

        return boosting.find
    from pellucid.adapters import own, sklearn

    if own.is_own(model):
        return own.find

    return sklearn.find


_OUTPUT_OF_METHOD = {"predict_proba": "probability", "decision_function": "raw"}


def _from_callable(function: Callable[[Any], Any], model_output: str | None) -> Predictor:
    owner, method = getattr(function, "__self__", None), getattr(function, "__name__", "")
    own_output = _OUTPUT_OF_METHOD.get(method)
    of_object = owner is not None and not inspect.isclass(owner) and not inspect.ismodule(owner)
    if of_object and method == "predict":
        return _from_predict(owner, model_output)
    if of_object and own_output is not None:
        if model_output not in (None, own_output):
            raise InputError(
                f"model is the method {method}, whose output is {own_output!r}, but model_output is "
                f"{model_output!r}; leave model_output out or pass the fitted object itself"
            )
        return _adapter_of(owner)(owner, own_output)
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return Predictor(function, model_output or "value", f"callable {name}")


def _from_predict(owner: Any, model_output: str | None) -> Predictor:
    """A bound `predict`, of a classifier too: whoever passes it wants its numbers."""
    found = _adapter_of(owner)(owner, "value", labels=True)
    return replace(found, model_output=model_output or "value")
