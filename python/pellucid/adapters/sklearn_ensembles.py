"""Models of scikit-learn that are made of other models: sums of their members, where these can be read.

A member that is seen through its own link is no part of a sum: the mean of probabilities of boosted trees stays another
function of their margins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters import sklearn
from pellucid.adapters.combined import Part, Structure, combined
from pellucid.adapters.sklearn_wrappers import WRAPPERS, inside, named
from pellucid.whitebox.forest import LEAF, Forest
from pellucid.whitebox.linear import Linear
from pellucid.whitebox.links import Link, link_name

Array = NDArray[np.float64]


def find(model: Any, model_output: str | None) -> Structure | None:
    """What the members add up to, for the output asked for; None where it is no sum, or another model."""
    found: Structure | None = sklearn.read_by(_READERS, model, model_output)
    return found


def _sum(
    model: Any, members: Sequence[tuple[Structure | None, Array, Any]], offset: Any, **meaning: Any
) -> Structure | None:
    parts = [Part(member, matrix, columns) for member, matrix, columns in members if member is not None]
    if not parts or len(parts) < len(members):
        return None
    if any(part.matrix.shape[0] != len(part.structure.outputs) for part in parts):
        return None
    names = sklearn.feature_names(model) or parts[0].structure.feature_names
    features = sklearn.count_of_features(model) or parts[0].structure.features
    meaning = {"margin": parts[0].structure.margin, "source": type(model).__name__, **meaning}
    if len(names) not in (0, features):
        names = ()
    return combined(parts, offset, features=features, feature_names=names, **meaning)


def _plain(member: Any, output: str) -> Structure | None:
    """The inside of a member whose output is its margins."""
    found = inside(member, output)
    return found if found is not None and link_name(found) == "identity" else None


def _classes(model: Any, k: int) -> tuple[str, ...] | None:
    names = sklearn.class_names(model)
    return names if len(names) == k > 1 else None


def _bagged(model: Any, output: str) -> Structure | None:
    """A mean of members that saw some of the rows and some of the columns."""
    share = 1.0 / len(model.estimators_)
    classifies = sklearn.has_method(model, "predict_proba")
    if output not in (("probability", "raw") if classifies else ("value",)):
        return None
    members: list[tuple[Structure | None, Array, Any]] = []
    k = 1
    for member, columns in zip(model.estimators_, model.estimators_features_, strict=True):
        found = _plain(member, output)
        # Members without probabilities vote.
        if found is None or (output == "probability" and not sklearn.has_method(member, "predict_proba")):
            return None
        matrix = np.eye(len(found.outputs))
        if output == "probability":
            # A draw of rows may lack a class; members count classes from 0.
            matrix = np.eye(len(model.classes_))[np.asarray(member.classes_, dtype=np.int64)]
        k = matrix.shape[1]
        members.append((found, share * matrix, columns))
    return _sum(model, members, np.zeros(k), outputs=_classes(model, k))


def _voting(model: Any, output: str) -> Structure | None:
    """A weighted mean: of predictions, or of the probabilities of soft votes."""
    classifies = sklearn.has_method(model, "predict_proba")
    if output != ("probability" if classifies else "value"):
        return None
    weights = np.ones(len(model.estimators_)) if model.weights is None else np.asarray(model._weights_not_none, float)
    weights = weights / weights.sum()
    found = [_plain(member, output) for member in model.estimators_]
    k = len(model.classes_) if classifies else 1
    members = [(one, weight * np.eye(k), None) for one, weight in zip(found, weights, strict=True)]
    return _sum(model, members, np.zeros(k), outputs=_classes(model, k))


def _stacked(model: Any, output: str) -> Structure | None:
    """A linear model of the outputs of members, which must be sums themselves."""
    final = inside(model.final_estimator_, output)
    if model.passthrough or not isinstance(final, Linear):
        return None
    k = len(final.intercept)
    members: list[tuple[Structure | None, Array, Any]] = []
    first = 0
    for member, method in zip(model.estimators_, (m for m in model.stack_method_ if m is not None), strict=False):
        found = _plain(member, _OUTPUT_OF_METHOD[method])
        if found is None:
            return None
        width = len(found.outputs)
        # Of two probabilities the first is left out.
        left_out = int(method == "predict_proba" and len(model.classes_) == 2)
        matrix = np.zeros((width, k))
        taken = final.coefficients[first : first + width - left_out]
        if len(taken) != width - left_out:
            return None
        matrix[left_out:] = taken
        first += width - left_out
        members.append((found, matrix, None))
    if first != len(final.coefficients):
        return None
    return _sum(model, members, final.intercept, link=final.link, margin=final.margin, outputs=_classes(model, k))


_OUTPUT_OF_METHOD = {"predict": "value", "predict_proba": "probability", "decision_function": "raw"}


def _of_targets(model: Any, output: str) -> Structure | None:
    """A model for each target, side by side."""
    if output != "value":
        return None
    found = [inside(member, output) for member in model.estimators_]
    links = {str(one.link) for one in found if one is not None}
    if len(links) != 1 or not links <= {"identity", "exp"}:
        return None
    k = len(found)
    members = [(one, np.eye(k)[[i]], None) for i, one in enumerate(found)]
    return _sum(model, members, np.zeros(k), link=links.pop())


def _one_against_rest(model: Any, output: str) -> Structure | None:
    """A margin for each class; probabilities are those of the margins, divided by their sum."""
    k = len(model.estimators_)
    if output == "raw":
        found = [_plain(member, "raw") for member in model.estimators_]
        return _side_by_side(model, found, "identity")
    if output != "probability":
        return None
    found = [inside(member, "probability") for member in model.estimators_]
    links = {Link.of(one.link) for one in found if one is not None}
    if len(links) != 1:
        return None
    link = links.pop()
    if link.name == "logistic":
        name = "logistic" if k == 1 else "logistic_each" if model.multilabel_ else "logistic_normalised"
        return _side_by_side(model, found, Link(name, link.parameters))
    if link.name != "identity" or not (model.multilabel_ or k == 1):
        return None
    # Of the two probabilities of each member the second one; of a single member both.
    matrices = [np.eye(2)] if k == 1 else [np.eye(k)[[i, i]] * [[0.0], [1.0]] for i in range(k)]
    width = matrices[0].shape[1]
    members = [(one, matrix, None) for one, matrix in zip(found, matrices, strict=True)]
    return _sum(model, members, np.zeros(width), outputs=_classes(model, width))


def _side_by_side(model: Any, found: Sequence[Structure | None], link: str | Link) -> Structure | None:
    k = len(found)
    members = [(one, np.eye(k)[[i]], None) for i, one in enumerate(found)]
    return _sum(model, members, np.zeros(k), link=link, outputs=_classes(model, k))


def _adaptive(model: Any, output: str) -> Structure | None:
    r"""Votes: each tree adds its weight to the class it decides for, and :math:`-1/(k - 1)` of it to the others."""
    k = int(model.n_classes_)
    if k < 2 or output not in ("probability", "raw") or getattr(model, "algorithm", "SAMME") == "SAMME.R":
        return None
    weights = np.asarray(model.estimator_weights_, dtype=np.float64)[: len(model.estimators_)]
    # Weights of the two classes with opposite signs are added to one margin.
    spread = np.eye(k) - (1.0 - np.eye(k)) / (k - 1)
    spread = (spread * [-1.0, 1.0]).sum(axis=1, keepdims=True) if k == 2 else spread
    scale = 1.0 / (k - 1) if output == "probability" and k > 2 else 1.0
    members: list[tuple[Structure | None, Array, Any]] = []
    for member, weight in zip(model.estimators_, weights / model.estimator_weights_.sum(), strict=True):
        decided = _decided(_plain(member, "probability"))
        if decided is None or not np.array_equal(member.classes_, model.classes_):
            return None
        members.append((decided, scale * weight * spread, None))
    link = "identity" if output == "raw" else "logistic" if k == 2 else "softmax"
    width = spread.shape[1]
    return _sum(model, members, np.zeros(width), link=link, margin="weighted votes", outputs=_classes(model, width))


def _decided(structure: Structure | None) -> Forest | None:
    """A tree of probabilities with 1 for the class it decides for; a mean of trees decides together."""
    if not isinstance(structure, Forest) or structure.n_trees != 1 or structure.arrays["base"].any():
        return None
    arrays = dict(structure.arrays)
    votes = np.eye(arrays["values"].shape[1])[arrays["values"].argmax(axis=1)]
    arrays["values"] = np.where((arrays["questions"] == LEAF)[:, None], votes, 0.0)
    return Forest(**arrays, feature_names=structure.feature_names)


def _eliminated(model: Any, output: str) -> Structure | None:
    """A model of the columns that were kept."""
    found = inside(model.estimator_, output)
    if found is None:
        return None
    k = len(found.outputs)
    members = [(found, np.eye(k), np.flatnonzero(model.support_))]
    return _sum(model, members, np.zeros(k), link=found.link, outputs=found.outputs, source=named(found, model).source)


_READERS: dict[str, Callable[[Any, str], Structure | None]] = {
    **dict.fromkeys(("BaggingClassifier", "BaggingRegressor"), _bagged),
    **dict.fromkeys(("VotingClassifier", "VotingRegressor"), _voting),
    **dict.fromkeys(("StackingClassifier", "StackingRegressor"), _stacked),
    "MultiOutputRegressor": _of_targets,
    "OneVsRestClassifier": _one_against_rest,
    "AdaBoostClassifier": _adaptive,
    **dict.fromkeys(("RFE", "RFECV"), _eliminated),
    **WRAPPERS,
}
