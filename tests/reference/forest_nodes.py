"""A Forest as lists of nodes, for the definitions in fractions, and games played with a library's own answers."""

from __future__ import annotations

import itertools
from fractions import Fraction
from itertools import pairwise

import numpy as np
from pellucid.whitebox.forest import CATEGORIES, LEAF, ZERO_IS_MISSING


def nodes_of(forest):
    """(trees, rules): the trees as dicts, and how `evaluate` and `path_dependent_value` must read them."""
    a = forest.arrays
    trees = [[_node(a, i) for i in range(first, last)] for first, last in pairwise(a["tree_starts"].tolist())]
    rules = {name: a[name] for name in ("strict", "single", "negative_is_missing")}
    own = a["tree_outputs"].tolist() or None
    return trees, {"outputs": len(a["base"]), "tree_outputs": own, "base": a["base"], **rules}


def _node(a, i):
    node = {"cover": float(a["cover"][i])} if len(a["cover"]) else {}
    if a["questions"][i] == LEAF:
        return {**node, "values": a["values"][i].tolist()}
    node |= {"feature": int(a["split_features"][i]), "missing_left": bool(a["missing_left"][i])}
    node |= {"left": int(a["left"][i]), "right": int(a["right"][i])}
    if a["questions"][i] == CATEGORIES:
        listed = a["categories"][a["category_starts"][i] : a["category_starts"][i + 1]]
        return {**node, "categories": set(listed.tolist()), "others_left": bool(a["others_left"][i])}
    return {**node, "threshold": float(a["thresholds"][i]), "zero_missing": a["questions"][i] == ZERO_IS_MISSING}


def coalitions(players):
    return [frozenset(s) for r in range(players + 1) for s in itertools.combinations(range(players), r)]


def worths(margins, x, background, weights=None):
    """{coalition: [v]}: the weighted mean of what the library answers to x with the rest from the background."""
    all_of_them = coalitions(len(x))
    known = np.array([[i in s for i in range(len(x))] for s in all_of_them])
    rows = np.where(known[:, None], x, background[None])
    answers = np.asarray(margins(rows.reshape(-1, len(x)))).reshape(len(known), len(background), -1)
    shares = [Fraction(1, len(background))] * len(background) if weights is None else [Fraction(w) for w in weights]
    return {
        s: [sum(w * Fraction(v) for w, v in zip(shares, each, strict=True)) for each in answer.T.tolist()]
        for s, answer in zip(all_of_them, answers, strict=True)
    }


def scale_of(forest):
    """The largest margin there could be, and the number of trees."""
    a = forest.arrays
    sizes = [np.abs(a["values"][first:last]).max() for first, last in pairwise(a["tree_starts"].tolist())]
    return float(np.abs(a["base"]).max() + sum(sizes)), len(sizes)
