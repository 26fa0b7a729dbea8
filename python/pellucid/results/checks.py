"""What every result checks about its arrays and names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results.report import PER_ROW, Report


def described(value: Any) -> str:
    """The type of a value, with its shape where it has one."""
    shape = getattr(value, "shape", None)
    return type(value).__name__ + ("" if shape is None else f" of shape {tuple(shape)}")


def floats(argument: str, value: Any) -> NDArray[np.float64]:
    """A float64 view or copy of anything that is numbers."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biufO":
            raise TypeError
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"{argument} must be an array of numbers, got {described(value)}; "
            "pass something that numpy turns into float64"
        ) from None


def frozen_floats(argument: str, value: Any, shape: tuple[int, ...], letters: str) -> NDArray[np.float64]:
    """A read-only float64 copy of the given shape."""
    array = floats(argument, value)
    if array.shape != shape:
        raise InputError(f"{argument} must have shape {letters} = {shape}, got {array.shape}")
    return frozen(array)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only copy; or the array itself, where it has memory of its own that is read-only already."""
    flags = array.flags
    if type(array) is np.ndarray and flags.owndata and flags.c_contiguous and not flags.writeable:
        return array
    copy = np.array(array, order="C", copy=True)
    copy.setflags(write=False)
    return copy


def names(argument: str, value: Iterable[str], count: int | None, *, letter: str) -> tuple[str, ...]:
    """A tuple of strings of the given length."""
    if isinstance(value, (str, bytes)):
        raise InputError(f"{argument} must be a sequence of names, got one {type(value).__name__}; put it in a list")
    found = tuple(value)
    plain = {str}.issuperset(map(type, found))
    for name in () if plain else found:
        if not isinstance(name, str):
            raise InputError(f"{argument} must hold strings, got {type(name).__name__} {name!r}; use str(name)")
    if count is not None and len(found) != count:
        raise InputError(f"{argument} must hold one name for each of the {count} {letter} of values, got {len(found)}")
    return found if plain else tuple(str(name) for name in found)


def find(argument: str, which: int | str, among: tuple[str, ...]) -> int:
    """The position of a name or an index (negative ones count from the end)."""
    if isinstance(which, str):
        places = [i for i, name in enumerate(among) if name == which]
        if len(places) == 1:
            return places[0]
        if places:
            raise InputError(
                f"{argument}={which!r} stands for {len(places)} positions {places[:5]}; "
                "give the index instead of the name"
            )
        shown = ", ".join(repr(name[:40]) for name in among[:6]) + (", ..." if len(among) > 6 else "")
        raise InputError(f"{argument} must be one of {shown} or an index, got {which[:80]!r}")
    if isinstance(which, (bool, np.bool_)) or not isinstance(which, (int, np.integer)):
        raise InputError(f"{argument} must be an index or a name, got {described(which)}")
    if not -len(among) <= which < len(among):
        raise InputError(f"{argument} must be an index below {len(among)} or a name, got {which}")
    return int(which) % len(among)


def whole(argument: str, value: Any) -> int:
    """A whole number of at least 0."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 0:
        raise InputError(f"{argument} must be a whole number of at least 0, got {value!r}")
    return int(value)


def report(report: Any, rows: int) -> Report:
    """A report that fits so many rows."""
    if not isinstance(report, Report):
        raise InputError(f"report must be a Report, got {type(report).__name__}")
    for name in PER_ROW:
        if len(getattr(report, name)) not in (0, rows):
            raise InputError(
                f"report.{name} must have one entry for each of the {rows} rows, got {len(getattr(report, name))}"
            )
    return report


def same(a: Any, b: Any) -> bool:
    """Equality of two fields of a result; NaN equals NaN."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")
    return type(a) is type(b) and bool(a == b)


def freeze(state: dict[str, Any]) -> None:
    """Make the arrays of an unpickled result read-only again; pickle does not keep this flag."""
    for value in state.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)


def strings(display: Any, shape: tuple[int, int]) -> NDArray[np.str_]:
    """A read-only copy of what a person reads."""
    array = np.asarray(display)
    if array.shape != shape:
        raise InputError(f"display must have shape (n, p) = {shape}, got {array.shape}")
    if array.dtype.kind not in "UO" or (
        array.dtype.kind == "O" and not all(isinstance(text, str) for text in array.flat)
    ):
        raise InputError(f"display must hold strings, got dtype {array.dtype}; use Space.display or astype(str)")
    return frozen(array.astype(np.str_))


def selected(selected: Any, shape: tuple[int, int], names: int) -> NDArray[np.int64]:
    """A read-only copy of positions among so many names."""
    array = np.asarray(selected)
    if array.shape != shape or array.dtype.kind not in "iu":
        raise InputError(
            f"selected must be whole numbers of shape (n, k) = {shape}, got {array.dtype} of shape {array.shape}"
        )
    if array.size and (array.min() < 0 or (names and array.max() >= names)):
        raise InputError(f"selected must point into the {names} selected_names, got {array.min()} to {array.max()}")
    return frozen(array.astype(np.int64))


def positions(rows: Any, n: int) -> NDArray[np.intp]:
    """Some of n rows as positions, from an index, a slice, positions or a mask."""
    if isinstance(rows, slice):
        return np.arange(n, dtype=np.intp)[rows]
    index = np.asarray(rows)
    if index.dtype == bool and index.shape == (n,):
        return np.flatnonzero(index)
    if index.size == 0 and index.ndim == 1:
        return np.zeros(0, dtype=np.intp)
    if index.dtype.kind not in "iu" or index.ndim > 1:
        raise InputError(f"rows must be an index, a slice, positions or a mask of length {n}, got {described(rows)}")
    index = np.atleast_1d(index).astype(np.intp)
    if ((index < -n) | (index >= n)).any():
        raise IndexError(f"row {index[(index < -n) | (index >= n)][0]} is out of range for {n} rows")
    return index % n if n else index
