"""From the codes of a Space to the numbers that a model itself sees in its columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelFormatError
from pellucid.space import Feature, Space
from pellucid.space.columns import code_of
from pellucid.whitebox import Forest
from pellucid.whitebox.labels import UNKNOWN

Array = NDArray[np.float64]


class StructureCodes:
    """Codes (n, d) of a Space as rows (n, d) of a structure.

    A number is itself. A category of the Space stands at a place of its own order; the model has another one, that of
    its training (`feature_categories` of the structure, by column, which may be numbers too). A category that it never
    saw is a negative number, which no question lists. A missing value stays NaN.

    Raises
    ------
    ModelFormatError : a column of text that the structure asks about, without its categories.
    """

    def __init__(self, structure: Any, space: Space) -> None:
        known = structure.feature_categories
        self._tables: dict[int, Array] = {}
        self._numbers: dict[int, tuple[Array, Array]] = {}  # categories that are numbers, ascending, and their codes
        self._hashed: dict[int, Any] = {}  # of columns of numbers, of which the model knows hashes of their digits
        for column, feature in enumerate(space.features):
            if feature.categories:
                self._tables[column] = _table(feature, known.get(column), structure, column)
            elif hasattr(known.get(column), "key"):
                self._hashed[column] = known[column]
            elif column in known:
                self._numbers[column] = _ascending(known[column])

    @property
    def plain(self) -> bool:
        """Whether codes are taken as they are."""
        return not self._tables and not self._numbers and not self._hashed

    def __call__(self, codes: Array) -> Array:
        if self.plain:
            return np.ascontiguousarray(codes)
        rows = np.array(codes, dtype=np.float64, order="C")
        for column, table in self._tables.items():
            absent = np.isnan(codes[:, column])
            rows[:, column] = table[np.where(absent, len(table) - 1, codes[:, column]).astype(np.int64)]
        for column, (numbers, places) in self._numbers.items():
            given = codes[:, column]
            at = np.minimum(np.searchsorted(numbers, given), len(numbers) - 1)
            rows[:, column] = np.where(numbers[at] == given, places[at], np.where(np.isnan(given), np.nan, UNKNOWN))
        for column, hashes in self._hashed.items():
            distinct, at = np.unique(codes[:, column], return_inverse=True)
            absent = np.isnan(distinct)
            rows[:, column] = np.array([*_places(distinct[~absent], hashes), *distinct[absent]])[at]
        return rows


def _table(feature: Feature, known: Sequence[Any] | None, structure: Any, column: int) -> Array:
    """What each code of the feature becomes, and at last what a missing value does."""
    if known is not None:
        codes = _places(feature.categories, known)
    elif all(isinstance(label, (int, float)) for label in feature.categories):
        codes = [code_of(label) for label in feature.categories]
    elif column in columns_asked(structure):
        raise ModelFormatError(
            f"the categories of column {feature.name!r} at the training of {structure.source} are not known, so its "
            "text cannot be followed through the model"
        )
    else:
        codes = [0.0] * len(feature.categories)
    return np.array([*codes, np.nan])


def _places(labels: Iterable[Any], known: Sequence[Any]) -> list[float]:
    """Of each label in the categories of a model, which may be hashes with a `key` that makes one of a label."""
    hashed = getattr(known, "key", None)
    key = hashed or _key
    place = {label if hashed else _key(label): float(i) for i, label in enumerate(known)}
    return [place.get(key(label), UNKNOWN) for label in labels]


def _ascending(categories: Sequence[Any]) -> tuple[Array, Array]:
    """The categories of a column of numbers, and the code of each; those that are no numbers cannot be met there."""
    place = {float(_key(label)): float(i) for i, label in enumerate(categories) if isinstance(_key(label), float)}
    numbers = np.array(sorted(place), dtype=np.float64)
    if len(numbers) == 0:
        return np.array([np.inf]), np.array([UNKNOWN])
    return numbers, np.array([place[number] for number in numbers])


def _key(label: Any) -> Any:
    """1, 1.0 and True are one category, as they are for the libraries; text is itself."""
    label = getattr(label, "item", lambda: label)()
    return float(label) if isinstance(label, (bool, int, float)) else label


def columns_asked(structure: Any) -> frozenset[int]:
    """The columns that a structure looks at."""
    if not isinstance(structure, Forest):
        return frozenset(column for column, piece in enumerate(structure.pieces) if piece.reach.any())
    columns = structure.arrays["split_features"][structure.arrays["questions"] != 0]
    return frozenset(np.unique(columns).tolist())
