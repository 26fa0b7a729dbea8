"""Shapley values beside shap and shapiq: error, time outside predict, and how it grows. See README.md."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pellucid import Shapley
from reporting import HERE, Stopwatch, Timed, heading, median, table, write_section
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.model_selection import train_test_split

Array = NDArray[np.float64]
PACKAGES = ("pellucid", "shap", "shapiq", "numpy", "scikit-learn")
OURS = "pellucid regression"
KERNEL = "shap KernelExplainer"
COALITIONS = (512, 1024, 2048, 4096)
BACKGROUND_ROWS, EXPLAINED_ROWS, FEATURES = 50, 10, 30


@dataclass
class Run:
    """One contender on all explained rows; seconds and model rows are totals."""

    values: Array
    outside: float
    inside: float
    rows: int
    first_outside: float  # the first call of a fresh explainer, with its preparation


@dataclass
class Task:
    predict: Callable[[Array], Array]
    background: Array
    X: Array


def pellucid_run(task: Task, coalitions: int, seed: int, *, method: str) -> Run:
    """The budget counts every model row: background, probe and explained row come out of it."""
    model = Timed(task.predict)
    with Stopwatch(model) as first:
        explain = Shapley(
            model, task.background, method=method, budget=coalitions * len(task.background), seed=seed, progress=False
        )
        values = explain(task.X).values[:, :, 0]
    with Stopwatch(model) as again:
        explain(task.X)
    return Run(values, again.outside, again.inside, first.rows, first.outside)


def kernel_run(task: Task, coalitions: int, seed: int) -> Run:
    import shap

    np.random.seed(seed)  # noqa: NPY002  # shap's KernelExplainer draws from the global state
    model = Timed(task.predict)
    with Stopwatch(model) as first:
        explainer = shap.KernelExplainer(model, task.background)
        values = explainer.shap_values(task.X, nsamples=coalitions, l1_reg=False, silent=True)
    with Stopwatch(model) as again:
        explainer.shap_values(task.X, nsamples=coalitions, l1_reg=False, silent=True)
    return Run(np.asarray(values), again.outside, again.inside, first.rows, first.outside)


def permutation_run(task: Task, coalitions: int, seed: int) -> Run:
    import shap

    model = Timed(task.predict)
    with Stopwatch(model) as first:
        masker = shap.maskers.Independent(task.background, max_samples=len(task.background))
        explainer = shap.PermutationExplainer(model, masker, seed=seed)
        values = explainer(task.X, max_evals=coalitions, silent=True).values
    with Stopwatch(model) as again:
        explainer(task.X, max_evals=coalitions, silent=True)
    return Run(np.asarray(values), again.outside, again.inside, first.rows, first.outside)


def shapiq_run(task: Task, coalitions: int, seed: int, *, name: str) -> Run:
    from shapiq import approximator
    from shapiq.imputer import MarginalImputer

    model = Timed(task.predict)
    n = task.X.shape[1]

    def explain_all() -> Array:
        imputer = MarginalImputer(model, task.background, sample_size=len(task.background), random_state=seed)
        rows = []
        for x in task.X:
            found = getattr(approximator, name)(n, random_state=seed).approximate(coalitions, imputer.fit(x))
            rows.append([found.dict_values.get((i,), 0.0) for i in range(n)])
        return np.array(rows)

    with Stopwatch(model) as first:
        values = explain_all()
    with Stopwatch(model) as again:
        explain_all()
    return Run(values, again.outside, again.inside, first.rows, first.outside)


def contenders() -> dict[str, Callable[[Task, int, int], Run]]:
    found: dict[str, Callable[[Task, int, int], Run]] = {
        OURS: partial(pellucid_run, method="regression"),
        "pellucid permutation": partial(pellucid_run, method="permutation"),
        KERNEL: kernel_run,
        "shap PermutationExplainer": permutation_run,
    }
    try:
        from shapiq import approximator
    except ImportError:
        return found
    for name in ("KernelSHAP", "LeverageSHAP", "OddSHAP"):
        if hasattr(approximator, name):
            found[f"shapiq {name}"] = partial(shapiq_run, name=name)
    return found


def breast_cancer_task() -> tuple[Task, Array]:
    """The task of case (a), and its exact interventional tree values."""
    import shap

    X, y = load_breast_cancer(return_X_y=True)
    model = GradientBoostingRegressor(n_estimators=100, max_depth=4, random_state=0).fit(X, y)
    order = np.random.default_rng(0).permutation(len(X))
    background, rows = X[order[:BACKGROUND_ROWS]], X[order[BACKGROUND_ROWS:][:EXPLAINED_ROWS]]
    trees = shap.TreeExplainer(model, data=background, feature_perturbation="interventional")
    return Task(model.predict, background, rows), np.asarray(trees.shap_values(rows, check_additivity=False))


def error(values: Array, truth: Array) -> float:
    """Mean over the rows of ||phi - truth||^2 / ||truth||^2."""
    return float(np.mean(((values - truth) ** 2).sum(axis=1) / (truth**2).sum(axis=1)))


def beside_peers(repeats: int) -> Iterator[str]:
    task, truth = breast_cancer_task()
    check = pellucid_run(task, 40_000, 99, method="regression").values
    yield (
        "Truth: exact interventional tree values (shap TreeExplainer). Cross-check: pellucid with 2,000,000 model rows "
        f"per explained row differs from it by {error(check, truth):.1e}."
    )
    rows = []
    for coalitions in COALITIONS:
        runs: dict[str, list[Run]] = {name: [] for name in contenders()}
        for repeat in range(repeats):  # interleaved, so that a busy moment of the machine meets them all
            for name, run in contenders().items():
                runs[name].append(run(task, coalitions, repeat))
        outside = {name: median(r.outside for r in of) / EXPLAINED_ROWS for name, of in runs.items()}
        for name, of in runs.items():
            rows.append(
                (
                    coalitions,
                    name,
                    f"{np.mean([error(r.values, truth) for r in of]):.1e}",
                    f"{1e3 * outside[name]:.2f}",
                    f"{1e3 * min(r.outside for r in of) / EXPLAINED_ROWS:.2f}",
                    f"{1e3 * median(r.first_outside for r in of) / EXPLAINED_ROWS:.2f}",
                    f"{outside[name] / outside[KERNEL]:.2f}",
                    f"{1e3 * median(r.inside for r in of) / EXPLAINED_ROWS:.0f}",
                    f"{of[0].rows / EXPLAINED_ROWS:,.0f}",
                )
            )
    columns = (
        "m",
        "method",
        "error",
        "outside, ms",
        "least, ms",
        "first call, ms",
        "of shap Kernel",
        "inside, ms",
        "model rows",
    )
    yield table(columns, rows)


def many_features(repeats: int) -> Iterator[str]:
    d, coalitions = 1000, 4096
    rng = np.random.default_rng(1)
    weights, background, X = rng.normal(size=d), rng.normal(size=(1, d)), rng.normal(size=(1, d))
    task = Task(lambda rows: np.tanh(rows @ weights / 30) + rows[:, 0] * rows[:, 1], background, X)
    rows = []
    for name, run in ((OURS, partial(pellucid_run, method="regression")), (KERNEL, kernel_run)):
        runs = [run(task, coalitions, repeat) for repeat in range(repeats)]
        rows.append(
            (
                name,
                f"{median(r.first_outside for r in runs):.2f}",
                f"{min(r.first_outside for r in runs):.2f}",
                f"{median(r.outside for r in runs):.2f}",
                f"{runs[0].rows:,}",
            )
        )
    yield table(("method", "first row, s", "least, s", "every further row, s", "model rows"), rows)


def slope(x: list[float], y: list[float]) -> float:
    """Exponent of growth over the upper half of the range."""
    half = len(x) // 2
    return float(np.polyfit(np.log(x[half:]), np.log(y[half:]), 1)[0])


def growth(repeats: int) -> Iterator[str]:
    rng = np.random.default_rng(2)
    weights = rng.normal(size=FEATURES)
    background, X = rng.normal(size=(BACKGROUND_ROWS, FEATURES)), rng.normal(size=(256, FEATURES))
    model = Timed(lambda rows: np.tanh(rows @ weights))

    def seconds(budget: int, n: int) -> tuple[float, float]:
        first, prepared = [], []
        for _ in range(repeats):
            explain = Shapley(model, background, method="regression", budget=budget, progress=False)
            with Stopwatch(model) as watch:
                explain(X[:n])
            first.append(watch.outside)
            with Stopwatch(model) as watch:
                explain(X[:n])
            prepared.append(watch.outside)
        return min(first), min(prepared)

    budgets = [10_000 * 2**i for i in range(8)] + [1_600_000]
    counts = [2**i for i in range(9)]
    by_budget = [seconds(budget, 1) for budget in budgets]
    by_rows = [seconds(20_000, n) for n in counts]
    lines = {
        "by budget, first row": (budgets, [s[0] for s in by_budget]),
        "by budget, further row": (budgets, [s[1] for s in by_budget]),
        "by rows": (counts, [s[1] for s in by_rows]),
    }
    slopes = {name: slope(*line) for name, line in lines.items()}
    draw_growth(lines, slopes)
    yield "Least of the repeats; slope: exponent over the upper half of the range (1 is linear)."
    yield table(
        ("model rows per explained row", "first row, ms", "further row, ms", "further row, ns per model row"),
        [
            (f"{b:,}", f"{1e3 * s[0]:.1f}", f"{1e3 * s[1]:.2f}", f"{1e9 * s[1] / b:.0f}")
            for b, s in zip(budgets, by_budget, strict=True)
        ],
    )
    yield table(
        ("explained rows of 20,000 model rows", "prepared, ms", "ms per explained row"),
        [(n, f"{1e3 * s[1]:.2f}", f"{1e3 * s[1] / n:.2f}") for n, s in zip(counts, by_rows, strict=True)],
    )
    yield "Slopes: " + ", ".join(f"{name} {value:.2f}" for name, value in slopes.items()) + ". ![growth](growth.png)"


def draw_growth(lines: dict[str, tuple[list[int], list[float]]], slopes: dict[str, float]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, (x, y) in lines.items():
        axes = right if name == "by rows" else left
        label = "prepared explainer" if name == "by rows" else name.removeprefix("by budget, ")
        axes.loglog(x, y, "o-", markersize=4, label=f"{label}: slope {slopes[name]:.2f}")
    for axes, (x, y) in ((left, lines["by budget, further row"]), (right, lines["by rows"])):
        axes.loglog(x, [y[-1] * v / x[-1] for v in x], ":", color="grey", linewidth=1, label="linear")
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    left.set(xlabel="model rows per explained row", ylabel="seconds outside predict", title="against the budget")
    right.set(xlabel="explained rows", title="against the rows, 20,000 model rows each")
    figure.suptitle(f"pellucid regression, {FEATURES} features, {BACKGROUND_ROWS} background rows", fontsize=10)
    figure.savefig(HERE / "growth.png", dpi=110)
    plt.close(figure)


def at_default_budget(predict: Any, background: Array, X: Array, repeats: int) -> tuple[str, ...]:
    model = Timed(predict)
    watches = []
    for _ in range(repeats):
        with Stopwatch(model) as watch:
            explanation = Shapley(model, background, progress=False)(X)
        watches.append(watch)
    report, n = explanation.report, len(X)
    spread = np.ptp(explanation.values, axis=1).max()
    return (
        f"{len(background):,}",
        f"{median(w.wall for w in watches) / n:.2f}",
        f"{median(w.outside for w in watches) / n:.3f}",
        f"{min(w.outside for w in watches) / n:.3f}",
        f"{np.mean(report.rows_per_row):,.0f}",
        f"{sum(report.converged)} of {n}",
        f"{np.max(explanation.std_err) / spread:.4f}",
        report.why.rpartition("; ")[2],
    )


def default_budget(repeats: int) -> Iterator[str]:
    X, y = load_breast_cancer(return_X_y=True)
    train, test, y_train, _ = train_test_split(X, y, test_size=0.2, random_state=0)
    model = GradientBoostingClassifier(random_state=0).fit(train, y_train)
    rng = np.random.default_rng(3)
    drawn = train[rng.integers(0, len(train), 20_000)]
    large = drawn + 0.05 * train.std(axis=0) * rng.normal(size=drawn.shape)
    columns = (
        "background rows",
        "s per row",
        "outside",
        "outside, least",
        "model rows",
        "converged",
        "largest std_err / spread",
        "how",
    )
    yield table(
        columns,
        [
            (
                "whole training set: "
                + (cells := at_default_budget(model.predict_proba, train, test[:10], repeats))[0],
                *cells[1:],
            ),
            at_default_budget(model.predict_proba, large, test[:2], 1),
        ],
    )


SECTIONS: dict[str, tuple[str, Callable[[int], Iterator[str]]]] = {
    "a": ("Breast cancer, 100 boosted trees, d = 30, 50 background rows, 10 explained rows", beside_peers),
    "b": ("1000 features, 4096 coalitions, one background row", many_features),
    "c": ("Growth: cheap model, d = 30, 50 background rows", growth),
    "d": ("Default budget: boosted classifier, 30 features", default_budget),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update results.md between its markers")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="abcd", help="sections to run, such as ab")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    text = [heading(PACKAGES)]
    for key in arguments.only:
        title, section = SECTIONS[key]
        text.append(f"### {title}")
        for paragraph in section(arguments.repeats):
            text.append(paragraph)
            print(paragraph, flush=True)
    if arguments.write:
        write_section("bench_shapley", "\n\n".join(text))


if __name__ == "__main__":
    main()
