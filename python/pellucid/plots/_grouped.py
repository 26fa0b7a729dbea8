"""Bars of several series for the same names, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.plots import _style
from pellucid.results.text import width

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Series:
    """Values (m,) of one series with the ends of their intervals, NaN where there are none."""

    name: str
    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def grouped_bars(ax: Axes | None, names: Sequence[str], series: Sequence[Series], *, rest: bool) -> Axes:
    """For each name one bar of each series, with whiskers; the last name is paler where it is a rest."""
    m = len(series)
    ax = _style.axes(ax, lines=len(names) * (0.62 + 0.3 * m) + 1, names=names)
    places = _style.lines_down(ax, names)
    thickness = 0.78 / m
    for i, one in enumerate(series):
        at = places + (i - (m - 1) / 2) * thickness
        container = ax.barh(at, one.values, height=thickness * 0.9, color=_colour(i, m), label=_style.label(one.name))
        if rest:
            container.patches[-1].set_alpha(0.6)
        _style.intervals(ax, one.values, at, one.low, one.high, thick=1.0, cap=min(3.0, 6.0 / m))
    ax.axvline(0.0, color=_style.INK, linewidth=0.9)
    columns = max(1, min(m, int(32 / (3.5 + max(width(_style.label(one.name)) for one in series)))))
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=9.5,
        handlelength=1.0,
        handleheight=1.0,
        borderaxespad=0.3,
        borderpad=0.2,
        labelcolor=_style.INK,
    )
    return ax


def _colour(i: int, m: int) -> Any:
    if m <= len(_style.SERIES):
        return _style.SERIES[i]
    from matplotlib import colormaps

    return colormaps["viridis"](0.9 * i / (m - 1))
