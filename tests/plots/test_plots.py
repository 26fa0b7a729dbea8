"""What the plots draw, asked of the artists; and what they must leave alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib.axes import Axes  # noqa: E402
from matplotlib.collections import LineCollection, PathCollection  # noqa: E402
from matplotlib.container import ErrorbarContainer  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from pellucid import plots  # noqa: E402
from pellucid.errors import InputError  # noqa: E402
from pellucid.plots import _style  # noqa: E402
from pellucid.results import Attribution  # noqa: E402

Z = 1.959963984540054
T39 = 2.022690920  # Student's, 39 degrees of freedom


@pytest.fixture
def attribution():
    rng = np.random.default_rng(11)
    values = rng.normal(size=(40, 20, 2)) * np.linspace(2, 0.1, 20)[None, :, None]
    data = rng.normal(size=(40, 20))
    data[::7, 0] = np.nan
    return Attribution.from_array(
        values,
        parts=[f"part {i}" for i in range(20)],
        outputs=["no", "yes"],
        base_values=[0.4, 0.6],
        std_err=rng.uniform(0.01, 0.2, values.shape),
        data=data,
    )


ALL = [
    lambda a, ax=None: plots.bar(a, ax=ax),
    lambda a, ax=None: plots.bar(a, row=0, ax=ax),
    lambda a, ax=None: plots.bar(a, by=np.arange(len(a)) % 3, ax=ax),
    lambda a, ax=None: plots.waterfall(a, ax=ax),
    lambda a, ax=None: plots.beeswarm(a, ax=ax),
    lambda a, ax=None: plots.scatter(a, 0, color=1, ax=ax),
    lambda a, ax=None: plots.compare([a, a[:30]], ax=ax),
    lambda a, ax=None: plots.compare({"x": a, "y": a}, row=None, ax=ax),
]
each = pytest.mark.parametrize(
    "draw", ALL, ids=["bar", "bar row", "bar cohorts", "waterfall", "beeswarm", "scatter", "compare", "compare all"]
)


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def whiskers(ax):
    """(left, right, y) of every horizontal whisker."""
    found = []
    for container in ax.containers:
        if isinstance(container, ErrorbarContainer):
            for segment in container.lines[2][0].get_segments():
                (x1, y), (x2, _) = segment
                found.append((x1, x2, y))
    return np.array(found)


def widths(ax):
    return np.array([bar.get_width() for bar in ax.patches])


def column(ax):
    """The numbers beside the axes, top down."""
    return [text.get_text() for text in ax.texts]


@each
def test_a_figure_of_its_own_is_unknown_to_pyplot(draw, attribution):
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)
    ax = draw(attribution)
    assert isinstance(ax, Axes)
    ax.figure.draw_without_rendering()
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


@each
def test_axes_that_are_given_are_used(draw, attribution):
    figure = Figure(figsize=(3, 3))
    left, right = figure.subplots(1, 2)
    assert draw(attribution, ax=left) is left
    assert left.has_data()
    assert not right.has_data()
    assert tuple(figure.get_size_inches()) == (3, 3)


@each
def test_no_text_is_cut_and_no_label_meets_another(draw, attribution):
    long = replace(
        attribution,
        parts=("a name that goes on and on and never seems to end at all", *attribution.parts[1:]),
    )
    ax = draw(long)
    ax.figure.draw_without_rendering()
    inside = ax.figure.bbox
    for axes in ax.figure.axes:
        box = axes.get_tightbbox()
        assert box.x0 >= inside.x0 - 1
        assert box.x1 <= inside.x1 + 1
        assert box.y0 >= inside.y0 - 1
        assert box.y1 <= inside.y1 + 1
    boxes = [label.get_window_extent() for label in ax.get_yticklabels() if label.get_text()]
    boxes.sort(key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))


@each
def test_plots_repeat_themselves(draw, attribution):
    def drawn():
        ax = draw(attribution)
        offsets = [c.get_offsets().data.tolist() for c in ax.collections if isinstance(c, PathCollection)]
        return [bar.get_bbox().bounds for bar in ax.patches], offsets

    assert drawn() == drawn()


@each
def test_names_are_not_mathematics_and_are_elided(draw, attribution):
    values = attribution.values.copy()
    values[:, :3] += 9  # shown in every plot
    odd = ("$\\frac{", "a$b$c", "\u202e" + "x" * 500)
    ax = draw(replace(attribution, values=values, parts=(*odd, *attribution.parts[3:])))
    ax.figure.draw_without_rendering()
    texts = [*names(ax), ax.get_xlabel()]
    assert all(len(text) < 70 for text in texts)
    assert any("frac{" in text for text in texts)
    assert not any("\u202e" in text for text in texts)


@each
def test_other_things_are_refused(draw, attribution):
    with pytest.raises(InputError, match="must be an Attribution"):
        draw(np.ones((3, 2)))
    with pytest.raises(InputError, match="at least one row"):
        draw(attribution[:0])


def test_bars_of_a_row(attribution):
    ax = plots.bar(attribution, row=3, output="yes", max_display=6)
    values, errors = attribution.values[3, :, 1], attribution.std_err[3, :, 1]
    order = np.argsort(-np.abs(values))[:5]
    np.testing.assert_allclose(widths(ax)[:5], values[order])
    assert widths(ax).sum() == pytest.approx(values.sum())
    assert [name.split(" = ")[0] for name in names(ax)] == [f"part {i}" for i in order] + ["sum of 15 other features"]
    found = whiskers(ax)
    np.testing.assert_allclose(found[:, 1] - found[:, 0], 2 * Z * errors[order])
    np.testing.assert_allclose(found[:, :2].mean(axis=1), values[order])
    assert "±" in column(ax)[0]
    assert "±" not in column(ax)[5]
    assert ax.get_title(loc="left").startswith("Row 3: yes")


def test_bars_of_all_rows(attribution):
    ax = plots.bar(attribution, max_display=20)
    means = np.abs(attribution.values[:, :, 0])
    order = np.argsort(-means.mean(axis=0))
    np.testing.assert_allclose(widths(ax), means.mean(axis=0)[order])
    found = whiskers(ax)
    np.testing.assert_allclose(found[:, 1] - found[:, 0], 2 * T39 * (means.std(axis=0, ddof=1) / np.sqrt(40))[order])
    assert names(ax) == [f"part {i}" for i in order]


def test_the_rest_of_all_rows_has_the_error_of_its_own_sum(attribution):
    ax = plots.bar(attribution, max_display=4)
    sizes = np.abs(attribution.values[:, :, 0])
    left = np.argsort(-sizes.mean(axis=0))[3:]
    sums = sizes[:, left].sum(axis=1)
    assert widths(ax)[-1] == pytest.approx(sums.mean())
    low, high, _ = whiskers(ax)[-1]
    assert high - low == pytest.approx(2 * T39 * sums.std(ddof=1) / np.sqrt(40))


def test_bars_of_cohorts(attribution):
    labels = ["x"] * 30 + ["y"] * 10
    ax = plots.bar(attribution, by=labels, output="yes", max_display=6)
    means = attribution.by(labels)
    order = np.argsort(-means.values[:, :, 1].max(axis=0))[:5]
    np.testing.assert_allclose(widths(ax).reshape(2, 6)[:, :5], means.values[:, order, 1])
    np.testing.assert_allclose(widths(ax).reshape(2, 6).sum(axis=1), means.values[:, :, 1].sum(axis=1))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["x (30 rows)", "y (10 rows)"]
    low, high = means.interval()
    found = whiskers(ax)
    np.testing.assert_allclose(found[:, 0], low[:, order, 1].ravel(), atol=1e-12)
    np.testing.assert_allclose(found[:, 1], high[:, order, 1].ravel())
    with pytest.raises(InputError, match="leave one of them out"):
        plots.bar(attribution, by=labels, row=0)
    assert len(plots.bar(attribution, by="part 1", bins=3).get_legend().get_texts()) == 3


def test_positive_and_negative_differ_in_colour(attribution):
    ax = plots.bar(attribution, row=0, max_display=20)
    colours = {np.sign(bar.get_width()): bar.get_facecolor() for bar in ax.patches}
    assert colours[1.0] != colours[-1.0]
    for bar in ax.patches:
        assert bar.get_facecolor() == colours[np.sign(bar.get_width())]


def test_a_waterfall_goes_from_base_to_prediction(attribution):
    ax = plots.waterfall(attribution, row=2, output=1, max_display=5)
    starts = [bar.get_x() for bar in ax.patches]
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    assert starts[0] == pytest.approx(attribution.base_values[2, 1])
    np.testing.assert_allclose(starts[1:], ends[:-1])
    assert ends[-1] == pytest.approx(attribution.predictions[2, 1])
    dots = next(line for line in ax.lines if line.get_marker() == "o").get_xdata()
    np.testing.assert_allclose(dots, [attribution.base_values[2, 1], attribution.predictions[2, 1]])
    values, errors = attribution.values[2, :, 1], attribution.std_err[2, :, 1]
    order = np.argsort(-np.abs(values))[:4]
    found = whiskers(ax)
    np.testing.assert_allclose(found[:, 1] - found[:, 0], 2 * Z * errors[order])
    np.testing.assert_allclose(found[:, :2].mean(axis=1), ends[:4])
    assert (names(ax)[0], names(ax)[-1], names(ax)[-2]) == (
        "base value",
        "prediction",
        "sum of 16 other features",
    )
    assert column(ax)[0] == "0.6"


def test_a_base_value_that_is_not_known():
    ax = plots.waterfall(Attribution.from_array([1.0, 2.0]))
    assert column(ax)[0] == "unknown"
    assert column(ax)[-1] == "unknown"
    assert ax.patches[0].get_x() == 0.0


@pytest.mark.parametrize("std_err", [None, np.nan, 0.0])
def test_no_whiskers_without_errors(attribution, std_err):
    errors = None if std_err is None else np.full(attribution.values.shape, std_err)
    exact = replace(attribution, std_err=errors)
    for ax in (
        plots.bar(exact, row=0),
        plots.waterfall(exact),
        plots.scatter(exact, 1),
        plots.compare([exact]),
    ):
        assert not any(isinstance(container, ErrorbarContainer) for container in ax.containers)


def test_a_swarm_has_every_row_once(attribution):
    ax = plots.beeswarm(attribution, output="yes", max_display=20)
    order = np.argsort(-np.abs(attribution.values[:, :, 1]).mean(axis=0))
    points = np.vstack([c.get_offsets() for c in ax.collections if isinstance(c, PathCollection)])
    for line, part in enumerate(order):
        here = points[np.abs(points[:, 1] - line) < 0.5, 0]
        np.testing.assert_allclose(np.sort(here), np.sort(attribution.values[:, part, 1]))
    assert len(points) == 800


def test_a_swarm_is_grey_where_values_are_missing(attribution):
    ax = plots.beeswarm(attribution, max_display=20)
    grey = matplotlib.colors.to_rgba(_style.MISSING)
    greys = [c for c in ax.collections if isinstance(c, PathCollection) and tuple(c.get_facecolor()[0]) == grey]
    assert sum(len(c.get_offsets()) for c in greys) == np.isnan(attribution.data).sum() == 6
    assert [axes.get_ylabel() for axes in ax.figure.axes if axes is not ax] == ["feature value (grey: missing)"]


def test_a_swarm_without_data_has_no_colour_bar(attribution):
    ax = plots.beeswarm(replace(attribution, data=None))
    assert ax.figure.axes == [ax]


def test_the_swarm_sums_the_rest_row_by_row(attribution):
    ax = plots.beeswarm(attribution, max_display=3)
    order = np.argsort(-np.abs(attribution.values[:, :, 0]).mean(axis=0))
    points = np.vstack([c.get_offsets() for c in ax.collections if isinstance(c, PathCollection)])
    np.testing.assert_allclose(
        np.sort(points[points[:, 1] > 1.5, 0]), np.sort(attribution.values[:, order[2:], 0].sum(axis=1))
    )
    assert names(ax)[-1] == "sum of 18 other features"


def test_stacking_is_symmetric_and_never_repeats_a_place():
    places = _style.stacked(np.zeros(7), bins=10, low=-1.0, high=1.0)
    assert sorted(places) == [-3, -2, -1, 0, 1, 2, 3]
    apart = _style.stacked(np.array([0.0, 0.5, 1.0]), bins=10, low=0.0, high=1.0)
    assert apart.tolist() == [0, 0, 0]
    assert _style.stacked(np.ones(2), bins=10, low=1.0, high=1.0).tolist() == [0, 1]


def test_scatter_draws_values_and_errors(attribution):
    ax = plots.scatter(attribution, "part 1", output="yes")
    points = next(c for c in ax.collections if isinstance(c, PathCollection)).get_offsets()
    np.testing.assert_allclose(points, np.column_stack([attribution.data[:, 1], attribution.values[:, 1, 1]]))
    bars = next(c for c in ax.collections if isinstance(c, LineCollection)).get_segments()
    np.testing.assert_allclose([s[1][1] - s[0][1] for s in bars], 2 * Z * attribution.std_err[:, 1, 1])
    assert ax.get_xlabel() == "part 1"
    assert ax.get_ylabel() == "contribution to yes"


def test_scatter_puts_missing_values_apart(attribution):
    ax = plots.scatter(attribution, 0)
    known, missing = (c.get_offsets() for c in ax.collections if isinstance(c, PathCollection))
    assert len(missing) == 6
    assert missing[:, 0].max() < known[:, 0].min()
    assert "missing" in column(ax)


def test_scatter_names_categories():
    codes, words = [[0.0], [1.0], [np.nan], [1.0]], [["red"], ["blue"], ["missing"], ["blue"]]
    coded = Attribution.from_array(np.ones((4, 1)), parts=["c"], data=codes, display=words)
    ax = plots.scatter(coded, "c")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["red", "blue"]
    assert ax.get_xticks().tolist() == [0, 1]
    ax = plots.scatter(replace(coded, data=None), "c")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["blue", "missing", "red"]
    with pytest.raises(InputError, match="neither data nor display"):
        plots.scatter(replace(coded, data=None, display=None), "c")


def test_scatter_colours_by_another_part(attribution):
    ax = plots.scatter(attribution, 1, color="part 0")
    other = next(axes for axes in ax.figure.axes if axes is not ax)
    assert other.get_ylabel() == "part 0 (grey: missing)"
    grey, coloured = (c for c in ax.collections if isinstance(c, PathCollection))
    assert len(grey.get_offsets()) == 6
    np.testing.assert_array_equal(coloured.get_array(), attribution.data[~np.isnan(attribution.data[:, 0]), 0])


def test_compare_aligns_by_name(attribution):
    turned = replace(
        attribution,
        values=attribution.values[:, ::-1],
        std_err=attribution.std_err[:, ::-1],
        parts=attribution.parts[::-1],
    )
    ax = plots.compare({"one": attribution, "two": turned}, row=1, output="yes", max_display=20)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
    first, second = widths(ax)[:20], widths(ax)[20:]
    np.testing.assert_array_equal(first, second)
    values, errors = attribution.values[1, :, 1], attribution.std_err[1, :, 1]
    order = np.argsort(-np.abs(values))
    np.testing.assert_allclose(first, values[order])
    found = whiskers(ax)
    np.testing.assert_allclose(found[:, 1] - found[:, 0], np.tile(2 * Z * errors[order], 2))


def test_compare_sums_the_rest(attribution):
    ax = plots.compare([attribution, attribution], row=-1, max_display=3)
    assert widths(ax).reshape(2, 3).sum(axis=1) == pytest.approx(attribution.values[-1, :, 0].sum())
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["given array 1", "given array 2"]
    many = plots.compare({str(i): attribution for i in range(9)})
    assert len({bar.get_facecolor() for bar in many.patches if bar.get_alpha() is None}) == 9


def test_compare_refuses_different_parts(attribution):
    other = replace(attribution, parts=tuple(f"q{i}" for i in range(20)))
    with pytest.raises(InputError, match=r"'b' differs in"):
        plots.compare({"a": attribution, "b": other})
    for nothing in ({}, []):
        with pytest.raises(InputError, match="at least one"):
            plots.compare(nothing)


def test_bad_arguments_are_named(attribution):
    for row in (40, 1.5, True):
        with pytest.raises(InputError, match="row must be"):
            plots.waterfall(attribution, row=row)
    with pytest.raises(InputError, match="output must be"):
        plots.bar(attribution, output="maybe")
    with pytest.raises(InputError, match="part must be"):
        plots.scatter(attribution, "age")
    for limit in (0, 1.5, True):
        with pytest.raises(InputError, match="max_display"):
            plots.beeswarm(attribution, max_display=limit)


def test_without_matplotlib_the_install_line_is_given(attribution, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match="pip install"):
        plots.bar(attribution)


def test_importing_the_plots_does_not_import_matplotlib():
    import subprocess

    code = "import sys, pellucid.plots, pellucid.results; sys.exit('matplotlib' in sys.modules)"
    path = str(next(p for p in map(str, plots.__path__))).rsplit("pellucid", 1)[0]
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); {code}"], check=False)
    assert done.returncode == 0
