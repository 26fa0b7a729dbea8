"""Text on a terminal, whatever its encoding can hold."""

from __future__ import annotations

import sys
import textwrap
from typing import TextIO

WIDTH = 80

_PLAIN = {"±": "+-", "…": "...", "−": "-", "█": "#", "│": "|", "–": "-", "’": "'", "“": '"', "”": '"'}


def say(line: str, *, to: TextIO | None = None) -> None:
    """Write one line at once; what the encoding of the stream lacks is written in ASCII."""
    stream = sys.stdout if to is None else to
    encoding = getattr(stream, "encoding", None) or "ascii"
    print(writable(line, encoding=encoding), file=stream, flush=True)


def writable(text: str, *, encoding: str) -> str:
    """The text in characters that the encoding has.

    >>> writable("0.145 ± 0.002 ██ naïve", encoding="ascii")
    '0.145 +- 0.002 ## na?ve'
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = "".join(_PLAIN.get(character, character) for character in text)
        return text.encode(encoding, errors="replace").decode(encoding)
    except LookupError:  # an encoding that Python does not know
        return writable(text, encoding="ascii")
    return text


def paragraph(text: str, *, indent: str = "") -> list[str]:
    """The text in lines of at most 80 characters, also when one of them takes two in ASCII."""
    return textwrap.wrap(text, WIDTH - 2, initial_indent=indent, subsequent_indent=indent)


def bar(value: float, *, scale: float, half: int = 8) -> str:
    """A bar to the left or to the right of a middle line; `scale` is the value of a full half.

    >>> bar(0.5, scale=1.0, half=4), bar(-1.0, scale=1.0, half=4)
    ('    │██', '████│')
    """
    length = min(half, round(half * abs(value) / scale)) if scale > 0 else 0
    left = "█" * length if value < 0 else ""
    return f"{left:>{half}}│" + ("█" * length if value > 0 else "")
