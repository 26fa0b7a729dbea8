"""The game of background rows that resemble the explained one: each coalition has rows and weights of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.model import Model
from pellucid.model.streaming import split
from pellucid.representation import EmpiricalLaw
from pellucid.representation.checks import checked_draws, checked_masks
from pellucid.space import Space

Array = NDArray[np.float64]

# Weights of so many (coalition, background row) pairs are held at once.
PAIRS_AT_ONCE = 2**21


class EmpiricalGame:
    r"""Coalitions of parts, valued over the background rows that are near x in what the coalition knows.

    .. math:: v(S) = \sum_b w_b(S) \, f(x_S, b_{\bar S})

    The kept rows depend on the coalition, so there is one draw, whose value is this mean. [aas2021]

    Parameters
    ----------
    model : called with the composed rows; its link is inside the average.
    x : (d,) codes of the explained row.
    law : the background with its kernel.
    space : the features, which give the parts.
    columns : (kk,) model outputs to keep.
    empty_value, full_value : (k,) model outputs of nobody, the mean over the background, and of everybody.

    Attributes
    ----------
    rows_played : model rows that the coalitions cost so far.
    """

    n_draws = 1

    def __init__(
        self,
        model: Model,
        x: Array,
        law: EmpiricalLaw,
        *,
        space: Space,
        columns: NDArray[np.int64],
        empty_value: Array,
        full_value: Array,
    ) -> None:
        self.model = model
        self.law = law
        self.parts: tuple[str, ...] = tuple(space.parts)
        self.draw_weights: Array = np.ones(1)
        self.rows_played = 0
        self._x = np.ascontiguousarray(x)
        self._columns = columns
        self._empty, self._full = empty_value, full_value

    @property
    def n_outputs(self) -> int:
        return len(self._columns)

    def play(self, masks: Any, draws: Any) -> Array:
        """Values (m, k) of masks (m, p); each draw is 0, the only one."""
        masks = checked_masks(masks, p=len(self.parts))
        checked_draws(draws, m=len(masks), n_draws=1)
        return self.value(masks)

    def value(self, masks: Any) -> Array:
        """Values (m, k) of masks (m, p)."""
        masks = checked_masks(masks, p=len(self.parts))
        values = np.empty((len(masks), self.n_outputs))
        step = max(1, PAIRS_AT_ONCE // len(self.law.rows))
        for first in range(0, len(masks), step):
            part = slice(first, first + step)
            values[part] = self._means(masks[part])[:, self._columns]
        return values

    def ends(self) -> tuple[Array, Array]:
        """Values of the empty coalition (1, k), and of the full one (k,)."""
        return self._empty[None, self._columns], self._full[self._columns]

    def _means(self, masks: NDArray[np.uint8]) -> Array:
        from pellucid import _core

        weights = self.law.kept(self._x, masks)
        of_mask, near = map(np.ascontiguousarray, np.nonzero(weights))
        collected: list[Array] = []
        self.model.feed(self._blocks(masks, of_mask, near), collected.append)
        self.rows_played += len(near)
        means: Array = _core.weighted_run_means(
            np.concatenate(collected), weights[of_mask, near], np.bincount(of_mask, minlength=len(masks))
        )
        return means

    def _blocks(self, masks: NDArray[np.uint8], of_mask: NDArray[np.int64], near: NDArray[np.int64]) -> Iterator[Array]:
        for part in split(len(near), most=self.model.batch_rows, blocks=self.model.concurrency):
            # No name for the block: the generator must not refer to it while the model runs.
            yield self._composed(masks[of_mask[part]], near[part])

    def _composed(self, masks: NDArray[np.uint8], near: NDArray[np.int64]) -> Array:
        from pellucid import _core

        rows: Array = self.model.buffer(len(near))
        _core.compose(self._x, self.law.rows, self.law.part_of_column, masks, near, rows)
        return rows
