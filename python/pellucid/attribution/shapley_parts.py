"""Shapley values of the parts of a text, an image, or another representation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from pellucid.attribution.represented import Reader, probe_masks
from pellucid.attribution.shown import chosen_outputs
from pellucid.estimation.clock import Deadline
from pellucid.estimation.exact import weighted_mean
from pellucid.estimation.linear_orders import ConsistentOrders
from pellucid.estimation.plan import ShapleyPlan, require_enumerable
from pellucid.estimation.reporting import report_of
from pellucid.estimation.schedule import spending
from pellucid.games import Game
from pellucid.representation import Representation
from pellucid.results import Attribution


@dataclass(frozen=True)
class Spent:
    """How an explainer plays: its arguments of the same names."""

    method: str
    budget: int | None
    tolerance: float | None
    time_limit: float | None
    control_variate: Any


def explain_each(
    given: Iterable[Representation], reader: Reader, spent: Spent, *, count: int, outputs: Any, order: Any, seed: int
) -> list[Attribution]:
    """The Shapley values of `count` representations, which share the time there is."""
    deadline = None if spent.time_limit is None else Deadline.after(spent.time_limit)
    found: list[Attribution] = []
    for X in given:
        left = None if deadline is None else deadline.share(count - len(found))
        found.append(explain_parts(X, reader, spent, outputs=outputs, order=order, seed=seed, deadline=left))
    return found


def explain_parts(
    X: Representation,
    reader: Reader,
    spent: Spent,
    *,
    outputs: Any,
    order: Any,
    seed: int,
    deadline: Deadline | None,
) -> Attribution:
    """The Shapley values of one representation, (1, p, k)."""
    start = perf_counter()
    parts = tuple(X.parts)
    if spent.method == "exact" and order is None:
        require_enumerable(len(parts))
    model, shared = reader.model_for(X)
    model.check_outputs(outputs)
    inside = model.seconds
    # With every output: which of them are explained may depend on what the model says of the whole input.
    empty, full = Game(model, X).ends()
    columns, names = model.choose(outputs, full[None])
    selected, selected_names = chosen_outputs(model, columns, names)
    overhead = int(X.n_draws) + 1 + (2 if model.steady else 3) * len(probe_masks(len(parts)))
    weights = np.ascontiguousarray(X.weights, dtype=np.float64)
    plan = ShapleyPlan(
        players=len(parts),
        draw_weights=weights,
        method=spent.method,
        spending=spending(spent.budget, spent.tolerance, overhead=overhead),
        budget_given=spent.budget is not None,
        overhead=overhead,
        seed=seed,
        control_variate=spent.control_variate,
        timed=deadline is not None,
        orders=ConsistentOrders.of(order, parts, method=spent.method),
    )
    game = Game(model, X, columns=columns[0], empty_values=empty, full_value=full)
    estimate = plan.estimate(game, deadline=deadline)
    seconds = perf_counter() - start
    return Attribution(
        values=estimate.values[None],
        base_values=weighted_mean(empty, weights)[columns],
        predictions=full[columns],
        std_err=None if estimate.std_err is None else estimate.std_err[None],
        parts=parts,
        outputs=names,
        selected=selected,
        selected_names=selected_names,
        canvas=getattr(X, "canvas", None),
        report=report_of(
            plan,
            [estimate],
            shared=shared + int(X.n_draws),  # the probe, and the empty coalition
            warnings=model.warnings,
            seconds=seconds,
            seconds_outside_model=max(0.0, seconds - (model.seconds - inside)),
            budget=spent.budget,
            model_output=model.model_output,
            model=model.description,
            link=model.link,
            value_function="marginal" if X.n_draws > 1 else "baseline",
            background_rows=int(X.n_draws),
        ),
    )
