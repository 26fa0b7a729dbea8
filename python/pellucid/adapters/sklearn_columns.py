"""Columns on their way through a pipeline, as sums of functions of the raw columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.whitebox.additive import Curve, Line, Piece, Sum, Table

Array = NDArray[np.float64]


class NotAdditive(Exception):
    """The pipeline is no sum of functions of one raw column each, or is not known to be."""


@dataclass(frozen=True)
class Native:
    """A column that still is a raw one, as the user has it, but for its missing values."""

    column: int
    filled: bool = False
    fill: Any = None


@dataclass(frozen=True)
class Columns:
    """w columns: column i is constant[i] plus the i-th value of each piece.

    Attributes
    ----------
    raw : number d of raw columns.
    constant : (w,)
    pieces : of the raw columns that have a part in it.
    native : (w,) the raw column that this one still is, or None.
    labels : values of the raw columns whose codes are places in a table.
    """

    raw: int
    constant: Array
    pieces: dict[int, Piece]
    native: tuple[Native | None, ...]
    labels: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    @classmethod
    def untouched(cls, d: int) -> Columns:
        """The raw columns themselves."""
        eye = np.eye(d)
        pieces: dict[int, Piece] = {j: Line(eye[j], np.where(eye[j] > 0, np.nan, 0.0)) for j in range(d)}
        return cls(d, np.zeros(d), pieces, tuple(Native(j) for j in range(d)))

    @property
    def width(self) -> int:
        return len(self.constant)

    def affine(self, matrix: Array, offset: Array) -> Columns:
        """Of the columns as a row z (w,): z @ matrix + offset."""
        pieces = {j: piece.times(matrix) for j, piece in self.pieces.items()}
        return replace(self, constant=self.constant @ matrix + offset, pieces=pieces, native=(None,) * matrix.shape[1])

    def scaled(self, factor: Array, offset: Array) -> Columns:
        return self.affine(np.diag(factor), offset)

    def select(self, chosen: Sequence[int]) -> Columns:
        picked = self.affine(np.eye(self.width)[:, np.asarray(chosen, dtype=np.int64)], np.zeros(len(chosen)))
        pieces = {j: piece for j, piece in picked.pieces.items() if piece.reach.any()}
        return replace(picked, pieces=pieces, native=tuple(self.native[i] for i in chosen))

    def sources(self) -> list[list[int]]:
        """For each column the raw columns that it depends on."""
        found: list[list[int]] = [[] for _ in range(self.width)]
        for j, piece in self.pieces.items():
            for i in np.flatnonzero(piece.reach):
                found[i].append(j)
        return found

    def only_source(self, i: int) -> int | None:
        """The raw column that column i depends on, None where it is constant."""
        found = [j for j, piece in self.pieces.items() if piece.reach[i]]
        if len(found) > 1:
            raise NotAdditive
        return found[0] if found else None

    def through(self, transform: Callable[[Array], Array], *, origin: Sequence[int | None]) -> Columns:
        """After a transformer whose output o is a function of column origin[o] alone, of nothing if it is None."""
        sources = [None if i is None else self.only_source(i) for i in origin]
        reference = np.where(self.constant == 0.0, 1.0, self.constant)
        constant = transform(reference[None])[0]
        pieces: dict[int, Piece] = {}
        for j in sorted({j for j in sources if j is not None}):
            if isinstance(self.pieces[j], Table):
                pieces[j] = self._table_through(j, transform, sources)
            else:
                own = np.array([source == j for source in sources])
                function = _Through(transform, self.pieces[j], self.constant, reference, own)
                pieces[j] = Curve(function, np.eye(len(origin)) * own)
        dependent = np.array([j is not None for j in sources])
        return replace(self, constant=np.where(dependent, 0.0, constant), pieces=pieces, native=(None,) * len(origin))

    def _table_through(self, j: int, transform: Callable[[Array], Array], sources: Sequence[int | None]) -> Table:
        table, own = self.pieces[j], np.array([source == j for source in sources])
        assert isinstance(table, Table)
        function = _Through(transform, table, self.constant, np.where(self.constant == 0.0, 1.0, self.constant), own)
        count = len(table.values)
        rows = np.array([_or_nan(function, code, len(own)) for code in [*range(count), np.nan, -1.0]])
        return Table(rows[:count], rows[count], rows[count + 1])


@dataclass(frozen=True, eq=False)
class _Through:
    """What a raw column becomes behind a transformer, the other columns standing still."""

    transform: Callable[[Array], Array]
    piece: Piece
    constant: Array
    reference: Array
    own: NDArray[np.bool_]

    def __call__(self, codes: Array) -> Array:
        if not len(codes):
            # Which transformers refuse.
            return np.zeros((0, len(self.own)))
        reach = self.piece.reach
        rows = np.tile(self.reference, (len(codes), 1))
        rows[:, reach] = (self.constant + self.piece.at(codes))[:, reach]
        return np.where(self.own, self.transform(rows), 0.0)


def _or_nan(function: Callable[[Array], Array], code: float, width: int) -> Array:
    try:
        return np.asarray(function(np.array([code]))[0])
    except ValueError:
        return np.full(width, np.nan)


def side_by_side(parts: Sequence[Columns], order: Sequence[int], *, raw: int) -> Columns:
    """The columns of all parts, in the places `order` of the first, second, ... of them."""
    width = sum(part.width for part in parts)
    place = np.eye(width)[np.asarray(order, dtype=np.int64)] if width else np.zeros((0, 0))
    constant, first = np.zeros(width), 0
    native: list[Native | None] = [None] * width
    pieces: dict[int, list[Piece]] = {}
    labels: dict[int, tuple[Any, ...]] = {}
    for part in parts:
        here = place[first : first + part.width]
        constant = constant + part.constant @ here
        for i, one in enumerate(part.native):
            native[order[first + i]] = one
        for j, values in part.labels.items():
            if labels.setdefault(j, values) != values:
                raise NotAdditive
        for j, piece in part.pieces.items():
            if piece.reach.any():
                pieces.setdefault(j, []).append(piece.times(here))
        first += part.width
    joined = {j: _joined(found, j in labels) for j, found in pieces.items()}
    return Columns(raw, constant, joined, tuple(native), labels)


def _joined(pieces: Sequence[Piece], labelled: bool) -> Piece:
    if labelled and not all(isinstance(piece, Table) for piece in pieces):
        # One and the same code cannot be a number here and a place in a table there.
        raise NotAdditive
    if len(pieces) == 1:
        return pieces[0]
    if all(isinstance(piece, Line) for piece in pieces):
        lines: Any = pieces
        return Line(sum(line.slope for line in lines), sum(line.missing for line in lines))
    return Sum(tuple(pieces))
