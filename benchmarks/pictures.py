"""The pictures of the benchmarks, from their records."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from contenders import OURS
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from numpy.typing import NDArray
from pellucid.plots._style import INK, NEUTRAL, SERIES, heading, plain
from PIL import Image
from reporting import HERE
from sklearn.isotonic import IsotonicRegression

Array = NDArray[np.float64]
IMAGES = HERE.parent / "docs" / "images"
# The other peers are grey and have no name beside their lines.
COLOURS = {
    OURS: SERIES[0],
    "shap Kernel": SERIES[3],
    "shap Permutation": SERIES[4],
    "shapiq LeverageSHAP": SERIES[2],
    "shapiq OddSHAP": SERIES[1],
}
GREY = "#c3c7cc"
SMALL = 8.0  # points


def spread_out(places: Array, gap: float) -> Array:
    """Places of labels at least `gap` apart, in the same order and as near as can be (least squares)."""
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    moved = np.empty(len(places))
    moved[order] = IsotonicRegression().fit_transform(np.arange(len(places)), places[order] - steps) + steps
    return moved


def label_ends(ax: Axes, ends: dict[str, tuple[float, float]]) -> None:
    """The names beside the right ends of lines, moved apart where they would meet; the y axis must be logarithmic."""
    low, high = np.log10(ax.get_ylim())
    inches = ax.get_position().height * ax.figure.get_figheight()
    height = 1.3 * SMALL / 72 / inches
    places = np.array([(np.log10(y) - low) / (high - low) for _, y in ends.values()])
    for (name, (x, y)), place in zip(ends.items(), spread_out(places, height), strict=True):
        colour = COLOURS[name]
        ax.annotate(
            name.removeprefix("shapiq "),
            xy=(x, y),
            xytext=(1.05, place),
            textcoords="axes fraction",
            va="center",
            fontsize=SMALL,
            color=colour,
            fontweight="bold" if name == OURS else "normal",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 1},
            annotation_clip=False,
        )


def error_lines(ax: Axes, record: dict[str, Any]) -> None:
    """Error against m for every method of one task."""
    ends: dict[str, tuple[float, float]] = {}
    lowest = 1.0
    for label in dict.fromkeys(name for found in record["errors"].values() for name in found):
        points = [
            (int(times) * record["d"], found[label])
            for times, found in record["errors"].items()
            if found.get(label) and np.mean(found[label]) < 30
        ]
        if label.startswith(f"{OURS},") or not points:
            continue
        m, errors = np.array([at for at, _ in points]), [np.array(found) for _, found in points]
        means = np.array([found.mean() for found in errors])
        ours = label == OURS
        if ours:
            ax.fill_between(m, [e.min() for e in errors], [e.max() for e in errors], color=SERIES[0], alpha=0.2, lw=0)
        ax.plot(
            m,
            means,
            color=COLOURS.get(label, GREY),
            linewidth=2.4 if ours else 1.3 if label in COLOURS else 0.9,
            marker="o",
            markersize=4 if ours else 2.5,
            zorder=4 if ours else 3 if label in COLOURS else 2,
        )
        if label in COLOURS:
            ends[label] = float(m[-1]), float(means[-1])
        lowest = min(lowest, means.min(), *(e.min() for e in errors))
    ax.set(xscale="log", yscale="log", ylim=(lowest / 2, 2.0))
    ticks = [int(times) * record["d"] for times in record["errors"]]
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.minorticks_off()
    plain(ax, keep=("left", "bottom"))
    ax.tick_params(labelsize=SMALL)
    ax.grid(axis="y", color=INK, alpha=0.12, linewidth=0.8)
    title = record["title"][:1].upper() + record["title"][1:]
    heading(ax, f"{title}, {record['d']} features")
    label_ends(ax, ends)


def draw_accuracy(records: dict[str, Any], *, folder: Path = IMAGES) -> None:
    """One panel for each task: error against model rows per background row, both logarithmic."""
    figure = Figure(figsize=(8.6, 8.2))
    grid = figure.subplots(3, 2, gridspec_kw={"hspace": 0.4, "wspace": 0.6})
    figure.subplots_adjust(left=0.06, right=0.865, top=0.962, bottom=0.04)
    panels = list(grid.flat)
    grey = {name.removeprefix("shapiq ") for r in records.values() for found in r["errors"].values() for name in found}
    grey = sorted(name for name in grey if not any(name in known for known in COLOURS) and not name.startswith(OURS))
    for ax, record in zip(panels, records.values(), strict=False):
        error_lines(ax, record)
    for ax in panels[len(records) :]:
        ax.axis("off")
    panels[-1].text(
        0.0,
        1.0,
        "Error of Shapley values at equal cost\n\n"
        "Across: model rows spent for each of 40\n"
        "background rows, the same for everyone.\n"
        "Up: squared error as a share of the squared\n"
        "exact values, mean over the rows explained.\n\n"
        "Blue: the mean of 4 seeds, and a band from\n"
        "the least to the largest error of them.\n"
        "The others: the mean of 3 seeds. LeverageSHAP,\n"
        "OddSHAP and the grey ones are those of shapiq:\n" + fill(f"{', '.join(grey)}.", 46),
        va="top",
        fontsize=9,
        color=INK,
        linespacing=1.3,
        transform=panels[-1].transAxes,
    )
    save(figure, folder / "accuracy.png")


def coverage_lines(ax: Axes, record: dict[str, Any], *, lowest: float) -> None:
    """Mean over the parts and worst part, against coalitions per background row and feature."""
    every = [int(key) for key in record["sizes"]]
    times = [t for t in every if record["sizes"][str(t)]["mean"] is not None]
    ax.axhspan(0.94, 0.985, color=SERIES[2], alpha=0.16, lw=0)
    ax.axhline(0.95, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    last = record["sizes"][str(times[-1])]
    beside = max(last["mean"], last["worst"] + 0.013)  # the two names do not meet
    for key, text, colour, place, style in (
        ("mean", "mean", SERIES[0], beside, {"linewidth": 2.2}),
        ("worst", "worst\npart", SERIES[3], last["worst"], {"linewidth": 1.2, "markerfacecolor": "white"}),
    ):
        ax.plot(times, [record["sizes"][str(t)][key] for t in times], "o-", color=colour, markersize=5, **style)
        ax.text(times[-1] * 1.12, place, text, va="center", fontsize=9, color=colour)
    if every[0] < times[0]:
        note = "too few for\nstandard errors"
        ax.text(every[0], lowest + 0.01, note, ha="left", va="bottom", fontsize=SMALL + 0.5, color=NEUTRAL)
    ax.set(xscale="log", xlim=(every[0] * 0.88, every[-1] * 1.06), ylim=(lowest, 1.003))
    ax.set_xticks(every, [f"{t}d" for t in every])
    ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    ax.yaxis.set_major_locator(MultipleLocator(0.02))
    ax.minorticks_off()
    plain(ax, keep=("left", "bottom"))
    ax.tick_params(labelsize=SMALL + 0.5)
    rows = "1 background row" if record["B"] == 1 else f"{record['B']} background rows"
    heading(ax, f"{record['title']}\n{record['d']} features, {rows}")


def draw_coverage(records: dict[str, Any], *, folder: Path = IMAGES) -> None:
    """One panel for each game: how often nominal 95 % intervals hold the exact value."""
    figure = Figure(figsize=(8.4, 6.4), layout="constrained")
    panels = list(figure.subplots(2, 2).flat)
    shares = [found["worst"] for record in records.values() for found in record["sizes"].values()]
    lowest = min(0.895, *(share - 0.01 for share in shares if share is not None))
    for ax, record in zip(panels, records.values(), strict=False):
        coverage_lines(ax, record, lowest=lowest)
    for ax in panels[len(records) :]:
        ax.axis("off")
    figure.supxlabel("coalitions for each background row, in multiples of the features", fontsize=9.5, color=INK)
    figure.supylabel("intervals that hold the exact value", fontsize=9.5, color=INK)
    save(figure, folder / "coverage.png")


def save(figure: Figure, path: Path) -> None:
    """On an opaque ground, so that it can be read on a dark page; few colours, so that the file is small."""
    drawn = BytesIO()
    figure.savefig(drawn, dpi=110, facecolor="white")
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(96, dither=Image.Dither.NONE).save(path, format="PNG", optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
