"""From the codes of a Space to those that a model learned with."""

import numpy as np
import pytest
from pellucid import Space
from pellucid.errors import ModelFormatError
from pellucid.model.structure_codes import StructureCodes
from pellucid.whitebox import Additive
from pellucid.whitebox.additive import Line
from reference.forests import forest_of, random_tree


def additive(categories):
    pieces = [Line(np.ones(1), np.zeros(1)), Line(np.ones(1), np.zeros(1))]
    return Additive(pieces=pieces, intercept=[0.0], feature_categories=categories)


def mixed():
    X = np.array([["red", 3], ["blue", 7], ["green", 5], [None, 3]], dtype=object)
    space = Space.infer(X, integer=["x1"])
    return space, space.encode(X)


def test_categories_of_text_and_of_numbers_get_the_places_of_the_model():
    space, codes = mixed()
    found = StructureCodes(additive({0: ("red", "blue"), 1: (7.0, 3.0)}), space)(codes)
    np.testing.assert_array_equal(found, [[0, 1], [1, 0], [-1, -1], [np.nan, 1]])


def test_numbers_stay_and_are_not_copied():
    space = Space.infer(np.eye(2))
    codes = np.eye(2)
    seen = StructureCodes(additive({}), space)
    assert seen.plain
    assert seen(codes) is codes


def test_a_category_that_a_forest_never_saw_is_negative():
    space, codes = mixed()
    forest = forest_of([random_tree(np.random.default_rng(3), 2, depth=3, categorical=(0,))], 2)
    forest.feature_categories = {0: ("red", "blue")}
    found = StructureCodes(forest, space)(codes)
    np.testing.assert_array_equal(found[:, 0], [0, 1, -1, np.nan])
    np.testing.assert_array_equal(found[:, 1], codes[:, 1])


def test_text_that_a_structure_asks_about_needs_its_categories():
    space, _ = mixed()
    with pytest.raises(ModelFormatError, match="x0"):
        StructureCodes(additive({}), space)
