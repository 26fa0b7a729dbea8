"""From the base value to the prediction, one part after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pellucid.plots import _style
from pellucid.results.attribution import Attribution
from pellucid.results.checks import find
from pellucid.results.ranking import rank_row, row_index
from pellucid.results.svg import end_texts
from pellucid.results.text import with_errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def waterfall(
    attribution: Attribution,
    *,
    row: int = 0,
    output: int | str = 0,
    max_display: int = 12,
    ax: Axes | None = None,
) -> Axes:
    """Base value + the parts of one row, the largest first, = prediction; whiskers of 1.96 standard errors.

    A whisker belongs to its own bar: the errors of earlier bars are not added up. A base value that is not
    known (NaN) is drawn as 0 and named as unknown.

    Parameters
    ----------
    attribution : Attribution
    row : int
    output : index or name
    max_display : int
        Bars at most; the last one is the sum of the parts that got none, without a whisker.
    ax : matplotlib Axes, optional

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> a = Attribution.from_array([[0.5, -0.2]], parts=["age", "income"], base_values=1.0)
    >>> [text.get_text() for text in waterfall(a).get_yticklabels()]
    ['base value', 'age', 'income', 'prediction']
    """
    where = find("output", output, _style.check(attribution).outputs)
    at = row_index(attribution, row)
    ranking = rank_row(attribution, row=at, output=where, max_display=max_display)
    base = float(attribution.base_values[at, where])
    prediction = float(attribution.predictions[at, where])
    start = 0.0 if np.isnan(base) else base
    starts = start + np.concatenate([[0.0], np.cumsum(ranking.values)[:-1]])
    end = float(starts[-1] + ranking.values[-1])

    names = ["base value", *_style.line_names(ranking), "prediction"]
    ax = _style.axes(ax, lines=len(names), names=names)
    places = _style.lines_down(ax, names)
    _style.bars(ax, ranking, places[1:-1], starts, _style.signs(ranking.values))
    corners = np.append(starts, end)
    ax.vlines(
        corners,
        places[:-1],
        places[1:],
        color=_style.NEUTRAL,
        linewidth=0.9,
        linestyle=(0, (2, 2)),
        zorder=0.9,
    )
    ax.plot(
        [start, end if np.isnan(prediction) else prediction],
        [places[0], places[-1]],
        "o",
        color=_style.INK,
        markersize=6,
        clip_on=False,
    )
    numbers = with_errors(ranking.values, ranking.errors)
    first, last = end_texts(ranking, base, prediction)
    _style.number_column(ax, places, [first, *numbers, last], bold=(0, len(places) - 1))
    for tick in (ax.get_yticklabels()[0], ax.get_yticklabels()[-1]):
        tick.set_fontweight("bold")

    if np.ptp([*corners, start]) > 1e-5 * np.abs(corners).max():
        ax.ticklabel_format(axis="x", useOffset=False)  # an offset is worth its while for tiny steps only
    if max(len(first), len(last)) > 6:
        ax.locator_params(axis="x", nbins=4)
    _style.heading(ax, f"Row {at}: {_style.label(attribution.output_label(row=at, output=where))}")
    _style.x_name(ax, _style.label(attribution.outputs[where]))
    return ax
