"""How often nominal 95 % intervals hold the exact value, on four games with known answers. See docs/coverage.md."""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from contenders import explain
from pellucid import Attribution
from pictures import draw_coverage
from reporting import HERE, heading, in_processes, load_records, save_records, table, write_section
from tasks import Array, Task, task

RECORDS = HERE / "coverage.json"
PAGE = HERE.parent / "docs" / "coverage.md"
PACKAGES = ("pellucid", "numpy", "scikit-learn")
TIMES_D = (1, 2, 3, 5, 10, 30)
SEEDS = 200
Z95 = 1.959964
Record = dict[str, Any]


def and_terms() -> Task:
    """f = sum_T c_T prod_{i in T} x_i, from 0 to 1: phi_i is the sum of c_T / |T| over the T that hold i."""
    d, rng = 18, np.random.default_rng(18)
    terms = np.zeros((36, d), dtype=bool)
    for term in terms:
        term[rng.permutation(d)[: rng.integers(1, 6)]] = True
    coefficients = rng.normal(size=len(terms))

    def predict(rows: Array) -> Array:
        return (rows[:, None, :] * terms >= terms).all(axis=2) @ coefficients

    truth = (coefficients / terms.sum(axis=1)) @ terms
    return Task(predict, np.zeros((1, d)), np.ones((1, d)), truth[None])


def first_row(name: str, background_rows: int) -> Task:
    """One row of one of the tasks of the accuracy benchmark."""
    of = task(name, background_rows)
    return Task(of.predict, of.background, of.X[:1], of.truth[:1])


GAMES: dict[str, tuple[str, Callable[[], Task]]] = {
    "and": ("AND terms", and_terms),
    "diabetes": ("Diabetes, support vector regression", lambda: first_row("diabetes", 20)),
    "wine": ("Wine, neural network", lambda: first_row("wine", 20)),
    "boosting": ("Breast cancer, boosting", lambda: first_row("boosting", 10)),
}


def covered(game: Task, m: int, seeds: int, **options: Any) -> Record:
    """Shares of the seeds whose intervals hold the truth: mean over the parts, and the part where it is worst."""
    found = [explain(game, m, seed, **options) for seed in range(seeds)]
    off = np.stack([of.values[0, :, 0] for of in found]) - game.truth[0]
    std_err = np.stack([_errors(of) for of in found])
    known = np.isfinite(std_err).all(axis=1)
    if known.mean() < 0.5:
        return {"m": m, "seeds": seeds, "known": float(known.mean()), "mean": None, "worst": None, "ratio": None}
    off, std_err = off[known], std_err[known]
    # Where everything was enumerated, what is left is rounding.
    rounding = 1e-12 * np.abs(game.truth).max()
    shares = (np.abs(off) <= Z95 * std_err + rounding).mean(axis=0)
    return {
        "m": m,
        "seeds": seeds,
        "known": float(known.mean()),
        "mean": float(shares.mean()),
        "worst": float(shares.min()),
        "ratio": float(np.sqrt((std_err**2).mean() / (off**2).mean())),
    }


def _errors(explanation: Attribution) -> Array:
    """(d,) standard errors, 0 where everything was enumerated."""
    found = explanation.std_err
    return np.zeros(explanation.values.shape[1]) if found is None else found[0, :, 0]


def run_game(name: str, times: tuple[int, ...], seeds: int, options: dict[str, Any]) -> Record:
    warnings.simplefilter("ignore")
    title, make = GAMES[name]
    game = make()
    d, B = game.X.shape[1], len(game.background)
    sizes = {str(t): covered(game, t * d, seeds, **options) for t in times}
    return {"title": title, "d": d, "B": B, "sizes": sizes}


def text(records: dict[str, Record]) -> Iterator[str]:
    rows = []
    for record in records.values():
        for t, found in record["sizes"].items():
            numbers = ("none", "", "")
            if found["mean"] is not None:
                numbers = (f"{found['mean']:.3f}", f"{found['worst']:.3f}", f"{found['ratio']:.2f}")
            rows.append((record["title"], record["B"], f"{t}d = {found['m']}", found["seeds"], *numbers))
    yield table(("game", "B", "m", "seeds", "mean", "worst part", "std_err / error"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", nargs="*", choices=GAMES, default=list(GAMES))
    parser.add_argument("--times", nargs="+", type=int, default=list(TIMES_D), help="m in multiples of the features")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--plain", action="store_true", help="without the control variate")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--write", action="store_true", help="update coverage.json, docs/coverage.md and the picture")
    arguments = parser.parse_args()
    if arguments.plain and arguments.write:
        parser.error("--write keeps the intervals of the default, not those of --plain")
    options = {"control_variate": None} if arguments.plain else {}
    run = heading(PACKAGES)
    print(run, flush=True)
    todo = [(name, tuple(arguments.times), arguments.seeds, options) for name in arguments.game]
    records: dict[str, Record] = {}
    for name, record in zip(arguments.game, in_processes(run_game, todo, jobs=arguments.jobs), strict=True):
        records[name] = record | {"run": run}
        print(next(text({name: record})), flush=True)
    if arguments.write:
        merged = load_records(RECORDS) | records
        records = {name: merged[name] for name in GAMES if name in merged}
        save_records(RECORDS, records)
        runs = dict.fromkeys(record["run"] for record in records.values())
        write_section("bench_coverage", "\n\n".join([*runs, *text(records)]), file=PAGE)
        draw_coverage(records)


if __name__ == "__main__":
    main()
