"""Lime of models whose trees are known: the limit of its samples, without any."""

import pickle

import numpy as np
import pytest
from pellucid import Lime
from pellucid.errors import InputError, ModelFormatError
from pellucid.estimation import forest_lime_limit
from pellucid.model import Model
from pellucid.representation.table_law import TableLaw
from pellucid.space import Space
from reference import forests

PROBE_AT_MOST = 200


def grown(seed=0, *, trees=5, **options):
    return forests.grown(seed, trees=trees, features=4, **options)


@pytest.fixture
def rows():
    return np.random.default_rng(1).normal(size=(300, 4)) * 1.5


def test_lime_of_a_forest_is_its_limit(rows):
    forest = grown(trees=6, outputs=2, tree_outputs=[0, 1, 0, 1, 1, 0], base=[1.0, -1.0])
    explanation = Lime(forest, rows)(rows[:3])
    law = TableLaw.learn(rows, Space.infer(rows))
    for row in range(3):
        limit = forest_lime_limit(forest, law.around(rows[row]))
        assert np.array_equal(explanation.values[row], limit.coefficients)
        assert np.allclose(explanation.base_values[row], limit.intercept, rtol=0, atol=1e-12)
    assert explanation.std_err is None
    assert explanation.adds_up
    assert np.allclose(explanation.predictions, forest.margins(rows[:3]), rtol=0, atol=1e-12)
    report = explanation.report
    assert report.method == "LIME limit of trees, exact"
    assert report.largest_std_err == 0.0
    assert 0 < sum(report.rows_per_row) < PROBE_AT_MOST


def test_a_second_call_takes_no_model_rows(rows):
    explainer = Lime(grown(), rows, budget=10, tolerance=0.01)
    assert sum(explainer(rows[:2]).report.rows_per_row) > 0
    again = explainer(rows[:5]).report
    assert again.rows_per_row == (0,) * 5
    assert again.converged == (True,) * 5


@pytest.mark.parametrize(
    "options", [{}, {"bins": None}, {"bins": None, "around": "instance"}, {"kernel_width": 0.8}], ids=str
)
def test_samples_are_as_far_from_it_as_they_say(rows, options):
    forest = grown(3)
    exact = Lime(forest, rows, method="tree", **options)(rows[:1])
    sampled = Lime(forest, rows, method="sampling", **options)(rows[:1])
    z = (sampled.values - exact.values) / sampled.std_err
    assert np.abs(z[np.isfinite(z)]).max() < 3.5
    assert exact.r2[0, 0] == pytest.approx(sampled.r2[0, 0], abs=0.05)
    assert sampled.report.method == "LIME"
    assert sampled.report.rows_used > 4000


def test_few_parts_have_the_coefficients_of_all(rows):
    forest = grown(5)
    whole = Lime(forest, rows)(rows[:1])
    few = Lime(forest, rows, max_features=2)(rows[:1])
    kept = few.order[0, :, 0] >= 0
    assert kept.sum() == 2
    assert sorted(few.order[0, kept, 0]) == [0, 1]
    assert np.array_equal(few.values[0, kept], whole.values[0, kept])
    assert (few.values[0, ~kept] == 0).all()
    assert few.r2[0, 0] < whole.r2[0, 0]
    # One row in two directions: what is left out moves into the intercept, by its mean.
    near = TableLaw.learn(rows, Space.infer(rows)).around(rows[0])
    moved = (near.measure[~kept] * whole.values[0, ~kept, 0]).sum()
    assert few.base_values[0, 0] == pytest.approx(whole.base_values[0, 0] + moved, abs=1e-12)


def test_a_constant_forest_is_explained_whole(rows):
    forest = forests.forest_of([[{"values": [2.0], "cover": 1.0}]], 4)
    found = Lime(forest, rows)(rows[:1])
    assert (found.values == 0).all()
    assert found.r2[0, 0] == 1.0
    assert found.base_values[0, 0] == 2.0


def test_what_goes_through_a_link_is_sampled_unless_the_margin_is_asked_for(rows):
    forest = grown(2, link="logistic")
    assert Lime(forest, rows)(rows[:1]).report.method == "LIME"
    with pytest.raises(
        InputError, match=r"method='tree' is not possible: the outputs of .* go through a logistic link"
    ):
        Lime(forest, rows, method="tree")(rows[:1])
    raw = Lime(forest, rows, model_output="raw")(rows[:1])
    logit = Lime(forest, rows, link="logit", outputs=1)(rows[:1])
    assert raw.report.method == logit.report.method == "LIME limit of trees, exact"
    assert np.array_equal(raw.values, logit.values)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"compat": "lime"}, "compat='lime' is a fit to samples"),
        ({"sampler": lambda n, seed: np.zeros((n, 4))}, "a sampler of your own"),
        ({"kernel": lambda distance: 1.0 / (1.0 + distance)}, "only the usual kernel"),
        ({"ridge": 2.0}, "a ridge of 2 belongs to a number of samples"),
        ({"surrogate": "tree"}, "a surrogate of your own"),
        ({"bins": None, "continuous": "rows"}, "whole rows of the background"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_other_fits_are_sampled(rows, options, words):
    assert "LIME limit" not in Lime(grown(), rows, **options)(rows[:1]).report.method
    with pytest.raises(InputError, match=f"method='tree' is not possible: {words}"):
        Lime(grown(), rows, method="tree", **options)(rows[:1])


def test_method_is_one_of_three_and_needs_trees(rows):
    with pytest.raises(InputError, match="method must be one of 'auto', 'tree', 'sampling', got 'exact'"):
        Lime(grown(), rows, method="exact")
    with pytest.raises(InputError, match="method='tree' is not possible: no trees can be read from"):
        Lime(lambda X: X.sum(axis=1), rows, method="tree")(rows[:1])


def test_trees_that_are_not_what_the_model_predicts_are_not_followed(rows, monkeypatch):
    forest = grown()
    monkeypatch.setattr(Model, "structure", property(lambda model: forest))

    def other(X):
        return forest.predict(X) + (X[:, :1] > 0)

    sampled = Lime(other, rows)(rows[:1])
    assert sampled.report.method == "LIME"
    assert any(warning.startswith("sampled, since what was read from") for warning in sampled.report.warnings)
    with pytest.raises(ModelFormatError, match="refusing: what was read from"):
        Lime(other, rows, method="tree")(rows[:1])
    assert Lime(forest.predict, rows)(rows[:1]).report.method == "LIME limit of trees, exact"


def test_outputs_are_chosen_row_by_row(rows):
    forest = grown(trees=6, outputs=3, tree_outputs=[0, 1, 2, 0, 1, 2])
    largest = forest.margins(rows).argmax(axis=1)
    X = rows[[np.flatnonzero(largest == output)[0] for output in np.unique(largest)]]
    assert len(X) > 1
    whole, top = Lime(forest, rows)(X), Lime(forest, rows, outputs="predicted")(X)
    assert np.array_equal(top.values[:, :, 0], whole.values[np.arange(len(X)), :, np.unique(largest)])


def test_an_exact_explanation_speaks_of_leaves_and_survives_saving(rows, tmp_path):
    explanation = Lime(grown(), rows)(rows[:2])
    assert "leaves" in explanation.report.why
    explanation.save(tmp_path / "it.npz")
    assert np.array_equal(type(explanation).load(tmp_path / "it.npz").values, explanation.values)


@pytest.mark.parametrize("link", ["identity", "logistic"])
def test_an_explainer_that_has_explained_can_be_sent_to_another_process(rows, link):
    explainer = Lime(grown(link=link), rows, budget=2000)
    first = explainer(rows[:1])
    again = pickle.loads(pickle.dumps(explainer))(rows[:1])
    assert np.array_equal(first.values, again.values)
