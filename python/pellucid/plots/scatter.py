"""One part: its value against its contribution, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.results.attribution import Attribution
from pellucid.results.checks import find

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MISSING_GAP = 0.1  # of the width of the data, between them and the rows without a value


def scatter(
    attribution: Attribution,
    part: int | str,
    *,
    output: int | str = 0,
    color: int | str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Contribution of a part over its value, with pale error bars of 1.96 standard errors.

    Categories stand at their codes with their names below. Rows where the value is missing stand apart at
    the left, in grey.

    Parameters
    ----------
    attribution : Attribution
    part : index or name
    output : index or name
    color : index or name of another part, optional
        Colours the points by its value: an interaction shows as colours that part.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        When the attribution holds neither data nor display of the part.

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> a = Attribution.from_array([[0.5], [0.7]], parts=["age"], data=[[31.0], [54.0]])
    >>> scatter(a, "age").get_xlabel()
    'age'
    """
    where = find("output", output, _style.check(attribution).outputs)
    column = find("part", part, attribution.parts)
    x, categories = _values(attribution, column)
    y = attribution.values[:, column, where]
    ax = _style.axes(ax, lines=11.5)
    missing = np.isnan(x)
    if missing.any():
        x = _beside(ax, x, missing)
    if attribution.std_err is not None:
        _error_bars(ax, x, y, attribution.std_err[:, column, where])
    known = ~missing
    if color is None:
        ax.scatter(x[known], y[known], s=20, color=_style.LOWERS, linewidths=0, zorder=3)
    else:
        _coloured(ax, attribution, find("color", color, attribution.parts), x, y, known)
    if missing.any():
        ax.scatter(x[missing], y[missing], s=20, color=_style.MISSING, linewidths=0, zorder=3)

    if categories:
        ax.set_xticks(list(categories), [_style.label(name, em=8.5) for name in categories.values()])
    ax.axhline(0.0, color=_style.INK, linewidth=0.9, zorder=0.9)
    _style.plain(ax, keep=("bottom", "left"))
    ax.tick_params(axis="y", color=_style.NEUTRAL)
    ax.grid(axis="y", color=_style.INK, alpha=0.1, linewidth=0.8)
    ax.set_axisbelow(True)
    _style.x_name(ax, _style.label(attribution.parts[column], em=36.0))
    ax.set_ylabel(f"contribution to {_style.label(attribution.outputs[where])}", fontsize=9.5, color=_style.INK)
    return ax


def _values(attribution: Attribution, part: int) -> tuple[NDArray[np.float64], dict[float, str]]:
    """Where each row stands, and the names of categories by their position ({} for numbers)."""
    words = None if attribution.display is None else [str(text) for text in attribution.display[:, part]]
    codes = None if attribution.data is None else np.array(attribution.data[:, part])
    if codes is not None and np.isfinite(codes).any():
        codes[~np.isfinite(codes)] = np.nan
        known = [] if words is None else [(float(c), w) for c, w in zip(codes, words, strict=True) if c == c]
        names = dict(known)
        short = len(names) <= 24 and len(set(known)) == len(names)  # each code has one word
        return codes, dict(sorted(names.items())) if short and not any(map(_is_number, names.values())) else {}
    if words is None:
        raise InputError(
            f"part {attribution.parts[part][:80]!r} has no values to draw: the attribution holds neither "
            "data nor display of it"
        )
    names_of = sorted(set(words), key=lambda word: (not _is_number(word), float(word) if _is_number(word) else 0, word))
    position = {word: float(i) for i, word in enumerate(names_of)}
    shown = {i: word for word, i in position.items()} if len(names_of) <= 24 else {}
    return np.array([position[word] for word in words]), shown


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _beside(ax: Axes, x: NDArray[np.float64], missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Rows without a value, to the left of all others and named."""
    low, high = np.nanmin(x), np.nanmax(x)
    gap = _MISSING_GAP * (high - low) or 1.0
    ax.axvline(low - gap / 2, color=_style.NEUTRAL, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0.8)
    ax.annotate(
        "missing",
        xy=(low - gap, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=8.5,
        color=_style.NEUTRAL,
        annotation_clip=False,
    )
    return np.where(missing, low - gap, x)


def _error_bars(ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64], errors: NDArray[np.float64]) -> None:
    known = np.isfinite(errors) & (errors > 0)
    if known.any():
        ax.errorbar(
            x[known],
            y[known],
            yerr=_style.Z95 * errors[known],
            fmt="none",
            ecolor=_style.INK,
            alpha=0.22,
            elinewidth=0.9,
            capsize=0,
            zorder=2,
            label="_95 % interval",
        )


def _coloured(
    ax: Axes,
    attribution: Attribution,
    part: int,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    known: NDArray[np.bool_],
) -> None:
    levels, categories = _values(attribution, part)
    grey = known & np.isnan(levels)
    ax.scatter(x[grey], y[grey], s=20, color=_style.MISSING, linewidths=0, zorder=3)
    shown = known & ~np.isnan(levels)
    if not shown.any():
        return
    low, high = np.percentile(levels[shown], [5, 95])
    if low == high:
        low, high = float(levels[shown].min()), float(levels[shown].max())
    limits: dict[str, Any] = {"vmin": low, "vmax": high} if low < high else {"vmin": low - 0.5, "vmax": low + 0.5}
    points = ax.scatter(
        x[shown],
        y[shown],
        s=20,
        c=levels[shown],
        cmap=_style.feature_colours(),
        linewidths=0,
        zorder=3,
        **limits,
    )
    bar = ax.get_figure(root=False).colorbar(points, ax=ax, aspect=32, pad=0.02)  # type: ignore[union-attr]
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=9, colors=_style.INK, length=0)
    if categories:
        inside = [code for code in categories if limits["vmin"] <= code <= limits["vmax"]]
        bar.set_ticks(inside, labels=[_style.label(categories[code], em=8.5) for code in inside])
    name = _style.label(attribution.parts[part], em=24.0)
    bar.set_label(name + (" (grey: missing)" if grey.any() else ""), fontsize=9.5, color=_style.INK)
