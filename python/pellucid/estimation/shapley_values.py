"""Shapley values of any game."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from pellucid._arguments import checked_seed, checked_spending, threads
from pellucid.errors import InputError
from pellucid.estimation.clock import Deadline
from pellucid.estimation.exact import weighted_mean
from pellucid.estimation.linear_orders import ConsistentOrders
from pellucid.estimation.plan import ShapleyPlan
from pellucid.estimation.reporting import report_of
from pellucid.estimation.schedule import spending
from pellucid.games import GameLike, PlainGame
from pellucid.results import Attribution


def shapley_values(
    game: GameLike | Callable[[Any], Any],
    players: Sequence[str] | int | None = None,
    *,
    method: str = "auto",
    budget: int | None = None,
    tolerance: float | None = None,
    time_limit: float | None = None,
    order: Any = None,
    seed: int = 0,
    n_threads: int | None = None,
) -> Attribution:
    r"""Shapley values of a game: each player's average marginal contribution over all orders.

    .. math:: \phi_i = \sum_{S \not\ni i} \frac{|S|!\,(p-|S|-1)!}{p!}\,\bigl(v(S \cup i) - v(S)\bigr)

    Parameters
    ----------
    game : a game (`play`, `value`, `ends`), or a callable v of masks (m, p) that returns (m,) or (m, k) values.
    players : names of the p players or their number; only with a callable.
    method : "auto" (all coalitions when they fit the budget, else "regression"), "exact", "permutation", "regression".
    budget : values of coalitions to pay for, the empty and the full one included; None is 100,000 or the tolerance.
    tolerance : stop when, with 95 % confidence, no value errs by more than this part of max - min of them.
    time_limit : seconds; when they are over, what there is comes back, marked as not converged.
    order : which players come before which, for asymmetric Shapley values: layers [["a", "b"], ["c"]], edges
        {"a": ["c"]} or a `PartialOrder`; "auto" is then all coalitions that can arise, else "permutation". [frye2020]
    seed : names the sample; the same seed gives the same bits.
    n_threads : threads of the core, None for all.

    Returns
    -------
    Attribution of one row: values (1, p, k), base_values v(nobody), predictions v(everybody).

    Raises
    ------
    InputError : arguments that do not fit.
    BudgetError : a budget too small for the method, or too many players for "exact".
    ModelOutputError : v returned something else than one finite row of values per coalition.

    Examples
    --------
    Three gloves, one left and two right: the left one takes two thirds. [shapley1953]

    >>> pairs = lambda masks: masks[:, 0] & (masks[:, 1] | masks[:, 2])
    >>> shapley_values(pairs, ["left", "right 1", "right 2"]).values[0, :, 0].round(4).tolist()
    [0.6667, 0.1667, 0.1667]
    """
    checked_seed(seed)
    checked_spending(budget=budget, tolerance=tolerance, time_limit=time_limit)
    game = _as_game(game, players)
    start = perf_counter()
    before = getattr(game, "seconds", 0.0)
    with threads(n_threads):
        plan = ShapleyPlan(
            players=len(game.parts),
            draw_weights=game.draw_weights,
            method=method,
            spending=spending(budget, tolerance, overhead=game.n_draws + 1),
            budget_given=budget is not None,
            overhead=game.n_draws + 1,
            seed=seed,
            timed=time_limit is not None,
            orders=ConsistentOrders.of(order, game.parts, method=method),
        )
        estimate = plan.estimate(game, deadline=None if time_limit is None else Deadline.after(time_limit))
        empty, full = game.ends()
    seconds = perf_counter() - start
    report = report_of(
        plan,
        [estimate],
        shared=game.n_draws,
        seconds=seconds,
        seconds_outside_model=max(0.0, seconds - (getattr(game, "seconds", seconds) - before)),
        budget=budget,
        model="game",
        value_function="given",
        background_rows=game.n_draws,
    )
    k = len(full)
    return Attribution(
        values=estimate.values[None],
        base_values=weighted_mean(empty, game.draw_weights)[None],
        predictions=full[None],
        std_err=None if estimate.std_err is None else estimate.std_err[None],
        background_std_err=None if estimate.background_std_err is None else estimate.background_std_err[None],
        parts=tuple(game.parts),
        outputs=("value",) if k == 1 else tuple(f"value {j}" for j in range(k)),
        data=None,
        display=None,
        report=report,
    )


def _as_game(game: Any, players: Sequence[str] | int | None) -> GameLike:
    if hasattr(game, "play"):
        if players is not None:
            raise InputError("players must be None with a game that names its own parts, got players too")
        found: GameLike = game
        return found
    if players is None:
        raise InputError("players must name the players of v or give their number, got None")
    return PlainGame(game, players)
