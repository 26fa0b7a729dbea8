"""Models whose inside is known, through the explainers: the games, the outputs, the report, the ways out."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from attribution.white_box_models import (
    BACKGROUND,
    SLOPES,
    TREES,
    Classifier,
    D,
    Fitted,
    X,
    floats,
    forest,
    line,
    margins,
    readable,  # noqa: F401  a fixture
    with_link,
)
from pellucid import (
    BudgetError,
    CausalOrder,
    InputError,
    ModelFormatError,
    ShapleyInteractions,
    interactions,
    shapley,
)
from pellucid.whitebox import Forest
from reference.forests import forest_of, interaction_index, marginal_value, path_dependent_value, random_tree
from reference.forests import shapley as enumerated


class TestGames:
    def test_path_dependent_values_without_a_background(self):
        found = shapley(forest(), X)
        for x, values in zip(X, found.values, strict=True):
            expected = enumerated(lambda known, x=x: path_dependent_value(TREES, x, known), D)
            np.testing.assert_allclose(values, floats(expected), atol=1e-12)
        assert found.std_err is None
        np.testing.assert_allclose(found.residual, 0.0, atol=1e-12)
        np.testing.assert_allclose(found.base_values, floats([path_dependent_value(TREES, X[0], ())] * 3), atol=1e-12)
        assert found.report.value_function == "path_dependent"
        assert found.report.method == "Shapley values of trees, path-dependent"

    def test_marginal_values_against_all_rows(self):
        weights = np.array([1.0, 2.0, 0.5, 0.25, 0.25])
        found = shapley(forest(), X, background=BACKGROUND, background_weights=weights)
        share = [float(w) / 4.0 for w in weights]
        for x, values in zip(X, found.values, strict=True):
            expected = enumerated(lambda known, x=x: marginal_value(TREES, x, known, BACKGROUND, share), D)
            np.testing.assert_allclose(values, floats(expected), atol=1e-12)
        assert found.report.method == "Shapley values of trees, marginal"
        assert found.report.background_rows == 5
        assert found.report.coalitions == 0

    def test_one_row_of_background_is_the_baseline_game(self):
        found = shapley(forest(), X, background=BACKGROUND[:1])
        assert found.report.value_function == "baseline"
        sampled = shapley(lambda rows: margins(forest(), rows), X, background=BACKGROUND[:1], method="exact")
        np.testing.assert_allclose(found.values, sampled.values, atol=1e-12)

    @pytest.mark.parametrize("background", [None, BACKGROUND], ids=["path", "marginal"])
    def test_a_group_is_one_player(self, background):
        found = shapley(forest(), X, background=background, groups={"both": ["x1", "x3"]})
        members = [{0}, {1, 3}, {2}]

        def value(players, x):
            known = set().union(*(members[i] for i in players))
            if background is None:
                return path_dependent_value(TREES, x, known)
            return marginal_value(TREES, x, known, background)

        assert found.parts == ("x0", "both", "x2")
        for x, values in zip(X, found.values, strict=True):
            np.testing.assert_allclose(values, floats(enumerated(lambda s, x=x: value(s, x), 3)), atol=1e-12)
        assert np.isnan(found.data[:, 1]).all()
        assert found.display[0, 1] == f"x1={X[0, 1]:.4g}, x3={X[0, 3]:.4g}"

    @pytest.mark.parametrize("background", [None, BACKGROUND], ids=["path", "marginal"])
    def test_interactions(self, background):
        found = interactions(forest(), X, background=background)

        def value(known, x):
            if background is None:
                return path_dependent_value(TREES, x, known)
            return marginal_value(TREES, x, known, background)

        for i, x in enumerate(X):
            expected = floats(interaction_index(lambda known, x=x: value(known, x), D))
            off = ~np.eye(D, dtype=bool)
            np.testing.assert_allclose(found.index[i][off], expected[off], atol=1e-12)
        np.testing.assert_allclose(found.shapley.values, shapley(forest(), X, background=background).values, atol=1e-12)
        assert found.std_err is None
        assert found.report.method.startswith("Shapley interactions of trees")

    def test_a_linear_function(self):
        model = line()
        found = shapley(model, X, background=BACKGROUND, outputs=1)
        expected = SLOPES[:, 1] * (X - BACKGROUND.mean(axis=0))
        np.testing.assert_allclose(found.values[:, :, 0], expected, atol=1e-12)
        assert found.report.method == "Shapley values of a linear model, marginal"
        assert found.report.error_bound < 1e-12
        np.testing.assert_array_equal(
            shapley(model, X, background=BACKGROUND, method="linear", outputs=1).values, found.values
        )
        assert not interactions(model, X, background=BACKGROUND).index[:, 0, 1].any()
        with pytest.raises(InputError, match=r"background is missing.*no trees"):
            shapley(model, X)

    @pytest.mark.parametrize("more", [{}, {"causal": CausalOrder([["x0", "x1"], ["x2", "x3"]])}], ids=["", "causal"])
    def test_a_linear_function_under_a_normal_law(self, more):
        many = np.random.default_rng(0).normal(size=(40, D)) @ np.random.default_rng(1).normal(size=(D, D))
        options = {"background": many, "value_function": "auto" if more else "conditional", **more}
        found = shapley(line(), X, **options)
        sampled = shapley(line().predict, X, method="exact", **options)
        np.testing.assert_allclose(found.values, sampled.values, atol=1e-9)
        np.testing.assert_allclose(found.base_values, sampled.base_values, atol=1e-9)
        assert found.report.method == f"Shapley values of a linear model, {found.report.value_function}"
        pairs = ShapleyInteractions(line(), budget=30_000, **options)(X)
        assert pairs.report.method.startswith("exact")


class TestOutputs:
    def test_a_boosted_classifier_is_explained_as_a_margin(self):
        model = Classifier(forest(margin="log-odds"))
        found = shapley(model, X)
        np.testing.assert_allclose(found.values, shapley(forest(), X).values, atol=1e-12)
        assert found.report.model_output == "raw"
        assert "the log-odds is explained" in found.report.why

    def test_its_probability_needs_a_background(self):
        with pytest.raises(InputError, match=r"model_output='probability' needs a background.*'raw'"):
            shapley(Classifier(forest()), X, model_output="probability")
        sampled = shapley(Classifier(forest()), X, background=BACKGROUND)
        assert sampled.report.method == "exact Shapley values"
        with pytest.raises(InputError, match=r"method='tree' is not possible.*logistic link"):
            shapley(Classifier(forest()), X, background=BACKGROUND, method="tree")

    @pytest.mark.parametrize("background", [None, BACKGROUND], ids=["path", "marginal"])
    def test_a_logit_undoes_the_link_of_the_model(self, background):
        plain = shapley(forest(), X, background=background)
        found = shapley(Classifier(forest()), X, background=background, link="logit")
        assert found.outputs == ("no", "yes")
        np.testing.assert_allclose(found.values[:, :, 1:], plain.values, atol=1e-12)
        np.testing.assert_allclose(found.values[:, :, :1], -plain.values, atol=1e-12)
        np.testing.assert_allclose(found.residual, 0.0, atol=1e-12)
        assert "of trees" in found.report.method

    def test_raw_against_a_background(self):
        found = shapley(Classifier(forest()), X, background=BACKGROUND, model_output="raw")
        np.testing.assert_allclose(found.values, shapley(forest(), X, background=BACKGROUND).values, atol=1e-12)

    @pytest.mark.parametrize("outputs", [None, 1, "predicted", "top:2", ["output 2", 0]], ids=str)
    def test_which_outputs(self, outputs):
        random = np.random.default_rng(1)
        trees = [random_tree(random, D, depth=2, outputs=3) for _ in range(2)]
        model = forest_of(trees, D, outputs=3)
        all_of_them = shapley(model, X)
        found = shapley(model, X, outputs=outputs)
        sampled = shapley(lambda rows: margins(model, rows), X, background=BACKGROUND, outputs=outputs)
        assert found.outputs == sampled.outputs
        chosen = sampled.selected
        if chosen is None:
            columns = [all_of_them.outputs.index(name) for name in found.outputs]
            np.testing.assert_array_equal(found.values, all_of_them.values[:, :, columns])
        else:
            np.testing.assert_array_equal(found.selected, chosen)
            np.testing.assert_array_equal(
                found.values, np.take_along_axis(all_of_them.values, chosen[:, None, :], axis=2)
            )

    def test_margins_of_a_model_that_cannot_return_them(self):
        model = Fitted(with_link(forest(margin="log of the mean"), "exp"))
        model.predict = lambda rows: np.exp(margins(model.inside, np.asarray(rows)))
        found = shapley(model, X)
        np.testing.assert_allclose(found.values, shapley(forest(), X).values, atol=1e-12)
        assert found.report.model_output == "raw"
        undone = shapley(model, X, link="log")
        np.testing.assert_array_equal(undone.values, found.values)


class TestWaysOut:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"background": BACKGROUND, "value_function": "path_dependent"}, "background must be None"),
            ({"background": BACKGROUND, "precision": "single"}, "precision must be 'double' with a background"),
            ({"background": BACKGROUND, "method": "linear"}, "method='linear' is not possible"),
            ({"background": BACKGROUND, "method": "tree", "order": [["x0"], ["x1"]]}, "an order of the players"),
            ({"precision": "half"}, "precision must be one of"),
            ({"order": [["x0"], ["x1"]]}, "background is missing.*an order"),
            ({"method": "regression"}, "background is missing.*'regression'"),
            ({"background_weights": [1.0]}, "background is missing"),
            ({"link": "log"}, "link='log' needs a background"),
        ],
        ids=lambda one: None if isinstance(one, dict) else one[:30],
    )
    def test_options_that_do_not_fit(self, options, message):
        with pytest.raises(InputError, match=message):
            shapley(forest(), X, **options)

    def test_a_callable_has_no_inside(self):
        with pytest.raises(InputError, match=r"background is missing.*no trees or coefficients can be read"):
            shapley(lambda rows: rows.sum(axis=1), X)
        with pytest.raises(InputError, match="method='tree' is not possible: no trees"):
            shapley(lambda rows: rows.sum(axis=1), X, background=BACKGROUND, method="tree")

    def test_trees_without_cover(self):
        inside = forest()
        bare = Forest(**{**inside.arrays, "cover": None})
        with pytest.raises(InputError, match=r"background is missing.*training rows each node has"):
            shapley(bare, X)
        assert shapley(bare, X, background=BACKGROUND).std_err is None

    def test_what_cannot_be_read_is_sampled(self, monkeypatch):
        def refuse(model, *, model_output):
            raise ModelFormatError("text features")

        monkeypatch.setattr("pellucid.adapters.structures.find_structure", refuse)
        found = shapley(Fitted(forest()), X, background=BACKGROUND)
        assert any("cannot be followed: text features" in warning for warning in found.report.warnings)
        with pytest.raises(ModelFormatError, match="text features"):
            shapley(Fitted(forest()), X)

    def test_other_games_are_played_as_before(self):
        model = forest()
        assert shapley(model, X, background=BACKGROUND, method="exact").report.method == "exact Shapley values"
        ordered = shapley(model, X, background=BACKGROUND, order={"x0": ["x1"]})
        assert "asymmetric" in ordered.report.method
        many = np.random.default_rng(0).normal(size=(30, D))
        conditional = shapley(model, X, background=many, value_function="conditional", budget=20_000)
        assert conditional.report.value_function == "conditional, gaussian"


class TestResult:
    def test_refining_what_is_exact_changes_nothing(self):
        found = shapley(forest(), X)
        assert found.refine(10) is found
        with pytest.raises(InputError, match="budget must be"):
            found.refine(0)

    def test_the_report_bounds_the_rounding(self):
        found = shapley(forest(), X)
        assert 0.0 < found.report.error_bound < 1e-10
        assert "rounding error at most" in str(found)
        assert "rounding error at most" in found._repr_html_()
        assert "at their thresholds" in found.report.why
        assert "kernels" in found.report.why

    def test_the_report_bounds_the_rounding_of_interactions(self):
        found, values = interactions(forest(), X), shapley(forest(), X)
        # A matrix adds the errors of what its diagonal takes off a value.
        assert values.report.error_bound < found.report.error_bound < 1e-9
        apart = np.abs(found.values.sum(axis=2) - values.values).max()
        assert apart <= D * found.report.error_bound
        for i, x in enumerate(X):
            value = lambda known, x=x: path_dependent_value(TREES, x, known)  # noqa: E731
            halves = np.array(interaction_index(value, D), dtype=object) / 2
            halves[range(D), range(D)] = np.array(enumerated(value, D), dtype=object) - halves.sum(axis=1)
            np.testing.assert_allclose(found.values[i], floats(halves), rtol=0, atol=found.report.error_bound)

    def test_a_time_limit_stops_between_blocks_of_rows(self):
        rows = np.repeat(X, 50, axis=0)
        with pytest.raises(BudgetError, match=r"time_limit of 1e-09 s is over after 1 of 150 rows: .*; explain fewer"):
            shapley(forest(), rows, time_limit=1e-9, batch_bytes=8)
        # What fits into one block is there, however late.
        np.testing.assert_array_equal(shapley(forest(), X, time_limit=1e-9).values, shapley(forest(), X).values)

    def test_a_margin_is_called_what_it_is(self):
        inside = forest(link="logistic", margin="log-odds")
        assert shapley(inside, X).outputs == ("log-odds",)
        assert shapley(inside, X, output_names=["mine"]).outputs == ("mine",)
        assert shapley(inside, X, background=BACKGROUND, model_output="raw", method="permutation").outputs == (
            "log-odds",
        )

    def test_saved_and_loaded(self, tmp_path):
        found = shapley(forest(), X)
        found.save(tmp_path / "a.npz")
        assert type(found).load(tmp_path / "a.npz") == found
        assert pickle.loads(pickle.dumps(found)) == found

    def test_the_tolerance_is_reached(self):
        assert shapley(forest(), X, tolerance=0.1).report.converged == (True, True, True)
