"""Same inputs and seed give the same bits, whatever the threads, the batches, the company and the history."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from properties.laws import X, background_of, bits, interacting, scale, two_outputs
from properties.registry import EVERY, STOCHASTIC

over_methods = pytest.mark.parametrize("method", EVERY, ids=str)
over_samplers = pytest.mark.parametrize("method", STOCHASTIC, ids=str)


@over_methods
@pytest.mark.parametrize("more", [{"n_threads": 2}, {"n_threads": 4}, {"n_threads": None}], ids=["2", "4", "all"])
def test_threads_do_not_show(method, more):
    background = background_of(method)

    one = method.explain(two_outputs, X, background, seed=5, n_threads=1)

    assert bits(method.explain(two_outputs, X, background, seed=5, **more)) == bits(one)


@over_methods
@pytest.mark.parametrize("batch_bytes", [1, 5 * 8 * 7, 2**30], ids=["one row", "five rows", "all rows"])
def test_batches_do_not_show(method, batch_bytes):
    background = background_of(method)

    normal = method.explain(two_outputs, X, background, seed=5)

    assert bits(method.explain(two_outputs, X, background, seed=5, batch_bytes=batch_bytes)) == bits(normal)


@over_methods
def test_concurrency_does_not_show(method):
    background = background_of(method)

    in_turn = method.explain(two_outputs, X, background, seed=5)

    assert bits(method.explain(two_outputs, X, background, seed=5, concurrency=3, batch_bytes=700)) == bits(in_turn)


@over_methods
def test_company_does_not_show(method):
    """A row alone is explained as it is in a batch."""
    explainer = method.make(two_outputs, background_of(method), seed=5)

    together = explainer(X)

    for row in range(len(X)):
        assert bits(explainer(X[row : row + 1])) == bits(together[row])
        assert bits(method.explain(two_outputs, X[[row]], background_of(method), seed=5)) == bits(together[row])


@over_methods
def test_history_does_not_show(method):
    explainer = method.make(two_outputs, background_of(method), seed=5)

    first = explainer(X)
    explainer(X[::-1] * 3.0)

    assert bits(explainer(X)) == bits(first)
    assert bits(method.explain(two_outputs, X, background_of(method), seed=5)) == bits(first)


@over_methods
@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
def test_pickle_keeps_the_bits(method, used):
    explainer = method.make(two_outputs, background_of(method), seed=5)
    if used:
        explainer(X[:1])

    copy = pickle.loads(pickle.dumps(explainer))

    assert bits(copy(X)) == bits(explainer(X))
    assert repr(copy) == repr(explainer)


@pytest.mark.parametrize("method", [m for m in EVERY if m.depends_on_seed], ids=str)
def test_seeds_name_different_samples(method):
    results = [method.explain(interacting, X, background_of(method), seed=seed) for seed in (0, 1, 2**64 - 1)]

    assert len({result.values.tobytes() for result in results}) == 3


@pytest.mark.parametrize("method", [m for m in EVERY if not m.depends_on_seed], ids=str)
def test_a_seed_is_nothing_to_a_method_that_draws_nothing(method):
    results = [method.explain(interacting, X, background_of(method), seed=seed) for seed in (0, 1)]

    assert bits(results[0]) == bits(results[1])


@over_methods
def test_the_global_random_state_is_neither_read_nor_written(method):
    background = background_of(method)

    np.random.seed(1)  # noqa: NPY002
    first = method.explain(interacting, X, background, seed=5)
    after = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    undisturbed = np.random.random()  # noqa: NPY002
    second = method.explain(interacting, X, background, seed=5)

    assert after == undisturbed
    assert bits(first) == bits(second)


@over_samplers
def test_refining_is_explaining_with_more(method):
    background = background_of(method)
    small = method.explain(interacting, X, background, seed=5)
    budget = small.report.budget + 150

    refined = small.refine(budget)
    fresh = method.explain(interacting, X, background, seed=5, budget=budget)

    np.testing.assert_allclose(refined.values, fresh.values, rtol=0, atol=1e-9 * scale(fresh))
    np.testing.assert_allclose(refined.std_err, fresh.std_err, rtol=1e-6, atol=1e-9 * scale(fresh))
    assert refined.report.rows_used == fresh.report.rows_used
    assert refined.report.budget == budget


@over_samplers
def test_refining_comes_closer(method):
    if not method.marginal:
        pytest.skip("the truth below is the marginal one")
    background = background_of(method)
    truth = method.explain(interacting, X, background, method="exact", budget=None).values

    def error(result):
        return np.abs(result.values - truth).mean()

    small = [method.explain(interacting, X, background, seed=seed) for seed in range(6)]
    refined = [result.refine(result.report.budget + 400) for result in small]

    assert sum(map(error, refined)) < 0.8 * sum(map(error, small))


@over_samplers
def test_refining_pays_only_for_what_is_new(method):
    rows = []

    def counted(block):
        rows.append(len(block))
        return interacting(block)

    small = method.explain(counted, X, background_of(method), seed=5)
    paid = sum(rows)
    refined = small.refine(small.report.budget + 150)

    assert sum(rows) - paid <= 150 * len(X) + 2 * len(X) * X.shape[1]
    assert sum(rows) == round(refined.report.rows_used * len(X))
