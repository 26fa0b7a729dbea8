"""Rows of a table: a part is a feature or a group of features, a missing part comes from the background."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.representation.checks import checked_draws, checked_masks, checked_target, checked_weights
from pellucid.space import Space

Array = NDArray[np.float64]

_UNORDERED_KINDS = frozenset({"categorical", "boolean"})


class Mixture(NamedTuple):
    """Rows that take every column from x (d,) or from a background row (B, d); the part of each column (d,)."""

    x: Array
    background: Array
    part_of_column: NDArray[np.int32]

    def differs(self, parts: int) -> NDArray[np.bool_]:
        """Whether x and each background row have different codes in some column of a part: (B, parts)."""
        different = (self.background != self.x) & ~(np.isnan(self.background) & np.isnan(self.x))
        result = np.zeros((len(self.background), parts), dtype=np.bool_)
        for column, part in enumerate(self.part_of_column):
            result[:, part] |= different[:, column]
        return result


class Tabular:
    r"""One row x against a background of B rows.

    .. math:: \mathrm{row}(z, b)_j = z_{p(j)} \, x_j + (1 - z_{p(j)}) \, b_j

    where p(j) is the part of column j.

    Parameters
    ----------
    x : (d,) codes of the explained row.
    background : (B, d) codes.
    space : the features, which give the parts and the kinds; None infers numeric features and no groups.
    weights : (B,) weights of the background rows, at least 0; None is equal weights. They are normalised.

    Raises
    ------
    InputError : shapes that do not fit, an empty background, or weights that are no weights.

    Examples
    --------
    >>> import numpy as np
    >>> rows = Tabular(np.array([1.0, 2.0]), np.array([[0.0, 0.0], [0.0, 4.0]]), weights=[3, 1])
    >>> rows.parts, rows.n_draws, rows.weights.tolist()
    (('x0', 'x1'), 2, [0.75, 0.25])
    """

    def __init__(self, x: Any, background: Any, *, space: Space | None = None, weights: Any = None) -> None:
        background = np.array(background, dtype=np.float64, order="C")
        if background.ndim != 2:
            raise InputError(f"background must be 2-D (rows, features), got shape {background.shape}")
        if len(background) == 0:
            raise InputError("background has no rows; give at least one")
        x = np.array(x, dtype=np.float64)
        if x.shape != (background.shape[1],):
            raise InputError(
                f"x must have shape ({background.shape[1]},), one value per background feature, got {x.shape}"
            )
        space = Space.infer(background) if space is None else space
        if space.d != len(x):
            raise InputError(f"space has {space.d} features, but x has {len(x)}; use the Space that encoded x")

        self.x: Array = x
        self.background: Array = background
        self.space = space
        self.parts: tuple[str, ...] = tuple(space.parts)
        self.n_draws = len(background)
        self.weights: Array = checked_weights(weights, count=len(background), argument="background_weights")
        self._part_of_column = np.ascontiguousarray(space.part_of_column, dtype=np.int32)

    def compose(self, masks: Any, draws: Any, out: Array | None = None) -> Array:
        """Codes (m, d) of masks (m, p) under draws (m,), in the first m rows of `out` where it is given."""
        from pellucid import _core

        masks = checked_masks(masks, p=len(self.parts))
        draws = checked_draws(draws, m=len(masks), n_draws=None)  # the core refuses draws out of range
        rows = checked_target(out, len(masks), len(self.x))
        _core.compose(self.x, self.background, self._part_of_column, masks, draws, rows)
        return rows

    def compose_grid(self, masks: Any, *, first: int, count: int, out: Array | None = None) -> Array:
        """Codes (m * count, d) of each mask under the draws first, ..., first + count - 1, mask by mask."""
        from pellucid import _core

        masks = checked_masks(masks, p=len(self.parts))
        if not 0 <= first <= first + count <= self.n_draws:
            raise InputError(f"draws {first} to {first + count - 1} are not within 0 to {self.n_draws - 1}")
        rows = checked_target(out, len(masks) * count, len(self.x))
        _core.compose_grid(self.x, self.background, self._part_of_column, masks, first, count, rows)
        return rows

    def contrasts(self) -> Array:
        r"""How far x is from each background row, part by part: (B, p), not centred.

        For a part that is one column on a scale :math:`(x_j - b_j) / \mathrm{sd}_j` with the weighted
        standard deviation of the background, 0 where the background is constant. For a categorical or
        boolean column, for a group of columns, and where exactly one of two values is missing: 1 if x and
        the background row differ, else 0.
        """
        members = [np.flatnonzero(self._part_of_column == part) for part in range(len(self.parts))]
        contrasts, differs = np.empty((self.n_draws, len(self.parts))), self.differs()
        for part, columns in enumerate(members):
            alone = len(columns) == 1
            if alone and self.space.features[columns[0]].kind not in _UNORDERED_KINDS:
                contrasts[:, part] = self._standardised(int(columns[0]))
            else:
                contrasts[:, part] = differs[:, part]
        return contrasts

    def differs(self) -> NDArray[np.bool_]:
        """Whether x and each background row have different codes in some column of a part: (B, p)."""
        return self.mixture().differs(len(self.parts))

    def mixture(self) -> Mixture:
        """x and the background: every column of a row comes from one of the two."""
        return Mixture(self.x, self.background, self._part_of_column)

    def _standardised(self, column: int) -> Array:
        values, x = self.background[:, column], self.x[column]
        present = ~np.isnan(values)
        known, weights = values[present], self.weights[present]
        result = np.where(present == np.isnan(x), 1.0, 0.0)
        # Compared, not computed: rounding gives a constant column a tiny standard deviation.
        if np.isnan(x) or weights.sum() == 0 or known.min() == known.max():
            return result
        mean = np.average(known, weights=weights)
        deviation = float(np.sqrt(np.average((known - mean) ** 2, weights=weights)))
        result[present] = (x - known) / deviation if deviation > 0 else 0.0
        return result
