"""An attribution as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid.results.ranking import largest_first, rest_name, shown_values, split
from pellucid.results.text import clean, column, counted, duration, elide, with_errors

if TYPE_CHECKING:
    from pellucid.results.attribution import Attribution

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


def one_line(attribution: Attribution) -> str:
    n, p, k = attribution.values.shape
    model = f" of {clean(attribution.report.model)}" if attribution.report.model else ""
    return (
        f"Attribution({counted(n, 'row')}, {counted(p, 'part')}, {counted(k, 'output')}; "
        f"{clean(attribution.report.method)}{model}; {sureness(attribution)})"
    )


def table(attribution: Attribution) -> str:
    """The header, the first rows with their largest parts, and the warnings."""
    report = attribution.report
    cost = [f"{round(report.rows_used):,} model rows per row"] if report.rows_used else []
    cost += [duration(report.seconds)] if report.seconds else []
    model = f"{report.model_output} of {report.model}" if report.model else report.model_output
    lines = [one_line(attribution), "  " + ", ".join([clean(model), f"link {clean(report.link)}", *cost])]
    if report.why:
        lines.append(f"  why {clean(report.method)}: {clean(report.why, limit=300)}")
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
    values = attribution.values[row][:, : len(outputs)]
    kept, left = split(largest_first(np.abs(values).max(axis=1)), _LINES)
    shown = shown_values(attribution, row)
    first = [f"row {row}", "base value"]
    first += [
        elide(clean(attribution.parts[i], limit=40) + (f" = {shown[i]}" if shown[i] else ""), limit=52) for i in kept
    ]
    first += [rest_name(len(left), len(attribution.parts))] if len(left) else []
    first += ["prediction"]
    columns = [first] + [_output(attribution, row, output, kept, left) for output in outputs]
    widths = [max(len(cell) for cell in cells) for cells in columns]
    lines = []
    for i in range(len(first)):
        indent = "" if i == 0 else "  "
        name = (indent + first[i]).ljust(widths[0] + 2)
        lines.append(
            "  ".join(
                [name] + [cells[i].ljust(width) for cells, width in zip(columns[1:], widths[1:], strict=True)]
            ).rstrip()
        )
    more = len(attribution.outputs) - len(outputs)
    return lines + ([f"  and {counted(more, 'more output')}"] if more else [])


def _output(
    attribution: Attribution, row: int, output: int, kept: NDArray[np.intp], left: NDArray[np.intp]
) -> list[str]:
    values = attribution.values[row, :, output]
    numbers = list(values[kept]) + ([values[left].sum()] if len(left) else [])
    errors = [np.nan] * len(numbers)
    if attribution.std_err is not None:
        errors[: len(kept)] = attribution.std_err[row, kept, output]
    base, prediction = attribution.base_values[row, output], attribution.predictions[row, output]
    ends = column([base, prediction], sign=False)
    return [
        clean(attribution.output_label(row=row, output=output), limit=30),
        " " + ends[0],
        *with_errors(numbers, errors),
        " " + ends[1],
    ]
