"""What an Attribution promises: shapes, copies, slices, intervals, equality, text."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.results import Attribution, Report


@pytest.fixture
def attribution():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5, 4, 2))
    base = rng.normal(size=(5, 2))
    return Attribution(
        values=values,
        base_values=base,
        predictions=base + values.sum(axis=1),
        std_err=np.full((5, 4, 2), 0.1),
        parts=("a", "b", "c", "d"),
        outputs=("no", "yes"),
        data=rng.normal(size=(5, 4)),
        display=rng.normal(size=(5, 4)).astype(str),
        selected=np.array([[0, 1]] * 4 + [[1, 0]]),
        selected_names=("no", "yes"),
        report=Report(method="kernel_shapley", rows_per_row=(1, 2, 3, 4, 5), converged=(True,) * 4 + (False,)),
    )


def test_residual_is_the_identity_s_gap(attribution):
    np.testing.assert_allclose(attribution.residual, 0, atol=1e-15)
    off = replace(attribution, predictions=attribution.predictions + 0.25)
    np.testing.assert_allclose(off.residual, 0.25)


def test_arrays_are_read_only_copies():
    values = np.ones((1, 2, 1))
    a = Attribution.from_array(values, base_values=0.0)
    values[:] = 7
    assert (a.values == 1).all()
    for array in (a.values, a.base_values, a.predictions, a.std_err):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(FrozenInstanceError):
        a.values = values


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("values", np.zeros((5, 4)), "must have shape"),
        ("values", np.zeros((5, 0, 2)), "at least 1"),
        ("values", np.full((5, 4, 2), np.inf), "row 0, part 0, output 0"),
        ("values", "text", "array of numbers"),
        ("values", np.zeros((5, 4, 2), complex), "array of numbers"),
        ("base_values", np.zeros(5), r"\(n, k\) = \(5, 2\), got \(5,\)"),
        ("predictions", np.zeros((2, 5)), "predictions must have shape"),
        ("std_err", np.full((5, 4, 2), -0.1), "not be negative"),
        ("std_err", np.zeros((5, 4)), "std_err must have shape"),
        ("parts", ("a", "b"), "one name for each of the 4 parts"),
        ("parts", "abcd", "put it in a list"),
        ("parts", (1, 2, 3, 4), "must hold strings"),
        ("outputs", ("no",), "one name for each of the 2 outputs"),
        ("data", np.zeros((4, 5)), "data must have shape"),
        ("display", np.zeros((5, 4)), "display must hold strings"),
        ("display", np.array([["a"]]), "display must have shape"),
        ("selected", np.full((5, 2), 2), "must point into"),
        ("selected", np.zeros((5, 2)), "whole numbers"),
        ("report", {"method": "x"}, "must be a Report"),
        ("report", Report(method="x", converged=(True,)), "one entry for each of the 5 rows"),
    ],
)
def test_what_does_not_fit_is_refused(attribution, field, value, says):
    with pytest.raises(InputError, match=says):
        replace(attribution, **{field: value})


def test_a_report_can_be_made_when_somebody_reads_it(attribution):
    asked = []

    def make():
        asked.append("report")
        return attribution.report

    later = replace(attribution, report=make)
    assert asked == []
    assert later == attribution
    assert later.report is attribution.report
    assert asked == ["report"]
    unread = replace(attribution, report=make)
    assert pickle.loads(pickle.dumps(unread)) == attribution
    assert replace(attribution, report=make)[1:2].report == attribution[1:2].report
    with pytest.raises(InputError, match="one entry for each of the 5 rows"):
        _ = replace(attribution, report=lambda: Report(method="x", converged=(True,))).report


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (0, [0]),
        (-1, [4]),
        (np.int64(2), [2]),
        (slice(1, None, 2), [1, 3]),
        ([3, 0, 3], [3, 0, 3]),
        (np.array([-1, 1]), [4, 1]),
        (np.array([True, False, True, False, False]), [0, 2]),
        ([], []),
        ([False] * 5, []),
        (slice(9, 12), []),
    ],
)
def test_slices_keep_every_axis(attribution, rows, expected):
    some = attribution[rows]
    assert some.values.shape == (len(expected), 4, 2)
    for name in ("values", "base_values", "predictions", "std_err", "data", "display", "selected"):
        np.testing.assert_array_equal(getattr(some, name), getattr(attribution, name)[expected])
    assert some.report.rows_per_row == tuple(attribution.report.rows_per_row[i] for i in expected)
    assert some.report.converged == tuple(attribution.report.converged[i] for i in expected)


def test_rows_that_are_not_there(attribution):
    for rows in (5, -6, [0, 5]):
        with pytest.raises(IndexError, match="out of range for 5 rows"):
            attribution[rows]
    for rows in ("a", 1.0, [True, False], True, None, [[0]], (0, 1, 2.5)):
        with pytest.raises(InputError, match="rows must be"):
            attribution[rows]


def test_iteration_gives_single_rows(attribution):
    rows = list(attribution)
    assert len(rows) == len(attribution) == 5
    assert rows[3] == attribution[3]


def test_intervals(attribution):
    low, high = attribution.interval(0.95)
    np.testing.assert_allclose(high - attribution.values, 0.1959963984540054)
    np.testing.assert_allclose(attribution.values - low, 0.1959963984540054)
    low, high = replace(attribution, std_err=None).interval()
    assert (low == high).all()
    assert np.isnan(replace(attribution, std_err=np.full((5, 4, 2), np.nan)).interval()[0]).all()
    for level in (0, 1, 95, "95", float("nan")):
        with pytest.raises(InputError, match="level"):
            attribution.interval(level)


def test_top_sorts_by_size_and_keeps_ties_in_order():
    a = Attribution.from_array([[1.0, -3.0, 1.0, 2.0]], parts=list("abcd"), std_err=[0.1, 0.2, 0.3, 0.4])
    assert a.top(3) == [("b", -3.0, 0.2), ("d", 2.0, 0.4), ("a", 1.0, 0.1)]
    assert [part for part, _, _ in a.top(9)] == ["b", "d", "a", "c"]
    assert replace(a, std_err=None).top(1)[0].std_err is None


def test_output_by_name_and_by_index(attribution):
    assert attribution.top(2, row=1, output="yes") == attribution.top(2, row=1, output=1)
    assert attribution.top(2, row=1, output=-1) == attribution.top(2, row=1, output=1)
    for output in ("maybe", 2, 1.0, True, None):
        with pytest.raises(InputError, match="output must be"):
            attribution.top(output=output)
    with pytest.raises(InputError, match="stands for 2 positions"):
        replace(attribution, outputs=("twice", "twice")).top(output="twice")


def test_output_label_names_what_was_selected(attribution):
    assert attribution.output_label(row=0, output=0) == "no: no"
    assert attribution.output_label(row=4, output=0) == "no: yes"
    assert replace(attribution, selected=None).output_label(row=4, output=0) == "no"


def test_means_by_label(attribution):
    means = attribution.by(["x", "y", "x", "y", "z"])
    assert means.labels == ("x", "y", "z")
    assert means.counts.tolist() == [2, 2, 1]
    of_x = np.abs(attribution.values[[0, 2]])
    np.testing.assert_allclose(means["x"][0], of_x.mean(axis=0))
    # s / sqrt(2) of two numbers, so widened that 1.96 of it is the t interval with one degree of freedom.
    np.testing.assert_allclose(means["x"][1] * 1.959963984540054, np.abs(of_x[0] - of_x[1]) / 2 * 12.706204736)
    assert np.isnan(means["z"][1]).all()
    with pytest.raises(InputError, match="one label for each of the 5 rows"):
        attribution.by(["x"])
    with pytest.raises(InputError, match="label must be one of"):
        means["w"]
    assert attribution.by([float("nan"), np.nan, 1.0, 1.0, 1.0]).labels == ("missing", 1.0)


def test_mean_abs_is_the_mean_over_rows(attribution):
    means = attribution.mean_abs()
    assert means.labels == ("all rows",)
    np.testing.assert_allclose(means.values[0], np.abs(attribution.values).mean(axis=0))
    np.testing.assert_allclose(attribution.by(["all"] * 5)["all"][0], means.values[0])
    best = attribution.top(1, row=None, output=1)[0]
    assert best.value == pytest.approx(means.values[0, :, 1].max())


def test_equality_ignores_times_only(attribution):
    assert attribution == replace(attribution, report=replace(attribution.report, seconds=9.0))
    assert attribution != replace(attribution, report=replace(attribution.report, seed=9))
    assert attribution != replace(attribution, std_err=None)
    assert attribution != replace(attribution, values=attribution.values + 1e-9)
    assert attribution != "attribution"
    unknown = Attribution.from_array([[1.0]])
    assert unknown == Attribution.from_array([[1.0]])
    with pytest.raises(TypeError, match="unhashable"):
        hash(attribution)


@pytest.mark.parametrize("again", [lambda a: pickle.loads(pickle.dumps(a)), copy.deepcopy, copy.copy])
def test_copies_are_equal_and_still_read_only(attribution, again):
    other = again(attribution)
    assert other == attribution
    with pytest.raises(ValueError, match="read-only"):
        other.values[...] = 0


def test_refine_calls_what_the_explainer_left(attribution):
    asked = []

    def more(budget):
        asked.append(budget)
        return attribution

    live = replace(attribution, _continue=more)
    assert live.refine(100) is attribution
    assert asked == [100]
    assert live == attribution
    for dead in (attribution, live[0], pickle.loads(pickle.dumps(live))):
        with pytest.raises(InputError, match="refine needs"):
            dead.refine(100)


def test_from_array_shapes():
    assert Attribution.from_array([1.0, 2.0]).values.shape == (1, 2, 1)
    assert Attribution.from_array(np.ones((3, 2))).values.shape == (3, 2, 1)
    a = Attribution.from_array(np.ones((3, 2, 4)), base_values=[1, 2, 3, 4], data=np.zeros((3, 2)))
    np.testing.assert_array_equal(a.predictions, [[3, 4, 5, 6]] * 3)
    assert a.outputs == ("output 0", "output 1", "output 2", "output 3")
    assert np.isnan(a.std_err).all()
    assert Attribution.from_array([1.0], std_err=None).std_err is None
    assert np.isnan(Attribution.from_array([1.0]).base_values).all()
    assert Attribution.from_array([1.0, 2.0], std_err=[0.1, 0.2]).std_err.tolist() == [[[0.1], [0.2]]]
    with pytest.raises(InputError, match="std_err must be a number or have shape"):
        Attribution.from_array(np.ones((3, 2)), std_err=np.ones(5))
    with pytest.raises(InputError, match=r"\(p,\), \(n, p\) or"):
        Attribution.from_array(1.0)


def test_repr_is_one_line_and_says_what_is_known_of_errors(attribution):
    assert repr(attribution) == "Attribution(5 rows, 4 parts, 2 outputs; kernel_shapley; with standard errors)"
    assert "; exact)" in repr(replace(attribution, std_err=None))
    assert "standard errors unknown" in repr(Attribution.from_array([1.0]))
    assert "\n" not in repr(replace(attribution, report=Report(method="a\nb")))


def test_text_shows_rows_errors_and_warnings(attribution):
    report = replace(attribution.report, warnings=("the model answers twice differently",), why="few parts")
    text = str(replace(attribution, report=report))
    assert "row 2" in text
    assert "row 3" not in text
    assert "and 2 more rows" in text
    assert text.count("±") == 3 * 4 * 2
    assert "warning: the model answers twice differently" in text
    assert "why kernel_shapley: few parts" in text
    assert "base value" in text
    assert "prediction" in text


def test_text_sums_what_it_leaves_out():
    a = Attribution.from_array([np.arange(1.0, 13.0)], base_values=0.0, std_err=None)
    line = next(line for line in str(a).splitlines() if "other features" in line)
    assert line.split() == ["sum", "of", "5", "other", "features", "+15.00"]


def test_no_rows_is_a_result_too():
    empty = Attribution.from_array(np.zeros((0, 3, 2)), base_values=0.0)
    assert len(empty) == 0
    assert "0 rows" in str(empty)
    assert "0 rows" in empty._repr_html_()
    assert len(empty.to_frame()) == 0
    assert empty.by([]).labels == ()
    assert np.isnan(empty.mean_abs().values).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", 1),
        ("seconds", -1.0),
        ("seconds", float("nan")),
        ("seed", 1.5),
        ("seed", True),
        ("budget", "x"),
        ("tolerance", float("inf")),
        ("warnings", "one string"),
        ("converged", (1, 0)),
        ("rows_per_row", (1.5,)),
        ("rows_used", 10**400),
        ("coalitions", None),
    ],
)
def test_reports_check_their_fields(field, value):
    with pytest.raises(InputError, match=f"report.{field}"):
        Report(**{"method": "x", field: value})


def test_report_to_dict_and_back():
    report = Report(method="x", rows_per_row=np.array([3, 5]), converged=np.array([True, False]), tolerance=0.1)
    assert report.rows_used == 4.0
    again = Report.from_dict(report.to_dict())
    assert again == report
    assert type(report.to_dict()["rows_per_row"][0]) is int
    assert Report.from_dict({"method": "x"}) == Report(method="x")
    for broken in ({}, {"method": "x", "colour": 1}, [], None):
        with pytest.raises(InputError, match="a report must"):
            Report.from_dict(broken)


def test_a_tuple_of_indices_names_the_remedy(attribution):
    with pytest.raises(InputError, match="choose an output with output="):
        attribution[0, 1]
