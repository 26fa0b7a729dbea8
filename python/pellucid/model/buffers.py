"""Row buffers that are reused, and never while somebody still refers to them."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray


class BufferPool:
    """Lends (rows, d) float64 arrays and takes each back when the last reference to its memory is gone.

    A lent array does not own its memory: every view of it, whoever holds it, refers to the same lease, and
    the lease returns the memory only when it is collected. So a callable may keep the rows it was handed,
    or a slice of them, for as long as it likes and always reads its own data; it costs a fresh buffer.

    Parameters
    ----------
    d : number of columns.
    keep : how many buffers wait for reuse at most.

    Examples
    --------
    >>> pool = BufferPool(2)
    >>> first = pool.take(3)
    >>> first.shape, pool.allocated
    ((3, 2), 1)
    >>> kept = first[1:]
    >>> del first
    >>> second = pool.take(3)
    >>> pool.allocated, np.shares_memory(kept, second)
    (2, False)
    """

    def __init__(self, d: int, *, keep: int = 2) -> None:
        self.d = d
        self.allocated = 0
        self._free: deque[NDArray[np.float64]] = deque(maxlen=keep)

    def take(self, rows: int) -> NDArray[np.float64]:
        """An array of shape (rows, d) with undefined contents."""
        return np.asarray(_Lease(self._memory(rows), rows, self._free))

    def _memory(self, rows: int) -> NDArray[np.float64]:
        # pop and append of a deque are atomic, so threads need no lock here.
        while True:
            try:
                memory = self._free.pop()
            except IndexError:
                self.allocated += 1
                return np.empty((rows, self.d))
            if len(memory) >= rows:
                return memory

    def __reduce__(self) -> tuple[Any, ...]:
        return _empty_pool, (self.d, self._free.maxlen)


def _empty_pool(d: int, keep: int) -> BufferPool:
    return BufferPool(d, keep=keep)


class _Lease:
    """Owner of a lent array: NumPy makes it the `base` of the array and of each of its views."""

    def __init__(self, memory: NDArray[np.float64], rows: int, home: deque[NDArray[np.float64]]) -> None:
        self._memory = memory
        self._home = home
        self.__array_interface__ = memory[:rows].__array_interface__

    def __del__(self) -> None:
        self._home.append(self._memory)
