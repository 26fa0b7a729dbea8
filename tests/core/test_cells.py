"""Cells answer every question exactly as the number itself does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pellucid import _core
from reference import forests

RULES = {
    "double": {},
    "strict": {"strict": True},
    "single": {"single": True},
    "single, strict": {"single": True, "strict": True},
    "negative categories missing": {"negative_is_missing": True},
}
ZERO = float(np.float32(1e-35))
NUMBERS = [
    0.0,
    -0.0,
    math.nan,
    math.inf,
    -math.inf,
    5e-324,
    -5e-324,
    1e-45,
    -1e-45,
    ZERO,
    -ZERO,
    -1.0,
    -0.5,
    0.5,
    2.999,
    -2.5,
    1e300,
    -1e300,
    3.5e38,
    2.0**62,
    2.0**63,
    2.0**53,
]


def around(t):
    """Neighbours of a number among doubles and among floats, and the ties between those."""
    with np.errstate(over="ignore"):
        single = np.float32(t)
        floats = [single, np.nextafter(single, np.float32(np.inf)), np.nextafter(single, np.float32(-np.inf))]
    middles = [(float(floats[0]) + float(f)) / 2 for f in floats[1:]]
    centres = [float(t), *map(float, floats), *middles]
    return [y for x in centres for y in (x, np.nextafter(x, np.inf), np.nextafter(x, -np.inf))]


def check(forest, trees, rules):
    cells = _core.ForestCells(forest.core)
    nodes = [node for tree in trees for node in tree]
    numbers = [*NUMBERS, *(y for x in NUMBERS if x == x for y in around(x))]
    for node in nodes:
        numbers += around(node.get("threshold", 0.0))
        numbers += [y for c in node.get("categories", []) for x in (c, c + 1) for y in around(x)]
    numbers = np.unique(np.array(numbers))
    numbers = np.concatenate([numbers, [-0.0]])
    rows = np.repeat(numbers[:, None], forest.features, axis=1)
    ranked = cells.rank(np.ascontiguousarray(rows))
    slots = {feature: slot for slot, feature in enumerate(cells.used)}
    for i, node in enumerate(nodes):
        if "values" in node:
            continue
        answers, cell = cells.answers(i), ranked[slots[node["feature"]]]
        assert len(answers) == cells.cells(node["feature"]) + 1
        assert cell[np.isfinite(numbers)].max() < len(answers) - 1
        np.testing.assert_array_equal(cell == 2**31 - 1, np.isnan(numbers))
        got = answers[np.minimum(cell, len(answers) - 1)]
        with np.errstate(over="ignore"):
            expected = [expected_answer(node, x, rules) for x in numbers]
        wrong = [(x, g) for x, g, e in zip(numbers, got, expected, strict=True) if bool(g) != bool(e)]
        assert wrong == [], node


def expected_answer(node, x, rules):
    if "categories" in node and math.isinf(x):  # is not cut to a whole number
        return node["missing_left" if x < 0 and rules.get("negative_is_missing") else "others_left"]
    return forests.goes_left(node, x, **rules)


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("categorical", [(), (1,)], ids=["numbers", "categories"])
@pytest.mark.parametrize("zero_missing", [False, True], ids=["", "zero is missing"])
def test_cells_answer_as_numbers_do(rules, categorical, zero_missing):
    rng = np.random.default_rng(5)
    trees = [forests.random_tree(rng, 3, depth=4, categorical=categorical, zero_missing=zero_missing) for _ in range(4)]
    check(forests.forest_of(trees, 3, **rules), trees, rules)


THRESHOLDS = [0.1, 1e-45, -1e-45, 3.4028234663852886e38, -3.4028234663852886e38, 1e300, -1e300, 1 / 3, ZERO, 16777217.0]


@pytest.mark.parametrize("rules", list(RULES.values())[:4], ids=list(RULES)[:4])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_thresholds_at_the_edges_of_their_precision(rules, threshold):
    trees = [
        [
            {"cover": 2.0, "feature": 0, "threshold": threshold, "left": 1, "right": 2, "missing_left": left}
            | {"zero_missing": zero},
            {"cover": 1.0, "values": [1.0]},
            {"cover": 1.0, "values": [2.0]},
        ]
        for left in (True, False)
        for zero in (True, False)
    ]
    check(forests.forest_of(trees, 1, **rules), trees, rules)


def test_categories_beyond_what_doubles_tell_apart():
    trees = [
        [
            {"cover": 2.0, "feature": 0, "categories": listed, "left": 1, "right": 2}
            | {"missing_left": True, "others_left": False},
            {"cover": 1.0, "values": [1.0]},
            {"cover": 1.0, "values": [2.0]},
        ]
        for listed in ([0], [3, 2**53, 2**53 + 1, 2**53 + 2], [2**61], [2**62], [2**62 - 1, 2**63 - 1])
    ]
    cells = _core.ForestCells(forests.forest_of(trees, 1).core)
    numbers = np.array(
        [-1.0, -0.9, 0.0, 0.9, 1.0, 3.5, 4.0, 2.0**53 - 1, 2.0**53, 2.0**53 + 2, 2.0**61, 2.0**62, np.inf]
    )
    ranked = cells.rank(numbers[:, None].copy())[0]
    got = [cells.answers(3 * i)[ranked].tolist() for i in range(5)]
    assert got == [
        [0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0],
        [0] * 13,
        [0] * 13,
    ]


def test_only_what_trees_ask_for_is_ranked():
    trees = [
        [
            {"cover": 2.0, "feature": feature, "threshold": 0.5, "left": 1, "right": 2, "missing_left": False},
            {"cover": 1.0, "values": [1.0]},
            {"cover": 1.0, "values": [2.0]},
        ]
        for feature in (70_000, 3)
    ]
    cells = _core.ForestCells(forests.forest_of(trees, 90_000).core)
    assert cells.used.tolist() == [3, 70_000]
    assert [cells.cells(f) for f in (0, 3, 70_000)] == [1, 2, 2]
    rows = np.zeros((2, 90_000))
    rows[1, 3] = 1.0
    assert cells.rank(rows).tolist() == [[0, 1], [0, 0]]
    with pytest.raises(ValueError, match="90000 columns, got 2"):
        cells.rank(np.zeros((1, 2)))


def test_a_forest_without_questions_has_no_cells():
    cells = _core.ForestCells(forests.forest_of([[{"cover": 1.0, "values": [1.0]}]], 2).core)
    assert cells.used.tolist() == []
    assert cells.rank(np.zeros((3, 2))).shape == (0, 3)
    with pytest.raises(ValueError, match="leaf"):
        cells.answers(0)
