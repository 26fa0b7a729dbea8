"""Efficiency, symmetry, dummy and linearity over the registry of methods."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import Space
from properties.laws import BACKGROUND, MODELS, WEIGHTS, X, additive, background_of, interacting, scale, two_outputs
from properties.registry import EVERY, INTERACTIONS, METHODS

GROUPS = {"first": ["x0", "x5"], "last": ["x3", "x6"]}

over_methods = pytest.mark.parametrize("method", METHODS, ids=str)
over_all = pytest.mark.parametrize("method", EVERY, ids=str)
over_complete = pytest.mark.parametrize("method", [method for method in EVERY if method.complete], ids=str)


@over_all
def test_the_report_says_what_was_done(method):
    result = method.explain(interacting, X, background_of(method))

    assert method.says in result.report.why
    assert (result.std_err is None) == method.exact
    if method.stochastic:
        assert np.isfinite(result.std_err).all() == method.errors_known
        assert method.errors_known or any("standard errors" in warning for warning in result.report.warnings)


@over_complete
@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
@pytest.mark.parametrize("options", ["plain", "weights", "groups"])
def test_efficiency(method, model, options):
    background, more = background_of(method), {}
    if options == "weights":
        more["background_weights"] = WEIGHTS[: len(background)]
    if options == "groups":
        more["space"] = Space.infer(background, groups=GROUPS)

    result = method.explain(model, X, background, **more)

    assert np.abs(result.residual).max() <= 1e-9 * scale(result)
    assert np.abs(result.values).max() > 0.1  # it explains something
    if not method.marginal:
        return
    expected = np.average(
        model(background).reshape(len(background), -1), axis=0, weights=more.get("background_weights")
    )
    np.testing.assert_allclose(result.base_values, np.broadcast_to(expected, result.base_values.shape), rtol=1e-12)


@over_methods
@pytest.mark.parametrize("model", [additive, interacting])
def test_a_feature_that_the_model_ignores_gets_nothing(method, model):
    if not method.marginal:
        pytest.skip("it gets credit for what it tells about the others")
    result = method.explain(model, X, background_of(method))

    ignored = [3, 5] if model is additive else [3]
    values = np.abs(result.values[:, ignored, 0])
    if method.dummy_exact:
        assert values.max() <= 1e-13 * scale(result)
    elif method.errors_known:
        # Rounding where the fit is exact, else the normal law: 5 standard errors.
        assert (values <= 5.0 * result.std_err[:, ignored, 0] + 1e-9 * scale(result)).all()
    assert np.abs(result.values[:, [0, 4], 0]).min() > 1e-3


@over_methods
def test_a_feature_without_a_difference_gets_nothing(method):
    """x equals every background row there, so no coalition can tell whether the feature is in it."""
    background, rows = background_of(method), X.copy()
    background[:, 2], rows[:, 2] = 0.25, 0.25

    result = method.explain(interacting, rows, background)

    values = np.abs(result.values[:, 2, 0])
    if method.dummy_exact:
        assert values.max() <= 1e-13 * scale(result)
    elif method.errors_known:
        assert (values <= 5.0 * result.std_err[:, 2, 0] + 1e-9 * scale(result)).all()


@over_methods
def test_features_that_nothing_tells_apart_get_the_same(method):
    background, rows = background_of(method), X.copy()
    background[:, 1], rows[:, 1] = background[:, 0], rows[:, 0]

    def model(rows):
        pair = rows[:, 0] * rows[:, 1] + rows[:, 0] + rows[:, 1]
        return pair * (1.0 + rows[:, 2] * np.where(rows[:, 4] > 0, 1.0, rows[:, 5])) + rows[:, 6]

    result = method.explain(model, rows, background)

    gap = np.abs(result.values[:, 0, 0] - result.values[:, 1, 0])
    if not method.symmetric:
        # x2 comes before x1, and x0 when it likes: what they do together goes to x1 more often.
        assert gap.min() > 1e-3
    elif method.exact:
        assert gap.max() <= 1e-13 * scale(result)
    elif method.errors_known:
        # Two values with a correlation of at least -1: their errors add up at worst.
        assert (gap <= 4.0 * result.std_err[:, :2, 0].sum(axis=1) + 1e-9 * scale(result)).all()
    assert np.abs(result.values[:, 0, 0]).min() > 1e-3


@over_all
@pytest.mark.parametrize("weighted", [False, True])
def test_linearity(method, weighted):
    """With one seed every method plays the same coalitions, so it is linear in the model to rounding."""
    if not method.linear:
        pytest.skip("this method chooses a coefficient by the data")
    background = background_of(method)
    more = {"background_weights": np.linspace(1.0, 1.06, len(background))} if weighted else {}
    a, b = 1.7, -0.6

    def g(rows):
        return rows[:, 5] * rows[:, 1] * rows[:, 4] + np.where(rows[:, 2] > 0.1, rows[:, 3], 0.0)

    of_f = method.explain(interacting, X, background, seed=4, **more)
    of_g = method.explain(g, X, background, seed=4, **more)
    of_both = method.explain(lambda rows: a * interacting(rows) + b * g(rows), X, background, seed=4, **more)

    np.testing.assert_allclose(of_both.values, a * of_f.values + b * of_g.values, rtol=0, atol=1e-10 * scale(of_f))


@over_all
def test_outputs_do_not_know_each_other(method):
    """The values of an output are those that the output alone has."""
    if not method.outputs_apart:
        pytest.skip("the outputs share a fit that is no regression")
    background = background_of(method)

    both = method.explain(two_outputs, X, background)
    alone = [method.explain(lambda rows, j=j: two_outputs(rows)[:, j], X, background) for j in range(2)]

    for j, single in enumerate(alone):
        np.testing.assert_allclose(both.values[..., j], single.values[..., 0], rtol=0, atol=1e-10 * scale(both))


@over_methods
def test_order_two_is_exact_for_whoever_plays_pairs(method):
    """A coalition and its complement together cancel interactions of two players, background row by row."""
    if not method.marginal:
        pytest.skip("the expected values are those of the marginal game")
    if not method.symmetric:
        pytest.skip("these values are others where an order tells the features apart")
    if method.background_rows > 1 and "a fit for each" not in method.says and not method.exact:
        pytest.skip("one fit for all rows of the background, or not every row often enough")

    def model(rows):
        return rows[:, 0] * rows[:, 1] - 2.0 * rows[:, 2] * rows[:, 4] + rows[:, 5] * rows[:, 5] + rows[:, 3]

    background = background_of(method)
    result = method.explain(model, X, background)

    def product(i, j):
        return 0.5 * (X[:, None, i] - background[:, i]) * (X[:, None, j] + background[:, j])

    expected = np.zeros((len(X), X.shape[1]))
    for weight, i, j in ((1.0, 0, 1), (-2.0, 2, 4)):
        expected[:, i] += weight * product(i, j).mean(axis=1)
        expected[:, j] += weight * product(j, i).mean(axis=1)
    expected[:, 5] = X[:, 5] ** 2 - (background[:, 5] ** 2).mean()
    expected[:, 3] = X[:, 3] - background[:, 3].mean()
    np.testing.assert_allclose(result.values[:, :, 0], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", INTERACTIONS, ids=str)
def test_interactions_are_symmetric_and_add_up_to_the_shapley_values(method):
    background = background_of(method)

    found = method.explain(two_outputs, X, background)

    assert found.values.tobytes() == np.ascontiguousarray(found.values.transpose(0, 2, 1, 3)).tobytes()
    truth = METHODS[0].explain(two_outputs, X, background).values
    errors = 0.0 if found.std_err is None else found.shapley_std_err
    assert (np.abs(found.shapley.values - truth) <= 5.0 * errors + 1e-9 * scale(found)).all()


@pytest.mark.parametrize("method", INTERACTIONS, ids=str)
def test_features_that_only_add_do_not_interact(method):
    found = method.explain(additive, X, background_of(method))

    off = ~np.eye(X.shape[1], dtype=bool)
    assert np.abs(found.values[:, off]).max() <= 1e-9 * scale(found)
    assert np.abs(found.shapley.values).max() > 0.1


def test_the_registry_names_each_method_once():
    names = [method.name for method in EVERY]

    assert len(set(names)) == len(names)
    assert max(method.background_rows for method in EVERY) <= len(BACKGROUND)
