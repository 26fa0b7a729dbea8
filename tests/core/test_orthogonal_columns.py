"""Columns taken out of outputs one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import InputError, _core

rng = np.random.default_rng(3)


def taken_out(store, slots, values):
    values = values.copy()
    for output in range(values.shape[1]):
        mean = values[:, output].mean()
        left = values[:, output] - mean
        for first in range(0, len(slots), 4):
            some = store[slots[first : first + 4]]
            left -= (some @ left / (some**2).sum(axis=1)) @ some
        values[:, output] = left + mean
    return values


@pytest.mark.parametrize("n", [1, 7, 8, 1000])
def test_is_one_sweep_of_projections(n):
    store, values = rng.normal(size=(9, n)), rng.normal(size=(n, 3)) + 2.0
    slots, found = np.array([4, 0, 5, 8, 7, 2]), values.copy()

    _core.take_out_columns(store, slots, found)

    np.testing.assert_allclose(found, taken_out(store, slots, values), rtol=0, atol=1e-13 * n)


def test_orthogonal_columns_are_taken_out_as_by_least_squares():
    n = 512
    basis = np.linalg.qr(np.column_stack([np.ones(n), rng.normal(size=(n, 5))]))[0][:, 1:].T.copy()
    values = rng.normal(size=(n, 1))
    found = values.copy()

    _core.take_out_columns(basis, np.arange(5), found)

    np.testing.assert_allclose(basis @ found, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.mean(), values.mean(), rtol=1e-12)


def test_a_column_of_zeros_changes_nothing():
    values = rng.normal(size=(20, 2))
    found = values.copy()

    _core.take_out_columns(np.zeros((1, 20)), np.array([0]), found)

    np.testing.assert_allclose(found, values, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("slots", "rows"), [([3], 20), ([-1], 20), ([0], 19)])
def test_refuses_slots_and_rows_that_do_not_fit(slots, rows):
    with pytest.raises(InputError, match=r"slots|store"):
        _core.take_out_columns(np.ones((3, 20)), np.array(slots), np.ones((rows, 1)))
