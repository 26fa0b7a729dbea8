"""A text with its parts highlighted by what they contribute."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.results.attribution import Attribution
from pellucid.results.checks import find
from pellucid.results.html_text import STRONGEST, ground, marks
from pellucid.results.ranking import row_index
from pellucid.results.svg import minus
from pellucid.results.text import counted, harmless, number
from pellucid.results.text_spans import TextSpans

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = 10.5  # points
_LINE = 19.0  # points from one line to the next
_INCHES = 6.4
_MOST_LINES = 40  # of a new figure
_MOST_CHARACTERS = 20_000  # looked at: no figure holds more
_LOOSE = 1.05  # screens of a low resolution draw letters wider than the font has them
_CLOSING = ",.;:!?)]}"  # stand beyond the edge rather than at the beginning of a line
_FIXED = "\u00a0"  # a space at which no line is broken


class _Run(NamedTuple):
    """Some text on one ground: the mark of a part, or of none."""

    text: str
    colour: str = ""
    opacity: float = 0.0
    dotted: bool = False


class _Placed(NamedTuple):
    run: _Run
    x: float  # points from the left
    line: int


def text(
    attribution: Attribution,
    *,
    row: int = 0,
    output: int | str = 0,
    ax: Axes | None = None,
) -> Axes:
    """The explained text, each part on a ground of its colour, the deeper the larger |value|.

    A part whose 95 % interval covers 0 is paler, above a dotted line. What finds no place is counted in a note.

    Parameters
    ----------
    attribution : Attribution
        Of a text: its `canvas` is a `TextSpans`.
    row : int
    output : index or name
    ax : matplotlib Axes, optional
        As wide and as high as they are; lines that find no place are left out. None: the axes of a new figure of as
        many lines as the text needs, 40 at most.

    Raises
    ------
    InputError
        When the attribution is not one of a text, the row or output is not there, or matplotlib is not installed.

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> canvas = TextSpans("Good, very good film", (((0, 4),), ((11, 15),), ((16, 20),)))
    >>> a = Attribution.from_array([[0.5, 0.3, -0.1]], parts=["Good", "good", "film"])
    >>> [word.get_text() for word in draw(canvas, a.values[0, :, 0]).texts][:3]
    ['Good', ', very ', 'good']
    """
    where = find("output", output, _style.check(attribution).outputs)
    which = row_index(attribution, row)
    canvas = getattr(attribution, "canvas", None)
    if not isinstance(canvas, TextSpans):
        raise InputError(
            "attribution must be one of a text, whose canvas has spans, got one of "
            f"{counted(len(attribution.parts), 'part')} without; plots.bar draws any attribution"
        )
    errors = None if attribution.std_err is None else attribution.std_err[which, :, where]
    ax = draw(canvas, attribution.values[which, :, where], errors=errors, ax=ax)
    prediction = float(attribution.predictions[which, where])
    name = _style.label(attribution.output_label(row=which, output=where))
    _style.heading(ax, name + ("" if np.isnan(prediction) else f" is {minus(number(prediction))}"))
    return ax


def draw(canvas: TextSpans, values: Any, *, errors: Any = None, ax: Axes | None = None) -> Axes:
    """The text of a canvas with values (p,) and standard errors (p,), and below it what the colours stand for."""
    values, errors, uncertain = marks(canvas, values, errors)
    width = 72.0 * (_INCHES - 0.3 if ax is None else _inches(ax)[0])
    placed = _placed(_runs(canvas, values, ground(values, uncertain), uncertain), width)
    key = _placed(_key(values, uncertain), width)
    below = key[-1].line + 2  # lines of the key and the empty one above it
    fitting = _MOST_LINES if ax is None else max(1, int(72.0 * _inches(ax)[1] / _LINE) - below)
    if placed[-1].line >= fitting or len(canvas.text) > _MOST_CHARACTERS:
        placed = _cut(placed, fitting, len(canvas.text))
    last = placed[-1].line
    if ax is None:
        inches = ((last + 1 + below) * _LINE + 45.0) / 72.0  # 45 points for the heading and the margins
        ax = _style.axes(None, lines=(inches - 1.0) / 0.31, width=_INCHES)
    for one in [*placed, *(piece._replace(line=piece.line + last + 2) for piece in key)]:
        _write(ax, one)
    ax.set_axis_off()
    return ax


def _inches(ax: Axes) -> tuple[float, float]:
    extent = ax.get_window_extent()
    return float(extent.width / ax.figure.dpi), float(extent.height / ax.figure.dpi)


def _runs(canvas: TextSpans, values: Any, opacities: Any, uncertain: Any) -> Iterator[_Run]:
    position, end_of_text = 0, min(len(canvas.text), _MOST_CHARACTERS)
    for start, end, part in canvas.in_order():
        if start >= end_of_text:
            break
        yield _Run(canvas.text[position:start])
        colour = _style.RAISES if values[part] >= 0 else _style.LOWERS
        yield _Run(canvas.text[start : min(end, end_of_text)], colour, float(opacities[part]), bool(uncertain[part]))
        position = end
    yield _Run(canvas.text[position:end_of_text])


def _key(values: Any, uncertain: Any) -> Iterator[_Run]:
    yield from (run._replace(text=run.text.replace(" ", _FIXED)) for run in _meanings(values, uncertain))


def _meanings(values: Any, uncertain: Any) -> Iterator[_Run]:
    for sign, colour, meaning in ((1.0, _style.RAISES, "raises the output"), (-1.0, _style.LOWERS, "lowers it")):
        if (values * sign > 0).any():
            yield _Run(f" {meaning} ", colour, STRONGEST)
            yield _Run(3 * _FIXED)
    if uncertain.any():
        yield _Run("95 % interval covers 0", _style.INK, 0.0, True)


def _placed(runs: Iterable[_Run], width: float) -> list[_Placed]:
    """Every piece of a run at its place: lines are broken at spaces, and within a word that is wider than a line."""
    placed: list[_Placed] = []
    measured = _Ruler()
    x, line = 0.0, 0
    for run in runs:
        for k, paragraph in enumerate(harmless(run.text).expandtabs(4).split("\n")):
            if k:
                x, line = 0.0, line + 1
            start = x
            kept = ""
            for word in _breakable(paragraph):
                advance = measured(word)
                full = x > 0 and x + measured(word.rstrip()) > width
                if full and word.rstrip() not in _CLOSING:
                    if kept:
                        placed.append(_Placed(run._replace(text=kept), start, line))
                    x, line, kept = 0.0, line + 1, ""
                    start = x
                kept += word
                x += advance
            if kept:
                placed.append(_Placed(run._replace(text=kept), start, line))
    return placed or [_Placed(_Run(""), 0.0, 0)]


def _breakable(paragraph: str) -> Iterator[str]:
    """Words with the spaces behind them; no piece is longer than 40 characters."""
    word = ""
    for i, character in enumerate(paragraph):
        word += character
        following = paragraph[i + 1 : i + 2]
        if (character == " " and following != " ") or len(word) >= 40 or ord(character) >= 0x2E80:
            yield word
            word = ""
    if word:
        yield word


class _Ruler:
    """Widths in points from the metrics of the font, for which no renderer is needed."""

    def __init__(self) -> None:
        self._widths: dict[str, float] = {}

    def __call__(self, text: str) -> float:
        for character in set(text) - self._widths.keys():
            # Measured before a bar, as a space at the end of a text has no width.
            self._widths[character] = _LOOSE * (_extent(character + "|") - _extent("|"))
        return sum(self._widths[character] for character in text)


def _extent(text: str) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a missing glyph matplotlib warns when it is drawn
        width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=_SIZE), ismath=False)
    return float(width)


def _cut(placed: list[_Placed], lines: int, characters: int) -> list[_Placed]:
    """The first lines but the last, which counts the characters that found no place."""
    lines = min(lines, placed[-1].line + 2)
    kept = [one for one in placed if one.line < lines - 1]
    left = characters - sum(len(one.run.text) for one in kept)
    return [*kept, _Placed(_Run(f"… and about {counted(left, 'more character')}"), 0.0, lines - 1)]


def _write(ax: Axes, placed: _Placed) -> None:
    """One piece, in points from the upper left corner, so that the size of the axes moves nothing."""
    from matplotlib.colors import to_rgba
    from matplotlib.lines import Line2D
    from matplotlib.transforms import Affine2D, BboxTransformTo, ScaledTranslation

    run, x, line = placed
    y = -_LINE * (line + 0.8)
    corner = ScaledTranslation(0.0, 1.0, BboxTransformTo(ax.bbox))
    points = Affine2D().scale(1 / 72) + ax.figure.dpi_scale_trans + corner
    box = None
    if run.opacity > 0:
        box = {"boxstyle": "square,pad=0.1", "facecolor": to_rgba(run.colour, run.opacity), "edgecolor": "none"}
    ax.text(
        x, y, run.text, transform=points, fontsize=_SIZE, color=_style.INK, bbox=box, parse_math=False
    ).set_in_layout(False)
    if run.dotted:
        ends = [x, x + _Ruler()(run.text.rstrip()) / _LOOSE]
        mark = Line2D(ends, [y - 4.0, y - 4.0], transform=points, color=run.colour, linestyle=":", linewidth=1.2)
        mark.set_in_layout(False)
        ax.add_artist(mark)
