"""The kernels for trees by enumeration, with the interface of the core: slow, and right by their definition."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from pellucid import _core
from pellucid.whitebox import Forest
from pellucid.whitebox.forest import CATEGORIES, LEAF, ZERO_IS_MISSING

LINKS = {
    "identity": lambda m: m,
    "logistic": lambda m: np.hstack([1.0 / (1.0 + np.exp(m)), 1.0 / (1.0 + np.exp(-m))]),
    "softmax": lambda m: np.exp(m) / np.exp(m).sum(axis=1, keepdims=True),
    "exp": np.exp,
}


class Remembered(_core.Forest):
    def __init__(self, **arrays):
        super().__init__(**arrays)
        self.arrays = arrays


def leaf_mean(arrays, tree, follow):
    """(width,) the mean over leaves: `follow(node)` is True, False, or a share that goes left."""
    first = arrays["tree_starts"][tree]

    def below(node):
        if arrays["questions"][node] == LEAF:
            return arrays["values"][node]
        left, right = first + arrays["left"][node], first + arrays["right"][node]
        share = float(follow(node, left, right))
        parts = [(share, left), (1.0 - share, right)]
        return sum(weight * below(child) for weight, child in parts if weight)

    return below(first)


def goes_left(arrays, node, x):
    value = x[arrays["split_features"][node]]
    question = arrays["questions"][node]
    if question == CATEGORIES and not np.isnan(value):
        starts = arrays["category_starts"]
        return (int(value) in arrays["categories"][starts[node] : starts[node + 1]]) != arrays["others_left"][node]
    if np.isnan(value) or (question == ZERO_IS_MISSING and abs(value) < 1e-35):
        return bool(arrays["missing_left"][node])
    value = float(np.float32(value)) if arrays["single"] else value
    return value < arrays["thresholds"][node] if arrays["strict"] else value <= arrays["thresholds"][node]


def total(arrays, follow):
    found = np.array(arrays["base"], dtype=float)
    for tree in range(len(arrays["tree_starts"]) - 1):
        mean = leaf_mean(arrays, tree, follow)
        if len(arrays["tree_outputs"]):
            found[arrays["tree_outputs"][tree]] += mean[0]
        else:
            found = found + mean
    return found


def margins(arrays, rows):
    return np.stack([total(arrays, lambda node, *_, x=x: goes_left(arrays, node, x)) for x in rows])


class Enumerated:
    def __init__(self, forest, player_of_feature, players):
        self.arrays, self.players, self.home = forest.arrays, players, np.asarray(player_of_feature)
        self.error_bound = np.full(len(self.arrays["base"]), 1e-12)

    def _all(self, x):
        return {
            s: self.worth(x, set(s))
            for r in range(self.players + 1)
            for s in itertools.combinations(range(self.players), r)
        }

    def values(self, rows):
        assert rows.flags.c_contiguous
        assert rows.dtype == np.float64
        return np.stack([self._values(x) for x in rows]).reshape(len(rows), -1) if len(rows) else np.empty((0, 1))

    def _values(self, x):
        worth, p = self._all(x), self.players
        phi = np.zeros((p, len(self.base)))
        for s in worth:
            for i in set(range(p)) - set(s):
                weight = math.factorial(len(s)) * math.factorial(p - len(s) - 1) / math.factorial(p)
                phi[i] += weight * (worth[tuple(sorted({*s, i}))] - worth[s])
        return phi

    def interactions(self, rows):
        return np.stack([self._index(x) for x in rows]).reshape(len(rows), -1)

    def _index(self, x):
        worth, p = self._all(x), self.players
        index = np.zeros((p, p, len(self.base)))
        for i, j in itertools.combinations(range(p), 2):
            for s in worth:
                if {i, j} & set(s):
                    continue
                weight = math.factorial(len(s)) * math.factorial(p - len(s) - 2) / math.factorial(p - 1)
                both, one, other = (worth[tuple(sorted({*s, *more}))] for more in ((i, j), (i,), (j,)))
                index[i, j] += weight * (both - one - other + worth[s])
            index[j, i] = index[i, j]
        return index


class PathShapley(Enumerated):
    def __init__(self, forest, player_of_feature, players, single):
        super().__init__(forest, player_of_feature, players)
        self.base = self.worth(np.zeros(len(self.home)), set())

    def worth(self, x, known):
        arrays = self.arrays

        def follow(node, left, right):
            if self.home[arrays["split_features"][node]] in known:
                return goes_left(arrays, node, x)
            both = arrays["cover"][left] + arrays["cover"][right]
            return arrays["cover"][left] / both if both else 0.5

        return total(arrays, follow)


class MarginalShapley(Enumerated):
    def __init__(self, forest, player_of_feature, players, background, weights):
        super().__init__(forest, player_of_feature, players)
        self.background, self.weights = background, weights
        self.base = weights @ margins(self.arrays, background)

    def worth(self, x, known):
        inside = np.isin(self.home, list(known))
        return self.weights @ margins(self.arrays, np.where(inside, x, self.background))


@pytest.fixture(autouse=True)
def kernels(monkeypatch):
    """The doubles stand in for what the core at hand lacks."""
    monkeypatch.setattr(_core, "Forest", Remembered)
    for double in (PathShapley, MarginalShapley):
        if not hasattr(_core, double.__name__):
            monkeypatch.setattr(_core, double.__name__, double, raising=False)
    if not hasattr(Forest, "predict"):
        monkeypatch.setattr(Forest, "margins", lambda self, rows: margins(self.arrays, rows), raising=False)
        monkeypatch.setattr(Forest, "predict", lambda self, rows: LINKS[self.link](self.margins(rows)), raising=False)
