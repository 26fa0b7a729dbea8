"""Expectations under a product of discrete laws, from all combinations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import BudgetError, InputError
from pellucid.results.checks import floats

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]

MOST_CELLS = 2**20
CELLS_AT_ONCE = 2**16


def grid_sums(
    f: Callable[[Cells], Any], laws: Sequence[Floats], *, columns: int, column: Callable[[Cells, int], Floats]
) -> tuple[Floats, Floats]:
    """E[f] (k,) and E[column_c f] (columns, k) over all cells of the product of the laws, in blocks of a fixed size.

    Parameters
    ----------
    f : of cells (m, d), one position in each law, returns (m,) or (m, k).
    laws : d arrays of probabilities.
    columns, column : how many functions of cells (m,) to take together with f, and each of them.

    Raises
    ------
    InputError : f returned something else.
    BudgetError : more than 2^20 cells.
    """
    lengths = tuple(len(law) for law in laws)
    cells = math.prod(lengths)
    if cells > MOST_CELLS:
        raise BudgetError(
            f"f must be asked at most {MOST_CELLS:,} times, and all combinations are {cells:,}; use the "
            "closed form of an additive f, or compare with an explanation of more samples"
        )
    sums = []
    for first in range(0, cells, CELLS_AT_ONCE):
        numbers = np.arange(first, min(cells, first + CELLS_AT_ONCE))
        at = np.stack(np.unravel_index(numbers, lengths), axis=1).astype(np.int64)
        probability = np.prod([law[at[:, j]] for j, law in enumerate(laws)], axis=0)
        weighted = _outputs(f(at), len(at)) * probability[:, None]
        block = [weighted, *(weighted * column(at, j)[:, None] for j in range(columns))]
        # Along the last axis, where NumPy adds by halves: the rounding does not grow with the number of cells.
        sums.append(np.array([np.ascontiguousarray(part.T).sum(axis=1) for part in block]))
    total = np.sum(sums, axis=0)
    return total[0], total[1:]


def _outputs(returned: Any, m: int) -> Floats:
    outputs = floats("the result of f", returned)
    if outputs.ndim not in (1, 2) or len(outputs) != m or not np.isfinite(outputs).all():
        raise InputError(f"f must return ({m},) or ({m}, k) finite numbers, got shape {outputs.shape}")
    return outputs.reshape(m, -1)
