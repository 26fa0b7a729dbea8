"""Error at equal model rows beside shap and shapiq, on five models with known answers. See README.md."""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from contenders import OURS, PACKAGES, Method, TooFew, ours, peers
from pellucid import Shapley
from pictures import draw_accuracy
from reporting import HERE, heading, in_processes, load_records, save_records, table, write_section
from tasks import BUILD, Array, Task, error, problem, task

RECORDS = HERE / "accuracy.json"
BACKGROUND_ROWS = 40
TIMES_D = (1, 2, 4, 16, 64)
MOST_COALITIONS = 2000  # beyond, the peers with interactions solve for minutes
SEEDS, PEER_SEEDS = 4, 3
Record = dict[str, Any]


def errors_of(method: Method, task: Task, m: int, seeds: int) -> list[float]:
    """One error for each seed; none where m is too small for the method."""
    try:
        return [error(method(task, m, seed), task.truth) for seed in range(seeds)]
    except TooFew:
        return []


def equal_rows(name: str, *, quick: bool) -> Record:
    """Errors of every method with m = d, 2d, ... coalitions for each of 40 background rows."""
    of, given = problem(name), task(name, BACKGROUND_ROWS)
    d = of.features
    errors: dict[str, dict[str, list[float]]] = {}
    for times in (4, 16) if quick else [times for times in TIMES_D if times * d <= MOST_COALITIONS]:
        found = {label: errors_of(method, given, times * d, 2 if quick else SEEDS) for label, method in ours().items()}
        found |= {
            label: errors_of(method, given, times * d, 1 if quick else PEER_SEEDS) for label, method in peers().items()
        }
        errors[str(times)] = found
    return {"title": of.title, "d": d, "explained": len(given.X), "errors": errors}


def few_pairs(name: str, *, quick: bool) -> Record:
    """One, two and four pairs for each of many background rows; beside them, as many model rows on 40 of these."""
    of = problem(name)
    many = task(name, len(of.trained_on))
    B = len(many.background)
    errors: dict[str, dict[str, list[float]]] = {}
    for m in (2,) if quick else (2, 4, 8):
        found = {label: errors_of(method, many, m, SEEDS) for label, method in ours().items()}
        for label, method in ({OURS: ours()[OURS]} | peers()).items():
            sampled = errors_of(on_a_sample(method), many, m * B // BACKGROUND_ROWS, PEER_SEEDS)
            found[f"{label}, {BACKGROUND_ROWS} rows"] = sampled
        errors[str(m)] = found
    return {"title": of.title, "B": B, "errors": errors}


def on_a_sample(method: Method) -> Method:
    """The method with a sample of the background, another one for each seed; the truth stays that of the whole."""

    def run(many: Task, m: int, seed: int) -> Array:
        chosen = np.random.default_rng(seed).permutation(len(many.background))[:BACKGROUND_ROWS]
        return method(replace(many, background=many.background[chosen]), m, seed)

    return run


def large_background(name: str, *, quick: bool) -> Record:
    """20,000 background rows and a budget of 100,000, beside the exact values of 100 of these rows."""
    of, rng = problem(name), np.random.default_rng(3)
    drawn = of.trained_on[rng.integers(0, len(of.trained_on), 2_000 if quick else 20_000)]
    background = drawn + 0.05 * of.trained_on.std(axis=0) * rng.normal(size=drawn.shape)
    each = np.stack([of.exact(x, background) for x in of.X])  # (n, B, d)
    truth = each.mean(axis=1)
    samples = [rng.permutation(len(background))[:100] for _ in range(200)]
    found = [
        error(Shapley(of.predict, background, budget=100_000, seed=seed, progress=False)(of.X).values[:, :, 0], truth)
        for seed in range(PEER_SEEDS)
    ]
    return {
        "title": of.title,
        "B": len(background),
        "ours": found,
        "exact values of 100 rows": [error(each[:, rows].mean(axis=1), truth) for rows in samples],
    }


def stopping(name: str, *, quick: bool) -> Record:
    """How far from the truth the values are when the sampling stops at a tolerance."""
    of, given = problem(name), task(name, BACKGROUND_ROWS)
    runs: dict[str, dict[str, list[float]]] = {}
    for tolerance in (0.05, 0.02):
        found: dict[str, list[float]] = {"error": [], "rows": [], "converged": []}
        for seed in range(1 if quick else 10):
            explainer = Shapley(
                of.predict, given.background, method="regression", tolerance=tolerance, seed=seed, progress=False
            )
            explanation = explainer(given.X)
            off = np.abs(explanation.values[:, :, 0] - given.truth).max(axis=1) / np.ptp(given.truth, axis=1)
            found["error"] += off.tolist()
            found["rows"] += [float(rows) for rows in explanation.report.rows_per_row]
            found["converged"] += [float(yes) for yes in explanation.report.converged]
        runs[str(tolerance)] = found
    return {"title": of.title, "runs": runs}


PARTS: dict[str, tuple[Callable[..., Record], tuple[str, ...]]] = {
    "equal rows": (equal_rows, tuple(BUILD)),
    "few pairs": (few_pairs, ("wine", "forest")),
    "large background": (large_background, ("forest", "boosting")),
    "stopping": (stopping, tuple(BUILD)),
}


def run_part(part: str, name: str, quick: bool) -> Record:
    warnings.simplefilter("ignore")
    return PARTS[part][0](name, quick=quick)


def mean_errors(found: dict[str, list[float]]) -> dict[str, float]:
    return {label: float(np.mean(errors)) for label, errors in found.items() if errors}


def best(means: dict[str, float], among: Iterable[str]) -> tuple[str, float]:
    label = min((label for label in among if label in means), key=lambda label: means[label])
    return label, means[label]


def geometric_mean(ratios: Iterable[float]) -> float:
    return float(np.exp(np.mean(np.log(list(ratios)))))


def of_peers(means: dict[str, float]) -> list[str]:
    return [label for label in means if not label.startswith(OURS)]


def equal_rows_text(records: dict[str, Record]) -> Iterator[str]:
    ratios: dict[str, list[float]] = {}
    summary = []
    for record in records.values():
        means = {times: mean_errors(found) for times, found in record["errors"].items()}
        labels = list(dict.fromkeys(label for found in record["errors"].values() for label in found))
        rows = [
            [label, *(f"{found[label]:.1e}" if label in found else "" for found in means.values())] for label in labels
        ]
        bests = {times: best(found, of_peers(found)) for times, found in means.items()}
        rows.append(["**best peer**", *(f"{name.split()[-1]} {value:.1e}" for name, value in bests.values())])
        rows.append([f"**{OURS} / best peer**", *(f"**{means[t][OURS] / bests[t][1]:.3f}**" for t in means)])
        yield f"**{record['title'].capitalize()}**, d = {record['d']}, {record['explained']} explained rows."
        yield table(["m", *(f"{times}d = {int(times) * record['d']}" for times in means)], rows)
        for times in means:
            ratios.setdefault(times, []).append(means[times][OURS] / bests[times][1])
        summary.append([record["title"], *(f"{means[t][OURS] / bests[t][1]:.3f}" for t in means)])
    summary.append(["**geometric mean**", *(f"**{geometric_mean(found):.3f}**" for found in ratios.values())])
    summary = [row + [""] * (1 + len(ratios) - len(row)) for row in summary]
    yield f"Error of {OURS} over that of the best peer, the best chosen anew for every task and m:"
    yield table(["task", *(f"m = {times}d" for times in ratios)], summary)


def few_pairs_text(records: dict[str, Record]) -> Iterator[str]:
    rows = []
    for record in records.values():
        for m, found in record["errors"].items():
            means = mean_errors(found)
            cut = [label for label in means if label.endswith("rows") and not label.startswith(OURS)]
            best_cut = best(means, cut) if cut else ("none", np.nan)
            rows.append(
                (
                    record["title"],
                    f"{record['B']:,}",
                    int(m) // 2,
                    f"{means[OURS]:.1e}",
                    f"{means[f'{OURS}, {BACKGROUND_ROWS} rows']:.1e}",
                    f"{best_cut[0].partition(',')[0]} {best_cut[1]:.1e}",
                    f"{means[OURS] / best_cut[1]:.3f}",
                )
            )
    cut_to = f"cut to {BACKGROUND_ROWS} rows"
    yield (
        f"Few pairs for each of many background rows. {cut_to.capitalize()}: a sample of the background, with as many "
        "model rows in all. The truth is that of the whole background."
    )
    yield table(("task", "B", "pairs per row", OURS, f"{OURS}, {cut_to}", f"best peer, {cut_to}", "ratio"), rows)


def large_background_text(records: dict[str, Record]) -> Iterator[str]:
    yield (
        "20,000 background rows, budget 100,000 model rows, everything included. Beside it the exact values of a "
        "sample of 100 background rows, mean over 200 samples: the error of the sample alone."
    )
    rows = []
    for record in records.values():
        means = [float(np.mean(record[key])) for key in ("ours", "exact values of 100 rows")]
        rows.append((record["title"], f"{record['B']:,}", *(f"{v:.1e}" for v in means), f"{means[0] / means[1]:.4f}"))
    yield table(("task", "B", OURS, "exact on 100 rows", "ratio"), rows)


def stopping_text(records: dict[str, Record]) -> Iterator[str]:
    yield (
        "Stopping at a tolerance: with 95 % confidence no value is to err by more than that share of their range. "
        "One run is one row with one seed; its error is the largest of any part over that range, when the sampling "
        "stopped."
    )
    rows = []
    for tolerance in next(iter(records.values()))["runs"]:
        every: dict[str, list[float]] = {}
        for record in records.values():
            found = record["runs"][tolerance]
            for key, values in found.items():
                every.setdefault(key, []).extend(values)
            rows.append(_stopping_row(record["title"], tolerance, found))
        rows.append(_stopping_row("**all**", tolerance, every))
    errors = ("within it", "within twice", "median error", "95 % quantile")
    yield table(("task", "tolerance", "runs", "converged", *errors, "model rows, median"), rows)


def _stopping_row(title: str, tolerance: str, found: dict[str, list[float]]) -> tuple[Any, ...]:
    off = np.array(found["error"])
    asked = float(tolerance)
    return (
        title,
        tolerance,
        len(off),
        f"{np.mean(found['converged']):.0%}",
        f"{np.mean(off <= asked):.0%}",
        f"{np.mean(off <= 2 * asked):.0%}",
        f"{np.median(off):.3f}",
        f"{np.quantile(off, 0.95):.3f}",
        f"{np.median(found['rows']):,.0f}",
    )


TEXTS: dict[str, Callable[[dict[str, Record]], Iterator[str]]] = {
    "equal rows": equal_rows_text,
    "few pairs": few_pairs_text,
    "large background": large_background_text,
    "stopping": stopping_text,
}


def section(records: dict[str, dict[str, Record]]) -> str:
    """All parts there are, each under its heading; a heading that says what the last one said is left out."""
    text, last = [], ""
    for part, of_part in records.items():
        for run in dict.fromkeys(record["run"] for record in of_part.values()):
            chosen = {name: record for name, record in of_part.items() if record["run"] == run}
            text += [run] if run != last else []
            text += list(TEXTS[part](chosen))
            last = run
    return "\n\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", nargs="*", choices=BUILD, default=list(BUILD))
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="fewer seeds and sizes, to see that it runs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--write", action="store_true", help="update accuracy.json, results.md and the picture")
    arguments = parser.parse_args()
    if arguments.write and arguments.quick:
        parser.error("--write needs a run that is not --quick")
    todo = [(part, name) for part in arguments.part for name in PARTS[part][1] if name in arguments.task]
    run = heading(PACKAGES)
    print(run, flush=True)
    found = in_processes(run_part, [(part, name, arguments.quick) for part, name in todo], jobs=arguments.jobs)
    records = {part: dict[str, Record]() for part in PARTS}
    for (part, name), record in zip(todo, found, strict=True):
        records[part][name] = record | {"run": run}
        print("\n\n".join(TEXTS[part]({name: record})), flush=True)
    if arguments.write:
        kept = load_records(RECORDS)
        records = {
            part: {name: merged[name] for name in BUILD if name in merged}
            for part in PARTS
            for merged in [kept.get(part, {}) | records[part]]
        }
        save_records(RECORDS, records)
        write_section("bench_accuracy", section(records))
        draw_accuracy(records["equal rows"])


if __name__ == "__main__":
    main()
