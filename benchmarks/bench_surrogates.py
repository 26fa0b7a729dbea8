"""Boosted trees and kernels as control variates: error at equal model rows, and coverage. See README.md."""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np
from bench_accuracy import errors_of, geometric_mean
from bench_coverage import covered
from contenders import explain, peers
from exact_values import Leaves, by_leaves
from reporting import HERE, heading, in_processes, load_records, save_records, table, write_section
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tasks import BUILD, Array, Problem, Task, _split, error, problem

RECORDS = HERE / "surrogates.json"
PACKAGES = ("pellucid", "lightgbm", "scikit-learn", "shap", "shapiq", "numpy")
BACKGROUND_ROWS = 40
TIMES_D, MOST = (4, 16), 1024
CHOICES = {"none": None, "kernel": "kernel", "trees": "lightgbm", "stack": "stack", "auto": "auto"}
SEEDS, PEER_SEEDS = 2, 1
EXPLAINED = (1, 5)
COVERED = ("kernel", "trees", "stack", "auto")
COVERAGE = {"diabetes": (20, 10), "boosting": (10, 10)}  # rows of background, m in multiples of d
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
    """2^30 coalitions are too many: the truth is a long run with a kernel, 50 times the rows of the largest m."""
    trained_on, y, X = _split(load_breast_cancer, 500, 5)
    net = MLPClassifier((32, 32), max_iter=2000, random_state=0)
    model = make_pipeline(StandardScaler(), net).fit(trained_on, y)

    def predict(rows: Array) -> Array:
        return np.asarray(model.predict_proba(rows)[:, 1])

    def long_run(x: Array, background: Array) -> Array:
        given = Task(predict, background, x[None], np.empty((1, 30)))
        mean = explain(given, 50 * MOST, 10**6, control_variate=None).values[0, :, 0]
        return np.tile(mean, (len(background), 1))

    return Problem("network", "breast cancer, neural network (truth: a long run)", predict, trained_on, X, long_run)


OWN = {"interactions": interactions, "network": network}
BUILD.update(OWN)


def given(name: str, background_rows: int, explained: int) -> Task:
    """As `tasks.task`, with the truth of the rows that are explained only."""
    of = problem(name)
    chosen = np.random.default_rng(1).permutation(len(of.trained_on))[:background_rows]
    background = of.trained_on[chosen]
    rows = of.X[:explained]
    return Task(of.predict, background, rows, np.stack([of.exact(x, background).mean(axis=0) for x in rows]))


def equal_rows(name: str, *, quick: bool, beside: bool) -> Record:
    """Errors and seconds of every choice with 4d, 16d and 1024 coalitions for each of 40 background rows."""
    explained = 1 if quick else max(EXPLAINED)
    of = given(name, BACKGROUND_ROWS, explained)
    d = of.X.shape[1]
    sizes: dict[str, Record] = {}
    for m in sorted({*(t * d for t in TIMES_D if t * d <= MOST), *(() if quick else (MOST,))}):
        found: dict[str, Any] = {}
        for label, choice in CHOICES.items():
            start, runs = perf_counter(), []
            for seed in range(1 if quick else SEEDS):
                values = explain(of, m, seed, control_variate=choice).values[:, :, 0]
                runs.append([error(values[i : i + 1], of.truth[i : i + 1]) for i in range(explained)])
            seconds = (perf_counter() - start) / len(runs) / explained
            found[label] = {"errors": runs, "seconds": seconds}
        others = {label: errors_of(method, of, m, PEER_SEEDS) for label, method in peers().items()} if beside else {}
        sizes[str(m)] = {"ours": found, "peers": {label: errors for label, errors in others.items() if errors}}
    return {"title": problem(name).title, "d": d, "explained": explained, "sizes": sizes}


def coverage(name: str, *, seeds: int) -> Record:
    """How often intervals hold the truth of one row with each choice."""
    background_rows, times = COVERAGE[name]
    of = given(name, background_rows, 1)
    m = times * of.X.shape[1]
    return {
        "title": problem(name).title,
        "B": background_rows,
        "choices": {label: covered(of, m, seeds, control_variate=CHOICES[label]) for label in COVERED},
    }


def equal_rows_text(records: dict[str, Record]) -> Iterator[str]:
    rows, ratios = [], []
    for record in records.values():
        for m, found in record["sizes"].items():
            errors = {label: float(np.mean(of["errors"])) for label, of in found["ours"].items()}
            best = min(((float(np.mean(e)), label) for label, e in found["peers"].items()), default=None)
            if best is not None:
                ratios.append(errors["auto"] / best[0])
            rows.append(
                (
                    f"{record['title']}, d = {record['d']}",
                    m,
                    *(f"{errors[label]:.1e} ({found['ours'][label]['seconds']:.1f} s)" for label in CHOICES),
                    "" if best is None else f"{best[1]} {best[0]:.1e}",
                    "" if best is None else f"{ratios[-1]:.3f}",
                    "" if best is None else f"{errors['stack'] / best[0]:.3f}",
                )
            )
    yield "Error (seconds for each explained row, model included); 40 background rows, m coalitions for each of them."
    yield table(("task", "m", *CHOICES, "best peer", "auto / peer", "stack / peer"), rows)
    if ratios:
        yield f"Geometric mean of auto / best peer {geometric_mean(ratios):.3f}, worst {max(ratios):.3f}."


def coverage_text(records: dict[str, Record]) -> Iterator[str]:
    rows = [
        (
            *(record["title"], record["B"], found["m"], label, found["seeds"]),
            *(f"{found['mean']:.3f}", f"{found['worst']:.3f}", f"{found['ratio']:.2f}"),
        )
        for record in records.values()
        for label, found in record["choices"].items()
    ]
    yield "How often nominal 95 % intervals hold the truth."
    yield table(("task", "B", "m", "control variate", "seeds", "mean", "worst part", "std_err / error"), rows)


def run(part: str, name: str, quick: bool, beside: bool) -> Record:
    warnings.simplefilter("ignore")
    if part == "coverage":
        return coverage(name, seeds=4 if quick else 100)
    return equal_rows(name, quick=quick, beside=beside)


TEXTS = {"equal rows": equal_rows_text, "coverage": coverage_text}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", nargs="*", choices=BUILD, default=list(BUILD))
    parser.add_argument("--part", nargs="*", choices=TEXTS, default=list(TEXTS))
    parser.add_argument("--quick", action="store_true", help="fewer seeds, rows and sizes, to see that it runs")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--write", action="store_true", help="update surrogates.json and results.md")
    arguments = parser.parse_args()
    if arguments.write and arguments.quick:
        parser.error("--write needs a run that is not --quick")
    named = {"equal rows": arguments.task, "coverage": [name for name in COVERAGE if name in arguments.task]}
    todo = [(part, name, arguments.quick, not arguments.alone) for part in arguments.part for name in named[part]]
    records: dict[str, dict[str, Record]] = load_records(RECORDS) if arguments.write else {}
    head = heading(PACKAGES)
    print(head, flush=True)
    for (part, name, *_), record in zip(todo, in_processes(run, todo, jobs=arguments.jobs), strict=True):
        records.setdefault(part, {})[name] = record
        print("\n\n".join(TEXTS[part]({name: record})), flush=True)
    if arguments.write:
        save_records(RECORDS, records)
        write_section(
            "bench_surrogates", "\n\n".join([head, *(t for part in records for t in TEXTS[part](records[part]))])
        )


if __name__ == "__main__":
    main()
