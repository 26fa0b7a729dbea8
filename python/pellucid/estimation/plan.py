"""Which estimator plays a game, how much, and why: decided by counts alone, once for all rows explained."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pellucid.errors import BudgetError, InputError
from pellucid.estimation import permutation, regression
from pellucid.estimation.clock import Deadline
from pellucid.estimation.designs import first_pairs
from pellucid.estimation.estimate import Array, Estimate
from pellucid.estimation.exact import MOST_PLAYERS, exact_values_by_draw
from pellucid.estimation.linear_orders import ConsistentOrders
from pellucid.estimation.schedule import Spending, stage_limits, units_affordable
from pellucid.games import GameLike

METHODS = ("auto", "exact", "permutation", "regression")
MOST_ROWS_UNASKED = 2**26


def require_enumerable(players: int) -> None:
    """Refuses more players than all coalitions of which can be played, whatever the budget."""
    if players > MOST_PLAYERS:
        raise BudgetError(
            f"method='exact' plays 2^{players} = {2.0 ** min(players, 1023):.2g} coalitions of {players} players, "
            f"the limit is 2^{MOST_PLAYERS}; use method='regression', or groups= to have fewer players"
        )


@dataclass
class ShapleyPlan:
    """How games of one shape are played.

    Parameters
    ----------
    players : p.
    draw_weights : (B,), positive, summing to 1.
    method : "auto", "exact", "permutation" or "regression".
    spending : rows per game, and the tolerance that ends it sooner.
    budget_given : the user named the budget; otherwise method="exact" may exceed the default one.
    overhead : rows that every game costs before its coalitions: the ends and the probe.
    seed : names the design.
    control_variate : for the regression: "auto", None, or an object; see `variance_reduction`.
    timed : a time limit may end the sampling, so it must come in stages.
    rows_per_coalition : the most model rows that a coalition costs under one draw; the budget pays for so many.
    draws_are : what the draws are called, in messages.
    orders : those in which the players may come; None for all.
    """

    players: int
    draw_weights: Array
    method: str
    spending: Spending
    budget_given: bool
    overhead: int
    seed: int
    control_variate: Any = "auto"
    timed: bool = False
    rows_per_coalition: int = 1
    draws_are: str = "background rows"
    orders: ConsistentOrders | None = None
    why: str = field(init=False, default="method as asked")
    limits: tuple[int, ...] = field(init=False, default=())
    _samplers: dict[tuple[int, ...], Any] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"method must be one of {', '.join(map(repr, METHODS))}, got {self.method!r}")
        self.draw_weights = np.ascontiguousarray(self.draw_weights, dtype=np.float64)
        if self.orders is not None:
            self.method, self.why = self.orders.method(
                self.method,
                budget=MOST_ROWS_UNASKED if self.method == "exact" and not self.budget_given else self.spending.budget,
                overhead=self.overhead,
                draws=len(self.draw_weights),
                timed=self.timed,
            )
        elif self.method == "auto":
            self.method, self.why = self._chosen()
        elif self.players == 1 and self.method != "exact":
            self.method, self.why = "exact", "a single player takes all, so there is nothing to sample"
        if self.method != "exact":
            self.limits = self._limits()
        elif self.orders is None:
            self._check_exact()
            if self.timed and self.players > 1:
                raise InputError(
                    "time_limit must be None with method='exact', which has nothing to show before its last coalition; "
                    "use method='regression', which becomes exact when it has played all"
                )

    @property
    def _exact_rows(self) -> int:
        return int(2**self.players - 2) * self._against + self.overhead

    @property
    def _against(self) -> int:
        """Model rows for one coalition under all draws."""
        return len(self.draw_weights) * self.rows_per_coalition

    def _chosen(self) -> tuple[str, str]:
        budget, draws = self.spending.budget, self._against
        against = "" if draws == 1 else f" against {draws:,} {self.draws_are}"
        if self.timed and self.players > 1:
            return "regression", "unlike all coalitions, its stages can be cut short by a time limit"
        if self.players <= MOST_PLAYERS and self._exact_rows <= budget:
            return "exact", f"all 2^{self.players} coalitions{against} fit the budget of {budget:,} rows"
        return (
            "regression",
            f"all 2^{self.players} coalitions{against} do not fit the budget of {budget:,} rows",
        )

    def _check_exact(self) -> None:
        require_enumerable(self.players)
        allowed = self.spending.budget if self.budget_given else MOST_ROWS_UNASKED
        if self._exact_rows > allowed:
            raise BudgetError(
                f"method='exact' needs {self._exact_rows:,} model rows per explained row, 2^{self.players} coalitions "
                f"against {self._against:,} {self.draws_are}; the budget is {allowed:,}; raise budget=, pass "
                f"fewer {self.draws_are}, or use method='regression'"
            )

    def _limits(self) -> tuple[int, ...]:
        staged = self.spending.tolerance is not None or self.timed
        if self.method == "permutation":
            unit, least = 2 * (self.players - 1), 1
            first = permutation.FIRST_PAIRS
            what = "one pair of orders"
        else:
            unit, least = 2, max(1, self.players // 2)
            first = first_pairs(self.players, draws=len(self.draw_weights))
            # Every draw is played before the error is looked at, as a rare one that matters is not seen in the spread
            # of the others; under a time limit the first stage must be short.
            first = min(first, 4 * self.players) if self.timed else max(first, len(self.draw_weights))
            what = "the regression"
        most = units_affordable(
            self.spending.budget,
            overhead=self.overhead,
            unit=unit * self.rows_per_coalition,
            least=least,
            what=what,
            draws_are=self.draws_are,
        )
        return stage_limits(first, most, staged=staged)

    def estimate(self, game: GameLike, *, deadline: Deadline | None = None) -> Estimate:
        """Play one game."""
        if self.method == "exact":
            return _with_rows(exact_values_by_draw(game) if self.orders is None else self.orders.exact(game), game)
        return _with_rows(self._run(game, self.limits, self.spending.tolerance, deadline=deadline), game)

    def refine(self, game: GameLike, budget: int, *, old: Estimate) -> Estimate:
        """Go on from what `old` played until `budget` rows are spent in all; what it did not keep is played again."""
        unit = (2 * (self.players - 1) if self.method == "permutation" else 2) * self.rows_per_coalition
        spent = old.paid if old.rows is None else old.rows
        lost = 0 if old.played else spent
        most = (budget - self.overhead - lost) // unit
        if most <= old.limits[-1]:
            needed = self.overhead + lost + (old.limits[-1] + 1) * unit
            raise BudgetError(
                f"refine needs a budget of at least {needed:,} rows per explained row, {spent + self.overhead:,} of "
                f"which are spent, got {budget:,}"
            )
        new = self._run(game, (*old.limits[: len(old.played)], most), None, played=old.played)
        return _with_rows(replace(new, paid=new.coalitions + (0 if old.played else old.paid)), game, before=spent)

    def play(self, game: GameLike, limits: tuple[int, ...], *, played: tuple[Any, ...] = ()) -> Estimate:
        """Play the stages up to these limits, whatever the error; `played` is not played again."""
        return self._run(game, limits, None, played=played)

    def _run(
        self,
        game: GameLike,
        limits: tuple[int, ...],
        tolerance: float | None,
        *,
        deadline: Deadline | None = None,
        played: tuple[Any, ...] = (),
    ) -> Estimate:
        sampler = self._sampler(limits)
        if self.method == "permutation":
            found: Estimate = sampler.estimate(
                game, limits=limits, tolerance=tolerance, deadline=deadline, played=played
            )
            return found
        found = sampler.estimate(game, tolerance=tolerance, deadline=deadline, played=played)
        return found

    def _sampler(self, limits: tuple[int, ...]) -> Any:
        """The design belongs to the plan, not to a game: it is drawn and factorised once."""
        key = () if self.method == "permutation" else limits
        if key not in self._samplers:
            if self.method == "permutation":
                self._samplers[key] = permutation.Permutations(
                    self.players, self.draw_weights, seed=self.seed, orders=self.orders
                )
            else:
                self._samplers[key] = regression.Regression(
                    self.players,
                    self.draw_weights,
                    seed=self.seed,
                    limits=limits,
                    control_variate=self.control_variate,
                )
        return self._samplers[key]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_samplers": {}}


def _with_rows(estimate: Estimate, game: GameLike, *, before: int = 0) -> Estimate:
    """The estimate with the rows that the game says it cost, for games whose coalitions differ in this."""
    played: int | None = getattr(game, "rows_played", None)
    return estimate if played is None else replace(estimate, rows=before + played)
