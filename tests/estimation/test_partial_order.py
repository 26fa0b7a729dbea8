"""Partial orders by names: what they say, in tables and in words, and what is refused."""

import itertools

import numpy as np
import pytest
from pellucid import PartialOrder
from pellucid.errors import InputError

PLAYERS = ["age", "sex", "education", "job", "income"]


def pairs_of(order, players=PLAYERS):
    return {(players[i], players[j]) for i, j in np.argwhere(order.precedes(players))}


def test_layers_come_one_after_the_other():
    order = PartialOrder.from_layers([["sex", "age"], ["education"], ["income"]])

    assert pairs_of(order) == {
        ("age", "education"),
        ("sex", "education"),
        ("age", "income"),
        ("sex", "income"),
        ("education", "income"),
    }
    assert str(order) == "sex, age before education before income"


def test_a_single_name_is_a_layer():
    assert PartialOrder.from_layers(["age", ["job"]]) == PartialOrder.from_layers([["age"], ["job"]])


def test_three_dots_are_everybody_else():
    order = PartialOrder.from_layers([["age"], ..., ["income"]])

    others = ["sex", "education", "job"]
    assert pairs_of(order) == {*(("age", o) for o in others), *((o, "income") for o in others), ("age", "income")}
    assert str(order) == "age before all others before income"
    # Nobody else is there: what they stood between stays related.
    assert pairs_of(order, ["income", "age"]) == {("age", "income")}


def test_edges_are_transitive():
    mapping = PartialOrder.from_edges({"age": ["education", "job"], "education": "income", "sex": []})
    pairs = PartialOrder.from_edges([("age", "education"), ["age", "job"], ("education", "income")])

    expected = {("age", "education"), ("age", "job"), ("education", "income"), ("age", "income")}
    assert pairs_of(mapping) == pairs_of(pairs) == expected
    assert str(mapping) == "age before education, job; education before income"


def test_the_table_is_the_reachability_of_random_graphs():
    rng = np.random.default_rng(0)
    for n in range(2, 9):
        names = [f"x{i}" for i in range(n)]
        edges = [(a, b) for a, b in itertools.combinations(rng.permutation(names).tolist(), 2) if rng.random() < 0.3]
        direct = np.zeros((n, n))
        for a, b in edges:
            direct[names.index(a), names.index(b)] = 1
        reached = np.linalg.inv(np.eye(n) - direct) - np.eye(n) > 0.5  # sum of all powers: paths
        np.testing.assert_array_equal(PartialOrder.from_edges(edges).precedes(names), reached)


@pytest.mark.parametrize("nothing", [{}, [], [["age", "sex"]], [...], {"age": []}])
def test_orders_that_say_nothing(nothing):
    order = PartialOrder.of(nothing)

    assert not order.precedes(PLAYERS).any()
    assert str(order) == "no constraints"


def test_what_an_argument_means():
    order = PartialOrder.from_layers([["age"], ["job"]])
    assert PartialOrder.of(order) is order
    assert PartialOrder.of([["age"], ["job"]]) == order
    assert PartialOrder.of(["age", "job"]) == order
    assert PartialOrder.of({"age": ["job"]}) == PartialOrder.from_edges([("age", "job")])
    assert len({order, PartialOrder.of(["age", "job"])}) == 1


def test_words_are_shortened():
    layers = PartialOrder.from_layers([[f"x{i}" for i in range(30)], ["y"]])
    edges = PartialOrder.from_edges([(f"x{i}", "y") for i in range(9)])

    assert str(layers) == "x0, x1, x2, x3, x4, x5 and 24 more before y"
    assert str(edges) == "x0 before y; x1 before y; x2 before y; x3 before y and 5 more"


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ([("age", "age")], "age before age"),
        ([("age", "sex"), ("sex", "age")], "age before sex before age|sex before age before sex"),
        ({"job": ["age"], "age": ["sex", "income"], "income": ["job"]}, "(job|age|income) before .* before .* before"),
    ],
)
def test_cycles_are_named(edges, cycle):
    with pytest.raises(InputError, match=f"back to itself, got ({cycle})"):
        PartialOrder.from_edges(edges)


def test_cycles_through_everybody_else():
    with pytest.raises(InputError, match="all others"):
        PartialOrder(((("age",), ...), (..., ("age",))))


def test_unknown_names_come_with_the_nearest():
    with pytest.raises(InputError, match=r"order must name players, got 'incme'; did you mean 'income'\?"):
        PartialOrder.of([["age"], ["incme"]]).precedes(PLAYERS)
    with pytest.raises(InputError, match="got 'zzz'; the players are 'age', 'sex', 'education', 'job', 'income'"):
        PartialOrder.of({"zzz": ["age"]}).precedes(PLAYERS)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("age", "order must be layers"),
        (3, "order must be layers"),
        ([["age"], ["sex", "age"]], "must name each player once, got 'age' more than once"),
        ([["age", "age"]], "'age' more than once"),
        ([..., ["age"], ...], "got 'all others' more than once"),
        ([["age"], []], "order must consist of names, got \\(\\)"),
        ([["age"], [3]], "order must consist of names, got \\(3,\\)"),
        ([["age"], 3], "names and lists of names, got 3"),
        ([["age"], [["sex"]]], "order must consist of names"),
        ({"age": 3}, "names and lists of names, got 3"),
        ({3: ["age"]}, "order must consist of names, got \\(3,\\)"),
        ([("age", "sex")], "must not hold tuples"),
    ],
)
def test_what_is_no_order(order, message):
    with pytest.raises(InputError, match=message):
        PartialOrder.of(order)


@pytest.mark.parametrize("edges", ["age", 3, [("age",)], [("age", "sex", "job")], ["ab"], [3]])
def test_what_are_no_edges(edges):
    with pytest.raises(InputError, match="edges must be a mapping, or pairs"):
        PartialOrder.from_edges(edges)


@pytest.mark.parametrize("layers", ["age", 3, {"age": ["sex"]}])
def test_what_are_no_layers(layers):
    with pytest.raises(InputError, match="layers must be a sequence of lists of names"):
        PartialOrder.from_layers(layers)
