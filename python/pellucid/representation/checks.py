"""Masks and draws in the one form the core reads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError


def checked_masks(masks: Any, *, p: int) -> NDArray[np.uint8]:
    """Masks (m, p) of bool or of 0 and 1 as contiguous uint8, copied only where the layout asks for it."""
    array = np.asarray(masks)
    if array.ndim != 2 or array.shape[1] != p:
        raise InputError(f"masks must have shape (masks, {p}), one column per part, got {array.shape}")
    if array.dtype == np.bool_:
        return np.ascontiguousarray(array).view(np.uint8)
    if array.dtype.kind not in "iu":
        raise InputError(f"masks must be bool or uint8, got {array.dtype}; use masks.astype(bool)")
    if array.size and (array.min() < 0 or array.max() > 1):
        raise InputError(f"masks must hold 0 and 1 only, got values {array.min()} to {array.max()}")
    return np.ascontiguousarray(array, dtype=np.uint8)


def checked_draws(draws: Any, *, m: int, n_draws: int | None) -> NDArray[np.int64]:
    """Draws (m,), one per mask, each from 0 to B - 1, as contiguous int64; the range is not looked at where None."""
    array = np.asarray(draws)
    if array.shape != (m,):
        raise InputError(f"draws must have shape ({m},), one per mask, got {array.shape}")
    if array.dtype.kind not in "iu" and m:
        raise InputError(f"draws must be integers, got {array.dtype}")
    if m and n_draws is not None and (array.min() < 0 or array.max() >= n_draws):
        raise InputError(f"draws must be from 0 to {n_draws - 1}, got {array.min()} to {array.max()}")
    return np.ascontiguousarray(array, dtype=np.int64)


def checked_weights(weights: Any, *, count: int, argument: str) -> NDArray[np.float64]:
    """Weights (count,) with sum 1; equal where None."""
    if weights is None:
        return np.full(count, 1.0 / count)
    try:
        given = np.asarray(weights)
        # NumPy would read text as numbers, and drop the imaginary part with no more than a warning.
        if given.dtype.kind not in "biufO":
            raise TypeError(f"dtype {given.dtype}")
        array = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument} must be numbers, got {type(weights).__name__} ({error})") from error
    if array.shape != (count,):
        raise InputError(f"{argument} must have shape ({count},), one per background row, got {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array) | (array < 0))
    if len(bad):
        raise InputError(f"{argument} must be finite and at least 0, got {array[bad[0]]} at row {bad[0]}")
    largest = array.max()
    if largest == 0:
        raise InputError(f"{argument} are all 0; at least one must be positive")
    # Divided by the largest first, as the sum of huge weights is infinite and that of tiny ones is 0.
    array /= largest
    return np.asarray(array / array.sum())


def checked_target(out: NDArray[np.float64] | None, rows: int, d: int) -> NDArray[np.float64]:
    """The first rows of `out` (at least rows, d), or a new array (rows, d) where it is None."""
    if out is None:
        return np.empty((rows, d))
    fits = isinstance(out, np.ndarray) and out.dtype == np.float64 and out.flags.c_contiguous
    if not fits or out.ndim != 2 or out.shape[1] != d or len(out) < rows:
        raise InputError(f"out must be a C-contiguous float64 array of at least shape ({rows}, {d})")
    return out[:rows]
