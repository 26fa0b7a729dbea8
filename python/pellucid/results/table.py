"""An attribution as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid.results import local_words
from pellucid.results.local import LocalExplanation
from pellucid.results.ranking import kept_of, largest_first, line_of, noun_of, rest_name
from pellucid.results.text import clean, column, counted, duration, elide, number, with_errors

if TYPE_CHECKING:
    from pellucid.results.attribution import Attribution
    from pellucid.results.report import Report

_ROWS = 3
_OUTPUTS = 3
_LINES = 8


def sureness(attribution: Attribution) -> str:
    """One phrase: what is known of the errors."""
    if attribution.std_err is None:
        return "exact"
    if np.isnan(attribution.std_err).all() and attribution.std_err.size:
        return "standard errors unknown"
    return "with standard errors"


def rounding_of(report: Report) -> list[str]:
    """How far rounding reaches, where a bound is known."""
    bound = report.error_bound
    if bound is None:
        return []
    # One digit, upwards: a bound that is rounded down is none.
    unit = 10.0 ** math.floor(math.log10(bound)) if bound > 0.0 else 1.0
    return [f"rounding error at most {number(math.ceil(bound / unit) * unit, digits=1)}"]


def explained(report: Report) -> str:
    """ "probability", "raw output", ...: which output of the model it was."""
    return "raw output" if report.model_output == "raw" else report.model_output


def one_line(attribution: Attribution) -> str:
    n, p, k = attribution.values.shape
    model = f" of {clean(attribution.report.model)}" if attribution.report.model else ""
    return (
        f"{type(attribution).__name__}({counted(n, 'row')}, {counted(p, 'part')}, {counted(k, 'output')}; "
        f"{clean(attribution.report.method)}{model}; {sureness(attribution)})"
    )


def table(attribution: Attribution) -> str:
    """The header, the first rows with their largest parts, and the warnings."""
    report = attribution.report
    cost = [f"{round(report.rows_used):,} model rows per row"] if report.rows_used else []
    cost += [duration(report.seconds)] if report.seconds else []
    cost += rounding_of(report)
    # "raw margin of XGBClassifier" says by itself what of the model is explained.
    whole = not report.model or report.model.startswith(f"{report.model_output} ")
    output = explained(report)
    model = report.model or output if whole else f"{output} of {report.model}"
    lines = [one_line(attribution), "  " + ", ".join([clean(model), f"link {clean(report.link)}", *cost])]
    if report.why:
        lines.append(f"  why {clean(report.method)}: {clean(report.why, limit=900)}")
    for row in range(min(_ROWS, len(attribution))):
        lines += ["", *_row(attribution, row)]
    if len(attribution) > _ROWS:
        lines += ["", f"and {counted(len(attribution) - _ROWS, 'more row')}"]
    lines += [f"warning: {clean(warning, limit=300)}" for warning in report.warnings[:_LINES]]
    if len(report.warnings) > _LINES:
        lines.append(f"and {counted(len(report.warnings) - _LINES, 'more warning')} in report.warnings")
    return "\n".join(lines)


def _row(attribution: Attribution, row: int) -> list[str]:
    outputs = range(min(_OUTPUTS, len(attribution.outputs)))
    present = np.column_stack([attribution._has(output)[row] for output in outputs])
    used = np.flatnonzero(present.any(axis=1))
    sizes = np.abs(attribution.values[row][used, : len(outputs)]).max(axis=1)
    kept, left, small = kept_of(attribution, used[largest_first(sizes)], _LINES)
    local = attribution if isinstance(attribution, LocalExplanation) else None
    first_end, *last_ends = ("base value", "prediction") if local is None else local_words.COLUMN
    names = [f"row {row}", first_end, *(_name(attribution, row, int(part)) for part in kept)]
    names += [rest_name(len(left), len(used), noun=noun_of(attribution))] if len(left) else []
    columns = [names + last_ends]
    columns += [_output(attribution, row, output, kept, left, present[:, output]) for output in outputs]
    widths = [max(len(cell) for cell in cells) for cells in columns]
    lines = []
    for i, name in enumerate(columns[0]):
        indented = (("" if i == 0 else "  ") + name).ljust(widths[0] + 2)
        cells = [cells[i].ljust(width) for cells, width in zip(columns[1:], widths[1:], strict=True)]
        lines.append("  ".join([indented, *cells]).rstrip())
    if local is not None:
        left_out = [int(count) for count in (~present).sum(axis=0)]
        notes = [local_words.sample_of(local, row), *local_words.not_shown(local, left_out, small=small)]
        lines.append("  " + "; ".join(notes))
    more = len(attribution.outputs) - len(outputs)
    return lines + ([f"  and {counted(more, 'more output')}"] if more else [])


def _name(attribution: Attribution, row: int, part: int) -> str:
    name, shown = line_of(attribution, row, part)
    return elide(elide(name, limit=40) + f" = {shown}" if shown else name, limit=52)


def _output(
    attribution: Attribution,
    row: int,
    output: int,
    kept: NDArray[np.intp],
    left: NDArray[np.intp],
    present: NDArray[np.bool_],
) -> list[str]:
    values = attribution.values[row, :, output]
    numbers = list(values[kept]) + ([values[left].sum()] if len(left) else [])
    errors = [np.nan] * len(numbers)
    if attribution.std_err is not None:
        errors[: len(kept)] = attribution.std_err[row, kept, output]
    cells = with_errors(numbers, errors)
    cells[: len(kept)] = [cell if present[part] else "" for cell, part in zip(cells, kept, strict=False)]
    if isinstance(attribution, LocalExplanation):
        first, *last = local_words.column_of(attribution, row, output)
    else:
        first, *last = column([attribution.base_values[row, output], attribution.predictions[row, output]], sign=False)
    label = clean(attribution.output_label(row=row, output=output), limit=30)
    return [label, " " + first, *cells, *(" " + text for text in last)]
