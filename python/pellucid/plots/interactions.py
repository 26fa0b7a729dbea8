"""Interactions of pairs as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.results.checks import find
from pellucid.results.interactions import Interactions
from pellucid.results.ranking import display_limit, row_index
from pellucid.results.svg import minus
from pellucid.results.text import column, counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

_OWN = "#eceded"  # the diagonal, which is no interaction
_SIZES = "#00664a"  # of means of sizes, which have no direction; the diagonal stays grey beside it
_MUTED = 0.3  # of the colour that is left where zero is within the interval
_CELL = 0.56  # inches, enough for a number of six characters
_WIDEST = 9.0  # inches for all cells; many have to be smaller, and stay without numbers
_CHARACTER = 0.085  # inches of a digit


def interactions(
    result: Interactions,
    *,
    row: int | None = 0,
    output: int | str = 0,
    max_display: int = 12,
    ax: Axes | None = None,
) -> Axes:
    """The matrix of one row as a heat map: blue lowers the output, vermillion raises it, white is zero.

    Each place holds half of the interaction of its two parts, so that both places together are the index. The
    diagonal, what is left to the part alone, is printed on grey: it has no colour of the scale. Pairs whose 95 %
    interval holds zero are pale, and so are those whose error is not known.

    Parameters
    ----------
    result : Interactions
    row : int or None
        The row to draw. None: the mean of the absolute values over all rows, pale where in the mean they are not
        larger than half the width of their interval.
    output : index or name
    max_display : int
        Parts at most, those with the largest sums of |interactions|; the heading says how many there are.
    ax : matplotlib Axes, optional
        None: the axes of a new figure, at hand as ``.figure`` of the result.

    Raises
    ------
    InputError
        When the row or output is not there, or matplotlib is not installed.

    Examples
    --------
    >>> import pellucid
    >>> found = pellucid.interactions(lambda rows: rows.prod(axis=1), np.ones((1, 3)), background=np.zeros((1, 3)))
    >>> [text.get_text() for text in interactions(found).get_yticklabels()]
    ['x0', 'x1', 'x2']
    """
    if not isinstance(result, Interactions):
        raise InputError(f"result must be Interactions, got {type(result).__name__}; pellucid.interactions makes them")
    if len(result) == 0:
        raise InputError("result must have at least one row, got none")
    where = find("output", output, result.outputs)
    values, sure = _cells(result, row, where)
    shown = _largest(values, display_limit(max_display))
    values, sure = values[np.ix_(shown, shown)], sure[np.ix_(shown, shown)]
    names = [_style.label(result.parts[i], em=14.0) for i in shown]

    cell = min(_CELL, _WIDEST / len(names))
    if ax is None:
        # Beside the cells there is room for the names, and below them for slanted ones.
        ax = _style.axes(None, lines=2.0 * cell * len(names) + 4.5, width=cell * len(names) + 4.0)
    else:
        cell = _width_of_cell(ax, len(names))
    _draw(ax, values, sure, signed=row is not None)
    _numbers(ax, values, sure, cell=cell)
    places = np.arange(len(names)) + 0.5
    ax.set_xticks(places, names, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_yticks(places, names)
    _style.plain(ax, keep=())
    ax.tick_params(length=0, colors=_style.INK)
    _style.heading(ax, _title(result, row, where, len(shown)))
    return ax


def _cells(result: Interactions, row: int | None, output: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The matrix (p, p), and where it is known which side of zero it is on, or exact."""
    if row is None:
        values = np.abs(result.values[..., output]).mean(axis=0)
    else:
        values = result.values[row_index(result, row), :, :, output]
    if result.std_err is None:  # exact: a zero is one
        return values, np.ones(values.shape, dtype=bool)
    errors = result.std_err[..., output]
    error = errors.mean(axis=0) if row is None else errors[row_index(result, row)]
    return values, np.abs(values) > _style.Z95 * error


def _largest(values: NDArray[np.float64], limit: int) -> NDArray[np.intp]:
    """The parts with the largest interactions, in their own order."""
    sums = np.abs(values).sum(axis=1) - np.abs(values.diagonal())
    return np.sort(np.argsort(-sums, kind="stable")[:limit])


def _draw(ax: Axes, values: NDArray[np.float64], sure: NDArray[np.bool_], *, signed: bool) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize, to_rgb

    off = ~np.eye(len(values), dtype=bool)
    reach = float(np.abs(values[off]).max(initial=0.0)) or 1.0
    scale = ScalarMappable(Normalize(-reach if signed else 0.0, reach), _colours(signed=signed))
    cells = np.asarray(scale.to_rgba(values))[..., :3]
    cells[~sure] = 1.0 - _MUTED * (1.0 - cells[~sure])
    cells[~off] = to_rgb(_OWN)
    ax.imshow(cells, extent=(0, len(values), len(values), 0), aspect="auto", interpolation="nearest")
    for edge in range(1, len(values)):
        ax.axhline(edge, color="white", linewidth=1.2)
        ax.axvline(edge, color="white", linewidth=1.2)
    bar = ax.get_figure(root=False).colorbar(scale, ax=ax, aspect=28, pad=0.02)  # type: ignore[union-attr]
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=9, colors=_style.INK, length=0)
    bar.locator = _round_ticks()
    bar.update_ticks()
    name = "half of the interaction" if signed else "mean |half of the interaction|"
    bar.set_label(name + ("" if sure[off].all() else " (pale: may be zero)"), fontsize=9.5, color=_style.INK)


def _numbers(ax: Axes, values: NDArray[np.float64], sure: NDArray[np.bool_], *, cell: float) -> None:
    """The values in their cells, where the longest fits."""
    texts = [_short(text) for text in column(values.ravel(), sign=False)]
    if max(map(len, texts)) * _CHARACTER > cell:
        return
    off = ~np.eye(len(values), dtype=bool)
    strong = 0.6 * np.abs(values[off]).max(initial=0.0)
    for place, text in enumerate(texts):
        i, j = divmod(place, len(values))
        dark = i != j and sure[i, j] and abs(values[i, j]) > strong
        ink = "white" if dark else _style.INK if sure[i, j] else _style.NEUTRAL
        ax.text(j + 0.5, i + 0.5, minus(text), ha="center", va="center", fontsize=8.5, color=ink)


def _short(text: str) -> str:
    """At most three digits after the point."""
    whole, point, decimals = text.partition(".")
    return text if "e" in text else whole + point + decimals[:3] if point else text


def _width_of_cell(ax: Axes, count: int) -> float:
    figure: Any = ax.get_figure(root=True)
    return float(ax.get_window_extent().width / figure.dpi / count)


def _colours(*, signed: bool) -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    ends = [_style.LOWERS, "#ffffff", _style.RAISES] if signed else ["#ffffff", _SIZES]
    return LinearSegmentedColormap.from_list("pellucid interactions", ends)


def _round_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5)


def _title(result: Interactions, row: int | None, output: int, shown: int) -> str:
    of = "" if shown == len(result.parts) else f", {shown} of {len(result.parts)} features"
    if row is None:
        return f"{_style.label(result.outputs[output])}: mean over {counted(len(result), 'row')}{of}"
    return f"Row {row}: {_style.label(result.output_label(row=row, output=output))}{of}"
