"""Universal Binary JSON, as far as XGBoost writes it: every length is checked against the bytes that are left.

Arrays of one numeric type, which hold nearly all of a model, are views of the bytes and are never taken apart.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from pellucid.errors import ModelFormatError

_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_UNPACK = {code: struct.Struct(form) for code, form in zip("iUIlLdD", (">b", ">B", ">h", ">i", ">q", ">f", ">d"))}
_CONSTANTS = {"T": True, "F": False, "Z": None}
_DEEPEST = 64


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self.data) - self.at:
            raise self.error(f"{count} bytes are announced, {len(self.data) - self.at} are left")
        part = self.data[self.at : self.at + count]
        self.at += count
        return part

    def error(self, what: str) -> ModelFormatError:
        return ModelFormatError(f"not a UBJSON model: {what}, at byte {self.at}; save it again with xgboost")

    def marker(self) -> str:
        return chr(self.take(1)[0])

    def peek(self) -> str:
        return chr(self.data[self.at]) if self.at < len(self.data) else ""

    def number(self, kind: str) -> Any:
        form = _UNPACK[kind]
        return form.unpack(self.take(form.size))[0]

    def length(self) -> int:
        kind = self.marker()
        if kind not in "iUIlL":
            raise self.error(f"a length of type {kind!r}")
        return int(self.number(kind))

    def text(self) -> str:
        return self.take(self.length()).decode("utf-8")

    def value(self, kind: str, depth: int) -> Any:
        if depth > _DEEPEST:
            raise self.error(f"more than {_DEEPEST} levels")
        if kind in _UNPACK:
            return self.number(kind)
        if kind == "S":
            return self.text()
        if kind == "C":
            return self.marker()
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == "[":
            return self.array(depth)
        if kind == "{":
            return self.mapping(depth)
        raise self.error(f"a value of type {kind!r}")

    def header(self) -> tuple[str, int]:
        """Type and count of a container, where it announces them: "" and -1 where not."""
        kind, count = "", -1
        if self.peek() == "$":
            self.at += 1
            kind = self.marker()
            # Entries of such a type would take no bytes, so that nothing would bound their number.
            if kind in _CONSTANTS or self.peek() != "#":
                raise self.error(f"a container of type {kind!r} without a bound")
        if self.peek() == "#":
            self.at += 1
            count = self.length()
            # Every entry takes a byte at least.
            if not 0 <= count <= len(self.data) - self.at:
                raise self.error(f"{count} entries are announced, {len(self.data) - self.at} bytes are left")
        return kind, count

    def array(self, depth: int) -> Any:
        kind, count = self.header()
        if kind in _NUMBERS:
            dtype = np.dtype(_NUMBERS[kind])
            return np.frombuffer(self.take(count * dtype.itemsize), dtype=dtype).astype(dtype.newbyteorder("="))
        if count >= 0:
            return [self.value(kind or self.marker(), depth + 1) for _ in range(count)]
        items = []
        while (mark := self.marker()) != "]":
            items.append(self.value(mark, depth + 1))
        return items

    def mapping(self, depth: int) -> dict[str, Any]:
        kind, count = self.header()
        items: dict[str, Any] = {}
        while len(items) < count if count >= 0 else self.peek() != "}":
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
    document = reader.value(reader.marker(), 0)
    if reader.at != len(data):
        raise reader.error(f"{len(data) - reader.at} bytes follow the end")
    return document
