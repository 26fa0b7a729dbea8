"""From the estimates of the rows of one call to their attribution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.attribution.insides import exact_instead, variate_of
from pellucid.attribution.shapley_parts import Spent
from pellucid.attribution.shown import chosen_outputs, shown
from pellucid.attribution.stacking import background_errors, errors, stacked
from pellucid.attribution.value_functions import ValueFunction
from pellucid.estimation.estimate import Estimate
from pellucid.estimation.exact import weighted_mean
from pellucid.estimation.linear_orders import ConsistentOrders
from pellucid.estimation.plan import ShapleyPlan
from pellucid.estimation.reporting import report_of
from pellucid.estimation.schedule import spending
from pellucid.model import PROBE_ROWS, Model
from pellucid.results import Attribution

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Prepared:
    """What does not depend on the rows explained."""

    background_outputs: Array  # (B, K)
    shared_rows: int  # model rows it took, the probe included


@dataclass(frozen=True)
class Explained:
    """The rows of one call, with the model that knows their categories."""

    model: Model
    codes: Array
    predictions: Array
    columns: NDArray[np.int64]
    names: tuple[str, ...]
    shared: int  # model rows that this call paid for all of them


def prepare(
    model: Model,
    worth: ValueFunction,
    *,
    outputs: Any,
    probed: int,
    players: int,
    spent: Spent,
    seed: int,
    orders: ConsistentOrders | None,
    control_variate: Any,
) -> tuple[Prepared, ShapleyPlan]:
    """Probe the model and play the background; `probed` rows were paid for before, and are shared like these."""
    before = model.rows_used + model.rows_cached
    model.probe(worth.codes)
    model.check_outputs(outputs)
    found = model(worth.codes)
    shared = model.rows_used + model.rows_cached - before
    # By counts alone: what a cache file saves must not change the plan.
    asked = 2 if model.steady else 3
    charged = len(worth.codes) + asked * (min(PROBE_ROWS, len(worth.codes)) + 1) + 1 + probed
    plan = ShapleyPlan(
        players=players,
        draw_weights=worth.draw_weights,
        method=spent.method,
        spending=spending(spent.budget, spent.tolerance, overhead=charged),
        budget_given=spent.budget is not None,
        overhead=charged,
        seed=seed,
        control_variate=variate_of(model, control_variate),
        timed=spent.time_limit is not None,
        rows_per_coalition=worth.rows_per_coalition,
        draws_are=worth.draws_are,
        orders=orders,
    )
    if plan.method != "exact":
        plan.why += exact_instead(model, worth)
    return Prepared(found, shared + probed), plan


def attribution_of(
    estimates: list[Estimate],
    rows: Explained,
    *,
    prepared: Prepared,
    plan: ShapleyPlan,
    worth: ValueFunction,
    model: Model,
    continuation: Callable[[int], Attribution],
    seconds: float,
    inside: float,
    warnings: tuple[str, ...] = (),
    **facts: Any,
) -> Attribution:
    """The estimates of all rows as one attribution; `facts` are fields of the report, `inside` the model's seconds."""
    space, columns = rows.model.space, rows.columns
    n, p, k = len(rows.codes), len(space.parts), len(rows.names)
    base = weighted_mean(prepared.background_outputs, worth.weights)
    exact = all(estimate.std_err is None for estimate in estimates) if n else plan.method == "exact"
    selected, selected_names = chosen_outputs(model, columns, rows.names)
    data, display = shown(space, rows.codes)
    return Attribution(
        values=stacked([e.values for e in estimates], (n, p, k)),
        base_values=base[columns].reshape(n, k),
        predictions=np.take_along_axis(rows.predictions, columns, axis=1),
        std_err=None if exact else stacked([errors(e) for e in estimates], (n, p, k)),
        background_std_err=background_errors(estimates),
        parts=space.parts,
        outputs=rows.names,
        data=data,
        display=display,
        selected=selected,
        selected_names=selected_names,
        report=report_of(
            plan,
            estimates,
            shared=rows.shared,
            warnings=(*warnings, *worth.warnings, *model.warnings),
            seconds=seconds,
            seconds_outside_model=max(0.0, seconds - inside),
            model_output=model.model_output,
            model=model.description,
            link=model.link,
            value_function=worth.value_function,
            background_rows=worth.given,
            **facts,
        ),
        _continue=continuation,
    )
