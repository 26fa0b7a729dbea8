"""Arguments that every method has, checked the same way."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pellucid.errors import BudgetError, InputError

SHOWN_CHARACTERS = 80


def shown(value: Any) -> str:
    """`repr` of a value for an error message, cut to a readable length; its type where that says more."""
    try:
        text = repr(value)
    except ValueError:  # an int of more digits than Python agrees to print
        return "an int of thousands of digits"
    if " at 0x" in text:
        return type(value).__name__
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


def numbered_outputs(count: int) -> tuple[str, ...]:
    """What outputs are called where nobody named them.

    >>> numbered_outputs(2)
    ('output 0', 'output 1')
    """
    return ("output",) if count == 1 else tuple(f"output {j}" for j in range(count))


def require_memory(argument: str, shape: tuple[int, ...], *, unit: str) -> None:
    """Refuses an array of float64 that is larger than all the memory of this machine, before it is asked for.

    >>> require_memory("X", (2**40, 100), unit="rows of 100 features")
    Traceback (most recent call last):
    pellucid.errors.BudgetError: X needs 880 TB as float64 for 1,099,511,627,776 rows of 100 features, ...
    """
    needed, present = 8 * math.prod(shape), machine_memory()
    if needed > present:
        raise BudgetError(
            f"{argument} needs {_size(needed)} as float64 for {shape[0]:,} {unit}, and this machine has "
            f"{_size(present)} of memory; pass fewer rows at a time"
        )


def machine_memory() -> int:
    """Bytes of memory of this machine; where the system does not say, as many as a process can address."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**47


def _size(count: int) -> str:
    """Bytes as people read them: 24.7 GB.

    >>> _size(999), _size(24_696_061_952), _size(10**22)
    ('999 B', '24.7 GB', '10000000 PB')
    """
    unit, value = 0, float(count)
    while value >= 1000.0 and unit < 5:
        unit, value = unit + 1, value / 1000.0
    return f"{value:.3g} {('B', 'kB', 'MB', 'GB', 'TB', 'PB')[unit]}" if value < 1000 else f"{value:.0f} PB"


def is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))


def checked_seed(seed: Any) -> int:
    """A whole number from 0 to 2^64 - 1, the key of the counter-based generator."""
    if not is_whole(seed) or not 0 <= int(seed) < 2**64:
        raise InputError(
            f"seed must be a whole number from 0 to 2^64 - 1, got {shown(seed)}; "
            "draw one from a generator with int(rng.integers(2**63))"
        )
    return int(seed)


def checked_spending(*, budget: Any, tolerance: Any, time_limit: Any) -> None:
    """Refuses amounts that are no amounts."""
    if budget is not None and (not is_whole(budget) or not 1 <= int(budget) < 2**62):
        raise InputError(
            f"budget must be a whole number of model rows of at least 1, got {shown(budget)}; leave it out"
        )
    for name, value, unit in (("tolerance", tolerance, "a fraction"), ("time_limit", time_limit, "seconds")):
        good = value is None or (is_real(value) and math.isfinite(value) and value > 0)
        if not good:
            raise InputError(f"{name} must be a positive number ({unit}), got {shown(value)}; leave it out")


def is_real(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))


def checked_threads(n_threads: Any) -> int | None:
    if n_threads is None:
        return None
    if not is_whole(n_threads) or not 1 <= int(n_threads) <= 1024:
        raise InputError(f"n_threads must be a whole number from 1 to 1024, or None for all, got {shown(n_threads)}")
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
