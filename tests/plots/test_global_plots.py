"""The plots of importance and of partial dependence, asked of their artists."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
pd = pytest.importorskip("pandas")

from matplotlib.axes import Axes  # noqa: E402
from matplotlib.collections import LineCollection, PathCollection, QuadMesh  # noqa: E402
from matplotlib.container import ErrorbarContainer  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from pellucid import InputError, partial_dependence, permutation_importance, plots  # noqa: E402

rng = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "x": rng.normal(size=60),
        "$a$ name that goes on and on and never seems to come to its end": rng.normal(size=60),
        "colour": rng.choice(["red", "green", "blue \u202e"], 60),
        "when": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, 60), unit="D"),
        "holes": np.where(np.arange(60) % 6, rng.normal(size=60), np.nan),
    }
)


def model(rows):
    days = (rows["when"] - pd.Timestamp("2024-01-01")).dt.days
    return (
        rows["x"] * (1 + (rows["colour"] == "red")) + rows.iloc[:, 1] + rows["holes"].fillna(2) + days / 100
    ).to_numpy()


def effect(features, **more):
    return partial_dependence(model, FRAME, features=features, **more)


@pytest.fixture(scope="module")
def importance():
    y = model(FRAME) + rng.normal(size=60)
    return permutation_importance(model, FRAME, y, n_repeats=5)


ALL = {
    "importance": lambda imp, ax=None: plots.importance(imp, ax=ax),
    "few bars": lambda imp, ax=None: plots.importance(imp, max_display=2, ax=ax),
    "numeric": lambda imp, ax=None: plots.partial_dependence(effect("x"), ax=ax),
    "centred": lambda imp, ax=None: plots.partial_dependence(effect("x"), centred=True, ax=ax),
    "long name": lambda imp, ax=None: plots.partial_dependence(effect(1), ax=ax),
    "categories": lambda imp, ax=None: plots.partial_dependence(effect("colour"), ax=ax),
    "dates": lambda imp, ax=None: plots.partial_dependence(effect("when"), ax=ax),
    "missing": lambda imp, ax=None: plots.partial_dependence(effect("holes"), ax=ax),
    "surface": lambda imp, ax=None: plots.partial_dependence(effect(("x", "when")), ax=ax),
    "mixed surface": lambda imp, ax=None: plots.partial_dependence(effect(("colour", 1)), ax=ax),
}
each = pytest.mark.parametrize("draw", ALL.values(), ids=list(ALL))


@each
def test_a_figure_of_its_own_is_unknown_to_pyplot(draw, importance):
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)
    ax = draw(importance)
    assert isinstance(ax, Axes)
    ax.figure.draw_without_rendering()
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


@each
def test_axes_that_are_given_are_used(draw, importance):
    figure = Figure(figsize=(4, 3))
    left, right = figure.subplots(1, 2)
    assert draw(importance, ax=left) is left
    assert left.has_data()
    assert not right.has_data()
    assert tuple(figure.get_size_inches()) == (4, 3)


@each
def test_no_text_is_cut_and_no_label_meets_another(draw, importance):
    ax = draw(importance)
    ax.figure.draw_without_rendering()
    inside = ax.figure.bbox
    for axes in ax.figure.axes:
        box = axes.get_tightbbox()
        assert box.x0 >= inside.x0 - 1
        assert box.x1 <= inside.x1 + 1
        assert box.y0 >= inside.y0 - 1
        assert box.y1 <= inside.y1 + 1
    low, high = sorted(ax.get_xlim())
    shown = [tick for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    boxes = sorted((tick.label1.get_window_extent() for tick in shown), key=lambda box: box.x0)
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))


def test_bars_of_importance(importance):
    ax = plots.importance(importance, max_display=3)
    order = np.argsort(-importance.values)[:3]
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], importance.values[order])
    (whiskers,) = (one for one in ax.containers if isinstance(one, ErrorbarContainer))
    ends = np.array([segment[:, 0] for segment in whiskers.lines[2][0].get_segments()])
    low, high = importance.interval()
    np.testing.assert_allclose(ends, np.column_stack([low[order], high[order]]))
    assert "error over rows" in ax.get_title(loc="left")
    assert "2 other features not shown" in ax.get_title(loc="left")
    assert "error over repeats" in plots.importance(importance, over="repeats").get_title(loc="left")
    with pytest.raises(InputError, match="over must be"):
        plots.importance(importance, over="columns")
    with pytest.raises(InputError, match="must be an Importance"):
        plots.importance(effect("x"))


def test_a_curve_its_interval_and_its_rows():
    found = effect("x", curves=7)
    ax = plots.partial_dependence(found)
    *thin, mean = ax.lines
    assert len(thin) == 7
    np.testing.assert_array_equal(mean.get_ydata(), found.values[:, 0])
    np.testing.assert_array_equal(thin[3].get_ydata(), found.curves[3, :, 0])
    (band,) = (one for one in ax.collections if not isinstance(one, LineCollection))
    low, high = found.interval()
    assert band.get_paths()[0].vertices[:, 1].min() == pytest.approx(low.min())
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(high.max())
    (rug,) = (one for one in ax.collections if isinstance(one, LineCollection))
    assert sorted(segment[0, 0] for segment in rug.get_segments()) == sorted(FRAME["x"])
    assert len(plots.partial_dependence(found, curves=False).lines) == 1
    centred = plots.partial_dependence(found, centred=True)
    assert {line.get_ydata()[0] for line in centred.lines} == {0.0}
    assert "less that at" in centred.get_ylabel()


def test_categories_have_their_shares():
    ax = plots.partial_dependence(effect("colour"))
    names = [text.get_text() for text in ax.get_xticklabels()]
    assert [name.split("\n")[1] for name in names] == [
        f"{(FRAME['colour'] == one).mean():.0%}" for one in sorted(set(FRAME["colour"]))
    ]
    assert not any("\u202e" in name for name in names)


def test_a_missing_value_stands_apart():
    found = effect("holes")
    ax = plots.partial_dependence(found)
    (points,) = (one for one in ax.containers if isinstance(one, ErrorbarContainer))
    assert points.lines[0].get_ydata()[0] == found.values[-1, 0]
    assert points.lines[0].get_xdata()[0] > FRAME["holes"].max()
    assert [text.get_text() for text in ax.texts] == ["missing"]


def test_a_surface_ends_where_the_data_does():
    found = effect(("x", 1), grid_size=4)
    ax = plots.partial_dependence(found)
    (mesh,) = (one for one in ax.collections if isinstance(one, QuadMesh))
    np.testing.assert_array_equal(np.asarray(mesh.get_array()), found.values[:, :, 0].T)
    assert ax.get_xlim() == (FRAME["x"].min(), FRAME["x"].max())
    (points,) = (one for one in ax.collections if isinstance(one, PathCollection))
    assert len(points.get_offsets()) == 60
    with pytest.raises(InputError, match="must be a PartialDependence"):
        plots.partial_dependence(FRAME)
    with pytest.raises(InputError, match="output must be"):
        plots.partial_dependence(found, output=3)
