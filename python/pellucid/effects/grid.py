"""The points at which an effect is looked at: values that occur in the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.space import Feature, Space

Array = NDArray[np.float64]

ONE_HOT = "one-hot"
_ON_A_SCALE = frozenset({"numeric", "integer", "datetime"})


@dataclass(frozen=True)
class Axis:
    """One part, set to g values in turn.

    Attributes
    ----------
    part : position among the parts.
    kind : that of its feature, or "one-hot".
    columns : (c,) its columns.
    codes : (g, c) what they hold at each point.
    grid : (g,) the code of the point; for a one-hot group its position among the points. NaN, last, for missing.
    labels : (g,) the points as a person reads them.
    data : (n,) where each row of the data stands on this axis; NaN where it is missing.
    """

    part: int
    kind: str
    columns: NDArray[np.intp]
    codes: Array
    grid: Array
    labels: tuple[str, ...]
    data: Array


def axis_of(space: Space, part: int, *, codes: Array, given: Any, size: int, missing: bool, extrapolate: bool) -> Axis:
    """The grid of a part: as given, or from the rows (n, d).

    Parameters
    ----------
    given : values in the user's own terms, None to choose.
    size : points at most, where they are chosen among numbers.
    missing : whether a missing value is a point of its own.
    extrapolate : whether a given point may lie outside of the data.
    """
    name = space.parts[part]
    columns = np.flatnonzero(space.part_of_column == part)
    if name in space.one_hot:
        return _one_hot(space, part, columns, codes[:, columns], given)
    if name in space.groups:
        raise InputError(
            f"features names the group {name!r}, which has no values of its own to go through; name one of its "
            f"columns ({', '.join(space.groups[name][:6])}) with a space that has no such group"
        )
    feature, data = space.features[columns[0]], codes[:, columns[0]]
    points = _chosen(feature, data, size, missing) if given is None else _given(feature, given)
    if not extrapolate:
        _check_inside(feature, points, data)
    labels = Space((feature,)).display(points[:, None])[:, 0]
    return Axis(part, feature.kind, columns, points[:, None], points, tuple(map(str, labels)), data)


def _chosen(feature: Feature, data: Array, size: int, missing: bool) -> Array:
    """All values that occur, or of many numbers the quantiles, the smallest and the largest among them."""
    present = data[~np.isnan(data)]
    points = np.unique(present)
    if feature.kind in _ON_A_SCALE and len(points) > size:
        points = np.unique(np.quantile(present, np.linspace(0.0, 1.0, size), method="inverted_cdf"))
    if missing and len(present) < len(data):
        points = np.append(points, np.nan)
    if len(points) == 0:
        raise InputError(f"features names {feature.name!r}, which has no value in X; leave it out")
    return points


def _given(feature: Feature, given: Any) -> Array:
    if isinstance(given, (str, bytes)) or not hasattr(given, "__len__") or len(given) == 0:
        raise InputError(f"grid of {feature.name!r} must be a sequence of at least one value, got {given!r}")
    column = given if isinstance(given, np.ndarray) and given.dtype.kind != "O" else _objects(given)
    if column.ndim != 1:
        raise InputError(f"grid of {feature.name!r} must be a sequence of values, got shape {column.shape}")
    points = Space((feature,)).encode(column[:, None], argument="grid")[:, 0]
    if feature.kind in _ON_A_SCALE:
        return np.unique(points)
    kept = dict.fromkeys(points[~np.isnan(points)].tolist())
    return np.array([*kept, *([np.nan] if np.isnan(points).any() else [])])


def _objects(values: Any) -> NDArray[Any]:
    column = np.empty(len(values), dtype=object)
    column[:] = list(values)
    return column


def _check_inside(feature: Feature, points: Array, data: Array) -> None:
    present, wanted = data[~np.isnan(data)], points[~np.isnan(points)]
    if feature.kind in _ON_A_SCALE:
        outside = (wanted < present.min(initial=np.inf)) | (wanted > present.max(initial=-np.inf))
    else:
        outside = ~np.isin(wanted, present)
    if outside.any() or (np.isnan(points).any() and not np.isnan(data).any()):
        shown = Space((feature,)).display(wanted[outside][:1, None]).ravel().tolist() or ["missing"]
        raise InputError(
            f"grid of {feature.name!r} must stay within the data, got {shown[0]}, where no row of X is; "
            "use extrapolate=True to ask the model all the same"
        )


def _one_hot(space: Space, part: int, columns: NDArray[np.intp], data: Array, given: Any) -> Axis:
    """The members that occur, in the order of their columns; rows with none of them last."""
    names = [space.names[column] for column in columns]
    known = ~np.isnan(data).any(axis=1)
    rows = np.unique(data[known], axis=0)[::-1]  # the first column first
    labels = [" + ".join(name for name, on in zip(names, row, strict=True) if on) or "none" for row in rows]
    if given is not None:
        wanted = [given] if isinstance(given, str) else list(given)
        strange = [one for one in wanted if one not in labels]
        if strange or not wanted:
            raise InputError(
                f"grid of {space.parts[part]!r} must hold columns that are 1 somewhere in X, got {strange[:4]}; "
                f"there are {labels[:8]}"
            )
        rows, labels = rows[[labels.index(one) for one in wanted]], wanted
    where = np.full(len(data), np.nan)
    for i, row in enumerate(rows):
        where[(data == row).all(axis=1)] = i
    grid = np.arange(len(rows), dtype=np.float64)
    return Axis(part, ONE_HOT, columns, rows, grid, tuple(labels), where)
