"""Categories that a model knows by the hash of their text alone: the first version of CityHash, of 64 bits."""

from __future__ import annotations

from typing import Any

_WORD = 2**64 - 1
_K0, _K1, _K2, _K3 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F, 0xC949D7C7509E6557
_MIX = 0x9DDFEA08EB382D69


class HashedTexts(tuple[int, ...]):
    """Categories of a column: the lower half of the hash of the text of each, as signed numbers of 32 bits.

    >>> HashedTexts([-784473192]).key("x")
    -784473192
    """

    __slots__ = ()

    def key(self, label: Any) -> int:
        """Of a label; whole numbers and booleans are written as digits."""
        label = getattr(label, "item", lambda: label)()
        if isinstance(label, (bool, int)) or (isinstance(label, float) and label.is_integer()):
            label = int(label)
        low = city_hash(str(label).encode("utf-8", "surrogateescape")) & 0xFFFFFFFF
        return low - 2**32 if low >= 2**31 else low


def city_hash(text: bytes) -> int:
    """The 64 bits."""
    size = len(text)
    if size <= 16:
        return _short(text)
    if size <= 32:
        a, b = _at(text, 0) * _K1, _at(text, 8)
        c, d = _at(text, size - 8) * _K2, _at(text, size - 16) * _K0
        return _joined(_turned(a - b, 43) + _turned(c, 30) + d, a + _turned(b ^ _K3, 20) - c + size)
    return _medium(text) if size <= 64 else _long(text)


def _short(text: bytes) -> int:
    size = len(text)
    if size > 8:
        a, b = _at(text, 0), _at(text, size - 8)
        return _joined(a, _turned(b + size, size)) ^ b
    if size >= 4:
        first, last = (int.from_bytes(part, "little") for part in (text[:4], text[-4:]))
        return _joined(size + (first << 3), last)
    if size:
        y, z = text[0] + (text[size >> 1] << 8), size + (text[-1] << 2)
        return _folded(y * _K2 ^ z * _K3) * _K2 & _WORD
    return _K2


def _medium(text: bytes) -> int:
    size = len(text)
    z = _at(text, 24)
    v = _half(text, 0, _at(text, 0) + (size + _at(text, size - 16)) * _K0, z)
    w = _half(text, size - 32, _at(text, 16) + _at(text, size - 32), _at(text, size - 8))
    r = _folded((v[0] + w[1]) * _K2 + (w[0] + v[1]) * _K0)
    return _folded(r * _K0 + v[1]) * _K2 & _WORD


def _half(text: bytes, first: int, a: int, z: int) -> tuple[int, int]:
    """Of the 32 bytes from `first` on, without the first 8, which are part of a."""
    b, c = _turned(a + z, 52), _turned(a, 37)
    a += _at(text, first + 8)
    c += _turned(a, 7)
    a += _at(text, first + 16)
    return a + z, b + _turned(a, 31) + c


def _long(text: bytes) -> int:
    size = len(text)
    x, y, z = _at(text, 0), _at(text, size - 16) ^ _K1, _at(text, size - 56) ^ _K0
    v, w = _weak(text, size - 64, size, y), _weak(text, size - 32, size * _K1, _K0)
    z += _folded(v[1]) * _K1
    x, y = _turned(z + x, 39) * _K1, _turned(y, 33) * _K1
    for first in range(0, (size - 1) & ~63, 64):
        x = _turned(x + y + v[0] + _at(text, first + 16), 37) * _K1
        y = _turned(y + v[1] + _at(text, first + 48), 42) * _K1
        x, y, z = (x ^ w[1]) & _WORD, (y ^ v[0]) & _WORD, _turned(z ^ w[0], 33)
        v, w = _weak(text, first, v[1] * _K1, x + w[0]), _weak(text, first + 32, z + w[1], y)
        z, x = x, z
    return _joined(_joined(v[0], w[0]) + _folded(y) * _K1 + z, _joined(v[1], w[1]) + x)


def _weak(text: bytes, first: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_at(text, first + 8 * i) for i in range(4))
    a += w
    b, c = _turned(b + a + z, 21), a
    a += x + y
    return (a + z) & _WORD, (b + _turned(a, 44) + c) & _WORD


def _at(text: bytes, first: int) -> int:
    return int.from_bytes(text[first : first + 8], "little")


def _turned(word: int, bits: int) -> int:
    word &= _WORD
    return (word >> bits | word << (64 - bits)) & _WORD


def _folded(word: int) -> int:
    word &= _WORD
    return word ^ (word >> 47)


def _joined(u: int, v: int) -> int:
    """128 bits to 64."""
    a = _folded(((u ^ v) & _WORD) * _MIX)
    b = _folded(((v ^ a) & _WORD) * _MIX)
    return b * _MIX & _WORD
