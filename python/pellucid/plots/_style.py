"""What the plots share: figures, names, colours, whiskers, the column of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results import svg
from pellucid.results.attribution import Attribution
from pellucid.results.ranking import Ranking
from pellucid.results.svg import minus
from pellucid.results.text import clean, fit
from pellucid.results.text import width as text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

RAISES, LOWERS, NEUTRAL, Z95 = svg.RAISES, svg.LOWERS, svg.MEANS, svg.Z95
MISSING = "#a9adb3"
INK = "#22252a"
# Okabe and Ito's colours again, the pairs easiest to tell apart first.
SERIES = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#4d4d4d")

_NAME = 19.0  # em of a name beside a plot
_VALUE = 8.5  # em of a value beside it
_BAR = 0.62  # of the height of a line


def check(attribution: Any, *, argument: str = "attribution") -> Attribution:
    """The attribution, or an InputError that says what was given instead."""
    if not isinstance(attribution, Attribution):
        raise InputError(
            f"{argument} must be an Attribution, got {type(attribution).__name__}; "
            "Attribution.from_shap and Attribution.from_array make one"
        )
    if len(attribution) == 0:
        raise InputError(f"{argument} must have at least one row, got none")
    return attribution


def axes(ax: Axes | None, *, lines: float, names: Sequence[str] = (), width: float = 6.4) -> Axes:
    """The caller's axes untouched in size, or those of a new figure that no window and no pyplot knows of."""
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError:
        raise InputError(
            "plots need matplotlib, which is not installed; run: python -m pip install 'pellucid[plots]'"
        ) from None
    longest = max((text_width(name) for name in names), default=0.0)
    width = max(width, 4.8 + 0.132 * longest)  # inches; room for the names
    engine = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
    figure = Figure(figsize=(width, 1.0 + 0.31 * max(lines, 3)), layout=engine)
    return figure.add_subplot()


def label(name: str, *, em: float = _NAME) -> str:
    """A name for matplotlib: harmless, elided, and never read as mathematics."""
    return escape(fit(clean(name), em=em))


def escape(text: str) -> str:
    return text.replace("$", r"\$")


def line_names(ranking: Ranking) -> list[str]:
    """The names beside the bars, with the value of the part where it is known."""
    return [line_name(name, shown) for name, shown in zip(ranking.names, ranking.shown, strict=True)]


def line_name(name: str, shown: str) -> str:
    """A name with the value of the part; alone it may be longer."""
    return f"{label(name)} = {label(shown, em=_VALUE)}" if shown else label(name, em=_NAME + _VALUE)


def lines_down(ax: Axes, names: Sequence[str]) -> NDArray[np.float64]:
    """One line per name, the first at the top; returns their positions."""
    places = np.arange(len(names), dtype=np.float64)
    ax.set_yticks(places, list(names))
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.locator_params(axis="x", nbins=6)
    plain(ax, keep=("bottom",))
    ax.grid(axis="x", color=INK, alpha=0.12, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.use_sticky_edges = False  # a bar that begins at the edge keeps its margin
    return places


def plain(ax: Axes, *, keep: Sequence[str]) -> None:
    """Only the spines that carry ticks."""
    for side, spine in ax.spines.items():
        spine.set_visible(side in keep)
        spine.set_color(NEUTRAL)
    ax.tick_params(colors=INK, labelsize=9.5)
    ax.tick_params(axis="x", color=NEUTRAL)


def bars(
    ax: Axes,
    ranking: Ranking,
    places: NDArray[np.float64],
    starts: NDArray[np.float64] | float,
    colours: Sequence[str],
) -> None:
    """Horizontal bars from `starts`, the sum of the rest paler, with whiskers."""
    container = ax.barh(places, ranking.values, left=starts, height=_BAR, color=list(colours))
    if ranking.rest:
        container.patches[-1].set_alpha(0.6)
    whiskers(ax, np.asarray(starts + ranking.values), places, ranking.errors)


def whiskers(
    ax: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    errors: NDArray[np.float64],
    *,
    thick: float = 1.2,
    cap: float = 3.0,
) -> None:
    """x -+ 1.96 standard errors, where there are any."""
    intervals(ax, x, y, x - Z95 * errors, x + Z95 * errors, thick=thick, cap=cap)


def intervals(
    ax: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    *,
    thick: float = 1.2,
    cap: float = 3.0,
) -> None:
    """Whiskers from low to high, where these are known and apart."""
    known = np.isfinite(low) & np.isfinite(high) & (high > low)
    if known.any():
        ax.errorbar(
            x[known],
            y[known],
            xerr=np.maximum([x[known] - low[known], high[known] - x[known]], 0.0),
            fmt="none",
            ecolor=INK,
            elinewidth=thick,
            capsize=cap,
            capthick=thick,
            label="_95 % interval",
        )


def number_column(ax: Axes, places: NDArray[np.float64], texts: Sequence[str], *, bold: Sequence[int] = ()) -> None:
    """Numbers in a right-aligned column beside the axes, where no bar and no whisker can meet them."""
    longest = max(map(len, texts), default=0)
    for i, (place, text) in enumerate(zip(places, texts, strict=True)):
        ax.annotate(
            minus(text),
            xy=(1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(10 + 5.6 * longest, 0),
            textcoords="offset points",
            ha="right",
            va="center_baseline",
            fontsize=9,
            color=INK,
            annotation_clip=False,
            fontweight="bold" if i in bold else "normal",
        )


def heading(ax: Axes, text: str) -> None:
    ax.set_title(text, loc="left", fontsize=10.5, color=INK, pad=8)


def x_name(ax: Axes, text: str) -> None:
    ax.set_xlabel(text, fontsize=9.5, color=INK)


def signs(values: NDArray[np.float64]) -> list[str]:
    return [RAISES if value >= 0 else LOWERS for value in values]


def feature_colours() -> Colormap:
    """Low to high, blue to vermillion; every step is dark enough for a white ground."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("pellucid", [LOWERS, "#7f86a6", RAISES])


def stacked(values: NDArray[np.float64], *, bins: int, low: float, high: float) -> NDArray[np.float64]:
    """How far from its line each point of a swarm stands: 0, 1, -1, 2, -2, ... among those of its bin."""
    span = high - low
    bin_of = np.zeros(len(values), dtype=np.int64)
    if span > 0:
        bin_of = np.minimum(((values - low) / span * bins).astype(np.int64), bins - 1)
    order = np.lexsort((values, bin_of))
    first = np.flatnonzero(np.diff(bin_of[order], prepend=-1))
    counts = np.diff(np.append(first, len(values)))
    rank = np.arange(len(values)) - np.repeat(first, counts)
    places = np.empty(len(values))
    places[order] = (rank + 1) // 2 * np.where(rank % 2 == 1, 1.0, -1.0)
    return places
