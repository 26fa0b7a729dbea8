"""CatBoost: the trees of the library's own JSON dump.

float32(x) goes right when it is above the border. NaN goes left where it counts as the smallest number or where the
model was trained without any, and right where it counts as the largest. A category goes right where the hash of its
text is that of the split. All nodes of a level of a symmetric tree ask the same question.
"""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.adapters import sklearn
from pellucid.adapters.catboost import own_names, require_fitted
from pellucid.adapters.city_hash import HashedTexts
from pellucid.adapters.tree_documents import joined, numbers, reading, refuse, require_outputs, small_numbers, starts_of
from pellucid.whitebox import Forest
from pellucid.whitebox.forest import CATEGORIES, LEAF, THRESHOLD

_LOGISTIC = {"Logloss", "Focal", "CrossEntropy", "MultiLogloss", "MultiCrossEntropy", "MultiClassOneVsAll"}
_EXPONENTIAL = {"Poisson", "Tweedie"}
# A deeper symmetric tree would have more leaves than a file can list.
_DEEPEST = 30


def find(model: Any, model_output: str | None) -> Forest | None:
    """The trees of a fitted CatBoost object."""
    source = f"{type(model).__name__} of catboost"
    if not sklearn.has_method(model, "save_model"):
        return None
    require_fitted(model)
    classifier = sklearn.has_method(model, "predict_proba") and model_output != "value"
    with reading(source):
        return forest_of(
            dump(model),
            model_output=model_output or ("probability" if classifier else "value"),
            plain=type(model).__name__ == "CatBoost",
            classes=sklearn.class_names(model) if classifier else (),
            source=source,
        )


def dump(model: Any) -> Any:
    """The model as the library writes it; it writes to files only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        return json.loads(path.read_bytes())


def forest_of(
    document: Any,
    *,
    model_output: str,
    source: str,
    plain: bool = False,
    iterations: int | None = None,
    classes: tuple[str, ...] = (),
) -> Forest:
    """The Forest of a dump.

    Parameters
    ----------
    document : the parsed dump.
    model_output : "raw", "value" or "probability".
    plain : predict gives margins whatever the loss, as that of the class `CatBoost` does.
    iterations : trees to keep.
    classes : names of the classes, where they are known.
    """
    infos = document["features_info"]
    columns, hashed = _columns(infos), _hashed(infos)
    scale, bias = document["scale_and_bias"]
    base = numbers(bias if isinstance(bias, list) else [bias])
    symmetric = "oblivious_trees" in document
    trees = document["oblivious_trees" if symmetric else "trees"][slice(iterations)]
    outputs = require_outputs(len(base), source)
    grow = _symmetric if symmetric else _free
    parts = [grow(tree, partial(_question, columns=columns, hashed=hashed, source=source), outputs) for tree in trees]
    fields: dict[str, Any] = {
        name: joined([part[name] for part in parts], np.float64)
        for name in ("left", "right", "split_features", "thresholds", "missing_left", "questions", "listed", "cover")
        if all(name in part for part in parts)
    }
    _add_categories(fields)
    loss = _loss_of(document)
    names = _names(infos)
    forest = Forest(
        features=len(names),
        tree_starts=starts_of([len(part["left"]) for part in parts]),
        values=np.concatenate([part["values"] for part in parts]) * float(scale) if parts else np.zeros((0, outputs)),
        base=base,
        single=True,
        link="identity" if model_output == "raw" or plain else _link_of(loss, outputs, model_output, source),
        outputs=classes if len(classes) == outputs > 1 else None,
        feature_names=own_names(names),
        margin=_meaning(loss),
        source=source,
        **fields,
    )
    forest.feature_categories = dict(hashed.values())
    return forest


def _columns(infos: Any) -> dict[int, tuple[int, bool]]:
    """Number of a float feature -> its column, and whether NaN goes left."""
    return {
        int(info["feature_index"]): (int(info["flat_feature_index"]), info["nan_value_treatment"] != "AsTrue")
        for info in infos.get("float_features", ())
    }


def _names(infos: Any) -> tuple[str, ...]:
    """Of all columns, those that no tree asks included."""
    every = [info for kind in infos if kind.endswith("_features") for info in infos[kind]]
    names = {int(info["flat_feature_index"]): str(info.get("feature_id", "")) for info in every}
    if sorted(names) != list(range(len(names))):
        raise ValueError("flat_feature_index must count the columns")
    return tuple(names[i] or str(i) for i in range(len(names)))


def _hashed(infos: Any) -> dict[int, tuple[int, HashedTexts]]:
    """Number of a categorical feature -> its column, and the hashes that splits ask for."""
    asked = [info for info in infos.get("categorical_features", ()) if len(info.get("values") or ())]
    hashes = [HashedTexts(small_numbers(info["values"]).tolist()) for info in asked]
    return {
        int(info["feature_index"]): (int(info["flat_feature_index"]), own)
        for info, own in zip(asked, hashes, strict=True)
    }


def _question(split: Any, *, columns: Any, hashed: Any, source: str) -> tuple[int, float, bool, int, int]:
    """Column, border, whether NaN goes left, what is asked, and which category goes right, or -1."""
    if split["split_type"] == "OneHotFeature":
        column, hashes = hashed[int(split["cat_feature_index"])]
        return column, 0.0, True, CATEGORIES, hashes.index(int(split["value"]))
    if split["split_type"] != "FloatFeature":
        ctr = split["split_type"] == "OnlineCtr"
        kind = "statistics of categories (ctr)" if ctr else f"splits of type {split['split_type']}"
        remedy = "train it with a one_hot_max_size of all categories" if ctr else "encode such columns as numbers"
        raise refuse(source, f"it has {kind}", f"{remedy}, or explain it by its predictions")
    column, missing_left = columns[int(split["float_feature_index"])]
    return column, float(np.float32(split["border"])), missing_left, THRESHOLD, -1


def _add_categories(fields: dict[str, Any]) -> None:
    """Each question about a category lists the one that goes right."""
    listed = fields.pop("listed", np.zeros(0))
    asks = listed >= 0
    if asks.any():
        fields |= {"others_left": asks, "category_starts": starts_of(asks), "categories": listed[asks]}


def _symmetric(tree: Any, question: Any, outputs: int) -> dict[str, Any]:
    """A full tree, level by level; the last split is the root's, as bit i of a leaf's number belongs to split i."""
    asked = [question(split) for split in reversed(tree.get("splits") or [])]
    values, weights = numbers(tree["leaf_values"]), numbers(tree.get("leaf_weights", []))
    depth = len(asked)
    leaves = 2 ** min(depth, _DEEPEST)
    if len(values) != leaves * outputs or depth > _DEEPEST:
        raise ValueError(f"a tree of {depth} splits has {len(values)} leaf values for {outputs} outputs")
    splits = leaves - 1
    level = np.repeat(np.arange(depth), 2 ** np.arange(depth))
    number, none = np.arange(splits), np.zeros(leaves, dtype=np.int64)
    column, border, missing, kind, listed = (
        np.array([one[j] for one in asked], dtype=t)[level] for j, t in enumerate((np.int64, float, bool, int, int))
    )
    found = {
        "left": np.concatenate([2 * number + 1, none]),
        "right": np.concatenate([2 * number + 2, none]),
        "split_features": small_numbers(np.concatenate([column, none])),
        "thresholds": np.concatenate([border, none]),
        "missing_left": np.concatenate([missing, none != 0]),
        "questions": np.concatenate([kind, np.full(leaves, LEAF)]),
        "listed": np.concatenate([listed, none - 1]),
        "values": np.concatenate([np.zeros((splits, outputs)), values.reshape(leaves, outputs)]),
    }
    if len(weights) == leaves:
        sums = [weights.reshape(2**j, -1).sum(axis=1) for j in range(depth)]
        found["cover"] = np.concatenate([*sums, weights])
    return found


def _free(tree: Any, question: Any, outputs: int) -> dict[str, Any]:
    """A tree of nested nodes, without recursion: a node's number is fixed when its parent is met."""
    nodes: list[Any] = [tree]
    left, right, rows = [], [], []
    values: list[Any] = []
    for node in nodes:
        if "value" in node:
            value = node["value"] if isinstance(node["value"], list) else [node["value"]]
            if len(value) != outputs:
                raise ValueError(f"a leaf has {len(value)} values for {outputs} outputs")
            values.append(value)
            left.append(0)
            right.append(0)
            rows.append((0, 0.0, False, LEAF, -1))
            continue
        values.append([0.0] * outputs)
        left.append(len(nodes))
        right.append(len(nodes) + 1)
        nodes += [node["left"], node["right"]]
        rows.append(question(node["split"]))
    column, border, missing, questions, listed = (np.array(part) for part in zip(*rows, strict=True))
    found = {
        "left": np.array(left),
        "right": np.array(right),
        "split_features": small_numbers(column),
        "thresholds": border,
        "missing_left": missing,
        "questions": questions,
        "listed": listed,
        "values": np.array(values, dtype=np.float64).reshape(-1, outputs),
    }
    weights = [float(node.get("weight", -1.0)) for node in nodes]
    for i in reversed(range(len(nodes))):
        if questions[i] != LEAF:
            weights[i] = weights[left[i]] + weights[right[i]]
    return {**found, "cover": np.array(weights)} if min(weights) >= 0 else found


def _loss_of(document: Any) -> str:
    parameters = (document.get("model_info") or {}).get("params") or {}
    loss = parameters.get("loss_function")
    return str(loss["type"]) if isinstance(loss, dict) else ""


def _link_of(loss: str, outputs: int, model_output: str, source: str) -> str:
    if model_output == "probability":
        if loss == "MultiClass":
            return "softmax"
        if loss in _LOGISTIC:
            return "logistic" if outputs == 1 else "logistic_each"
        raise refuse(source, f"the probabilities of the loss {loss!r} are not known", "use model_output='raw'")
    if loss == "RMSEWithUncertainty":
        raise refuse(source, "it predicts a mean and a variance, each with a link of its own", "use model_output='raw'")
    return "exp" if loss in _EXPONENTIAL else "identity"


def _meaning(loss: str) -> str:
    if loss == "MultiClass":
        return "log-odds up to a constant per row"
    if loss in _LOGISTIC:
        return "log-odds"
    return "logarithm of the prediction" if loss in _EXPONENTIAL else "prediction"
