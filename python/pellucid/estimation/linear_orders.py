"""The orders in which the players of a game may come, and the coalitions that can arise on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import BudgetError, InputError
from pellucid.estimation.estimate import Estimate
from pellucid.estimation.exact import coalition_values
from pellucid.estimation.partial_order import PartialOrder
from pellucid.games import GameLike

# 2^22 coalitions of 22 players take 400 MiB: the sets, how many orders lead through each, and the steps between them.
MOST_COALITIONS = 2**22


class ConsistentOrders:
    """All orders of the players that respect a partial order, each as likely as another.

    Parameters
    ----------
    order : who comes before whom.
    players : names of the p players.
    """

    def __init__(self, order: PartialOrder, players: Sequence[str]) -> None:
        self.precedes = order.precedes(players)
        self.words = str(order)
        self._most = 2  # nobody and everybody
        self._ideals: Any = None
        self._extensions: Any = None

    @classmethod
    def of(cls, order: Any, players: Sequence[str], *, method: str) -> ConsistentOrders | None:
        """The orders that an argument `order` leaves; None for None, where all orders count.

        Raises
        ------
        InputError : an order that is none, names that are no players, or a method that knows no order.
        """
        if order is None:
            return None
        if method == "regression":
            raise InputError(
                "method='regression' must come without order=, as its weights are those of all orders alike; use "
                "method='auto', 'exact' or 'permutation'"
            )
        return cls(PartialOrder.of(order), players)

    def method(self, asked: str, *, budget: int, overhead: int, draws: int, timed: bool) -> tuple[str, str]:
        """The method that plays, "exact" or "permutation", and why.

        Parameters
        ----------
        budget, overhead : rows for one game in all, and those that are spent before its coalitions.

        Raises
        ------
        InputError : "exact" under a time limit.
        BudgetError : "exact" with too many coalitions, or an order that cannot be sampled.
        """
        method, why = self._method(asked, budget=budget, overhead=overhead, draws=draws, timed=timed)
        if method == "permutation":
            self._linear_extensions()
        return method, f"{why}; orders with {self.words}"

    def _method(self, asked: str, *, budget: int, overhead: int, draws: int, timed: bool) -> tuple[str, str]:
        if len(self.precedes) == 1:
            return "exact", "a single player takes all, so there is nothing to sample"
        if asked == "permutation":
            return asked, "method as asked"
        if timed and asked == "exact":
            raise InputError(
                "time_limit must be None with method='exact', which has nothing to show before its last coalition; use "
                "method='permutation'"
            )
        if timed:
            return "permutation", "unlike all coalitions, its stages can be cut short by a time limit"
        self._most = max(2, min(MOST_COALITIONS, (budget - overhead) // draws + 2))
        against = "" if draws == 1 else f" against {draws:,} background rows"
        if self._coalitions().complete:
            there = f"all {self._coalitions().size:,} coalitions that can arise{against}"
            return "exact", "method as asked" if asked == "exact" else f"{there} fit the budget of {budget:,} rows"
        limit = "the memory" if self._most == MOST_COALITIONS else f"the budget of {budget:,} rows"
        why = f"more coalitions can arise than the {self._most:,}{against} that fit {limit}"
        if asked == "exact":
            raise BudgetError(
                f"method='exact' must play all coalitions that the order allows, but {why}; raise budget=, pass fewer "
                "background rows, or use method='permutation'"
            )
        return "permutation", why

    def exact(self, game: GameLike) -> Estimate:
        r"""Values without error, up to rounding, from all coalitions S that can arise. [faigle1992, frye2020]

        .. math:: \phi_i = \sum_S \frac{e(S)\, e(N \setminus S \setminus i)}{e(N)}\,\bigl(v(S \cup i) - v(S)\bigr)

        The sum is over the S without i for which S and S with i can both arise; e counts consistent orders.
        """
        from pellucid import _core

        ideals = self._coalitions()
        return Estimate(
            values=_core.asymmetric_shapley(ideals, coalition_values(game, ideals.size, ideals.masks)),
            std_err=None,
            coalitions=(ideals.size - 2) * game.n_draws,
            rule="all that can arise, against every background row" if game.n_draws > 1 else "all that can arise",
            size=ideals.size,
            unit="coalitions",
        )

    def pairs(self, seed: int, *, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Random orders (m, p) number first..last-1 of a seed, and their antithetic twins. [huber2006, stanley2009]"""
        orders, twins = self._linear_extensions().pairs(seed, first, last - first)
        return orders, twins

    def _coalitions(self) -> Any:
        from pellucid import _core

        if self._ideals is None:
            self._ideals = _core.OrderIdeals(self.precedes, self._most)
        return self._ideals

    def _linear_extensions(self) -> Any:
        from pellucid import _core

        if self._extensions is None:
            self._extensions = _core.LinearExtensions(self.precedes)
        return self._extensions

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_ideals": None, "_extensions": None}
