"""Universal Binary JSON, as far as XGBoost writes it: every length is checked against the bytes that are left.

Arrays of one numeric type, which hold nearly all of a model, are views of these bytes and never taken apart.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelFormatError

_INTEGERS = {ord(code): struct.Struct(form) for code, form in zip("iUIlL", (">b", ">B", ">h", ">i", ">q"), strict=True)}
_NUMBERS = {**_INTEGERS, ord("d"): struct.Struct(">f"), ord("D"): struct.Struct(">d")}
_TYPES = {
    ord(code): np.dtype(f">{form}")
    for code, form in zip("iUIlLdD", ("i1", "u1", "i2", "i4", "i8", "f4", "f8"), strict=True)
}
# As XGBoost itself writes them: a length in eight bytes, here one below 256, and the head of an array of one type.
_SHORT = b"L" + bytes(7)
_HEADS = {b"[$" + bytes([kind]) + b"#L": (dtype, dtype.itemsize) for kind, dtype in _TYPES.items()}
_LONG = _INTEGERS[ord("L")]
_CONSTANTS = {ord("T"): True, ord("F"): False, ord("Z"): None}
_ARRAY, _END_OF_ARRAY, _MAPPING, _END_OF_MAPPING, _TYPE, _COUNT, _TEXT, _CHARACTER = b"[]{}$#SC"
_DEEPEST = 64


class _Reader:
    """Where the reading of `data` stands; beyond its end an index or `unpack_from` raises."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def error(self, what: str) -> ModelFormatError:
        return ModelFormatError(f"not a UBJSON model: {what}, at byte {self.at}; save it again with xgboost")

    def marker(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def number(self, kind: int) -> Any:
        form = _NUMBERS[kind]
        self.at += form.size
        return form.unpack_from(self.data, self.at - form.size)[0]

    def length(self) -> int:
        """Of a text or a container, whose entries take a byte each at least."""
        kind = self.marker()
        if kind not in _INTEGERS:
            raise self.error(f"a length of type {chr(kind)!r}")
        count = int(self.number(kind))
        if not 0 <= count <= len(self.data) - self.at:
            raise self.error(f"{count} bytes or entries are announced, {len(self.data) - self.at} bytes are left")
        return count

    def text(self) -> str:
        at = self.at
        if self.data[at : at + 8] == _SHORT and (end := at + 9 + self.data[at + 8]) <= len(self.data):
            self.at = end
            return self.data[at + 9 : end].decode("utf-8")
        count = self.length()
        self.at += count
        return self.data[self.at - count : self.at].decode("utf-8")

    def value(self, kind: int, depth: int) -> Any:
        if kind == _ARRAY:
            return self.array(depth)
        if kind in _NUMBERS:
            return self.number(kind)
        if kind == _TEXT:
            return self.text()
        if kind == _MAPPING:
            return self.mapping(depth)
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == _CHARACTER:
            return chr(self.marker())
        raise self.error(f"a value of type {chr(kind)!r}")

    def header(self, depth: int) -> tuple[int, int]:
        """Type and count of a container, where it announces them: 0 and -1 where not."""
        if depth > _DEEPEST:
            raise self.error(f"more than {_DEEPEST} levels")
        kind, count = 0, -1
        if self.data[self.at] == _TYPE:
            kind = self.data[self.at + 1]
            self.at += 2
            # Entries that are constants would take no bytes, so that nothing would bound their number.
            if kind in _CONSTANTS or self.data[self.at] != _COUNT:
                raise self.error(f"a container of type {chr(kind)!r} without a bound")
        if self.data[self.at] == _COUNT:
            self.at += 1
            count = self.length()
        return kind, count

    def array(self, depth: int) -> Any:
        kind, count = self.header(depth)
        if kind in _TYPES:
            return self.numbers(_TYPES[kind], count)
        if count >= 0:
            return [self.value(kind or self.marker(), depth + 1) for _ in range(count)]
        items = []
        while (mark := self.marker()) != _END_OF_ARRAY:
            items.append(self.value(mark, depth + 1))
        return items

    def numbers(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        """So many numbers, where they stand: in the order of bytes in which they were written."""
        size, left = count * dtype.itemsize, len(self.data) - self.at
        if not 0 <= size <= left:
            raise self.error(f"{size} bytes are announced, {left} are left")
        self.at += size
        return np.frombuffer(self.data, dtype, count, self.at - size)

    def entries(self, items: dict[str, Any]) -> None:
        """The next entries of a mapping, as long as they are arrays of numbers written as XGBoost does.

        Each is checked as `array` does; the first one that is anything else, or wrong, is left for `mapping` to read.
        """
        data, at, size = self.data, self.at, len(self.data)
        while data[at : at + 8] == _SHORT:
            end = at + 9 + data[at + 8]
            head = _HEADS.get(data[end : end + 5])
            if head is None or end + 13 > size:
                return
            (count,), dtype, width = _LONG.unpack_from(data, end + 5), *head
            name = data[at + 9 : end].decode("utf-8")
            if name in items or not 0 <= count <= (size - end - 13) // width:
                return
            items[name] = np.frombuffer(data, dtype, count, end + 13)
            self.at = at = end + 13 + count * width

    def mapping(self, depth: int) -> dict[str, Any]:
        kind, count = self.header(depth)
        items: dict[str, Any] = {}
        if count < 0:
            self.entries(items)
        while len(items) < count if count >= 0 else self.data[self.at] != _END_OF_MAPPING:
            name = self.text()
            if name in items:
                raise self.error(f"the name {name[:40]!r} comes twice")
            items[name] = self.value(kind or self.marker(), depth + 1)
            if count < 0:
                self.entries(items)
        if count < 0:
            self.at += 1
        return items


def read_ubjson(data: bytes) -> Any:
    """The document in these bytes; lists of numbers are numpy arrays.

    Raises
    ------
    ModelFormatError : bytes that are cut off, announce more than there is, nest deeper than models do, or are no UTF-8.

    Examples
    --------
    >>> read_ubjson(b"{i\\x01a[$U#i\\x02\\x05\\x07}")
    {'a': array([5, 7], dtype=uint8)}
    """
    reader = _Reader(data)
    try:
        document = reader.value(reader.marker(), 0)
    except (IndexError, struct.error):
        raise reader.error("it is cut off") from None
    except UnicodeDecodeError:
        raise reader.error("a text that is not UTF-8") from None
    if reader.at != len(data):
        raise reader.error(f"{len(data) - reader.at} bytes follow the end")
    return document
