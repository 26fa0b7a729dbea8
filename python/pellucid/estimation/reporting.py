"""The report of a set of estimates: what was done, why, at what cost, and what to beware of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from pellucid.estimation.estimate import Array, Estimate, described
from pellucid.estimation.plan import ShapleyPlan
from pellucid.model import Model
from pellucid.results import Report


def report_of(
    plan: ShapleyPlan, estimates: Sequence[Estimate], *, shared: int, warnings: Iterable[str] = (), **facts: Any
) -> Report:
    """The `Report` of estimates of one plan.

    Parameters
    ----------
    shared : rows paid once for all games; they are spread over the rows of the report.
    warnings : of the model, before those of the estimates.
    facts : the fields of the report that the estimates do not know.
    """
    n = len(estimates)
    found = dict.fromkeys([*warnings, *(warning for estimate in estimates for warning in estimate.warnings)])
    late = sum(estimate.out_of_time for estimate in estimates)
    if late:
        found[f"the time limit ended the sampling of {late} of {n} rows"] = None
    again = sum(estimate.paid - estimate.coalitions for estimate in estimates)
    if again:
        found[f"{again:,} model rows had to be played again, because the first results were too large to keep"] = None
    asked = plan.spending.tolerance is not None or late
    value = "Shapley values" if plan.orders is None else "asymmetric Shapley values"
    return Report(
        method=f"exact {value}" if plan.method == "exact" else f"{value} by {plan.method}",
        why=f"{plan.why}; {described(estimates)}" if n else plan.why,
        rows_per_row=rows_of_each([(e.paid if e.rows is None else e.rows) + 1 for e in estimates], shared=shared),
        converged=tuple(e.reached and not e.out_of_time for e in estimates) if asked else (),
        tolerance=plan.spending.tolerance,
        seed=plan.seed,
        largest_std_err=_largest([np.zeros(1) if e.std_err is None else e.std_err for e in estimates]),
        largest_background_std_err=_largest([e.background_std_err for e in estimates]),
        coalitions=round(sum(e.coalitions for e in estimates) / n) if n else 0,
        warnings=tuple(found),
        **facts,
    )


def rows_of_each(own: Sequence[int], *, shared: int) -> tuple[int, ...]:
    """Model rows of each explained input: its own, and its part of those paid once for all.

    >>> rows_of_each([10, 20, 30], shared=5)
    (12, 22, 31)
    """
    return tuple(rows + shared // len(own) + (i < shared % len(own)) for i, rows in enumerate(own))


def report_of_sample(model: Model, *, rows: int, start: float, warnings: Iterable[str] = (), **facts: Any) -> Report:
    """The `Report` of what was done to a sample of rows as a whole.

    Parameters
    ----------
    rows : the model rows paid for are spread over so many.
    start : when it began, on the clock of perf_counter.
    warnings : after those of the model.
    facts : the other fields of the report.
    """
    seconds = perf_counter() - start
    return Report(
        rows_used=(model.rows_used + model.rows_cached) / rows,
        seconds=seconds,
        seconds_outside_model=max(0.0, seconds - model.seconds),
        model_output=model.model_output,
        model=model.description,
        link=model.link,
        value_function="marginal",
        background_rows=rows,
        warnings=(*model.warnings, *warnings),
        **facts,
    )


def _largest(errors: Sequence[Array | None]) -> float | None:
    """The largest of all; None where one is not known."""
    known = [float(error.max()) for error in errors if error is not None and np.isfinite(error).all()]
    return max(known) if known and len(known) == len(errors) else None
