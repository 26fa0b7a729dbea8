"""Which estimator plays a game, how much, and why: decided by counts alone, once for all rows explained."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pellucid.errors import BudgetError, InputError
from pellucid.estimation import permutation, regression
from pellucid.estimation.clock import Deadline
from pellucid.estimation.estimate import Array, Estimate
from pellucid.estimation.exact import MOST_PLAYERS, exact_rows, exact_values
from pellucid.estimation.schedule import Spending, stage_limits, units_affordable
from pellucid.games import GameLike

METHODS = ("auto", "exact", "permutation", "regression")
MOST_ROWS_UNASKED = 2**26


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
    contrasts : the games can tell how far each draw is from the explained row.
    timed : a time limit may end the sampling, so it must come in stages.
    """

    players: int
    draw_weights: Array
    method: str
    spending: Spending
    budget_given: bool
    overhead: int
    seed: int
    contrasts: bool
    timed: bool = False
    why: str = field(init=False, default="method as asked")
    limits: tuple[int, ...] = field(init=False, default=())
    _samplers: dict[tuple[int, ...], Any] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"method must be one of {', '.join(map(repr, METHODS))}, got {self.method!r}")
        self.draw_weights = np.ascontiguousarray(self.draw_weights, dtype=np.float64)
        if self.method == "auto":
            self.method, self.why = self._chosen()
        elif self.players == 1 and self.method != "exact":
            self.method, self.why = "exact", "a single player takes all, so there is nothing to sample"
        if self.method == "exact":
            self._check_exact()
            if self.timed and self.players > 1:
                raise InputError(
                    "time_limit must be None with method='exact', which has nothing to show before its last coalition; "
                    "use method='regression', which becomes exact when it has played all"
                )
        else:
            self.limits = self._limits()

    @property
    def _exact_rows(self) -> int:
        return exact_rows(self.players, len(self.draw_weights)) + self.overhead - len(self.draw_weights) - 1

    def _chosen(self) -> tuple[str, str]:
        budget, draws = self.spending.budget, len(self.draw_weights)
        against = "" if draws == 1 else f" against {draws:,} background rows"
        if self.timed and self.players > 1:
            return "regression", "unlike all coalitions, its stages can be cut short by a time limit"
        if self.players <= MOST_PLAYERS and self._exact_rows <= budget:
            return "exact", f"all 2^{self.players} coalitions{against} fit the budget of {budget:,} rows"
        return (
            "regression",
            f"all 2^{self.players} coalitions{against} do not fit the budget of {budget:,} rows",
        )

    def _check_exact(self) -> None:
        if self.players > MOST_PLAYERS:
            raise BudgetError(
                f"method='exact' plays 2^{self.players} = {2**self.players:.2g} coalitions of {self.players} players, "
                f"the limit is 2^{MOST_PLAYERS}; use method='regression', or groups= to have fewer players"
            )
        allowed = self.spending.budget if self.budget_given else MOST_ROWS_UNASKED
        if self._exact_rows > allowed:
            raise BudgetError(
                f"method='exact' needs {self._exact_rows:,} model rows per explained row, 2^{self.players} coalitions "
                f"against {len(self.draw_weights):,} background rows; the budget is {allowed:,}; raise budget=, pass "
                "fewer background rows, or use method='regression'"
            )

    def _limits(self) -> tuple[int, ...]:
        staged = self.spending.tolerance is not None or self.timed
        if self.method == "permutation":
            unit, least = 2 * (self.players - 1), 1
            first = permutation.FIRST_PAIRS
            what = "one pair of orders"
        else:
            unit, least = 2, max(1, self.players // 2)
            first = regression.first_pairs(self.players, draws=len(self.draw_weights))
            # Every draw is played before the error is looked at, as a rare one that matters is not seen in the spread
            # of the others; under a time limit the first stage must be short.
            first = min(first, 4 * self.players) if self.timed else max(first, len(self.draw_weights))
            what = "the regression"
        most = units_affordable(self.spending.budget, overhead=self.overhead, unit=unit, least=least, what=what)
        return stage_limits(first, most, staged=staged)

    def estimate(self, game: GameLike, *, deadline: Deadline | None = None) -> Estimate:
        """Play one game."""
        if self.method == "exact":
            return exact_values(game)
        return self._run(game, self.limits, self.spending.tolerance, deadline=deadline)

    def refine(self, game: GameLike, budget: int, *, old: Estimate) -> Estimate:
        """Go on from what `old` played until `budget` rows are spent in all; what it did not keep is played again."""
        unit = 2 * (self.players - 1) if self.method == "permutation" else 2
        lost = 0 if old.played else old.paid
        most = (budget - self.overhead - lost) // unit
        if most <= old.limits[-1]:
            needed = self.overhead + lost + (old.limits[-1] + 1) * unit
            raise BudgetError(
                f"refine needs a budget of at least {needed:,} rows per explained row, {old.paid + self.overhead:,} of "
                f"which are spent, got {budget:,}"
            )
        new = self._run(game, (*old.limits[: len(old.played)], most), None, played=old.played)
        return replace(new, paid=new.coalitions + lost)

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
                self._samplers[key] = permutation.Permutations(self.players, self.draw_weights, seed=self.seed)
            else:
                self._samplers[key] = regression.Regression(
                    self.players, self.draw_weights, seed=self.seed, limits=limits, contrasts=self.contrasts
                )
        return self._samplers[key]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_samplers": {}}
