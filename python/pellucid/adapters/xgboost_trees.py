"""XGBoost: the trees of its own model document (`save_raw`, `save_model`), as it is since version 2.

x goes left when float32(x) < split_condition. A listed category goes right, any other one left, a negative one too; only NaN
goes where `default_left` says.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.adapters import sklearn
from pellucid.adapters.tree_documents import (
    joined,
    numbers,
    reading,
    refuse,
    require_names,
    require_outputs,
    same_length,
    single_numbers,
    small_numbers,
    starts_of,
    whole_numbers,
)
from pellucid.adapters.ubjson import read_ubjson
from pellucid.adapters.xgboost_meaning import base_margins, categories_of_features, link_of, meaning_of
from pellucid.whitebox import Forest
from pellucid.whitebox.forest import CATEGORIES, LEAF, THRESHOLD

if TYPE_CHECKING:
    from pellucid.whitebox import Linear


def find(model: Any, model_output: str | None) -> Forest | Linear | None:
    """The structure of a Booster or of a scikit-learn wrapper; the wrapper stops at its best iteration."""
    source = f"{type(model).__name__} of xgboost"
    wrapped = sklearn.has_method(model, "get_booster")
    if not wrapped and not sklearn.has_method(model, "save_raw"):
        return None
    if wrapped:
        sklearn.require_fitted(model)
        missing = getattr(model, "missing", None)
        if missing is not None and not math.isnan(missing):
            raise refuse(
                source,
                f"it takes the value {missing!r} for a missing one (its parameter missing=)",
                "train it with missing=nan on data where NaN marks what is missing, or explain it by its predictions",
            )
    booster = model.get_booster() if wrapped else model
    with reading(source):
        document = read_ubjson(bytes(booster.save_raw("ubj")))
        probability = sklearn.has_method(model, "predict_proba") and model_output != "value"
        return forest_of(
            document,
            model_output=model_output or ("probability" if probability else "value"),
            best=wrapped,
            classes=sklearn.class_names(model) if probability else (),
            source=source,
        )


def forest_of(
    document: Any,
    *,
    model_output: str,
    source: str,
    best: bool | None = None,
    iterations: int | None = None,
    classes: tuple[str, ...] = (),
) -> Forest | None:
    """The Forest of a model document; None for a linear booster.

    Parameters
    ----------
    document : as parsed from JSON or UBJSON.
    model_output : "raw", "value" or "probability".
    best : stop at the best iteration of early stopping; None where a scikit-learn wrapper saved the model.
    iterations : rounds to keep, before `best`.
    classes : names of the classes, where they are known.
    """
    learner = document["learner"]
    booster, parameters = learner["gradient_booster"], learner["learner_model_param"]
    if booster["name"] == "gblinear":
        return None
    dart = booster["name"] == "dart"
    if not dart and booster["name"] != "gbtree":
        raise refuse(source, f"its booster is {booster['name']!r}", "expected gbtree or dart")
    model = booster["gbtree"]["model"] if dart else booster["model"]
    outputs = max(1, int(parameters["num_class"]), int(parameters.get("num_target", 1)))
    require_outputs(outputs, source)
    trees = _kept_trees(model, learner, outputs, best=best, iterations=iterations)
    tree_outputs = small_numbers(model["tree_info"])[trees]
    weights = single_numbers(booster["weight_drop"])[trees] if dart else np.ones(len(tree_outputs))
    objective = str(learner["objective"]["name"])
    nodes = _nodes_of(model["trees"][trees], weights, outputs, source)
    meaning = meaning_of(objective, outputs)
    names = tuple(str(name) for name in learner.get("feature_names") or ())
    features = int(parameters["num_feature"])
    require_names(names, features, source)
    forest = Forest(
        features=features,
        base=base_margins(parameters["base_score"], objective, outputs, source),
        tree_outputs=tree_outputs if nodes["values"].shape[1] < outputs else None,
        strict=True,
        single=True,
        link=link_of(objective, outputs, model_output, source),
        outputs=classes if len(classes) == outputs > 1 else None,
        feature_names=names,
        margin=meaning,
        source=source,
        **nodes,
    )
    forest.feature_categories = categories_of_features(model.get("cats") or {}, tuple(document["version"]))
    return forest


def _kept_trees(model: Any, learner: Any, outputs: int, *, best: bool | None, iterations: int | None) -> slice:
    """The trees that predict uses, from the first one."""
    attributes = learner.get("attributes") or {}
    if best is None:
        best = "scikit_learn" in attributes
    if iterations is None and best and "best_iteration" in attributes:
        iterations = int(attributes["best_iteration"]) + 1
    count = len(model["trees"])
    if iterations is None:
        return slice(0, count)
    ends = model.get("iteration_indptr")
    if ends is None:
        size = max(1, int(model["gbtree_model_param"]["num_parallel_tree"])) * outputs
        ends = np.arange(0, count + 1, size)
    ends = whole_numbers(ends)
    return slice(0, int(np.clip(ends[min(max(iterations, 0), len(ends) - 1)], 0, count)))


def _nodes_of(trees: Any, weights: Any, outputs: int, source: str) -> dict[str, Any]:
    """The arrays of all nodes, tree after tree."""
    parts = [_tree(tree, weight, t, source) for t, (tree, weight) in enumerate(zip(trees, weights, strict=True))]
    counts = [len(part["left"]) for part in parts]
    nodes: dict[str, Any] = {"tree_starts": starts_of(counts)}
    for name in ("left", "right", "split_features", "thresholds", "missing_left", "questions"):
        nodes[name] = joined([part[name] for part in parts], np.float64)
    widths = {part["values"].shape[1] for part in parts}
    if len(widths) > 1 or not widths <= {1, outputs}:
        raise refuse(source, f"its leaves have {sorted(widths)} values", f"expected 1 or {outputs} in all trees")
    nodes["values"] = np.concatenate([part["values"] for part in parts]) if parts else np.zeros((0, 1))
    nodes["others_left"] = nodes["questions"] == CATEGORIES
    if parts and all("cover" in part for part in parts):
        nodes["cover"] = joined([part["cover"] for part in parts], np.float64)
    if nodes["others_left"].any():
        listed = [categories for part in parts for categories in part["categories"]]
        nodes["category_starts"] = starts_of([len(categories) for categories in listed])
        nodes["categories"] = joined(listed, np.int64)
    return nodes


def _tree(tree: Any, weight: float, number: int, source: str) -> dict[str, Any]:
    left, right = whole_numbers(tree["left_children"]), whole_numbers(tree["right_children"])
    conditions, leaf = single_numbers(tree["split_conditions"]), left == -1
    fields: dict[str, Any] = {
        "left": left,
        "right": right,
        "split_features": small_numbers(tree["split_indices"]),
        "missing_left": whole_numbers(tree["default_left"]) != 0,
        "thresholds": np.where(leaf, 0.0, conditions),
    }
    if len(tree.get("sum_hessian", ())):
        fields["cover"] = numbers(tree["sum_hessian"])
    kinds = whole_numbers(tree["split_type"]) if len(tree.get("split_type", ())) else np.zeros(len(left), dtype=np.int64)
    same_length({**fields, "split_type": kinds}, tree=number, source=source)
    fields["questions"] = np.where(leaf, LEAF, np.where(kinds == 1, CATEGORIES, THRESHOLD))
    width = int(tree["tree_param"].get("size_leaf_vector", 1))
    fields["values"] = _leaf_values(tree, leaf, right, conditions, max(1, width)) * weight
    categories = [np.zeros(0, dtype=np.int64)] * len(left)
    _list_categories(tree, categories)
    fields["categories"] = categories
    return _without_deleted(fields, leaf) if tree["tree_param"].get("num_deleted", "0") != "0" else fields


def _leaf_values(tree: Any, leaf: Any, right: Any, conditions: Any, width: int) -> Any:
    """(N, width), 0 where there is no leaf."""
    if width == 1:
        return np.where(leaf, conditions, 0.0)[:, None]
    if "leaf_weights" in tree:
        # Leaves are numbered where the right child of a split would be.
        vectors, rows = single_numbers(tree["leaf_weights"]).reshape(-1, width), np.where(leaf, right, 0)
        if len(vectors) and rows.min() < 0:
            raise IndexError("a leaf has a negative number")
        return np.where(leaf[:, None], vectors[rows], 0.0)
    return np.where(leaf[:, None], single_numbers(tree["base_weights"]).reshape(len(leaf), width), 0.0)


def _list_categories(tree: Any, listed: list[Any]) -> None:
    nodes = whole_numbers(tree.get("categories_nodes", ()))
    if not len(nodes):
        return
    every = whole_numbers(tree["categories"])
    starts, sizes = whole_numbers(tree["categories_segments"]), whole_numbers(tree["categories_sizes"])
    # Lists that overlap could name more categories than the file has bytes.
    if sizes.min() < 0 or sizes.sum() > len(every) or len(np.unique(nodes)) < len(nodes):
        raise ValueError("the categories of the nodes overlap")
    for node, start, size in zip(nodes.tolist(), starts.tolist(), sizes.tolist(), strict=True):
        if not (0 <= node < len(listed) and 0 <= start <= start + size <= len(every)):
            raise IndexError(f"the categories of node {node} are not in the list")
        listed[node] = every[start : start + size]


def _without_deleted(fields: dict[str, Any], leaf: Any) -> dict[str, Any]:
    """Pruning leaves nodes behind that nothing leads to: only what the root leads to is kept, under new numbers."""
    left, right = fields["left"], fields["right"]
    kept = np.zeros(len(left), dtype=bool)
    level = np.zeros(1, dtype=np.int64)
    while len(level):
        if level.min() < 0 or level.max() >= len(left) or kept[level].any():
            raise IndexError("a child is out of range or has two parents")
        kept[level] = True
        splits = level[~leaf[level]]
        level = np.concatenate([left[splits], right[splits]])
    number = np.cumsum(kept) - 1
    for side in ("left", "right"):
        fields[side] = np.where(leaf, -1, number[np.where(leaf, 0, fields[side])])
    categories = fields.pop("categories")
    compact = {name: array[kept] for name, array in fields.items()}
    compact["categories"] = [categories[i] for i in np.flatnonzero(kept)]
    return compact
