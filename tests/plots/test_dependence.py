"""The dependence plot: which part colours it, and that main effects stand where they belong."""

import numpy as np
import pellucid
import pytest
from pellucid import plots
from pellucid.errors import InputError
from pellucid.results import Attribution

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(120, 4))


def product(rows):
    return rows[:, 0] * rows[:, 2] + 3.0 * rows[:, 1] + 0.1 * rows[:, 0] * rows[:, 3]


def bar_of(ax):
    return ax.figure.axes[-1].get_ylabel() if len(ax.figure.axes) > 1 else None


def test_the_partner_is_guessed_from_values(rows):
    found = pellucid.shapley(product, rows, background=np.zeros((1, 4)))
    assert bar_of(plots.dependence(found, "x0")) == "x2"
    assert bar_of(plots.dependence(found, "x2")) == "x0"


def test_the_partner_is_read_from_interactions_and_main_effects_are_drawn(rows):
    found = pellucid.interactions(product, rows[:20], background=np.zeros((1, 4)))
    ax = plots.dependence(found, "x0")
    assert bar_of(ax) == "x2"
    offsets = np.concatenate(
        [np.asarray(points.get_offsets()) for points in ax.collections if points.get_label().startswith("alone")]
    )
    np.testing.assert_allclose(offsets, np.stack([rows[:20, 0], found.values[:20, 0, 0, 0]], axis=1), atol=1e-12)


def test_a_named_partner_and_none(rows):
    found = pellucid.shapley(product, rows, background=np.zeros((1, 4)))
    assert bar_of(plots.dependence(found, 0, partner="x3")) == "x3"
    assert bar_of(plots.dependence(found, 0, partner=None)) is None


def test_no_partner_where_nothing_else_matters(rows):
    values = np.zeros((120, 2))
    values[:, 0] = rows[:, 0]
    found = Attribution.from_array(values, parts=["a", "b"], data=np.stack([rows[:, 0], np.ones(120)], axis=1))
    assert bar_of(plots.dependence(found, "a")) is None


def test_missing_values_and_constant_parts_are_drawn(rows):
    data = rows.copy()
    data[::7, 0] = np.nan
    data[::5, 2] = np.nan
    data[:, 3] = 2.0
    values = np.where(np.isfinite(data), data, 0.0)
    ax = plots.dependence(Attribution.from_array(values, parts=list("abcd"), data=data), "a")
    assert ax.get_xlabel() == "a"


def test_what_is_no_result_is_refused(rows):
    with pytest.raises(InputError, match="result must be"):
        plots.dependence(rows, 0)
    found = Attribution.from_array(rows, parts=list("abcd"), data=rows)
    with pytest.raises(InputError, match="part"):
        plots.dependence(found, "z")
    with pytest.raises(InputError, match="partner"):
        plots.dependence(found, "a", partner="z")
