"""Which columns are selected, by every method, and what is said of it."""

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.estimation.selection import METHODS, select, select_each
from reference.selection import best_subset, forward, rss


def problem(seed=0, n=80, p=9):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, p)) + rng.normal(size=(n, 1))
    y = Z @ rng.normal(size=p) + 2 * rng.normal(size=n)
    return Z - Z.mean(axis=0), y - y.mean()


def selected(Z, y, k, method="auto", **more):
    return select(Z.T @ Z, Z.T @ y, total=y @ y, k=k, method=method, **more)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", [1, 3, 9, 50])
def test_every_method_refits_what_it_chose(method, k):
    Z, y = problem()
    chosen = selected(Z, y, k, method)
    assert len(chosen.indices) == len(set(chosen.indices)) == min(k, 9)
    assert chosen.rss == pytest.approx(rss(Z, y, chosen.indices), rel=1e-9)
    np.testing.assert_allclose(chosen.coefficients, np.linalg.lstsq(Z[:, chosen.indices], y, rcond=None)[0], rtol=1e-7)
    assert chosen.note


@pytest.mark.parametrize("seed", range(4))
def test_the_default_is_the_best_of_all_and_says_so(seed):
    Z, y = problem(seed)
    chosen = selected(Z, y, 4)
    least, indices = best_subset(Z, y, 4)
    assert set(chosen.indices) == set(indices)
    assert chosen.rss == pytest.approx(least)
    assert chosen.proven
    assert chosen.method == "best_subset"
    assert "proven" in chosen.note


@pytest.mark.parametrize(("p", "k", "method"), [(30, 10, "best_subset"), (31, 10, "exchange"), (30, 11, "exchange")])
def test_counts_alone_decide_what_the_default_is(p, k, method):
    Z, y = problem(p=p, n=200)
    chosen = selected(Z, y, k)
    assert chosen.method == method
    assert chosen.proven == (method == "best_subset")
    assert chosen.rss <= selected(Z, y, k, "forward").rss


def test_equal_signals_are_not_called_proven():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(300, 30)) + 0.7 * rng.normal(size=(300, 1))
    Z -= Z.mean(axis=0)
    y = Z.sum(axis=1) + 5 * rng.normal(size=300)
    y -= y.mean()
    chosen = selected(Z, y, 10)
    assert not chosen.proven
    assert "another may be better" in chosen.note
    assert chosen.rss <= selected(Z, y, 10, "exchange").rss * (1 + 1e-12)


def test_forward_is_that_of_refits():
    Z, y = problem(3)
    assert selected(Z, y, 5, "forward").indices.tolist() == forward(Z, y, 5)


def test_the_lasso_path_is_read_like_lime_reads_it():
    linear_model = pytest.importorskip("sklearn.linear_model")
    for seed in range(6):
        Z, y = problem(seed)
        _, entered, coefs = linear_model.lars_path(Z, y, method="lasso")
        for k in range(1, 10):
            last = next(i for i in range(coefs.shape[1] - 1, 0, -1) if (coefs[:, i] != 0).sum() <= k)
            chosen = selected(Z, y, k, "lasso_path").indices
            assert set(chosen) == set(np.flatnonzero(coefs[:, last]))
            if coefs.shape[1] == 10:  # nothing ever left
                assert chosen.tolist() == entered[: len(chosen)]


def test_a_column_that_left_and_came_back_counts_from_its_return():
    for seed in range(200):
        rng = np.random.default_rng(seed)
        Z = rng.normal(size=(20, 5)) @ rng.normal(size=(5, 5))
        y = Z @ rng.normal(size=5)
        Z, y = Z - Z.mean(axis=0), y - y.mean()
        linear_model = pytest.importorskip("sklearn.linear_model")
        coefs = linear_model.lars_path(Z, y, method="lasso")[2]
        since = [next((t for t in range(coefs.shape[1] - 1, -1, -1) if coefs[j, t] == 0), -1) for j in range(5)]
        first = [np.argmax(coefs[j] != 0) - 1 for j in range(5)]
        if since != first and (coefs[:, -1] != 0).all():
            assert selected(Z, y, 5, "lasso_path").indices.tolist() == np.argsort(since).tolist()
            return
    pytest.fail("no column came back")


def test_highest_weights():
    Z, y = problem(1)
    b = np.linalg.lstsq(Z, y, rcond=None)[0]
    assert selected(Z, y, 3, "highest_weights").indices.tolist() == np.argsort(-np.abs(b))[:3].tolist()
    given = np.array([0, 5, -5, 1, -9, 0, 0, 0, 0.0])
    assert selected(Z, y, 3, "highest_weights", weights_of=given).indices.tolist() == [4, 1, 2]


@pytest.mark.parametrize("method", METHODS)
def test_fewer_where_the_others_add_nothing(method):
    Z, y = problem(2, p=3)
    Z = np.column_stack([Z, np.zeros(len(Z)), Z[:, 0]])
    chosen = selected(Z, y, 5, method)
    assert np.isfinite(chosen.coefficients).all()
    assert chosen.rss == pytest.approx(rss(Z, y, range(3)), rel=1e-7)
    if method in {"auto", "forward", "exchange", "best_subset"}:
        assert len(chosen.indices) == 3
        assert "3 instead of 5" in chosen.note


@pytest.mark.parametrize("method", METHODS)
def test_nothing_varies(method):
    chosen = select(np.zeros((2, 2)), np.zeros(2), total=0.0, k=1, method=method)
    assert chosen.rss == 0.0
    assert not chosen.coefficients.any()


def test_outputs_are_selected_each_for_itself():
    Z, y = problem(4)
    Y = np.column_stack([y, -y, Z[:, 5]])
    chosen = select_each(Z.T @ Z, Z.T @ Y, totals=(Y**2).sum(axis=0), k=2)
    assert chosen[0].indices.tolist() == chosen[1].indices.tolist() == selected(Z, y, 2).indices.tolist()
    np.testing.assert_allclose(chosen[0].coefficients, -chosen[1].coefficients)
    assert chosen[2].indices[0] == 5
    with pytest.raises(InputError, match="totals must have one number for each column"):
        select_each(Z.T @ Z, Z.T @ Y, totals=[1.0], k=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 0}, "k must be a whole number"),
        ({"k": 2.0}, "k must be a whole number"),
        ({"method": "lasso"}, "method must be one of"),
        ({"gram": np.ones((2, 3))}, "gram must be square"),
        ({"gram": np.empty((0, 0))}, "gram must be square"),
        ({"response": np.ones(3)}, "response must have shape"),
        ({"response": np.array([1.0, np.nan])}, "finite"),
        ({"total": None}, "total must be a number"),
        ({"total": -1.0}, "must not be negative"),
        ({"weights_of": np.ones(2)}, "highest_weights"),
        ({"method": "highest_weights", "weights_of": np.ones(3)}, "2 finite numbers"),
    ],
)
def test_what_is_refused(change, message):
    arguments = {"gram": np.eye(2), "response": np.ones(2), "total": 4.0, "k": 1, **change}
    with pytest.raises(InputError, match=message):
        select(arguments.pop("gram"), arguments.pop("response"), **arguments)
