"""A few rows asked twice: do a model's answers repeat, whatever the order and the batch?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError

if TYPE_CHECKING:
    from pellucid.model.cache import RowCache

Array = NDArray[np.float64]

ROWS = 16

# Above the rounding by which one and the same BLAS differs between batch shapes, far below what dropout or
# batch statistics do. Single precision models round at 6e-8.
_RELATIVE_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Probed:
    """Outputs (r, k) before the link, and how many of the rows came from the cache."""

    values: Array
    cached: int


def run(rows: Array, *, ask: Callable[[Array], Array], record: list[str], cache: RowCache | None) -> Probed:
    """Ask for the rows twice, record a warning where the answers differ, and check the cache by one row.

    Raises
    ------
    InputError : the model repeats itself, but the cache holds other outputs for the same row.
    """
    if cache is None:
        values, _ = _ask_twice(rows, ask, record)
        return Probed(values, 0)

    from pellucid.model.cache import row_keys

    keys = row_keys(rows)
    known = cache.get(keys)
    first_of = {key: i for i, key in reversed(list(enumerate(keys)))}
    # One stored row is asked again: it witnesses that the file still speaks about this model.
    witness = next((key for key in first_of if key in known), None)
    asked = sorted(i for key, i in first_of.items() if key not in known or key == witness)
    # A probe that shares no row with the file falls back on the row that the file keeps for this.
    kept = cache.witness() if witness is None else None
    values, repeats = _ask_twice(rows[asked] if kept is None else np.vstack([rows[asked], kept]), ask, record)
    fresh = dict(zip((keys[i] for i in asked), values, strict=False))
    if witness is not None:
        _compare(fresh[witness], known[witness], repeats, record, cache.path)
    if kept is not None:
        stored = cache.get(row_keys(kept[None]))
        for outputs in stored.values():
            _compare(values[-1], outputs, repeats, record, cache.path)
    cache.remember(rows[0])
    new = [key for key in fresh if key not in known]
    if new:
        cache.put(new, np.stack([fresh[key] for key in new]))
    table = fresh | known
    return Probed(np.stack([table[key] for key in keys]), len(rows) - len(asked))


def _ask_twice(rows: Array, ask: Callable[[Array], Array], record: list[str]) -> tuple[Array, bool]:
    """The first answers, and whether the second agreed: reversed and split, so that no batch is the same."""
    first = ask(rows)
    backwards = rows[::-1]
    split = len(rows) // 3
    pieces = [piece for piece in (backwards[:split], backwards[split:]) if len(piece)]
    second = np.concatenate([ask(piece) for piece in pieces])[::-1]
    if _agree(first, second):
        return first, True
    gap = float(np.abs(first - second).max())
    if _agree(first, ask(rows)):
        cause = "the outputs of a row depend on the other rows of its batch or on their order"
    else:
        cause = "the model is not deterministic: the same rows gave other outputs when asked again"
    record.append(
        f"{cause} (largest difference {gap:.3g} over {len(rows)} rows); "
        "explanations carry that noise, so switch dropout or batch statistics off"
    )
    return first, False


def _compare(fresh: Array, stored: Array, repeats: bool, record: list[str], path: str) -> None:
    if fresh.shape == stored.shape and _agree(fresh, stored):
        return
    gap = float(np.abs(fresh - stored).max()) if fresh.shape == stored.shape else float("inf")
    if repeats:
        raise InputError(
            f"cache={path!r} holds other outputs for a row than the model returns now (by {gap:.3g}): "
            "the model has changed since; use another file"
        )
    record.append(f"the cache holds outputs that differ from those of today by {gap:.3g}")


def _agree(first: Array, second: Array) -> bool:
    scale = max(float(np.abs(first).max()), float(np.abs(second).max()))
    return bool(np.abs(first - second).max() <= _RELATIVE_TOLERANCE * scale)
