"""What `Space.infer` sees by itself, what is declared, and declarations that do not fit."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from pellucid.errors import InputError
from pellucid.space import Feature, Space

FITTED = pd.DataFrame(
    {"a": [1.5, 2.5], "b": ["x", "y"], "c": [1, 2], "d": pd.to_datetime(["2020", "2021"]), "e": [True, False]}
)


class TestDeclarations:
    def test_kinds_ranges_and_missing_are_seen(self):
        X = FITTED.assign(o=pd.Categorical(["lo", "hi"], ["lo", "hi"], ordered=True), m=[np.nan, 1])
        features = {feature.name: feature for feature in Space.infer(X).features}

        assert [feature.kind for feature in features.values()] == [
            "numeric",
            "categorical",
            "integer",
            "datetime",
            "boolean",
            "ordinal",
            "numeric",
        ]
        assert (features["a"].low, features["a"].high) == (1.5, 2.5)
        assert (features["b"].low, features["b"].high) == (0, 1)
        assert features["b"].categories == ("x", "y")
        assert features["o"].categories == ("lo", "hi")
        assert [name for name, feature in features.items() if feature.missing] == ["m"]

    def test_a_column_without_values_has_no_known_range(self):
        feature = Space.infer([[np.nan]]).features[0]

        assert (feature.low, feature.high) == (-np.inf, np.inf)

    def test_declared_kinds_round_composites(self):
        space = Space.infer([[0.0, 5.0, 1.5], [1.0, 7.0, 2.5]], boolean=["x0"], integer=[1])

        assert [feature.kind for feature in space.features] == ["boolean", "integer", "numeric"]
        assert space.decode([[0.7, 5.6, 1.25]]).tolist() == [[1, 6, 1.25]]
        assert space.decode([[0.7, 5.6, 1.25]]).dtype == np.float64

    def test_names_of_arrays(self):
        assert Space.infer(np.eye(3)).names == ("x0", "x1", "x2")
        assert Space.infer(np.eye(2), names=np.array(["p", "q"])).names == ("p", "q")
        assert Space.infer(FITTED, names=list(FITTED.columns)).names == tuple(FITTED.columns)

    def test_integer_labels_of_a_frame_come_before_positions(self):
        space = Space.infer(pd.DataFrame({1: [1, 2], 0: [3, 4]}), categorical=[1])

        assert [feature.kind for feature in space.features] == ["categorical", "integer"]

    def test_groups_stand_at_their_first_member(self):
        space = Space.infer(np.eye(5), groups={"g": ["x3", "x1"], "h": [2]})

        assert space.parts == ("x0", "g", "h", "x4")
        assert space.part_of_column.tolist() == [0, 1, 2, 1, 3]
        assert space.part_of_column.dtype == np.int32
        assert space.groups == {"g": ("x3", "x1"), "h": ("x2",)}
        assert space.one_hot == frozenset()
        with pytest.raises(ValueError, match="read-only"):
            space.part_of_column[0] = 1

    def test_one_hot_groups_are_groups_of_booleans(self):
        X = pd.DataFrame({"age": [1.5, 2.5], "red": [1, 0], "blue": [0, 0]})
        space = Space.infer(X, one_hot={"colour": ["red", "blue"]})

        assert space.one_hot == {"colour"}
        assert space.groups == {"colour": ("red", "blue")}
        assert space.parts == ("age", "colour")
        assert [feature.kind for feature in space.features] == ["numeric", "boolean", "boolean"]
        pd.testing.assert_frame_equal(space.decode(space.encode(X)), X)

    def test_ranges_in_the_units_of_the_feature(self):
        X = FITTED.assign(size=["s", "l"])
        space = Space.infer(
            X,
            ordinal={"size": ["s", "m", "l", "xl"]},
            ranges={
                "a": (0, None),
                "c": (None, 9),
                "size": ("m", "xl"),
                "d": ("2019-01-01", dt.datetime(2022, 1, 1)),
            },
        )
        bounds = {feature.name: (feature.low, feature.high) for feature in space.features}

        assert bounds["a"] == (0, np.inf)
        assert bounds["c"] == (-np.inf, 9)
        assert bounds["size"] == (1, 3)
        assert bounds["d"] == (1546300800e6, 1640995200e6)

    @pytest.mark.parametrize(
        ("declared", "sentence"),
        [
            ({"names": ["a"]}, "names must hold 3 names, one per column, got 1"),
            ({"names": ["a", "b", "a"]}, "names must have unique feature names, got 'a' twice"),
            ({"names": ["a", "b", 1]}, "names must be text, got 1"),
            ({"names": ["a", "b", None]}, "names must be text, got None"),
            ({"names": "abc"}, "names must be a sequence of 3 feature names, got 'abc'"),
            (
                {"categorical": "x0"},
                r"categorical must be a sequence of feature names, got 'x0'; use \['x0'\]",
            ),
            (
                {"categorical": ["q"]},
                "categorical must name features of X, got 'q'; the features are 'x0', 'x1', 'x2'",
            ),
            ({"integer": [3]}, r"integer must hold positions 0\.\.2, got 3"),
            ({"integer": [-1]}, r"integer must hold positions 0\.\.2, got -1"),
            ({"boolean": [True]}, "boolean must name features of X, got True"),
            ({"integer": ["x2"]}, "must be a whole number in column 'x2', got 0.5 in row 0"),
            ({"boolean": ["x2"]}, "must be 0 or 1 in column 'x2', got 0.5 in row 0"),
            ({"categorical": [0], "integer": [0]}, "'x0' must have one kind, got categorical and integer"),
            ({"ordinal": ["x0"]}, "ordinal must be a dict with feature names as keys, got list"),
            (
                {"ordinal": {"x0": [0]}},
                r"must be one of \(0\) in column 'x0', got 1.0 in row 0; add it to the declared",
            ),
            ({"ordinal": {"x0": [0, 1, 0]}}, r"ordinal\['x0'\] must hold a category once, got 0 twice"),
            ({"ordinal": {"x0": "ab"}}, r"ordinal\['x0'\] must be the categories in order, got 'ab'"),
            ({"ordinal": {"x0": [None]}}, r"ordinal\['x0'\] must hold text, numbers or dates, got None"),
            ({"groups": ["x0"]}, "groups must be a dict of group name to feature names, got list"),
            ({"groups": {"g": "x0"}}, r"groups\['g'\] must be a sequence of feature names, got 'x0'"),
            ({"groups": {"g": ["q"]}}, r"groups\['g'\] must name features of X, got 'q'"),
            ({"groups": {"g": []}}, "groups must have at least one feature each, got none in 'g'"),
            ({"groups": {"g": [0, 1], "h": [1]}}, "groups must be disjoint, got 'x1' in 'g' and 'h'"),
            ({"groups": {"g": [0, 0]}}, "groups must be disjoint, got 'x0' in 'g' and 'g'"),
            ({"groups": {"x1": [0]}}, "groups must not bear the name of a feature, got 'x1'"),
            ({"groups": {1: [0]}}, "groups must have names that are text, got 1"),
            (
                {"one_hot": {"g": [2]}},
                r"one_hot\['g'\] must hold columns of 0 and 1, got 0.5 in row 0 of X, column 'x2'",
            ),
            (
                {"one_hot": {"g": [0, 1]}},
                r"one_hot\['g'\] must have at most one 1 per row, got 2 in row 1 of X",
            ),
            ({"one_hot": {"g": []}}, "groups must have at least one feature each, got none in 'g'"),
            (
                {"one_hot": {"g": [0]}, "groups": {"g": [1]}},
                "groups must not repeat a one_hot group, got 'g'",
            ),
            (
                {"one_hot": {"g": [0]}, "groups": {"h": [0]}},
                "groups must be disjoint, got 'x0' in 'g' and 'h'",
            ),
            ({"ranges": {"x0": (1, 0)}}, r"ranges\['x0'\] must have low <= high, got \(1, 0\)"),
            ({"ranges": {"x0": 3}}, r"ranges\['x0'\] must be a pair \(low, high\), got 3"),
            ({"ranges": {"x0": ("a", 1)}}, r"ranges\['x0'\] must be numbers, got 'a'"),
            ({"ranges": {"x0": (np.nan, 1)}}, r"ranges\['x0'\] must be numbers, got nan"),
            ({"ranges": {"q": (0, 1)}}, "ranges must name features of X, got 'q'"),
            (
                {"ranges": {"x0": (0, 1)}, "boolean": [0]},
                r"ranges\['x0'\] must be for a feature with an order",
            ),
            (
                {"ranges": {"x0": (0, 5)}, "ordinal": {"x0": [0, 1]}},
                r"ranges\['x0'\] must use the categories \(0, 1\), got 5",
            ),
        ],
    )
    def test_bad_declarations(self, declared, sentence):
        with pytest.raises(InputError, match=sentence):
            Space.infer(np.array([[1, 0, 0.5], [1, 1, 1.5]]), **declared)

    def test_bad_declarations_of_frames(self):
        with pytest.raises(InputError, match=r"ranges\['d'\] must be dates or ISO text .* got 3"):
            Space.infer(FITTED, ranges={"d": (3, None)})
        with pytest.raises(InputError, match="names must be the columns of the dataframe"):
            Space.infer(FITTED, names=list("vwxyz"))
        with pytest.raises(InputError, match="must be integer in column 'b', got 'x' in row 0"):
            Space.infer(FITTED, integer=["b"])
        with pytest.raises(InputError, match=r"one_hot must hold columns of 0 and 1, got str.* in column 'b'"):
            Space.infer(FITTED, one_hot={"g": ["b"]})

    def test_direct_construction_is_checked(self):
        feature = Feature("a", "numeric")

        assert Space((feature,)).decode([[1.0]]).tolist() == [[1.0]]
        for build, sentence in [
            (lambda: Feature("a", "number"), "kind of 'a' must be one of .* got 'number'"),
            (lambda: Space(()), "features must hold at least one feature, got none"),
            (lambda: Space((feature, feature)), "features must have unique feature names, got 'a' twice"),
            (lambda: Space((feature,), "modin"), "container must be one of .* got 'modin'"),
            (
                lambda: Space((feature,), groups={"g": ("b",)}),
                r"groups\['g'\] must name features of X, got 'b'",
            ),
            (lambda: Space((feature,), one_hot=frozenset("g")), r"one_hot must name groups, got \['g'\]"),
        ]:
            with pytest.raises(InputError, match=sentence):
                build()
