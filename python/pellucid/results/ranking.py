"""Which parts a chart or table shows, in which order, and what is summed in its last line."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results.checks import described
from pellucid.results.moments import mean_and_error
from pellucid.results.text import clean, number

if TYPE_CHECKING:
    from pellucid.results.attribution import Attribution


class Contribution(NamedTuple):
    """One line of a `top`; `std_err` is None when the value is exact, NaN when it is unknown."""

    part: str
    value: float
    std_err: float | None


@dataclass(frozen=True)
class Ranking:
    """The largest parts first; the last entry is the sum of the `rest` parts not shown when `rest` > 0.

    `errors` are standard errors, NaN where there are none. A sum of parts within one row has none: it needs
    the covariances of the parts, which an attribution does not hold.
    """

    order: tuple[int, ...]
    names: tuple[str, ...]
    shown: tuple[str, ...]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    rest: int


def largest_first(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Positions by falling |value|; ties keep the order of the parts."""
    return np.argsort(-np.abs(values), kind="stable")


def ranked(parts: tuple[str, ...], values: NDArray[np.float64], errors: NDArray[np.float64]) -> list[Contribution]:
    """The parts, largest first."""
    return [Contribution(parts[i], float(values[i]), float(errors[i])) for i in largest_first(values)]


def row_index(result: Sized, row: int) -> int:
    """The row as a non-negative position."""
    if isinstance(row, (bool, np.bool_)) or not isinstance(row, (int, np.integer)):
        raise InputError(f"row must be an index, got {described(row)}")
    if not -len(result) <= row < len(result):
        raise InputError(f"row must be an index of one of the {len(result)} rows, got {row}")
    return int(row) % len(result)


def display_limit(max_display: int) -> int:
    """max_display, checked."""
    if isinstance(max_display, (bool, np.bool_)) or not isinstance(max_display, (int, np.integer)) or max_display < 1:
        raise InputError(f"max_display must be a whole number of at least 1, got {max_display!r}")
    return int(max_display)


def shown_values(attribution: Attribution, row: int) -> tuple[str, ...]:
    """How a person reads the parts of this row, "" where that is not known."""
    if attribution.display is not None:
        return tuple(clean(str(text)) for text in attribution.display[row])
    if attribution.data is not None:
        return tuple("" if np.isnan(x) else number(float(x)) for x in attribution.data[row])
    return ("",) * len(attribution.parts)


def rank_row(attribution: Attribution, *, row: int, output: int, max_display: int = 12) -> Ranking:
    """The parts of one row by |value|."""
    values = attribution.values[row, :, output]
    errors = np.full(len(values), np.nan) if attribution.std_err is None else attribution.std_err[row, :, output]
    order = largest_first(values)
    kept, left = split(order, display_limit(max_display))
    shown = shown_values(attribution, row)
    return _ranking(
        attribution,
        kept,
        left,
        tuple(shown[i] for i in kept),
        values,
        errors,
        float(values[left].sum()),
        float("nan"),
    )


def rank_means(attribution: Attribution, *, output: int, max_display: int = 12) -> Ranking:
    """The parts by mean |value| over the rows; the errors are those of the mean over rows."""
    sizes = np.abs(attribution.values[:, :, output])
    values, errors = mean_and_error(sizes)
    order = largest_first(values)
    kept, left = split(order, display_limit(max_display))
    sum_of_rest, error_of_rest = mean_and_error(sizes[:, left].sum(axis=1))
    return _ranking(
        attribution, kept, left, ("",) * len(kept), values, errors, float(sum_of_rest), float(error_of_rest)
    )


def split(order: NDArray[np.intp], limit: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The positions that get a line of their own and those that are summed in the last one."""
    if len(order) <= limit:
        return order, order[:0]
    return order[: limit - 1], order[limit - 1 :]


def rest_name(count: int, total: int) -> str:
    """What the last line is called."""
    if count == total:
        return f"sum of all {count} features"
    return f"sum of {count} other features" if count > 1 else "1 other feature"


def _ranking(
    attribution: Attribution,
    kept: NDArray[np.intp],
    left: NDArray[np.intp],
    shown: tuple[str, ...],
    values: NDArray[np.float64],
    errors: NDArray[np.float64],
    rest_value: float,
    rest_error: float,
) -> Ranking:
    names = tuple(clean(attribution.parts[i]) for i in kept)
    values, errors = values[kept], errors[kept]
    if len(left):
        names = (*names, rest_name(len(left), len(attribution.parts)))
        shown = (*shown, "")
        values, errors = np.append(values, rest_value), np.append(errors, rest_error)
    return Ranking(
        order=tuple(int(i) for i in kept),
        names=names,
        shown=shown,
        values=values,
        errors=errors,
        rest=len(left),
    )
