"""The coefficients of a local surrogate as bars: the picture that LIME is known by, with whiskers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.results.checks import find
from pellucid.results.local import LocalExplanation
from pellucid.results.local_words import FIT, INTERCEPT, LOCAL, fit_of, notes_of
from pellucid.results.ranking import display_limit, rank_row, row_index
from pellucid.results.svg import end_texts, minus
from pellucid.results.text import with_errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def local(
    explanation: LocalExplanation,
    *,
    row: int = 0,
    output: int | str = 0,
    top: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """The largest coefficients of one row as bars, with whiskers of 1.96 standard errors. [ribeiro2016]

    Parameters
    ----------
    explanation : LocalExplanation
    row : int
    output : index or name
    top : int
        So many bars at most. Others are counted in a note, as are the parts that the surrogate left out.
    ax : matplotlib Axes, optional
        None: the axes of a new figure, at hand as ``.figure`` of the result.

    Raises
    ------
    InputError
        When the explanation is none of a surrogate, the row or the output is not there, or matplotlib is not installed.

    Examples
    --------
    >>> from pellucid import Words, lime
    >>> score = lambda texts: np.array([("good" in text) - 0.5 * ("bad" in text) for text in texts])
    >>> [text.get_text() for text in local(lime(score, Words("a good but bad film")), top=2).get_yticklabels()]
    ['good', 'bad']
    """
    where = find("output", output, _style.check(explanation).outputs)
    if not isinstance(explanation, LocalExplanation):
        raise InputError(
            f"explanation must be a LocalExplanation, as Lime returns it, got {type(explanation).__name__}; "
            "plots.bar(attribution, row=0) draws any attribution"
        )
    at = row_index(explanation, row)
    ranking = rank_row(explanation, row=at, output=where, max_display=display_limit(top, argument="top"), summed=False)
    names = _style.line_names(ranking)
    ax = _style.axes(ax, lines=len(names) + 1, names=names)
    places = _style.lines_down(ax, names)
    _style.bars(ax, ranking, places, 0.0, _style.signs(ranking.values))
    ax.axvline(0.0, color=_style.INK, linewidth=0.9)
    _style.number_column(ax, places, with_errors(ranking.values, ranking.errors))
    label = _style.label(explanation.output_label(row=at, output=where))
    base, near, model = (
        float(x[at, where]) for x in (explanation.base_values, explanation.local_predictions, explanation.predictions)
    )
    intercept, prediction = end_texts(ranking, base, model)
    surrogate = (
        f"{LOCAL} {end_texts(ranking, base, near)[1]}, {INTERCEPT} {intercept}, {FIT} {fit_of(explanation, at, where)}"
    )
    heading = f"Row {at}: {label}" + ("" if np.isnan(model) else f" is {minus(prediction)}")
    _style.heading(ax, f"{heading}\n{minus(surrogate)}")
    name = _style.label(explanation.outputs[where])
    notes = "; ".join(notes_of(explanation, ranking))
    _style.x_name(ax, f"coefficient for {name}" + (f" ({notes})" if notes else ""))
    return ax
