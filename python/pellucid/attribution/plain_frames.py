"""Frames of plain numbers and listed text: one that looks like another, read and checked before, needs no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.space import Feature, Space
from pellucid.space.columns import EXACT_INTEGER

Array = NDArray[np.float64]

_BITS = ("8", "16", "32", "64")
_KIND = {
    **dict.fromkeys(["float16", "float32", "float64", "halffloat", "float", "double"], "numeric"),
    **{f"{sign}int{bits}": "integer" for sign in ("", "u") for bits in _BITS},
    **dict.fromkeys(["bool", "boolean"], "boolean"),
}
# Kinds of features to which all numbers of a type belong.
_READ_AS = {
    "": (),
    "numeric": ("numeric",),
    "integer": ("integer", "numeric"),
    "boolean": ("boolean", "integer", "numeric"),
}


@dataclass(frozen=True)
class PlainFrame:
    """What a frame looks like whose columns are floats, integers and booleans, in pandas also categories of text.

    Attributes
    ----------
    signature : the library, and the names and types of the columns, in order.
    wide : columns whose integers may be more than a float64 can tell apart.
    listed : columns of categories, and the code of each category in the order of the type, at last that of none.
    """

    signature: tuple[Any, ...]
    wide: tuple[int, ...]
    listed: dict[int, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, X: Any, space: Space) -> PlainFrame | None:
        """Of a frame that this space has read; None where a column is of another type or was declared another kind."""
        signature = _signature(X)
        if signature is None:
            return None
        kinds = [_kind(one) for one in signature[-1]]
        listed: dict[int, Array] = {}
        for j, (kind, feature) in enumerate(zip(kinds, space.features, strict=True)):
            codes = _codes_of_labels(signature[-1][j], feature)
            if codes is not None:
                listed[j] = codes
            elif feature.kind not in _READ_AS[kind]:
                return None
        wide = tuple(j for j, one in enumerate(signature[-1]) if kinds[j] == "integer" and "64" in str(one))
        return cls(signature, wide, listed)

    def codes(self, X: Any) -> Array | None:
        """The codes (n, d) of a frame that looks the same; None where it does not, or holds what must be refused."""
        if _signature(X) != self.signature:
            return None
        codes = _numbers(X, self.signature[0]) if not self.listed else self._with_labels(X)
        if np.isinf(codes).any() or (self.wide and (np.abs(codes[:, self.wide]) >= EXACT_INTEGER).any()):
            return None
        return codes

    def _with_labels(self, X: Any) -> Array:
        codes = np.empty(X.shape)
        rest = [j for j in range(codes.shape[1]) if j not in self.listed]
        codes[:, rest] = _numbers(X.iloc[:, rest], "pandas")
        for j, of_label in self.listed.items():
            codes[:, j] = of_label[X.iloc[:, j].array.codes]  # -1, a missing value, takes the last one
        return codes


def _signature(X: Any) -> tuple[Any, ...] | None:
    kind = type(X)
    library = kind.__module__.partition(".")[0]
    if library == "pandas" and kind.__name__ == "DataFrame":
        labels: list[Any] = X.columns.tolist()
        # 0, 0.0 and False are equal, and only the first of them names a column.
        if X.columns.dtype.kind in "iu" or all(type(label) is str for label in labels):
            return library, str(X.columns.dtype), labels, [_with_order(dtype) for dtype in X.dtypes.tolist()]
    if library == "polars" and kind.__name__ == "DataFrame":
        return library, X.columns, X.dtypes
    if library == "pyarrow" and kind.__name__ == "Table":
        return library, X.schema.names, X.schema.types
    return None


def _with_order(dtype: Any) -> Any:
    """A type of categories as the list of them, since two such types are equal whatever their order."""
    if type(dtype).__name__ != "CategoricalDtype":
        return dtype
    return "category", bool(dtype.ordered), dtype.categories.tolist()


def _codes_of_labels(dtype: Any, feature: Feature) -> Array | None:
    """What the codes of a type of categories are in a feature; None where they are not all text that it knows."""
    if type(dtype) is not tuple or feature.kind not in {"categorical", "ordinal"}:
        return None
    place = {label: float(code) for code, label in enumerate(feature.categories)}
    if not all(type(label) is str and label in place for label in dtype[2]):
        return None
    return np.array([*(place[label] for label in dtype[2]), np.nan])


def _kind(dtype: Any) -> str:
    """The kind of a feature of this type; "" for all that takes more than a look at its numbers."""
    if type(dtype) is tuple:
        return ""
    extended = hasattr(dtype, "na_value") or hasattr(dtype, "fill_value")  # of pandas, with a mask or a fill
    return "" if extended else _KIND.get(str(dtype).lower(), "")


def _numbers(X: Any, library: str) -> Array:
    if library == "pandas":
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(X.to_numpy(dtype=np.float64))
    columns: Iterable[Any] = X.get_columns() if library == "polars" else X.columns
    codes = np.empty((len(X), len(X.columns)))
    for j, column in enumerate(columns):
        codes[:, j] = column.to_numpy()  # a null is NaN, also as None among booleans
    return codes
