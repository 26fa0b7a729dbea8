"""Contributions as bars: of one row, or in the mean over all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pellucid.plots import _style
from pellucid.results.attribution import Attribution
from pellucid.results.checks import find
from pellucid.results.ranking import rank_means, rank_row, row_index
from pellucid.results.svg import end_texts, minus
from pellucid.results.text import counted, with_errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bar(
    attribution: Attribution,
    *,
    row: int | None = None,
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
        over rows.
    output : index or name
    max_display : int
        Bars at most; the last one is the sum of the parts that got none. For one row it has no whisker: the
        error of a sum needs the covariances of its parts.
    ax : matplotlib Axes, optional
        None: the axes of a new figure, at hand as ``.figure`` of the result.

    Raises
    ------
    InputError
        When the row or output is not there, or matplotlib is not installed.

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> a = Attribution.from_array([[0.5, -0.2]], parts=["age", "income"], std_err=0.01)
    >>> [text.get_text() for text in bar(a, row=0).get_yticklabels()]
    ['age', 'income']
    """
    where = find("output", output, _style.check(attribution).outputs)
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
