"""Boosted trees and kernels as control variates: error at equal model rows, and coverage. See README.md."""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np
from bench_accuracy import geometric_mean
from bench_coverage import GAMES, covered
from contenders import Method, TooFew, explain, make_ours, peers
from exact_values import Leaves, by_leaves
from reporting import HERE, heading, in_processes, load_records, save_records, table, write_section
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tasks import BUILD, Array, Problem, Task, _split, error, problem, task

RECORDS = HERE / "surrogates.json"
PACKAGES = ("pellucid", "lightgbm", "scikit-learn", "shap", "shapiq", "numpy")
BACKGROUND_ROWS = 40
TIMES_D, MOST = (4, 16), 1024  # coalitions for each of them
CHOICES = {"none": None, "kernel": "kernel", "trees": "lightgbm", "stack": "stack", "auto": "auto"}
HEADLINE = ("stack", "auto")
SEEDS, PEER_SEEDS = 2, 2
EXPLAINED = 5
ROUNDING = 1e-20
COVERED = ("kernel", "trees", "stack", "auto")
# A game of bench_coverage.py and m in multiples of d: seeds, choices.
COVERAGE: dict[tuple[str, int], tuple[int, tuple[str, ...]]] = {
    ("and", 10): (200, COVERED),
    ("and", 30): (200, COVERED),
    ("diabetes", 5): (200, COVERED),
    ("diabetes", 10): (200, (*COVERED, "hist")),
    ("wine", 3): (200, COVERED),
    ("wine", 10): (200, COVERED),
    ("boosting", 3): (200, COVERED),
    ("boosting", 10): (100, COVERED),
    ("boosting", 16): (100, COVERED),
}
Record = dict[str, Any]


def interactions() -> Problem:
    """A forest on 20 columns, of which 8 act in twos and threes."""
    rng = np.random.default_rng(20)
    X = rng.normal(size=(1005, 20))
    y = X[:, 0] * X[:, 1] + 2.0 * (X[:, 2] > 0) * (X[:, 3] > 0) * X[:, 4] + np.sin(2.0 * X[:, 5]) * X[:, 6] + X[:, 7]
    model = RandomForestRegressor(100, min_samples_leaf=2, random_state=0).fit(X[:1000], y[:1000])
    leaves = Leaves.of((tree.tree_, tree.tree_.value[:, 0, 0] / 100) for tree in model.estimators_)
    title = "20 columns with interactions, random forest"
    return Problem("interactions", title, model.predict, X[:1000], X[1000:], lambda x, b: by_leaves(leaves, x, b))


def network() -> Problem:
    """2^30 coalitions are too many: the truth is the mean of long runs, with 200 times the rows of the largest m."""
    trained_on, y, X = _split(load_breast_cancer, 500, 5)
    net = MLPClassifier((32, 32), max_iter=2000, random_state=0)
    model = make_pipeline(StandardScaler(), net).fit(trained_on, y)

    def predict(rows: Array) -> Array:
        return np.asarray(model.predict_proba(rows)[:, 1])

    def long_run(x: Array, background: Array) -> Array:
        given = Task(predict, background, x[None], np.empty((1, 30)))
        runs = [explain(given, 10 * MOST, 10**6 + seed, control_variate=None).values[0, :, 0] for seed in range(20)]
        return np.tile(np.mean(runs, axis=0), (len(background), 1))

    return Problem("network", "breast cancer, neural network (truth: long runs)", predict, trained_on, X, long_run)


OWN = {"interactions": interactions, "network": network}
BUILD.update(OWN)


def sizes(name: str, *, quick: bool) -> list[int]:
    d = problem(name).features
    return sorted({*(t * d for t in TIMES_D if t * d <= MOST), *(() if quick else (MOST,))})


def equal_rows(name: str, m: int, *, quick: bool, beside: bool) -> Record:
    """Errors of each explained row and seconds of every choice with m coalitions for each of 40 background rows."""
    of = task(name, BACKGROUND_ROWS, 1 if quick else EXPLAINED)
    ours: dict[str, Any] = {}
    for label, choice in CHOICES.items():
        start = perf_counter()
        errors = errors_by_row(make_ours(control_variate=choice), of, m, 1 if quick else SEEDS)
        ours[label] = {"errors": errors, "seconds": (perf_counter() - start) / np.size(errors)}
    peers_errors: dict[str, Any] = {}
    for label, method in peers().items() if beside else ():
        try:
            peers_errors[label] = errors_by_row(method, of, m, PEER_SEEDS)
        except TooFew:
            continue
    return {"title": problem(name).title, "d": of.X.shape[1], "ours": ours, "peers": peers_errors}


def errors_by_row(method: Method, of: Task, m: int, seeds: int) -> list[list[float]]:
    """For each seed, ||phi - truth||^2 / ||truth||^2 of each explained row."""
    values = [method(of, m, seed) for seed in range(seeds)]
    return [[error(v[None], t[None]) for v, t in zip(of_seed, of.truth, strict=True)] for of_seed in values]


def coverage(name: str, times: int, *, quick: bool) -> Record:
    """How often intervals hold the truth of one row with each choice."""
    title, make = GAMES[name]
    game, (seeds, choices) = make(), COVERAGE[name, times]
    m = times * game.X.shape[1]
    found = {
        label: covered(game, m, 4 if quick else seeds, control_variate=CHOICES.get(label, label)) for label in choices
    }
    return {"title": title, "B": len(game.background), "times": times, "choices": found}


def ratio(record: Record, label: str, rows: int) -> tuple[float, str]:
    """Our error over the least of the peers, in the mean of the first rows, and who that is."""
    best, who = min((mean_error(errors, rows), peer) for peer, errors in record["peers"].items())
    return mean_error(record["ours"][label]["errors"], rows) / best, who


def mean_error(errors: list[list[float]], rows: int) -> float:
    return float(np.mean(np.array(errors)[:, :rows]))


def equal_rows_text(records: dict[str, Record]) -> Iterator[str]:
    rows_of = []
    for key, record in records.items():
        m = key.split()[-1]
        ours = record["ours"]
        best = "", *[""] * 2 * len(HEADLINE)
        if record["peers"]:
            who = ratio(record, HEADLINE[0], EXPLAINED)[1]
            ratios = [f"{ratio(record, label, rows)[0]:.3f}" for label in HEADLINE for rows in (EXPLAINED, 1)]
            ratios = ratios if sampled(record) else ["all played"] * len(ratios)
            best = f"{who} {mean_error(record['peers'][who], EXPLAINED):.1e}", *ratios
        found = (f"{mean_error(of['errors'], EXPLAINED):.1e} ({of['seconds']:.1f} s)" for of in ours.values())
        rows_of.append((f"{record['title']}, d = {record['d']}", m, *found, *best))
    yield (
        f"Mean error of {EXPLAINED} explained rows, of wine 4 and of digits 3 (seconds for one, the model included); "
        f"{BACKGROUND_ROWS} background rows, m coalitions for each of them. The last columns are our error over that "
        "of the best peer, for all the rows and for the first alone: the peer that is best there, after the fact."
    )
    over = [f"{label} / peer, {rows} row{'s' * (rows > 1)}" for label in HEADLINE for rows in (EXPLAINED, 1)]
    yield table(("task", "m", *CHOICES, "best peer", *over), rows_of)
    for label in HEADLINE:
        for rows in (EXPLAINED, 1):
            ratios = [ratio(record, label, rows)[0] for record in records.values() if sampled(record)]
            if ratios:
                yield (
                    f"{label}, {rows} row{'s' * (rows > 1)}: geometric mean {geometric_mean(ratios):.3f}, worst "
                    f"{max(ratios):.3f} of {len(ratios)} cells."
                )


def sampled(record: Record) -> bool:
    """Whether peers ran, and not everything was enumerated: then all that is left is rounding."""
    return bool(record["peers"]) and mean_error(record["ours"]["none"]["errors"], EXPLAINED) > ROUNDING


def coverage_text(records: dict[str, Record]) -> Iterator[str]:
    rows = [
        (
            *(record["title"], record["B"], f"{record['times']}d = {found['m']}", label, found["seeds"]),
            *(f"{found['mean']:.3f}", f"{found['worst']:.3f}", f"{found['ratio']:.2f}"),
        )
        for record in records.values()
        for label, found in record["choices"].items()
    ]
    yield "How often nominal 95 % intervals hold the truth."
    yield table(("task", "B", "m", "control variate", "seeds", "mean", "worst part", "std_err / error"), rows)


TASKS = [*BUILD, *(name for name in GAMES if name not in BUILD)]
TEXTS = {"equal rows": equal_rows_text, "coverage": coverage_text}


def run(part: str, name: str, size: int, quick: bool, beside: bool) -> Record:
    warnings.simplefilter("ignore")
    if part == "coverage":
        return coverage(name, size, quick=quick)
    return equal_rows(name, size, quick=quick, beside=beside)


def cells(part: str, names: list[str], quick: bool) -> list[tuple[str, int]]:
    """Names with m, or with m in multiples of d."""
    if part == "coverage":
        return [cell for cell in COVERAGE if cell[0] in names]
    return [(name, m) for name in names if name in BUILD for m in sizes(name, quick=quick)]


def save(head: str, records: dict[str, dict[str, Record]]) -> None:
    save_records(RECORDS, records)
    texts = (text for part in TEXTS if part in records for text in TEXTS[part](records[part]))
    write_section("bench_surrogates", "\n\n".join([head, *texts]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--part", nargs="*", choices=TEXTS, default=list(TEXTS))
    parser.add_argument("--quick", action="store_true", help="fewer seeds, rows and sizes, to see that it runs")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--write", action="store_true", help="update surrogates.json and results.md, cell by cell")
    arguments = parser.parse_args()
    if arguments.write and (arguments.quick or arguments.alone):
        parser.error("--write needs a run that is neither --quick nor --alone")
    todo = [
        (part, name, size, arguments.quick, not arguments.alone)
        for part in arguments.part
        for name, size in cells(part, arguments.task, arguments.quick)
    ]
    records: dict[str, dict[str, Record]] = load_records(RECORDS) if arguments.write else {}
    head = heading(PACKAGES)
    print(head, flush=True)
    for (part, name, size, *_), record in zip(todo, in_processes(run, todo, jobs=arguments.jobs), strict=True):
        key = f"{name} {size}"
        records.setdefault(part, {})[key] = record
        print(list(TEXTS[part]({key: record}))[1], flush=True)
        if arguments.write:  # a cell takes minutes
            save(head, records)


if __name__ == "__main__":
    main()
