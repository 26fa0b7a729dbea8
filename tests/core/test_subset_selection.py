"""Forward selection, exchanges and the best subset against refits and enumeration."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.selection import best_subset, forward, rss


def centred(rng, n, p, noise=1.0, correlated=True):
    mix = rng.normal(size=(p, p)) if correlated else np.eye(p)
    Z = rng.normal(size=(n, p)) @ mix
    y = Z @ rng.normal(size=p) + noise * np.sqrt(p) * rng.normal(size=n)
    return Z - Z.mean(axis=0), y - y.mean()


def sums(Z, y):
    return np.ascontiguousarray(Z.T @ Z), Z.T @ y, float(y @ y)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("p", [2, 5, 10])
def test_the_best_subset_is_the_best_of_all(seed, p):
    Z, y = centred(np.random.default_rng(seed), 40, p)
    for k in range(1, p + 1):
        least, chosen = best_subset(Z, y, k)
        fit = _core.best_subset(*sums(Z, y), k, 10**6)
        assert fit.proven
        assert set(fit.indices) == set(chosen)
        assert fit.rss == pytest.approx(least, rel=1e-9)
        np.testing.assert_allclose(fit.coefficients, np.linalg.lstsq(Z[:, fit.indices], y, rcond=None)[0], rtol=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_forward_selection_is_that_of_refits(seed):
    Z, y = centred(np.random.default_rng(seed), 60, 12)
    expected = forward(Z, y, 7)
    fit = _core.forward_selection(*sums(Z, y), 7)
    assert fit.indices.tolist() == expected
    assert fit.rss == pytest.approx(rss(Z, y, expected), rel=1e-9)
    np.testing.assert_allclose(fit.coefficients, np.linalg.lstsq(Z[:, expected], y, rcond=None)[0], rtol=1e-8)


def trap(n=200):
    """Column 0 is y with noise; columns 1 and 2 together are y exactly: forward selection begins with 0."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, n))
    Z = np.column_stack([a + b + 0.3 * rng.normal(size=n), a + 3 * b, b, rng.normal(size=n)])
    y = a + b
    return Z - Z.mean(axis=0), y - y.mean()


def test_an_exchange_leaves_the_trap_of_forward_selection():
    Z, y = trap()
    assert 0 in _core.forward_selection(*sums(Z, y), 2).indices
    fit = _core.swap_selection(*sums(Z, y), 2)
    assert set(fit.indices) == {1, 2}
    assert fit.rss < 1e-8
    assert not fit.proven


@pytest.mark.parametrize("seed", range(5))
def test_no_single_exchange_is_left(seed):
    Z, y = centred(np.random.default_rng(seed), 50, 12)
    fit = _core.swap_selection(*sums(Z, y), 4)
    rest = set(range(12)) - set(fit.indices)
    others = [rss(Z, y, [*(set(fit.indices) - {i}), j]) for i in fit.indices for j in rest]
    assert fit.rss == pytest.approx(rss(Z, y, fit.indices), rel=1e-9)
    assert min(others) >= fit.rss * (1 - 1e-9)
    assert fit.rss <= _core.forward_selection(*sums(Z, y), 4).rss * (1 + 1e-12)


def equal_signals():
    rng = np.random.default_rng(1)
    Z = rng.normal(size=(300, 26)) + 0.7 * rng.normal(size=(300, 1))
    y = Z.sum(axis=1) + 5 * rng.normal(size=300)
    return Z - Z.mean(axis=0), y - y.mean()


@pytest.mark.large
def test_equal_signals_meet_the_limit_and_say_so():
    few = _core.best_subset(*sums(*equal_signals()), 10, 200)
    assert not few.proven
    assert few.nodes == 200
    assert len(few.indices) == 10
    forward_rss = _core.forward_selection(*sums(*equal_signals()), 10).rss
    assert few.rss <= forward_rss
    many = _core.best_subset(*sums(*equal_signals()), 10, 10**7)
    assert many.proven
    assert many.rss <= few.rss * (1 + 1e-12)


def test_entry_is_by_the_largest_drop_among_those_chosen():
    Z, y = centred(np.random.default_rng(8), 60, 9)
    fit = _core.best_subset(*sums(Z, y), 5, 10**6)
    assert fit.indices.tolist() == [sorted(fit.indices)[i] for i in forward(Z[:, sorted(fit.indices)], y, 5)]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_units_do_not_matter(scale):
    Z, y = centred(np.random.default_rng(2), 50, 8)
    units = np.where(np.arange(8) % 2, scale, 1.0)
    one, other = (_core.best_subset(*sums(Z * u, y), 3, 10**6) for u in (np.ones(8), units))
    assert one.indices.tolist() == other.indices.tolist()
    np.testing.assert_allclose(one.coefficients, other.coefficients * units[other.indices], rtol=1e-6)


@pytest.mark.parametrize("search", ["forward_selection", "swap_selection", "best_subset"])
def test_columns_that_add_nothing(search):
    Z, y = centred(np.random.default_rng(5), 50, 4, noise=0.3)
    Z = np.column_stack([Z[:, 0], np.zeros(50), Z, Z[:, 1] - 2 * Z[:, 2]])  # 0 = 2, 1 is constant, 6 = 3 - 2 * 4
    more = (10**6,) if search == "best_subset" else ()
    every = getattr(_core, search)(*sums(Z, y), 7, *more)
    assert len(every.indices) == 4
    assert 1 not in every.indices
    assert np.isfinite(every.coefficients).all()
    assert every.rss == pytest.approx(rss(Z, y, range(7)), rel=1e-8)
    two = getattr(_core, search)(*sums(Z, y), 2, *more)
    least = best_subset(Z, y, 2)[0]
    assert two.rss >= least * (1 - 1e-9)
    if search == "best_subset":
        assert two.ridged
        assert two.proven
        assert two.rss == pytest.approx(least, rel=1e-6)


def test_small_and_empty_problems():
    one = _core.best_subset(np.array([[2.0]]), np.array([1.0]), 1.0, 5, 10)
    assert one.indices.tolist() == [0]
    assert one.rss == pytest.approx(0.5)
    assert one.proven
    for search, more in (("forward_selection", ()), ("swap_selection", ()), ("best_subset", (10,))):
        nothing = getattr(_core, search)(np.zeros((3, 3)), np.zeros(3), 4.0, 2, *more)
        assert nothing.indices.size == 0
        assert nothing.rss == 4.0


def test_more_columns_than_rows():
    Z, y = centred(np.random.default_rng(6), 6, 9)
    least, chosen = best_subset(Z, y, 3)
    fit = _core.best_subset(*sums(Z, y), 3, 10**6)
    assert fit.proven
    assert set(fit.indices) == set(chosen)
    assert fit.rss == pytest.approx(least, rel=1e-6)


def test_what_is_refused():
    G, c, total = np.eye(3), np.ones(3), 4.0
    with pytest.raises(InputError, match="k must be at least 1"):
        _core.forward_selection(G, c, total, 0)
    with pytest.raises(InputError, match="finite"):
        _core.swap_selection(G, c * np.nan, total, 1)
    with pytest.raises(InputError, match="square"):
        _core.best_subset(np.ones((2, 3)), c, total, 1, 10)
    with pytest.raises(InputError, match="3 entries"):
        _core.best_subset(G, np.ones(2), total, 1, 10)
    with pytest.raises(InputError, match="at most 128 columns"):
        _core.best_subset(np.eye(129), np.ones(129), total, 1, 10)
    with pytest.raises(InputError, match="must not be negative"):
        _core.forward_selection(-G, c, total, 1)
