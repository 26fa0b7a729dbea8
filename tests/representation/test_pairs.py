"""Rows with donors: every row of a batch has its own."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.representation import Pairs, Representation
from pellucid.space import Space

ROWS = np.arange(12.0).reshape(3, 4)
DONORS = -np.arange(8.0).reshape(2, 4)


def pairs(**more):
    space = Space.infer(ROWS, groups={"both": ["x1", "x3"]})
    return Pairs(ROWS, DONORS, **{"of_row": [0, 2, 1], "of_donor": [1, 0, 1], "space": space, **more})


def test_absent_parts_come_from_the_donor():
    masks = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 1], [0, 0, 0]])
    draws = np.array([0, 1, 2, 1])

    expected = [
        [ROWS[r, j] if present[[0, 1, 2, 1][j]] else DONORS[s, j] for j in range(4)]
        for present, (r, s) in zip(masks, [(0, 1), (2, 0), (1, 1), (2, 0)], strict=True)
    ]
    assert pairs().compose(masks, draws).tolist() == expected
    assert pairs().parts == ("x0", "both", "x2")
    assert isinstance(pairs(), Representation)


def test_the_first_rows_of_the_buffer_are_written():
    out = np.full((5, 4), 7.0)
    rows = pairs().compose(np.ones((2, 3), bool), np.array([0, 1]), out)
    assert np.shares_memory(rows, out)
    assert out[:2].tolist() == ROWS[[0, 2]].tolist()
    assert (out[2:] == 7.0).all()


@pytest.mark.parametrize(
    "wrong", [{"of_row": [0, 3, 1]}, {"of_donor": [0, 2, 1]}, {"of_donor": [0, 1]}, {"of_row": [], "of_donor": []}]
)
def test_pairs_that_are_none(wrong):
    with pytest.raises(InputError):
        pairs(**wrong)


def test_tables_and_buffers_that_do_not_fit():
    with pytest.raises(InputError, match="donors must have shape"):
        Pairs(ROWS, DONORS[:, :3], of_row=[0], of_donor=[0], space=Space.infer(ROWS))
    with pytest.raises(InputError, match="out must be"):
        pairs().compose(np.ones((2, 3), bool), np.array([0, 1]), np.empty((1, 4)))
