"""What rows are made of on their way to the model: codes of a table, texts, images."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters import Predictor
from pellucid.adapters.handover import named_like, plan_handover
from pellucid.errors import InputError
from pellucid.model.buffers import BufferPool
from pellucid.space import Space

Array = NDArray[np.float64]


class Medium(Protocol):
    """How a block of rows is kept, and what the user's callable receives for it.

    A block has a length and can be indexed by slices and by arrays of row numbers. Media are compared by value: two
    texts share one, two images where shape and dtype agree.

    Attributes
    ----------
    row_bytes : size of one row, from which batches are cut.
    """

    @property
    def row_bytes(self) -> int: ...

    def buffer(self, rows: int) -> Any:
        """Memory for a block of so many rows, which nobody else refers to; None where compose makes its own."""
        ...

    def given(self, block: Any) -> Any:
        """What the callable receives."""
        ...

    def shown(self, block: Any, row: int) -> str:
        """One row of the block in a few words, for messages."""
        ...


class TableMedium:
    """Codes (m, d) float64 of a Space, handed over in the container and with the names that the model expects."""

    def __init__(self, predictor: Predictor, *, space: Space, keep: int) -> None:
        self.space = named_like(predictor, space=space)
        self.row_bytes = 8 * max(1, space.d)
        self._handover = plan_handover(predictor, space=self.space)
        self._buffers = BufferPool(space.d, keep=keep)

    def extended(self, space: Space) -> TableMedium:
        """The same for a space that knows more categories."""
        other: TableMedium = TableMedium.__new__(TableMedium)
        other.__dict__.update(self.__dict__, space=space)
        return other

    def buffer(self, rows: int) -> Array:
        return self._buffers.take(rows)

    def given(self, block: Array) -> Any:
        return self._handover(self.space.decode(block))

    def shown(self, block: Array, row: int) -> str:
        """Up to eight values of a row as a person reads them."""
        values = self.space.display(block[row : row + 1])[0]
        shown = ", ".join(f"{name}={value}" for name, value in zip(self.space.names, values[:8], strict=False))
        return shown + (", ..." if len(values) > 8 else "")

    def checked(self, codes: Any) -> Array:
        array = np.asarray(codes, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != self.space.d:
            raise InputError(f"codes must have shape (rows, {self.space.d}), got {array.shape}; use Space.encode(X)")
        return array
