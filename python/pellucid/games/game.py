"""The game of a model and a representation: the value of a coalition is an average of model outputs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.model import Model
from pellucid.model.medium import TableMedium
from pellucid.model.streaming import split
from pellucid.representation import Mixture, Representation
from pellucid.representation.checks import checked_draws, checked_masks

Array = NDArray[np.float64]
Masks = NDArray[np.uint8]


class Tap:
    """Keeps rows and outputs that were paid for, up to a size, for whoever needs them a second time.

    Parameters
    ----------
    max_bytes : size of rows and outputs together, in bytes.

    Attributes
    ----------
    full : rows came that were not kept.

    Examples
    --------
    >>> tap = Tap(100)
    >>> tap.keep(np.ones((4, 2)), np.zeros((4, 1)))
    >>> tap.keep(np.ones((4, 2)), np.zeros((4, 1)))
    >>> len(tap), tap.full, tap.rows.shape
    (4, True, (4, 2))
    """

    def __init__(self, max_bytes: int) -> None:
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, (int, np.integer)) or max_bytes < 0:
            raise InputError(f"max_bytes must be a whole number of at least 0, got {max_bytes!r}")
        self.max_bytes = int(max_bytes)
        self.full = False
        self._rows: list[Array] = []
        self._outputs: list[Array] = []
        self._bytes = 0

    def __len__(self) -> int:
        return sum(map(len, self._rows))

    @property
    def rows(self) -> Array:
        """The kept rows, (r, d) codes in the order they were played."""
        return np.concatenate(self._rows) if self._rows else np.empty((0, 0))

    @property
    def outputs(self) -> Array:
        """Their outputs (r, k): all outputs of the model, after the link."""
        return np.concatenate(self._outputs) if self._outputs else np.empty((0, 0))

    def keep(self, rows: Array, outputs: Array) -> None:
        """Copy as many of the rows as there is room for."""
        if self.full or len(rows) == 0:
            return
        each = 8 * (rows.shape[1] + outputs.shape[1])
        count = min(len(rows), (self.max_bytes - self._bytes) // each)
        self.full = count < len(rows)
        if count:
            self._rows.append(rows[:count].copy())
            self._outputs.append(outputs[:count].copy())
            self._bytes += each * count


class Game:
    r"""Coalitions of parts, valued by a model on composed rows.

    .. math:: v(S) = \sum_b w_b \, f(\mathrm{compose}(S, b))

    Rows are composed into buffers of the model, `batch_rows` at a time. The bits of a value do not depend on
    the batch size: each coalition has its own compensated sum over the draws in their order.

    Parameters
    ----------
    model : called with the composed rows; its link is inside the average.
    representation : parts, draws and how to compose.
    columns : (kk,) model outputs to keep, None for all.
    tap : keeps the rows played and their outputs.
    empty_values : (B, k) model outputs of the empty coalition under each draw, where they are known.
    full_value : (k,) model outputs of the full coalition, where they are known.

    Raises
    ------
    InputError : masks, draws or columns that do not fit.

    Examples
    --------
    >>> from pellucid.representation import Tabular
    >>> from pellucid.space import Space
    >>> background = np.array([[0.0, 0.0], [2.0, 2.0]])
    >>> model = Model(lambda rows: rows[:, 0] * rows[:, 1], space=Space.infer(background))
    >>> game = Game(model, Tabular(np.array([3.0, 5.0]), background))
    >>> game.value(np.array([[False, False], [True, False], [True, True]])).tolist()
    [[2.0], [3.0], [15.0]]
    """

    def __init__(
        self,
        model: Model,
        representation: Representation,
        *,
        columns: Any = None,
        tap: Tap | None = None,
        empty_values: Array | None = None,
        full_value: Array | None = None,
    ) -> None:
        self.model = model
        self.representation = representation
        self.parts: tuple[str, ...] = tuple(representation.parts)
        self.n_draws = int(representation.n_draws)
        self.draw_weights: Array = np.ascontiguousarray(representation.weights, dtype=np.float64)
        if self.n_draws < 1 or self.draw_weights.shape != (self.n_draws,):
            raise InputError(
                f"representation must have at least one draw and one weight per draw, got n_draws="
                f"{self.n_draws} and weights of shape {self.draw_weights.shape}"
            )
        weights = self.draw_weights
        if not (weights >= 0).all() or not abs(weights.sum() - 1.0) < 1e-6:
            raise InputError(
                f"weights of {type(representation).__name__} must be at least 0 and sum to 1, got a sum of "
                f"{weights.sum():.6g} and a least one of {weights.min():.6g}"
            )
        self.tap = tap
        self._columns = None if columns is None else _checked_columns(columns)
        self._empty_values = None if empty_values is None else np.array(empty_values, dtype=np.float64)
        self._full_value = None if full_value is None else np.array(full_value, dtype=np.float64)
        self._check_given_ends()

    @property
    def n_outputs(self) -> int:
        return self.model.k if self._columns is None else len(self._columns)

    def play(self, masks: Any, draws: Any) -> Array:
        """Values (m, k) of masks (m, p), each under its own draw (m,)."""
        masks = checked_masks(masks, p=len(self.parts))
        draws = checked_draws(draws, m=len(masks), n_draws=self.n_draws)
        if len(masks) == 0:
            return np.empty((0, self.n_outputs))
        collected: list[Array] = []
        self._run(self._pairs(masks, draws), collected.append)
        return self._kept(collected[0] if len(collected) == 1 else np.concatenate(collected))

    def value(self, masks: Any) -> Array:
        """Values (m, k) of masks (m, p), the weighted mean over all draws."""
        from pellucid import _core

        masks = checked_masks(masks, p=len(self.parts))
        if len(masks) == 0:
            return np.empty((0, self.n_outputs))
        plan = list(self._chunks(len(masks)))
        upcoming = iter(plan)
        sums: list[Array] = []

        def add(outputs: Array) -> None:
            if not sums:
                sums.extend(np.zeros((len(masks), self.n_outputs)) for _ in range(2))
            at, draws = next(upcoming)
            total, compensation = sums
            _core.add_weighted(self._kept(outputs), self.draw_weights[draws], total[at], compensation[at])

        self._run((self._grid(masks[at], draws) for at, draws in plan), add)
        return sums[0] + sums[1]

    def play_all(self, masks: Any) -> Array:
        """Values (m, B, k) of masks (m, p) under every draw."""
        masks = checked_masks(masks, p=len(self.parts))
        values = np.empty((len(masks), self.n_draws, self.n_outputs))
        if len(masks) == 0:
            return values
        plan = list(self._chunks(len(masks)))
        upcoming = iter(plan)

        def place(outputs: Array) -> None:
            at, draws = next(upcoming)
            values[at, draws] = self._kept(outputs).reshape(at.stop - at.start, draws.stop - draws.start, -1)

        self._run((self._grid(masks[at], draws) for at, draws in plan), place)
        return values

    def ends(self) -> tuple[Array, Array]:
        """Values of the empty coalition under each draw (B, k), and of the full one (k,); evaluated once."""
        if self._full_value is None:
            self._full_value = self._model_outputs(np.ones((1, len(self.parts)), np.uint8), np.zeros(1, np.int64))[0]
        if self._empty_values is None:
            draws = np.arange(self.n_draws, dtype=np.int64)
            self._empty_values = self._model_outputs(np.zeros((self.n_draws, len(self.parts)), np.uint8), draws)
        return self._kept(self._empty_values), self._kept(self._full_value[None])[0]

    def contrasts(self) -> Array | None:
        """How far the input is from each draw, part by part (B, p); None where nobody can tell."""
        method = getattr(self.representation, "contrasts", None)
        return None if method is None else np.ascontiguousarray(method(), dtype=np.float64)

    def differs(self) -> NDArray[np.bool_] | None:
        """Whether the input is another one than each draw, part by part (B, p); None where nobody can tell."""
        method = getattr(self.representation, "differs", None)
        return None if method is None else np.asarray(method(), dtype=np.bool_)

    def mixture(self) -> Mixture | None:
        """The input and the background, where each column of a row comes from one of them; None where not."""
        method = getattr(self.representation, "mixture", None)
        return None if method is None else method()

    def rows(self, masks: Masks, draws: NDArray[np.int64]) -> Array:
        """The codes (m, d) that `play` asks the model about."""
        return np.array(self.representation.compose(masks, draws))

    def _model_outputs(self, masks: Masks, draws: NDArray[np.int64]) -> Array:
        collected: list[Array] = []
        self._run(self._pairs(masks, draws), collected.append)
        return np.concatenate(collected)

    def _pairs(self, masks: Masks, draws: NDArray[np.int64]) -> Iterator[Array]:
        for part in split(len(masks), most=self.model.batch_rows, blocks=self.model.concurrency):
            # No name for the block: the generator must not refer to it while the model runs.
            yield self._composed(masks[part], draws[part])

    def _chunks(self, m: int) -> Iterator[tuple[slice, slice]]:
        """Which masks and draws go into one call: whole masks where all draws fit, else a run of draws."""
        step, calls = self.model.batch_rows, self.model.concurrency
        # Fewer masks than calls at once: their draws are shared out too.
        per_mask = -(-calls // min(m, calls))
        for masks in split(m, most=max(1, step // self.n_draws), blocks=calls):
            for draws in split(self.n_draws, most=step, blocks=per_mask):
                yield masks, draws

    def _grid(self, masks: Masks, draws: slice) -> Array:
        count = draws.stop - draws.start
        compose_grid = getattr(self.representation, "compose_grid", None)
        if compose_grid is None:
            each = np.arange(draws.start, draws.stop, dtype=np.int64)
            return self._composed(np.repeat(masks, count, axis=0), np.tile(each, len(masks)))
        buffer = self.model.buffer(len(masks) * count)
        composed: Array = compose_grid(masks, first=draws.start, count=count, out=buffer)
        return composed

    def _composed(self, masks: Masks, draws: NDArray[np.int64]) -> Array:
        rows = self.representation.compose(masks, draws, out=self.model.buffer(len(masks)))
        if not isinstance(self.model.medium, TableMedium):
            if len(rows) != len(masks):
                raise InputError(
                    f"compose of {type(self.representation).__name__} must return a row for each of the "
                    f"{len(masks)} masks, got {len(rows)}"
                )
            return rows  # a block of that medium, not an array of codes
        expected = (len(masks), self.model.space.d)
        if not isinstance(rows, np.ndarray) or rows.dtype != np.float64 or rows.shape != expected:
            got = f"{rows.dtype} {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
            raise InputError(
                f"compose of {type(self.representation).__name__} must return a float64 array of shape "
                f"{expected}, got {got}"
            )
        return rows

    def _run(self, blocks: Iterator[Array], consume: Callable[[Array], Any]) -> None:
        if self.tap is None or self.tap.full:
            self.model.feed(blocks, consume)
            return
        tap, copies = self.tap, deque[Array]()

        def copied() -> Iterator[Array]:
            for block in blocks:
                # Before the call, as the callable may write into its input.
                copies.append(np.empty((0, 0)) if tap.full else block.copy())
                yield block
                del block

        def keep(outputs: Array) -> None:
            tap.keep(copies.popleft(), outputs)
            consume(outputs)

        self.model.feed(copied(), keep)

    def _kept(self, outputs: Array) -> Array:
        if self._columns is None:
            return outputs
        if self._columns.max() >= outputs.shape[1]:
            raise InputError(
                f"columns: index {self._columns.max()} is out of range; the model has {outputs.shape[1]} outputs"
            )
        if np.array_equal(self._columns, np.arange(outputs.shape[1])):
            return outputs
        return np.ascontiguousarray(outputs[:, self._columns])

    def _check_given_ends(self) -> None:
        empty, full = self._empty_values, self._full_value
        if empty is not None and (empty.ndim != 2 or len(empty) != self.n_draws):
            raise InputError(f"empty_values must have shape ({self.n_draws}, k), one row per draw, got {empty.shape}")
        if full is not None and full.ndim != 1:
            raise InputError(f"full_value must have shape (k,), got {full.shape}")
        if empty is not None and full is not None and empty.shape[1] != len(full):
            raise InputError(f"empty_values has {empty.shape[1]} outputs, but full_value has {len(full)}")


def _checked_columns(columns: Any) -> NDArray[np.int64]:
    array = np.asarray(columns)
    if array.ndim != 1 or array.dtype.kind not in "iu" or len(array) == 0 or array.min() < 0:
        raise InputError(f"columns must be a non-empty sequence of output indices from 0, got {columns!r}")
    return array.astype(np.int64)
