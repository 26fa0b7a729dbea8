"""Many texts in one buffer, and how they reach the model."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results.text import clean


@dataclass(frozen=True, eq=False, repr=False)
class Texts(Sequence[str]):
    """m texts as one UTF-8 buffer: text i is ``buffer[offsets[i]:offsets[i + 1]]``.

    An index gives a string, a slice or an array of row numbers (or of m booleans) a block.

    Parameters
    ----------
    buffer : uint8, valid UTF-8 between any two offsets.
    offsets : (m + 1,) int64, from 0 on, never falling.

    Raises
    ------
    InputError : offsets that leave the buffer or run backwards.

    Examples
    --------
    >>> texts = Texts.of(["two words", "", "été"])
    >>> len(texts), texts[2], texts[1:].strings(), texts[np.array([2, 0])].strings()
    (3, 'été', ['', 'été'], ['été', 'two words'])
    """

    buffer: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        buffer, offsets = self.buffer, self.offsets
        if not isinstance(buffer, np.ndarray) or buffer.dtype != np.uint8 or buffer.ndim != 1:
            raise InputError("buffer must be a 1-D array of uint8; Texts.of takes strings")
        if not isinstance(offsets, np.ndarray) or offsets.dtype != np.int64 or offsets.ndim != 1 or not len(offsets):
            raise InputError("offsets must be a 1-D array of int64 with one entry more than there are texts")
        if offsets[0] != 0 or offsets[-1] > len(buffer) or (np.diff(offsets) < 0).any():
            raise InputError(f"offsets must rise from 0 to at most {len(buffer)}, the bytes of the buffer")

    @classmethod
    def of(cls, strings: Sequence[str]) -> Texts:
        """A block from strings."""
        return cls._of([string.encode("utf-8") for string in strings])

    @classmethod
    def _of(cls, rows: Sequence[bytes]) -> Texts:
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return cls(np.frombuffer(b"".join(rows), dtype=np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, slice):
            first, last, step = rows.indices(len(self))
            if step == 1:
                last = max(first, last)
                offsets = self.offsets[first : last + 1]
                return Texts(self.buffer[offsets[0] : offsets[-1]], offsets - offsets[0])
            return self[np.arange(first, last, step)]
        if isinstance(rows, (list, np.ndarray)):
            numbers = np.arange(len(self))[np.asarray(rows, dtype=None if len(rows) else np.int64)]
            whole = self.bytes_list()
            return Texts._of([whole[i] for i in numbers])
        number = operator.index(rows)
        if not -len(self) <= number < len(self):
            raise IndexError(f"row {number} of {len(self)} texts")
        number %= len(self)
        return self.buffer[self.offsets[number] : self.offsets[number + 1]].tobytes().decode("utf-8")

    def __iter__(self) -> Iterator[str]:
        return iter(self.strings())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Texts):
            return NotImplemented
        mine, theirs = (block.buffer[: block.offsets[-1]] for block in (self, other))
        return bool(np.array_equal(self.offsets, other.offsets) and np.array_equal(mine, theirs))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Texts({len(self):,} texts, {int(self.offsets[-1]):,} bytes)"

    def strings(self) -> list[str]:
        """The texts as Python strings."""
        whole, ends = self.buffer.tobytes(), self.offsets.tolist()
        if whole.isascii():  # a byte is a character: one string is made, the rows are cut from it
            text = whole.decode("ascii")
            return [text[start:end] for start, end in pairwise(ends)]
        return [whole[start:end].decode("utf-8") for start, end in pairwise(ends)]

    def bytes_list(self) -> list[bytes]:
        """The texts in UTF-8."""
        whole, ends = self.buffer.tobytes(), self.offsets.tolist()
        return [whole[start:end] for start, end in pairwise(ends)]


@dataclass(frozen=True)
class TextMedium:
    """Texts on their way to a callable that takes a list of strings. All texts share one: it differs in sizes only.

    Parameters
    ----------
    row_bytes : size of one row, its string included, from which batches are cut.
    """

    row_bytes: int = field(compare=False)

    def buffer(self, rows: int) -> None:
        """None: rows have different lengths, so every block makes its own memory."""

    def given(self, block: Texts) -> list[str]:
        """What the callable receives."""
        return block.strings()

    def shown(self, block: Texts, row: int) -> str:
        """The beginning and the end of one text, for messages."""
        return f'"{clean(block[row])}"'

    def keys(self, block: Texts) -> list[bytes]:
        """One digest of 16 bytes per row."""
        return [hashlib.blake2b(row, digest_size=16).digest() for row in block.bytes_list()]
