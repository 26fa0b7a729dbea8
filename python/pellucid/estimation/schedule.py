"""How much a sampled estimator plays, and in which stages it looks at its error."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.errors import BudgetError

DEFAULT_BUDGET = 100_000
DEFAULT_TOLERANCE = 0.03


@dataclass(frozen=True)
class Spending:
    """Model rows for one explained row, and the precision at which to stop earlier.

    budget : rows, all included. tolerance : None to spend it all.
    """

    budget: int
    tolerance: float | None


def spending(budget: int | None, tolerance: float | None, *, overhead: int) -> Spending:
    """By default until a tolerance of 0.03 or 100,000 rows, whichever comes first; a budget alone is spent whole.

    Where the background alone takes more than half of the default, half of it is left for the coalitions.
    """
    if budget is None:
        rows = max(DEFAULT_BUDGET, overhead + DEFAULT_BUDGET // 2)
        return Spending(rows, DEFAULT_TOLERANCE if tolerance is None else tolerance)
    return Spending(budget, tolerance)


def stage_limits(first: int, most: int, *, staged: bool) -> tuple[int, ...]:
    """Sizes first, 2 first, 4 first, ... up to most; most alone when no tolerance is watched.

    >>> stage_limits(100, 1000, staged=True)
    (100, 200, 400, 1000)
    """
    if not staged:
        return (most,)
    limits = []
    size = first
    # A last stage that adds less than half would cost a solve for little.
    while size * 1.5 < most:
        limits.append(size)
        size *= 2
    return (*limits, most)


def units_affordable(
    budget: int, *, overhead: int, unit: int, least: int, what: str, draws_are: str = "background rows"
) -> int:
    """How many units of `unit` rows the budget pays after the overhead; BudgetError when fewer than `least`."""
    units = (budget - overhead) // unit
    if units < least:
        raise BudgetError(
            f"budget={budget:,} model rows per explained row is too small: the {draws_are}, the explained row and "
            f"the probe take {overhead:,}, and {what} needs {least * unit:,} more; use "
            f"budget={overhead + least * unit:,} or more, or fewer {draws_are}"
        )
    return units
