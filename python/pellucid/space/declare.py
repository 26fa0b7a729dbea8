"""What the user declares about the features: which columns, groups, one-hot groups and ranges."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import InputError
from pellucid.space.columns import microseconds_of, plain_scalar

if TYPE_CHECKING:
    from pellucid.space.features import Feature

Reference = str | int


def listing(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")


def resolve(references: Iterable[Reference], names: tuple[str, ...], argument: str) -> list[int]:
    """Positions of features named by name or by position."""
    if isinstance(references, (str, int)):
        remedy = f"use [{references!r}]"
        raise InputError(f"{argument} must be a sequence of feature names, got {references!r}; {remedy}")
    found = []
    for reference in references:
        # An int that is the label of a column (pandas) means that column, any other int a position.
        name = str(reference) if isinstance(reference, numbers.Integral) else reference
        if name in names:
            found.append(names.index(name))
        elif isinstance(reference, numbers.Integral) and not isinstance(reference, bool):
            if not 0 <= reference < len(names):
                last = len(names) - 1
                raise InputError(f"{argument} must hold positions 0..{last}, got {reference}; correct it")
            found.append(int(reference))
        else:
            raise InputError(
                f"{argument} must name features of X, got {reference!r}; the features are {listing(names)}"
            )
    return found


def resolve_keys(declared: Mapping[Any, Any] | None, names: tuple[str, ...], argument: str) -> dict[int, Any]:
    """{position: what was declared} for a dict keyed by feature name or position."""
    if declared is None:
        return {}
    if not isinstance(declared, Mapping):
        got = type(declared).__name__
        raise InputError(f"{argument} must be a dict with feature names as keys, got {got}; use a dict")
    return dict(zip(resolve(list(declared), names, argument), declared.values(), strict=True))


def resolve_kinds(names: tuple[str, ...], **declared: Iterable[Reference]) -> dict[int, str]:
    """{position: kind}, refused when one column is declared as two kinds."""
    kinds: dict[int, str] = {}
    for kind, references in declared.items():
        for j in resolve(references, names, kind):
            if kinds.setdefault(j, kind) != kind:
                got = f"{kinds[j]} and {kind}"
                raise InputError(f"{names[j]!r} must have one kind, got {got}; declare it once")
    return kinds


def resolve_groups(
    declared: Mapping[str, Iterable[Reference]] | None, names: tuple[str, ...], argument: str
) -> dict[str, tuple[str, ...]]:
    """{group: feature names} from names or positions."""
    if declared is None:
        return {}
    if not isinstance(declared, Mapping):
        got = type(declared).__name__
        raise InputError(f"{argument} must be a dict of group name to feature names, got {got}; use a dict")
    return {
        group: tuple(names[j] for j in resolve(members, names, f"{argument}[{group!r}]"))
        for group, members in declared.items()
    }


def check_groups(groups: Mapping[str, tuple[str, ...]], names: tuple[str, ...]) -> None:
    """Refuses groups that are empty, overlap, name no feature, or bear the name of a feature."""
    home: dict[str, str] = {}
    for group, members in groups.items():
        if not isinstance(group, str) or not group:
            raise InputError(f"groups must have names that are text, got {group!r}; rename the group")
        if group in names:
            raise InputError(f"groups must not bear the name of a feature, got {group!r}; rename the group")
        if not members:
            raise InputError(f"groups must have at least one feature each, got none in {group!r}; drop it")
        for member in members:
            if member not in names:
                raise InputError(
                    f"groups[{group!r}] must name features of X, got {member!r}; the features are {listing(names)}"
                )
            if member in home:
                raise InputError(
                    f"groups must be disjoint, got {member!r} in {home[member]!r} and {group!r}; keep it in one"
                )
            home[member] = group


def check_one_hot(group: str, members: tuple[str, ...], codes: np.ndarray, argument: str) -> None:
    """Refuses a one-hot group whose columns (n, members) are not 0/1 with at most one 1 per row."""
    wrong = (codes != 0) & (codes != 1)
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise InputError(
            f"one_hot[{group!r}] must hold columns of 0 and 1, got {codes[row, column]:g} in row {row} of "
            f"{argument}, column {members[column]!r}; declare a group instead"
        )
    crowded = codes.sum(axis=1) > 1
    if crowded.any():
        row = int(crowded.argmax())
        raise InputError(
            f"one_hot[{group!r}] must have at most one 1 per row, got {codes[row].sum():g} in row {row} of "
            f"{argument}; declare a group instead"
        )


def declared_range(feature: Feature, bounds: Any) -> tuple[float, float]:
    """(low, high) in codes from bounds in the feature's own unit; None leaves a side open."""
    where = f"ranges[{feature.name!r}]"
    if feature.kind in ("categorical", "boolean"):
        raise InputError(f"{where} must be for a feature with an order, got a {feature.kind} one; drop it")
    if isinstance(bounds, str) or not hasattr(bounds, "__len__") or len(bounds) != 2:
        raise InputError(f"{where} must be a pair (low, high), got {bounds!r}; None leaves a side open")
    low, high = (_bound(feature, bound, where) for bound in bounds)
    low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
    if low > high:
        raise InputError(f"{where} must have low <= high, got {bounds!r}; swap them")
    if feature.kind == "ordinal":
        return max(low, 0.0), min(high, len(feature.categories) - 1.0)
    return low, high


def _bound(feature: Feature, bound: Any, where: str) -> float | None:
    if bound is None:
        return None
    bound = plain_scalar(bound)
    if feature.kind == "ordinal":
        if bound not in feature.categories:
            raise InputError(f"{where} must use the categories {feature.categories}, got {bound!r}; correct it")
        return float(feature.categories.index(bound))
    if feature.kind == "datetime":
        if isinstance(bound, str):
            try:
                bound = dt.datetime.fromisoformat(bound)
            except ValueError:
                bound = None
        if not isinstance(bound, dt.date):
            raise InputError(f"{where} must be dates or ISO text such as '2024-01-31', got {bound!r}; correct it")
        return float(microseconds_of(bound))
    if isinstance(bound, bool) or not isinstance(bound, numbers.Real) or math.isnan(bound):
        raise InputError(f"{where} must be numbers, got {bound!r}; None leaves a side open")
    return float(bound)
