"""The kernels that turn coordinates into values, against their twins."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference import neighbourhood as twin

STARTS = np.array([0.0, 0.0, 0.25, 0.25, 0.9, 1.0, 1.0])
LAWS = np.array(
    [
        [0.0, 0.0, 0.5, 0.0, -np.inf, np.inf],
        [1.0, 2.0, 0.1, 0.5, -1.0, 1.3],
        [0.0, 1.0, 0.0, 1.0, -np.inf, np.inf],
        [3.0, -0.5, 1e-20, -9e-21, 3.0, 9.0],
        [np.nan, 0.0, 0.5, 0.0, -np.inf, np.inf],
        [5.0, 0.0, 0.5, 0.0, -np.inf, np.inf],
    ]
)


def drawn(u):
    cell, inside = np.empty(len(u), dtype=np.int32), np.empty(len(u))
    _core.cells_of(u, STARTS, cell, inside)
    return cell, inside


def coordinates(n=3000):
    return np.concatenate(
        [[1e-16, 0.25, np.nextafter(0.25, 0), 0.9, 1 - 2.0**-53], _core.sobol_coordinates(0, 1, 0, n)[0]]
    )


def test_cells_and_what_is_left_of_the_coordinate():
    u = coordinates()
    cell, inside = drawn(u)
    expected = [twin.cell_of(one, STARTS) for one in u]
    assert cell.tolist() == [b for b, _ in expected]
    np.testing.assert_array_equal(inside, [v for _, v in expected])
    assert set(cell) == {1, 3, 4}


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("kind", ["linear", "normal"])
def test_values_from_laws(kind, whole):
    cell, inside = drawn(coordinates())
    out = np.empty(len(cell))
    getattr(_core, f"{kind}_values")(cell, inside, LAWS, whole, out)
    expected = [twin.value(kind, LAWS[b], v, whole) for b, v in zip(cell, inside, strict=True)]
    np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-13)


def test_listed_values():
    values, shares = np.array([9.0, 1.0, 2.0, 3.0, 8.0, 4.0, np.nan, 7.0]), np.array([1, 0.2, 0.5, 1, 1, 1, 1, 1.0])
    first = np.array([0, 1, 4, 5, 6, 7, 8])
    cell, inside = drawn(coordinates())
    out = np.empty(len(cell))
    _core.listed_values(cell, inside, values, shares, first, out)
    expected = [
        twin.listed(values[first[b] : first[b + 1]], shares[first[b] : first[b + 1]], v)
        for b, v in zip(cell, inside, strict=True)
    ]
    np.testing.assert_array_equal(out, expected)
    assert {1.0, 2.0, 3.0, 4.0} <= set(out.tolist())


def test_quantiles_of_many_are_those_of_one_bit_for_bit():
    p = np.concatenate([[1e-300, 0.075, 0.925, 0.5, 1 - 2.0**-53], _core.sobol_coordinates(1, 1, 0, 999)[0]])
    one_by_one = [_core.normal_quantiles(np.array([one]))[0] for one in p]
    np.testing.assert_array_equal(_core.normal_quantiles(p), one_by_one)
    cell, laws = np.zeros(len(p), dtype=np.int32), np.array([[0.0, 1.0, 0.0, 1.0, -np.inf, np.inf]])
    out = np.empty(len(p))
    _core.normal_values(cell, p, laws, False, out)
    np.testing.assert_array_equal(out, one_by_one)


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 9000])
def test_gathering_is_a_transposed_choice_of_columns(n):
    rng = np.random.default_rng(0)
    store, flags = rng.normal(size=(7, n)), rng.integers(0, 2, size=(7, n)).astype(np.uint8)
    slots, offset, scale = np.array([6, 0, 3, 3]), np.array([0.0, 1.0, -2.0, 0.0]), np.array([1.0, 2.0, 0.0, 1.0])
    out, out_flags = np.empty((n, 4)), np.empty((n, 4), dtype=np.uint8)
    _core.gather_columns(store, slots, offset, scale, out)
    _core.gather_flags(flags, slots, out_flags)
    np.testing.assert_array_equal(out, (offset[:, None] + scale[:, None] * store[slots]).T)
    np.testing.assert_array_equal(out_flags, flags[slots].T)


def test_what_does_not_fit_is_refused():
    cell, inside, out = np.zeros(3, dtype=np.int32), np.full(3, 0.5), np.empty(3)
    with pytest.raises(InputError, match="starts must go from 0 to 1"):
        _core.cells_of(inside, np.array([0.0, 0.5]), cell, out)
    with pytest.raises(InputError, match="starts must ascend"):
        _core.cells_of(inside, np.array([0.0, 0.7, 0.5, 1.0]), cell, out)
    with pytest.raises(InputError, match="one length"):
        _core.cells_of(inside, np.array([0.0, 1.0]), cell, np.empty(2))
    with pytest.raises(InputError, match="cell must be 0 to 5, got 6"):
        _core.linear_values(cell + np.int32(6), inside, LAWS, False, out)
    with pytest.raises(InputError, match="6 columns"):
        _core.normal_values(cell, inside, LAWS[:, :5].copy(), False, out)
    with pytest.raises(InputError, match="cell 0 has no values"):
        _core.listed_values(cell, inside, np.ones(1), np.ones(1), np.array([0, 0, 1]), out)
    with pytest.raises(InputError, match="out must have shape"):
        _core.gather_columns(np.ones((2, 3)), np.array([0]), np.zeros(1), np.ones(1), np.empty((3, 2)))
    with pytest.raises(InputError, match=r"slots\[0\] is 2"):
        _core.gather_columns(np.ones((2, 3)), np.array([2]), np.zeros(1), np.ones(1), np.empty((3, 1)))
