"""Partial dependence with its interval, the curves of single rows, and where the data lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.results.checks import find
from pellucid.results.partial_dependence import PartialDependence
from pellucid.results.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

_ON_A_SCALE = ("numeric", "integer", "datetime")
_TICKS = 500  # of the rug, at most
_TAIL = 0.1  # of the width, between the curve and the point for missing values


def partial_dependence(
    effect: PartialDependence,
    *,
    output: int | str = 0,
    curves: bool = True,
    centred: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """The mean as a line with its 95 % interval over the rows, or two features as a heat map.

    Thin lines are single rows. The ticks below show where rows of the data lie: a curve is worth little where there
    are none. Categories stand side by side, with the share of rows that have them; missing values stand apart, at the
    right.

    Parameters
    ----------
    effect : PartialDependence
    output : index or name
    curves : bool
        Whether to draw the curves of single rows, where the effect has them.
    centred : bool
        Differences to the first point.
    ax : matplotlib Axes, optional
        None: the axes of a new figure, at hand as ``.figure`` of the result.

    Raises
    ------
    InputError
        When the output is not there, or matplotlib is not installed.

    Examples
    --------
    >>> from pellucid.effects import partial_dependence as effect_of
    >>> X = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]])
    >>> partial_dependence(effect_of(lambda rows: rows.prod(axis=1), X, features="x0")).get_xlabel()
    'x0'
    """
    if not isinstance(effect, PartialDependence):
        raise InputError(
            f"effect must be a PartialDependence, got {type(effect).__name__}; pellucid.partial_dependence makes one"
        )
    where = find("output", output, effect.outputs)
    effect = effect.centred() if centred else effect
    title = f"mean {_style.label(effect.outputs[where])}"
    if effect.is_centred:
        first = ", ".join(_style.label(labels[0], em=8.5) for labels in effect.labels)
        title += f", less that at {first}"
    if len(effect.features) == 2:
        return _surface(effect, where, title, ax)
    ax = _style.axes(ax, lines=11.5)
    if effect.kinds[0] in _ON_A_SCALE:
        _on_a_scale(ax, effect, where, curves)
    else:
        _side_by_side(ax, effect, where, curves)
    _frame(ax, effect, 0)
    ax.grid(axis="y", color=_style.INK, alpha=0.1, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_ylabel(title, fontsize=9.5, color=_style.INK)
    drawn = curves and effect.curves is not None
    thin = f", thin lines are {counted(len(effect.rows), 'row')}" if drawn else ""
    _style.heading(ax, f"Mean over {counted(len(effect.data), 'row')} with 95 % intervals{thin}")
    return ax


def _on_a_scale(ax: Axes, effect: PartialDependence, output: int, curves: bool) -> None:
    grid, (low, high) = effect.grids[0], effect.interval()
    present = ~np.isnan(grid)
    x, mean = grid[present], effect.values[:, output]
    if curves and effect.curves is not None:
        _thin(ax, x, effect.curves[:, present, output])
    ax.fill_between(
        x, low[present, output], high[present, output], color=_style.LOWERS, alpha=0.22, linewidth=0, zorder=2.5
    )
    marker = "o" if len(x) == 1 else ""
    ax.plot(x, mean[present], color=_style.LOWERS, linewidth=2.2, marker=marker, zorder=3, solid_capstyle="round")
    if not present.all():
        _missing(ax, x, mean[-1], low[-1, output], high[-1, output])
    _rug(ax, np.sort(effect.data[~np.isnan(effect.data[:, 0]), 0]))


def _missing(ax: Axes, x: Floats, mean: float, low: float, high: float) -> None:
    """The mean for a missing value, beyond the largest of the others."""
    first, last = (float(x.min()), float(x.max())) if len(x) else (0.0, 0.0)
    at = last + (_TAIL * (last - first) or 1.0)
    ax.axvline((last + at) / 2, color=_style.NEUTRAL, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0.8)
    _points(ax, np.array([at]), np.array([mean]), np.array([low]), np.array([high]))
    ax.annotate(
        "missing",
        xy=(at, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, -4),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=8.5,
        color=_style.NEUTRAL,
    )


def _side_by_side(ax: Axes, effect: PartialDependence, output: int, curves: bool) -> None:
    places, (low, high) = np.arange(len(effect.grids[0]), dtype=np.float64), effect.interval()
    if curves and effect.curves is not None:
        _thin(ax, places, effect.curves[:, :, output])
    _points(ax, places, effect.values[:, output], low[:, output], high[:, output])
    ax.set_xlim(-0.5, len(places) - 0.5)


def _thin(ax: Axes, x: Floats, curves: Floats) -> None:
    if len(curves):
        alpha = float(np.clip(24.0 / len(curves), 0.08, 0.5))
        ax.plot(x, curves.T, color=_style.NEUTRAL, linewidth=0.7, alpha=alpha, zorder=2, rasterized=len(curves) > 300)


def _points(ax: Axes, x: Floats, mean: Floats, low: Floats, high: Floats) -> None:
    reach = np.nan_to_num(np.maximum([mean - low, high - mean], 0.0))
    ax.errorbar(
        x,
        mean,
        yerr=reach,
        fmt="o",
        color=_style.LOWERS,
        markersize=6,
        elinewidth=1.4,
        capsize=3,
        capthick=1.4,
        zorder=3,
        label="_95 % interval",
    )


def _rug(ax: Axes, known: Floats) -> None:
    """Ticks at evenly spaced order statistics of the data, along the lower side."""
    if len(known) > _TICKS:
        known = known[np.linspace(0, len(known) - 1, _TICKS).round().astype(np.int64)]
    alpha = float(np.clip(25.0 / max(1, len(known)), 0.12, 0.7))
    side = ax.get_xaxis_transform()
    ax.vlines(known, 0.0, 0.03, transform=side, color=_style.INK, linewidth=0.8, alpha=alpha, zorder=1.5, label="_rows")


def _frame(ax: Axes, effect: PartialDependence, axis: int) -> None:
    """Spines, and names of the points where they are no numbers."""
    _style.plain(ax, keep=("bottom", "left"))
    ax.tick_params(axis="y", color=_style.NEUTRAL)
    _style.x_name(ax, _style.label(effect.features[axis], em=36.0))
    if effect.kinds[axis] not in _ON_A_SCALE:
        ax.set_xticks(range(len(effect.labels[axis])), _names(effect, axis, shares=len(effect.features) == 1))
    elif effect.kinds[axis] == "datetime":
        shown = _few(effect.grids[axis])
        ax.set_xticks(effect.grids[axis][shown], [_style.label(effect.labels[axis][i], em=8.5) for i in shown])


def _few(grid: Floats) -> NDArray[np.intp]:
    present = np.flatnonzero(~np.isnan(grid))
    chosen: NDArray[np.intp] = present[np.unique(np.linspace(0, len(present) - 1, 4).round().astype(np.int64))]
    return chosen


def _names(effect: PartialDependence, axis: int, *, shares: bool) -> list[str]:
    names = [_style.label(label, em=8.5) for label in effect.labels[axis]]
    if not shares:
        return names
    data = effect.data[:, axis]
    counts = [np.isnan(data).sum() if np.isnan(code) else (data == code).sum() for code in effect.grids[axis]]
    return [f"{name}\n{count / len(data):.0%}" for name, count in zip(names, counts, strict=True)]


def _surface(effect: PartialDependence, output: int, title: str, ax: Axes | None) -> Axes:
    ax = _style.axes(ax, lines=13.5)
    scales = [kind in _ON_A_SCALE for kind in effect.kinds]
    x, y = (
        _edges(grid) if scale else np.arange(len(grid) + 1) - 0.5
        for grid, scale in zip(effect.grids, scales, strict=True)
    )
    mesh = ax.pcolormesh(x, y, effect.values[:, :, output].T, cmap="cividis", linewidth=0, rasterized=True)
    bar = ax.get_figure(root=False).colorbar(mesh, ax=ax, aspect=32, pad=0.02)  # type: ignore[union-attr]
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=9, colors=_style.INK, length=0)
    bar.set_label(title, fontsize=9.5, color=_style.INK)
    _frame(ax, effect, 0)
    if not scales[1]:
        ax.set_yticks(range(len(effect.labels[1])), _names(effect, 1, shares=False))
    elif effect.kinds[1] == "datetime":
        shown = _few(effect.grids[1])
        ax.set_yticks(effect.grids[1][shown], [_style.label(effect.labels[1][i], em=8.5) for i in shown])
    if any(scales):
        style: dict[str, Any] = {"color": "white", "edgecolors": _style.INK, "linewidths": 0.4, "zorder": 3}
        ax.scatter(effect.data[:, 0], effect.data[:, 1], s=8, alpha=0.6, rasterized=True, **style)
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(y[0], y[-1])
    ax.set_ylabel(_style.label(effect.features[1], em=24.0), fontsize=9.5, color=_style.INK)
    _style.heading(ax, f"Mean over {counted(len(effect.data), 'row')}" + ("; points are rows" if any(scales) else ""))
    return ax


def _edges(points: Floats) -> Floats:
    """The ends of the cells around the points of a scale; nothing is drawn beyond the outer ones."""
    if len(points) == 1:
        return np.array([points[0] - 0.5, points[0] + 0.5])
    return np.concatenate([points[:1], (points[1:] + points[:-1]) / 2, points[-1:]])
