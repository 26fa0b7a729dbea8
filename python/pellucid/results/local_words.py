"""What is said of a local surrogate, in tables, pages and plots: the same words everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pellucid.results.ranking import Ranking, noun_of
from pellucid.results.text import column, counted, number

if TYPE_CHECKING:
    from pellucid.results.local import LocalExplanation

INTERCEPT = "intercept"
LOCAL = "local prediction"
MODEL = "prediction of the model"
FIT = "R²"
COLUMN = (INTERCEPT, LOCAL, MODEL, FIT)


def column_of(explanation: LocalExplanation, row: int, output: int) -> list[str]:
    """The numbers that belong to the lines of `COLUMN`."""
    ends = column([float(x[row, output]) for x in _ends(explanation)], sign=False)
    return [*ends, fit_of(explanation, row, output)]


def _ends(explanation: LocalExplanation) -> tuple[np.ndarray, ...]:
    return explanation.base_values, explanation.local_predictions, explanation.predictions


def fit_of(explanation: LocalExplanation, row: int, output: int) -> str:
    """R² as text; there is none where the model is constant around the row."""
    r2 = float(explanation.r2[row, output])
    return "undefined" if np.isnan(r2) else number(r2, digits=3)


def intercept_means(explanation: LocalExplanation) -> str:
    """What the intercept is the prediction of."""
    return "with no part present" if explanation.adds_up else "where every part is 0"


def sample_of(explanation: LocalExplanation, row: int) -> str:
    """How many samples the fit rests on, and how many equally weighted ones they are worth."""
    report, n = explanation.report, len(explanation)
    if explanation.std_err is None:
        if "trees" in report.method:
            return "the leaves of its trees"
        return f"all {report.coalitions:,} masks" if report.coalitions else "all masks"
    worth = float(explanation.effective_rows[row])
    equal = counted(round(worth), "equally weighted sample")
    # The report counts the samples in the mean over the rows, which is the number of this row where all have as many.
    mean_only = n > 1 and bool(report.converged)
    if mean_only or worth > report.coalitions + 0.5:
        return f"worth {equal}"
    return f"worth {round(worth):,} of {counted(report.coalitions, 'equally weighted sample')}"


def not_shown(explanation: LocalExplanation, left_out: Sequence[int], *, small: int = 0) -> list[str]:
    """How many parts the surrogate left out, of each output, and how many have a value too small to be shown."""
    found, fewest, most = [], min(left_out, default=0), max(left_out, default=0)
    if most:
        noun = noun_of(explanation)
        counts = "" if fewest == most else f"{fewest:,} to "
        found.append(f"{counts}{counted(most, noun)} left out")
    if small:
        found.append(f"{counted(small, 'smaller coefficient')} not shown")
    return found


def notes_of(explanation: LocalExplanation, ranking: Ranking) -> list[str]:
    """`not_shown` of one chart."""
    return not_shown(explanation, [ranking.left_out], small=ranking.small)


def how_obtained(explanation: LocalExplanation) -> str:
    """A sentence on what was drawn around a row."""
    report = explanation.report
    if explanation.canvas is None and report.background_rows:
        drawn = f"rows drawn like {counted(report.background_rows, 'background row')}"
    elif explanation.std_err is None:
        drawn = "all ways to leave parts out"
    else:
        drawn = "inputs with parts left out at random"
    seen = f": {counted(report.coalitions, 'sample')} for each input" if report.coalitions else ""
    return f"A linear surrogate was fitted to what the model says of {drawn}{seen}."


def how_far_to_trust(explanation: LocalExplanation) -> list[str]:
    """Sentences on the surrogate as a stand-in for the model."""
    r2, gap = explanation.r2[np.isfinite(explanation.r2)], np.abs(explanation.residual)
    gap = gap[np.isfinite(gap)]
    found = []
    if r2.size:
        found.append(
            f"The surrogate explains {_range(r2, percent=True)} of the variance of the model around an input (R²); "
            "what it misses shows in no contribution and in no standard error."
        )
    if gap.size:
        found.append(
            f"At the input itself it misses the prediction of the model by {_range(gap, percent=False)}: intercept and "
            "contributions add up to its own prediction, not to that of the model."
            if explanation.adds_up
            else f"At the input itself it misses the prediction of the model by {_range(gap, percent=False)}. "
            "Contributions are slopes and do not add up."
        )
    found.append(
        "What is near depends on how samples are drawn and on the width of the kernel: another choice asks another "
        "question."
    )
    return found


def _range(values: np.ndarray, *, percent: bool) -> str:
    low, high = float(values.min()), float(values.max())
    first, last = (f"{100 * x:.0f} %" if percent else number(x, digits=2) for x in (low, high))
    return first if first == last else f"{first.removesuffix(' %')} to {last}"
