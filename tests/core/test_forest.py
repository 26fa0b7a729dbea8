"""Arrays become a forest only where they are trees."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid.errors import InputError, ModelFormatError
from pellucid.whitebox import Forest

STUMP = {
    "features": 2,
    "tree_starts": [0, 3],
    "questions": [1, 0, 0],
    "split_features": [0, -1, -1],
    "thresholds": [0.5, 0.0, 0.0],
    "left": [1, -1, -1],
    "right": [2, -1, -1],
    "values": [[0.0], [1.0], [2.0]],
    "base": [0.0],
}

WRONG = {
    "no features": ({"features": 0}, "features"),
    "no outputs": ({"base": []}, "output"),
    "base": ({"base": [np.nan]}, "base"),
    "starts": ({"tree_starts": [0, 2]}, "tree_starts"),
    "empty tree": ({"tree_starts": [0, 0, 3]}, "tree 0 has no nodes"),
    "length": ({"left": [1, -1]}, "left must have an entry"),
    "question": ({"questions": [7, 0, 0]}, "no question of kind 7"),
    "feature": ({"split_features": [2, -1, -1]}, "split feature 2"),
    "threshold": ({"thresholds": [np.nan, 0.0, 0.0]}, "threshold is NaN"),
    "child outside": ({"left": [3, -1, -1]}, "child 3"),
    "shared child": ({"left": [2, -1, -1]}, "child of two nodes"),
    "cycle": ({"left": [0, -1, -1]}, "child 0"),
    "unreached": (
        {"tree_starts": [0, 4], "questions": [1, 0, 0, 0], "values": np.zeros((4, 1))}
        | {name: [*STUMP[name], -1] for name in ("split_features", "thresholds", "left", "right")},
        "cannot be reached",
    ),
    "value": ({"values": [[0.0], [np.inf], [2.0]]}, "values must be finite"),
    "columns": ({"values": np.zeros((3, 2))}, "values must have 1 columns"),
    "cover": ({"cover": [1.0, -1.0, 2.0]}, "cover"),
    "tree output": ({"tree_outputs": [1]}, "output 1"),
    "categories": ({"questions": [3, 0, 0]}, "no categories are listed"),
    "negative category": (
        {"questions": [3, 0, 0], "category_starts": [0, 2, 2, 2], "categories": [-1, 2]},
        "not negative",
    ),
    "falling categories": ({"category_starts": [0, 2, 1, 2], "categories": [1, 2]}, "must not fall"),
}


def test_a_stump():
    forest = Forest(**STUMP)
    assert forest.margins([[0.5, 9.0], [0.6, 9.0], [np.nan, 0.0]]).tolist() == [[1.0], [2.0], [2.0]]


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_forest_is_refused(changes, message):
    with pytest.raises(ModelFormatError, match=message):
        Forest(**{**STUMP, **changes})


@pytest.mark.parametrize("changes", [{"outputs": ["a", "b"]}, {"feature_names": ["a"]}], ids=["outputs", "features"])
def test_names_must_be_complete(changes):
    with pytest.raises(ModelFormatError, match="must name all"):
        Forest(**STUMP, **changes)


def test_an_unknown_link_is_refused():
    with pytest.raises(InputError, match="'cubic'"):
        Forest(**STUMP, link="cubic")


def test_children_in_any_order_and_a_deep_chain():
    count = 10_000
    forest = Forest(
        features=1,
        tree_starts=[0, 2 * count + 1],
        questions=[1] * count + [0] * (count + 1),
        split_features=np.zeros(2 * count + 1),
        thresholds=np.arange(2 * count + 1.0),
        left=np.arange(count, 3 * count + 1),
        right=[*range(1, count), 2 * count, *[-1] * (count + 1)],
        values=np.arange(2 * count + 1.0)[:, None],
        base=[0.0],
    )
    assert forest.depth == count
    assert forest.margins([[-1.0], [5.5], [1e9]])[:, 0].tolist() == [count, count + 6, 2 * count]
