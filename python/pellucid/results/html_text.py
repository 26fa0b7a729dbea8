"""A text with its parts highlighted, as static HTML: no script, all escaped, readable on light and dark ground."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.results import checks
from pellucid.results.svg import LOWERS, RAISES, Z95, minus
from pellucid.results.text import counted, harmless, with_errors
from pellucid.results.text_spans import TextSpans

STRONGEST = 0.62  # opacity of the largest value: the text over it stays readable on white and on near-black
PALER = 0.4  # of that opacity, where an interval covers 0

_LIMIT = 20_000  # characters shown


def highlighted(
    canvas: TextSpans,
    values: Sequence[float] | NDArray[np.float64],
    *,
    errors: Sequence[float] | NDArray[np.float64] | None = None,
    limit: int = _LIMIT,
) -> str:
    """The text, each part on a ground of its colour, the deeper the larger |value|; a tooltip says the number.

    A part whose 95 % interval covers 0 has a paler ground and a dotted line below.

    Parameters
    ----------
    canvas : TextSpans
    values : (p,) contributions of the parts to one output.
    errors : (p,) standard errors; None or NaN where there are none.
    limit : characters shown at most; a note counts the others.

    Examples
    --------
    >>> fragment = highlighted(TextSpans("a <b> film", (((3, 4),),)), [0.5], errors=[0.1])
    >>> 'title="+0.500 ± 0.100"' in fragment, "a &lt;<span" in fragment
    (True, True)
    """
    values, errors, uncertain = marks(canvas, values, errors)
    opacities = ground(values, uncertain)
    numbers = [minus(text) for text in with_errors(values, errors)]
    end_of_text = min(limit, len(canvas.text))
    pieces, position = [], 0
    for start, end, part in canvas.in_order():
        if start >= end_of_text:
            break
        pieces.append(_escaped(canvas.text[position:start]))
        word = _escaped(canvas.text[start : min(end, end_of_text)])
        pieces.append(_marked(word, values[part], opacities[part], uncertain[part], numbers[part]))
        position = end
    pieces.append(_escaped(canvas.text[position:end_of_text]))
    left = len(canvas.text) - end_of_text
    if left:
        pieces.append(f' <span style="opacity:.75">… and {counted(left, "more character")}</span>')
    return (
        '<div class="pellucid-text" dir="auto" style="white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.75;'
        f'margin:0 0 .4em">{"".join(pieces)}</div>' + _key(values, uncertain)
    )


def marks(
    canvas: TextSpans,
    values: Sequence[float] | NDArray[np.float64],
    errors: Sequence[float] | NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Values and errors (p,) of the parts of the text, and which have an interval that covers 0."""
    p = len(canvas.spans)
    values = checks.frozen_floats("values", values, (p,), "(p,)")
    errors = np.full(p, math.nan) if errors is None else checks.frozen_floats("errors", errors, (p,), "(p,)")
    return values, errors, np.abs(values) < Z95 * errors


def ground(values: NDArray[np.float64], uncertain: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Opacity of the ground of each part (p,), from 0 to `STRONGEST`."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0:
        return np.zeros(len(values))
    return np.asarray(STRONGEST * np.abs(values) / largest * np.where(uncertain, PALER, 1.0))


def _escaped(text: str) -> str:
    return html.escape(harmless(text), quote=True)


def _marked(word: str, value: float, opacity: float, uncertain: bool, number: str) -> str:
    line = f";border-bottom:2px dotted {_ground(value, 0.75)}" if uncertain else ""
    return (
        f'<span title="{html.escape(number, quote=True)}" style="background:{_ground(value, opacity)};'
        f'border-radius:2px;padding:.08em .05em{line}">{word}</span>'
    )


def _colour(value: float) -> str:
    return RAISES if value >= 0 else LOWERS


def _ground(value: float, opacity: float) -> str:
    red, green, blue = (int(_colour(value)[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:.3f})"


def _key(values: NDArray[np.float64], uncertain: NDArray[np.bool_]) -> str:
    """What the colours that occur stand for."""
    entries = []
    for sign, meaning in ((1.0, "raises the output"), (-1.0, "lowers it")):
        if (values * sign > 0).any():
            swatch = f"background:{_ground(sign, STRONGEST)};border-radius:2px;padding:0 .7em;margin-right:.5em"
            entries.append(f'<span style="{swatch}"></span>{meaning}')
    if uncertain.any():
        line = "border-bottom:2px dotted currentColor;padding:0 .7em;margin-right:.5em"
        entries.append(f'<span style="{line}"></span>95 % interval covers 0')
    between = "display:inline-block;margin-right:1.4em"
    return (
        '<div class="pellucid-muted" style="opacity:.75;font-size:13px">'
        + "".join(f'<span style="{between}">{entry}</span>' for entry in entries)
        + "</div>"
    )
