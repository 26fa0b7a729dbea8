"""Histogram gradient boosting of scikit-learn: doubles, categories, and a preprocessor that moves columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters import sklearn
from pellucid.errors import ModelFormatError
from pellucid.whitebox.forest import CATEGORIES, LEAF, THRESHOLD, Forest
from pellucid.whitebox.labels import native_values

_LINKS = {"IdentityLink": "identity", "LogLink": "exp"}


def forest_of(model: Any, output: str) -> Forest | None:
    """The trees of a HistGradientBoosting model; None where it has no such output."""
    classifies = sklearn.has_method(model, "predict_proba")
    if output not in (("probability", "raw") if classifies else ("value",)):
        return None
    nodes, starts, columns = _nodes(model)
    leaf, categorical = nodes["is_leaf"] != 0, nodes["is_categorical"] != 0
    several = model.n_trees_per_iteration_ > 1
    lists, others_left = _categories(model, nodes, starts, columns)
    forest = Forest(
        features=int(model.n_features_in_),
        tree_starts=starts,
        tree_outputs=np.tile(np.arange(model.n_trees_per_iteration_), len(model._predictors)),
        questions=np.where(leaf, LEAF, np.where(categorical, CATEGORIES, THRESHOLD)),
        split_features=columns[np.where(leaf, 0, nodes["feature_idx"])],
        thresholds=np.where(leaf | categorical, 0.0, nodes["num_threshold"]),
        left=nodes["left"],
        right=nodes["right"],
        missing_left=nodes["missing_go_to_left"],
        others_left=others_left,
        category_starts=np.cumsum([0] + [len(listed) for listed in lists]) if categorical.any() else None,
        categories=np.concatenate(lists) if categorical.any() else None,
        cover=nodes["count"],
        values=nodes["value"][:, None],
        base=np.asarray(model._baseline_prediction, dtype=np.float64).ravel(),
        negative_is_missing=True,
        link=_link(model, output, several),
        outputs=sklearn.class_names(model) if several else None,
        feature_names=sklearn.feature_names(model),
        margin=_margin(model, output, several),
        source=type(model).__name__,
    )
    forest.feature_categories = _feature_categories(model)
    return forest


def _nodes(model: Any) -> tuple[Any, NDArray[np.int64], NDArray[np.int64]]:
    """All nodes, where trees start, and the column of the user that each feature of the trees is."""
    trees = [tree.nodes for stage in model._predictors for tree in stage]
    starts = np.cumsum([0] + [len(tree) for tree in trees])
    columns = np.arange(model.n_features_in_)
    if getattr(model, "_preprocessor", None) is not None:
        chosen = np.asarray(model.is_categorical_, dtype=bool)
        columns = np.concatenate([columns[chosen], columns[~chosen]])
    return np.concatenate(trees), starts, columns


def _categories(
    model: Any, nodes: Any, starts: Any, columns: NDArray[np.int64]
) -> tuple[list[NDArray[np.int64]], NDArray[np.uint8]]:
    """What is listed at each node. Categories that were never seen go with the missing ones.

    So the side that is listed is the one where the missing ones are not, and the others go with them.
    """
    lists: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)] * len(nodes)
    asked = np.flatnonzero((nodes["is_leaf"] == 0) & (nodes["is_categorical"] != 0))
    if not len(asked):
        return lists, np.zeros(len(nodes), dtype=np.uint8)
    known_bits, place = model._bin_mapper.make_known_categories_bitsets()
    trees = [tree for stage in model._predictors for tree in stage]
    for node in asked:
        tree = trees[int(np.searchsorted(starts, node, side="right")) - 1]
        row = nodes[node]
        goes_left = _members(tree.raw_left_cat_bitsets[row["bitset_idx"]])
        known = _members(known_bits[place[row["feature_idx"]]])
        lists[node] = np.setdiff1d(known, goes_left) if row["missing_go_to_left"] else goes_left
    return lists, np.asarray(nodes["missing_go_to_left"], dtype=np.uint8)


def _members(bits: Any) -> NDArray[np.int64]:
    """Numbers whose bit is set in eight words of 32."""
    words = np.ascontiguousarray(bits, dtype="<u4").view(np.uint8)
    return np.flatnonzero(np.unpackbits(words, bitorder="little")).astype(np.int64)


def _feature_categories(model: Any) -> dict[int, tuple[Any, ...]]:
    """The values that the user's categorical columns have, by the code that the trees know them by."""
    if getattr(model, "_preprocessor", None) is None:
        return {}
    encoder = model._preprocessor.named_transformers_["encoder"]
    chosen = np.flatnonzero(np.asarray(model.is_categorical_, dtype=bool))
    if any(value is None for values in encoder.categories_ for value in values):
        raise ModelFormatError(
            f"the {type(model).__name__} was fitted with None among its categories, which it does not take for a "
            "missing value; write NaN instead"
        )
    return {int(j): native_values(values) for j, values in zip(chosen, encoder.categories_, strict=True)}


def _link(model: Any, output: str, several: bool) -> str:
    if output == "probability":
        return "softmax" if several else "logistic"
    if output == "raw":
        return "identity"
    name = type(model._loss.link).__name__
    if name not in _LINKS:
        raise ModelFormatError(f"loss of the {type(model).__name__} has the link {name}, which is not known")
    return _LINKS[name]


def _margin(model: Any, output: str, several: bool) -> str:
    if output == "value":
        return "log of the prediction" if _link(model, output, several) == "exp" else "prediction"
    return "log-odds up to a constant" if several else "log-odds"
