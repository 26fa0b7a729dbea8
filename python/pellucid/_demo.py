"""The demo: a model, some of its answers explained, and a page to keep."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pellucid
from pellucid._terminal import bar, paragraph
from pellucid.attribution import Shapley
from pellucid.errors import InputError
from pellucid.results import Attribution
from pellucid.results.html import page
from pellucid.results.ranking import rank_means, rank_row
from pellucid.results.text import column, counted, duration, elide, with_errors
from pellucid.space import Space

TOLERANCE = 0.05
PRINTED = 2  # rows told in full on the terminal
CHARTED = 4  # and on the page
TITLE = "Why does this model call a tumour malignant?"


@dataclass(frozen=True)
class Case:
    """A trained classifier and the rows to explain, told by position in the test set."""

    model: Any
    space: Space
    train: Any
    rows: Any
    truth: tuple[str, ...]
    accuracy: float
    tests: int
    seconds: float


def demo(out: str | Path, *, rows: int, budget: int, seed: int) -> Iterator[str]:
    """Yield the lines of the demo while it works, and write the page to `out`.

    Raises
    ------
    InputError : scikit-learn is not installed, or `out` cannot be written.
    """
    path = _writable_file(out)
    case = _train(rows)
    explainer = Shapley(
        case.model,
        case.train,
        space=case.space,
        outputs="malignant",
        budget=budget,
        tolerance=TOLERANCE,
        seed=seed,
    )
    yield f"pellucid {pellucid.__version__}: {TITLE[0].lower()}{TITLE[1:]}"
    yield ""
    yield from paragraph(_about(case))
    attribution = explainer(case.rows)
    yield ""
    yield from paragraph(_cost(attribution))
    for row in range(min(PRINTED, len(attribution))):
        yield ""
        yield from _told(attribution, row, truth=case.truth[row])
    yield ""
    yield from _all_rows(attribution, case.truth)
    yield ""
    agreement = _agreement(attribution, explainer, case)
    yield from paragraph(f"A check. {agreement}")
    yield ""
    yield from paragraph(
        "How to read this. Each contribution says how far knowing that feature moves the prediction from "
        "the average over the training rows, on average over all orders in which features can become known; "
        "the contributions of a row add up to its prediction. The number after ± is one standard error: the "
        "true value lies within two of them in about 95 of 100 cases. The numbers speak about the model, not "
        "about the cause of a disease."
    )
    path.write_text(_page(attribution, case, agreement), encoding="utf-8")
    yield ""
    yield f"A page to keep: {path}"


def _writable_file(out: str | Path) -> Path:
    """Checked before the work, so that nobody waits for a page that cannot be written."""
    path = Path(out)
    if path.is_dir():
        raise InputError(f"--out must name a file, got the folder {str(out)!r}; add a file name")
    if not path.parent.is_dir():
        raise InputError(f"--out must be in a folder that exists, got {str(out)!r}; make {path.parent} first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"--out must be a file that can be written, got {str(out)!r}; choose another one")
    return path


def _train(rows: int) -> Case:
    try:
        from sklearn.datasets import load_breast_cancer
        from sklearn.ensemble import GradientBoostingClassifier
        from sklearn.model_selection import train_test_split
    except ImportError:
        raise InputError(
            'the demo needs scikit-learn, which is not installed; run: pip install "pellucid[demo]" '
            '(in a clone of the source: pip install ".[demo]")'
        ) from None
    data = load_breast_cancer()
    names = [str(name) for name in data.feature_names]
    truth = data.target_names[data.target]
    X_train, X_test, y_train, y_test = train_test_split(
        _table(data.data, names), truth, test_size=0.25, random_state=0, stratify=truth
    )
    start = perf_counter()
    model = GradientBoostingClassifier(random_state=0).fit(X_train, y_train)
    seconds = perf_counter() - start
    malignant = model.predict_proba(X_test)[:, list(model.classes_).index("malignant")]
    wrong = (malignant > 0.5) != (y_test == "malignant")
    chosen = _worth_explaining(malignant, wrong, count=rows)
    return Case(
        model=model,
        space=Space.infer(X_train, names=names),
        train=X_train,
        rows=X_test.iloc[chosen] if hasattr(X_test, "iloc") else X_test[chosen],
        truth=tuple(str(name) for name in y_test[chosen]),
        accuracy=float(1 - wrong.mean()),
        tests=len(y_test),
        seconds=seconds,
    )


def _table(values: NDArray[np.float64], names: list[str]) -> Any:
    """A pandas DataFrame where pandas is installed, the array itself elsewhere."""
    try:
        import pandas
    except ImportError:
        return values
    return pandas.DataFrame(values, columns=names)


def _worth_explaining(probability: NDArray[np.float64], wrong: NDArray[np.bool_], *, count: int) -> NDArray[np.intp]:
    """The worst mistake, the clearest yes, the most doubtful row, the clearest no, then rows as they come."""
    surprise = np.where(wrong, np.abs(probability - 0.5), -1.0)
    first = [
        np.argmax(surprise),
        np.argmax(probability),
        np.argmin(np.abs(probability - 0.5)),
        np.argmin(probability),
    ]
    order = dict.fromkeys(int(i) for i in [*first, *range(len(probability))])
    return np.array(list(order)[:count], dtype=np.intp)


def _about(case: Case) -> str:
    return (
        f"A {type(case.model).__name__} learned from {len(case.train)} biopsies with {case.space.d} "
        f"measurements each, in {duration(case.seconds)}. It is right about {100 * case.accuracy:.1f} % of "
        f"{case.tests} others. Explaining {counted(len(case.rows), 'row')} of these, each against all "
        f"{len(case.train)} training rows ..."
    )


def _cost(attribution: Attribution) -> str:
    report = attribution.report
    n = len(attribution)
    return (
        f"{report.method} of {counted(n, 'row')} took {duration(report.seconds)}, of which "
        f"{duration(report.seconds - report.seconds_outside_model)} in the model: "
        f"{round(report.rows_used):,} model rows per explained row, against {report.background_rows} "
        f"background rows. {sum(report.converged)} of {n} reached the precision asked for: with 95 % confidence, no "
        f"contribution errs by more than {100 * TOLERANCE:.0f} % of their range."
    )


def _told(attribution: Attribution, row: int, *, truth: str) -> Iterator[str]:
    """One row as a table: feature and value, contribution with standard error, and a bar."""
    ranking = rank_row(attribution, row=row, output=0, max_display=8)
    base, prediction = attribution.base_values[row, 0], attribution.predictions[row, 0]
    numbers = with_errors(ranking.values, ranking.errors)
    scale = float(np.abs(ranking.values).max())
    yield f"Row {row}: malignant with probability {prediction:.4f}; in truth {truth}"
    yield f"  {'average over the background':<37} {base:.4f}"
    for name, shown, value, text in zip(ranking.names, ranking.shown, ranking.values, numbers, strict=True):
        label = elide(f"{name} = {shown}" if shown else name, limit=36)
        yield f"  {label:<37}{text:<21}{bar(value, scale=scale)}".rstrip()
    yield f"  {'prediction':<37} {prediction:.4f}"


def _all_rows(attribution: Attribution, truth: tuple[str, ...]) -> Iterator[str]:
    yield f"{'row':>4}  {'in truth':<11}{'predicted':<11}largest contributions"
    for row, (prediction, largest) in enumerate(_largest(attribution)):
        yield f"{row:>4}  {truth[row]:<11}{prediction:<11}{elide(', '.join(largest), limit=50)}"
    if len(attribution) > 1:
        ranking = rank_means(attribution, output=0, max_display=4)
        sizes = [
            f"{name} {size}"
            for name, size in zip(ranking.names[:3], column(ranking.values[:3], sign=False), strict=True)
        ]
        yield ""
        yield from paragraph(f"Largest in the mean of |contribution| over these rows: {', '.join(sizes)}.")


def _largest(attribution: Attribution) -> Iterator[tuple[str, list[str]]]:
    for row in range(len(attribution)):
        two = [f"{part} {value:+.3f}" for part, value, _ in attribution.top(2, row=row)]
        yield f"{attribution.predictions[row, 0]:.4f}", two


@dataclass(frozen=True)
class Agreement:
    """How many contributions of two seeds differ by less than 1.96 of their joint standard errors."""

    inside: int
    total: int

    def __str__(self) -> str:
        if not self.total:
            return "This budget is too small for standard errors."
        return (
            f"Explained again with another seed, {self.inside:,} of the {self.total:,} contributions "
            f"({100 * self.inside / self.total:.1f} %) differ by less than 1.96 of their joint standard errors; "
            "about 95 % do where such errors are honest."
        )


def _agreement(attribution: Attribution, explainer: Shapley, case: Case) -> Agreement:
    again = Shapley(
        case.model,
        case.train,
        space=case.space,
        outputs="malignant",
        budget=explainer.budget,
        tolerance=explainer.tolerance,
        seed=explainer.seed + 1,
    )(case.rows)
    if attribution.std_err is None or again.std_err is None:
        return Agreement(0, 0)
    apart = np.abs(again.values - attribution.values)
    together = np.hypot(again.std_err, attribution.std_err)
    known = np.isfinite(together)
    return Agreement(int((apart <= 1.96 * together)[known].sum()), int(known.sum()))


def _page(attribution: Attribution, case: Case, agreement: Agreement) -> str:
    n = len(attribution)
    order = ", then its clearest malignant case, its most doubtful one and its clearest benign one"
    intro = (
        f"A {type(case.model).__name__} learned from {len(case.train)} biopsies of the breast, described by "
        f"{case.space.d} measurements of cell nuclei, to tell malignant from benign tumours. It is right "
        f"about {100 * case.accuracy:.1f} % of the {case.tests} biopsies kept aside.\n\n"
        f"Here {n} of its answers {'is' if n == 1 else 'are'} taken apart: which measurements moved the "
        "predicted probability away from its average over the training rows, by how much, and how sure that "
        f"is. The first row is its worst mistake{order if n >= CHARTED else ''}."
    )
    lines = [
        (str(row), case.truth[row], prediction, ", ".join(largest).replace("-0.", "−0."))
        for row, (prediction, largest) in enumerate(_largest(attribution))
    ]
    share = f"{100 * agreement.inside / agreement.total:.1f} %" if agreement.total else "unknown"
    shown = replace(attribution, report=replace(attribution.report, version=pellucid.__version__))
    return page(
        shown,
        title=TITLE,
        intro=intro,
        rows=range(min(CHARTED, len(attribution))),
        tables=[
            ("All rows explained", ("row", "in truth", "predicted", "largest contributions"), lines),
            (
                "A check of the standard errors: everything explained again with another seed",
                ("contributions compared", "within 1.96 joint standard errors", "share", "expected"),
                [(f"{agreement.total:,}", f"{agreement.inside:,}", share, "about 95 %")],
            ),
        ],
    )
