"""From the base value to the prediction, one part after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.results.attribution import Attribution
from pellucid.results.checks import find
from pellucid.results.local import LocalExplanation
from pellucid.results.local_words import INTERCEPT, LOCAL, MODEL
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

    Of a `LocalExplanation` it goes from the intercept to the prediction of the surrogate; that of the model, which may
    be another one, stands below it and is not joined to it.

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

    Raises
    ------
    InputError
        When the row or the output is not there, the contributions are slopes, which add up to nothing, or matplotlib
        is not installed.

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> a = Attribution.from_array([[0.5, -0.2]], parts=["age", "income"], base_values=1.0)
    >>> [text.get_text() for text in waterfall(a).get_yticklabels()]
    ['base value', 'age', 'income', 'prediction']
    """
    where = find("output", output, _style.check(attribution).outputs)
    at = row_index(attribution, row)
    local = attribution if isinstance(attribution, LocalExplanation) else None
    if local is not None and not local.adds_up:
        raise InputError(
            "attribution must have contributions that add up to a prediction, got the slopes of a local surrogate; "
            "plots.local draws them"
        )
    ranking = rank_row(attribution, row=at, output=where, max_display=max_display)
    base = float(attribution.base_values[at, where])
    model = float(attribution.predictions[at, where])
    prediction = model if local is None else float(local.local_predictions[at, where])
    start = 0.0 if np.isnan(base) else base
    corners = start + np.concatenate([[0.0], np.cumsum(ranking.values)])
    end = float(corners[-1])

    first_name, last_name = ("base value", "prediction") if local is None else (INTERCEPT, LOCAL)
    names = [first_name, *_style.line_names(ranking), last_name, *([] if local is None else [MODEL])]
    last = 1 + len(ranking.values)
    ax = _style.axes(ax, lines=len(names), names=names)
    places = _style.lines_down(ax, names)
    _style.bars(ax, ranking, places[1:last], corners[:-1], _style.signs(ranking.values))
    ax.vlines(
        corners,
        places[:last],
        places[1 : last + 1],
        color=_style.NEUTRAL,
        linewidth=0.9,
        linestyle=(0, (2, 2)),
        zorder=0.9,
    )
    ax.plot(
        [start, end if np.isnan(prediction) else prediction],
        [places[0], places[last]],
        "o",
        color=_style.INK,
        markersize=6,
        clip_on=False,
    )
    first, ending = end_texts(ranking, base, prediction)
    numbers = [first, *with_errors(ranking.values, ranking.errors), ending]
    if local is not None:
        ax.plot([model], [places[-1]], "D", color=_style.NEUTRAL, markersize=5.5, clip_on=False)
        numbers.append(end_texts(ranking, base, model)[1])
    _style.number_column(ax, places, numbers, bold=(0, last))
    for i in (0, last):
        ax.get_yticklabels()[i].set_fontweight("bold")

    if np.ptp(corners) > 1e-5 * np.abs(corners).max():
        ax.ticklabel_format(axis="x", useOffset=False)  # an offset is worth its while for tiny steps only
    if max(len(first), len(ending)) > 6:
        ax.locator_params(axis="x", nbins=4)
    _style.heading(ax, f"Row {at}: {_style.label(attribution.output_label(row=at, output=where))}")
    _style.x_name(ax, _style.label(attribution.outputs[where]))
    return ax
