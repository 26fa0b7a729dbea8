"""Conditional and causal values against closed forms, and the options that choose a game."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from attribution.law_cases import (
    BACKGROUND,
    BETA,
    WEIGHTS,
    D,
    X,
    conditional,
    curved,
    expected_quadratic,
    linear,
    moments,
    quadratic,
    shapley_by_subsets,
    whole,
)
from pellucid import BudgetError, CausalOrder, InputError, Shapley, Space, shapley
from pellucid.representation import ConditionalGaussian, GaussianLaw
from reference.conditional import kernel_weights


class TestGaussian:
    @pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
    def test_a_quadratic_model_has_its_closed_form(self, weights):
        """The draws have the moments of the law exactly, so no error is left but rounding."""
        mean, covariance = moments(weights)

        result = conditional(quadratic, background_weights=weights, method="exact")(X)

        for x, values, base in zip(X, result.values[:, :, 0], result.base_values[:, 0], strict=True):
            expected = shapley_by_subsets(D, lambda S, x=x: expected_quadratic(*whole(x, S, mean, covariance)))
            np.testing.assert_allclose(values, expected, rtol=0, atol=1e-10 * np.abs(quadratic(X)).max())
            np.testing.assert_allclose(base, expected_quadratic(mean, covariance), rtol=1e-11)
        assert result.report.value_function == "conditional, gaussian"
        assert np.abs(result.residual).max() < 1e-10

    def test_a_linear_model_has_its_closed_form(self):
        mean, covariance = moments()

        result = conditional(linear)(X)

        for x, values in zip(X, result.values[:, :, 0], strict=True):
            expected = shapley_by_subsets(D, lambda S, x=x: linear(whole(x, S, mean, covariance)[0][None])[0])
            np.testing.assert_allclose(values, expected, rtol=0, atol=1e-10)

    def test_another_model_has_its_expectation_within_the_error_of_the_draws(self):
        """Twenty seeds name independent sets of draws: their mean is within 4.5 of its standard errors."""
        mean, covariance = moments()
        x, known = X[0], [1, 3]
        m, V = whole(x, known, mean, covariance)
        root = np.linalg.cholesky(V[np.ix_([0, 2], [0, 2])])
        nodes, weights = np.polynomial.hermite_e.hermegauss(40)
        grid = np.array([[a, b] for a in nodes for b in nodes])
        rows = np.tile(m, (len(grid), 1))
        rows[:, [0, 2]] += grid @ root.T
        mass = np.outer(weights, weights).ravel() / weights.sum() ** 2
        smooth = lambda rows: np.tanh(rows[:, 0]) * np.exp(-0.1 * rows[:, 1] ** 2) + np.cos(rows[:, 2] + rows[:, 3])  # noqa: E731
        truth = mass @ smooth(rows)

        space, found = Space.infer(BACKGROUND), []
        for seed in range(20):
            law = GaussianLaw.fit(BACKGROUND, np.full(60, 1 / 60), space=space, n_draws=100, seed=seed)
            completed = ConditionalGaussian(x, law, space=space).compose_grid(
                np.array([[0, 1, 0, 1]]), first=0, count=100
            )
            found.append(smooth(completed).mean())

        assert abs(np.mean(found) - truth) < 4.5 * np.std(found, ddof=1) / np.sqrt(20)
        assert np.std(found) > 1e-4

    def test_sampling_coalitions_agrees_with_all_of_them(self):
        exact = conditional(curved, method="exact")(X)

        sampled = conditional(curved, method="regression", budget=2400)(X)

        error = np.abs(sampled.values - exact.values)
        assert (error <= 4.5 * sampled.std_err + 1e-9).all()
        assert 0 < sampled.std_err.max() < 0.1

    def test_independent_features_have_nearly_their_marginal_values(self):
        signs = np.array([[a, b, c, d] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1) for d in (-1, 1)], float)

        result = conditional(linear, signs)(X)

        np.testing.assert_allclose(result.values, shapley(linear, X, background=signs).values, atol=1e-10)

    def test_a_feature_that_the_model_ignores_gets_half_of_what_it_tells(self):
        """f = x0, correlation rho: v(x1) = rho x1, so each gets half of what x1 tells of x0."""
        rho = 0.8
        background = np.array([[1, 1], [-1, -1], [1, -1], [-1, 1]], float)
        weights = [1 + rho, 1 + rho, 1 - rho, 1 - rho]

        result = conditional(lambda rows: rows[:, 0], background, background_weights=weights)(np.array([[2.0, 3.0]]))

        np.testing.assert_allclose(result.values[0, :, 0], [2.0 - rho * 3.0 / 2, rho * 3.0 / 2], atol=1e-12)

    def test_groups_are_known_together(self):
        mean, covariance = moments()
        groups = {"outer": ["x0", "x3"]}
        members = [[0, 3], [1], [2]]

        result = conditional(quadratic, groups=groups, method="exact")(X)

        def v(S):
            return expected_quadratic(*whole(X[0], [c for part in S for c in members[part]], mean, covariance))

        np.testing.assert_allclose(result.values[0, :, 0], shapley_by_subsets(3, v), atol=1e-9)

    def test_a_singular_background_is_said(self):
        background = np.column_stack([BACKGROUND, BACKGROUND[:, 0] * 2.0])
        rows = np.column_stack([X, X[:, 0] * 2.0])

        result = conditional(lambda rows: rows[:, 0], background)(rows)

        assert any("singular" in warning and "some determine others" in warning for warning in result.report.warnings)
        np.testing.assert_allclose(result.values[:, 0, 0], result.values[:, 4, 0], atol=1e-7)

    def test_few_rows_are_said(self):
        result = conditional(linear, BACKGROUND[:3])(X)

        assert any("3 background rows for 4 features" in warning for warning in result.report.warnings)

    def test_constant_columns_are_said_and_tell_nothing(self):
        background, rows = BACKGROUND.copy(), X.copy()
        background[:, 2], rows[:, 2] = 7.0, 9.0

        result = conditional(linear, background, method="exact")(rows)

        assert any("constant" in warning and "'x2'" in warning for warning in result.report.warnings)
        np.testing.assert_allclose(result.values[:, 2, 0], BETA[2] * 2.0, atol=1e-10)

    def test_integers_are_numbers(self):
        frame = pd.DataFrame({"a": BACKGROUND[:, 0], "n": np.arange(60)})

        result = conditional(lambda rows: rows["a"] + rows["n"], frame)(frame[:2])

        assert np.abs(result.residual).max() < 1e-9

    def test_a_pickled_explainer_keeps_its_draws(self):
        explain = conditional(curved)
        copy = pickle.loads(pickle.dumps(explain))

        assert copy(X).values.tobytes() == explain(X).values.tobytes()

    def test_the_draws_are_charged(self):
        with pytest.raises(BudgetError, match=r"budget=150.*the draws.* or fewer draws"):
            conditional(linear, budget=150)(X)
        with pytest.raises(BudgetError, match=r"2\^4 coalitions against 200 draws.*fewer draws"):
            conditional(linear, method="exact", budget=1000)(X)


class TestCopula:
    def test_values_come_from_the_background(self):
        seen = []

        def model(rows):
            seen.append(rows.copy())
            return linear(rows)

        conditional(model, conditional="copula")(X[:1])

        rows = np.concatenate(seen)
        for column in range(D):
            assert set(rows[:, column]) <= {*BACKGROUND[:, column], X[0, column]}

    def test_the_scale_of_a_feature_does_not_matter(self):
        """Any increasing change of a column, undone by the model, changes nothing."""

        def stretched(rows):
            return curved(np.column_stack([np.log(rows[:, 0]), rows[:, 1:]]))

        background, rows = BACKGROUND.copy(), X.copy()
        background[:, 0], rows[:, 0] = np.exp(BACKGROUND[:, 0]), np.exp(X[:, 0])

        plain = conditional(curved, conditional="copula")(X)
        changed = conditional(stretched, background, conditional="copula")(rows)

        np.testing.assert_allclose(changed.values, plain.values, atol=1e-10)
        assert plain.report.value_function == "conditional, copula"

    def test_a_normal_background_has_nearly_the_gaussian_values(self):
        rng = np.random.default_rng(4)
        background = rng.normal(size=(4000, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]])
        row = np.array([[1.0, -0.5]])

        options = {"conditional_draws": 4000, "method": "exact"}
        gaussian = conditional(lambda rows: rows[:, 0], background, **options)(row)
        copula = conditional(lambda rows: rows[:, 0], background, conditional="copula", **options)(row)

        np.testing.assert_allclose(copula.values, gaussian.values, atol=0.03)

    def test_a_row_beyond_the_background_is_its_end(self):
        """What is told about the others ends at the background's range; the row itself keeps its value."""
        top = BACKGROUND.max(axis=0)
        far, further = top + 1.0, top + 100.0

        def others(rows):
            return rows[:, 1]

        values = conditional(others, conditional="copula", method="exact")(np.vstack([top, far, further])).values[
            :, :, 0
        ]

        np.testing.assert_allclose(values[1:, [0, 2, 3]], values[[0, 0]][:, [0, 2, 3]], atol=1e-12)
        assert np.abs(values[0, [0, 2, 3]]).min() > 1e-3
        np.testing.assert_allclose(values[1:, 1] - values[0, 1], [1.0, 100.0])

    def test_ties_and_booleans_keep_their_frequencies(self):
        rng = np.random.default_rng(1)
        frame = pd.DataFrame(
            {"flag": rng.random(200) < 0.3, "count": rng.integers(0, 4, 200), "x": rng.normal(size=200)}
        )

        explain = conditional(
            lambda rows: rows["flag"].astype(float), frame, conditional="copula", conditional_draws=4000
        )

        assert explain(frame[:1]).base_values[0, 0] == pytest.approx(frame["flag"].mean(), abs=0.02)


class TestEmpirical:
    def test_values_are_means_over_the_nearest_rows(self):
        covariance = moments()[1]
        equal = np.full(60, 1 / 60)

        result = conditional(curved, conditional="empirical", conditional_draws=None, method="exact")(X)

        def v(S, x):
            S = sorted(S)
            rows = BACKGROUND.copy()
            rows[:, S] = x[S]
            return kernel_weights(x, S, BACKGROUND, equal, covariance, 0.1, 0.95) @ curved(rows)

        for x, values in zip(X, result.values[:, :, 0], strict=True):
            np.testing.assert_allclose(values, shapley_by_subsets(D, lambda S, x=x: v(S, x)), atol=1e-9)
        np.testing.assert_allclose(result.base_values[:, 0], curved(BACKGROUND).mean(), rtol=1e-12)
        assert result.report.value_function == "conditional, empirical"

    def test_a_wide_kernel_that_keeps_all_is_nearly_marginal(self):
        wide = conditional(
            curved, conditional="empirical", conditional_draws=None, conditional_sigma=1e4, method="exact"
        )

        values = wide(X).values

        marginal = shapley(curved, X, background=BACKGROUND, method="exact").values
        assert np.abs(values - marginal).max() < 0.1 * np.abs(marginal).max()

    @pytest.mark.parametrize("method", ["exact", "regression", "permutation"])
    def test_the_report_counts_the_rows_that_were_played(self, method):
        asked = []

        def model(rows):
            asked.append(len(rows))
            return curved(rows)

        explain = conditional(model, conditional="empirical", conditional_draws=5, method=method)
        result = explain(X)

        assert sum(result.report.rows_per_row) == sum(asked)
        if method == "exact":
            assert max(result.report.rows_per_row) <= 60 + 34 + 2 + 14 * 5
            return
        refined = conditional(model, conditional="empirical", conditional_draws=5, method=method, budget=160)(X)
        assert max(refined.report.rows_per_row) <= 160
        asked.clear()
        more = refined.refine(220)
        assert sum(more.report.rows_per_row) - sum(refined.report.rows_per_row) == sum(asked)

    def test_a_coalition_may_not_cost_more_than_the_budget_says(self):
        with pytest.raises(BudgetError, match="against 60 background rows"):
            conditional(curved, conditional="empirical", conditional_draws=None, method="exact", budget=900)(X)

    def test_categories_and_missing_categories_are_the_same_or_not(self):
        frame = pd.DataFrame({"kind": ["a", "b", None, "a"] * 15, "x": BACKGROUND[:, 0]})

        def model(rows):
            return rows["x"] + (rows["kind"] == "a") + 3.0 * rows["kind"].isna()

        result = conditional(model, frame, conditional="empirical", conditional_draws=None)(frame[:3])

        assert np.abs(result.residual).max() < 1e-12


FRAME = pd.DataFrame({"x": BACKGROUND[:, 0], "kind": ["a", "b"] * 30, "flag": [True, False, True] * 20})
SIZES = pd.DataFrame({"x": BACKGROUND[:, 0], "size": pd.Categorical(["s", "l"] * 30, ["s", "l"], ordered=True)})


class TestOptions:
    def test_auto_is_baseline_for_one_row_and_marginal_for_more(self):
        assert shapley(linear, X, background=BACKGROUND[:1]).report.value_function == "baseline"
        assert shapley(linear, X, background=BACKGROUND).report.value_function == "marginal"

    def test_the_name_asked_for_is_reported(self):
        marginal = shapley(linear, X, background=BACKGROUND[:1], value_function="marginal")
        baseline = shapley(linear, X, background=BACKGROUND[:1], value_function="baseline")

        assert marginal.report.value_function == "marginal"
        assert baseline.report.value_function == "baseline"
        assert marginal.values.tobytes() == baseline.values.tobytes()

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"value_function": "observational"}, "value_function must be one of"),
            ({"value_function": "path_dependent"}, "background must be None.*'marginal'"),
            ({"value_function": "baseline"}, "one row.*mean row"),
            ({"value_function": "causal"}, "CausalOrder"),
            ({"value_function": "marginal", "causal": CausalOrder([["x0"]])}, "go together"),
            ({"value_function": "conditional", "causal": CausalOrder([["x0"]])}, "go together"),
            ({"causal": [["x0"], ["x1"]]}, "causal must be a CausalOrder"),
            ({"causal": CausalOrder([["x0"], ["x1"]])}, "'x2', 'x3'"),
            ({"causal": CausalOrder([["x0", "y"]])}, "'y'"),
            ({"causal": CausalOrder([["x0"]]), "conditional": "empirical"}, "'gaussian' or 'copula'"),
            ({"conditional": "gaussian"}, "conditional must be None"),
            ({"conditional_draws": 100}, "conditional_draws must be None"),
            ({"conditional_sigma": 0.1}, "conditional_sigma must be None"),
            ({"value_function": "conditional", "conditional": "vine"}, "'copula'"),
            ({"value_function": "conditional", "conditional_draws": 7}, "even number of at least 8"),
            ({"value_function": "conditional", "conditional_draws": 6}, "even number of at least 8"),
            ({"value_function": "conditional", "conditional_draws": 10.0}, "even number"),
            ({"value_function": "conditional", "conditional_sigma": 0.1}, "conditional_sigma must be None"),
            ({"value_function": "conditional", "conditional": "empirical", "conditional_sigma": -1}, "positive"),
            ({"value_function": "conditional", "conditional": "empirical", "conditional_draws": 0}, "at least 1"),
        ],
    )
    def test_options_that_do_not_fit_are_refused(self, options, words):
        with pytest.raises(InputError, match=words):
            Shapley(linear, BACKGROUND, **options)

    def test_one_row_has_no_law(self):
        with pytest.raises(InputError, match="1 distinct row"):
            conditional(linear, BACKGROUND[[0, 0]])

    @pytest.mark.parametrize(
        ("frame", "law", "words"),
        [
            (FRAME, "gaussian", r"'kind \(categorical\)', 'flag \(boolean\)'.*'empirical'"),
            (FRAME[["x", "flag"]], "gaussian", r"'flag \(boolean\)'.*'copula'"),
            (SIZES, "gaussian", r"'size \(ordinal\)'.*'copula'"),
            (FRAME, "copula", r"'kind \(categorical\)'.*'empirical'"),
        ],
    )
    def test_kinds_that_a_law_cannot_describe_are_refused(self, frame, law, words):
        with pytest.raises(InputError, match=words):
            conditional(lambda rows: rows["x"], frame, conditional=law)

    @pytest.mark.parametrize("frame", [FRAME[["x", "flag"]], SIZES])
    def test_ordered_kinds_have_a_copula(self, frame):
        result = conditional(lambda rows: rows["x"], frame, conditional="copula")(frame[:2])

        assert np.abs(result.residual).max() < 1e-12

    @pytest.mark.parametrize("law", ["gaussian", "copula", "empirical"])
    def test_missing_values_are_refused(self, law):
        draws = None if law == "empirical" else 200
        holed, rows = BACKGROUND.copy(), X.copy()
        holed[3, 1], rows[1, 2] = np.nan, np.nan

        with pytest.raises(InputError, match=r"background.*'x1'.*'marginal'"):
            conditional(linear, holed, conditional=law, conditional_draws=draws)
        with pytest.raises(InputError, match=r"explained rows.*'x2'"):
            conditional(lambda rows: np.nan_to_num(rows) @ BETA, conditional=law, conditional_draws=draws)(rows)
