"""Shapley values from all coalitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.estimation.estimate import Array, Estimate, background_error
from pellucid.games import GameLike

# 2^24 coalitions of one output take 128 MiB of values and 400 MiB of masks: the edge of what a laptop bears.
MOST_PLAYERS = 24
MASKS_AT_ONCE = 2**16
DOUBLES_AT_ONCE = 2**22  # values of all coalitions under a few draws


def exact_rows(players: int, draws: int) -> int:
    """Rows that all coalitions cost, the empty and the full one included."""
    return int((2**players - 2) * draws + draws + 1)


def exact_values(game: GameLike) -> Estimate:
    r"""Values without error, up to rounding.

    .. math:: \phi_i = \sum_{S \not\ni i} \frac{|S|!\,(p-|S|-1)!}{p!}\,\bigl(v(S \cup i) - v(S)\bigr)
    """
    from pellucid import _core

    players = len(game.parts)
    total = 2**players
    values = coalition_values(game, total, lambda first, count: _core.all_coalitions(players, first, count))
    return Estimate(
        values=_core.exact_shapley(values, players),
        std_err=None,
        coalitions=(total - 2) * game.n_draws,
        rule="all there are, against every background row" if game.n_draws > 1 else "all there are",
        size=total,
        unit="coalitions",
    )


def exact_values_by_draw(game: GameLike) -> Estimate:
    """The same as the mean of the values under each draw, whose spread says what other draws could change."""
    from pellucid import _core

    if game.n_draws == 1:
        return exact_values(game)
    players, draws, outputs = len(game.parts), game.n_draws, game.n_outputs
    total = 2**players
    empty, full = game.ends()
    values = np.empty((draws, players * outputs))
    play_all = getattr(game, "play_all", None)

    def play(masks: Any, some: Any) -> Array:
        if play_all is not None and len(some) == draws:
            found: Array = play_all(masks)
            return found
        repeated = np.repeat(masks, len(some), axis=0)
        return game.play(repeated, np.tile(some, len(masks))).reshape(len(masks), len(some), outputs)

    at_once = max(1, min(draws, DOUBLES_AT_ONCE // (total * outputs)))
    for first_draw in range(0, draws, at_once):
        some = np.arange(first_draw, min(draws, first_draw + at_once))
        worth = np.empty((total, len(some), outputs))
        worth[0], worth[-1] = empty[some], full
        step = max(1, MASKS_AT_ONCE // len(some))
        for first in range(1, total - 1, step):
            count = min(step, total - 1 - first)
            masks = _core.all_coalitions(players, first, count)
            worth[first : first + count] = play(masks, some)
        found = _core.exact_shapley(worth.reshape(total, -1), players)
        values[some] = found.reshape(players, len(some), outputs).transpose(1, 0, 2).reshape(len(some), -1)
    mean, weights = weighted_mean(values, game.draw_weights), game.draw_weights
    variance = weights**2 @ (values - mean) ** 2 / (1.0 - weights @ weights)
    return Estimate(
        values=mean.reshape(players, outputs),
        std_err=None,
        coalitions=(total - 2) * draws,
        rule="all there are, against every background row",
        size=total,
        unit="coalitions",
        background_std_err=background_error(variance.reshape(players, outputs), weights),
    )


def coalition_values(game: GameLike, total: int, masks: Callable[[int, int], Any]) -> Array:
    """Values (total, k) of all that masks(first, count) lists: nobody first, everybody last, whose values are known."""
    empty, full = game.ends()
    values: Array = np.empty((total, game.n_outputs))
    values[0] = weighted_mean(empty, game.draw_weights)
    for first in range(1, total - 1, MASKS_AT_ONCE):
        count = min(MASKS_AT_ONCE, total - 1 - first)
        values[first : first + count] = game.value(masks(first, count))
    values[-1] = full
    return values


def weighted_mean(outputs: Array, weights: Array) -> Array:
    """The mean (k,) of outputs (B, k), summed in the order that `Game.value` sums its draws."""
    from pellucid import _core

    total, compensation = np.zeros((2, 1, outputs.shape[1]))
    _core.add_weighted(np.ascontiguousarray(outputs), np.ascontiguousarray(weights), total, compensation)
    mean: Array = (total + compensation)[0]
    return mean
