"""One tree in words, and the way of a row through it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.whitebox import Forest
from pellucid.whitebox.questions import elided, number_text
from reference import forests

LEAVES = ({"cover": 2.0, "values": [0.31]}, {"cover": 6.0, "values": [0.5]}, {"cover": 8.0, "values": [-1.0]})
TREE = [
    {"cover": 16.0, "feature": 0, "threshold": 3.75, "left": 1, "right": 4, "missing_left": False},
    {"cover": 8.0, "feature": 1, "categories": [1, 4], "left": 2, "right": 3}
    | {"missing_left": True, "others_left": False},
    LEAVES[0],
    LEAVES[1],
    LEAVES[2],
]
NAMES = ["income", "job"]


def test_a_tree_as_text():
    assert forests.forest_of([TREE], 2, feature_names=NAMES).tree(0).to_text() == "\n".join(
        [
            "if income <= 3.75:",
            "    if job in {1, 4} or job missing:",
            "        = 0.31  (12.5 % of training rows)",
            "    else:",
            "        = 0.5  (37.5 % of training rows)",
            "else:",
            "    = -1  (50 % of training rows)",
        ]
    )


def chained(missing, covers):
    """Questions about one column, of which the right child is the next one."""
    nodes = []
    for i, (left, (one, other)) in enumerate(zip(missing, covers, strict=True)):
        nodes.append({"cover": one + other, "feature": 0, "threshold": float(i), "left": 2 * i + 1, "right": 2 * i + 2})
        nodes[-1]["missing_left"] = left
        nodes.append({"cover": one, "values": [float(i)]})
    return [*nodes, {"cover": covers[-1][1], "values": [9.0]}]


@pytest.mark.parametrize(
    ("missing", "covers", "head", "said"),
    [
        ((True, True, True), ((1, 9), (3, 6), (3, 3)), "missing values go left", ""),
        ((True, False, True), ((11, 10), (1, 9), (8, 1)), "missing values go where more training rows went", ""),
        ((True,) * 4 + (False,), ((1, 9),) * 5, "missing values go left, where nothing else is said", "unless missing"),
        ((True, False), ((1, 9), (1, 9)), "if x <= 0 or x missing:", ""),
    ],
)
def test_where_missing_values_go_is_said_once(missing, covers, head, said):
    tree = forests.forest_of([chained(missing, covers)], 1, feature_names=["x"]).tree(0)
    first, *rest = tree.to_text().split("\n")
    assert first == head
    assert sum("missing" in line for line in rest) == (1 if said else 0)
    assert not said or any(said in line for line in rest)


def test_features_in_another_order_are_refused():
    class Row:
        ndim, index = 1, ("job", "income")

    class Frame:
        ndim, columns = 2, ("job", "income")

    forest = forests.forest_of([TREE], 2, feature_names=NAMES)
    with pytest.raises(InputError, match="got 'job' where column 0 is 'income'; reorder"):
        forest.tree(0).decision_path(Row())
    with pytest.raises(InputError, match="got 'job' where column 0 is 'income'; reorder"):
        forest.margins(Frame())


def test_the_sign_and_the_threshold_are_those_of_the_library():
    tree = [{**TREE[0], "threshold": float(np.float32(0.1)), "left": 1, "right": 2}, LEAVES[0], LEAVES[1]]
    forest = forests.forest_of([tree], 2, strict=True, single=True)
    assert forest.tree(0).to_text().startswith("if feature 0 < 0.1:")
    path = forest.tree(0).decision_path([0.1, 0.0])
    assert str(path.steps[0]) == "feature 0 0.1 >= 0.1 -> right"


def test_deeper_than_wanted_is_counted():
    forest = forests.forest_of([TREE], 2, feature_names=NAMES)
    assert forest.tree(0).to_text(max_depth=1).splitlines()[:2] == ["if income <= 3.75:", "    ... 2 leaves"]
    assert forest.tree(0).to_text(max_depth=0) == "... 3 leaves"
    with pytest.raises(InputError, match="max_depth"):
        forest.tree(0).to_text(max_depth=-1)


def test_a_path_in_words():
    tree = forests.forest_of([TREE], 2, feature_names=NAMES).tree(0)
    path = tree.decision_path([2.0, math.nan])
    assert str(path) == "\n".join(
        ["income 2 <= 3.75 -> left", "job missing -> left", "= 0.31  (12.5 % of training rows)"]
    )
    assert (path.leaf, path.values, path.cover_share, len(path)) == (2, (0.31,), 0.125, 2)
    assert [step.node for step in path.steps] == [0, 1]
    assert [step.missing for step in path.steps] == [False, True]
    assert str(tree.decision_path({"income": 3.0, "job": 2})).splitlines()[1] == "job 2 not in {1, 4} -> right"
    assert str(tree.decision_path({"income": None})).startswith("income missing -> right")
    assert tree.decision_path([[9.0, 0.0]]).leaf == 4


def test_conditions_are_merged():
    nodes, cuts = [], [(5.0, True), (1.0, False), (4.0, True), (2.0, False)]
    for level, (cut, left) in enumerate(cuts):
        here = 2 * level
        nodes += [
            {"cover": 1.0, "feature": 0, "threshold": cut, "missing_left": left}
            | {"left": here + 2 if left else here + 1, "right": here + 1 if left else here + 2},
            {"cover": 0.0, "values": [0.0]},
        ]
    nodes.append({"cover": 1.0, "values": [1.0]})
    for strict, text in ((False, "2 < feature 0 <= 4 (or missing)"), (True, "2 <= feature 0 < 4 (or missing)")):
        path = forests.forest_of([nodes], 1, strict=strict).tree(0).decision_path([3.0])
        assert [str(c) for c in path.conditions()] == [text]
        assert path.to_text(merged=True).splitlines()[0] == text
        assert path.leaf == 8
    assert str(forests.forest_of([nodes], 1).tree(0).decision_path([math.nan]).conditions()[0]) == "feature 0 missing"


def test_conditions_of_categories():
    def node(listed, here, others_left):
        return {"cover": 1.0, "feature": 0, "categories": listed, "left": here + 1, "right": here + 2} | {
            "missing_left": False,
            "others_left": others_left,
        }

    leaf = {"cover": 1.0, "values": [1.0]}
    tree = [node([1, 2, 3], 0, True), leaf, node([2, 3, 5], 2, True), leaf, leaf]
    forest = forests.forest_of([tree], 1)
    assert str(forest.tree(0).decision_path([3.0]).conditions()[0]) == "feature 0 in {2, 3} (or missing)"
    assert str(forest.tree(0).decision_path([1.0]).conditions()[0]) == "feature 0 in {1}"
    assert str(forest.tree(0).decision_path([7.0]).conditions()[0]) == "feature 0 not in {1, 2, 3}"


RULES = [{}, {"strict": True}, {"single": True}, {"strict": True, "single": True}, {"negative_is_missing": True}]


@pytest.mark.parametrize("rules", RULES, ids=["plain", "strict", "single", "both", "negative"])
def test_paths_end_where_the_forest_does(rules):
    rng = np.random.default_rng(9)
    trees = [forests.random_tree(rng, 3, depth=5, categorical=(1,), zero_missing=True) for _ in range(6)]
    forest = forests.forest_of(trees, 3, **rules)
    rows = rng.integers(-6, 7, size=(60, 3)) / 2
    rows[rng.random((60, 3)) < 0.3] = np.nan
    rows[::7, 1] = [np.inf, -np.inf, 1e300, -0.0, 1e-36, -0.5, 2.5, -1e300, 3.0]
    expected = forest.leaves(rows)
    for t in range(6):
        start = forest.arrays["tree_starts"][t]
        assert [start + forest.tree(t).decision_path(x).leaf for x in rows] == expected[:, t].tolist()


def test_zero_that_counts_as_missing():
    tree = [{**TREE[0], "threshold": -1.0, "left": 1, "right": 2, "missing_left": True, "zero_missing": True}]
    forest = forests.forest_of([[*tree, *LEAVES[:2]]], 1, feature_names=["age"])
    assert forest.tree(0).to_text().startswith("if age <= -1 or age missing or 0:")
    path = forest.tree(0).decision_path([0.0])
    assert str(path.steps[0]) == "age 0 counts as missing -> left"
    assert str(path.conditions()[0]) == "age missing or 0"


def test_values_for_each_output_and_names_of_one():
    tree = [{**TREE[0], "left": 1, "right": 2}, {"cover": 1.0, "values": [1.0, 2.0]}, {"cover": 0.0, "values": [3, 4]}]
    forest = forests.forest_of([tree], 1, outputs=2)
    assert str(forest.tree(0).decision_path([1.0])).splitlines()[1] == (
        "= output 0 1, output 1 2  (6.25 % of training rows)"
    )
    assert forest.tree(0).output is None
    single = forests.forest_of([TREE], 2, outputs=2, tree_outputs=[1])
    assert single.tree(0).output == "output 1"


def test_html_is_escaped():
    forest = forests.forest_of([TREE], 2, feature_names=["<b>", "job"])
    html = forest.tree(0).decision_path([1.0, 1.0])._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt; 1 &lt;= 3.75 -&gt; left" in html


def test_long_names_keep_their_ends():
    assert elided("x" * 30 + "\n" + "y" * 30) == "x" * 20 + "…" + "y" * 19
    assert number_text(float(np.float32(1 / 3)), True) == "0.33333334"
    assert number_text(1e300, True) == "1e+300"


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_thresholds_between_floats_are_short_and_ask_the_same(sign):
    floats = (np.random.default_rng(0).normal(size=200) * 10.0 ** np.arange(-10, 10).repeat(10)).astype(np.float32)
    above = np.nextafter(floats, np.float32(np.inf))
    for low, high in zip(floats.astype(float), above.astype(float), strict=True):
        middle = sign * (low + (high - low) / 2)
        text = number_text(middle, True)
        assert min(sign * low, sign * high) < float(text) < max(sign * low, sign * high)
        assert len(text) <= len(repr(middle))
    assert number_text(15.87000036239624, True) == "15.87"


@pytest.mark.parametrize("x", [[1.0], [[1.0, 2.0], [3.0, 4.0]], ["a", "b"], {"wage": 1.0}])
def test_rows_that_are_none_are_refused(x):
    tree = forests.forest_of([TREE], 2, feature_names=NAMES).tree(0)
    with pytest.raises(InputError, match="x must"):
        tree.decision_path(x)


@pytest.mark.parametrize("index", [-1, 1, 0.5, True])
def test_trees_and_nodes_have_numbers(index):
    forest = forests.forest_of([TREE], 2)
    with pytest.raises(InputError, match="index must"):
        forest.tree(index)
    with pytest.raises(InputError, match="node must"):
        forest.tree(0).values(9)


def test_a_node_by_its_number():
    tree = forests.forest_of([TREE], 2, feature_names=NAMES).tree(0)
    assert (tree.n_nodes, tree.n_leaves, tree.depth, repr(tree)) == (5, 3, 2, "Tree(0 of 1, 3 leaves, depth 2)")
    assert tree.mean_questions == 1.5  # half of the rows are asked once, half twice
    assert tree.children(0) == (1, 4)
    assert tree.question(1).categories == (1, 4)
    assert tree.children(4) is None
    assert tree.question(4) is None


def test_a_deep_chain_needs_no_recursion():
    count = 5000
    forest = Forest(
        features=1,
        tree_starts=[0, 2 * count + 1],
        questions=[1] * count + [0] * (count + 1),
        split_features=np.zeros(2 * count + 1),
        thresholds=-np.arange(2 * count + 1.0),
        left=[*range(1, count), 2 * count, *[-1] * (count + 1)],
        right=np.arange(count, 3 * count + 1),
        values=np.zeros((2 * count + 1, 1)),
        base=[0.0],
    )
    tree = forest.tree(0)
    assert tree.depth == count
    assert tree.to_text().count("\n") == 60
    assert len(tree.decision_path([-1e9])) == count
    assert len(tree.decision_path([-1e9]).conditions()) == 1
