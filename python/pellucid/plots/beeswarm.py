"""All rows at once: one point per row and part, coloured by the value of the part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.plots import _style
from pellucid.results.attribution import Attribution
from pellucid.results.checks import find
from pellucid.results.ranking import rank_means

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 110  # along the axis: about the width of a point each
_STEP = 0.11  # from point to point, of the height of a line
_REACH = 0.42


def beeswarm(attribution: Attribution, *, output: int | str = 0, max_display: int = 12, ax: Axes | None = None) -> Axes:
    """The contributions of all rows, part by part, the largest mean |value| first.

    Points that would meet are stacked, always in the same way. Colours run from the 5th to the 95th
    percentile of the values of a part (its codes, for categories); a value that is missing or no single
    number is grey. Where a sparse surrogate left the part out there is no point.

    Parameters
    ----------
    attribution : Attribution
    output : index or name
    max_display : int
        Lines at most; the last one is the sum of the parts that got none, row by row.
    ax : matplotlib Axes, optional

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> a = Attribution.from_array([[0.5, -0.2], [0.4, 0.1]], parts=["age", "income"])
    >>> [text.get_text() for text in beeswarm(a).get_yticklabels()]
    ['age', 'income']
    """
    where = find("output", output, _style.check(attribution).outputs)
    ranking = rank_means(attribution, output=where, max_display=max_display)
    values = attribution.values[:, :, where]
    used = [attribution._has(where)[:, part] for part in ranking.order]
    lines = [values[rows, part] for part, rows in zip(ranking.order, used, strict=True)]
    colours = [_levels(attribution, part)[rows] for part, rows in zip(ranking.order, used, strict=True)]
    if ranking.rest:
        lines.append(values.sum(axis=1) - values[:, list(ranking.order)].sum(axis=1))
        colours.append(np.full(len(values), np.nan))

    names = [_style.label(name) for name in ranking.names]
    ax = _style.axes(ax, lines=1.25 * len(lines), names=names, width=7.2)
    places = _style.lines_down(ax, names)
    drawn = np.concatenate([np.empty(0), *lines])
    low, high = (float(drawn.min()), float(drawn.max())) if drawn.size else (0.0, 0.0)
    many = len(values) > 2000
    style: dict[str, Any]
    for place, x, level in zip(places, lines, colours, strict=True):
        offsets = _style.stacked(x, bins=_BINS, low=low, high=high)
        offsets *= min(_STEP, _REACH / max(1.0, float(np.abs(offsets).max(initial=0.0))))
        known = ~np.isnan(level)
        scale = {"c": level[known], "cmap": _style.feature_colours(), "vmin": 0.0, "vmax": 1.0}
        for rows, style in ((~known, {"color": _style.MISSING}), (known, scale)):
            if rows.any():
                ax.scatter(x[rows], place + offsets[rows], s=13, linewidths=0, rasterized=many, **style)
    ax.axvline(0.0, color=_style.INK, linewidth=0.9, zorder=0.9)
    _style.x_name(ax, f"contribution to {_style.label(attribution.outputs[where])}")
    if any((~np.isnan(level)).any() for level in colours):
        _colour_bar(ax, grey=any(np.isnan(level).any() for level in colours[: len(ranking.order)]))
    return ax


def _levels(attribution: Attribution, part: int) -> NDArray[np.float64]:
    """The values of a part on a scale from 0 (5th percentile) to 1 (95th); NaN where missing."""
    if attribution.data is None:
        return np.full(len(attribution), np.nan)
    x = attribution.data[:, part]
    known = x[np.isfinite(x)]
    if not known.size:
        return np.full(len(x), np.nan)
    low, high = np.percentile(known, [5, 95])
    if low == high:
        low, high = known.min(), known.max()
    if low == high:
        return np.where(np.isfinite(x), 0.5, np.nan)
    return np.where(np.isfinite(x), np.clip((x - low) / (high - low), 0.0, 1.0), np.nan)


def _colour_bar(ax: Axes, *, grey: bool) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bar = ax.get_figure(root=False).colorbar(  # type: ignore[union-attr]
        ScalarMappable(norm=Normalize(0, 1), cmap=_style.feature_colours()),
        ax=ax,
        aspect=32,
        shrink=0.7,
        pad=0.02,
    )
    bar.set_ticks([0, 1], labels=["low", "high"])
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=9, colors=_style.INK)
    bar.set_label("feature value" + (" (grey: missing)" if grey else ""), fontsize=9, color=_style.INK, labelpad=2)
