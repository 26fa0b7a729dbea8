"""The nodes of all trees of an XGBoost document as flat arrays: a field of all trees is looked at as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters.tree_documents import numbers, refuse, single_numbers, small_numbers, starts_of, whole_numbers
from pellucid.whitebox.forest import CATEGORIES, LEAF, THRESHOLD


def nodes_of(trees: Any, weights: NDArray[np.float64], outputs: int, source: str) -> dict[str, Any]:
    """What `Forest` takes of nodes: children, questions, values times the weight of their tree, cover where known."""
    counts = np.array([len(tree["left_children"]) for tree in trees], dtype=np.int64)

    def field(name: str) -> Any:
        parts = [np.asarray(tree[name]) for tree in trees]
        wrong = next((t for t, part in enumerate(parts) if len(part) != counts[t]), None)
        if wrong is not None:
            raise refuse(
                source,
                f"tree {wrong} has {counts[wrong]} nodes, but {len(parts[wrong])} entries of {name}",
                "save it again with xgboost",
            )
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    left, right = whole_numbers(field("left_children")), whole_numbers(field("right_children"))
    conditions, leaf = single_numbers(field("split_conditions")), left == -1
    nodes: dict[str, Any] = {
        "left": left,
        "right": right,
        "split_features": small_numbers(field("split_indices")),
        "missing_left": whole_numbers(field("default_left")) != 0,
        "thresholds": np.where(leaf, 0.0, conditions),
        "questions": np.where(leaf, LEAF, THRESHOLD),
        "values": _leaf_values(trees, counts, leaf, right, conditions, outputs, source),
    }
    nodes["values"] *= np.repeat(weights, counts)[:, None]
    if trees and all(len(tree.get("sum_hessian", ())) for tree in trees):
        nodes["cover"] = numbers(field("sum_hessian"))
    if any(len(tree.get("categories_nodes", ())) for tree in trees):
        _add_categories(nodes, trees, counts, ~leaf & (whole_numbers(field("split_type")) == 1))
    nodes["others_left"] = nodes["questions"] == CATEGORIES
    if any(tree["tree_param"].get("num_deleted", "0") != "0" for tree in trees):
        return _without_deleted(nodes, counts, leaf)
    return {**nodes, "tree_starts": starts_of(counts)}


def _leaf_values(trees: Any, counts: Any, leaf: Any, right: Any, conditions: Any, outputs: int, source: str) -> Any:
    """(N, 1 or outputs), 0 where there is no leaf."""
    widths = {max(1, int(tree["tree_param"].get("size_leaf_vector", 1))) for tree in trees}
    if len(widths) > 1 or not widths <= {1, outputs}:
        raise refuse(source, f"its leaves have {sorted(widths)} values", f"expected 1 or {outputs} in all trees")
    if widths <= {1}:
        return np.where(leaf, conditions, 0.0)[:, None]
    values = np.zeros((len(leaf), outputs))
    ends = np.cumsum(counts)
    for tree, first, last in zip(trees, ends - counts, ends, strict=True):
        here = np.flatnonzero(leaf[first:last])
        # The leaves of newer versions are numbered where the right child of a split would be.
        vectors = single_numbers(tree["leaf_weights" if "leaf_weights" in tree else "base_weights"]).reshape(
            -1, outputs
        )
        rows = right[first:last][here] if "leaf_weights" in tree else here
        if len(rows) and rows.min() < 0:
            raise IndexError("a leaf has a negative number")
        values[first + here] = vectors[rows]
    return values


def _add_categories(nodes: dict[str, Any], trees: Any, counts: Any, categorical: Any) -> None:
    """Lists of categories stand one after the other, in the order of the nodes: the library writes nothing else."""
    lists = np.zeros(len(categorical), dtype=np.int64)
    parts = []
    for tree, first, count in zip(trees, np.cumsum(counts) - counts, counts, strict=True):
        if not len(tree["categories_nodes"]):
            continue
        where, sizes = whole_numbers(tree["categories_nodes"]), whole_numbers(tree["categories_sizes"])
        starts, listed = whole_numbers(tree["categories_segments"]), whole_numbers(tree["categories"])
        ascending = (np.diff(where) > 0).all() and where[0] >= 0 and where[-1] < count
        if not ascending or sizes.min() < 0 or not np.array_equal(np.append(starts, len(listed)), starts_of(sizes)):
            raise ValueError("the categories of the nodes do not stand one after the other")
        lists[first + where] = sizes
        parts.append(listed)
    if lists[~categorical].any():
        raise ValueError("categories are listed for a node that does not ask for them")
    nodes["questions"] = np.where(categorical, CATEGORIES, nodes["questions"])
    nodes["category_starts"] = starts_of(lists)
    nodes["categories"] = np.concatenate(parts)


def _without_deleted(nodes: dict[str, Any], counts: Any, leaf: Any) -> dict[str, Any]:
    """Pruning leaves nodes behind that nothing leads to: only what roots lead to is kept, under new numbers."""
    starts, own_tree = starts_of(counts), np.repeat(np.arange(len(counts)), counts)
    first = starts[own_tree]
    kept = np.zeros(len(leaf), dtype=bool)
    level = starts[:-1]
    while len(level):
        kept[level] = True
        splits = level[~leaf[level]]
        children = np.concatenate([nodes["left"][splits], nodes["right"][splits]])
        owners = np.concatenate([own_tree[splits]] * 2)
        level = starts[owners] + children
        if (children < 0).any() or (children >= counts[owners]).any() or kept[level].any():
            raise IndexError("a child is out of range or has two parents")
    number = np.cumsum(kept) - 1
    for side in ("left", "right"):
        child = first + np.where(kept & ~leaf, nodes[side], 0)
        nodes[side] = number[child] - number[first]
    lists = {}
    if "category_starts" in nodes:
        sizes = np.diff(nodes.pop("category_starts"))
        lists["categories"] = nodes.pop("categories")[np.repeat(kept, sizes)]
        lists["category_starts"] = starts_of(sizes[kept])
    compact = {name: array[kept] for name, array in nodes.items()}
    return {**compact, **lists, "tree_starts": starts_of(np.bincount(own_tree[kept], minlength=len(counts)))}
