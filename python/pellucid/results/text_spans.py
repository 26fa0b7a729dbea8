"""What a picture of an explained text needs: the text, and where its parts stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from pellucid._arguments import is_whole, shown
from pellucid.errors import InputError

Span = tuple[int, int]


@dataclass(frozen=True)
class TextSpans:
    """A text and the spans of its p parts.

    Parameters
    ----------
    text : str
    spans : (p,) tuples of (start, end)
        Each part has one span or more, counted in characters; no two spans have a character in common.

    Raises
    ------
    InputError : spans that are empty, leave the text or overlap.

    Examples
    --------
    >>> TextSpans("to be or not to be", (((0, 2), (13, 15)), ((3, 5), (16, 18)))).in_order()
    [(0, 2, 0), (3, 5, 1), (13, 15, 0), (16, 18, 1)]
    """

    text: str
    spans: tuple[tuple[Span, ...], ...]

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InputError(f"text must be a str, got {type(self.text).__name__}")
        try:
            spans = tuple(tuple((start, end) for start, end in part) for part in self.spans)
        except (TypeError, ValueError):
            raise InputError(f"spans must hold (start, end) pairs for each part, got {shown(self.spans)}") from None
        for part in spans:
            for start, end in part:
                if not (is_whole(start) and is_whole(end) and 0 <= start < end <= len(self.text)):
                    raise InputError(
                        f"spans must be whole numbers with 0 <= start < end <= {len(self.text)}, the characters of "
                        f"the text, got {shown((start, end))}"
                    )
        if not all(spans):
            raise InputError("spans must have at least one span for each part, got a part with none")
        spans = tuple(tuple((int(start), int(end)) for start, end in part) for part in spans)
        object.__setattr__(self, "spans", spans)
        places = self.in_order()
        for (_, end, _), (start, _, _) in pairwise(places):
            if start < end:
                raise InputError(f"spans must not overlap, got one that ends at {end} and one from {start} on")

    @property
    def parts(self) -> int:
        """p, the number of parts."""
        return len(self.spans)

    def in_order(self) -> list[tuple[int, int, int]]:
        """(start, end, part) of every span, in the order of the text."""
        return sorted((start, end, part) for part, spans in enumerate(self.spans) for start, end in spans)
