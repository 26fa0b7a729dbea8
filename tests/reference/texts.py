"""Texts with words taken out, piece by piece."""

from __future__ import annotations


def spliced(text, spans, part_of_word, mask, replacement=""):
    """What stands between the spans, and each span where its part is in, else the replacement."""
    pieces, position = [], 0
    for (start, end), part in zip(spans, part_of_word, strict=True):
        pieces.append(text[position:start])
        pieces.append(text[start:end] if mask[part] else replacement)
        position = end
    return "".join([*pieces, text[position:]])
