"""Names of margins, and codes of categories: what a Space calls 2, a model may call 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid._arguments import numbered_outputs
from pellucid.errors import InputError

# A category that the model has never seen. NaN stays NaN, a missing value.
UNKNOWN = -1.0


def margin_names(count: int, margin: str, classes: Sequence[str] = ()) -> tuple[str, ...]:
    """What margins are called where nobody named them: a single one is what it is, of the second of two classes.

    >>> margin_names(1, "log-odds", ("benign", "malignant")), margin_names(1, "log-odds"), margin_names(1, "prediction")
    (('log-odds of malignant',), ('log-odds',), ('output',))
    """
    if count != 1 or margin == "prediction":
        return numbered_outputs(count)
    return (f"{margin} of {classes[1]}",) if len(classes) == 2 else (margin,)


def require_order(rows: Any, names: Sequence[str]) -> None:
    """Refuses a frame, or a row of one, that has the features of a structure in another order."""
    labels = getattr(rows, "columns" if getattr(rows, "ndim", 2) == 2 else "index", None)
    given = () if labels is None or callable(labels) else tuple(map(str, labels))
    if given == tuple(names) or sorted(given) != sorted(names):
        return
    at = next(j for j, (one, other) in enumerate(zip(given, names, strict=True)) if one != other)
    raise InputError(
        f"rows must have the features in the order of the model, got {given[at]!r} where column {at} is {names[at]!r}; "
        "reorder them, such as X[list(model.feature_names)]"
    )


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
