"""Small charts as inline SVG: no script, no style sheet needed, every text escaped.

Colours are attributes, so that a chart survives a page that forbids styles; text and lines take the colour
of the text around them, so that it is readable on light and dark ground.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from pellucid.results.ranking import Ranking
from pellucid.results.text import clean, fit, resolved, width, with_errors

RAISES = "#d55e00"  # Okabe and Ito's vermillion and blue: apart for every kind of colour blindness,
LOWERS = "#0072b2"  # and at least 3 : 1 against white and against near-black
Z95 = NormalDist().inv_cdf(0.975)

MEANS = "#7d8590"  # neither: a mean of absolute values has no direction

_FONT = 13.0
_LINE = 25.0
_BAR = 13.0
_GAP = 14.0
_HUGE = 1e290  # beyond it differences of two positions overflow; bars are clipped there, numbers are not


@dataclass(frozen=True)
class Line:
    """One line of a chart: a name, the value of the part, a bar from start to end, and a number."""

    name: str
    shown: str
    start: float
    end: float
    error: float  # standard error of `end`, NaN for none
    number: str
    mark: bool = False  # a point at `end` instead of a bar: base value and prediction
    rest: bool = False  # a sum of parts: paler


def words(text: str, *, limit: int = 80) -> str:
    """Text made harmless for any place in HTML or SVG."""
    return html.escape(clean(text, limit=limit), quote=True)


def minus(text: str) -> str:
    """A true minus sign before a number."""
    return text.replace("-", "−")


def bars(ranking: Ranking, *, title: str, description: str, size: float = 720.0) -> str:
    """Contributions as bars from zero, with whiskers of 1.96 standard errors."""
    numbers = with_errors(ranking.values, ranking.errors)
    lines = [
        Line(name, shown, 0.0, float(value), float(error), minus(text), rest=rest)
        for name, shown, value, error, text, rest in _columns(ranking, numbers)
    ]
    return chart(lines, title=title, description=description, size=size)


def means(ranking: Ranking, *, title: str, description: str, size: float = 720.0) -> str:
    """Mean |values| as bars from zero; one colour, since they have no direction."""
    numbers = with_errors(ranking.values, ranking.errors, sign=False)
    lines = [
        Line(name, shown, 0.0, float(value), float(error), text, rest=rest)
        for name, shown, value, error, text, rest in _columns(ranking, numbers)
    ]
    return chart(lines, title=title, description=description, size=size, rising=MEANS)


def waterfall(
    ranking: Ranking, base: float, prediction: float, *, title: str, description: str, size: float = 720.0
) -> str:
    """From the base value to the prediction, one part after the other, the largest first."""
    numbers = with_errors(ranking.values, ranking.errors)
    ends = end_texts(ranking, base, prediction)
    position = 0.0 if math.isnan(base) else base
    lines = [Line("base value", "", position, position, math.nan, minus(ends[0]), mark=True)]
    for name, shown, value, error, text, rest in _columns(ranking, numbers):
        lines.append(Line(name, shown, position, position + float(value), float(error), minus(text), rest=rest))
        position += float(value)
    if not math.isnan(prediction):
        lines.append(Line("prediction", "", prediction, prediction, math.nan, minus(ends[1]), mark=True))
    return chart(lines, title=title, description=description, size=size, connect=True)


def end_texts(ranking: Ranking, base: float, prediction: float) -> tuple[str, str]:
    """Base value and prediction with the digits that the contributions change."""
    step = float(np.abs(ranking.values).max(initial=0.0)) / 100
    return resolved(base, step), resolved(prediction, step)


def _columns(ranking: Ranking, numbers: list[str]) -> Iterator[tuple[str, str, float, float, str, bool]]:
    rest = [False] * len(ranking.order) + [True] * (len(ranking.names) - len(ranking.order))
    return zip(ranking.names, ranking.shown, ranking.values, ranking.errors, numbers, rest, strict=True)


def chart(
    lines: Sequence[Line],
    *,
    title: str,
    description: str,
    size: float,
    connect: bool = False,
    rising: str = RAISES,
) -> str:
    """The lines under each other in four columns (name, value, bars, number) over a common axis."""
    lines = [_clipped(line) for line in lines]
    columns = _Columns.of(lines, size)
    scale = _Scale.of(lines, columns.left, columns.right, around_zero=not connect)
    bottom = _LINE * len(lines)
    content = [f"<title>{words(title, limit=160)}</title><desc>{words(description, limit=400)}</desc>"]
    content += _axis(scale, bottom, zero=not connect)
    for i, line in enumerate(lines):
        if connect and i + 1 < len(lines):
            x = scale(line.end)
            content.append(_stroke(x, _middle(i), x, _middle(i + 1), opacity=0.35, dash="2 2"))
    for i, line in enumerate(lines):
        content += _drawn(line, _middle(i), scale, columns, rising)
    height = bottom + 26
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{words(title, limit=160)}" '
        f'class="pellucid-chart" viewBox="0 0 {size:g} {height:g}" width="{size:g}" height="{height:g}" '
        f'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif" '
        f'font-size="{_FONT:g}" fill="currentColor">' + "".join(content) + "</svg>"
    )


@dataclass(frozen=True)
class _Columns:
    names: float  # right edge of the names, in em of text
    name_em: float
    shown: float  # left edge of the values
    shown_em: float
    left: float  # of the bars
    right: float
    numbers: float  # right edge of the numbers

    @classmethod
    def of(cls, lines: Sequence[Line], size: float) -> _Columns:
        share = 0.30 if any(line.shown for line in lines) else 0.42
        name_em = min(max((width(line.name) for line in lines), default=0.0), share * size / _FONT)
        shown_em = min(max((width(line.shown) for line in lines), default=0.0), 0.13 * size / _FONT)
        number_em = max((width(line.number) for line in lines), default=0.0)
        names = name_em * _FONT
        shown = names + (10 if shown_em else 0)
        left = shown + shown_em * _FONT + _GAP
        return cls(names, name_em, shown, shown_em, left, size - number_em * _FONT - _GAP, size)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    left: float
    right: float

    @classmethod
    def of(cls, lines: Sequence[Line], left: float, right: float, *, around_zero: bool) -> _Scale:
        ends = [0.0] if around_zero else []
        for line in lines:
            reach = _reach(line)
            ends += [line.start, line.end - reach, line.end + reach]
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        if not high - low > 1e-12 * max(abs(low), abs(high), 1e-280):
            pad = 0.5 * abs(high) or 1.0
            low, high = low - pad, high + pad
        pad = 0.03 * (high - low)
        return cls(
            low - pad if low < 0 or not around_zero else low,
            high + pad if high > 0 or not around_zero else high,
            left,
            right,
        )

    def __call__(self, x: float) -> float:
        return self.left + (x - self.low) / (self.high - self.low) * (self.right - self.left)

    def ticks(self) -> list[float]:
        """Round numbers, about 70 units apart."""
        most = max(2, int((self.right - self.left) / 70))
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next((m * power for m in (1, 2, 5) if m * power >= rough), 10 * power)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        if not (math.isfinite(step) and step > 0) or last - first > 50:
            return []
        return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def _clipped(line: Line) -> Line:
    start, end = (float(np.clip(x, -_HUGE, _HUGE)) for x in (line.start, line.end))
    return Line(line.name, line.shown, start, end, line.error, line.number, line.mark, line.rest)


def _reach(line: Line) -> float:
    return min(Z95 * line.error, _HUGE) if math.isfinite(line.error) else 0.0


def _middle(i: int) -> float:
    return _LINE * i + _LINE / 2


def _axis(scale: _Scale, bottom: float, *, zero: bool) -> Iterator[str]:
    ticks = scale.ticks()
    step = ticks[1] - ticks[0] if len(ticks) > 1 else math.nan
    for tick in ticks:
        x = scale(tick)
        strong = zero and tick == 0
        yield _stroke(x, 0, x, bottom, opacity=0.55 if strong else 0.13)
        yield _text(x, bottom + 16, minus(resolved(tick, step)), anchor="middle", size=11, opacity=0.75)


def _drawn(line: Line, y: float, scale: _Scale, columns: _Columns, rising: str) -> Iterator[str]:
    baseline = y + 0.35 * _FONT
    yield _text(
        columns.names,
        baseline,
        fit(line.name, em=columns.name_em),
        anchor="end",
        weight="600" if line.mark else "",
    )
    if line.shown:
        yield _text(columns.shown, baseline, fit(line.shown, em=columns.shown_em), opacity=0.75)
    x = scale(line.end)
    if line.mark:
        yield f'<circle cx="{x:.2f}" cy="{y:.2f}" r="4.5" fill="currentColor"/>'
    else:
        left, right = sorted((scale(line.start), x))
        colour = rising if line.end >= line.start else LOWERS
        pale = ' fill-opacity="0.6"' if line.rest else ""
        yield (
            f'<rect x="{left:.2f}" y="{y - _BAR / 2:.2f}" width="{max(right - left, 0.75):.2f}" '
            f'height="{_BAR:g}" rx="1.5" fill="{colour}"{pale}/>'
        )
    reach = _reach(line)
    if reach > 0:
        low, high = scale(line.end - reach), scale(line.end + reach)
        yield _stroke(low, y, high, y, thick=1.4)
        yield _stroke(low, y - 3.5, low, y + 3.5, thick=1.4)
        yield _stroke(high, y - 3.5, high, y + 3.5, thick=1.4)
    yield _text(columns.numbers, baseline, line.number, anchor="end", weight="600" if line.mark else "")


def _stroke(
    x1: float, y1: float, x2: float, y2: float, *, thick: float = 1.0, opacity: float = 1.0, dash: str = ""
) -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" stroke="currentColor" '
        f'stroke-width="{thick:g}" stroke-opacity="{opacity:g}"{dashes}/>'
    )


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: float = _FONT,
    opacity: float = 1.0,
    weight: str = "",
) -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    small = f' font-size="{size:g}"' if size != _FONT else ""
    pale = f' fill-opacity="{opacity:g}"' if opacity != 1.0 else ""
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}" unicode-bidi="isolate"{small}{bold}{pale}>'
        f"{words(text)}</text>"
    )
