"""Columns that were drawn, kept for the instances to come: what a part draws depends on the cell of the row alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.uint8]

# A store keeps columns up to this size; one instance may need more, which is then what it has.
STORE_BYTES = 2**26


class Columns(NamedTuple):
    """`width` columns of one name, and how they are written: values (width, n) and flags (n,)."""

    key: Hashable
    width: int
    write: Callable[[Array, Flags], None]


class ColumnStore:
    """Columns of the rows first, ..., first + count - 1 of one seed, each made once.

    It holds `values` (slots, n) and `flags` (slots, n), and empties itself when the next instance has no room in it.
    What comes out never depends on what it holds.
    """

    def __init__(self, coordinates: Array, *, least: int, most: int) -> None:
        n = coordinates.shape[1]
        self.coordinates = coordinates
        self.capacity = max(least, min(most, STORE_BYTES // (9 * max(n, 1))))
        # Memory that is not written is not taken from the machine.
        self.values: Array = np.empty((self.capacity, n))
        self.flags: Flags = np.empty((self.capacity, n), dtype=np.uint8)
        self._slots: dict[Hashable, int] = {}
        self._used = 0

    def slots(self, wanted: Sequence[Columns]) -> list[int]:
        """The first slot of each of the columns wanted, which together fit into the store."""
        absent = {one.key: one.width for one in wanted if one.key not in self._slots}
        if self._used + sum(absent.values()) > self.capacity:
            self._slots.clear()
            self._used = 0
        return [self._slot(one) for one in wanted]

    def _slot(self, columns: Columns) -> int:
        first = self._slots.get(columns.key)
        if first is None:
            first = self._used
            columns.write(self.values[first : first + columns.width], self.flags[first])
            self._slots[columns.key] = first
            self._used += columns.width
        return first
