"""Trees of scikit-learn as a Forest.

All but the histogram trees compare float32(x) <= threshold, with thresholds in double. Averages of trees are sums of
trees whose leaves are divided by their number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters import sklearn
from pellucid.adapters.sklearn_histogram_trees import forest_of
from pellucid.errors import ModelFormatError
from pellucid.whitebox.forest import LEAF, THRESHOLD, Forest
from pellucid.whitebox.links import Link

Array = NDArray[np.float64]

# The constants that DummyClassifier predicts; its other strategies draw.
_CONSTANT_STRATEGIES = frozenset({"prior", "most_frequent", "constant", "mean", "median", "quantile"})


def find(model: Any, model_output: str | None) -> Forest | None:
    """The trees of a fitted scikit-learn model whose link gives the output asked for; None where it is another model.

    Raises
    ------
    ModelFormatError : trees that a Forest cannot represent faithfully; the reason is named.
    """
    found: Forest | None = sklearn.read_by(_READERS, model, model_output)
    return found


def _of_averaged(model: Any, output: str) -> Forest | None:
    """A tree, or the mean of several: of predictions, or of the class distributions of the leaves."""
    trees = [member.tree_ for member in getattr(model, "estimators_", [model])]
    classifies = sklearn.has_method(model, "predict_proba")
    if output != ("probability" if classifies else "value"):
        return None
    if classifies and model.n_outputs_ > 1:
        raise ModelFormatError(
            f"model is a {type(model).__name__} of {model.n_outputs_} targets, whose probabilities are no single "
            "table; fit one model for each target"
        )
    values = [_distribution(tree) if classifies else tree.value[:, :, 0] for tree in trees]
    return _forest(
        model,
        trees,
        [leaves / len(trees) for leaves in values],
        base=np.zeros(values[0].shape[1]),
        outputs=sklearn.class_names(model) if classifies else None,
        margin="probability" if classifies else "prediction",
    )


def _distribution(tree: Any) -> Array:
    """(N, k) of classes in each node: versions differ in whether they keep counts or shares."""
    shares: Array = np.array(tree.value[:, 0, :], dtype=np.float64)
    totals = shares.sum(axis=1, keepdims=True)
    if np.abs(totals - 1.0).max() > 1e-6:
        shares /= np.where(totals > 0.0, totals, 1.0)
    return shares


def _of_boosted(model: Any, output: str) -> Forest | None:
    if model.init_ != "zero":
        _require_constant(model)
    classifies = sklearn.has_method(model, "predict_proba")
    if output not in (("probability", "raw") if classifies else ("value",)):
        return None
    stages = model.estimators_
    base = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))[0]
    trees = [member.tree_ for member in stages.ravel()]
    several, exponential = stages.shape[1] > 1, classifies and model.loss == "exponential"
    return _forest(
        model,
        trees,
        [model.learning_rate * tree.value[:, 0, :1] for tree in trees],
        base=base,
        tree_outputs=np.tile(np.arange(stages.shape[1]), len(stages)),
        outputs=sklearn.class_names(model) if several else None,
        link=_link_of_classes(output, several, exponential),
        margin=_margin_of_classes(several, exponential) if classifies else "prediction",
    )


def _require_constant(model: Any) -> None:
    init = model.init_
    dummy = type(init).__module__.startswith("sklearn.dummy")
    if not dummy or init.strategy not in _CONSTANT_STRATEGIES:
        raise ModelFormatError(
            f"init of the {type(model).__name__} must be a constant, got {type(init).__name__}, a model that the trees "
            "start from; leave init out"
        )


def _link_of_classes(output: str, several: bool, exponential: bool) -> str | Link:
    if output != "probability":
        return "identity"
    # The exponential loss makes probabilities of twice its margin.
    one: str | Link = Link("logistic", (2.0,)) if exponential else "logistic"
    return "softmax" if several else one


def _margin_of_classes(several: bool, exponential: bool) -> str:
    if several:
        return "log-odds up to a constant"
    return "half the log-odds" if exponential else "log-odds"


def _of_isolation(model: Any, output: str) -> Forest | None:
    r"""The score is :math:`-2^{-h / c} - o` of the mean path length h, which is a sum over trees."""
    if output != "raw":
        return None
    c = float(_average_path_length(np.array([float(model._max_samples)]))[0])
    if c == 0.0:
        raise ModelFormatError("model is an IsolationForest of one row per tree, whose score is constant")
    trees = [member.tree_ for member in model.estimators_]
    return _forest(
        model,
        trees,
        [((_depths(tree) + _average_path_length(tree.n_node_samples)) / len(trees))[:, None] for tree in trees],
        base=np.zeros(1),
        columns=model.estimators_features_,
        link=Link("isolation", (c, float(model.offset_))),
        margin="mean path length",
    )


def _average_path_length(rows: Any) -> Array:
    """c(n), the mean depth at which a tree of n rows would isolate one of them [liu2008]."""
    n = np.asarray(rows, dtype=np.float64)
    many = np.maximum(n, 3.0)
    length = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(n <= 1, 0.0, np.where(n == 2, 1.0, length))


def _depths(tree: Any) -> Array:
    """(N,) splits above each node; a parent comes before its children."""
    depth = np.zeros(tree.node_count)
    for node, (left, right) in enumerate(zip(tree.children_left, tree.children_right, strict=True)):
        if left >= 0:
            depth[[left, right]] = depth[node] + 1.0
    return depth


def _forest(
    model: Any,
    trees: Sequence[Any],
    values: Sequence[Array],
    *,
    base: Array,
    columns: Sequence[Any] | None = None,
    **options: Any,
) -> Forest:
    """`columns` names the features of the model that each tree counts from 0, where it saw only some."""
    leaf = np.concatenate([tree.children_left for tree in trees]) < 0
    features = [tree.feature for tree in trees]
    if columns is not None:
        features = [
            np.asarray(own)[np.maximum(tree.feature, 0)] if len(own) else tree.feature
            for tree, own in zip(trees, columns, strict=True)
        ]
    return Forest(
        features=int(model.n_features_in_),
        tree_starts=np.cumsum([0] + [tree.node_count for tree in trees]),
        questions=np.where(leaf, LEAF, THRESHOLD),
        split_features=np.concatenate(features),
        thresholds=np.concatenate([tree.threshold for tree in trees]),
        left=np.concatenate([tree.children_left for tree in trees]),
        right=np.concatenate([tree.children_right for tree in trees]),
        missing_left=np.concatenate([_missing_left(tree) for tree in trees]),
        cover=np.concatenate([tree.weighted_n_node_samples for tree in trees]),
        values=np.concatenate(values),
        base=base,
        single=True,
        feature_names=sklearn.feature_names(model),
        source=type(model).__name__,
        **options,
    )


def _missing_left(tree: Any) -> Any:
    found = getattr(tree, "missing_go_to_left", None)
    return tree.__getstate__()["nodes"]["missing_go_to_left"] if found is None else found


_READERS: dict[str, Callable[[Any, str], Forest | None]] = {
    **dict.fromkeys(
        (
            *("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"),
            *("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"),
        ),
        _of_averaged,
    ),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), _of_boosted),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), forest_of),
    "IsolationForest": _of_isolation,
}
