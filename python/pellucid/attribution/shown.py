"""Explained rows as a result keeps them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.model import Model
from pellucid.space import Space

Array = NDArray[np.float64]


def chosen_outputs(
    model: Model, columns: NDArray[np.int64], names: tuple[str, ...]
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """`selected` and `selected_names` of a result: None and () unless the names depend on the row ("predicted")."""
    if set(names) <= set(model.output_names):
        return None, ()
    return columns, model.output_names


def shown(space: Space, codes: Array) -> tuple[Array, NDArray[np.str_]]:
    """Per part its code and its text; a part of several columns has no code of its own."""
    return shown_codes(space, codes), shown_texts(space, codes)


def shown_codes(space: Space, codes: Array) -> Array:
    """(n, p) the codes of the parts; NaN for a part of several columns."""
    parts = space.part_of_column
    if len(space.parts) == space.d:
        return codes
    data = np.full((len(codes), len(space.parts)), np.nan)
    alone = np.flatnonzero(np.bincount(parts)[parts] == 1)
    data[:, parts[alone]] = codes[:, alone]
    return data


def shown_texts(space: Space, codes: Array) -> NDArray[np.str_]:
    """(n, p) the values of the parts as a person reads them."""
    texts = space.display(codes)
    members: list[list[int]] = [[] for _ in space.parts]
    for column, part in enumerate(space.part_of_column):
        members[part].append(column)
    display = np.empty((len(codes), len(members)), dtype=object)
    for part, columns in enumerate(members):
        if len(columns) == 1:
            display[:, part] = texts[:, columns[0]]
        else:
            names = [space.names[c] for c in columns]
            display[:, part] = [
                ", ".join(f"{name}={text}" for name, text in zip(names, row, strict=True)) for row in texts[:, columns]
            ]
    return display.astype(np.str_)
