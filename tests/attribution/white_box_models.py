"""Models of another library with a forest or a line inside, and a reader that finds it."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid.adapters import structures
from pellucid.whitebox import Forest
from pellucid.whitebox.linear import Linear
from reference.forest_nodes import nodes_of
from reference.forests import evaluate, forest_of, random_tree

D = 4
RANDOM = np.random.default_rng(5)
TREES = [random_tree(RANDOM, D, depth=3) for _ in range(3)]
X = RANDOM.integers(-6, 6, (3, D)) / 2.0
BACKGROUND = RANDOM.integers(-6, 6, (5, D)) / 2.0


def forest(**options):
    return forest_of(TREES, D, **options)


SLOPES = RANDOM.normal(size=(D, 2))


def line():
    return Linear(coefficients=SLOPES, intercept=[1.0, -1.0], outputs=("a", "b"), source="a line")


def margins(forest, rows):
    """(n, k) by the definition, in fractions rounded once."""
    trees, rules = nodes_of(forest)
    return floats([evaluate(trees, x, **rules) for x in rows]).reshape(len(rows), rules["outputs"])


def floats(fractions):
    return np.array(fractions, dtype=float)


class Fitted:
    """A model of another library, with its own opinion of its trees."""

    def __init__(self, inside, wrong_at=None, raises_at_nan=False, single_column=False):
        self.inside, self.wrong_at, self.raises_at_nan = inside, wrong_at, raises_at_nan
        self.asked = []

    def _margins(self, rows):
        rows = np.asarray(rows, dtype=float)
        self.asked.append(rows)
        if self.raises_at_nan and np.isnan(rows).any():
            raise ValueError("Input contains NaN")
        found = margins(self.inside, rows)
        if self.wrong_at is not None:
            found[self.wrong_at(rows)] += 0.25
        return found

    def predict(self, rows):
        return self._margins(rows)


class Classifier(Fitted):
    classes_ = np.array(["no", "yes"])

    def predict_proba(self, rows):
        up = 1.0 / (1.0 + np.exp(-self._margins(rows)))
        return np.hstack([1.0 - up, up])

    def decision_function(self, rows):
        return self._margins(rows)[:, 0]


@pytest.fixture(autouse=True)
def readable(monkeypatch):
    """Fitted models can be read, as they say themselves."""
    real = structures.find_structure

    def find_structure(model, *, model_output):
        if isinstance(model, Classifier):
            raw = model_output == "raw"
            return with_link(model.inside, "identity" if raw else "logistic")
        return model.inside if isinstance(model, Fitted) else real(model, model_output=model_output)

    monkeypatch.setattr(structures, "find_structure", find_structure)


def with_link(inside, link):
    other = Forest.__new__(Forest)
    other.__dict__.update(inside.__dict__, link=link)
    return other
