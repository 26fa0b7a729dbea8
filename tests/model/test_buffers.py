"""Row buffers are reused, and never while somebody refers to them."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from pellucid.model.buffers import BufferPool


def test_a_buffer_is_reused_when_nobody_refers_to_it():
    pool = BufferPool(3)
    for rows in (5, 3, 5, 1):
        assert pool.take(rows).shape == (rows, 3)
    assert pool.allocated == 1


@pytest.mark.parametrize(
    "hold",
    [
        lambda a: a,
        lambda a: a[1:2],
        lambda a: a.T,
        lambda a: a.reshape(-1)[3:],
        lambda a: memoryview(a),
        lambda a: pd.DataFrame(a, copy=False),
    ],
)
def test_a_buffer_stays_with_whoever_keeps_any_view_of_it(hold):
    pool = BufferPool(3)
    buffer = pool.take(4)
    buffer[:] = 1.0
    held = hold(buffer)
    del buffer
    pool.take(4)[:] = 2.0
    assert (np.asarray(held) == 1.0).all()
    assert pool.allocated == 2
    del held
    pool.take(4)
    assert pool.allocated == 2


def test_a_larger_request_gets_a_larger_buffer():
    pool = BufferPool(1)
    pool.take(2)
    large = pool.take(9)
    large[:] = 0.0
    assert large.shape == (9, 1)
    assert pool.allocated == 2


def test_rows_of_any_shape_and_type_are_lent():
    pool = BufferPool((4, 3), dtype=">u2")
    first = pool.take(5)
    assert (first.shape, first.dtype) == ((5, 4, 3), np.dtype(">u2"))
    del first
    assert pool.take(2).shape == (2, 4, 3)
    assert pool.allocated == 1
    copy = pickle.loads(pickle.dumps(pool))
    assert copy.take(1).dtype == np.dtype(">u2")
