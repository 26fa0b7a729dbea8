"""Names and numbers as people read them: the same words in a terminal, a page and a plot."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

_LONGEST = 400  # characters looked at; a name of a megabyte is cut before anything is done with it
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_JOINERS = "\u200c\u200d"  # needed by several scripts and by emoji, and harmless


def clean(text: str, *, limit: int = 80) -> str:
    """One line without control or direction characters, at most `limit` characters long.

    Characters that would break the line, turn its direction or hide are written as their code (``\\u202e``).

    Examples
    --------
    >>> clean("age\\n(years)")
    'age (years)'
    >>> clean("\\u202eevil")
    '\\\\u202eevil'
    """
    text = elide(str(text), limit=max(_LONGEST, limit))
    return elide("".join(_harmless(character) for character in text).strip(), limit=limit)


def _harmless(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Zl", "Zp") or character in "\t\n\r\v\f":
        return " "
    if category in ("Cc", "Cf", "Cs", "Cn", "Co") and character not in _JOINERS:
        code = ord(character)
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return character


def harmless(text: str) -> str:
    """As `clean`, for text of several lines: line breaks, tabs and all spaces stay, nothing is cut.

    >>> harmless("one\\n  two\\x00")
    'one\\n  two\\\\u0000'
    """
    return "".join(character if character in "\n\t" else _harmless(character) for character in text)


def elide(text: str, *, limit: int) -> str:
    """The text with its middle cut out when it is longer than `limit`: names often differ in their ends.

    >>> elide("number of concave points (worst)", limit=16)
    'number of…worst)'
    """
    if len(text) <= limit:
        return text
    tail = (limit - 1) * 2 // 5
    head = limit - 1 - tail
    return text[:head].rstrip() + "…" + text[len(text) - tail :].lstrip()


def number(x: float, *, digits: int = 4, sign: bool = False) -> str:
    """`digits` significant digits, without an exponent where a person would not write one.

    >>> number(1234.5678), number(0.98), number(1.5e-7), number(float("nan"))
    ('1235', '0.98', '1.5e-07', 'unknown')
    """
    if math.isnan(x):
        return "unknown"
    plus = "+" if sign else ""
    if x == 0 or math.isinf(x):
        return f"{x:{plus}g}"
    magnitude = math.floor(math.log10(abs(x)))
    if not -5 < magnitude < 7:
        return f"{x:{plus}.{digits - 1}g}"
    decimals = max(0, digits - 1 - magnitude)
    written = f"{x:{plus}.{decimals}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def column(values: Sequence[float] | NDArray[np.float64], *, sign: bool = True, error: float = math.nan) -> list[str]:
    """Numbers with the same decimals, so that they stand under each other.

    Four digits for the largest; with the largest of their standard errors known, as many decimals as show
    two digits of that error, within three to five digits of the largest number.

    >>> column([0.13201, -0.00049])
    ['+0.1320', '-0.0005']
    >>> column([0.13201, -0.00049], error=0.012)
    ['+0.132', '+0.000']
    """
    plus = "+" if sign else ""
    magnitude = _magnitude(max((abs(float(x)) for x in values if math.isfinite(x)), default=0.0))
    if not -5 < magnitude < 7:
        return [f"{x:{plus}.2e}" if math.isfinite(x) else number(x) for x in values]
    digits = 3 if not (math.isfinite(error) and error > 0) else min(4, max(2, 1 - _magnitude(error) + magnitude))
    decimals = max(0, digits - magnitude)
    return [_fixed(float(x), decimals, plus) if math.isfinite(x) else number(x) for x in values]


def _magnitude(x: float) -> int:
    return math.floor(math.log10(x)) if x > 0 else 0


def _fixed(x: float, decimals: int, plus: str) -> str:
    written = f"{x:{plus}.{decimals}f}"
    return written.replace("-", plus) if float(written) == 0 else written  # no "-0.00"


def with_errors(
    values: Sequence[float] | NDArray[np.float64],
    errors: Sequence[float] | NDArray[np.float64],
    *,
    sign: bool = True,
) -> list[str]:
    """Numbers of one column with their standard errors, where these are known.

    >>> with_errors([0.13201, -0.5], [0.0021, float("nan")])
    ['+0.1320 ± 0.0021', '-0.5000']
    """
    known = [float(error) for error in errors if math.isfinite(error)]
    written = column(values, sign=sign, error=max(known, default=math.nan))
    decimals = len(written[0].partition(".")[2]) if written and "e" not in written[0] else -1
    return [
        f"{value} ± {_error(float(error), decimals)}" if math.isfinite(error) else value
        for value, error in zip(written, errors, strict=True)
    ]


def _error(error: float, decimals: int) -> str:
    """In the decimals of its column; an error too small to be seen there keeps two digits of its own."""
    if decimals < 0 or 0 < error < 0.5 * 10.0**-decimals:
        return f"{error:.1e}"
    return f"{error:.{decimals}f}"


def aligned(columns: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table from its columns of text, each as wide as its widest cell.

    >>> aligned([["a", "bcd"], ["1", "2"]])
    ['a    1', 'bcd  2']
    """
    widths = [max(map(len, cells)) for cells in columns]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*columns, strict=True)
    ]


def resolved(x: float, step: float) -> str:
    """A number with four digits, or as many more as show steps of that size.

    >>> resolved(10000.5, 0.01), resolved(0.98, 0.01)
    ('10000.5', '0.98')
    """
    if not (math.isfinite(x) and math.isfinite(step) and x != 0 and step > 0):
        return number(x)
    return number(x, digits=min(15, max(4, _magnitude(abs(x)) - _magnitude(step) + 1)))


def counted(count: int, noun: str) -> str:
    """
    >>> counted(1, "row"), counted(12000, "row")
    ('1 row', '12,000 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def merged(sentences: Iterable[str]) -> str:
    """Sentences of clauses, "a; b", as one: each clause once, and where only its numbers differ, with their range.

    >>> merged(["1,024 samples; proven after 14 models", "1,024 samples; proven after 7 models"])
    '1,024 samples; proven after 7 to 14 models'
    """
    numbers: dict[tuple[str, ...], list[list[str]]] = {}
    for clause in dict.fromkeys(clause for sentence in sentences for clause in sentence.split("; ") if clause):
        numbers.setdefault(tuple(_NUMBER.split(clause)), []).append(_NUMBER.findall(clause))
    clauses = []
    for words, found in numbers.items():
        ranges = [_range_of(column) for column in zip(*found, strict=True)]
        clauses.append("".join(text for pair in zip(words, [*ranges, ""], strict=True) for text in pair))
    return "; ".join(clauses)


def _range_of(numbers: Sequence[str]) -> str:
    low, high = (pick(numbers, key=lambda text: float(text.replace(",", ""))) for pick in (min, max))
    return low if low == high else f"{low} to {high}"


def duration(seconds: float) -> str:
    """
    >>> duration(0.0123), duration(4.25), duration(600)
    ('12 ms', '4.2 s', '10 min')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def width(text: str) -> float:
    """How wide the text is in a proportional sans-serif, in em; an estimate on the wide side."""
    return sum(_advance(character) for character in text)


def _advance(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in ("W", "F"):
        return 1.0
    if character in "iljtfr.,:;'|!()[] ":
        return 0.4
    if character in "mwMW@%±+=…−":
        return 0.9 if character != "W" else 1.0
    return 0.72 if character.isupper() else 0.62


def fit(text: str, *, em: float) -> str:
    """The text elided to at most `em` em."""
    limit = len(text)
    while limit > 4 and width(elide(text, limit=limit)) > em:
        limit -= 1
    return elide(text, limit=limit)
