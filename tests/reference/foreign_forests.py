"""Forests read from foreign libraries, evaluated by their own arrays, and the rows at which readers go wrong."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from pellucid.whitebox.forest import CATEGORIES, LEAF, ZERO_IS_MISSING


def plain_margins(forest, rows):
    """(n, k) as the definition of the arrays has it, a row and a tree at a time."""
    a = forest.arrays
    total = np.tile(a["base"], (len(rows), 1))
    for t, first in enumerate(a["tree_starts"][:-1]):
        for r, x in enumerate(rows):
            values = a["values"][first + leaf_of(a, first, x)]
            if len(a["tree_outputs"]):
                total[r, a["tree_outputs"][t]] += values[0]
            else:
                total[r] += values
    return total


def leaf_of(a, first, x):
    node = 0
    while a["questions"][first + node] != LEAF:
        i = first + node
        node = a["left"][i] if goes_left(a, i, float(x[a["split_features"][i]])) else a["right"][i]
    return node


def goes_left(a, i, x):
    if math.isnan(x):
        return bool(a["missing_left"][i])
    if a["questions"][i] == CATEGORIES:
        listed = a["categories"][a["category_starts"][i] : a["category_starts"][i + 1]]
        whole = math.trunc(x)
        return bool((whole in listed) != bool(a["others_left"][i]))
    if a["questions"][i] == ZERO_IS_MISSING and abs(x) <= np.float32(1e-35):
        return bool(a["missing_left"][i])
    if a["single"]:
        x = float(np.float32(x))
    return x < a["thresholds"][i] if a["strict"] else x <= a["thresholds"][i]


def hard_rows(forest, X, rng, *, count=120, missing=True):
    """Rows of X with entries at thresholds, their neighbours in float64 and float32, NaN, zeros, unseen categories."""
    a = forest.arrays
    rows = np.array(X[rng.integers(len(X), size=count)], dtype=np.float64)
    splits = np.flatnonzero(a["questions"] != LEAF)
    for row in rows:
        for i in rng.choice(splits, size=min(6, len(splits)), replace=False):
            column = a["split_features"][i]
            if a["questions"][i] == CATEGORIES:
                row[column] = rng.choice([0, 1, 31, 32, 33, 63, 64, 100, 5000])
                continue
            t = a["thresholds"][i]
            single = np.float32(t)
            near = [t, np.nextafter(t, -np.inf), np.nextafter(t, np.inf)]
            near += [float(np.nextafter(single, np.float32(s))) for s in (-np.inf, np.inf)]
            row[column] = rng.choice([*near, 0.0, -0.0, 1e-36, -1e-36])
        if missing and rng.random() < 0.5:
            row[rng.integers(len(row))] = np.nan
    return rows


def assert_margins(forest, rows, expected, *, single=True):
    """Equal up to the rounding of the library's own sums."""
    expected = np.asarray(expected, dtype=np.float64).reshape(len(rows), -1)
    got = plain_margins(forest, rows)
    a = forest.arrays
    scale = np.abs(a["base"]).max() + sum(
        np.abs(a["values"][first:last]).max() for first, last in pairwise(a["tree_starts"])
    )
    unit = np.finfo(np.float32 if single else np.float64).eps
    np.testing.assert_allclose(got, expected, rtol=0, atol=2 * unit * scale * (1 + math.log2(len(a["tree_starts"]))))
