"""The sum of the leaves, to the last bit, at every level of vector instructions and with any number of threads."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pellucid import _core
from reference import forests

BORDERS = [0.0, -0.0, math.nan, math.inf, -math.inf, 1e-45, -1e-36, 2.0, -3.0, 0.5, 1e300]


def random_rows(rng, n, features):
    rows = rng.integers(-7, 7, size=(n, features)) / 2 + rng.choice([0.0, 0.25, 1e-9], size=(n, features))
    special = rng.random((n, features)) < 0.3
    rows[special] = rng.choice(BORDERS, size=special.sum())
    return rows


def plain_leaf(tree, x, rules):
    i = 0
    while "values" not in tree[i]:
        node, value = tree[i], x[tree[i]["feature"]]
        if "categories" in node and math.isinf(value):
            negative = value < 0 and rules.get("negative_is_missing")
            left = node["missing_left" if negative else "others_left"]
        else:
            left = forests.goes_left(node, value, **rules)
        i = node["left" if left else "right"]
    return i


def naive(trees, rows, *, outputs=1, tree_outputs=None, base=None, **rules):
    """In float64, base first, then tree by tree; and the leaves."""
    base = np.zeros(outputs) if base is None else np.asarray(base)
    margins, leaves = np.tile(base, (len(rows), 1)), np.empty((len(rows), len(trees)), dtype=int)
    start = np.cumsum([0] + [len(tree) for tree in trees])
    for i, x in enumerate(rows):
        for t, tree in enumerate(trees):
            at = plain_leaf(tree, x, rules)
            leaves[i, t] = start[t] + at
            if tree_outputs is None:
                margins[i] += tree[at]["values"]
            else:
                margins[i, tree_outputs[t]] += tree[at]["values"][0]
    return margins, leaves


def check(trees, rows, features, **options):
    forest = forests.forest_of(trees, features, **options)
    expected, leaves = naive(trees, rows, **options)
    evaluator = _core.ForestEvaluator(forest.core)
    assert evaluator.margins(rows).tobytes() == expected.tobytes()
    np.testing.assert_array_equal(evaluator.leaves(rows), leaves)
    for few in (rows[:1], rows[:5]):
        assert evaluator.margins(few).tobytes() == expected[: len(few)].tobytes()
        np.testing.assert_array_equal(evaluator.leaves(few), leaves[: len(few)])


CASES = {
    "numbers": {},
    "strict and single": {"strict": True, "single": True},
    "several outputs": {"outputs": 3, "base": [0.1, 0.2, 0.3]},
    "an output for each tree": {"outputs": 2, "tree_outputs": [0, 1] * 9},
    "negative categories are missing": {"negative_is_missing": True},
}


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
@pytest.mark.parametrize("categorical", [(), (0, 2)], ids=["", "categories"])
def test_the_plain_loop_to_the_last_bit(level, options, categorical):
    rng = np.random.default_rng(3)
    outputs = 1 if "tree_outputs" in options else options.get("outputs", 1)
    trees = [
        forests.random_tree(
            rng, 4, depth=int(rng.integers(0, 7)), outputs=outputs, categorical=categorical, zero_missing=t % 3 == 0
        )
        for t in range(18)
    ]
    check(trees, random_rows(rng, 150, 4), 4, **options)


def chain(features, depth, *, categories=False):
    """Every question sends few rows left, and the others on."""
    nodes = []
    for level in range(depth):
        node = {"cover": float(depth - level + 1), "feature": level % features, "missing_left": level % 5 == 4}
        node |= (
            {"threshold": 0.5 * level - depth / 4.0}
            if not categories
            else {"categories": list(range(level % 7, 9000, 3 + level % 5)), "others_left": level % 2 == 0}
        )
        here = len(nodes)
        nodes.append(node | {"left": here + 1, "right": here + 2})
        nodes.append({"cover": 1.0, "values": [1.0 + level]})
    nodes.append({"cover": 1.0, "values": [-1.0]})
    return nodes


def test_trees_too_deep_or_wide_to_ask_everything(level):
    rng = np.random.default_rng(4)
    full = forests.random_tree(rng, 5, depth=10, full=True, grid=400)
    trees = [chain(5, 700), full, chain(5, 40), chain(5, 300, categories=True), [{"cover": 1.0, "values": [3.0]}]]
    rows = random_rows(rng, 90, 5) * rng.choice([1.0, 60.0, 3000.0], size=(90, 5))
    check(trees, rows, 5)


@pytest.mark.parametrize("thresholds", [254, 255, 256, 257, 900])
def test_as_many_cells_as_a_byte_holds_and_more(level, thresholds):
    trees = [
        [
            {
                "cover": 2.0,
                "feature": t % 2,
                "threshold": t // 2 / 1.0,
                "left": 1,
                "right": 2,
                "missing_left": t % 3 == 0,
            },
            {"cover": 1.0, "values": [float(t)]},
            {"cover": 1.0, "values": [t / 3]},
        ]
        for t in range(2 * thresholds)
    ]
    numbers = np.concatenate([np.arange(-1, thresholds + 1), [np.nan, 0.5, thresholds - 1.5, np.inf]])
    rows = np.stack([numbers, numbers[::-1]], axis=1)
    check(trees, np.ascontiguousarray(rows[:: max(1, thresholds // 40)]), 2)


def test_more_cells_than_two_bytes_hold(level):
    rng = np.random.default_rng(8)
    count = 70_000
    left = np.tile([1, -1, -1], count)
    forest = forests.Forest(
        features=1,
        tree_starts=3 * np.arange(count + 1),
        questions=np.tile([1, 0, 0], count),
        split_features=np.zeros(3 * count),
        thresholds=np.repeat(np.arange(count) / 1.0, 3),
        left=left,
        right=np.where(left > 0, 2, -1),
        values=np.tile([0.0, 1.0, 0.0], count)[:, None],
        base=[0.0],
    )
    rows = rng.uniform(-10, count + 10, size=(70, 1))
    got = _core.ForestEvaluator(forest.core).margins(rows)
    np.testing.assert_array_equal(got[:, 0], np.clip(count - np.ceil(rows[:, 0]), 0, count))


def test_the_same_bits_with_any_number_of_threads(level):
    rng = np.random.default_rng(6)
    trees = [forests.random_tree(rng, 6, depth=6) for _ in range(20)]
    evaluator = _core.ForestEvaluator(forests.forest_of(trees, 6).core)
    rows = random_rows(rng, 5000, 6)
    results = set()
    for threads in (1, 2, 3, 8):
        _core.set_thread_count(threads)
        results.add(evaluator.margins(rows).tobytes())
        results.add(b"".join(evaluator.margins(part).tobytes() for part in np.split(rows, [1, 9, 500, 4700])))
    _core.set_thread_count(0)
    assert len(results) == 1


def test_a_tree_of_100000_nodes_and_a_chain_of_10000():
    rng = np.random.default_rng(7)
    trees = [forests.random_tree(rng, 8, depth=16, full=True, grid=5000, missing=False), chain(8, 10_000)]
    assert len(trees[0]) > 100_000
    check(trees, random_rows(rng, 20, 8) * 400.0, 8)


def test_no_rows_and_no_trees():
    forest = forests.forest_of([[{"cover": 1.0, "values": [1.5]}]], 2)
    evaluator = _core.ForestEvaluator(forest.core)
    assert evaluator.margins(np.zeros((0, 2))).shape == (0, 1)
    assert evaluator.margins(np.zeros((100, 2))).tolist() == [[1.5]] * 100
    with pytest.raises(ValueError, match="2 columns"):
        evaluator.margins(np.zeros((1, 3)))
    empty = forests.Forest(
        features=1, tree_starts=[0], questions=[], split_features=[], thresholds=[], left=[], right=[],
        values=np.zeros((0, 1)), base=[0.25],
    )  # fmt: skip
    assert _core.ForestEvaluator(empty.core).margins(np.zeros((70, 1))).tolist() == [[0.25]] * 70
    assert _core.ForestEvaluator(empty.core).leaves(np.zeros((70, 1))).shape == (70, 0)
