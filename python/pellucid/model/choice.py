"""Which outputs of a model to explain, for each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import shown
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
        return _of_all_rows(range(k), n), names
    if _depends_on_row(outputs):
        count = 1 if outputs == "predicted" else _count_of_top(outputs, k)
        # Stable, so that ties go to the smaller index on every platform.
        order = np.argsort(-predictions, axis=1, kind="stable")[:, :count]
        chosen = ("predicted",) if outputs == "predicted" else tuple(f"top {j + 1}" for j in range(count))
        return order.astype(np.int64), chosen
    columns = resolve_outputs(outputs, names=names)
    return _of_all_rows(columns, n), tuple(names[column] for column in columns)


def _of_all_rows(columns: Sequence[int], n: int) -> NDArray[np.int64]:
    found = np.empty((n, len(columns)), dtype=np.int64)
    found[:] = columns
    return found


def checked_outputs(outputs: Any) -> Any:
    """`outputs` itself; refuses what no model can have: other types, an empty list, a malformed "top:j"."""
    if _depends_on_row(outputs):
        text = outputs.removeprefix("top:")
        if outputs != "predicted" and (not text.isdecimal() or int(text) < 1):
            raise InputError(f"outputs={outputs!r} must be 'top:j' with j at least 1, such as 'top:3'")
    elif outputs is not None:
        for one in _listed(outputs):
            _check_type(one)
    return outputs


def resolve_outputs(outputs: Any, *, names: tuple[str, ...]) -> list[int]:
    """The columns of a choice among these names, all for one that depends on the row; refuses unknown ones."""
    if outputs is None or _depends_on_row(outputs):
        if outputs not in (None, "predicted"):
            _count_of_top(outputs, len(names))
        return list(range(len(names)))
    columns = [_column_of(one, names) for one in _listed(outputs)]
    if len(set(columns)) != len(columns):
        raise InputError(f"outputs names an output twice: {outputs!r}; name each once")
    return columns


def _depends_on_row(outputs: Any) -> bool:
    return isinstance(outputs, str) and (outputs == "predicted" or outputs.startswith("top:"))


def _listed(outputs: Any) -> list[Any]:
    wanted = list(np.atleast_1d(outputs)) if isinstance(outputs, np.ndarray) else outputs
    wanted = list(wanted) if isinstance(wanted, (list, tuple, range)) else [wanted]
    if not wanted:
        raise InputError("outputs is empty; name at least one output, or leave it None for all")
    return wanted


def _check_type(one: Any) -> None:
    if not isinstance(one, (str, int, np.integer)) or isinstance(one, bool):
        raise InputError(
            f"outputs must be None, an index, a name, 'predicted', 'top:j' or a list of indices or names, got {one!r}"
        )


def _count_of_top(outputs: str, k: int) -> int:
    text = outputs.removeprefix("top:")
    if not text.isdecimal() or not 1 <= int(text) <= k:
        raise InputError(f"outputs={outputs!r} must be 'top:j' with j from 1 to {k}, as the model has {k} outputs")
    return int(text)


def _column_of(one: Any, names: tuple[str, ...]) -> int:
    _check_type(one)
    k = len(names)
    if isinstance(one, str):
        if one not in names:
            shown = ", ".join(map(repr, names[:20])) + (", ..." if k > 20 else "")
            raise InputError(f"outputs: unknown output {one!r}; the model has {shown}, or use 'predicted' or 'top:j'")
        return names.index(one)
    if not -k <= one < k:
        raise InputError(f"outputs: index {one} is out of range; the model has {k} outputs, 0 to {k - 1}")
    return int(one) % k


def checked_names(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Names of all outputs as the user gave them; None where there are none."""
    if names is None:
        return None
    listed = () if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    if not listed or not all(isinstance(name, str) for name in listed):
        raise InputError(f"output_names must be a sequence of strings, got {shown(names)}; name every output")
    if len(set(listed)) != len(listed):
        raise InputError(f"output_names must differ from each other, got {shown(names)}; rename one")
    return listed
