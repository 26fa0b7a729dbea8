"""The background: the rows that stand in for features a coalition does not know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.games import Game
from pellucid.model import Model
from pellucid.representation import Tabular
from pellucid.representation.checks import checked_weights
from pellucid.space import Space

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Background:
    """Distinct background rows and their weights: the marginal game, and with one row the baseline game.

    Equal rows are one row with the sum of their weights: the same average for fewer model rows.

    Attributes
    ----------
    codes : (B, d) distinct rows in the order they first came.
    weights : (B,), positive, summing to 1.
    given : how many rows the user gave.
    value_function : "marginal" or "baseline".
    """

    codes: Array
    weights: Array
    given: int
    value_function: str
    warnings: tuple[str, ...] = ()
    rows_per_coalition: int = 1
    draws_are: str = "background rows"

    @classmethod
    def of(cls, background: Any, space: Space, *, weights: Any = None) -> Background:
        """Encode, check and merge; InputError for no rows, or weights that are no weights."""
        codes = space.encode(background, argument="background")
        if len(codes) == 0:
            raise InputError("background has no rows; pass the training rows, or one reference row of shape (1, d)")
        weights = checked_weights(weights, count=len(codes), argument="background_weights")
        keep = weights > 0
        distinct, merged = _merged(codes[keep], weights[keep])
        return cls(distinct, merged / merged.sum(), len(codes), "baseline" if len(distinct) == 1 else "marginal")

    def named(self, value_function: str) -> Background:
        """The same rows, with the name that was asked for."""
        return replace(self, value_function=value_function)

    @property
    def draw_weights(self) -> Array:
        return self.weights

    def game(self, model: Model, x: Array, *, columns: Any, empty_values: Array, full_value: Array) -> Game:
        """The game of row x (d,), given the outputs (B, k) of the background and (k,) of x."""
        rows = Tabular(x, self.codes, space=model.space, weights=self.weights)
        return Game(model, rows, columns=columns, empty_values=empty_values, full_value=full_value)


def _merged(codes: Array, weights: Array) -> tuple[Array, Array]:
    """Rows that are equal bit for bit, missing values included, become one."""
    codes = codes + 0.0  # -0.0 and 0.0 are one value
    keys = np.ascontiguousarray(codes).view(np.dtype((np.void, codes.dtype.itemsize * codes.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    merged: Array = np.bincount(place[inverse.ravel()], weights=weights, minlength=len(order)).astype(np.float64)
    return codes[first[order]], merged
