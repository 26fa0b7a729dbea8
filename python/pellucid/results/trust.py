"""Sentences on how an attribution was made and how far it can be trusted, from its report and its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pellucid.results import local_words
from pellucid.results.local import LocalExplanation
from pellucid.results.ranking import noun_of
from pellucid.results.segments import Segments
from pellucid.results.svg import Z95
from pellucid.results.table import rounding_of, sureness
from pellucid.results.text import counted, number
from pellucid.results.text_spans import TextSpans

if TYPE_CHECKING:
    from pellucid.results.attribution import Attribution


_HIDDEN = {
    TextSpans: "A hidden part is taken out of the text, or a mask stands in its place.",
    Segments: "A hidden part of the image is filled.",
}


def how_obtained(attribution: Attribution) -> list[str]:
    """What was explained, by which method, at which cost."""
    report = attribution.report
    model = report.model or "the model"
    link = "" if report.link == "identity" else f", through the {report.link} link"
    unit = "" if report.model_output == "value" else f" ({report.model_output})"
    first = f"The function explained is {model}{unit}{link}."
    local = attribution if isinstance(attribution, LocalExplanation) else None
    if local is not None:
        first += f" {local_words.how_obtained(local)}"
    elif attribution.canvas is not None:
        first += f" {_HIDDEN[type(attribution.canvas)]}"
    elif report.background_rows:
        first += (
            f" A hidden feature takes its values from {counted(report.background_rows, 'background row')}"
            + (f" ({report.value_function})" if report.value_function else "")
            + "."
        )
    second = f"The method is {report.method}" + (f": {report.why}" if report.why else "")
    second += "" if second.endswith(".") else "."
    if report.coalitions and local is None:
        second += f" It looked at {counted(report.coalitions, 'coalition')} of {noun_of(attribution)}s for each row."
    if report.rows_used:
        limit = f", within a budget of {report.budget:,}" if report.budget else ""
        second += f" The model was asked for {round(report.rows_used):,} rows for each explained row{limit}."
    return [first, f"{second} Seed {report.seed} gives the same numbers again."]


def how_far_to_trust(attribution: Attribution) -> list[str]:
    """One sentence or two on each thing that can be wrong."""
    found = [_errors(attribution)]
    report = attribution.report
    if report.converged and not all(report.converged):
        late = len(report.converged) - sum(report.converged)
        found.append(
            f"{counted(late, 'row')} of {len(report.converged):,} did not reach the tolerance "
            f"{'' if report.tolerance is None else number(report.tolerance)} asked for; read the standard "
            "errors of those with care."
        )
    local = attribution if isinstance(attribution, LocalExplanation) else None
    found += [_sum(attribution)] if local is None else local_words.how_far_to_trust(local)
    found.append(
        "The numbers speak about the model, not about the world: a feature that moves the prediction need "
        "not cause the outcome, and changing it need not change the outcome."
    )
    if local is None and attribution.canvas is not None:
        found.append("They depend on what stands in for a hidden part: another choice asks another question.")
    elif local is None and report.background_rows:
        found.append(
            "They depend on the background rows: another background asks another question. Features that "
            "depend on each other are combined here in ways that may not occur in the data."
        )
    return found


def _errors(attribution: Attribution) -> str:
    kind = sureness(attribution)
    if kind == "exact":
        rounding = ", ".join(rounding_of(attribution.report)) or "up to rounding"
        return f"The values are exact for this model{_and_background(attribution)}, {rounding}."
    if kind == "standard errors unknown":
        return "Standard errors are not known for these values, so small differences between them may be noise."
    values, errors = attribution.values, attribution.std_err
    assert errors is not None
    known = np.isfinite(errors)
    clear = np.abs(values[known]) > Z95 * errors[known]
    share = f" That leaves out zero for {clear.mean():.0%} of the contributions." if clear.size else ""
    return (
        "The values are estimates from samples. A standard error says how much a value would move "
        f"with another seed; 95 % intervals reach 1.96 of them to either side.{share}"
    )


def _and_background(attribution: Attribution) -> str:
    """Path-dependent values of trees have no background."""
    without = attribution.canvas is not None or attribution.report.value_function == "path_dependent"
    return "" if without else " and this background"


def _sum(attribution: Attribution) -> str:
    residual = np.abs(attribution.residual)
    known = residual[np.isfinite(residual)]
    if not known.size:
        return (
            "Whether the contributions add up to the prediction cannot be told: the base value or the "
            "prediction is not known."
        )
    scale = max(float(np.abs(attribution.predictions[np.isfinite(attribution.predictions)]).max()), 1e-300)
    worst = float(known.max())
    if worst <= 1e-9 * scale:
        return "Base value and contributions add up to the prediction of each row, to rounding."
    return (
        f"Base value and contributions miss the prediction by up to {number(worst, digits=2)} "
        f"({worst / scale:.1e} of the largest prediction): this method is not complete, or stopped early."
    )
