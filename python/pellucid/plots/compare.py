"""Several attributions of the same parts side by side: methods, seeds, models or backgrounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.plots._grouped import Series, grouped_bars
from pellucid.results.attribution import Attribution
from pellucid.results.checks import find
from pellucid.results.moments import mean_and_error
from pellucid.results.ranking import display_limit, largest_first, line_of, noun_of, rest_name, row_index, split

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def compare(
    attributions: Mapping[str, Attribution] | Sequence[Attribution],
    *,
    row: int | None = 0,
    output: int | str = 0,
    max_display: int = 12,
    ax: Axes | None = None,
) -> Axes:
    """The same parts in several attributions, with whiskers of 1.96 standard errors.

    Parameters
    ----------
    attributions : mapping of name to Attribution, or a sequence of them
        Of the same parts, in any order. In a sequence each is named by the method of its report.
    row : int or None
        None: mean |value| over all rows.
    output : index or name
    max_display : int
        Groups of bars at most, the largest mean |value| over the attributions first; the last group is the
        sum of the parts that got none, for one row without whiskers.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        When the parts differ.

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> one = Attribution.from_array([[0.5, -0.2]], parts=["age", "income"])
    >>> two = Attribution.from_array([[-0.1, 0.6]], parts=["income", "age"])
    >>> [text.get_text() for text in compare({"one": one, "two": two}).get_legend().get_texts()]
    ['one', 'two']
    """
    named = _named(attributions)
    parts = named[0][1].parts
    values, errors = (
        np.array(x)
        for x in zip(
            *(_aligned(name, one, parts, row, find("output", output, one.outputs)) for name, one in named),
            strict=True,
        )
    )
    kept, left = split(largest_first(np.abs(values).mean(axis=0)), display_limit(max_display))
    names = _names(named[0][1], kept, left, row)
    heights, whiskers = values[:, kept], errors[:, kept]
    if len(left):
        sums = [_sum_of_rest(one, name, left, parts, row, find("output", output, one.outputs)) for name, one in named]
        heights = np.column_stack([heights, [value for value, _ in sums]])
        whiskers = np.column_stack([whiskers, [error for _, error in sums]])

    series = [
        Series(name, value, value - _style.Z95 * error, value + _style.Z95 * error)
        for (name, _), value, error in zip(named, heights, whiskers, strict=True)
    ]
    ax = grouped_bars(ax, names, series, rest=bool(len(left)))
    if row is None:
        ax.set_xlim(left=0.0)
    label = _style.label(named[0][1].outputs[find("output", output, named[0][1].outputs)])
    _style.x_name(ax, f"mean |contribution| to {label}" if row is None else f"contribution to {label}, row {row}")
    return ax


def _named(attributions: Any) -> list[tuple[str, Attribution]]:
    if isinstance(attributions, Mapping):
        named = [(str(name), one) for name, one in attributions.items()]
    elif isinstance(attributions, Sequence) and not isinstance(attributions, (str, bytes)):
        named = [(getattr(getattr(one, "report", None), "method", ""), one) for one in attributions]
        named = [
            (name if [n for n, _ in named].count(name) == 1 else f"{name} {i + 1}", one)
            for i, (name, one) in enumerate(named)
        ]
    else:
        raise InputError(
            "attributions must be a mapping of names to Attributions or a list of them, "
            f"got {type(attributions).__name__}"
        )
    if not named:
        raise InputError("attributions must hold at least one Attribution, got none")
    for name, one in named:
        _style.check(one, argument=f"attributions[{name!r}]")
    return named


def _order(name: str, one: Attribution, parts: tuple[str, ...]) -> NDArray[np.intp]:
    """Where each of `parts` stands in this attribution."""
    if one.parts == parts:
        return np.arange(len(parts), dtype=np.intp)
    if sorted(one.parts) != sorted(parts) or len(set(parts)) != len(parts):
        differing = sorted(set(one.parts) ^ set(parts))[:4]
        raise InputError(
            f"attributions must speak of the same parts, but {name!r} differs in {differing}; "
            "explain the same columns and groups"
        )
    return np.array([one.parts.index(part) for part in parts], dtype=np.intp)


def _aligned(
    name: str, one: Attribution, parts: tuple[str, ...], row: int | None, output: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and standard errors (p,) in the order of `parts`."""
    order = _order(name, one, parts)
    if row is None:
        return mean_and_error(np.abs(one.values[:, order, output]))
    at = row_index(one, row)
    errors = np.full(len(parts), np.nan) if one.std_err is None else one.std_err[at, order, output]
    return one.values[at, order, output], errors


def _sum_of_rest(
    one: Attribution, name: str, left: NDArray[np.intp], parts: tuple[str, ...], row: int | None, output: int
) -> tuple[float, float]:
    places = _order(name, one, parts)[left]
    if row is None:
        mean, error = mean_and_error(np.abs(one.values[:, places, output]).sum(axis=1))
        return float(mean), float(error)
    return float(one.values[row, places, output].sum()), float("nan")


def _names(first: Attribution, kept: NDArray[np.intp], left: NDArray[np.intp], row: int | None) -> list[str]:
    if row is None:
        names = [_style.label(first.parts[i]) for i in kept]
    else:
        names = [_style.line_name(*line_of(first, row_index(first, row), int(i))) for i in kept]
    return names + ([rest_name(len(left), len(first.parts), noun=noun_of(first))] if len(left) else [])
