"""From a column as read to the codes of one feature, and from codes to what a person reads."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid._arguments import shown
from pellucid.errors import InputError
from pellucid.space.columns import EPOCH, EPOCH_UTC, Column, code_of, zone_of
from pellucid.space.decode import inner, numbers_behind, positions

if TYPE_CHECKING:
    from pellucid.space.features import Feature

SHOWN_CHARACTERS = 60


def codes_of(feature: Feature, column: Column, argument: str) -> np.ndarray:
    """The codes (n,) of `column` as values of `feature`, refused where a value does not belong."""
    if feature.kind in ("categorical", "ordinal"):
        return _category_codes(feature, column, argument)
    if column.family == "labels":
        if not np.isfinite(column.values).any():
            return np.full(len(column.values), np.nan)
        row = int(np.flatnonzero(np.isfinite(column.values))[0])
        _refuse(feature, column, row, argument, f"must be {feature.kind}", "pass numbers, not text")
    held = column.values
    present = np.isfinite(held)
    if present.any() and (feature.kind == "datetime") != (column.family == "time"):
        first = int(present.argmax())
        _refuse(feature, column, first, argument, f"must be {feature.kind}", "convert the column")
    if feature.kind == "datetime" and present.any() and column.aware != (zone_in(feature.dtype) is not None):
        rule = "must carry a time zone" if not column.aware else "must not carry a time zone"
        first, remedy = int(present.argmax()), "convert the column to the dtype the space has"
        _refuse(feature, column, first, argument, rule, remedy)
    fits = np.ones(len(held), dtype=bool)
    if feature.kind == "integer":
        fits = held == np.rint(held)
    elif feature.kind == "boolean":
        fits = (held == 0) | (held == 1)
    wrong = present & ~fits
    if wrong.any():
        rule, held_by = ("must be a whole number", "whole numbers")
        if feature.kind == "boolean":
            rule, held_by = ("must be 0 or 1", "0 and 1")
        remedy = f"pass {held_by}, or infer the space from data with other numbers"
        _refuse(feature, column, int(wrong.argmax()), argument, rule, remedy)
    return held


def _refuse(feature: Feature, column: Column, row: int, argument: str, rule: str, remedy: str) -> None:
    got = shown(value_at(column, row))
    raise InputError(f"{argument} {rule} in column {feature.name!r}, got {got} in row {row}; {remedy}")


def _category_codes(feature: Feature, column: Column, argument: str) -> np.ndarray:
    absent = np.isnan(column.values)
    if column.family == "labels":
        place = {label: i for i, label in enumerate(feature.categories)}
        table = np.array([float(place.get(label, -1)) for label in column.labels] + [np.nan])
        codes = table[np.where(absent, len(column.labels), column.values).astype(np.int64)]
    else:
        own = np.array([code_of(label) for label in feature.categories] + [np.nan])
        order = np.argsort(own)  # NaN, the stand-in for "no such label", sorts last
        found = order[np.minimum(np.searchsorted(own[order], column.values), len(order) - 1)]
        codes = np.where(own[found] == column.values, found.astype(np.float64), -1.0)
        codes[absent] = np.nan
    unseen = codes == -1
    if unseen.any():
        row = int(unseen.argmax())
        some = ", ".join(shown(label) for label in feature.categories[:5])
        more = ", ..." if len(feature.categories) > 5 else ""
        remedy = "add it to the declared order" if feature.kind == "ordinal" else "use extend() to add it"
        _refuse(feature, column, row, argument, f"must be one of ({some}{more})", remedy)
    return codes


def value_at(column: Column, row: int) -> Any:
    """The value of a column in one row, as plain Python."""
    return label_of(column, float(column.values[row]))


def label_of(column: Column, value: float) -> Any:
    """The plain Python value for one entry of `column.values`."""
    if column.family == "labels":
        return column.labels[int(value)]
    if column.family == "time":
        moment = (EPOCH_UTC if column.aware else EPOCH) + dt.timedelta(microseconds=int(value))
        name = column.dtype.lower()
        return moment.date() if "date" in name and "datetime" not in name else moment
    return {"integer": int, "boolean": bool, "float": float}[column.family](value)


def labels_in(column: Column) -> tuple[Any, ...]:
    """The distinct labels of a column, in the order of its dtype or sorted."""
    if column.family == "labels":
        return column.labels
    return tuple(label_of(column, value) for value in column.present_values())


def zone_in(dtype: str) -> str | None:
    """The time zone named in a dtype: "Datetime[us, UTC]" -> "UTC"."""
    parts = inner(dtype)
    return parts[1].removeprefix("tz=") if len(parts) == 2 else None


def displayed(feature: Feature, codes: np.ndarray) -> list[str]:
    """How a person reads the codes (n,) of one feature."""
    if feature.kind in ("categorical", "ordinal"):
        table = [_elided(_label_text(label)) for label in feature.categories] + ["missing"]
        return [table[i] for i in positions(feature, codes)]
    values = numbers_behind(feature, codes).tolist()
    if feature.kind == "datetime":
        zone = _display_zone(feature.dtype)
        return ["missing" if value != value else _time_text(value, zone) for value in values]
    if feature.kind == "boolean" and "bool" in feature.dtype.lower():
        return ["missing" if value != value else str(bool(value)) for value in values]
    if feature.kind == "numeric":
        return ["missing" if value != value else number_text(value) for value in values]
    return ["missing" if value != value else str(int(value)) for value in values]


def number_text(value: float) -> str:
    """A number with 4 significant digits, in plain notation up to ten million."""
    text = f"{value + 0.0:.4g}"
    return f"{float(text):.0f}" if "e+" in text and abs(value) < 1e7 else text


def _label_text(label: Any) -> str:
    return number_text(label) if isinstance(label, float) else str(label)


def _elided(text: str) -> str:
    # A fixed-width array would give every cell the width of the longest name.
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def _display_zone(dtype: str) -> dt.tzinfo | None:
    name = zone_in(dtype)
    if name is None:
        return None
    try:
        return zone_of(name)
    except (KeyError, ValueError):  # a fixed offset such as "+02:00" has no entry in the zone data
        return dt.timezone.utc


def _time_text(micro: float, zone: dt.tzinfo | None) -> str:
    try:
        moment = (EPOCH if zone is None else EPOCH_UTC) + dt.timedelta(microseconds=int(micro))
    except OverflowError:  # beyond the years 1..9999
        return f"{micro:.4g} us"
    moment = moment if zone is None else moment.astimezone(zone)
    return moment.date().isoformat() if moment.time() == dt.time() else moment.isoformat(sep=" ")
