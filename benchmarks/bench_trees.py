"""Shapley values of tree ensembles beside xgboost, lightgbm, shap and woodelf: time, error, latency, growth."""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from reporting import HERE, heading, load_records, save_records, table, write_section
from tree_tasks import (
    FEATURES,
    TRAINING_ROWS,
    Array,
    TreeTask,
    data,
    fitted,
    ours,
    own_contributions,
    own_interactions,
    shap_values,
    task,
    woodelf_values,
)

RECORDS = HERE / "trees.json"
SHAPES = ((100, 6), (500, 8))
LIBRARIES = ("xgboost", "lightgbm")
Record = dict[str, Any]


def in_turns(contenders: dict[str, Callable[[], Any]], *, repeats: int, most_seconds: float = 20.0) -> dict[str, float]:
    """The least seconds of each, taking turns; who has used `most_seconds` sits out."""
    least: dict[str, float] = {}
    spent = dict.fromkeys(contenders, 0.0)
    for turn in range(repeats):
        for name, call in contenders.items():
            if turn > 0 and spent[name] > most_seconds:
                continue
            start = perf_counter()
            call()
            seconds = perf_counter() - start
            spent[name] += seconds
            least[name] = min(least.get(name, np.inf), seconds)
    return least


def difference(found: Array, reference: Array) -> float:
    """Largest difference, in units of the largest value."""
    n = min(len(found), len(reference))
    return float(np.abs(found[:n] - reference[:n]).max() / np.abs(reference[:n]).max())


def path_dependent(each: TreeTask, *, threads: int, repeats: int) -> Record:
    """a: prepared explainers on 1,000 rows, and the one-shot call with everything that an explainer prepares."""
    import pellucid

    once = lambda: pellucid.shapley(each.model, each.rows, model_output="raw", n_threads=threads)  # noqa: E731
    contenders: dict[str, Callable[[], Any]] = {
        "pellucid": ours(each.model, each.rows, background=None, threads=threads),
        "pellucid, single": ours(each.model, each.rows, background=None, threads=threads, precision="single"),
        "pellucid, one-shot": once,
        "shap": shap_values(each, background=None, rows=len(each.rows)),
        "woodelf": woodelf_values(each, background=None),
    }
    own = own_contributions(each, threads=threads)
    if own is not None:
        contenders[each.library] = own
    seconds = in_turns(contenders, repeats=repeats)
    exact = contenders["pellucid"]()
    return {
        "seconds": seconds,
        "leaves": each.leaves,
        "differences": {
            name: difference(np.asarray(call()), exact)
            for name, call in contenders.items()
            if name in ("pellucid, single", each.library)
        },
    }


def interventional(each: TreeTask, *, background: int, threads: int, repeats: int) -> Record:
    """b: everything included, as woodelf has no prepared form; shap takes 100 background rows at most."""
    import pellucid

    B = each.background[:background]
    few = 50 if each.leaves < 20_000 else 10  # rows for shap, whose time is proportional to them
    contenders: dict[str, Callable[[], Any]] = {
        "pellucid, set-up included": lambda: pellucid.shapley(each.model, each.rows, background=B, n_threads=threads),
        "pellucid": ours(each.model, each.rows, background=B, threads=threads),
        "woodelf": woodelf_values(each, background=B),
    }
    if background <= 100:
        contenders["shap"] = shap_values(each, background=B, rows=few)
    seconds = in_turns(contenders, repeats=repeats)
    if "shap" in seconds:
        seconds["shap"] *= len(each.rows) / few
    exact = contenders["pellucid"]()
    return {
        "seconds": seconds,
        "leaves": each.leaves,
        "differences": {"woodelf": difference(np.asarray(contenders["woodelf"]()), exact)},
    }


def pairs(each: TreeTask, *, threads: int, repeats: int) -> Record:
    """c: pairwise interaction values, path-dependent."""
    import pellucid
    import shap

    explain = pellucid.ShapleyInteractions(each.model, model_output="raw", n_threads=threads)
    explain(each.rows[:2])
    few = 50
    explainer = shap.TreeExplainer(each.model, feature_perturbation="tree_path_dependent")
    explainer.model.original_model = None
    explainer.model.model_type = "internal"
    contenders: dict[str, Callable[[], Any]] = {
        "pellucid": lambda: explain(each.rows).values,
        "shap": lambda: explainer.shap_interaction_values(each.rows[:few]),
    }
    own = own_interactions(each, threads=threads)
    if own is not None:
        contenders[each.library] = own
    seconds = in_turns(contenders, repeats=repeats)
    seconds["shap"] *= len(each.rows) / few
    record: Record = {"seconds": seconds, "leaves": each.leaves}
    if own is not None:
        record["differences"] = {each.library: difference(np.asarray(own()), contenders["pellucid"]()[..., 0])}
    return record


def latency(each: TreeTask, *, repeats: int) -> Record:
    """d: one row, prepared explainer, one thread: the whole call, and the kernel alone."""
    call = ours(each.model, each.rows[:1], background=None, threads=1)
    own = own_contributions(TreeTask(each.name, each.library, each.model, each.rows[:1], each.background), threads=1)
    contenders: dict[str, Callable[[], Any]] = {"pellucid": call}
    if own is not None:
        contenders[each.library] = own
    return {"seconds": in_turns(contenders, repeats=50 * repeats), "leaves": each.leaves}


def deep(*, threads: int, repeats: int) -> list[Record]:
    """e: 20 trees of depth 16, both games, beside shap."""
    X, y = data()
    found = []
    for library in LIBRARIES:
        model = fitted(library, 20, 16, X[:TRAINING_ROWS], y[:TRAINING_ROWS], threads=threads)
        each = TreeTask(f"{library} 20 x 16", library, model, X[TRAINING_ROWS : TRAINING_ROWS + 1000], X[:100])
        import pellucid

        few = 10
        contenders: dict[str, Callable[[], Any]] = {
            "pellucid, path-dependent": ours(model, each.rows, background=None, threads=threads),
            "pellucid, interventional": lambda each=each: pellucid.shapley(
                each.model, each.rows, background=each.background, n_threads=threads
            ),
            "shap, path-dependent": shap_values(each, background=None, rows=few),
            "shap, interventional": shap_values(each, background=each.background, rows=few),
        }
        seconds = in_turns(contenders, repeats=repeats)
        for name in ("shap, path-dependent", "shap, interventional"):
            seconds[name] *= len(each.rows) / few
        found.append({"name": each.name, "seconds": seconds, "leaves": each.leaves})
    return found


def growth(*, threads: int, quick: bool) -> list[Record]:
    """f: rows explained and background rows ten times as many: the interventional values of 100 x 6."""
    import pellucid

    X, y = data()
    model = fitted("xgboost", 100, 6, X[:TRAINING_ROWS], y[:TRAINING_ROWS], threads=threads)
    rng = np.random.default_rng(0)
    found = []
    for rows, background in [(10_000, 1_000), (100_000, 10_000)] + ([] if quick else [(1_000_000, 100_000)]):
        many = rng.normal(size=(rows, FEATURES))
        B = rng.normal(size=(background, FEATURES))
        start = perf_counter()
        pellucid.shapley(model, many, background=B, n_threads=threads)
        found.append({"rows": rows, "background": background, "seconds": perf_counter() - start})
    return found


def times_table(records: dict[str, Record], us: tuple[str, ...]) -> str:
    rows = []
    for name, record in records.items():
        seconds = record["seconds"]
        peers = {peer: value for peer, value in seconds.items() if not peer.startswith("pellucid")}
        for our in us:
            if our not in seconds:
                continue
            ratios = ", ".join(f"{peer} **{value / seconds[our]:.0f}x**" for peer, value in peers.items())
            rows.append([name, f"{record['leaves']:,}", our, f"{1e3 * seconds[our]:.2f}", ratios])
        for peer, value in peers.items():
            rows.append([name, "", peer, f"{1e3 * value:.1f}", ""])
    return table(["model", "leaves", "contender", "ms", "the others take"], rows)


def written(records: Record) -> str:
    parts = [heading(["pellucid", "xgboost-cpu", "lightgbm", "shap", "woodelf-explainer", "numpy", "scikit-learn"])]
    parts.append(
        f"Threads: {records['threads']} everywhere (shap and woodelf have one). Instructions: {records['simd']}."
    )
    titles = {
        "a": "a. Path-dependent values of 1,000 rows (milliseconds, least of the repeats)",
        "b": "b. Interventional values of 1,000 rows",
        "c": "c. Pairwise interactions of 1,000 rows, path-dependent",
        "d": "d. One row, prepared explainer, one thread",
    }
    us = {
        "a": ("pellucid", "pellucid, single", "pellucid, one-shot"),
        "b": ("pellucid, set-up included", "pellucid"),
        "c": ("pellucid",),
        "d": ("pellucid",),
    }
    for part, title in titles.items():
        if part in records:
            parts += [f"### {title}", times_table(records[part], us[part])]
            differences = [
                f"{name}: {who} {value:.1e}"
                for name, record in records[part].items()
                for who, value in record.get("differences", {}).items()
            ]
            if differences:
                parts.append(
                    "Largest difference from pellucid in float64, of the largest value: " + "; ".join(differences) + "."
                )
    if "e" in records:
        rows = [
            [
                record["name"],
                f"{record['leaves']:,}",
                game,
                f"{1e3 * record['seconds'][f'pellucid, {game}']:.1f}",
                f"{1e3 * record['seconds'][f'shap, {game}']:.0f}",
                f"{record['seconds'][f'shap, {game}'] / record['seconds'][f'pellucid, {game}']:.0f}x",
            ]
            for record in records["e"]
            for game in ("path-dependent", "interventional")
        ]
        parts += [
            "### e. Deep trees, 1,000 rows, 100 background rows (shap from 10 rows)",
            table(["model", "leaves", "game", "pellucid, ms", "shap, ms", "ratio"], rows),
        ]
    if "f" in records:
        rows = [[f"{r['rows']:,}", f"{r['background']:,}", f"{r['seconds']:.2f}"] for r in records["f"]]
        parts += [
            "### f. Growth: interventional values of 100 trees of depth 6, whole background",
            table(["rows", "background rows", "seconds"], rows),
        ]
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="abcdef", help="sections to run, such as ab")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="small models: shows that it runs")
    parser.add_argument("--write", action="store_true", help="write the tables to results.md")
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore")
    os.environ["OMP_NUM_THREADS"] = str(chosen.threads)
    from pellucid import _core

    records: Record = load_records(RECORDS)
    records.update(threads=chosen.threads, simd=_core.simd_level())
    shapes = ((10, 4),) if chosen.quick else SHAPES
    common = {"threads": chosen.threads, "repeats": chosen.repeats}
    tasks = [task(library, *shape, threads=chosen.threads) for shape in shapes for library in LIBRARIES]
    sections: dict[str, Callable[[], Any]] = {
        "a": lambda: {each.name: path_dependent(each, **common) for each in tasks},
        "b": lambda: {
            f"{each.name}, {size} background rows": interventional(each, background=size, **common)
            for each in tasks
            for size in (100, 1000)
        },
        "c": lambda: {each.name: pairs(each, **common) for each in tasks[:1]},
        "d": lambda: {each.name: latency(each, repeats=chosen.repeats) for each in tasks},
        "e": lambda: deep(**common),
        "f": lambda: growth(threads=chosen.threads, quick=chosen.quick),
    }
    for letter in sorted(set(chosen.only) & set(sections) - ({"e"} if chosen.quick else set())):
        records[letter] = sections[letter]()
        if not chosen.quick:  # the whole takes a quarter of an hour
            save_records(RECORDS, records)
    text = written(records)
    print(text)
    if chosen.write:
        write_section("bench_trees", text)


if __name__ == "__main__":
    main()
