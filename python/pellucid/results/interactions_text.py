"""Interactions as text, and as a static HTML fragment for a notebook."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pellucid.results import css, svg
from pellucid.results.html import cost_of, default_output, warnings_of
from pellucid.results.ranking import Ranking
from pellucid.results.svg import words
from pellucid.results.table import explained, rounding_of, sureness
from pellucid.results.text import clean, counted, elide, with_errors

if TYPE_CHECKING:
    from pellucid.results.interactions import Interactions

_ROWS = 3
_PAIRS = 8


def one_line(interactions: Interactions) -> str:
    n, p, _, k = interactions.values.shape
    report = interactions.report
    model = f" of {clean(report.model)}" if report.model else ""
    return (
        f"Interactions({counted(n, 'row')}, {counted(p, 'part')}, {counted(k, 'output')}; "
        f"{clean(report.method)}{model}; {_sureness(interactions)})"
    )


def table(interactions: Interactions) -> str:
    """The header, and the largest pairs of the first rows, output by output as far as they fit."""
    report = interactions.report
    facts = [clean(explained(report)), f"link {clean(report.link)}", *cost_of(report), *rounding_of(report)]
    lines = [one_line(interactions), "  " + ", ".join(facts)]
    if report.why:
        lines.append(f"  why {clean(report.method)}: {clean(report.why, limit=300)}")
    output = default_output(interactions.shapley)
    for row in range(min(_ROWS, len(interactions))):
        ranking = _ranking(interactions, row, output)
        label = clean(interactions.output_label(row=row, output=output), limit=40)
        lines += ["", f"row {row}, {label}: the largest interactions, both halves together"]
        longest = max(map(len, ranking.names), default=0)
        numbers = with_errors(ranking.values, ranking.errors)
        lines += [f"  {name.ljust(longest)}  {text}" for name, text in zip(ranking.names, numbers, strict=True)]
    if len(interactions) > _ROWS:
        lines += ["", f"and {counted(len(interactions) - _ROWS, 'more row')}"]
    if len(interactions.outputs) > 1:
        lines.append(f"and {counted(len(interactions.outputs) - 1, 'other output')}")
    return "\n".join(lines + [f"warning: {clean(warning, limit=300)}" for warning in report.warnings[:_PAIRS]])


def fragment(interactions: Interactions) -> str:
    """The largest pairs of the first rows as bar charts with whiskers."""
    (n, p, _, k), report = interactions.values.shape, interactions.report
    output = default_output(interactions.shapley)
    of = f", one of {k} outputs" if k > 1 else ""
    facts = [
        counted(n, "row"),
        counted(p * (p - 1) // 2, "pair"),
        _sureness(interactions),
        *cost_of(report),
        *rounding_of(report),
    ]
    pieces = [
        f'<div class="pellucid"><style>{css.FRAGMENT}</style>',
        f'<div class="pellucid-head"><div><b>{words(report.method)}</b> for <b>'
        f"{words(interactions.outputs[output])}</b>{of}</div>"
        f'<div class="pellucid-muted">{" · ".join(words(fact) for fact in facts)}</div></div>',
    ]
    for row in range(min(_ROWS, n) if p > 1 else 0):
        label = interactions.output_label(row=row, output=output)
        chart = svg.bars(
            _ranking(interactions, row, output),
            title=f"Largest interactions for {label}, row {row}",
            description=f"Pairs of parts by the size of their interaction, {_sureness(interactions)}",
        )
        pieces.append(f"<figure><figcaption>Row {row}: {words(label)}</figcaption>{chart}</figure>")
    if n > _ROWS:
        pieces.append(f'<div class="pellucid-muted">and {counted(n - _ROWS, "more row")}</div>')
    if interactions.std_err is not None:
        pieces.append('<div class="pellucid-muted">Whiskers are 95 % intervals; ± is one standard error.</div>')
    return "".join(pieces) + warnings_of(report) + "</div>"


def _sureness(interactions: Interactions) -> str:
    return "exact" if interactions.std_err is None else sureness(interactions.shapley)


def _ranking(interactions: Interactions, row: int, output: int) -> Ranking:
    """The pairs of one row by |index|, as lines of a chart."""
    pairs = len(interactions.parts) * (len(interactions.parts) - 1) // 2
    found = interactions.top(max(1, pairs), row=row, output=output)
    shown = found if pairs <= _PAIRS else found[: _PAIRS - 1]
    names = [f"{elide(clean(pair.first), limit=28)} × {elide(clean(pair.second), limit=28)}" for pair in shown]
    values = [pair.value for pair in shown]
    errors = [math.nan if pair.std_err is None else pair.std_err for pair in shown]
    rest = pairs - len(shown)
    if rest:
        names.append(f"sum of {rest} other pairs")
        values.append(sum(pair.value for pair in found[len(shown) :]))
        errors.append(math.nan)
    return Ranking(
        order=tuple(range(len(shown))),
        names=tuple(names),
        shown=("",) * len(names),
        values=np.array(values),
        errors=np.array(errors),
        rest=rest,
    )
