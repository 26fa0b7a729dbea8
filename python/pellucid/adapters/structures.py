"""From a fitted object to what is inside of it: a Forest or an Additive, where an adapter can read it."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pellucid.adapters import own

if TYPE_CHECKING:
    from pellucid.whitebox import Additive, Forest

# Which files read the classes of a library, in turn.
_READERS = {
    "xgboost": ("xgboost_trees",),
    "lightgbm": ("lightgbm_trees",),
    "catboost": ("catboost_trees",),
    "sklearn": ("sklearn_trees", "sklearn_linear", "sklearn_ensembles", "sklearn_pipelines"),
}
_OUTPUT_OF_METHOD = {"predict_proba": "probability", "decision_function": "raw", "predict": "value"}


def find_structure(model: Any, *, model_output: str | None = None) -> Forest | Additive | None:
    """Read the trees or the coefficients inside a fitted object.

    Parameters
    ----------
    model : a fitted object, or a bound method of one (`classifier.predict_proba`).
    model_output : "probability", "raw", "value" or None, as in `find_predictor`: the structure's link makes of its
        margins what `find_predictor(model, model_output=model_output)` predicts.

    Returns
    -------
    None where no adapter knows the model, or where what is asked of it are labels.

    Raises
    ------
    ModelFormatError : a model that is recognised, but cannot be represented faithfully; the message says why.
    InputError : not fitted.

    Examples
    --------
    >>> find_structure(lambda X: X.sum(axis=1)) is None
    True
    """
    model, model_output = _owner(model, model_output)
    labels = model_output == "value" and getattr(model, "classes_", None) is not None
    if model is None or labels:
        return None
    if own.is_own(model):
        known: Forest | Additive = own.structure(model, model_output)
        return known
    # A class of the user's own that derives from two libraries is read by the one it is closest to.
    for base in type(model).__mro__:
        library = base.__module__.partition(".")[0]
        for reader in _READERS.get(library, ()):
            found: Forest | Additive | None = import_module(f"pellucid.adapters.{reader}").find(model, model_output)
            if found is not None:
                return found
        if library in _READERS:
            return None
    return None


def _owner(model: Any, model_output: str | None) -> tuple[Any, str | None]:
    """The object of a bound method and the output that the method stands for; None for other callables."""
    owner, method = getattr(model, "__self__", None), getattr(model, "__name__", "")
    if owner is None or inspect.isclass(owner) or inspect.ismodule(owner):
        return (None if inspect.isclass(model) else model), model_output
    output = _OUTPUT_OF_METHOD.get(method)
    return (owner, output) if output is not None else (None, None)
