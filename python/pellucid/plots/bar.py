"""Contributions as bars: of one row, in the mean over all, or in the mean over each cohort."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.plots._grouped import Series, grouped_bars
from pellucid.results.attribution import Attribution
from pellucid.results.checks import find
from pellucid.results.means import GroupMeans
from pellucid.results.ranking import (
    display_limit,
    largest_first,
    noun_of,
    rank_means,
    rank_row,
    rest_name,
    row_index,
    split,
)
from pellucid.results.svg import end_texts, minus
from pellucid.results.text import counted, with_errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bar(
    attribution: Attribution,
    *,
    row: int | None = None,
    by: Iterable[Hashable] | str | None = None,
    bins: int = 4,
    output: int | str = 0,
    max_display: int = 12,
    ax: Axes | None = None,
) -> Axes:
    """The largest parts as bars, with whiskers of 1.96 standard errors.

    Parameters
    ----------
    attribution : Attribution
    row : int or None
        The row to draw. None: mean |value| over all rows; the standard errors are then those of the mean
        over rows, without `GroupMeans.bias_bound`.
    by : (n,) labels or the name of a part, optional
        A bar for each cohort of rows, as in `Attribution.by`, with the 95 % intervals of `GroupMeans.interval`.
    bins : int
        Cohorts at most where `by` is a part of numbers.
    output : index or name
    max_display : int
        Bars at most, or groups of bars, the largest mean in any cohort first; the last one is the sum of the parts
        that got none. For one row and for cohorts it has no whisker: the error of a sum needs the covariances of its
        parts.
    ax : matplotlib Axes, optional
        None: the axes of a new figure, at hand as ``.figure`` of the result.

    Raises
    ------
    InputError
        When the row, the output or the cohorts are not there, or matplotlib is not installed.

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> a = Attribution.from_array([[0.5, -0.2]], parts=["age", "income"], std_err=0.01)
    >>> [text.get_text() for text in bar(a, row=0).get_yticklabels()]
    ['age', 'income']
    """
    where = find("output", output, _style.check(attribution).outputs)
    if by is not None:
        if row is not None:
            raise InputError(f"by needs means over rows, but row is {row!r}; leave one of them out")
        return _cohorts(attribution, attribution.by(by, bins=bins), where, display_limit(max_display), ax)
    if row is None:
        ranking = rank_means(attribution, output=where, max_display=max_display)
    else:
        ranking = rank_row(attribution, row=row_index(attribution, row), output=where, max_display=max_display)
    names = _style.line_names(ranking)
    ax = _style.axes(ax, lines=len(names), names=names)
    places = _style.lines_down(ax, names)
    colours = [_style.NEUTRAL] * len(places) if row is None else _style.signs(ranking.values)
    _style.bars(ax, ranking, places, 0.0, colours)
    ax.axvline(0.0, color=_style.INK, linewidth=0.9)
    _style.number_column(ax, places, with_errors(ranking.values, ranking.errors, sign=row is not None))

    name = _style.label(attribution.outputs[where])
    if row is None:
        ax.set_xlim(left=0.0)
        _style.heading(ax, f"{name}: mean over {counted(len(attribution), 'row')}")
        _style.x_name(ax, f"mean |contribution| to {name}")
    else:
        chosen = _style.label(attribution.output_label(row=row, output=where))
        _, end = end_texts(ranking, np.nan, float(attribution.predictions[row, where]))
        _style.heading(ax, f"Row {row}: {chosen}" + ("" if end == "unknown" else f" is {minus(end)}"))
        _style.x_name(ax, f"contribution to {name}")
    return ax


def _cohorts(attribution: Attribution, means: GroupMeans, output: int, limit: int, ax: Axes | None) -> Axes:
    order = largest_first(means.values[:, :, output].max(axis=0))
    kept, left = split(order[attribution._ever_has(output)[order]], limit)
    names = [_style.label(attribution.parts[i]) for i in kept]
    values, (low, high) = means.values[:, kept, output], (end[:, kept, output] for end in means.interval())
    if len(left):
        names.append(rest_name(len(left), len(attribution.parts), noun=noun_of(attribution)))
        unknown = np.full((len(means), 1), np.nan)
        values = np.column_stack([values, means.values[:, left, output].sum(axis=1)])
        low, high = np.column_stack([low, unknown]), np.column_stack([high, unknown])
    titles = [
        f"{label} ({counted(int(count), 'row')})" for label, count in zip(means.labels, means.counts, strict=True)
    ]
    series = [Series(*one) for one in zip(titles, values, low, high, strict=True)]
    ax = grouped_bars(ax, names, series, rest=bool(len(left)))
    ax.set_xlim(left=0.0)
    _style.x_name(ax, f"mean |contribution| to {_style.label(attribution.outputs[output])}")
    return ax
