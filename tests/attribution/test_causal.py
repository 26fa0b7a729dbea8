"""Causal Shapley values against closed forms and identities."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from attribution.law_cases import (
    BACKGROUND,
    BETA,
    D,
    X,
    conditional,
    curved,
    expected_quadratic,
    moments,
    quadratic,
    shapley_by_subsets,
)
from pellucid import CausalOrder, InputError, Shapley, Space, shapley
from pellucid.representation import ConditionalGaussian, GaussianLaw, Tabular
from reference.conditional import interventional_moments


class TestCausal:
    def test_one_component_without_confounding_is_conditional(self):
        order = CausalOrder([[f"x{j}" for j in range(D)]])

        causal = Shapley(curved, BACKGROUND, causal=order, conditional_draws=200)(X)

        assert causal.values.tobytes() == conditional(curved)(X).values.tobytes()
        assert causal.report.value_function == "causal, gaussian"

    @pytest.mark.parametrize("law", ["gaussian", "copula"])
    def test_one_confounded_component_is_marginal_over_the_draws(self, law):
        order = CausalOrder([[f"x{j}" for j in range(D)]], confounded=True)

        explain = Shapley(curved, BACKGROUND, causal=order, conditional=law, conditional_draws=40)
        draws = explain.value_function.codes

        np.testing.assert_allclose(explain(X).values, shapley(curved, X, background=draws).values, atol=1e-12)

    def test_rows_of_one_confounded_component_are_those_of_the_marginal_game(self):
        space = Space.infer(BACKGROUND)
        order = CausalOrder([[f"x{j}" for j in range(D)]], confounded=True)
        law = GaussianLaw.fit(BACKGROUND, np.full(60, 1 / 60), space=space, n_draws=10, seed=0, order=order)
        masks = np.array([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])

        rows = ConditionalGaussian(X[0], law, space=space).compose_grid(masks, first=0, count=10)

        np.testing.assert_array_equal(
            rows, Tabular(X[0], law.draws, space=space).compose_grid(masks, first=0, count=10)
        )

    def test_a_chain_credits_causes_with_their_effects(self):
        """x0 -> x1, f linear: direct effect b0 (x0 - m0), indirect effect half of b1 (E[x1 | x0] - m1)."""
        mean, covariance = moments()
        slope = covariance[0, 1] / covariance[0, 0]
        told = slope * (X[:, 0] - mean[0])
        order = CausalOrder([["x0"], ["x1"]])

        result = Shapley(lambda rows: rows @ BETA[:2], BACKGROUND[:, :2], causal=order)(X[:, :2])

        direct = BETA[:2] * (X[:, :2] - mean[:2])
        np.testing.assert_allclose(result.values[:, 0, 0], direct[:, 0] + BETA[1] * told / 2, atol=1e-10)
        np.testing.assert_allclose(result.values[:, 1, 0], direct[:, 1] - BETA[1] * told / 2, atol=1e-10)

    def test_an_effect_gets_nothing_for_what_it_tells_about_its_cause(self):
        """f = x0, x0 -> x1: the total effect of x1 is 0, though its conditional value is not."""
        model = lambda rows: rows[:, 0]  # noqa: E731

        causal = Shapley(model, BACKGROUND[:, :2], causal=CausalOrder([["x0"], ["x1"]]))(X[:, :2])

        np.testing.assert_allclose(causal.values[:, 1, 0], 0.0, atol=1e-12)
        assert np.abs(conditional(model, BACKGROUND[:, :2])(X[:, :2]).values[:, 1, 0]).min() > 1e-3

    @pytest.mark.parametrize("confounded", [(False, False), (True, False), (False, True)])
    def test_a_quadratic_model_has_its_closed_form(self, confounded):
        mean, covariance = moments()
        order = CausalOrder([["x1", "x3"], ["x0", "x2"]], confounded=confounded)
        chain = [[1, 3], [0, 2]]

        result = Shapley(quadratic, BACKGROUND, causal=order, conditional_draws=200, method="exact")(X)

        for x, values in zip(X, result.values[:, :, 0], strict=True):
            expected = shapley_by_subsets(
                D,
                lambda S, x=x: expected_quadratic(
                    *interventional_moments(x, sorted(S), mean, covariance, chain, confounded)
                ),
            )
            np.testing.assert_allclose(values, expected, rtol=0, atol=1e-9)


def test_components_of_a_causal_order():
    order = CausalOrder(["a", ["b", "c"]], confounded=[False, True])

    assert order.components == (("a",), ("b", "c"))
    assert order.confounded == (False, True)
    assert order == pickle.loads(pickle.dumps(order))
    columns, confounded = order.columns(Space.infer(np.zeros((1, 3)), names=["b", "a", "c"]))
    assert columns.tolist() == [1, 0, 1]
    assert confounded.tolist() == [0, 1]


def test_a_group_stands_for_its_columns_in_a_causal_order():
    space = Space.infer(np.zeros((1, 3)), names=["b", "a", "c"], groups={"both": ["b", "c"]})

    assert CausalOrder(["a", "both"]).columns(space)[0].tolist() == [1, 0, 1]
    with pytest.raises(InputError, match="'b' twice"):
        CausalOrder(["a", "both", "b"]).columns(space)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ab",), "list of lists"),
        (([],), "none of them empty"),
        (([["a"], []],), "none of them empty"),
        (([["a", 1]],), "feature names"),
        (([["a"], ["b", "a"]],), "'a' twice"),
        (([["a"], ["b"]], [True]), "each of the 2 components"),
        (([["a"]], "yes"), "True, False"),
        (([["a"]], [1]), "True, False"),
    ],
)
def test_a_causal_order_that_is_none_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        CausalOrder(*arguments)
