"""Budgets, stages, and the choice of a method by counts alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pellucid import BudgetError, InputError
from pellucid.estimation.exact import exact_rows
from pellucid.estimation.plan import ShapleyPlan
from pellucid.estimation.schedule import DEFAULT_BUDGET, Spending, spending, stage_limits, units_affordable


@pytest.mark.parametrize(
    ("budget", "tolerance", "expected"),
    [
        (None, None, Spending(100_000, 0.03)),
        (None, 0.05, Spending(100_000, 0.05)),
        (500, None, Spending(500, None)),
        (500, 0.05, Spending(500, 0.05)),
    ],
)
def test_spending(budget, tolerance, expected):
    assert spending(budget, tolerance, overhead=500) == expected
    assert DEFAULT_BUDGET == 100_000


def test_a_large_background_leaves_rows_for_the_coalitions():
    assert spending(None, None, overhead=200_000) == Spending(250_000, 0.03)
    assert spending(1000, None, overhead=200_000) == Spending(1000, None)


@pytest.mark.parametrize("first", [1, 7, 100, 256])
@pytest.mark.parametrize("most", [1, 2, 100, 150, 151, 383, 384, 385, 10_000])
def test_stages_grow_to_the_budget(first, most):
    limits = stage_limits(first, most, staged=True)

    assert limits[-1] == most
    assert stage_limits(first, most, staged=False) == (most,)
    assert all(1.5 * a < b for a, b in pairwise(limits)) or len(limits) == 1
    assert all(b <= 3 * a for a, b in pairwise(limits))
    assert limits[0] == min(first, most) or limits == (most,)


def test_units_affordable():
    assert units_affordable(100, overhead=10, unit=2, least=1, what="it") == 45
    assert units_affordable(101, overhead=10, unit=2, least=1, what="it") == 45
    assert units_affordable(12, overhead=10, unit=2, least=1, what="it") == 1
    with pytest.raises(BudgetError, match=r"budget=11 .* use budget=12"):
        units_affordable(11, overhead=10, unit=2, least=1, what="it")


@pytest.mark.parametrize("players", [1, 2, 5])
@pytest.mark.parametrize("draws", [1, 4])
def test_exact_rows_counts_every_row_once(players, draws):
    """Every coalition but nobody and everybody against every draw, nobody against every draw, everybody once."""
    assert exact_rows(players, draws) == (2**players - 2) * draws + draws + 1


def plan(**changes):
    settings = {
        "players": 6,
        "draw_weights": np.full(3, 1 / 3),
        "method": "auto",
        "spending": Spending(1000, None),
        "budget_given": True,
        "overhead": 10,
        "seed": 0,
    }
    return ShapleyPlan(**{**settings, **changes})


def test_auto_is_exact_where_all_coalitions_fit():
    rows = 62 * 3 + 10

    assert plan(spending=Spending(rows, None)).method == "exact"
    assert plan(spending=Spending(rows - 1, None)).method == "regression"
    assert "fit the budget" in plan().why
    assert "do not fit" in plan(spending=Spending(100, None)).why
    assert plan(method="regression").why == "method as asked"


def test_an_unasked_budget_does_not_forbid_exact():
    with pytest.raises(BudgetError, match=r"needs 49,156 model rows"):
        plan(players=14, method="exact", spending=Spending(1000, None))
    assert plan(players=14, method="exact", spending=Spending(1000, None), budget_given=False).method == "exact"
    with pytest.raises(BudgetError, match=r"the limit is 2\^24"):
        plan(players=25, method="exact", budget_given=False)


def test_a_time_limit_makes_stages():
    big = Spending(10_000, None)

    assert len(plan(method="regression", spending=big).limits) == 1
    assert len(plan(method="regression", spending=big, timed=True).limits) > 2


def test_an_unknown_method_is_named():
    with pytest.raises(InputError, match="'kernel'"):
        plan(method="kernel")
