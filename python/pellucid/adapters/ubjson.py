"""Universal Binary JSON, as far as XGBoost writes it: every length is checked against the bytes that are left.

Arrays of one numeric type, which hold nearly all of a model, are copied as a whole and never taken apart.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from pellucid.errors import ModelFormatError

_INTEGERS = {ord(code): struct.Struct(form) for code, form in zip("iUIlL", (">b", ">B", ">h", ">i", ">q"), strict=True)}
_NUMBERS = {**_INTEGERS, ord("d"): struct.Struct(">f"), ord("D"): struct.Struct(">d")}
_TYPES = {
    ord(code): (np.dtype(f">{form}"), np.dtype(form))
    for code, form in zip("iUIlLdD", ("i1", "u1", "i2", "i4", "i8", "f4", "f8"), strict=True)
}
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
            written, own = _TYPES[kind]
            size = count * written.itemsize
            if size > len(self.data) - self.at:
                raise self.error(f"{size} bytes are announced, {len(self.data) - self.at} are left")
            self.at += size
            part = self.data[self.at - size : self.at]
            return np.frombuffer(part, dtype=written).astype(own)
        if count >= 0:
            return [self.value(kind or self.marker(), depth + 1) for _ in range(count)]
        items = []
        while (mark := self.marker()) != _END_OF_ARRAY:
            items.append(self.value(mark, depth + 1))
        return items

    def mapping(self, depth: int) -> dict[str, Any]:
        kind, count = self.header(depth)
        items: dict[str, Any] = {}
        while len(items) < count if count >= 0 else self.data[self.at] != _END_OF_MAPPING:
            name = self.text()
            if name in items:
                raise self.error(f"the name {name[:40]!r} comes twice")
            items[name] = self.value(kind or self.marker(), depth + 1)
        if count < 0:
            self.at += 1
        return items


def read_ubjson(data: bytes) -> Any:
    """The document in these bytes; lists of numbers are numpy arrays.

    Raises
    ------
    ModelFormatError : bytes that are cut off, announce more than there is, or nest deeper than models do.

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
    if reader.at != len(data):
        raise reader.error(f"{len(data) - reader.at} bytes follow the end")
    return document
