"""An explained image: the segments that matter most, or all of them tinted by their contributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pellucid._arguments import shown
from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.results import pixels
from pellucid.results.checks import find
from pellucid.results.ranking import row_index
from pellucid.results.segments import canvas_of, chosen_segments, superpixel_mask
from pellucid.results.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWS = ("overlay", "mask", "heat")


def image(
    attribution: object,
    *,
    row: int = 0,
    output: int | str = 0,
    top: int = 5,
    positive_only: bool = True,
    show: str = "overlay",
    ax: Axes | None = None,
) -> Axes:
    """The image of an attribution with what its segments contribute.

    Parameters
    ----------
    attribution : Attribution of an image
    row : int
    output : index or name
    top : int
        So many segments at most are chosen, those with the largest contributions; one of 0 never is.
    positive_only : bool
        False: the largest contributions of either sign are chosen, in two colours.
    show : "overlay", "mask" or "heat"
        The chosen segments outlined and the rest pale; the chosen segments alone; or all segments tinted, the more
        they contribute, with a bar of colours.
    ax : matplotlib Axes, optional
        None: the axes of a new figure, at hand as ``.figure`` of the result.

    Raises
    ------
    InputError
        When the attribution is not that of an image, the row or the output is not there, or matplotlib is not
        installed.

    Examples
    --------
    >>> from pellucid import Superpixels, lime
    >>> corner = lambda images: images[:, :2, :3].mean(axis=(1, 2))
    >>> explanation = lime(corner, Superpixels(np.ones((4, 6)), n_segments=4, fill=0))
    >>> image(explanation, top=1).get_title(loc="left")
    'Row 0: output, 1 segment that raises it most'
    """
    if show not in _SHOWS:
        raise InputError(f'show must be "overlay", "mask" or "heat", got {shown(show)}')
    checked = _style.check(attribution)
    canvas = canvas_of(checked)
    where, at = find("output", output, checked.outputs), row_index(checked, row)
    values = checked.values[at, :, where]
    chosen = chosen_segments(values, top=top, positive_only=positive_only)
    inside = superpixel_mask(checked, row=row, output=output, top=top, positive_only=positive_only)
    colours = pixels.colours(canvas)
    ax = _style.axes(ax, lines=12, width=5.2)

    if show == "heat":
        ax.imshow(pixels.heat(colours, canvas.labels, values))
        _bar_of_colours(ax, float(np.abs(values).max()), _style.label(checked.outputs[where]))
    elif show == "mask":
        ax.imshow(np.where(inside[..., None], colours, np.uint8(128)))
    else:
        ax.imshow(pixels.dimmed(colours, inside))
        for segment in chosen:
            _outline(ax, canvas.labels == segment, _style.RAISES if values[segment] > 0 else _style.LOWERS)
    ax.set_xticks([])
    ax.set_yticks([])
    _style.plain(ax, keep=())
    name = _style.label(checked.output_label(row=row, output=where))
    what = "all segments" if show == "heat" else counted(len(chosen), "segment")
    verb = ("raise" if positive_only else "move") + ("s" if len(chosen) == 1 else "")
    kind = f" that {verb} it most"
    _style.heading(ax, f"Row {row}: {name}, {what}" + ("" if show == "heat" else kind))
    return ax


def _outline(ax: Axes, inside: np.ndarray, colour: str) -> None:
    from matplotlib.collections import LineCollection

    # The middle of a pixel is its whole number in imshow, and its corner half a pixel before.
    lines = pixels.outline(inside) - 0.5
    for stroke, width in (("#ffffff", 3.6), (colour, 1.8)):
        ax.add_collection(LineCollection(list(lines), colors=stroke, linewidths=width, capstyle="projecting"))


def _bar_of_colours(ax: Axes, largest: float, name: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    steps = ListedColormap(pixels.heat_scale(255) / 255.0, name="pellucid heat")
    reach = largest if largest > 0 else 1.0
    bar = ax.figure.colorbar(ScalarMappable(Normalize(-reach, reach), steps), ax=ax, fraction=0.046, pad=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=_style.INK, labelsize=9, color=_style.NEUTRAL)
    bar.set_label(f"contribution to {name}", fontsize=9.5, color=_style.INK)
