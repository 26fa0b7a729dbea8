"""Models behind the transformers of a pipeline, on its raw columns.

Scaling and filling never change the order of two numbers, whatever they round. So what goes left of a threshold behind
them is all numbers up to a largest one, which halving finds among the doubles, with the transformers' own arithmetic:
thresholds are moved without error. Of an encoded column the question is which categories go left.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters import sklearn
from pellucid.adapters.combined import Part, Structure, columns_asked, combined, compared, last_left
from pellucid.adapters.sklearn_columns import Columns, NotAdditive
from pellucid.adapters.sklearn_linear import Head, columns_behind, split_pipeline, sum_of, width_of
from pellucid.adapters.sklearn_monotone import makes_sparse, through_numbers
from pellucid.adapters.sklearn_wrappers import inside
from pellucid.adapters.tree_documents import starts_of
from pellucid.whitebox.additive import Table
from pellucid.whitebox.forest import CATEGORIES, LEAF, THRESHOLD, ZERO_IS_MISSING, Forest
from pellucid.whitebox.linear import Linear

Array = NDArray[np.float64]

# Beyond it no column of numbers goes, and products with scales still are numbers.
_LARGEST = 2.0**100
_NEARLY_ZERO = float(np.float32(1e-35))


def find(model: Any, model_output: str | None) -> Structure | None:
    """The inside of the last step, asked for the columns that go into the first one."""
    if type(model).__module__ != "sklearn.pipeline" or type(model).__name__ != "Pipeline":
        return None
    last, steps = split_pipeline(model)
    found = inside(last, sklearn.asked_output(model, model_output))
    if found is None:
        return None
    try:
        columns = columns_behind(steps, width_of(model, last))
        if columns.width != found.features:
            return None
        source = f"{found.source} in a Pipeline"
        if isinstance(found, Linear) and np.isnan(found.missing).all():
            head = Head(found.coefficients, found.intercept, found.link, found.outputs, found.margin)
            return sum_of(columns.affine(head.coefficients, head.intercept), head, model, source)
        names = sklearn.feature_names(model)
        meaning = {
            "feature_names": names if len(names) == columns.raw else (),
            **{name: getattr(found, name) for name in ("link", "outputs", "margin")},
            "source": source,
        }
        return _on_raw_columns(found, columns, steps, meaning)
    except NotAdditive:
        return None


def _on_raw_columns(
    found: Structure, columns: Columns, steps: Sequence[Any], meaning: dict[str, Any]
) -> Structure | None:
    xgboosts = isinstance(found, Forest) and (found.arrays["strict"] or found.single_sums > found.arrays["single"])
    if xgboosts and any(map(makes_sparse, steps)):
        # xgboost, alone or among others, takes the zeros that a sparse table leaves out for missing values.
        return None
    asked = columns_asked(found).tolist()
    native = [columns.native[i] for i in range(columns.width)]
    if all(one is not None and not one.filled for one in (native[i] for i in asked)):
        places = np.array([0 if one is None else one.column for one in native], dtype=np.int64)
        part = Part(found, np.eye(len(found.outputs)), places)
        return combined([part], np.zeros(len(found.outputs)), features=columns.raw, **meaning)
    if not isinstance(found, Forest) or found.feature_categories:
        return None
    return _moved(found, columns, steps, asked, meaning)


@dataclass(frozen=True)
class _Encoded:
    """A column of the trees for each category of raw column `raw`, for a missing one and for one that is not known."""

    raw: int
    values: Array


@dataclass(frozen=True)
class _Number:
    """A column of the trees that never falls where raw column `raw` rises, and what it is where that is missing."""

    raw: int
    missing: float


def _moved(
    forest: Forest, columns: Columns, steps: Sequence[Any], asked: Sequence[int], meaning: dict[str, Any]
) -> Forest | None:
    def transform(rows: Array) -> Array:
        for step in steps:
            rows = through_numbers(step, rows)
        return rows

    arrays = forest.arrays
    origins = _origins(columns, asked, transform)
    numeric = np.isin(arrays["split_features"], [i for i in asked if isinstance(origins[i], _Number)])
    split = arrays["questions"] != LEAF
    if (numeric & split & (arrays["questions"] != THRESHOLD)).any():
        # 0 is not 0 any more behind a scaler, and no number is a category.
        return None
    nodes = {name: arrays[name].copy() for name in ("questions", "thresholds", "missing_left", "others_left")}
    features = arrays["split_features"].copy()
    _move_thresholds(nodes, arrays, np.flatnonzero(numeric & split), origins, columns.raw, transform)
    lists = _list_categories(nodes, arrays, np.flatnonzero(~numeric & split), origins)
    raw_of = np.zeros(columns.width, dtype=np.int64)
    raw_of[list(origins)] = [origin.raw for origin in origins.values()]
    features[split] = raw_of[features[split]]
    names = ("tree_starts", "left", "right", "values", "base", "tree_outputs", "cover")
    kept: dict[str, Any] = {name: arrays[name] if len(arrays[name]) else None for name in names}
    found = Forest(
        features=columns.raw,
        split_features=features,
        **nodes,
        **kept,
        **lists,
        **meaning,
    )
    found.single_sums = forest.single_sums
    found.feature_categories = dict(columns.labels)
    return found


def _origins(columns: Columns, asked: Sequence[int], transform: Any) -> dict[int, _Encoded | _Number]:
    found: dict[int, _Encoded | _Number] = {}
    plain, absent = transform(np.zeros((1, columns.raw)))[0], _where_missing(columns, transform)
    for i in asked:
        raw = columns.only_source(i)
        piece = None if raw is None else columns.pieces[raw]
        if raw is not None and isinstance(piece, Table):
            values = np.concatenate([piece.values[:, i], [piece.missing[i], piece.unknown[i]]])
            found[i] = _Encoded(raw, columns.constant[i] + values)
        elif np.isnan(plain[i]) or raw in columns.labels:
            raise NotAdditive
        else:
            found[i] = _Number(raw or 0, float(absent[i]))
    return found


def _where_missing(columns: Columns, transform: Any) -> Array:
    """What each column is where its raw one is missing; NaN where a transformer refuses that, so that no row has it."""
    try:
        absent: Array = transform(np.full((1, columns.raw), np.nan))[0]
    except ValueError:
        absent = np.full(columns.width, np.nan)
        for raw, piece in columns.pieces.items():
            row = np.zeros((1, columns.raw))
            row[0, raw] = np.nan
            with suppress(ValueError):
                absent[piece.reach] = transform(row)[0, piece.reach]
    return absent


def _move_thresholds(
    nodes: dict[str, Any], arrays: dict[str, Any], numeric: NDArray[np.int64], origins: Any, raw: int, transform: Any
) -> None:
    """Columns of different raw ones are halved together; those of the same one after another."""
    asked = arrays["split_features"][numeric]
    remaining = np.unique(asked).tolist()
    while remaining:
        together: dict[int, int] = {}
        for i in remaining:
            together.setdefault(origins[i].raw, i)
        remaining = [i for i in remaining if i not in together.values()]
        raws, columns = list(together), list(together.values())
        distinct = [np.unique(arrays["thresholds"][numeric[asked == i]], return_inverse=True) for i in columns]
        # A column of thresholds for each, filled up with what all numbers are left of.
        table = np.full((max(len(values) for values, _ in distinct), len(columns)), np.inf)
        for o, (values, _) in enumerate(distinct):
            table[: len(values), o] = values

        def goes_left(x: Array, raws: Any = raws, columns: Any = columns, table: Array = table) -> Any:
            rows = np.zeros((len(table), raw))
            rows[:, raws] = x.reshape(table.shape)
            return compared(arrays, transform(rows)[:, columns], table).ravel()

        moved = last_left(goes_left, table.size, largest=_LARGEST).reshape(table.shape)
        for o, i in enumerate(columns):
            at = numeric[asked == i]
            nodes["thresholds"][at] = moved[distinct[o][1], o]
            if not np.isnan(origins[i].missing):
                absent = np.full(len(at), origins[i].missing)
                nodes["missing_left"][at] = compared(arrays, absent, arrays["thresholds"][at])


def _list_categories(
    nodes: dict[str, Any], arrays: dict[str, Any], encoded: NDArray[np.int64], origins: Any
) -> dict[str, Any]:
    """Questions about encoded columns become ones about categories: those are listed that part from the unknown."""
    if not len(encoded):
        return {}
    columns, questions = arrays["split_features"][encoded], arrays["questions"][encoded]
    # Nodes that ask the same are looked at once; lists of categories are not compared.
    own_list = np.where(questions == CATEGORIES, encoded, -1)
    keys = [columns, questions, arrays["thresholds"][encoded], arrays["missing_left"][encoded], own_list]
    _, first, same = np.unique(np.column_stack(keys), axis=0, return_index=True, return_inverse=True)
    same = same.ravel()
    left = [_left_of(arrays, int(encoded[i]), origins[int(columns[i])].values) for i in first]
    lists = [np.flatnonzero(one[:-2] != one[-1]) for one in left]
    nodes["questions"][encoded] = CATEGORIES
    nodes["thresholds"][encoded] = 0.0
    nodes["missing_left"][encoded] = np.array([one[-2] for one in left])[same]
    nodes["others_left"][encoded] = np.array([one[-1] for one in left])[same]
    counts = np.zeros(len(arrays["questions"]), dtype=np.int64)
    counts[encoded] = np.array([len(one) for one in lists])[same]
    return {"category_starts": starts_of(counts), "categories": np.concatenate([lists[i] for i in same])}


def _left_of(arrays: dict[str, Any], node: int, values: Array) -> NDArray[np.bool_]:
    """Whether each of these values goes left at a node."""
    missing, question = bool(arrays["missing_left"][node]), arrays["questions"][node]
    if question == CATEGORIES:
        starts = arrays["category_starts"]
        whole = np.trunc(np.where(np.isnan(values), -1.0, values))
        listed = np.isin(whole, arrays["categories"][starts[node] : starts[node + 1]])
        left = listed != bool(arrays["others_left"][node])
        return np.where(np.isnan(values) | ((values < 0.0) & arrays["negative_is_missing"]), missing, left)
    absent = np.isnan(values)
    if question == ZERO_IS_MISSING:
        absent |= np.abs(values) <= _NEARLY_ZERO
    return np.where(absent, missing, compared(arrays, values, arrays["thresholds"][node]))
