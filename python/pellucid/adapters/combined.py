"""Structures put together: a sum of members, each through a matrix, and on the columns that it saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters.tree_documents import starts_of
from pellucid.whitebox.additive import Additive, Line, Piece, Sum
from pellucid.whitebox.forest import CATEGORIES, LEAF, Forest
from pellucid.whitebox.linear import Linear

Array = NDArray[np.float64]
Structure = Forest | Additive

# Fields of nodes that say the same in any forest.
_SAME = ("questions", "left", "right", "missing_left", "others_left")


@dataclass(frozen=True)
class Part:
    """A member of a sum.

    Attributes
    ----------
    structure : of margins (n, l); its link is not looked at.
    matrix : (l, k), what its margins add to those of the whole.
    columns : of the whole, one for each of its own; None where they are the same.
    """

    structure: Structure
    matrix: Array
    columns: NDArray[np.int64] | None = None

    def places(self) -> NDArray[np.int64]:
        own = np.arange(self.structure.features)
        return own if self.columns is None else np.asarray(self.columns, dtype=np.int64)


def combined(parts: Sequence[Part], offset: Any, *, features: int, **meaning: Any) -> Structure | None:
    """The structure whose margins are the sum of all margins @ matrix, and the offset (k,).

    `meaning` is the link, the names and whatever else a structure says of itself. None where the sum is neither one of
    trees nor one of functions of a column each, or where a column is a number here and a category there.
    """
    categories = _categories(parts)
    if categories is None:
        return None
    offset = np.asarray(offset, dtype=np.float64)
    if all(isinstance(part.structure, Additive) for part in parts):
        return _functions(parts, offset, features, {**meaning, "feature_categories": categories})
    if not all(isinstance(part.structure, Forest) for part in parts):
        return None
    forest = _forest(parts, offset, features, meaning)
    if forest is not None:
        forest.feature_categories = categories
    return forest


def last_left(goes_left: Callable[[Array], NDArray[np.bool_]], count: int, *, largest: float | None = None) -> Array:
    """(count,) the largest number of each place that goes left, where none goes left that is larger than one that does.

    It is found among all doubles by halving, so that whatever `goes_left` rounds is part of it. Infinite where all
    numbers up to `largest` go the same way.
    """
    top = int(_ordered(np.array([np.finfo(np.float64).max if largest is None else largest]))[0])
    low, high = np.full(count, -top - 1), np.full(count, top + 1)
    while ((high - 1) > low).any():
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        asked = np.clip(middle, -top, top)
        left = goes_left(_ordered(asked, back=True))
        left = np.where(middle < -top, True, np.where(middle > top, False, left))
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    found = _ordered(np.clip(low, -top, top), back=True)
    return np.asarray(np.where(low < -top, -np.inf, np.where(low >= top, np.inf, found)))


def _ordered(values: Any, *, back: bool = False) -> Any:
    """Doubles as whole numbers in the same order, and back."""
    lowest = np.int64(-(2**63))
    if back:
        return np.where(values >= 0, values, lowest - values).astype(np.int64).view(np.float64)
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.int64)
    return np.where(bits >= 0, bits, lowest - bits)


def compared(arrays: dict[str, Any], values: Array, thresholds: Array) -> NDArray[np.bool_]:
    """Whether numbers go left of thresholds, as a forest with these arrays rounds and compares."""
    with np.errstate(over="ignore", invalid="ignore"):
        seen = values.astype(np.float32).astype(np.float64) if arrays["single"] else values
        return np.asarray(seen < thresholds if arrays["strict"] else seen <= thresholds)


def columns_asked(structure: Structure) -> NDArray[np.int64]:
    """The columns that a structure looks at."""
    if isinstance(structure, Forest):
        split = structure.arrays["questions"] != LEAF
        return np.asarray(np.unique(structure.arrays["split_features"][split]), dtype=np.int64)
    return np.array([j for j, piece in enumerate(structure.pieces) if piece.reach.any()], dtype=np.int64)


def _categories(parts: Sequence[Part]) -> dict[int, tuple[Any, ...]] | None:
    found: dict[int, tuple[Any, ...]] = {}
    for part in parts:
        places = part.places()
        for own, values in part.structure.feature_categories.items():
            if found.setdefault(int(places[own]), values) != values:
                return None
    for part in parts:
        places, known = part.places(), part.structure.feature_categories
        if any(own not in known and int(places[own]) in found for own in columns_asked(part.structure).tolist()):
            return None
    return found


def _functions(parts: Sequence[Part], offset: Array, features: int, meaning: dict[str, Any]) -> Additive:
    k = len(offset)
    pieces: list[list[Piece]] = [[] for _ in range(features)]
    for part in parts:
        assert isinstance(part.structure, Additive)
        offset = offset + part.structure.intercept @ part.matrix
        for column, piece in zip(part.places(), part.structure.pieces, strict=True):
            pieces[column].append(piece.times(part.matrix))
    joined = [_joined(found, k) for found in pieces]
    lines = [piece for piece in joined if isinstance(piece, Line)]
    if len(lines) < features:
        return Additive(pieces=joined, intercept=offset, **meaning)
    meaning.pop("feature_categories")
    slopes, missing = (np.array([getattr(line, name) for line in lines]) for name in ("slope", "missing"))
    return Linear(coefficients=slopes, missing=missing, intercept=offset, **meaning)


def _joined(pieces: Sequence[Piece], k: int) -> Piece:
    lines = [piece for piece in pieces if isinstance(piece, Line)]
    if len(lines) < len(pieces):
        return pieces[0] if len(pieces) == 1 else Sum(tuple(pieces))
    zero = np.zeros(k)
    return Line(sum((line.slope for line in lines), zero), sum((line.missing for line in lines), zero))


def _forest(parts: Sequence[Part], offset: Array, features: int, meaning: dict[str, Any]) -> Forest | None:
    forests = [part.structure for part in parts if isinstance(part.structure, Forest)]
    every = [forest.arrays for forest in forests]
    rules = {(arrays["single"], arrays["strict"]) for arrays in every}
    single, strict = rules.pop() if len(rules) == 1 else (False, False)
    negative = {arrays["negative_is_missing"] for arrays in every if (arrays["questions"] == CATEGORIES).any()}
    if len(negative) > 1:
        return None
    values, outputs = _values(parts, every, len(offset))
    listed: dict[str, Any] = {}
    if any(len(arrays["category_starts"]) for arrays in every):
        sizes = [_sizes(arrays) for arrays in every]
        listed = {"category_starts": starts_of(np.concatenate(sizes)), "categories": _joint(every, "categories")}
    same: dict[str, Any] = {name: _joint(every, name) for name in _SAME}
    found = Forest(
        features=features,
        tree_starts=starts_of(np.concatenate([np.diff(arrays["tree_starts"]) for arrays in every])),
        split_features=np.concatenate([_moved(part) for part in parts]),
        thresholds=np.concatenate([_as(arrays, single, strict) for arrays in every]),
        **same,
        **listed,
        cover=_joint(every, "cover") if all(forest.has_cover for forest in forests) else None,
        values=values,
        tree_outputs=outputs,
        base=sum((arrays["base"] @ part.matrix for arrays, part in zip(every, parts, strict=True)), offset),
        single=single,
        strict=strict,
        negative_is_missing=True in negative,
        **meaning,
    )
    found.single_sums = any(forest.single_sums for forest in forests)
    return found


def _joint(every: Sequence[dict[str, Any]], name: str) -> NDArray[Any]:
    return np.concatenate([arrays[name] for arrays in every])


def _sizes(arrays: dict[str, Any]) -> NDArray[np.int64]:
    starts = arrays["category_starts"]
    return np.diff(starts) if len(starts) else np.zeros(len(arrays["questions"]), dtype=np.int64)


def _moved(part: Part) -> NDArray[np.int64]:
    """The columns of the whole; those of leaves are not looked at."""
    arrays = part.structure.arrays if isinstance(part.structure, Forest) else {}
    return np.asarray(part.places()[np.where(arrays["questions"] == LEAF, 0, arrays["split_features"])])


def _as(arrays: dict[str, Any], single: bool, strict: bool) -> Array:
    """The thresholds for another rounding and comparison, at which all numbers go where they went."""
    thresholds: Array = arrays["thresholds"]
    if (arrays["single"], arrays["strict"]) == (single, strict):
        return thresholds
    distinct, place = np.unique(thresholds, return_inverse=True)
    return last_left(lambda x: compared(arrays, x, distinct), len(distinct))[place]


def _values(parts: Sequence[Part], every: Sequence[dict[str, Any]], k: int) -> tuple[Array, Any]:
    """Leaves of all trees, (N, 1) with the output of each tree where each has but one, else (N, k)."""
    narrow = all((part.matrix != 0.0).sum(axis=1).max() <= 1 for part in parts)
    if narrow and all(arrays["values"].shape[1] == 1 for arrays in every):
        outputs, values = [], []
        for part, arrays in zip(parts, every, strict=True):
            of_trees = _outputs(arrays)
            target = np.abs(part.matrix).argmax(axis=1)[of_trees]
            factor = part.matrix[of_trees, target]
            values.append(arrays["values"] * np.repeat(factor, np.diff(arrays["tree_starts"]))[:, None])
            outputs.append(target)
        return np.concatenate(values), np.concatenate(outputs) if k > 1 else None
    wide = []
    for part, arrays in zip(parts, every, strict=True):
        if arrays["values"].shape[1] == 1:
            rows = part.matrix[np.repeat(_outputs(arrays), np.diff(arrays["tree_starts"]))]
            wide.append(arrays["values"] * rows)
        else:
            wide.append(np.einsum("nl,lk->nk", arrays["values"], part.matrix))
    return np.concatenate(wide), None


def _outputs(arrays: dict[str, Any]) -> NDArray[np.int64]:
    trees = len(arrays["tree_starts"]) - 1
    found = arrays["tree_outputs"]
    return np.asarray(found if len(found) else np.zeros(trees), dtype=np.int64)
