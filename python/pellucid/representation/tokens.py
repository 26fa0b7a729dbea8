"""Where the units of a text are: spans from a pattern, from a tokenizer's spans, or from its tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from pellucid._arguments import is_whole, shown
from pellucid.errors import InputError

Span = tuple[int, int]

_SPANS = "return (start, end) positions in the text instead"
# What tokenizers put before a piece inside a word, or before the first piece of one.
_MARKS = ("##", "\u2581", "\u0120")


def token_spans(text: str, tokenizer: Any) -> list[Span]:
    """The spans (start, end) of all units in code points, in order, apart from each other and not empty.

    Parameters
    ----------
    text : the whole text.
    tokenizer : a regular expression, spans or tokens, or a callable that returns one of the last two; see `Words`.
    """
    if isinstance(tokenizer, (str, bytes, re.Pattern)):
        spans = [match.span() for match in _pattern(tokenizer).finditer(text)]
    else:
        spans = _listed(text, tokenizer(text) if callable(tokenizer) else tokenizer)
    # Special tokens are empty, and the bytes of one character may be tokens with the same span.
    spans = sorted({(start, end) for start, end in spans if start < end})
    for before, after in pairwise(spans):
        if after[0] < before[1]:
            raise InputError(
                f"tokenizer must give spans apart from each other, got {before} and {after}, which overlap; "
                "merge them or leave one out"
            )
    return spans


def _pattern(tokenizer: Any) -> re.Pattern[str]:
    try:
        pattern = re.compile(tokenizer)
    except re.error as error:
        raise InputError(f"tokenizer must be a regular expression, got {shown(tokenizer)}: {error}") from None
    if not isinstance(pattern.pattern, str):
        raise InputError(f"tokenizer must be a pattern of str, got one of bytes: {shown(tokenizer)}; drop the b")
    return pattern


def _listed(text: str, units: Any) -> list[Span]:
    if isinstance(units, Mapping) and "offset_mapping" in units:
        units = units["offset_mapping"]
    offsets = getattr(units, "offsets", None)
    units = units if offsets is None else offsets
    if isinstance(units, (str, bytes)) or not hasattr(units, "__iter__"):
        raise InputError(
            f"tokenizer must be a regular expression, or give spans or tokens of the text, got {shown(units)}"
        )
    units = list(units)
    if all(isinstance(unit, str) for unit in units):
        return _aligned(text, units)
    return [_span(unit, len(text)) for unit in units]


def _span(unit: Any, length: int) -> Span:
    ends = list(unit) if isinstance(unit, (tuple, list, np.ndarray)) else []
    if len(ends) != 2 or not all(is_whole(end) for end in ends):
        raise InputError(f"tokenizer must give spans (start, end) of whole numbers or tokens (str), got {shown(unit)}")
    start, end = int(ends[0]), int(ends[1])
    if not 0 <= start <= end <= length:
        raise InputError(
            f"tokenizer must give spans within the text, 0 <= start <= end <= {length}, got ({start}, {end}); "
            "they count characters, not bytes"
        )
    return start, end


def _aligned(text: str, tokens: list[str]) -> list[Span]:
    """Each token at its first place after the one before; letter by letter, else whatever the case of the letters."""
    spans, missing = _found(text, tokens)
    if missing is not None:
        spans, missing = _found(_folded(text), [_folded(token) for token in tokens])
    if missing is not None:
        after = f"after position {spans[-1][1]}" if spans else "in the text"
        raise InputError(
            f"tokenizer must give tokens that are found in the text one after the other, got {shown(tokens[missing])} "
            f"(token {missing}), which is not {after}; {_SPANS}"
        )
    return spans


def _found(text: str, tokens: list[str]) -> tuple[list[Span], int | None]:
    """The spans of the tokens, up to the number of the first that is not there."""
    spans: list[Span] = []
    position = 0
    for i, token in enumerate(tokens):
        start = text.find(token, position)
        if start < 0:
            for mark in _MARKS:
                token = token.removeprefix(mark)
            start = text.find(token, position)
        if start < 0:
            return spans, i
        position = start + len(token)
        spans.append((start, position))
    return spans, None


def _folded(text: str) -> str:
    """Without case, every character at its own place: one whose folded form is longer stays as it is."""
    return "".join(folded if len(folded := character.casefold()) == 1 else character for character in text)
