"""Games without rows: any function from coalitions to values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.model.outputs import Place, checked_scores, note_place
from pellucid.representation.checks import checked_draws, checked_masks

Array = NDArray[np.float64]


class PlainGame:
    """A game given by its value function, with the face of `Game`: one draw, and no model.

    Parameters
    ----------
    v : takes masks (m, p) of bool, returns (m,) or (m, k) values; checked like the outputs of a model.
    players : names of the p players, or their number.

    Raises
    ------
    InputError : v is not callable, players are not names, masks that do not fit.
    ModelOutputError : v returned something else than one finite row of values per coalition.

    Examples
    --------
    >>> glove = PlainGame(lambda masks: masks[:, 0] & (masks[:, 1] | masks[:, 2]), ["left", "right", "other"])
    >>> glove.value(np.array([[True, False, True], [False, True, True]])).tolist()
    [[1.0], [0.0]]
    """

    n_draws = 1

    def __init__(self, v: Callable[[NDArray[np.bool_]], Any], players: Sequence[str] | int) -> None:
        if not callable(v):
            raise InputError(f"v must be a callable of masks (m, p), got {type(v).__name__}")
        self.parts: tuple[str, ...] = _player_names(players)
        self.draw_weights: Array = np.ones(1)
        self.rows_used = 0
        self.calls = 0
        self.seconds = 0.0
        self._v = v
        self._k: int | None = None
        self._ends: tuple[Array, Array] | None = None

    @property
    def n_outputs(self) -> int:
        """Number of values of a coalition; asks for the empty and the full one if nothing was asked yet."""
        if self._k is None:
            self.ends()
        assert self._k is not None
        return self._k

    def play(self, masks: Any, draws: Any = None) -> Array:
        """Values (m, k) of masks (m, p); the draws, all 0, change nothing."""
        masks = checked_masks(masks, p=len(self.parts))
        if draws is not None:
            checked_draws(draws, m=len(masks), n_draws=1)
        return self.value(masks)

    def value(self, masks: Any) -> Array:
        """Values (m, k) of masks (m, p)."""
        # A copy: v may keep its argument or write into it.
        coalitions = checked_masks(masks, p=len(self.parts)).astype(bool)
        m = len(coalitions)
        if m == 0:
            return np.empty((0, self.n_outputs))
        place = Place(self.calls, 0, m, unit="coalition")
        self.calls += 1
        self.rows_used += m
        start = perf_counter()
        try:
            returned = self._v(coalitions)
        except BaseException as error:
            note_place(error, place)
            raise
        finally:
            self.seconds += perf_counter() - start
        values = checked_scores(returned, place=place, width=self._k, call=self.calls)
        self._k = values.shape[1]
        return values

    def ends(self) -> tuple[Array, Array]:
        """Values of the empty coalition (1, k) and of the full one (k,); evaluated once."""
        if self._ends is None:
            masks = np.zeros((2, len(self.parts)), dtype=bool)
            masks[1] = True
            values = self.value(masks)
            self._ends = values[:1], values[1]
        empty, full = self._ends
        return empty.copy(), full.copy()


def _player_names(players: Sequence[str] | int) -> tuple[str, ...]:
    if isinstance(players, (int, np.integer)) and not isinstance(players, bool):
        if players < 1:
            raise InputError(f"players must be at least 1, got {players}")
        return tuple(f"player {i}" for i in range(int(players)))
    if isinstance(players, str) or not isinstance(players, Sequence):
        raise InputError(f"players must be a sequence of names or a number, got {players!r}")
    names = tuple(players)
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError(f"players must be at least one name, all of them strings, got {list(names)!r}")
    if len(set(names)) != len(names):
        raise InputError(f"players must have different names, got {list(names)!r}")
    return names
