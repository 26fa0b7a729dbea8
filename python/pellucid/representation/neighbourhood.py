"""The rows around one row of a table: what is drawn, and what it says in the parts of the explanation."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.representation.cell_laws import hot_member
from pellucid.representation.cells import TiltedCells
from pellucid.representation.column_store import Columns, ColumnStore
from pellucid.representation.lines import Line

if TYPE_CHECKING:
    from pellucid.representation.table_law import TableLaw

Array = NDArray[np.float64]
Part = TiltedCells | Line


class Sample(NamedTuple):
    """Rows around the row explained.

    Attributes
    ----------
    z : (n, p), uint8 of 0 and 1 where the neighbourhood is binary, else float64.
    codes : (n, d) codes of the space, for the model.
    weights : (n,) kernel weights, or None where all are 1: the kernel is in the law that drew the rows.
    """

    z: NDArray[Any]
    codes: Array
    weights: Array | None


class Neighbourhood:
    """The law of rows around the row x: `TableLaw.around` makes it.

    Attributes
    ----------
    parts : names of the p parts.
    labels : p texts, such as "2.5 < age <= 3.1": what z_j = 1 says of part j; the name for a part on a line.
    binary : whether all z are 0 and 1, 1 where a row lies in the bin or category of x.
    measure : (p,) the probability of z_j = 1 under the kernel, NaN for parts on a line; 1 for a constant column.
    x : (d,) codes of the row explained.
    z_x : (p,) its z, all 1 where binary.
    centre, unit : (p,), z of a part on a line is (value - centre) / unit.
    kernel_width : the nu of the kernel exp(-D^2 / (2 nu^2)), D Euclidean in z.
    laws : the law of each part, tilted by the kernel: `TiltedCells` with its `masses` and values, or `Line`.
    columns : which parts may get univariate columns, see `extra`.
    """

    def __init__(self, law: TableLaw, x: Array, *, kernel_width: float, drawn: list[Part]) -> None:
        self._law = law
        self.laws: tuple[Part, ...] = tuple(drawn)
        self.x = x
        self.kernel_width = kernel_width
        self.parts: tuple[str, ...] = law.space.parts
        self.labels: tuple[str, ...] = tuple(
            part.label if isinstance(part, TiltedCells) else part.law.name for part in drawn
        )
        self._lines = [(j, part) for j, part in enumerate(drawn) if isinstance(part, Line)]
        self._cells = [(j, part) for j, part in enumerate(drawn) if isinstance(part, TiltedCells)]
        self.binary = not self._lines
        self.measure: Array = np.array([part.measure if isinstance(part, TiltedCells) else math.nan for part in drawn])
        self.columns: tuple[int, ...] = (
            tuple(j for j, part in self._cells if part.law.moments is not None) if self.binary else ()
        )
        self.centre, self.unit = np.zeros(len(drawn)), np.ones(len(drawn))
        for j, line in self._lines:
            self.centre[j] = x[line.law.column] if law.local else line.law.mean
            self.unit[j] = line.law.unit
        self.z_x: Array = np.ones(len(drawn))
        for j, line in self._lines:
            self.z_x[j] = (x[line.law.column] - self.centre[j]) / self.unit[j]

    @property
    def part_of_column(self) -> NDArray[Any]:
        """(d,) the part each column of the table belongs to."""
        return self._law.space.part_of_column

    @property
    def local(self) -> bool:
        """Whether rows are drawn around x."""
        return self._law.local

    @property
    def units(self) -> Array:
        """(p,) what z is multiplied by to be in the units of the data, where rows are drawn around x; else 1."""
        return self.unit if self._law.local else np.ones(len(self.parts))

    def draw(self, seed: int, first: int, count: int, *, absorbed: bool = True) -> Sample:
        r"""Rows first, ..., first + count - 1 of the sequence that the seed names; any of them alone is the same.

        Coordinates come from one scrambled Sobol sequence, the same for every row explained [joe2008]. With `absorbed`
        the kernel is in the law, :math:`Q \propto \pi P`, and the weights are None. Without, rows come from P and the
        weights are the kernel's. Training rows drawn whole (`continuous="rows"` without bins) are no product law:
        they always come with weights.
        """
        with self._law.lock:
            if self._law.whole_rows is not None:
                codes = self._training_rows(seed, first, count)
                return self._weighted(self.z_of(codes), codes)
            parts = self.laws if absorbed else self._law.parts_around(self.x, kernel_width=math.inf)
            store = self._law.store(seed, first, count)
            slots = store.slots([self._columns(j, part, store) for j, part in enumerate(parts)])
            codes, flags = self._gathered(store, parts, slots, count)
        z = flags if self.binary else self._distances(codes, flags)
        return Sample(z, codes, None) if absorbed else self._weighted(z, codes)

    @property
    def product(self) -> bool:
        """Whether parts are drawn independently: not where whole rows of the background are."""
        return self._law.whole_rows is None

    def extra(self, seed: int, first: int, count: int, *, planned: int) -> Array:
        """Univariate columns (count, e) of the rows that `draw` gives with the kernel absorbed, e at most 2 p.

        For each part of `columns` its value, standardised, and the square of it, made orthonormal under the law to 1
        and to z: as regressors they take up variance and leave the limit of the coefficients where it is. There are
        none while the `planned` rows are at most 6 p, the first of each kind up to 12 p, then both: first all
        values, then all squares. Parts on a line, categories and constant columns get none.
        """
        from pellucid import _core

        with self._law.lock:
            store, slots = self._extra_slots(seed, first, count, planned)
            result = np.empty((count, len(slots)))
            if len(slots):
                ones = np.ones(len(slots))
                _core.gather_columns(store.values, slots, np.zeros(len(slots)), ones, result)
        return result

    def less_columns(self, values: Array, seed: int, *, planned: int) -> tuple[Array, int]:
        """Outputs (n, k) of rows 0, ..., n - 1 less what the columns of `extra` explain, and how many these are.

        The columns are orthonormal under the law, and on the net nearly so: each is taken out by itself.
        """
        from pellucid import _core

        with self._law.lock:
            store, slots = self._extra_slots(seed, 0, len(values), planned)
            if not len(slots):
                return values, 0
            less = values.copy()
            _core.take_out_columns(store.values, slots, less)
        return less, len(slots)

    def _extra_slots(self, seed: int, first: int, count: int, planned: int) -> tuple[ColumnStore, NDArray[np.int64]]:
        """Where the columns of `extra` are stored; call it while holding the lock of the law."""
        p = len(self.parts)
        degrees = 0 if planned <= 6 * p else 1 if planned <= 12 * p else 2
        store = self._law.store(seed, first, count)
        if not (degrees and self.columns and count):
            return store, np.empty(0, dtype=np.int64)
        chosen = [(j, part) for j, part in self._cells if part.law.moments is not None]
        # Codes and their columns are asked for together: a store that empties itself keeps neither.
        wanted = [self._columns(j, part, store) for j, part in chosen]
        slots = store.slots([*wanted, *(self._powers(j, part, store) for j, part in chosen)])[len(chosen) :]
        return store, np.array([slot + degree for degree in range(degrees) for slot in slots], dtype=np.int64)

    def z_of(self, codes: Any) -> NDArray[Any]:
        """z (n, p) of rows (n, d) in codes, of a sample of one's own for instance.

        Raises
        ------
        InputError : codes of another number of columns.
        """
        codes = np.asarray(codes, dtype=np.float64)
        if codes.ndim != 2 or codes.shape[1] != len(self.x):
            raise InputError(f"codes must have shape (rows, {len(self.x)}), got {codes.shape}; encode them first")
        same = np.empty((len(codes), len(self.parts)), dtype=np.uint8)
        for j, part in self._cells:
            same[:, j] = self._in_cell(part, codes[:, list(part.law.columns)])
        return same if self.binary else self._distances(codes, same)

    def kernel_weights(self, z: Any) -> Array:
        """exp(-D^2 / (2 nu^2)) for z (n, p), D the Euclidean distance to the z of x."""
        distance = np.zeros(len(z))
        for j, at in enumerate(self.z_x):
            distance += (z[:, j] - at) ** 2
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(-0.5 * (np.sqrt(distance) / self.kernel_width) ** 2))

    def _weighted(self, z: NDArray[Any], codes: Array) -> Sample:
        return Sample(z, codes, None if self.kernel_width == math.inf else self.kernel_weights(z))

    def _training_rows(self, seed: int, first: int, count: int) -> Array:
        """Rows of training, each as often as its weight says: one coordinate walks through their cumulative weights."""
        from pellucid import _core

        rows = self._law.whole_rows
        assert rows is not None
        u = _core.sobol_coordinates(seed, 1, first, count)[0]
        places = np.searchsorted(rows.cumulative, u, side="right")
        return np.asarray(rows.codes[np.minimum(places, len(rows.codes) - 1)])

    def _columns(self, j: int, part: Part, store: ColumnStore) -> Columns:
        u = store.coordinates[j]
        if isinstance(part, Line):
            return Columns(part.key, 1, lambda values, _: part.write(u, values))
        return Columns(part.key, len(part.law.columns), partial(part.write, u))

    def _powers(self, j: int, part: TiltedCells, store: ColumnStore) -> Columns:
        def write(values: Array, _: NDArray[np.uint8]) -> None:
            slot = store.slots([self._columns(j, part, store)])[0]
            values[:] = part.powers(store.values[slot], store.flags[slot])

        return Columns(("powers", *part.key), 2, write)

    def _gathered(
        self, store: ColumnStore, parts: Sequence[Part], slots: list[int], count: int
    ) -> tuple[Array, NDArray[np.uint8]]:
        """Codes (count, d), and flags (count, p), 1 where a part lies in the cell of x."""
        from pellucid import _core

        d = len(self.x)
        slot_of_column = np.empty(d, dtype=np.int64)
        offset, scale = np.zeros(d), np.ones(d)
        for part, slot in zip(parts, slots, strict=True):
            if isinstance(part, Line):
                column = part.law.column
                slot_of_column[column], offset[column], scale[column] = slot, part.offset, part.scale
            else:
                for member, column in enumerate(part.law.columns):
                    slot_of_column[column] = slot + member
        codes, flags = np.empty((count, d)), np.empty((count, len(parts)), dtype=np.uint8)
        _core.gather_columns(store.values, slot_of_column, offset, scale, codes)
        if self._cells:
            _core.gather_flags(store.flags, np.array(slots), flags)
        for _, line in self._lines:
            if line.law.whole:
                codes[:, line.law.column] = np.rint(codes[:, line.law.column])
        return codes, flags

    def _distances(self, codes: Array, same: NDArray[np.uint8]) -> Array:
        """z (n, p): (value - centre) / unit on a line, 0 or 1 for cells."""
        if not self._cells:  # then parts are columns
            z: Array = codes - self.centre
            z /= self.unit
            return z
        z = same.astype(np.float64)
        for j, line in self._lines:
            z[:, j] = (codes[:, line.law.column] - self.centre[j]) / self.unit[j]
        return z

    def _in_cell(self, part: TiltedCells, codes: Array) -> NDArray[np.bool_]:
        law, home = part.law, part.home
        at = self.x[list(law.columns)]
        if law.hot:
            places, here = hot_member(codes), hot_member(at[None])[0]
            return np.asarray(np.isnan(places) if here != here else places == here)
        values = codes[:, 0]
        if at[0] != at[0]:
            return np.isnan(values)
        if law.edges is None:
            return np.asarray(values == at[0])
        low = law.edges[home - 1] if home else -math.inf
        high = law.edges[home] if home < len(law.edges) else math.inf
        return np.asarray((values > low) & (values <= high))


def own_key(index: int, codes: Array) -> tuple[Hashable, ...]:
    """Names the cell that a row explained brings with it."""
    return (index, "own", codes.tobytes())
