"""Codes of categories: what a Space calls 2, a model may call 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# A category that the model has never seen. NaN stays NaN, a missing value.
UNKNOWN = -1.0


def native_values(values: Any) -> tuple[Any, ...]:
    """The categories of a fitted encoder, in the order of their codes, without a missing one at the end."""
    found = tuple(_plain(value) for value in values)
    return tuple(value for value in found if not is_missing(value))


def is_missing(value: Any) -> bool:
    """None, NaN, NaT and pandas' NA, which is equal to nothing."""
    nan = isinstance(value, float) and math.isnan(value)
    return value is None or nan or type(value).__name__ in {"NAType", "NaTType"}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
