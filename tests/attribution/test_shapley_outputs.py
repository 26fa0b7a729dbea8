"""Links and the choice of outputs."""

from __future__ import annotations

import numpy as np
import pytest
from attribution.small_cases import BACKGROUND, METHODS, X, rng, three_classes
from pellucid import InputError, Shapley, shapley


class TestLinks:
    weights = np.array([0.8, -1.0, 0.3, 0.0, 0.6])

    def margin(self, rows):
        return rows @ self.weights + 0.2

    @pytest.mark.parametrize("method", METHODS)
    def test_logit_of_a_logistic_model_is_linear(self, method):
        def model(rows):
            return 1 / (1 + np.exp(-self.margin(rows)))

        result = shapley(model, X, background=BACKGROUND, link="logit", method=method)

        np.testing.assert_allclose(result.values[:, :, 0], self.weights * (X - BACKGROUND.mean(axis=0)), atol=1e-10)
        np.testing.assert_allclose(result.predictions[:, 0], self.margin(X), rtol=1e-10)
        assert result.report.link == "logit"

    def test_log_of_an_exponential_model_is_linear(self):
        result = shapley(lambda rows: np.exp(self.margin(rows)), X, background=BACKGROUND, link="log")

        np.testing.assert_allclose(result.values[:, :, 0], self.weights * (X - BACKGROUND.mean(axis=0)), atol=1e-10)

    def test_probabilities_of_nought_and_one_need_no_link(self):
        """The indicator model that makes a logit infinite is explained as it is."""
        result = shapley(lambda rows: (rows[:, 0] > 0).astype(float), X, background=BACKGROUND)

        expected = (X[:, 0] > 0) - (BACKGROUND[:, 0] > 0).mean()
        np.testing.assert_allclose(result.values[:, 0, 0], expected, atol=1e-13)
        assert np.isfinite(result.values).all()


class TestOutputs:
    names = ("cat", "dog", "owl")

    def explain(self, outputs, **more):
        return shapley(three_classes, X, background=BACKGROUND, outputs=outputs, output_names=self.names, **more)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(
        ("outputs", "columns"),
        [(None, [0, 1, 2]), (1, [1]), (-1, [2]), ("owl", [2]), (["owl", 0], [2, 0]), ([1], [1])],
    )
    def test_a_choice_of_columns(self, outputs, columns, method):
        everything = self.explain(None, method=method, budget=2000)

        some = self.explain(outputs, method=method, budget=2000)

        assert some.outputs == tuple(self.names[column] for column in columns)
        assert some.selected is None
        np.testing.assert_array_equal(some.predictions, everything.predictions[:, columns])
        np.testing.assert_array_equal(some.base_values, everything.base_values[:, columns])
        if some.std_err is None:
            np.testing.assert_allclose(some.values, everything.values[:, :, columns], atol=1e-14)

    @pytest.mark.parametrize(
        ("outputs", "count", "names"), [("predicted", 1, ("predicted",)), ("top:2", 2, ("top 1", "top 2"))]
    )
    def test_columns_that_depend_on_the_row(self, outputs, count, names):
        everything = self.explain(None)

        some = self.explain(outputs)

        best = np.argsort(-three_classes(X), axis=1, kind="stable")[:, :count]
        assert len(set(best[:, 0])) > 1  # the test has something to tell apart
        assert some.outputs == names
        np.testing.assert_array_equal(some.selected, best)
        assert some.selected_names == self.names
        for row in range(3):
            np.testing.assert_allclose(some.values[row], everything.values[row][:, best[row]], atol=1e-14)
            np.testing.assert_array_equal(some.base_values[row], everything.base_values[row][best[row]])
        assert np.abs(some.residual).max() < 1e-12

    @pytest.mark.parametrize("outputs", ["bird", 3, -4, "top:4", "top:0", [], [0, 0], 1.5])
    def test_what_is_not_there_is_an_input_error(self, outputs):
        with pytest.raises(InputError, match="outputs"):
            self.explain(outputs)

    def test_many(self):
        weights = rng.normal(size=(5, 40))

        result = shapley(lambda rows: rows @ weights, X, background=BACKGROUND)

        assert result.values.shape == (3, 5, 40)
        np.testing.assert_allclose(result.values, (X - BACKGROUND.mean(axis=0))[:, :, None] * weights, atol=1e-12)


@pytest.mark.parametrize("outputs", ["bird", 3, "top:4"])
def test_an_unknown_output_costs_no_more_than_the_probe(outputs):
    explain = Shapley(three_classes, BACKGROUND, outputs=outputs)
    with pytest.raises(InputError, match="outputs"):
        explain(X)
    assert explain.model.rows_used == 2 * min(16, len(BACKGROUND))
