"""Rows at which a reading of a model goes wrong first: at and beside its thresholds, missing, of odd categories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.space import Space
from pellucid.whitebox import Forest
from pellucid.whitebox.forest import CATEGORIES, LEAF, ZERO_IS_MISSING

Array = NDArray[np.float64]

# Splits that are met; each makes five rows.
SPLITS = 12
COLUMNS = 8
CATEGORIES_EACH = 8


def at_thresholds(structure: Any, space: Space, given: Array) -> Array:
    """Rows that reach a split with its threshold, its neighbours in single and in double precision, and zeros."""
    made: list[Array] = []
    for row, node in visited(structure, given):
        column, t = _column(structure, node), float(structure.arrays["thresholds"][node])
        if structure.arrays["questions"][node] == CATEGORIES:
            continue
        for value in beside(t):
            made.append(_with(given[row], column, value))
    asked = [column for column in columns_of(structure, space.d) if space.features[column].kind == "numeric"]
    for column in asked[:2]:
        made += [_with(given[0], column, zero) for zero in (0.0, -0.0)]
    return _stacked(made, given)


def beside(t: float) -> tuple[float, ...]:
    """t, the numbers next to it in double precision, and those next to it in single precision, which must hold them.

    >>> [value - 1.0 > 0 for value in beside(1.0)]
    [False, True, False, True, False]
    """
    single = np.float32(t)
    with np.errstate(over="ignore"):
        near = (
            t,
            np.nextafter(t, np.inf),
            np.nextafter(t, -np.inf),
            float(np.nextafter(single, np.float32(np.inf))),
            float(np.nextafter(single, np.float32(-np.inf))),
        )
        return tuple(float(value) for value in near if np.isfinite(np.float32(value)))


def at_missing(structure: Any, given: Array) -> Array:
    """Rows with one missing value each."""
    columns = columns_of(structure, given.shape[1])[:COLUMNS]
    return _stacked([_with(given[i % len(given)], column, np.nan) for i, column in enumerate(columns)], given)


def at_categories(structure: Any, space: Space, given: Array) -> Iterator[Array]:
    """Rows with the first and the last categories of a column; for columns of numbers, with what questions list."""
    own, listed = [], []
    for column in columns_of(structure, space.d):
        count = len(space.features[column].categories)
        if count:
            codes = dict.fromkeys([*range(min(count, CATEGORIES_EACH)), *range(max(0, count - CATEGORIES_EACH), count)])
            own += [_with(given[0], column, float(code)) for code in codes]
        else:
            listed += [_with(given[0], column, value) for value in _listed(structure, column)]
    for made in (own[: 4 * CATEGORIES_EACH], listed[: 4 * CATEGORIES_EACH]):
        if made:
            yield _stacked(made, given)


def with_unseen(space: Space, given: Array) -> tuple[Space, Array]:
    """A space that knows one more label in each column of text, and rows that have it."""
    features, columns = list(space.features), []
    for column, feature in enumerate(features):
        if feature.kind == "categorical" and feature.categories and all(isinstance(c, str) for c in feature.categories):
            # After all letters: a library that searches sorted names may take one in between for its neighbour.
            label = "~unseen"
            while label in feature.categories:
                label += "_"
            features[column] = replace(feature, categories=(*feature.categories, label))
            columns.append(column)
    made = [_with(given[0], column, len(features[column].categories) - 1.0) for column in columns[:COLUMNS]]
    return replace(space, features=tuple(features)), _stacked(made, given)


def visited(structure: Any, given: Array) -> list[tuple[int, int]]:
    """Pairs (row, node): up to 12 splits that these rows reach, in trees evenly spread, at all depths in turn.

    Of few trees each is visited by several rows.
    """
    if not isinstance(structure, Forest):
        return []
    arrays = structure.arrays
    trees = len(arrays["tree_starts"]) - 1
    found: dict[int, int] = {}
    for turn, tree in enumerate(np.linspace(0, trees - 1, SPLITS).round().astype(np.int64).tolist()):
        row = turn % len(given)
        fresh = [node for node in _path(arrays, tree, given[row]) if node not in found]
        if fresh:
            found[fresh[turn % len(fresh)]] = row
    return [(row, node) for node, row in found.items()]


def columns_of(structure: Any, d: int) -> list[int]:
    """The columns that are asked about, in order."""
    if not isinstance(structure, Forest):
        return list(range(d))
    asked = structure.arrays["split_features"][structure.arrays["questions"] != LEAF]
    columns: list[int] = np.flatnonzero(np.bincount(asked, minlength=1)).tolist()
    return columns


def _path(arrays: dict[str, Any], tree: int, x: Array) -> list[int]:
    """The splits that x meets; good enough to choose rows by, since what they answer is compared anyway."""
    first = int(arrays["tree_starts"][tree])
    node, path = first, []
    while arrays["questions"][node] != LEAF:
        path.append(node)
        value = x[arrays["split_features"][node]]
        if arrays["questions"][node] == CATEGORIES:
            left = bool(arrays["others_left"][node])
        elif np.isnan(value) or (arrays["questions"][node] == ZERO_IS_MISSING and value == 0.0):
            left = bool(arrays["missing_left"][node])
        else:
            left = value < arrays["thresholds"][node] if arrays["strict"] else value <= arrays["thresholds"][node]
        node = first + int(arrays["left" if left else "right"][node])
    return path


def _listed(structure: Any, column: int) -> list[float]:
    """0, the largest category that a question lists, and the next one, which none does."""
    if not isinstance(structure, Forest) or not len(structure.arrays["category_starts"]):
        return []
    arrays = structure.arrays
    nodes = np.flatnonzero((arrays["questions"] == CATEGORIES) & (arrays["split_features"] == column))
    if not len(nodes):
        return []
    starts = arrays["category_starts"]
    listed = np.concatenate([arrays["categories"][starts[node] : starts[node + 1]] for node in nodes])
    most = float(listed.max()) if len(listed) else 0.0
    return [0.0, most, most + 1.0]


def _column(structure: Any, node: int) -> int:
    return int(structure.arrays["split_features"][node])


def _with(row: Array, column: int, value: float) -> Array:
    changed: Array = row.copy()
    changed[column] = value
    return changed


def _stacked(made: list[Array], given: Array) -> Array:
    found: Array = np.stack(made) if made else np.empty((0, given.shape[1]))
    return found
