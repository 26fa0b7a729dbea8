"""One feature: what a column shows or was declared to be, how it grows, and how it is saved."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.space.codes import codes_of, label_of, labels_in
from pellucid.space.columns import Column, code_of, is_label, plain_scalar

KINDS = ("numeric", "integer", "ordinal", "categorical", "boolean", "datetime")
KIND_OF_FAMILY = {"float": "numeric", "integer": "integer", "boolean": "boolean", "time": "datetime"}


@dataclass(frozen=True)
class Feature:
    """One column of the data: its kind, its categories or range, and its native dtype."""

    name: str
    kind: str  # one of KINDS
    categories: tuple[Any, ...] = ()  # ordinal and categorical: code i stands for categories[i]
    low: float = -math.inf  # range of the codes seen or declared; infinite where none is known
    high: float = math.inf
    missing: bool = False  # a missing value was seen; its code is NaN
    dtype: str = "float64"  # native dtype of the column
    null: str = ""  # how a missing value was written, where the dtype leaves a choice
    listed: tuple[Any, ...] = ()  # the dtype's own order of the categories, where it differs
    label: int | None = None  # the column's own label where that is an int (pandas)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind of {self.name!r} must be one of {KINDS}, got {self.kind!r}; correct it")


def hot_values(column: Column) -> np.ndarray:
    if column.family in ("labels", "time"):
        got = f"{column.dtype} in column {column.name!r}"
        raise InputError(f"one_hot must hold columns of 0 and 1, got {got}; leave it out")
    return column.values


def feature_of(column: Column, kind: str | None, *, order: Sequence[Any] | None, argument: str = "X") -> Feature:
    """The feature that a column shows, or that was declared for it."""
    if kind is None:
        kind = KIND_OF_FAMILY.get(column.family) or ("ordinal" if column.ordered else "categorical")
    present = column.values[~np.isnan(column.values)]
    common: dict[str, Any] = {
        "missing": len(present) < len(column.values),
        "dtype": column.dtype,
        "null": column.null,
        "label": column.label,
    }
    if kind in ("categorical", "ordinal"):
        categories = labels_in(column) if order is None else _checked_order(column.name, order)
        listed = column.labels if column.listed and column.labels != categories else ()
        high = max(len(categories) - 1.0, 0.0)
        feature = Feature(column.name, kind, categories, low=0.0, high=high, listed=listed, **common)
    elif kind == "boolean":
        feature = Feature(column.name, kind, low=0.0, high=1.0, **common)
    elif len(present):
        feature = Feature(column.name, kind, low=float(present.min()), high=float(present.max()), **common)
    else:
        feature = Feature(column.name, kind, **common)
    codes_of(feature, column, argument)
    return feature


def numeric_features(names: Sequence[str], values: np.ndarray, dtype: str) -> tuple[Feature, ...]:
    """The features of an array (n, d) of finite numbers or NaN, as `feature_of` each of its columns."""
    absent = np.isnan(values)
    ranges: list[tuple[float, float]] = [(-math.inf, math.inf)] * len(names)
    if len(values):
        low, high = np.fmin.reduce(values, axis=0).tolist(), np.fmax.reduce(values, axis=0).tolist()
        empty = absent.all(axis=0).tolist()
        ranges = [ranges[j] if empty[j] else (low[j], high[j]) for j in range(len(names))]
    return tuple(
        Feature(name, "numeric", low=low, high=high, missing=missing, dtype=dtype)
        for name, (low, high), missing in zip(names, ranges, absent.any(axis=0).tolist(), strict=True)
    )


def _checked_order(name: str, order: Sequence[Any]) -> tuple[Any, ...]:
    if isinstance(order, str) or not hasattr(order, "__iter__"):
        raise InputError(f"ordinal[{name!r}] must be the categories in order, got {order!r}; use a list")
    categories = tuple(plain_scalar(label) for label in order)
    for label in categories:
        if not is_label(label):
            raise InputError(f"ordinal[{name!r}] must hold text, numbers or dates, got {label!r}; drop it")
        if categories.count(label) > 1:
            raise InputError(f"ordinal[{name!r}] must hold a category once, got {label!r} twice; drop one")
    return categories


def extended(feature: Feature, column: Column, float_dtype: str) -> Feature:
    """The feature grown by what the column shows; what cannot join is left for the check that follows."""
    if np.isnan(column.values).any() and not feature.missing:
        feature = replace(feature, missing=True, null=feature.null or column.null)
    fractions = column.family == "float" and any(value % 1 for value in column.present_values())
    if feature.kind == "integer" and fractions:
        dtype = "object[float]" if feature.dtype.startswith("object") else float_dtype
        return replace(feature, kind="numeric", dtype=dtype)
    if feature.kind != "categorical":
        return feature
    if column.family == "labels":
        seen = {int(index) for index in column.present_values()}
        labels = [label for i, label in enumerate(column.labels) if column.listed or i in seen]
        unseen = [label for label in labels if label not in feature.categories]
    else:
        known = {code_of(label) for label in feature.categories}
        unseen = [label_of(column, code) for code in column.present_values() if code not in known]
    if not unseen or not all(_may_join(feature, label) for label in unseen):
        return feature
    if feature.categories and isinstance(feature.categories[0], float):
        unseen = [float(label) if isinstance(label, int) else label for label in unseen]
    categories = (*feature.categories, *unseen)
    return replace(feature, categories=categories, high=len(categories) - 1.0)


def _may_join(feature: Feature, label: Any) -> bool:
    """Whether the dtype of the feature can hold one more label."""
    if feature.dtype.startswith("object"):
        return True
    if not feature.categories:
        return isinstance(label, str)
    first = feature.categories[0]
    if isinstance(first, float):
        return isinstance(label, (int, float))
    return isinstance(label, type(first)) and isinstance(label, bool) == isinstance(first, bool)


def feature_to_dict(feature: Feature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "kind": feature.kind,
        "categories": [_label_to_json(label) for label in feature.categories],
        "low": feature.low if math.isfinite(feature.low) else None,
        "high": feature.high if math.isfinite(feature.high) else None,
        "missing": feature.missing,
        "dtype": feature.dtype,
        "null": feature.null,
        "listed": [_label_to_json(label) for label in feature.listed],
        "label": feature.label,
    }


def feature_from_dict(saved: Mapping[str, Any]) -> Feature:
    return Feature(
        name=str(saved["name"]),
        kind=str(saved["kind"]),
        categories=tuple(_label_from_json(label) for label in saved["categories"]),
        low=-math.inf if saved["low"] is None else float(saved["low"]),
        high=math.inf if saved["high"] is None else float(saved["high"]),
        missing=bool(saved["missing"]),
        dtype=str(saved["dtype"]),
        null=str(saved["null"]),
        listed=tuple(_label_from_json(label) for label in saved["listed"]),
        label=None if saved["label"] is None else int(saved["label"]),
    )


def _label_to_json(label: Any) -> Any:
    if isinstance(label, dt.datetime):
        return {"datetime": label.isoformat()}
    return {"date": label.isoformat()} if isinstance(label, dt.date) else label


def _label_from_json(saved: Any) -> Any:
    if not isinstance(saved, Mapping):
        return saved
    if "datetime" in saved:
        return dt.datetime.fromisoformat(saved["datetime"])
    return dt.date.fromisoformat(saved["date"])
