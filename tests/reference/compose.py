"""Composite rows of the explained row and the background."""

from __future__ import annotations

import numpy as np


def compose(x, background, part_of_column, masks, draws):
    """Row i, column c: x_c where mask i holds the part of c, otherwise background[draws_i, c]."""
    rows = np.empty((len(masks), len(x)))
    for i in range(len(masks)):
        for c in range(len(x)):
            rows[i, c] = x[c] if masks[i, part_of_column[c]] else background[draws[i], c]
    return rows
