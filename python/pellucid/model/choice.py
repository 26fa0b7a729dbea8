"""Which outputs of a model to explain, for each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError


def choose_outputs(
    outputs: Any, *, predictions: NDArray[np.float64], names: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Which outputs to explain, for each row: see `Model.choose`."""
    predictions = np.asarray(predictions, dtype=np.float64)
    k = len(names)
    if predictions.ndim != 2 or predictions.shape[1] != k:
        raise InputError(f"predictions must have shape (rows, {k}), got {predictions.shape}")
    n = len(predictions)
    if outputs is None:
        return np.tile(np.arange(k, dtype=np.int64), (n, 1)), names
    if isinstance(outputs, str) and (outputs == "predicted" or outputs.startswith("top:")):
        count = 1 if outputs == "predicted" else _count_of_top(outputs, k)
        # Stable, so that ties go to the smaller index on every platform.
        order = np.argsort(-predictions, axis=1, kind="stable")[:, :count]
        chosen = ("predicted",) if outputs == "predicted" else tuple(f"top {j + 1}" for j in range(count))
        return order.astype(np.int64), chosen
    wanted = list(outputs) if isinstance(outputs, (list, tuple, np.ndarray, range)) else [outputs]
    if not wanted:
        raise InputError("outputs is empty; name at least one output, or leave it None for all")
    columns = [_column_of(one, names) for one in wanted]
    if len(set(columns)) != len(columns):
        raise InputError(f"outputs names an output twice: {outputs!r}; name each once")
    return np.tile(np.array(columns, dtype=np.int64), (n, 1)), tuple(names[column] for column in columns)


def _count_of_top(outputs: str, k: int) -> int:
    text = outputs.removeprefix("top:")
    if not text.isdecimal() or not 1 <= int(text) <= k:
        raise InputError(f"outputs={outputs!r} must be 'top:j' with j from 1 to {k}, as the model has {k} outputs")
    return int(text)


def _column_of(one: Any, names: tuple[str, ...]) -> int:
    k = len(names)
    if isinstance(one, str):
        if one not in names:
            shown = ", ".join(map(repr, names[:20])) + (", ..." if k > 20 else "")
            raise InputError(f"outputs: unknown output {one!r}; the model has {shown}, or use 'predicted' or 'top:j'")
        return names.index(one)
    if isinstance(one, (int, np.integer)) and not isinstance(one, bool):
        if not -k <= one < k:
            raise InputError(f"outputs: index {one} is out of range; the model has {k} outputs, 0 to {k - 1}")
        return int(one) % k
    raise InputError(
        f"outputs must be None, an index, a name, 'predicted', 'top:j' or a list of indices or names, got {one!r}"
    )
