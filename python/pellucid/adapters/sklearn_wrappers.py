"""Models of scikit-learn around one other model: searches, thresholds, other scales of the target, calibration."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

import numpy as np

from pellucid.adapters import sklearn, structures
from pellucid.adapters.combined import Part, Structure, combined
from pellucid.whitebox.links import link_name

# Inverse functions that are a link, of a model that was fitted to the function of its target.
_LINKS = {"exp": "exp", "expm1": "expm1"}


def inside(member: Any, output: str) -> Structure | None:
    """What is read from a member; a classifier that is asked for its value gives labels, which are no sum."""
    found: Structure | None = structures.find_structure(member, model_output=output)
    return found


def named(found: Structure, model: Any) -> Structure:
    """The same structure as the inside of a model around it."""
    renamed = copy(found)
    name = type(model).__name__
    renamed.source = f"{found.source} in {'an' if name[0] in 'AEIO' else 'a'} {name}"
    names = sklearn.feature_names(model)
    if len(names) == found.features:
        renamed.feature_names = names
    return renamed


def _of_member(name: str, model: Any, output: str) -> Structure | None:
    member = getattr(model, name, None)
    found = None if member is None else inside(member, output)
    return None if found is None else named(found, model)


def _affine(found: Structure, model: Any, matrix: Any, offset: Any, **meaning: Any) -> Structure | None:
    known = named(found, model)
    common = {"feature_names": known.feature_names, "source": known.source, "margin": found.margin}
    return combined([Part(found, matrix)], offset, features=found.features, **{**common, **meaning})


def _of_target(model: Any, output: str) -> Structure | None:
    """A model of the transformed target: back by an affine map, or through a link."""
    found, back = inside(model.regressor_, output), model.transformer_
    if found is None or link_name(found) != "identity":
        return None
    k = len(found.outputs)
    kind = type(back).__name__ if type(back).__module__.startswith("sklearn.") else ""
    factor, shift = np.ones(k), np.zeros(k)
    if kind == "FunctionTransformer":
        if back.inverse_func is None:
            return named(found, model)
        known = isinstance(back.inverse_func, np.ufunc) and not back.inv_kw_args
        link = _LINKS.get(back.inverse_func.__name__) if known else None
        margin = {"exp": "log of the prediction", "expm1": "log of 1 + the prediction"}.get(link or "", "")
        return None if link is None else _affine(found, model, np.eye(k), shift, link=link, margin=margin)
    if kind == "StandardScaler":
        scale, centre = back.scale_, back.mean_ if back.with_mean else None
    elif kind == "RobustScaler":
        scale, centre = back.scale_ if back.with_scaling else None, back.center_ if back.with_centering else None
    elif kind == "MaxAbsScaler":
        scale, centre = back.scale_, None
    elif kind == "MinMaxScaler":
        scale, centre = 1.0 / back.scale_, -back.min_ / back.scale_
    else:
        return None
    factor = factor if scale is None else np.asarray(scale, dtype=np.float64)
    shift = shift if centre is None else np.asarray(centre, dtype=np.float64)
    if factor.shape != (k,) or shift.shape != (k,):
        return None
    return _affine(found, model, np.diag(factor), shift)


def _calibrated(model: Any, output: str) -> Structure | None:
    r"""One sigmoid :math:`1 / (1 + e^{a m + b})` of the margin; a mean of several is no function of a sum."""
    if output != "probability" or len(model.calibrated_classifiers_) != 1:
        return None
    calibrated = model.calibrated_classifiers_[0]
    if calibrated.method != "sigmoid":
        return None
    raw = sklearn.has_method(calibrated.estimator, "decision_function")
    found = inside(calibrated.estimator, "raw" if raw else "probability")
    if found is None or link_name(found) != "identity":
        return None
    slopes, shifts = (np.array([getattr(one, name) for one in calibrated.calibrators]) for name in ("a_", "b_"))
    k, width = len(slopes), len(found.outputs)
    # Of two probabilities the second one is calibrated.
    matrix = np.array([[0.0], [1.0]]) if (k, width) == (1, 2) else np.eye(k)
    if len(matrix) != width:
        return None
    names = sklearn.class_names(model) if k > 1 else None
    link = "logistic" if k == 1 else "logistic_normalised"
    return _affine(found, model, -slopes * matrix, -shifts, link=link, margin="log-odds", outputs=names)


WRAPPERS: dict[str, Callable[[Any, str], Structure | None]] = {
    **dict.fromkeys(
        ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"),
        partial(_of_member, "best_estimator_"),
    ),
    **dict.fromkeys(
        ("FixedThresholdClassifier", "TunedThresholdClassifierCV", "RANSACRegressor", "SelfTrainingClassifier"),
        partial(_of_member, "estimator_"),
    ),
    "FrozenEstimator": partial(_of_member, "estimator"),
    "TransformedTargetRegressor": _of_target,
    "CalibratedClassifierCV": _calibrated,
}
