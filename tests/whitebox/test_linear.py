"""Sums of functions of one column each: margins, links, codes of categories, and what they refuse."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from pellucid.errors import InputError, ModelFormatError
from pellucid.whitebox import Additive, Linear
from pellucid.whitebox.additive import Curve, Line, Sum, Table
from pellucid.whitebox.labels import is_missing, native_values


def squares(codes):
    return codes[:, None] ** 2


def colours():
    return Table(np.array([[1.0], [2.0]]), missing=np.array([5.0]), unknown=np.array([np.nan]))


def test_margins_are_a_sum_and_predictions_their_link():
    linear = Linear(coefficients=[[1.0, 0.0], [2.0, -1.0]], intercept=[0.5, 0.0], link="softmax")
    margins = linear.margins([[1.0, 2.0], [0.0, 0.0]])

    assert margins.tolist() == [[5.5, -2.0], [0.5, 0.0]]
    np.testing.assert_allclose(linear.predict([[1.0, 2.0]]).sum(), 1.0)
    assert linear.features == 2
    assert linear.outputs == ("output 0", "output 1")


def test_linear_is_the_same_as_its_lines():
    rng = np.random.default_rng(0)
    linear = Linear(coefficients=rng.normal(size=(4, 3)), intercept=rng.normal(size=3))
    rows = rng.normal(size=(7, 4))

    np.testing.assert_allclose(Additive.margins(linear, rows), linear.margins(rows), rtol=1e-13)


def test_a_missing_value_adds_what_an_imputer_would_or_nothing_is_known():
    linear = Linear(coefficients=[[1.0], [2.0]], intercept=[0.0], missing=[[3.0], [np.nan]])

    found = linear.margins([[np.nan, 1.0], [1.0, np.nan]])

    assert found[0, 0] == 5.0
    assert np.isnan(found[1, 0])


def test_tables_know_missing_and_unknown_categories():
    codes = np.array([0.0, 1.0, np.nan, -1.0, 2.0, 0.5])

    found = colours().at(codes)[:, 0]

    assert found[:3].tolist() == [1.0, 2.0, 5.0]
    assert np.isnan(found[3:]).all()


@pytest.mark.parametrize(
    "piece",
    [
        Line(np.array([2.0, 0.0]), np.array([np.nan, 0.0])),
        Table(np.array([[1.0, 3.0], [2.0, 0.0]]), np.array([4.0, 0.0]), np.array([np.nan, 0.0])),
        Curve(squares, np.array([[3.0, 0.0]])),
        Sum((Line(np.array([2.0, 0.0]), np.array([1.0, 0.0])), Curve(squares, np.array([[1.0, 1.0]])))),
    ],
    ids=lambda piece: type(piece).__name__,
)
def test_pieces_followed_by_a_matrix(piece):
    codes = np.array([0.0, 1.0, np.nan, -1.0])
    matrix = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 1.0]])

    found, before = piece.times(matrix).at(codes), piece.at(codes)

    known = ~np.isnan(before).any(axis=1)
    np.testing.assert_allclose(found[known], before[known] @ matrix)
    # What a sum has no part of is no reason for it to be unknown.
    unreached = ~piece.times(matrix).reach
    assert not np.isnan(found[:, unreached]).any()


def test_reach_names_the_sums_that_change():
    assert Line(np.array([0.0, 1.0]), np.array([0.0, np.nan])).reach.tolist() == [False, True]
    assert Line(np.zeros(2), np.array([1.0, 0.0])).reach.tolist() == [True, False]
    assert Curve(squares, np.array([[0.0, 1.0]])).reach.tolist() == [False, True]


def test_missing_categories_have_no_label():
    assert native_values(np.array(["a", "b", np.nan], dtype=object)) == ("a", "b")
    assert native_values(np.array([1.0, 2.0, np.nan])) == (1.0, 2.0)
    assert is_missing(None)
    assert not is_missing("nan")


def test_what_fits_no_model_is_refused():
    with pytest.raises(ModelFormatError, match=r"shape \(d, 1\)"):
        Linear(coefficients=[[1.0, 2.0]], intercept=[0.0])
    with pytest.raises(ModelFormatError, match="finite"):
        Linear(coefficients=[[np.inf]], intercept=[0.0])
    with pytest.raises(ModelFormatError, match="missing"):
        Linear(coefficients=[[1.0]], intercept=[0.0], missing=[[1.0, 2.0]])
    with pytest.raises(ModelFormatError, match="intercept"):
        Linear(coefficients=[[1.0]], intercept=[np.nan])
    with pytest.raises(ModelFormatError, match="at least one column"):
        Additive(pieces=[], intercept=[0.0])
    with pytest.raises(InputError, match=r"\(n, 1\)"):
        Linear(coefficients=[[1.0]], intercept=[0.0]).margins([[1.0, 2.0]])


def test_models_can_be_pickled():
    model = Additive(
        pieces=[colours(), Curve(squares, np.eye(1))], intercept=[1.0], feature_categories={0: ("red", "blue")}
    )
    rows = np.array([[1.0, 3.0]])

    assert pickle.loads(pickle.dumps(model)).margins(rows).tolist() == model.margins(rows).tolist() == [[12.0]]


def test_votes_are_listed_for_and_against_the_largest_first():
    model = Linear(
        coefficients=[[0.5, 0.0], [-2.0, 0.0], [30.0, 0.0], [0.0, 0.0]],
        intercept=[1.0, 2.0],
        missing=[[5.0, 0.0], [np.nan, 0.0], [np.nan, 0.0], [7.0, 0.0]],
        outputs=["yes", "no"],
        feature_names=["age", "mood", "share", "shoes"],
    )

    assert model.to_text(max_display=3).splitlines() == [
        "yes = 1 + what 4 of 4 features vote",
        "                 a unit",
        "for",
        "  share             +30",
        "  shoes missing      +7",
        "against",
        "  mood               -2",
        "and 1 smaller",
        "",
        "no = 2 + what 0 of 4 features vote",
    ]
    rows = [[20.0, 0.0, 0.1, 40.0], [60.0, 2.0, 0.3, 44.0], [np.nan, 1.0, 0.2, 42.0]]
    # By a standard deviation the order is another: 20, sqrt(2/3), 0.1 sqrt(2/3); shoes are never missing.
    assert model.to_text(rows).splitlines()[2:8] == [
        "for",
        "  age              +0.5                   +10  missing as 10",
        "  share             +30                +2.449",
        "  shoes missing      +7                    +0",
        "against",
        "  mood               -2                -1.633",
    ]
    assert repr(model) == "Linear(4 of 4 features, 2 outputs, link 'identity', from linear model)"


def test_categories_vote_one_by_one_and_curves_are_named():
    names = ["colour", "size"]
    model = Additive(
        pieces=[colours(), Curve(squares, np.eye(1))],
        intercept=[0.0],
        feature_names=names,
        feature_categories={0: ("red", "blue")},
    )

    assert model.to_text([["red", 3.0], ["blue", 1.0], [None, 1.0], ["blue", 2.0]]).splitlines()[2:] == [
        "for",
        "  colour missing      +5                +2.165",
        "  colour = blue       +2                    +1",
        "  colour = red        +1                +0.433",
        "not by a weight but by a curve: size",
    ]
    with pytest.raises(InputError, match=r"shape \(n, 2\)"):
        model.to_text([["red"]])
    with pytest.raises(InputError, match="max_display"):
        model.to_text(max_display=0)
