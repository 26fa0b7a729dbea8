"""Forests by the definitions: random ones, their answers, and Shapley values over all coalitions, in fractions.

Trees are lists of nodes as dicts, node 0 the root: {"feature", "threshold", "left", "right", "missing_left"} with
"categories" and "others_left" where the question is one of categories, or {"values": [...]}; all have a "cover".
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
from pellucid.whitebox.forest import CATEGORIES, LEAF, THRESHOLD, ZERO_IS_MISSING, Forest

LEAST_SHARE = Fraction(1e-12)


def random_tree(
    rng, features, *, depth, outputs=1, grid=6, categorical=(), missing=True, full=False, zero_missing=False
):
    """A tree at most `depth` deep, on thresholds of a coarse grid, so that features repeat and rows meet thresholds."""
    nodes = []

    def grow(level, cover):
        here = len(nodes)
        nodes.append({"cover": cover})
        if level == depth or (not full and level > 0 and rng.random() < 0.25):
            nodes[here]["values"] = rng.normal(size=outputs).tolist()
            return here
        feature = int(rng.integers(features))
        node = nodes[here]
        node.update(feature=feature, missing_left=bool(missing and rng.integers(2)))
        if feature in categorical:
            listed = rng.choice(grid, size=int(rng.integers(1, grid)), replace=False)
            node.update(categories=sorted(int(c) for c in listed), others_left=bool(rng.integers(2)))
        else:
            node.update(
                threshold=float(rng.integers(-grid, grid)) / 2, zero_missing=bool(zero_missing and rng.integers(2))
            )
        left = int(rng.integers(0, int(cover) + 1)) if cover >= 1 else 0
        node["left"] = grow(level + 1, float(left))
        node["right"] = grow(level + 1, float(cover - left))
        return here

    grow(0, float(rng.integers(20, 200)))
    return nodes


def forest_of(trees, features, *, outputs=1, tree_outputs=None, base=None, **options):
    """The Forest of such trees; with `tree_outputs` a leaf has one value."""
    nodes = [node for tree in trees for node in tree]
    lists = [node.get("categories", []) for node in nodes]

    def question(node):
        if "values" in node:
            return LEAF
        if "categories" in node:
            return CATEGORIES
        return ZERO_IS_MISSING if node.get("zero_missing") else THRESHOLD

    width = 1 if tree_outputs is not None else outputs
    return Forest(
        features=features,
        tree_starts=np.cumsum([0] + [len(tree) for tree in trees]),
        tree_outputs=tree_outputs,
        questions=[question(node) for node in nodes],
        split_features=[node.get("feature", -1) for node in nodes],
        thresholds=[node.get("threshold", 0.0) for node in nodes],
        left=[node.get("left", -1) for node in nodes],
        right=[node.get("right", -1) for node in nodes],
        missing_left=[node.get("missing_left", False) for node in nodes],
        others_left=[node.get("others_left", False) for node in nodes],
        category_starts=np.cumsum([0] + [len(one) for one in lists]) if any(lists) else None,
        categories=[c for one in lists for c in one] if any(lists) else None,
        cover=[node["cover"] for node in nodes],
        values=np.array([node.get("values", [0.0] * width) for node in nodes], dtype=float).reshape(len(nodes), width),
        base=np.zeros(outputs) if base is None else base,
        **options,
    )


def grown(seed, *, trees, features, **options):
    """A forest of `random_tree`s of depth 4 that never saw a missing value."""
    rng = np.random.default_rng(seed)
    made = [random_tree(rng, features, depth=4, missing=False) for _ in range(trees)]
    return forest_of(made, features, **options)


def goes_left(node, x, *, strict=False, single=False, negative_is_missing=False):
    if math.isnan(x):
        return node["missing_left"]
    if "categories" in node:
        if x < 0 and negative_is_missing:
            return node["missing_left"]
        return (math.trunc(x) in node["categories"]) != node["others_left"]
    if node.get("zero_missing") and abs(x) <= float(np.float32(1e-35)):
        return node["missing_left"]
    if single:
        x = float(np.float32(x))
    return x < node["threshold"] if strict else x <= node["threshold"]


def leaf(tree, x, **rules):
    node = tree[0]
    while "values" not in node:
        node = tree[node["left"] if goes_left(node, x[node["feature"]], **rules) else node["right"]]
    return node


def evaluate(trees, x, *, outputs=1, tree_outputs=None, base=None, **rules):
    """(outputs,) in fractions."""
    total = [Fraction(0)] * outputs if base is None else [Fraction(float(b)) for b in base]
    for t, tree in enumerate(trees):
        values = leaf(tree, x, **rules)["values"]
        for j, value in enumerate(values):
            total[j if tree_outputs is None else tree_outputs[t]] += Fraction(value)
    return total


def share(tree, node, child):
    """Of the cover of both children, the share of this one; 1/2 where there is none."""
    left, right = (Fraction(tree[node[side]]["cover"]) for side in ("left", "right"))
    if left + right == 0:
        return Fraction(1, 2)
    return max(Fraction(tree[node[child]]["cover"]) / (left + right), LEAST_SHARE)


def path_dependent_value(trees, x, known, *, outputs=1, tree_outputs=None, base=None, **rules):
    """v(S): follow x where the feature is known, average both ways by cover where it is not [lundberg2020]."""
    total = [Fraction(0)] * outputs if base is None else [Fraction(float(b)) for b in base]

    def add(t, tree, node, weight):
        if "values" in node:
            for j, value in enumerate(node["values"]):
                total[j if tree_outputs is None else tree_outputs[t]] += weight * Fraction(value)
        elif node["feature"] in known:
            add(t, tree, tree[node["left"] if goes_left(node, x[node["feature"]], **rules) else node["right"]], weight)
        else:
            for child in ("left", "right"):
                add(t, tree, tree[node[child]], weight * share(tree, node, child))

    for t, tree in enumerate(trees):
        add(t, tree, tree[0], Fraction(1))
    return total


def marginal_value(trees, x, known, background, weights=None, **options):
    """v(S): the mean over the background of f(x_S, b)."""
    weights = [Fraction(1, len(background))] * len(background) if weights is None else weights
    rows = [[x[i] if i in known else b[i] for i in range(len(x))] for b in background]
    parts = [evaluate(trees, row, **options) for row in rows]
    return [sum(w * p[j] for w, p in zip(weights, parts, strict=True)) for j in range(len(parts[0]))]


def shapley(v, players):
    """[players][outputs] by enumeration; v takes a frozenset of players."""
    worth = {
        frozenset(s): v(frozenset(s)) for r in range(players + 1) for s in itertools.combinations(range(players), r)
    }
    k = len(worth[frozenset()])
    phi = [[Fraction(0)] * k for _ in range(players)]
    for i in range(players):
        for s, value in worth.items():
            if i in s:
                continue
            weight = Fraction(math.factorial(len(s)) * math.factorial(players - len(s) - 1), math.factorial(players))
            for j in range(k):
                phi[i][j] += weight * (worth[s | {i}][j] - value[j])
    return phi


def interaction_index(v, players):
    """[i][j][outputs] pairwise Shapley interaction index [grabisch1999], 0 on the diagonal."""
    worth = {
        frozenset(s): v(frozenset(s)) for r in range(players + 1) for s in itertools.combinations(range(players), r)
    }
    k = len(worth[frozenset()])
    index = [[[Fraction(0)] * k for _ in range(players)] for _ in range(players)]
    for i, j in itertools.combinations(range(players), 2):
        for s in worth:
            if i in s or j in s:
                continue
            weight = Fraction(
                math.factorial(len(s)) * math.factorial(players - len(s) - 2), math.factorial(players - 1)
            )
            for o in range(k):
                both = worth[s | {i, j}][o] - worth[s | {i}][o] - worth[s | {j}][o] + worth[s][o]
                index[i][j][o] += weight * both
                index[j][i][o] = index[i][j][o]
    return index
