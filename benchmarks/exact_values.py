"""Exact marginal Shapley values, one vector for each background row: by all coalitions, or from the leaves of trees."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CHUNK = 256  # background rows at once


def by_coalitions(predict: Callable[[Array], Array], x: Array, background: Array) -> Array:
    """(B, d): the 2^d coalitions of v_b(S) = f(x_S, b_rest), each with its weight (s-1)!(d-s)!/d! or -s!(d-s-1)!/d!."""
    d = len(x)
    masks = (np.arange(2**d)[:, None] >> np.arange(d)) & 1 == 1
    sizes = masks.sum(axis=1)
    joined = np.array([0.0] + [factorial(s - 1) * factorial(d - s) / factorial(d) for s in range(1, d + 1)])
    absent = np.array([factorial(s) * factorial(d - s - 1) / factorial(d) for s in range(d)] + [0.0])
    weights = np.where(masks, joined[sizes][:, None], -absent[sizes][:, None])
    return np.stack([predict(np.where(masks, x, b)) @ weights for b in background])


@dataclass(frozen=True)
class Leaves:
    """All leaves of all trees as boxes: lower < x[feature] <= upper for each feature of the path.

    Attributes
    ----------
    value : (L,) what the leaf adds to the output.
    feature, lower, upper : (L, K), padded with feature 0 and (-inf, inf], which everything satisfies.
    """

    value: Array
    feature: NDArray[np.int64]
    lower: Array
    upper: Array

    @classmethod
    def of(cls, trees: Iterable[tuple[Any, Array]]) -> Leaves:
        """From pairs of a scikit-learn `tree_` and what each of its nodes would add as a leaf."""
        found: list[tuple[float, dict[int, tuple[float, float]]]] = []
        for tree, values in trees:
            waiting: list[tuple[int, dict[int, tuple[float, float]]]] = [(0, {})]
            while waiting:
                node, box = waiting.pop()
                if tree.children_left[node] < 0:
                    found.append((float(values[node]), box))
                    continue
                feature, cut = int(tree.feature[node]), float(tree.threshold[node])
                low, high = box.get(feature, (-np.inf, np.inf))
                waiting.append((tree.children_left[node], {**box, feature: (low, min(high, cut))}))
                waiting.append((tree.children_right[node], {**box, feature: (max(low, cut), high)}))
        shape = len(found), max(len(box) for _, box in found)
        leaves = cls(
            np.array([value for value, _ in found]),
            np.zeros(shape, dtype=np.int64),
            np.full(shape, -np.inf),
            np.full(shape, np.inf),
        )
        for i, (_, box) in enumerate(found):
            for k, (feature, (low, high)) in enumerate(box.items()):
                leaves.feature[i, k], leaves.lower[i, k], leaves.upper[i, k] = feature, low, high
        return leaves

    def contain(self, rows: Array) -> NDArray[np.bool_]:
        """(n, L, K): which sides of each leaf's box the rows satisfy; scikit-learn compares in single precision."""
        at = rows.astype(np.float32).astype(np.float64)[:, self.feature]
        return (self.lower < at) & (at <= self.upper)


def by_leaves(leaves: Leaves, x: Array, background: Array) -> Array:
    r"""(B, d): for one leaf and one background row, the game is "all of A and none of C are known".

    A are the features whose side only x satisfies, C those that only b satisfies; a leaf with a side that neither
    satisfies is never reached. Of the orders of A and C, i of A gets the value in those where it comes last of A and
    before all of C, a share :math:`(a-1)!\,c!/(a+c)!`; i of C loses it in those where it comes first of C and after
    all of A, a share :math:`a!\,(c-1)!/(a+c)!`.
    """
    d, depth = len(x), leaves.feature.shape[1]
    count = np.arange(depth + 1)
    fact = np.array([factorial(n) for n in count], dtype=np.float64)
    total = np.array([factorial(n) for n in range(2 * depth + 1)], dtype=np.float64)
    a, c = count[:, None], count[None, :]
    gains = fact[np.maximum(a - 1, 0)] * fact[c] / total[a + c]
    losses = fact[a] * fact[np.maximum(c - 1, 0)] / total[a + c]
    by_x = leaves.contain(x[None])[0]
    column = np.zeros((leaves.feature.size, d))
    column[np.arange(leaves.feature.size), leaves.feature.ravel()] = 1.0
    parts = []
    for start in range(0, len(background), CHUNK):
        by_b = leaves.contain(background[start : start + CHUNK])
        only_x, only_b = by_x & ~by_b, by_b & ~by_x
        reached = (by_x | by_b).all(axis=2)
        sizes = only_x.sum(axis=2), only_b.sum(axis=2)
        gain, loss = (np.where(reached, leaves.value * table[sizes], 0.0) for table in (gains, losses))
        each = only_x * gain[:, :, None] - only_b * loss[:, :, None]
        parts.append(each.reshape(len(each), -1) @ column)
    return np.concatenate(parts)
