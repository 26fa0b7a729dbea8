"""The law of one part as cells: bins or categories with their masses, and what is drawn inside each of them."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Points at which the moments inside a cell are taken, in the middle of equal shares of its mass.
_MOMENT_POINTS = 1024
# A column that its cells leave this share of its variance is a column of its own; less is rounding.
_LEAST_VARIANCE = 1e-10


class Values(NamedTuple):
    """What is drawn inside the cells of one column: by laws (B, 6) of the core, or from listed values."""

    kind: str  # "linear", "normal" or "listed"
    laws: Array
    whole: bool = False
    values: Array = np.empty(0)
    shares: Array = np.empty(0)
    first_of_cell: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def write(self, cell: NDArray[np.int32], inside: Array, out: Array) -> None:
        """The values (n,) of rows in these cells, at these shares of the cell's mass."""
        from pellucid import _core

        if self.kind == "listed":
            _core.listed_values(cell, inside, self.values, self.shares, self.first_of_cell, out)
        elif self.kind == "normal":
            _core.normal_values(cell, inside, self.laws, self.whole, out)
        else:
            _core.linear_values(cell, inside, self.laws, self.whole, out)


def point(value: float) -> list[float]:
    """The law of a cell that holds one value."""
    return [value, 0.0, 0.5, 0.0, -math.inf, math.inf]


def uniform(low: float, high: float, *, least: float) -> list[float]:
    return [low, min(high - low, np.finfo(np.float64).max), 0.0, 0.0, least, high]


def truncated_normal(mean: float, deviation: float, *, low: float, high: float, least: float) -> list[float]:
    r"""N(mean, deviation^2) cut to [low, high]; values are then held between `least` and high.

    The probabilities are those of the tail nearer to the interval, so that far from the mean they keep their digits.
    Beyond some 37 deviations they are 0, and the law is a point at the nearer end.
    """
    if not (deviation > 0 and low < high):
        return point(min(max(mean, least), high))
    a, b = (low - mean) / deviation, (high - mean) / deviation
    sign = -1.0 if a + b > 0 else 1.0
    start, end = (0.5 * math.erfc(-sign * side / math.sqrt(2.0)) for side in (a, b))
    if start == end:
        return point(min(max(mean, least), high))
    return [mean, sign * deviation, start, end - start, least, high]


@dataclass(frozen=True, eq=False)
class CellLaw:
    """Bins or categories of one part.

    Attributes
    ----------
    name : the part.
    columns : the c columns of the table that it writes.
    masses : (B,) probabilities of the cells, which may hold zeros.
    labels : B texts.
    values : the values of each column inside the cells.
    edges : inner edges of the bins, ascending; None for categories.
    codes : the codes of the categories in the order of the cells; empty for bins.
    missing : the cell of missing values, which is the last one; None where there is none.
    rows : how many training rows the masses come from.
    hot : whether the columns are the members of a one-hot group; its codes are then the places of the hot ones.
    moments : (B, 4) means of s, s^2, s^3, s^4 within each cell, s standardised; None where no columns are added.
    """

    name: str
    columns: tuple[int, ...]
    masses: Array
    labels: tuple[str, ...]
    values: tuple[Values, ...]
    edges: list[float] | None
    codes: tuple[float, ...]
    missing: int | None
    rows: int
    hot: bool = False
    centre: float = 0.0
    unit: float = 1.0
    moments: Array | None = None

    def cell_of(self, code: float) -> int | None:
        """The cell that holds a code; None for a category or a missing value that training never showed."""
        if code != code:
            return self.missing
        if self.edges is not None:
            return bisect_left(self.edges, code)
        return self.codes.index(code) if code in self.codes else None

    def with_moments(self, centre: float, unit: float) -> CellLaw:
        """The same law, ready to add columns of s = (value - centre) / unit."""
        inside = np.tile((np.arange(_MOMENT_POINTS) + 0.5) / _MOMENT_POINTS, len(self.masses))
        cell = np.repeat(np.arange(len(self.masses), dtype=np.int32), _MOMENT_POINTS)
        drawn = np.empty(len(cell))
        self.values[0].write(cell, inside, drawn)
        s = np.where(np.isnan(drawn), 0.0, (drawn - centre) / unit).reshape(len(self.masses), -1)
        square = s * s
        moments = np.stack([power.mean(axis=1) for power in (s, square, square * s, square * square)], axis=1)
        return replace(self, centre=centre, unit=unit, moments=moments)

    def holding(self, codes: Array, label: str) -> tuple[CellLaw, int]:
        """The law as if the codes (c,) of a row explained had been one more training row, and their cell.

        For a row that lies where training has nothing: a category or a bin without mass. It gets the mass
        1 / (rows + 1), all of it at its own value.
        """
        share = 1.0 / (self.rows + 1)
        home = self.cell_of(float(codes[0])) if self.edges is not None else None
        masses = self.masses * (1.0 - share)
        if home is not None:
            masses[home] = share
            values = tuple(_at_point(one, home, code) for one, code in zip(self.values, codes, strict=True))
            grown = replace(self, masses=masses, values=values)
        else:
            home = len(masses)
            values = tuple(_with_point(one, code) for one, code in zip(self.values, codes, strict=True))
            grown = replace(self, masses=np.append(masses, share), labels=(*self.labels, label), values=values)
        return (grown if self.moments is None else grown.with_moments(self.centre, self.unit)), home


def _at_point(values: Values, cell: int, code: float) -> Values:
    if values.kind == "listed":
        first = values.first_of_cell
        replaced = np.array(values.values)
        replaced[first[cell] : first[cell + 1]] = code
        return values._replace(values=replaced)
    laws = np.array(values.laws)
    laws[cell] = point(code)
    return values._replace(laws=laws)


def _with_point(values: Values, code: float) -> Values:
    if values.kind == "listed":
        return values._replace(
            values=np.append(values.values, code),
            shares=np.append(values.shares, 1.0),
            first_of_cell=np.append(values.first_of_cell, len(values.values) + 1),
        )
    return values._replace(laws=np.vstack([values.laws, point(code)]))


@dataclass(frozen=True, eq=False)
class TiltedCells:
    r"""The cells of one part around the cell of the row explained.

    .. math:: q_b \propto p_b \, \epsilon^{[b \neq b^*]}, \qquad \epsilon = \exp(-1 / (2 \nu^2))

    so that the kernel's weight of a part that differs is a matter of how often it is drawn.
    """

    key: tuple[Any, ...]
    law: CellLaw
    home: int
    starts: Array
    measure: float
    factor: float

    @classmethod
    def around(cls, law: CellLaw, home: int, *, factor: float, key: tuple[Any, ...]) -> TiltedCells:
        tilted = law.masses * factor
        tilted[home] = law.masses[home]
        total = float(tilted.sum())
        starts = np.concatenate([[0.0], np.cumsum(tilted) / total])
        starts[int(np.flatnonzero(tilted)[-1]) + 1 :] = 1.0
        return cls(key, law, home, np.minimum(starts, 1.0), float(tilted[home] / total), factor)

    @property
    def label(self) -> str:
        return self.law.labels[self.home]

    @property
    def masses(self) -> Array:
        """(B,) probabilities of the cells."""
        return np.diff(self.starts)

    def write(self, u: Array, out: Array, same: NDArray[np.uint8]) -> None:
        """Codes (c, n) from coordinates u (n,), and where they lie in the cell of the row explained (n,)."""
        from pellucid import _core

        cell, inside = np.empty(len(u), dtype=np.int32), np.empty(len(u))
        _core.cells_of(u, self.starts, cell, inside)
        for values, row in zip(self.law.values, out, strict=True):
            values.write(cell, inside, row)
        np.equal(cell, self.home, out=same.view(np.bool_))

    def powers(self, codes: Array, same: NDArray[np.uint8]) -> Array:
        r"""Columns h_1 and h_2 (n,) each, of degree 1 and 2 in the value: at most two, orthonormal to 1 and z.

        With :math:`a_g = E[s | z = g]` and :math:`c_g = E[s^2 | z = g]` under the tilted masses,
        :math:`h_1 = (s - a_z) / \sqrt v` and :math:`h_2 = (s^2 - c_z - r h_1) / \sqrt w`, where
        :math:`r = E[s^2 h_1]`. A column without spread left is 0.
        """
        shares = np.zeros((2, len(self.masses)))
        shares[0], shares[1, self.home] = self.masses, self.masses[self.home]
        shares[0, self.home] = 0.0
        weight = shares.sum(axis=1)
        moments = self.law.moments
        assert moments is not None
        # Means within z = 0 and z = 1; where one of them has no mass its means do not matter.
        m1, m2, m3, m4 = (
            np.array(
                [float((share * column).sum()) / (total or 1.0) for share, total in zip(shares, weight, strict=True)]
            )
            for column in moments.T
        )
        missing = np.isnan(codes)
        s = np.where(missing, 0.0, (codes - self.law.centre) / self.law.unit)
        result = np.zeros((2, len(codes)))
        v = float((weight * (m2 - m1 * m1)).sum())
        if not _LEAST_VARIANCE * max(1.0, float((weight * m2).sum())) < v < math.inf:
            return result
        result[0] = (s - m1[same]) / math.sqrt(v)
        r = float((weight * (m3 - m1 * m2)).sum()) / math.sqrt(v)
        w = float((weight * (m4 - m2 * m2)).sum()) - r * r
        if _LEAST_VARIANCE * max(1.0, float((weight * m4).sum())) < w < math.inf:
            result[1] = (s * s - m2[same] - r * result[0]) / math.sqrt(w)
        return result
