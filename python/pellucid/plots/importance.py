"""Importance of parts for the loss, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.results.importance import OVER, Importance
from pellucid.results.ranking import display_limit, largest_first, rest_name
from pellucid.results.text import clean, counted, with_errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def importance(result: Importance, *, over: str | None = None, max_display: int = 12, ax: Axes | None = None) -> Axes:
    """The most important parts as bars, with 95 % intervals.

    Parameters
    ----------
    result : Importance
    over : "rows" or "repeats", optional
        Which errors the intervals are of. None: over rows where they are known, else over the permutations.
    max_display : int
        Bars at most. What is left out is counted below the last one, not summed: losses do not add up over parts.
    ax : matplotlib Axes, optional
        None: the axes of a new figure, at hand as ``.figure`` of the result.

    Raises
    ------
    InputError
        When `over` is neither, or matplotlib is not installed.

    Examples
    --------
    >>> from pellucid.importance import permutation_importance
    >>> X = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
    >>> found = permutation_importance(lambda rows: rows @ [1.0, 3.0], X, X @ [1.0, 3.0])
    >>> [text.get_text() for text in importance(found).get_yticklabels()]
    ['x1', 'x0']
    """
    if not isinstance(result, Importance):
        raise InputError(f"result must be an Importance, got {type(result).__name__}; permutation_importance makes one")
    if over is not None and over not in OVER:
        raise InputError(f"over must be 'rows', 'repeats' or None, got {over!r}")
    known, default = result.errors()
    errors = known if over is None else {"rows": result.std_err, "repeats": result.std_err_repeats}[over]
    limit = display_limit(max_display)
    order = largest_first(np.maximum(result.values, 0.0))
    kept, left = order[:limit], order[limit:]
    names = [_style.label(result.parts[i]) for i in kept]
    values, errors = result.values[kept], errors[kept]
    ax = _style.axes(ax, lines=len(names), names=names)
    places = _style.lines_down(ax, names)
    ax.barh(places, values, height=0.62, color=_style.NEUTRAL)
    _style.whiskers(ax, values, places, errors)
    ax.axvline(0.0, color=_style.INK, linewidth=0.9)
    _style.number_column(ax, places, with_errors(values, errors))
    metric = _style.escape(clean(result.metric, limit=40).replace("_", " "))
    rest = f"; {rest_name(len(left), len(result.parts)).removeprefix('sum of ')} not shown" if len(left) else ""
    _style.heading(ax, f"{counted(result.n_rows, 'row')}, error over {over or default}{rest}")
    _style.x_name(ax, f"increase of {metric} when permuted")
    return ax
