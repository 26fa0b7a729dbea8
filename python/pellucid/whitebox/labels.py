"""Codes of categories: what a Space calls 2, a model may call 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.space import Space

Array = NDArray[np.float64]

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


def model_codes(codes: Array, *, space: Space, categories: Mapping[int, tuple[Any, ...]]) -> Array:
    """Codes (n, d) of a space as codes of a model that calls category categories[j][i] of column j by i.

    Columns without categories stay as they are; a category that the model has not seen becomes `UNKNOWN`.

    Examples
    --------
    >>> space = Space.infer(np.array([["red"], ["blue"]], dtype=object))
    >>> model_codes(space.encode(np.array([["red"], ["blue"]], dtype=object)), space=space, categories={0: ("red",)})
    array([[ 0.],
           [-1.]])
    """
    if not categories:
        return codes
    recoded = np.array(codes, dtype=np.float64)
    for j, known in categories.items():
        own = space.features[j].categories
        column, present = recoded[:, j], ~np.isnan(recoded[:, j])
        distinct, inverse = np.unique(column[present], return_inverse=True)
        place = {value: float(i) for i, value in enumerate(known)}
        values = [own[int(code)] if own else float(code) for code in distinct]
        recoded[present, j] = np.array([place.get(value, UNKNOWN) for value in values])[inverse]
    return recoded


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
