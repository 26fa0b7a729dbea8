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
    texts = space.display(codes)
    members: list[list[int]] = [[] for _ in space.parts]
    for column, part in enumerate(space.part_of_column):
        members[part].append(column)
    data = np.full((len(codes), len(members)), np.nan)
    display = np.empty(data.shape, dtype=object)
    for part, columns in enumerate(members):
        if len(columns) == 1:
            data[:, part] = codes[:, columns[0]]
            display[:, part] = texts[:, columns[0]]
        else:
            names = [space.names[c] for c in columns]
            display[:, part] = [
                ", ".join(f"{name}={text}" for name, text in zip(names, row, strict=True)) for row in texts[:, columns]
            ]
    return data, display.astype(np.str_)
