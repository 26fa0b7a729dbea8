"""A small model, a small background, and what enumeration says of them."""

from __future__ import annotations

import numpy as np
from estimation.closed_form import Products, table_shapley

rng = np.random.default_rng(11)
BACKGROUND = rng.normal(size=(6, 5))
X = rng.normal(size=(3, 5))
MODEL = Products.random(5, terms=6, orders=(2, 4), seed=9)
METHODS = ["auto", "exact", "permutation", "regression"]


class Counted:
    def __init__(self, model):
        self.model, self.rows = model, 0

    def __call__(self, rows):
        self.rows += len(rows)
        return self.model(rows)


def brute_force(model, x, background, weights=None, part_of_column=None):
    """Values (p, k) from the table of all coalitions, each the mean over the background row by row."""
    part_of_column = np.arange(len(x)) if part_of_column is None else np.asarray(part_of_column)
    p = part_of_column.max() + 1
    table = []
    for coalition in range(2**p):
        inside = (coalition >> part_of_column) & 1 == 1
        outputs = np.array([np.atleast_1d(model(np.where(inside, x, b)[None])[0]) for b in background])
        table.append(np.average(outputs, axis=0, weights=weights))
    return table_shapley(np.array(table))


def three_classes(rows):
    scores = np.column_stack([rows[:, 0], rows[:, 1] * rows[:, 2], rows[:, 3] + rows[:, 4]])
    odds = np.exp(scores)
    return odds / odds.sum(axis=1, keepdims=True)
