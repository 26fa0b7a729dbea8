"""The explainer against the truth, for every method and every kind of background."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from attribution.small_cases import BACKGROUND, METHODS, MODEL, Counted, X, brute_force, rng
from estimation.closed_form import Products
from pellucid import Shapley, shapley
from pellucid.attribution import shapley as shapley_module
from reference.shapley_exact import rational_shapley


class TestTruth:
    @pytest.mark.parametrize("method", METHODS)
    def test_a_linear_model(self, method):
        """w_i (x_i - mu_i) for every method, and several outputs."""
        weights = np.array([[1.0, -2.0, 0.5, 0.0, 3.0], [0.0, 1.0, 1.0, -1.0, 2.0]])

        result = shapley(lambda rows: rows @ weights.T + 4.0, X, background=BACKGROUND, method=method)

        expected = (X - BACKGROUND.mean(axis=0))[:, :, None] * weights.T
        np.testing.assert_allclose(result.values, expected, atol=1e-12)
        np.testing.assert_allclose(result.predictions, X @ weights.T + 4.0, rtol=1e-13)
        np.testing.assert_allclose(result.base_values[0], (BACKGROUND @ weights.T + 4.0).mean(axis=0), rtol=1e-12)

    def test_a_linear_model_by_few_rows(self):
        """Also where most background rows are hardly played."""
        background = rng.normal(size=(300, 12))
        weights = rng.normal(size=12)
        for method, budget in (("regression", 333 + 260), ("permutation", 333 + 22 * 320 * 4)):
            result = shapley(lambda r: r @ weights, background[:2], background=background, method=method, budget=budget)

            expected = weights * (background[:2] - background.mean(axis=0))
            np.testing.assert_allclose(result.values[:, :, 0], expected, atol=1e-9)

    def test_exact_is_the_rational_oracle(self):
        """Small whole numbers, so that the oracle's input is the model's output and not a rounding of it."""
        model = Products(5, terms=[(0, 1, 2), (1, 3), (0, 2, 3, 4)], coefficients=[3, -2, 1], linear=[1, 0, 2, -1, 1])
        background = np.round(3 * BACKGROUND[:4])
        x = np.round(3 * X[0])

        table = []
        for coalition in range(32):
            inside = (coalition >> np.arange(5)) & 1 == 1
            outputs = model(np.where(inside, x, background))
            table.append(sum(Fraction(int(value)) for value in outputs) / len(background))
        expected = [float(value) for value in rational_shapley(table, 5)]

        result = shapley(model, x[None], background=background, method="exact")

        np.testing.assert_allclose(result.values[0, :, 0], expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
        assert result.std_err is None

    @pytest.mark.parametrize("method", METHODS)
    def test_the_closed_form_of_products(self, method):
        result = shapley(MODEL, X, background=BACKGROUND, method=method, budget=20_000)

        for row in range(3):
            expected = MODEL.values(X[row], BACKGROUND)
            error = np.abs(result.values[row, :, 0] - expected)
            reach = 0.0 if result.std_err is None else 4.5 * result.std_err[row, :, 0]
            assert (error <= reach + 1e-11).all()

    def test_brute_force_over_the_background(self):
        def model(rows):
            return np.column_stack(
                [np.tanh(rows[:, 0] * rows[:, 1]), rows.max(axis=1), (rows[:, 2] > rows[:, 3]) * rows[:, 4]]
            )

        result = shapley(model, X, background=BACKGROUND, method="exact")

        for row in range(3):
            np.testing.assert_allclose(result.values[row], brute_force(model, X[row], BACKGROUND), atol=1e-12)


class TestBackground:
    @pytest.mark.parametrize("method", METHODS)
    def test_weights_are_repeated_rows(self, method):
        """Four equal rows are one row of weight four, to the last digit for exact."""
        counts = [1, 4, 2, 1, 3, 1]
        repeated = np.repeat(BACKGROUND, counts, axis=0)

        weighted = shapley(MODEL, X, background=BACKGROUND, background_weights=counts, method=method, budget=3000)
        plain = shapley(MODEL, X, background=repeated, method=method, budget=3000)

        np.testing.assert_allclose(weighted.values, plain.values, atol=1e-12)
        np.testing.assert_allclose(weighted.base_values, plain.base_values, atol=1e-12)
        expected = brute_force(MODEL, X[0], repeated)
        assert np.abs(weighted.values[0] - expected).max() < (1e-12 if weighted.std_err is None else 0.5)

    def test_a_row_of_weight_nothing_is_nothing(self):
        model = Counted(lambda rows: MODEL(np.where(rows == 1e6, np.inf, rows)))
        background = np.vstack([BACKGROUND, np.full((1, 5), 1e6)])

        result = shapley(model, X, background=background, background_weights=[1, 1, 1, 1, 1, 1, 0], method="exact")

        np.testing.assert_allclose(
            result.values, shapley(MODEL, X, background=BACKGROUND, method="exact").values, atol=1e-12
        )

    def test_the_mean_row_is_the_mean_imputed_game(self):
        mean = BACKGROUND.mean(axis=0, keepdims=True)

        result = shapley(MODEL, X, background=mean)

        np.testing.assert_allclose(result.values[0], brute_force(MODEL, X[0], mean), atol=1e-12)
        np.testing.assert_allclose(result.base_values[0, 0], MODEL(mean)[0], rtol=1e-14)
        assert result.report.value_function == "baseline"

    @pytest.mark.parametrize("budget", [None, 100_000])
    @pytest.mark.parametrize(
        "method",
        ["auto", "regression", "permutation"],
    )
    def test_a_rare_row_is_never_left_out(self, method, budget):
        """One of 5,000 rows has x0 = 1e4: the base value and phi_0 must know it (peers draw 100 rows).

        Nothing in the spread of the other rows tells of it: only the known total keeps a sampler from stopping early.
        """
        if method == "permutation" and budget is not None:
            pytest.skip("with the whole budget every row is played")
        background = np.zeros((5000, 4))
        background[1234, 0] = 1e4
        background += 1e-9 * np.arange(5000)[:, None]  # no two rows are equal

        result = shapley(
            lambda rows: rows[:, 0] + rows[:, 1], np.ones((1, 4)), background=background, method=method, budget=budget
        )

        np.testing.assert_allclose(result.base_values[0, 0], background[:, :2].sum(axis=1).mean(), rtol=1e-12)
        assert np.abs(result.residual).max() < 1e-9
        expected = 1.0 - background[:, 0].mean()
        error = 0.0 if result.std_err is None else result.std_err[0, 0, 0]
        assert abs(result.values[0, 0, 0] - expected) <= 5 * error + 1e-9
        assert result.report.background_rows == 5000

    def test_equal_rows_are_paid_once(self):
        model = Counted(MODEL)

        result = shapley(model, X, background=np.repeat(BACKGROUND[:1], 1000, axis=0), method="exact")

        assert model.rows < 200
        assert result.report.background_rows == 1000


class TestPeersBugs:
    """What other packages get wrong, with the numbers of their issues' examples."""

    @pytest.mark.parametrize("method", METHODS)
    def test_no_feature_is_dropped_behind_your_back(self, method):
        """shap's KernelExplainer keeps 10 features by default: here [0, 0, 3.3, ..., 12.3]."""
        weights = np.arange(1.0, 13.0)

        result = shapley(lambda rows: rows @ weights, np.ones((1, 12)), background=np.zeros((1, 12)), method=method)

        np.testing.assert_allclose(result.values[0, :, 0], weights, atol=1e-9)

    @pytest.mark.parametrize("features", [250, 600])
    @pytest.mark.parametrize("method", ["auto", "permutation"])
    def test_more_than_249_features(self, features, method):
        """shap's PermutationExplainer raises above 249 with its default budget."""
        weights = np.linspace(-1, 1, features)

        result = shapley(
            lambda r: r @ weights,
            np.ones((1, features)),
            background=np.zeros((2, features)),
            method=method,
            budget=8000,
        )

        np.testing.assert_allclose(result.values[0, :, 0], weights, atol=1e-8)


def test_the_function_is_the_explainer():
    """One line over it, under the same name in the package."""
    assert shapley is shapley_module
    function = shapley(MODEL, X, background=BACKGROUND)
    explainer = Shapley(MODEL, BACKGROUND)(X)

    np.testing.assert_array_equal(function.values, explainer.values)


def test_the_repr_names_model_background_and_method():
    text = repr(Shapley(MODEL, BACKGROUND, method="exact"))

    assert "background of 6 rows" in text
    assert "5 players" in text
    assert "'exact'" in text
