"""Arguments that every method has, checked the same way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pellucid.errors import InputError


def is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))


def checked_seed(seed: Any) -> int:
    """A whole number from 0 to 2^64 - 1, the key of the counter-based generator."""
    if not is_whole(seed) or not 0 <= int(seed) < 2**64:
        raise InputError(f"seed must be a whole number from 0 to 2^64 - 1, got {seed!r}")
    return int(seed)


def checked_spending(*, budget: Any, tolerance: Any, time_limit: Any) -> None:
    """Refuses amounts that are no amounts."""
    if budget is not None and (not is_whole(budget) or not 1 <= int(budget) < 2**62):
        raise InputError(f"budget must be a whole number of model rows of at least 1, got {budget!r}")
    for name, value, unit in (("tolerance", tolerance, "a fraction"), ("time_limit", time_limit, "seconds")):
        good = value is None or (_is_real(value) and math.isfinite(value) and value > 0)
        if not good:
            raise InputError(f"{name} must be a positive number ({unit}), got {value!r}")


def _is_real(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))


def checked_threads(n_threads: Any) -> int | None:
    if n_threads is None:
        return None
    if not is_whole(n_threads) or not 1 <= int(n_threads) <= 1024:
        raise InputError(f"n_threads must be a whole number from 1 to 1024, or None for all, got {n_threads!r}")
    return int(n_threads)


@contextmanager
def threads(n_threads: int | None) -> Iterator[None]:
    """Within it the core uses so many threads for calls from this thread; None leaves the default."""
    from pellucid import _core

    n_threads = checked_threads(n_threads)
    if n_threads is None:
        yield
        return
    _core.set_thread_count(n_threads)
    try:
        yield
    finally:
        _core.set_thread_count(0)
