"""LIME beside the lime package: time outside the model, memory, variance at equal rows, coverage. See README.md."""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from lime_contenders import PACKAGES, VARIANTS, lime_package, ours
from lime_tasks import FAMILIES, LimeTask, lime_coefficients, reference, tasks_of
from lime_timing import TIMINGS
from reporting import HERE, heading, in_processes, load_records, save_records, table, write_section
from tasks import Array

RECORDS = HERE / "lime.json"
INSTANCES = 3
SIZES = (1000, 5000)
REPEATS = {1000: 60, 5000: 20}
COVERAGE_REPEATS = 200  # of the first instance of each model, with the fewest samples
REFERENCE_ROWS = {"bins": 2**17, "gaussian": 2**17, "text": 2**19, "image": 2**19}
Z95 = 1.959964
TITLES = {
    "bins": "Tables with quartile bins",
    "gaussian": "Tables without bins",
    "text": "Texts",
    "image": "Images",
}
Record = dict[str, Any]


def squared_error(found: Array, truth: Array, left: Array) -> tuple[float, float]:
    """Mean over the repeats of |b - truth|^2, less what the reference itself errs by; and its standard error."""
    each = ((found - truth) ** 2).sum(axis=1)
    return float(each.mean() - left.sum()), float(each.std(ddof=1) / np.sqrt(len(each)))


def ours_on(task: LimeTask, n: int, repeats: int, truth: Array, left: Array, options: dict[str, Any]) -> Record:
    """The error of ours, and how often an interval, widened by what the reference errs by, holds the reference."""
    found = [ours(task, n, seed, **options) for seed in range(repeats)]
    values, std_err = (np.stack([getattr(each, name) for each in found]) for name in ("values", "std_err"))
    held = (np.abs(values - truth) <= Z95 * np.sqrt(std_err**2 + left)).mean(axis=0)
    spread = values.std(axis=0, ddof=1)
    mse, err = squared_error(values, truth, left)
    return {
        "mse": mse,
        "err": err,
        "repeats": repeats,
        "rows": float(np.mean([each.rows for each in found])),
        "mean": float(held.mean()),
        "worst": float(held.min()),
        "std_err / spread": float(np.median(std_err.mean(axis=0) / np.where(spread > 0.0, spread, np.nan))),
        "coefficients": ((values - truth) ** 2).mean(axis=0).tolist(),
    }


def variance(family: str, quick: bool, with_ours: bool) -> Record:
    """Errors of lime's scheme and of ours on the tasks of one family, at equal model rows."""
    records: Record = {}
    for task in tasks_of(family, 1 if quick else INSTANCES):
        truth, left = reference(task, 2**13 if quick else REFERENCE_ROWS[family])
        first = task.model not in {record["model"] for record in records.values()}
        record: Record = {"model": task.model, "p": task.parts, "norm": float((truth**2).sum()), "sizes": {}}
        for n in SIZES:
            values = np.stack([lime_coefficients(task, n, seed) for seed in range(3 if quick else REPEATS[n])])
            mse, err = squared_error(values, truth, left)
            each = ((values - truth) ** 2).mean(axis=0).tolist()
            size: Record = {"lime": {"mse": mse, "err": err, "coefficients": each}, "reference": float(left.sum())}
            repeats = COVERAGE_REPEATS if first and n == SIZES[0] else REPEATS[n]
            for label, options in VARIANTS.items() if with_ours else ():
                if first or not options:
                    size[label] = ours_on(task, n, 3 if quick else repeats, truth, left, options)
            record["sizes"][str(n)] = size
        records[task.name] = record
    return records


def check(family: str, quick: bool) -> Record:
    """lime's scheme as it is written here beside the package itself: means and variances over the seeds."""
    task = next(tasks_of(family, 1))
    n, repeats = 500, 4 if quick else 40
    here = np.stack([lime_coefficients(task, n, seed) for seed in range(4 * repeats)])
    package = np.stack([lime_package(task, n, seed) for seed in range(repeats)])
    left = here.var(axis=0, ddof=1) / len(here) + package.var(axis=0, ddof=1) / len(package)
    z = (here.mean(axis=0) - package.mean(axis=0)) / np.sqrt(left)
    ratio = package.var(axis=0, ddof=1).sum() / here.var(axis=0, ddof=1).sum()
    return {"task": task.name, "n": n, "repeats": repeats, "z": float(np.sqrt((z**2).mean())), "ratio": float(ratio)}


def run_part(part: str, family: str, quick: bool, with_ours: bool) -> Record:
    warnings.simplefilter("ignore")
    if part == "check":
        return check(family, quick)
    if part == "variance":
        return variance(family, quick, with_ours)
    return TIMINGS[family](quick, with_ours)


def geometric_mean(ratios: list[float]) -> float:
    return float(np.exp(np.mean(np.log(ratios))))


def variance_text(records: dict[str, Record]) -> Iterator[str]:
    yield (
        "Squared error of all coefficients, lime's scheme over ours, at equal model rows: above 1 is better for us. "
        "Least and geometric mean are over models and instances; worst coefficient is the least ratio of any one."
    )
    summary = []
    for family, tasks in records.items():
        rows, ratios = [], dict[tuple[str, str], list[float]]()
        for name, record in tasks.items():
            for n, size in record["sizes"].items():
                lime, norm = size["lime"], record["norm"]
                labels = [label for label in VARIANTS if label in size]
                for label in labels:
                    ratio = lime["mse"] / size[label]["mse"]
                    ratios.setdefault((label, n), []).append(ratio)
                    rows.append(
                        [
                            name,
                            record["p"],
                            n,
                            label,
                            *_errors(lime, size[label], norm),
                            f"{ratio:.2f}",
                            _worst(lime, size[label]),
                        ]
                    )
                if not labels:
                    rows.append([name, record["p"], n, "", f"{lime['mse'] / norm:.1e}", "", "", ""])
        yield f"**{TITLES[family]}**, error over the squared norm of the coefficients."
        yield table(["task", "p", "n", "ours", "error, lime", "error, ours", "ratio", "worst coefficient"], rows)
        for (label, n), found in ratios.items():
            summary.append(
                [TITLES[family], label, n, len(found), f"{min(found):.2f}", f"**{geometric_mean(found):.2f}**"]
            )
    if summary:
        yield table(["family", "method", "n", "tasks", "least ratio", "geometric mean"], summary)


def _errors(lime: Record, our: Record, norm: float) -> Iterator[str]:
    yield from (f"{each['mse'] / norm:.1e} ± {each['err'] / each['mse']:.0%}" for each in (lime, our))


def _worst(lime: Record, our: Record) -> str:
    single = np.array(our["coefficients"])
    return f"{np.min(np.array(lime['coefficients'])[single > 0.0] / single[single > 0.0], initial=np.inf):.2f}"


def coverage_text(records: dict[str, Record]) -> Iterator[str]:
    rows = []
    for tasks in records.values():
        for name, record in tasks.items():
            size = record["sizes"][str(SIZES[0])]
            for label in VARIANTS:
                if label in size and size[label]["repeats"] >= COVERAGE_REPEATS:
                    found = size[label]
                    numbers = (f"{found[key]:.3f}" for key in ("mean", "worst"))
                    ratio = f"{found['std_err / spread']:.2f}"
                    rows.append([name, label, f"{found['rows']:,.0f}", found["repeats"], *numbers, ratio])
    if rows:
        yield f"How often 95 % intervals hold the reference, n = {SIZES[0]}."
        yield table(["task", "method", "model rows", "seeds", "mean", "worst coefficient", "std_err / spread"], rows)


def check_text(records: dict[str, Record]) -> Iterator[str]:
    yield (
        "lime's scheme as the benchmark draws it beside the package itself: root mean square of the z scores of the "
        "mean coefficients, and the ratio of the variances, both about 1 where they are the same."
    )
    keys = ("task", "n", "repeats")
    rows = [[*(each[key] for key in keys), f"{each['z']:.2f}", f"{each['ratio']:.2f}"] for each in records.values()]
    yield table([*keys, "z", "variance, package / here"], rows)


def time_text(records: dict[str, Record]) -> Iterator[str]:
    yield "Per explanation in the prepared explainer, median; outside is wall time less the time in the model."
    for record in records.values():
        yield record["title"]
        yield table(record["columns"], record["rows"])


TEXTS: dict[str, Callable[[dict[str, Record]], Iterator[str]]] = {
    "time": time_text,
    "check": check_text,
    "variance": variance_text,
}
PARTS: dict[str, tuple[str, ...]] = {"time": tuple(TIMINGS), "check": FAMILIES, "variance": FAMILIES}


def section(records: dict[str, dict[str, Record]], runs: dict[str, dict[str, str]]) -> str:
    """Everything there is, part by part, each under the machines and commits it was measured with."""
    text = []
    for part, found in records.items():
        if found:
            text += [
                f"### {part.capitalize()}",
                *dict.fromkeys(runs[part][each] for each in found),
                *TEXTS[part](found),
            ]
    if records.get("variance"):
        text += ["### Coverage", *coverage_text(records["variance"])]
    return "\n\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--only", nargs="*", help="families or kinds of timing: " + ", ".join((*TIMINGS, *FAMILIES)))
    parser.add_argument("--quick", action="store_true", help="few seeds and rows, to see that it runs")
    parser.add_argument("--peers", action="store_true", help="lime alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; timing has one to itself")
    parser.add_argument("--write", action="store_true", help="update lime.json and results.md")
    arguments = parser.parse_args()
    if arguments.write and (arguments.quick or arguments.peers):
        parser.error("--write needs a run that is neither --quick nor --peers")
    run = heading(PACKAGES)
    print(run, flush=True)
    records: dict[str, dict[str, Record]] = {part: {} for part in PARTS}
    for part in arguments.part:
        families = [each for each in PARTS[part] if not arguments.only or each in arguments.only]
        todo = [(part, family, arguments.quick, not arguments.peers) for family in families]
        jobs = 1 if part == "time" else arguments.jobs
        for family, record in zip(families, in_processes(run_part, todo, jobs=jobs), strict=True):
            records[part][family] = record
            print("\n\n".join(TEXTS[part]({family: record})), flush=True)
            if part == "variance":
                print("\n\n".join(coverage_text({family: record})), flush=True)
    if arguments.write:
        kept = load_records(RECORDS)
        runs = {part: kept.get("runs", {}).get(part, {}) | dict.fromkeys(records[part], run) for part in PARTS}
        merged = {part: kept.get(part, {}) | records[part] for part in PARTS}
        ordered = {part: {each: merged[part][each] for each in PARTS[part] if each in merged[part]} for part in PARTS}
        save_records(RECORDS, {"runs": runs} | ordered)
        write_section("bench_lime", section(ordered, runs))


if __name__ == "__main__":
    main()
