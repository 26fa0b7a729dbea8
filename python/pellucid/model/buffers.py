"""Row buffers that are reused, and never while somebody still refers to them."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray


class BufferPool:
    """Lends arrays of rows of one shape and takes each back when the last reference to its memory is gone.

    A lent array does not own its memory: every view of it, whoever holds it, refers to the same lease, and
    the lease returns the memory only when it is collected. So a callable may keep the rows it was handed,
    or a slice of them, for as long as it likes and always reads its own data; it costs a fresh buffer.

    Parameters
    ----------
    shape : shape of one row; a number d stands for (d,).
    dtype : type of the numbers.
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

    def __init__(self, shape: int | tuple[int, ...], *, dtype: Any = np.float64, keep: int = 2) -> None:
        self.shape = (shape,) if isinstance(shape, int) else shape
        self.dtype = np.dtype(dtype)
        self.allocated = 0
        self._free: deque[NDArray[Any]] = deque(maxlen=keep)

    def take(self, rows: int) -> NDArray[Any]:
        """An array of shape (rows, *shape) with undefined contents."""
        return np.asarray(_Lease(self._memory(rows), rows, self._free))

    def _memory(self, rows: int) -> NDArray[Any]:
        # pop and append of a deque are atomic, so threads need no lock here.
        while True:
            try:
                memory = self._free.pop()
            except IndexError:
                self.allocated += 1
                return np.empty((rows, *self.shape), dtype=self.dtype)
            if len(memory) >= rows:
                return memory

    def __reduce__(self) -> tuple[Any, ...]:
        return _empty_pool, (self.shape, self.dtype, self._free.maxlen)


def _empty_pool(shape: tuple[int, ...], dtype: Any, keep: int) -> BufferPool:
    return BufferPool(shape, dtype=dtype, keep=keep)


class _Lease:
    """Owner of a lent array: NumPy makes it the `base` of the array and of each of its views."""

    def __init__(self, memory: NDArray[Any], rows: int, home: deque[NDArray[Any]]) -> None:
        self._memory = memory
        self._home = home
        self.__array_interface__ = memory[:rows].__array_interface__

    def __del__(self) -> None:
        self._home.append(self._memory)
