"""LightGBM: the trees of its own model text.

x goes left when x <= threshold, where |x| <= 1e-35 counts as 0, and so does NaN unless the split knows missing values.
A listed category goes left, any other one, a negative one and NaN go right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.adapters import sklearn
from pellucid.adapters.boosting import own_names
from pellucid.adapters.lightgbm_text import ModelText, column, integers, parse_text
from pellucid.adapters.tree_documents import joined, reading, refuse, require_outputs, small_numbers, starts_of
from pellucid.whitebox import Forest
from pellucid.whitebox.forest import CATEGORIES, LEAF, THRESHOLD, ZERO_IS_MISSING

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_NO_MISSING, _ZERO_MISSING, _NAN_MISSING = 0, 1, 2

# predict takes a number this small for 0, before any tree sees it.
_ZERO = float(np.float32(1e-35))

# Fields with an entry for each split of a tree.
_OF_SPLITS: dict[str, Any] = {
    "left_child": int,
    "right_child": int,
    "split_feature": int,
    "decision_type": int,
    "threshold": float,
}

_EXPONENTIAL = {"poisson", "gamma", "tweedie"}
_IDENTITY = {
    "regression",
    "regression_l1",
    "huber",
    "fair",
    "quantile",
    "mape",
    "lambdarank",
    "rank_xendcg",
    "custom",
    "none",
    "",
}


def find(model: Any, model_output: str | None) -> Forest | None:
    """The trees of a Booster or of a scikit-learn wrapper, up to the best iteration, as its predict uses them."""
    source = f"{type(model).__name__} of lightgbm"
    wrapped = sklearn.has_method(model, "get_params")
    if wrapped:
        sklearn.require_fitted(model)
    booster: Any = getattr(model, "booster_", None) if wrapped else model
    if not sklearn.has_method(booster, "model_to_string"):
        return None
    with reading(source):
        # The number of rounds is left to the library: up to the best one, where there is one.
        text = parse_text(booster.model_to_string(), source)
        probability = sklearn.has_method(model, "predict_proba") and model_output != "value"
        categories = getattr(booster, "pandas_categorical", None) or []
        return forest_of(
            ModelText(text.head, text.trees, categories),
            model_output=model_output or ("probability" if probability else "value"),
            classes=sklearn.class_names(model) if probability else (),
            source=source,
        )


def forest_of(
    text: ModelText, *, model_output: str, source: str, iterations: int | None = None, classes: tuple[str, ...] = ()
) -> Forest:
    """The Forest of a model text for the output "raw", "value" or "probability"; `iterations` are rounds to keep."""
    outputs = require_outputs(int(text.head["num_tree_per_iteration"]), source)
    trees = text.trees if iterations is None else text.trees[: max(iterations, 0) * outputs]
    nodes = _nodes_of(trees, source)
    # A random forest is a mean for predict, but its raw score is the sum.
    if "average_output" in text.head and trees and model_output != "raw":
        nodes["values"] = nodes["values"] / (len(trees) / outputs)
    objective, options = _objective(text.head.get("objective", ""))
    names = tuple(text.head["feature_names"].split(" "))
    if len(names) != int(text.head["max_feature_idx"]) + 1:
        raise refuse(source, f"it has {len(names)} feature names", f"expected max_feature_idx + 1, {names[:3]}...")
    link = "identity" if model_output == "raw" else _link_of(objective, options, outputs, model_output, source)
    forest = Forest(
        features=len(names),
        base=np.zeros(outputs),
        tree_outputs=np.arange(len(trees)) % outputs if outputs > 1 else None,
        link=link,
        outputs=classes if len(classes) == outputs > 1 else None,
        feature_names=own_names(names),
        margin=_meaning(objective),
        source=source,
        **nodes,
    )
    forest.feature_categories = _categories_of_features(text, source)
    return forest


def _nodes_of(trees: list[dict[str, str]], source: str) -> dict[str, Any]:
    """Arrays of all trees: of each first its splits, then its leaves, as the library numbers both."""
    if any(int(tree.get("is_linear", "0")) for tree in trees):
        raise refuse(source, "its leaves hold linear models (linear_tree)", "explain it by its predictions")
    leaves = np.array([int(tree["num_leaves"]) for tree in trees], dtype=np.int64)
    read = {name: column(trees, name, number) for name, number in _OF_SPLITS.items()}
    values, found = column(trees, "leaf_value", float)
    _require_counts(leaves, found, {name: counts for name, (_, counts) in read.items()}, source)
    splits = leaves - 1
    starts = starts_of(splits + leaves)
    of = np.repeat(np.arange(len(trees)), splits)
    # A node is its place within its tree plus the first node of that tree.
    inner = np.arange(len(of)) + (starts[:-1] - starts_of(splits)[:-1])[of]
    outer = np.ones(starts[-1], dtype=bool)
    outer[inner] = False
    field = {name: array for name, (array, _) in read.items()}
    decisions, thresholds = field["decision_type"], field["threshold"]
    categorical, missing = (decisions & _CATEGORICAL) != 0, (decisions >> 2) & 3

    def spread(of_splits: Any, dtype: Any, of_leaves: int = 0) -> Any:
        all_nodes = np.full(len(outer), of_leaves, dtype=dtype)
        all_nodes[inner] = of_splits
        return all_nodes

    nodes: dict[str, Any] = {
        "tree_starts": starts,
        "left": spread(_children(field["left_child"], splits[of]), np.int64),
        "right": spread(_children(field["right_child"], splits[of]), np.int64),
        "split_features": spread(small_numbers(field["split_feature"]), np.int32),
        "thresholds": spread(np.where(categorical, 0.0, _past_zero(thresholds)), np.float64),
        "missing_left": spread(_missing_left(decisions, missing, thresholds), bool),
        "questions": spread(_questions(categorical, missing), np.uint8, LEAF),
        "values": np.zeros((len(outer), 1)),
    }
    nodes["values"][outer, 0] = values
    if trees:
        _add_cover(nodes, trees, leaves, inner, outer)
    if categorical.any():
        listed = []
        for tree, first, last in zip(trees, starts_of(splits)[:-1], starts_of(splits)[1:], strict=True):
            listed += _listed(tree, categorical[first:last], thresholds[first:last])
            listed += [np.zeros(0, dtype=np.int64)] * (int(last - first) + 1)
        nodes["category_starts"] = starts_of([len(categories) for categories in listed])
        nodes["categories"] = joined(listed, np.int64)
    return nodes


def _require_counts(leaves: Any, values: Any, of_splits: dict[str, Any], source: str) -> None:
    """Every tree has a value for each leaf, and one less of everything that splits have."""
    wrong = (leaves < 1) | (values != leaves)
    for counts in of_splits.values():
        wrong |= counts != leaves - 1
    if wrong.any():
        tree = int(np.argmax(wrong))
        lengths = {name: int(counts[tree]) for name, counts in of_splits.items()}
        raise refuse(
            source,
            f"tree {tree} claims {leaves[tree]} leaves, but has {values[tree]} values and {lengths}",
            "save it again with lightgbm",
        )


def _add_cover(nodes: dict[str, Any], trees: list[dict[str, str]], leaves: Any, inner: Any, outer: Any) -> None:
    """Training rows of all nodes, where every tree has them; a tree of one leaf may do without."""
    of_splits, splits_counted = column(trees, "internal_count", int)
    of_leaves, leaves_counted = column(trees, "leaf_count", int)
    known = leaves_counted == leaves
    if (splits_counted != leaves - 1).any() or (~known & (leaves > 1)).any():
        return
    cover = np.zeros(len(outer))
    cover[inner] = of_splits
    at = np.flatnonzero(outer)[np.repeat(known, leaves)]
    cover[at] = of_leaves[np.repeat(known, leaves_counted)]
    nodes["cover"] = cover


def _children(children: Any, splits: Any) -> Any:
    """-1 is leaf 0, -2 leaf 1, and so on."""
    return np.where(children >= 0, children, splits + ~children)


def _past_zero(thresholds: Any) -> Any:
    """A threshold among the numbers that count as 0 has all of them on the side of 0."""
    beyond = np.where(thresholds >= 0.0, _ZERO, np.nextafter(-_ZERO, -np.inf))
    return np.where(np.abs(thresholds) <= _ZERO, beyond, thresholds)


def _questions(categorical: Any, missing: Any) -> Any:
    return np.where(categorical, CATEGORIES, np.where(missing == _ZERO_MISSING, ZERO_IS_MISSING, THRESHOLD))


def _missing_left(decisions: Any, missing: Any, thresholds: Any) -> Any:
    """Where the split knows no missing values NaN is compared as 0; NaN of a category goes right like any other one."""
    default = np.where(missing == _NO_MISSING, thresholds >= 0.0, (decisions & _DEFAULT_LEFT) != 0)
    return np.where((decisions & _CATEGORICAL) != 0, False, default)


def _listed(fields: dict[str, str], categorical: Any, thresholds: Any) -> list[Any]:
    """For each split its categories: bits of 32-bit words, from the boundary that the threshold counts."""
    listed = [np.zeros(0, dtype=np.int64)] * len(categorical)
    if not categorical.any():
        return listed
    boundaries, words = integers(fields["cat_boundaries"]), integers(fields["cat_threshold"])
    if len(words) and (words.min() < 0 or words.max() >= 2**32):
        raise ValueError("cat_threshold must have words of 32 bits")
    # Entries used twice could name more categories than the file has bytes.
    if len(np.unique(thresholds[categorical])) < categorical.sum() or (np.diff(boundaries) < 0).any():
        raise ValueError("the categories of the splits overlap")
    for split in np.flatnonzero(categorical):
        entry = int(thresholds[split])
        if not 0 <= entry < len(boundaries) - 1:
            raise IndexError(f"cat_boundaries has no entry {entry}")
        first, last = int(boundaries[entry]), int(boundaries[entry + 1])
        if not 0 <= first <= last <= len(words):
            raise IndexError(f"cat_threshold has no words {first} to {last}")
        bits = np.unpackbits(words[first:last].astype("<u4").view(np.uint8), bitorder="little")
        listed[split] = np.flatnonzero(bits)
    return listed


def _objective(text: str) -> tuple[str, dict[str, str]]:
    """ "binary sigmoid:1" as its name and options."""
    name, *options = text.split(" ") if text else [""]
    return name, {key: value for key, _, value in (option.partition(":") for option in options)}


def _link_of(objective: str, options: dict[str, str], outputs: int, model_output: str, source: str) -> str:
    slope = float(options.get("sigmoid", 1.0))
    if not 0.0 < slope < np.inf:
        raise refuse(source, f"the slope of its sigmoid is {slope}", "expected a positive number")
    steep = "" if slope == 1.0 else f":{slope!r}"
    if objective == "binary":
        return f"logistic{steep}" if model_output == "probability" else f"logistic_each{steep}"
    if objective == "multiclass":
        return "softmax"
    if objective == "multiclassova":
        return f"logistic_each{steep}"
    if objective == "cross_entropy":
        return "logistic_each"
    if objective in _EXPONENTIAL:
        return "exp"
    if objective == "cross_entropy_lambda":
        return "softplus"
    if objective in _IDENTITY:
        return "signed_square" if "sqrt" in options else "identity"
    raise refuse(source, f"the link of the objective {objective!r} is not known", "use model_output='raw'")


def _meaning(objective: str) -> str:
    if objective in {"binary", "multiclassova", "cross_entropy"}:
        return "log-odds"
    if objective == "multiclass":
        return "log-odds up to a constant per row"
    return "logarithm of the prediction" if objective in _EXPONENTIAL else "prediction"


def _categories_of_features(text: ModelText, source: str) -> dict[int, tuple[Any, ...]]:
    """Which column each list of training categories belongs to: the text has them in order, without the columns."""
    lists = text.pandas_categorical
    if not lists:
        return {}
    # "[low:high]" is a numeric column, "0:1:2" a categorical one, "none" one that no split could use.
    infos = text.head.get("feature_infos", "").split(" ")
    certain = [i for i, info in enumerate(infos) if not info.startswith("[") and info != "none"]
    possible = [i for i, info in enumerate(infos) if not info.startswith("[")]
    columns = next((found for found in (certain, possible) if len(found) == len(lists)), None)
    if columns is None:
        raise refuse(
            source,
            f"it has training categories of {len(lists)} columns, but {len(certain)} columns that are categorical, and "
            "does not say which are which",
            "train it on whole numbers instead of category columns, or explain it by its predictions",
        )
    return {column: tuple(values) for column, values in zip(columns, lists, strict=True)}
