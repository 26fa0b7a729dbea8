"""Which parts a chart or table shows, in which order, and what is summed in its last line."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results.checks import described
from pellucid.results.moments import mean_and_error
from pellucid.results.text import clean

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
    the covariances of the parts, which an attribution does not hold. `left_out` counts the parts without a value, and
    `small` those with one that is neither shown nor in a sum.
    """

    order: tuple[int, ...]
    names: tuple[str, ...]
    shown: tuple[str, ...]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    rest: int
    left_out: int = 0
    small: int = 0


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


def display_limit(max_display: int, *, argument: str = "max_display") -> int:
    """max_display, checked."""
    if isinstance(max_display, (bool, np.bool_)) or not isinstance(max_display, (int, np.integer)) or max_display < 1:
        raise InputError(f"{argument} must be a whole number of at least 1, got {max_display!r}")
    return int(max_display)


def line_of(attribution: Attribution, row: int, part: int) -> tuple[str, str]:
    """The name of a part and how a person reads its value; "" where that is not known or in the name."""
    name, shown = attribution._line(row, part)
    return clean(name), clean(shown)


def noun_of(attribution: Attribution) -> str:
    """What a part is called."""
    return "feature" if attribution.canvas is None else "part"


def rank_row(attribution: Attribution, *, row: int, output: int, max_display: int = 12, summed: bool = True) -> Ranking:
    """The parts of one row by |value|, without those that a sparse surrogate left out.

    summed=False: those that got no line are counted and not summed.
    """
    values = attribution.values[row, :, output]
    errors = np.full(len(values), np.nan) if attribution.std_err is None else attribution.std_err[row, :, output]
    order = attribution._ranked(row, output)
    kept, left, small = kept_of(attribution, order, display_limit(max_display), summed=summed)
    lines = [line_of(attribution, row, int(part)) for part in kept]
    ranking = _ranking(
        kept,
        lines,
        values,
        errors,
        rest=len(left),
        value=float(values[left].sum()),
        error=float("nan"),
        rest_name=rest_name(len(left), len(order), noun=noun_of(attribution)),
    )
    return replace(ranking, left_out=len(values) - len(order), small=small)


def kept_of(
    attribution: Attribution, order: NDArray[np.intp], limit: int, *, summed: bool = True
) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """The positions with a line, those summed in the last line, and how many are neither: slopes have no sum."""
    if summed and getattr(attribution, "adds_up", True):
        return *split(order, limit), 0
    return order[:limit], order[:0], max(0, len(order) - limit)


def rank_means(attribution: Attribution, *, output: int, max_display: int = 12) -> Ranking:
    """The parts that a row has, by mean |value| over the rows; the errors are those of the mean over rows."""
    sizes = np.abs(attribution.values[:, :, output])
    values, errors = mean_and_error(sizes)
    order = largest_first(values)
    order = order[attribution._ever_has(output)[order]]
    kept, left = split(order, display_limit(max_display))
    sum_of_rest, error_of_rest = mean_and_error(sizes[:, left].sum(axis=1))
    lines = [(clean(attribution.parts[i]), "") for i in kept]
    return _ranking(
        kept,
        lines,
        values,
        errors,
        rest=len(left),
        value=float(sum_of_rest),
        error=float(error_of_rest),
        rest_name=rest_name(len(left), len(order), noun=noun_of(attribution)),
    )


def split(order: NDArray[np.intp], limit: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The positions that get a line of their own and those that are summed in the last one."""
    if len(order) <= limit:
        return order, order[:0]
    return order[: limit - 1], order[limit - 1 :]


def rest_name(count: int, total: int, *, noun: str = "feature") -> str:
    """What the last line is called."""
    if count == total:
        return f"sum of all {count} {noun}s"
    return f"sum of {count} other {noun}s" if count > 1 else f"1 other {noun}"


def _ranking(
    kept: NDArray[np.intp],
    lines: list[tuple[str, str]],
    values: NDArray[np.float64],
    errors: NDArray[np.float64],
    *,
    rest: int,
    rest_name: str,
    value: float,
    error: float,
) -> Ranking:
    values, errors = values[kept], errors[kept]
    if rest:
        lines = [*lines, (rest_name, "")]
        values, errors = np.append(values, value), np.append(errors, error)
    return Ranking(
        order=tuple(int(i) for i in kept),
        names=tuple(name for name, _ in lines),
        shown=tuple(shown for _, shown in lines),
        values=values,
        errors=errors,
        rest=rest,
    )
