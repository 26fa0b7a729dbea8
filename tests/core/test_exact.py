"""Exact Shapley values against rational arithmetic and closed forms."""

from fractions import Fraction

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.shapley_exact import rational_shapley


def masks_of(n):
    return _core.all_coalitions(n, 0, 2**n)


def games(n, seed):
    """Values of all coalitions: integers, few distinct values, mixed scales, jumps."""
    rng = np.random.default_rng(seed)
    integers = rng.integers(-1000, 1000, 2**n).astype(float)
    majority = (masks_of(n).sum(axis=1) > n / 2).astype(float)
    scales = rng.normal(size=2**n) * 10.0 ** rng.integers(-12, 12, 2**n)
    product = np.prod(np.where(masks_of(n) == 1, rng.normal(size=n) * 2, 0.5), axis=1)
    return np.column_stack([integers, majority, scales, product])


@pytest.mark.parametrize("n", range(1, 11))
def test_against_rational_arithmetic(n):
    values = games(n, seed=n)
    if n > 8:
        values = values[:, ::2].copy()
    phi = _core.exact_shapley(values, n)
    for o, v in enumerate(values.T):
        oracle = rational_shapley([Fraction(x) for x in v], n)
        np.testing.assert_allclose(
            phi[:, o], [float(x) for x in oracle], rtol=0, atol=1e-12 * max(1.0, np.abs(v).max())
        )


def test_the_oracle_itself():
    """Three gloves, one left and two right."""
    v = [Fraction(int(S & 1 and S > 1)) for S in range(8)]
    assert rational_shapley(v, 3) == [Fraction(2, 3), Fraction(1, 6), Fraction(1, 6)]


@pytest.mark.parametrize("n", [3, 8, 13])
def test_unanimity_games_share_equally(n):
    rng = np.random.default_rng(n)
    masks = masks_of(n)
    carriers = [rng.permutation(n)[:size] for size in range(1, n + 1)]
    values = np.column_stack([masks[:, T].all(axis=1) for T in carriers]).astype(float)
    phi = _core.exact_shapley(np.ascontiguousarray(values), n)
    for o, T in enumerate(carriers):
        expected = np.zeros(n)
        expected[T] = 1 / len(T)
        np.testing.assert_allclose(phi[:, o], expected, atol=1e-14)


def test_airport_game():
    """v(S) = max of c over S: the cost of each further stretch is shared by those who need it."""
    c = np.array([1.0, 1.5, 4.0, 4.0, 7.0, 9.5, 12.0])
    n = len(c)
    values = np.max(np.where(masks_of(n) == 1, c, 0.0), axis=1)[:, None]
    expected = np.cumsum(np.diff(c, prepend=0.0) / np.arange(n, 0, -1))
    np.testing.assert_allclose(_core.exact_shapley(values, n)[:, 0], expected, atol=1e-13)


def test_twenty_players():
    n = 20
    w = np.random.default_rng(0).normal(size=n)
    values = (masks_of(n) @ w)[:, None]
    np.testing.assert_allclose(_core.exact_shapley(values, n)[:, 0], w, atol=1e-12)


def test_same_bits_for_any_number_of_threads():
    values = np.random.default_rng(1).normal(size=(2**14, 2))
    found = set()
    for threads in (1, 2, 4):
        _core.set_thread_count(threads)
        found.add(_core.exact_shapley(values, 14).tobytes())
    _core.set_thread_count(0)
    assert len(found) == 1


@pytest.mark.parametrize(("rows", "players"), [(8, 2), (7, 3), (1, 0), (0, 3), (8, -1), (8, 41), (8, 62), (8, 2**40)])
def test_wrong_counts_are_refused(rows, players):
    with pytest.raises(InputError):
        _core.exact_shapley(np.zeros((rows, 1)), players)
