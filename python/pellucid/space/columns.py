"""Reading one column of any kind into float64: the number itself, microseconds, or an index into labels."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from pellucid._arguments import shown
from pellucid.errors import InputError

EXACT_INTEGER = 2**53
EPOCH = dt.datetime(1970, 1, 1)
EPOCH_UTC = EPOCH.replace(tzinfo=dt.timezone.utc)
MICROSECOND = dt.timedelta(microseconds=1)
ENCODABLE = "numbers, text, booleans or dates"


@dataclass(frozen=True)
class Place:
    """Where a value comes from, so that an error can name it."""

    argument: str
    name: str

    def at(self, row: int) -> str:
        return f"in row {row}, column {self.name!r}"


@dataclass(frozen=True)
class Column:
    """One column as read, before a space turns it into codes."""

    name: str
    family: str  # "float" | "integer" | "boolean" | "time" | "labels"
    values: np.ndarray  # (n,): the number, microseconds since 1970 (UTC), or index into labels; NaN is missing
    dtype: str
    labels: tuple[Any, ...] = ()
    listed: bool = False  # the dtype itself lists the labels (category, Enum, dictionary)
    ordered: bool = False
    null: str = ""  # how a missing value was written, where the dtype leaves a choice
    aware: bool = False  # times carry a time zone
    label: int | None = None  # the column's own label where that is an int (pandas)

    def present_values(self) -> list[float]:
        """The distinct entries of `values`, sorted, without the missing ones."""
        distinct: list[float] = np.unique(self.values[~np.isnan(self.values)]).tolist()
        return distinct


def missing_marker(value: Any) -> str:
    """How `value` writes "missing": "None", "nan", "NA", "NaT", or "" when it is not missing."""
    if value is None:
        return "None"
    if isinstance(value, (float, np.floating)):
        return "nan" if math.isnan(value) else ""
    kind = type(value).__name__
    if kind == "NAType":
        return "NA"
    return "NaT" if kind == "NaTType" else ""


def plain_scalar(value: Any) -> Any:
    """A label as plain Python: NumPy scalars and pandas timestamps become their standard-library twins."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dt.datetime) and hasattr(value, "to_pydatetime"):
        return value.to_pydatetime()
    return str(value) if isinstance(value, str) else value


def is_label(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool, dt.date)) and missing_marker(value) == ""


def label_order(labels: Sequence[Any]) -> list[Any]:
    """A fixed order for labels of several types: numbers first, then dates, then text."""

    def key(value: Any) -> tuple[int, Any]:
        if isinstance(value, str):
            return 3, value
        if isinstance(value, dt.datetime):
            return 2, microseconds_of(value)
        return (1, value) if isinstance(value, dt.date) else (0, value)

    return sorted(labels, key=key)


def finite(values: np.ndarray, place: Place) -> np.ndarray:
    """`values` (n,), refused when one is infinite."""
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise InputError(
            f"{place.argument} must be finite, got {values[row]} {place.at(row)}; "
            "remove the row or mark the value as missing (NaN)"
        )
    return values


def exact_integers(values: np.ndarray, place: Place) -> np.ndarray:
    """Integers (n,) as float64, refused when float64 would round one."""
    beyond = values > EXACT_INTEGER
    if values.dtype.kind == "i":
        beyond |= values < -EXACT_INTEGER
    if beyond.any():
        row = int(beyond.argmax())
        raise InputError(
            f"{place.argument} must hold integers up to 2**53, got {values[row]} {place.at(row)}, "
            "which is not representable as float64; drop the column or pass it as text"
        )
    return values.astype(np.float64)


def numbers(values: np.ndarray, place: Place) -> np.ndarray:
    """A bool, integer or float array (n,) as a fresh float64 array (n,)."""
    if values.dtype.kind in "iu":
        return exact_integers(values, place)
    with np.errstate(over="ignore"):  # a longdouble beyond float64 is reported as the infinity it becomes
        return finite(values.astype(np.float64), place)


def exact_microseconds(values: np.ndarray, place: Place) -> np.ndarray:
    """datetime64 (n,) of any unit as float64 microseconds since 1970, refused when that would round."""
    absent = np.isnat(values)
    micro = values.astype("M8[us]")
    whole = micro.astype(np.int64)
    codes = np.where(absent, np.nan, whole.astype(np.float64))
    # A float64 at the very edge of int64 would overflow on its way back, so it is inexact as well.
    fits = np.abs(codes) < 2.0**63
    back = np.where(fits, codes, 0.0).astype(np.int64)
    inexact = ~absent & ((micro.astype(values.dtype) != values) | (back != whole))
    if inexact.any():
        row = int(inexact.argmax())
        raise InputError(
            f"{place.argument} must hold times in whole microseconds that float64 can represent, got "
            f"{values[row]} {place.at(row)}; round the column to microseconds"
        )
    return codes


def microseconds_of(value: dt.date) -> int:
    """One date or datetime as whole microseconds since 1970 (UTC when it has a time zone)."""
    moment = value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)
    if hasattr(moment, "to_pydatetime"):
        moment = moment.to_pydatetime(warn=False)
    return (moment - (EPOCH if moment.tzinfo is None else EPOCH_UTC)) // MICROSECOND


def code_of(value: Any) -> float:
    """The number that stands for one label of a numeric, boolean or time column; NaN for anything else."""
    if isinstance(value, dt.date):
        return float(microseconds_of(value))
    return float(value) if isinstance(value, (bool, int, float)) else math.nan


def index_labels(values: Sequence[Any], present: np.ndarray) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Index (n,) of each present value in the sorted distinct labels, and the labels."""
    positions: dict[Any, int] = {}
    first = [positions.setdefault(value, len(positions)) for value in values]
    labels = label_order(list(positions))
    rank = np.empty(len(labels))
    rank[[positions[label] for label in labels]] = np.arange(len(labels))
    codes = np.full(len(present), np.nan)
    codes[present] = rank[np.asarray(first, dtype=np.int64)] if first else ()
    return codes, tuple(labels)


def text_column(values: Sequence[Any], present: np.ndarray, place: Place, dtype: str) -> Column:
    codes, labels = index_labels([str(value) for value in values], present)
    return Column(place.name, "labels", codes, dtype, labels=labels)


def _family(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if isinstance(value, (int, np.integer)) and not isinstance(value, np.timedelta64):
        return "int"
    if isinstance(value, (float, np.floating)):
        return "float"
    if isinstance(value, str):
        return "str"
    if isinstance(value, dt.datetime):
        return "datetime"
    return "date" if isinstance(value, dt.date) else ""


def object_column(values: np.ndarray, place: Place, *, mixed: bool = False) -> Column:
    """An object array (n,) of one family of values; `mixed` lets labels of several types stand together."""
    markers = [missing_marker(value) for value in values]
    present = np.array([marker == "" for marker in markers], dtype=bool)
    null = next((marker for marker in markers if marker), "")
    rows = np.flatnonzero(present)
    held = [values[row] for row in rows]
    families = [_family(value) for value in held]
    for row, value, family in zip(rows, held, families, strict=True):
        if not family:
            raise InputError(
                f"{place.argument} must hold {ENCODABLE}, got {shown(value)} ({type(value).__name__}) "
                f"{place.at(int(row))}; convert or drop the column"
            )
    kinds = set(families)
    if kinds == {"int", "float"}:
        kinds = {"float"}
    if not kinds or (mixed and len(kinds) > 1):
        codes, labels = index_labels([plain_scalar(value) for value in held], present)
        return Column(place.name, "labels", codes, "object[mixed]", labels=labels, null=null)
    if len(kinds) > 1:
        other = next(i for i, family in enumerate(families) if family != families[0])
        raise InputError(
            f"{place.argument} must hold one kind of value per column, got {shown(held[other])} "
            f"{place.at(rows[other])} beside {shown(held[0])}; convert the column or declare it categorical"
        )
    return replace(_typed_objects(kinds.pop(), held, present, rows, place), null=null)


def _typed_objects(family: str, held: list[Any], present: np.ndarray, rows: np.ndarray, place: Place) -> Column:
    if family == "str":
        return text_column(held, present, place, "object[str]")
    codes = np.full(len(present), np.nan)
    if family in ("date", "datetime"):
        dtype, aware = _time_dtype(held, rows, place)
        for row, value in zip(rows, held, strict=True):
            micro = microseconds_of(value)
            codes[row] = micro
            if int(codes[row]) != micro:
                raise InputError(
                    f"{place.argument} must hold times that float64 microseconds can represent, got "
                    f"{value!s} {place.at(row)}; round the column to seconds"
                )
        return Column(place.name, "time", codes, dtype, aware=aware)
    for row, value in zip(rows, held, strict=True):
        if family == "int" and abs(int(value)) > EXACT_INTEGER:
            raise InputError(
                f"{place.argument} must hold integers up to 2**53, got {shown(int(value))} {place.at(row)}, "
                "which is not representable as float64; drop the column or pass it as text"
            )
        codes[row] = float(value)
    names = {"int": "integer", "float": "float", "bool": "boolean"}
    return Column(place.name, names[family], finite(codes, place), f"object[{family}]")


def _time_dtype(held: list[Any], rows: np.ndarray, place: Place) -> tuple[str, bool]:
    """The dtype that rebuilds dates or datetimes held as objects, and whether they carry a time zone."""
    if not isinstance(held[0], dt.datetime):
        return "object[date]", False
    for row, value in zip(rows, held, strict=True):
        if getattr(value, "nanosecond", 0):
            raise InputError(
                f"{place.argument} must hold times in whole microseconds, got {value} {place.at(row)}; "
                "round the column to microseconds"
            )
    kind = "Timestamp" if all(type(value).__name__ == "Timestamp" for value in held) else "datetime"
    zones = {zone_name(value.tzinfo) for value in held}
    if len(zones) > 1 or "?" in zones:
        raise InputError(
            f"{place.argument} must hold times of one named time zone per column, got "
            f"{sorted(map(str, zones))} in column {place.name!r}; convert the column to UTC"
        )
    zone = zones.pop()
    return (f"object[{kind}]" if zone is None else f"object[{kind}, {zone}]"), zone is not None


def zone_name(zone: dt.tzinfo | None) -> str | None:
    """A name from which `zone_of` rebuilds the time zone; None for no zone, "?" when it has no name."""
    if zone is None:
        return None
    if zone == dt.timezone.utc:
        return "UTC"
    return str(getattr(zone, "key", None) or getattr(zone, "zone", None) or "?")


def zone_of(name: str) -> dt.tzinfo:
    return dt.timezone.utc if name == "UTC" else ZoneInfo(name)
