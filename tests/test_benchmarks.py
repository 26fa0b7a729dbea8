"""The exact values that the benchmarks measure errors against, from brute force on small models."""

from __future__ import annotations

import importlib.util
import sys
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def exact():
    spec = importlib.util.spec_from_file_location("exact_values", BENCHMARKS / "exact_values.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def over_all_orders(predict, x, b):
    """What each feature adds when features turn from b to x one after another, mean over all orders."""
    orders = list(permutations(range(len(x))))
    total = np.zeros(len(x))
    for order in orders:
        row = b.copy()
        for i in order:
            before = predict(row[None])[0]
            row[i] = x[i]
            total[i] += predict(row[None])[0] - before
    return total / len(orders)


def test_values_by_coalitions_are_the_mean_over_all_orders(exact):
    rng = np.random.default_rng(0)
    x, background = rng.normal(size=4), rng.normal(size=(3, 4))

    def predict(rows):
        return np.exp(rows[:, 0] * rows[:, 1]) + rows[:, 2] * np.sin(rows[:, 3])

    found = exact.by_coalitions(predict, x, background)

    expected = [over_all_orders(predict, x, b) for b in background]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_values_by_leaves_are_those_of_all_coalitions(exact):
    ensemble = pytest.importorskip("sklearn.ensemble")
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 6))
    X[:, 3] = np.round(X[:, 3])  # many rows agree with x here
    y = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) + X[:, 3] * (X[:, 4] > 0) + X[:, 5]
    model = ensemble.RandomForestRegressor(10, max_depth=7, random_state=0).fit(X, y)
    leaves = exact.Leaves.of((tree.tree_, tree.tree_.value[:, 0, 0] / 10) for tree in model.estimators_)
    background = X[:300]

    for x in rng.normal(size=(3, 6)):
        found = exact.by_leaves(leaves, x, background)
        np.testing.assert_allclose(found, exact.by_coalitions(model.predict, x, background), atol=1e-12)
