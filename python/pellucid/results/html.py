"""Attributions as static HTML: a fragment for a notebook, and a page to keep. No script, all escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pellucid.errors import InputError
from pellucid.results import checks, css, local_words, svg
from pellucid.results.html_image import image_html
from pellucid.results.html_text import highlighted
from pellucid.results.local import LocalExplanation
from pellucid.results.ranking import Ranking, noun_of, rank_means, rank_row, row_index
from pellucid.results.report import Report
from pellucid.results.svg import minus, words
from pellucid.results.table import rounding_of, sureness
from pellucid.results.text import counted, duration, with_errors
from pellucid.results.text_spans import TextSpans
from pellucid.results.trust import how_far_to_trust, how_obtained

if TYPE_CHECKING:
    from pellucid.results.attribution import Attribution

_WARNINGS = 12


def fragment(attribution: Attribution, *, output: int | str | None = None, rows: int = 3, max_display: int = 9) -> str:
    """The first rows as bar charts with whiskers, for a notebook; see `Attribution`.

    Parameters
    ----------
    output : index or name, optional
        None: the first, or the second of two probabilities, which is the positive class.
    rows, max_display : int
        At most this many rows, and lines in each chart.
    """
    where = default_output(attribution) if output is None else checks.find("output", output, attribution.outputs)
    n, p, k = attribution.values.shape
    report = attribution.report
    facts = [counted(n, "row"), counted(p, "part"), sureness(attribution), *cost_of(report), *rounding_of(report)]
    of = f", one of {k} outputs" if k > 1 else ""
    pieces = [
        f'<div class="pellucid"><style>{css.FRAGMENT}</style>',
        f'<div class="pellucid-head"><div><b>{words(report.method)}</b> for <b>'
        f"{words(attribution.outputs[where])}</b>{of}</div>"
        f'<div class="pellucid-muted">{" · ".join(words(fact) for fact in facts)}</div></div>',
    ]
    for row in range(min(rows, n)):
        label = attribution.output_label(row=row, output=where)
        ranking = rank_row(attribution, row=row, output=where, max_display=max_display)
        chart = svg.bars(
            ranking, title=f"Contributions to {label}, row {row}", description=_described(attribution, row, where)
        )
        pieces.append(
            f"<figure><figcaption>Row {row}: {_ends(attribution, row, where)}</figcaption>"
            f"{_drawn(attribution, row, where)}{chart}{_notes(attribution, ranking)}</figure>"
        )
    if n > rows:
        pieces.append(f'<div class="pellucid-muted">and {counted(n - rows, "more row")}</div>')
    if sureness(attribution) == "with standard errors":
        pieces.append('<div class="pellucid-muted">Whiskers are 95 % intervals; ± is one standard error.</div>')
    return "".join(pieces) + warnings_of(report) + "</div>"


def page(
    attribution: Attribution,
    *,
    title: str,
    intro: str = "",
    output: int | str | None = None,
    rows: Sequence[int] | None = None,
    max_display: int = 12,
    tables: Sequence[tuple[str, Sequence[str], Sequence[Sequence[str]]]] = (),
) -> str:
    """One self-contained page: what was explained, charts, numbers, and how far to trust them.

    Parameters
    ----------
    title, intro : str
        Plain text; an empty line in the intro begins a new paragraph.
    output : index or name, optional
        As in `fragment`.
    rows : sequence of int, optional
        The rows that get a chart and a table. None: the first three.
    max_display : int
        Lines in a chart at most.
    tables : sequence of (caption, header, lines)
        More tables of plain text, shown before the section on trust.

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> text = page(Attribution.from_array([[0.5, -0.2]], base_values=1.0), title="Two <numbers>")
    >>> "<h1>Two &lt;numbers&gt;</h1>" in text, "<script" in text
    (True, False)
    """
    where = default_output(attribution) if output is None else checks.find("output", output, attribution.outputs)
    if not isinstance(title, str) or not isinstance(intro, str):
        raise InputError(f"title and intro must be strings, got {type(title).__name__}, {type(intro).__name__}")
    wanted = range(min(3, len(attribution))) if rows is None else rows
    chosen = [row_index(attribution, row) for row in wanted]
    paragraphs = [
        f'<p class="pellucid-intro">{words(part, limit=2000)}</p>' for part in intro.split("\n\n") if part.strip()
    ]
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{words(title, limit=200)}</title><style>{css.PAGE}</style></head>",
            '<body><main class="pellucid-page"><p class="pellucid-brand">pellucid</p>',
            f"<h1>{words(title, limit=200)}</h1>",
            *paragraphs,
            _facts(attribution, where),
            *_importance(attribution, where, max_display),
            *_rows(attribution, where, chosen, max_display),
            *_numbers(attribution, where, chosen),
            *(_table(caption, header, lines) for caption, header, lines in tables),
            "<h2>How these numbers were obtained</h2>",
            *_paragraphs(how_obtained(attribution)),
            "<h2>How far to trust them</h2>",
            warnings_of(attribution.report),
            "<ul>" + "".join(f"<li>{words(item, limit=700)}</li>" for item in how_far_to_trust(attribution)) + "</ul>",
            f"<footer>Made with pellucid {words(attribution.report.version)}. This page has no script and "
            "loads nothing from elsewhere.</footer></main></body></html>",
        ]
    )


def default_output(attribution: Attribution) -> int:
    """The first output, or of two probabilities the second: by custom the positive class."""
    two = len(attribution.outputs) == 2 and attribution.report.model_output == "probability"
    return 1 if two and attribution.selected is None else 0


def cost_of(report: Report) -> list[str]:
    """Model rows and time, where they are known."""
    return ([f"{round(report.rows_used):,} model rows per row"] if report.rows_used else []) + (
        [duration(report.seconds)] if report.seconds else []
    )


def _ends(attribution: Attribution, row: int, output: int) -> str:
    name = words(attribution.output_label(row=row, output=output))
    base, prediction = (float(x[row, output]) for x in (attribution.base_values, attribution.predictions))
    ranking = rank_row(attribution, row=row, output=output)
    start, end = (minus(text) for text in svg.end_texts(ranking, base, prediction))
    found = name if math.isnan(prediction) else f"{name} is <b>{end}</b>"
    if isinstance(attribution, LocalExplanation):
        return f"{found}. {_surrogate(attribution, row, output)}"
    return found if math.isnan(base) else f"{found}, from a base value of {start}"


def _surrogate(explanation: LocalExplanation, row: int, output: int) -> str:
    intercept, local, _, fit = (words(minus(text)) for text in local_words.column_of(explanation, row, output))
    return (
        f"The surrogate predicts <b>{local}</b> here and {intercept} {local_words.intercept_means(explanation)}; "
        f"{local_words.FIT} {fit}; {words(local_words.sample_of(explanation, row))}"
    )


def _drawn(attribution: Attribution, row: int, output: int) -> str:
    """The text or the image that is explained, with its parts."""
    canvas, values = attribution.canvas, attribution.values[row, :, output]
    if canvas is None:
        return ""
    if isinstance(canvas, TextSpans):
        errors = None if attribution.std_err is None else attribution.std_err[row, :, output]
        drawn = highlighted(canvas, values, errors=errors)
    else:
        drawn = image_html(canvas, values, name=f"{attribution.output_label(row=row, output=output)}, row {row}")
    return f'<div style="margin:.4em 0 .8em">{drawn}</div>'


def _notes(attribution: Attribution, ranking: Ranking) -> str:
    notes = local_words.notes_of(attribution, ranking) if isinstance(attribution, LocalExplanation) else []
    return f'<div class="pellucid-muted">{words("; ".join(notes))}</div>' if notes else ""


def _described(attribution: Attribution, row: int, output: int) -> str:
    largest = rank_row(attribution, row=row, output=output, max_display=3, summed=False)
    numbers = with_errors(largest.values, largest.errors)
    lines = [f"{name} {number}" for name, number in zip(largest.names, numbers, strict=True)]
    return "The largest contributions: " + "; ".join(lines)


def warnings_of(report: Report) -> str:
    """The first warnings, each in a frame of its own."""
    shown = [
        f'<div class="pellucid-warning">{words(warning, limit=400)}</div>' for warning in report.warnings[:_WARNINGS]
    ]
    left = len(report.warnings) - len(shown)
    return "".join(shown) + (f'<div class="pellucid-warning">and {counted(left, "more warning")}</div>' if left else "")


def _facts(attribution: Attribution, output: int) -> str:
    report, (n, p, k) = attribution.report, attribution.values.shape
    name = attribution.outputs[output] + (f" (one of {k} outputs)" if k > 1 else "")
    scale = report.model_output + ("" if report.link == "identity" else f" through the {report.link} link")
    converged = f"{sum(report.converged):,} of {n:,} rows" if report.converged else ""
    facts = [
        ("Model", report.model),
        ("Output", f"{name}, as {scale}"),
        ("Method", report.method),
        ("Explained", f"{counted(n, 'row')}, {counted(p, noun_of(attribution))}"),
        ("Background", counted(report.background_rows, "row") if _has_background(attribution) else ""),
        ("Cost", ", ".join(cost_of(report))),
        ("Exactness", ", ".join(rounding_of(report))),
        ("Reached its tolerance", converged),
        ("Seed", str(report.seed)),
    ]
    return (
        "<dl>" + "".join(f"<dt>{key}</dt><dd>{words(value, limit=160)}</dd>" for key, value in facts if value) + "</dl>"
    )


def _has_background(attribution: Attribution) -> bool:
    return attribution.canvas is None and attribution.report.background_rows > 0


def _importance(attribution: Attribution, output: int, max_display: int) -> list[str]:
    if len(attribution) < 2:
        return []
    name = attribution.outputs[output]
    chart = svg.means(
        rank_means(attribution, output=output, max_display=max_display),
        title=f"Mean absolute contribution to {name}",
        description=f"Over {counted(len(attribution), 'row')}; whiskers are 95 % intervals",
    )
    return [
        "<h2>What matters over all rows</h2>",
        f"<p>How far each feature moves <b>{words(name)}</b> in the mean over "
        f"{counted(len(attribution), 'row')}, "
        "up or down.</p>",
        f"<figure>{chart}</figure>",
        '<p class="pellucid-quiet">± is one standard error over rows, and whiskers are 95 % intervals: how '
        "much the mean would move with other rows of the same kind.</p>",
    ]


def _rows(attribution: Attribution, output: int, rows: Sequence[int], max_display: int) -> list[str]:
    if not rows:
        return []
    local = isinstance(attribution, LocalExplanation)
    pieces = ["<h2>Row by row</h2>", f"<p>{_reading(attribution)}</p>", _key(attribution)]
    for row in rows:
        label = attribution.output_label(row=row, output=output)
        ranking = rank_row(attribution, row=row, output=output, max_display=max_display)
        description = _described(attribution, row, output)
        if local:
            chart = svg.bars(ranking, title=f"Coefficients for {label}, row {row}", description=description)
        else:
            chart = svg.waterfall(
                ranking,
                float(attribution.base_values[row, output]),
                float(attribution.predictions[row, output]),
                title=f"From the base value to the prediction of {label}, row {row}",
                description=description,
            )
        pieces.append(
            f"<figure><figcaption><b>Row {row}</b>: {_ends(attribution, row, output)}</figcaption>"
            f"{_drawn(attribution, row, output)}{chart}{_notes(attribution, ranking)}</figure>"
        )
    return pieces


def _reading(attribution: Attribution) -> str:
    """How the charts of the rows are read."""
    if isinstance(attribution, LocalExplanation):
        return "Each bar is a coefficient of the surrogate around this row."
    base = "the mean output over the background" if attribution.canvas is None else "the output with every part hidden"
    return (
        f"Each chart begins at the base value, {base}, and adds one {noun_of(attribution)} after the other until it "
        "reaches the prediction."
    )


def _key(attribution: Attribution) -> str:
    def swatch(colour: str) -> str:
        return (
            f'<svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">'
            f'<rect width="12" height="12" rx="1.5" fill="{colour}"/></svg>'
        )

    entries = [swatch(svg.RAISES) + "raises the output", swatch(svg.LOWERS) + "lowers it"]
    if sureness(attribution) == "with standard errors":
        entries.append(
            '<svg width="22" height="12" viewBox="0 0 22 12" aria-hidden="true">'
            '<path d="M1 2v8M1 6h20M21 2v8" '
            'fill="none" stroke="currentColor" stroke-width="1.4"/></svg>95 % interval'
        )
    return '<div class="pellucid-key">' + "".join(f"<span>{entry}</span>" for entry in entries) + "</div>"


def _numbers(attribution: Attribution, output: int, rows: Sequence[int]) -> list[str]:
    """The numbers of the charts, every feature, in a table for each row."""
    pieces = ["<h2>The numbers</h2>"] if rows else []
    for row in rows:
        ranking = rank_row(attribution, row=row, output=output, max_display=len(attribution.parts))
        pairs = [text.partition(" ± ") for text in with_errors(ranking.values, ranking.errors)]
        exact = attribution.std_err is None
        header = [noun_of(attribution), "value", "contribution", "standard error"]
        lines = [
            [name, shown, minus(value), "exact" if exact else error or "unknown"]
            for name, shown, (value, _, error) in zip(ranking.names, ranking.shown, pairs, strict=True)
        ]
        if not any(ranking.shown):
            header, lines = header[:1] + header[2:], [line[:1] + line[2:] for line in lines]
        label = attribution.output_label(row=row, output=output)
        table = _table("", header, lines, numbers=(len(header) - 2, len(header) - 1)) + _notes(attribution, ranking)
        opened = " open" if row == rows[0] else ""
        pieces.append(
            f"<details{opened}><summary>Row {row}, contributions to {words(label)}</summary>{table}</details>"
        )
    return pieces


def _table(caption: str, header: Sequence[str], lines: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    def cells(tag: str, texts: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{_scope(tag)}{' class=pellucid-number' if i in numbers else ''}>{words(text)}</{tag}>"
            for i, text in enumerate(texts)
        )

    body = "".join(f"<tr>{cells('td', line)}</tr>" for line in lines)
    return (
        '<div class="pellucid-scroll"><table>'
        + (f"<caption>{words(caption, limit=160)}</caption>" if caption else "")
        + f"<thead><tr>{cells('th', header)}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _scope(tag: str) -> str:
    return " scope=col" if tag == "th" else ""


def _paragraphs(texts: Sequence[str]) -> list[str]:
    return [f"<p>{words(text, limit=1200)}</p>" for text in texts]
