"""Many rows at once: each draw is a row, and the other row that its missing parts come from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.representation.checks import checked_draws, checked_masks, checked_target
from pellucid.space import Space

Array = NDArray[np.float64]


class Pairs:
    r"""Rows x of one table, each with a donor b of another or the same one.

    .. math:: \mathrm{row}(z, t)_j = z_{p(j)} \, x_{r(t), j} + (1 - z_{p(j)}) \, b_{s(t), j}

    where p(j) is the part of column j, and draw t pairs row r(t) with donor s(t). Where `Tabular` explains one row
    against a background, this one plays a whole sample: rows that take one part from another row of the sample, or
    points of a grid that take all but one part from it.

    Parameters
    ----------
    rows : (n, d) codes.
    donors : (B, d) codes.
    of_row, of_donor : (m,) positions of the row and of the donor of each draw.
    space : the features, which give the parts.

    Raises
    ------
    InputError : shapes that do not fit, or positions that are none.

    Examples
    --------
    >>> rows = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> pairs = Pairs(rows, rows, of_row=[0, 1], of_donor=[1, 0], space=Space.infer(rows))
    >>> pairs.compose(np.array([[1, 0], [0, 1]]), np.array([0, 1])).tolist()
    [[1.0, 4.0], [1.0, 4.0]]
    """

    def __init__(self, rows: Any, donors: Any, *, of_row: Any, of_donor: Any, space: Space) -> None:
        self.rows: Array = np.asarray(rows, dtype=np.float64)
        self.donors: Array = np.asarray(donors, dtype=np.float64)
        for name, table in (("rows", self.rows), ("donors", self.donors)):
            if table.ndim != 2 or table.shape[1] != space.d:
                raise InputError(f"{name} must have shape (rows, {space.d}), got {table.shape}; use Space.encode(X)")
        self.n_draws = np.size(of_row)
        self.of_row = checked_draws(of_row, m=self.n_draws, n_draws=len(self.rows))
        self.of_donor = checked_draws(of_donor, m=self.n_draws, n_draws=len(self.donors))
        if self.n_draws == 0:
            raise InputError("of_row has no draws; give at least one pair")
        self.space = space
        self.parts: tuple[str, ...] = tuple(space.parts)
        self.weights: Array = np.full(self.n_draws, 1.0 / self.n_draws)

    def compose(self, masks: Any, draws: Any, out: Array | None = None) -> Array:
        """Codes (m, d) of masks (m, p) under draws (m,), in the first m rows of `out` where it is given."""
        masks = checked_masks(masks, p=len(self.parts))
        draws = checked_draws(draws, m=len(masks), n_draws=self.n_draws)
        rows = checked_target(out, len(masks), self.space.d)
        np.take(self.rows, self.of_row[draws], axis=0, out=rows, mode="clip")
        absent = masks[:, self.space.part_of_column] == 0
        np.copyto(rows, self.donors[self.of_donor[draws]], where=absent)
        return rows
