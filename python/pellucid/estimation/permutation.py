"""Shapley values from random orders of the players, walked forth and back."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation.clock import Deadline
from pellucid.estimation.estimate import Array, Estimate, background_error, precise_enough
from pellucid.estimation.linear_orders import ConsistentOrders
from pellucid.estimation.student import student_factor, student_factors
from pellucid.games import GameLike

FIRST_PAIRS = 8
PAIRS_TO_TRUST = 20
# With 2 or 3 pairs for each draw the spread within the draws is known too badly for honest intervals.
LEAST_PAIRS_PER_STRATUM = 4

Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


class Permutations:
    """The sequence of antithetic pairs that a seed names, with the draw each is played against.

    The pairs do not depend on the game, so all rows explained share them. [mitchell2022]

    orders : those that may come, with twins of their own; None for all, where the twin is the way back.
    """

    def __init__(self, players: int, draw_weights: Array, *, seed: int, orders: ConsistentOrders | None = None) -> None:
        self.players = players
        self.draw_weights = draw_weights
        self.seed = seed
        self.orders = orders
        self._pairs = lru_cache(maxsize=8)(self._make_pairs)

    @property
    def rows_per_pair(self) -> int:
        return 2 * (self.players - 1)

    def pairs(self, first: int, last: int) -> Pairs:
        """Orders (m, p), their twins (m, p), the draws (m,), and the coalitions (m * 2(p-1), p) on the way."""
        return self._pairs(first, last)

    def _make_pairs(self, first: int, last: int) -> Pairs:
        from pellucid import _core

        if self.orders is None:
            orders = _core.random_permutations(self.seed, self.players, first, last - first)
            twins = orders[:, ::-1].copy()
        else:
            orders, twins = self.orders.pairs(self.seed, first=first, last=last)
        draws = _core.systematic_draws(self.seed, self.draw_weights, first, last - first)
        return orders, twins, draws, _core.antithetic_coalitions(orders, twins).view(np.bool_)

    def estimate(
        self,
        game: GameLike,
        *,
        limits: tuple[int, ...],
        tolerance: float | None,
        deadline: Deadline | None = None,
        played: tuple[Any, ...] = (),
    ) -> Estimate:
        """Play up to `limits[i]` pairs in stage i until the tolerance is met; `played` is not played again."""
        empty, full = game.ends()
        contributions = [*played]
        result: Estimate | None = None
        for stage, last in enumerate(limits):
            if result is not None and deadline is not None and deadline.passed():
                return replace(result, out_of_time=True)
            if stage >= len(contributions):
                first = limits[stage - 1] if stage else 0
                contributions.append(self._contributions(game, empty, full, first=first, last=last))
            if stage + 1 < len(played):
                continue
            draws = np.concatenate(
                [self.pairs(a, b)[2] for a, b in zip((0, *limits), limits[: stage + 1], strict=False)]
            )
            values, std_err, background = self._summary(np.concatenate(contributions), draws, empty, full)
            reached = tolerance is None or precise_enough(values, std_err, tolerance)
            result = Estimate(
                values=values,
                std_err=std_err,
                coalitions=last * self.rows_per_pair,
                rule="background rows in turn" if len(self.draw_weights) > 1 else "forth and back",
                size=last,
                unit="antithetic pairs of orders",
                reached=reached,
                warnings=_too_few(last),
                limits=limits[: stage + 1],
                played=tuple(contributions),
                background_std_err=background,
            )
            if reached and tolerance is not None:
                break
        assert result is not None
        return result

    def _contributions(self, game: GameLike, empty: Array, full: Array, *, first: int, last: int) -> Array:
        """(m, p, k): the mean of the two marginal contributions of each player in each pair."""
        from pellucid import _core

        orders, twins, draws, masks = self.pairs(first, last)
        outputs = game.play(masks, np.repeat(draws, self.rows_per_pair))
        flat = _core.antithetic_contributions(
            orders,
            twins,
            np.ascontiguousarray(outputs),
            empty[draws],
            np.broadcast_to(full, (len(orders), len(full))).copy(),
        )
        return np.asarray(flat).reshape(len(orders), self.players, -1)

    def _summary(
        self, contributions: Array, draws: NDArray[np.int64], empty: Array, full: Array
    ) -> tuple[Array, Array, Array | None]:
        """Values that add up to v(all) - v(nobody) exactly, their standard errors, and those of the background."""
        weights, background = self.draw_weights, None
        counts = np.bincount(draws, minlength=len(weights))
        gap = full - weights @ empty
        if counts.min() >= LEAST_PAIRS_PER_STRATUM or len(weights) == 1 < len(draws):
            values, std_err, between = _stratified(contributions, draws, counts, weights)
            background = background_error(between, weights)
        else:
            values, std_err = _total_adjusted(contributions, gap)
        # What rounding left open, or a handful of pairs: an equal share each.
        return values + (gap - values.sum(axis=0)) / self.players, std_err, background


def _stratified(
    contributions: Array, draws: NDArray[np.int64], counts: Any, weights: Array
) -> tuple[Array, Array, Array]:
    """Each draw is a stratum: only the spread of the orders within a draw is an error."""
    shape = (len(weights), *contributions.shape[1:])
    means: Array = np.zeros(shape)
    np.add.at(means, draws, contributions)
    means /= counts[:, None, None]
    squares: Array = np.zeros(shape)
    np.add.at(squares, draws, (contributions - means[draws]) ** 2)
    parts = weights[:, None, None] ** 2 * squares / ((counts - 1) * counts)[:, None, None]
    values = np.tensordot(weights, means, axes=1)
    variance = parts.sum(axis=0)
    # Degrees of freedom by Satterthwaite: one draw with most of the variance has only its own pairs to tell it.
    spread = (parts**2 / (counts - 1)[:, None, None]).sum(axis=0)
    freedom = np.divide(variance**2, spread, out=np.ones_like(variance), where=spread > 0)
    # The means of the draws differ by more than the draws do: their own noise is taken off.
    spread_of_means = np.tensordot(weights**2, (means - values) ** 2, axes=1)
    one = float(weights @ weights)
    between = np.maximum(spread_of_means - variance, 0.0) / (1.0 - one) if one < 1.0 else np.full_like(variance, np.nan)
    return values, np.sqrt(variance) * student_factors(freedom), between


def _total_adjusted(contributions: Array, gap: Array) -> tuple[Array, Array]:
    """The known total v(all) - v(nobody) as control variate: its coefficients sum to 1 over the players."""
    pairs = len(contributions)
    values = contributions.mean(axis=0)
    if pairs < 2:
        return values, np.full_like(values, np.nan)
    totals = contributions.sum(axis=1)
    centred = contributions - values
    total_centred = totals - totals.mean(axis=0)
    total_squares = (total_centred**2).sum(axis=0)
    open_gap = gap - totals.mean(axis=0)
    unseen = _unseen(open_gap, np.sqrt(total_squares / (pairs - 1) / pairs), scale=np.abs(totals).max(axis=0))
    if pairs < 8 or not np.all(total_squares > 1e-24 * (contributions**2).sum(axis=(0, 1))):
        variance = (centred**2).sum(axis=0) / (pairs - 1) / pairs
        return values, np.hypot(np.sqrt(variance) * student_factor(pairs - 1), unseen)
    slope = np.einsum("mpk,mk->pk", centred, total_centred) / total_squares
    residual = centred - slope * total_centred[:, None, :]
    variance = (residual**2).sum(axis=0) / (pairs - 2) / pairs
    return values + slope * open_gap, np.hypot(np.sqrt(variance) * student_factor(pairs - 2), unseen)


def _unseen(open_gap: Array, error: Array, *, scale: Array) -> Array:
    """The gap to the known total where the spread of the pairs cannot explain it, else 0.

    A background row that is rare and far from the others, and was not played yet, shows in nothing but this gap, and
    any player may be the one it belongs to.
    """
    return np.where(np.abs(open_gap) > 4.0 * error + 1e-9 * scale, np.abs(open_gap), 0.0)


def _too_few(pairs: int) -> tuple[str, ...]:
    if pairs < 2:
        return ("one pair of orders has no standard error: raise the budget",)
    if pairs < PAIRS_TO_TRUST:
        return (
            f"{pairs} pairs of orders are few: a player that matters in few orders only may have a larger error than "
            "its standard error says",
        )
    return ()
