"""Conditional Shapley values, all coalitions, beside a NumPy loop over rows and coalitions. See README.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pellucid import Shapley, _core
from reporting import HERE, Stopwatch, Timed, heading, median, table, write_section

sys.path.insert(0, str(Path(HERE).parent / "tests"))
from reference.conditional import conditional_moments, value_function_by_loops

Array = NDArray[np.float64]
PACKAGES = ("pellucid", "numpy")
FEATURES, BACKGROUND_ROWS, EXPLAINED_ROWS, DRAWS = 10, 500, 100, 100
LOOP_ROWS = 4  # the loop costs the same for every row


def data() -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(FEATURES, FEATURES))
    background = rng.normal(size=(BACKGROUND_ROWS, FEATURES)) @ mixing
    return background, rng.normal(size=(EXPLAINED_ROWS, FEATURES)) @ mixing, rng.normal(size=FEATURES)


def closed_form(x: Array, background: Array, weights: Array) -> Array:
    """Values (d,) of the linear model: its prediction at the conditional mean, coalition by coalition."""
    mean, covariance = background.mean(axis=0), np.cov(background.T, bias=True)
    values = np.empty((2**FEATURES, 1))
    for i, mask in enumerate(_core.all_coalitions(FEATURES, 0, 2**FEATURES)):
        row, unknown = x.copy(), np.flatnonzero(mask == 0)
        row[unknown] = conditional_moments(x, np.flatnonzero(mask), mean, covariance)[0]
        values[i] = row @ weights
    return np.asarray(_core.exact_shapley(values, FEATURES))[:, 0]


def by_pellucid(predict: Callable[[Array], Array], background: Array, X: Array) -> tuple[Array, Stopwatch]:
    model = Timed(predict)
    with Stopwatch(model) as watch:
        explain = Shapley(
            model,
            background,
            value_function="conditional",
            conditional_draws=DRAWS,
            method="exact",
            n_threads=1,
            progress=False,
        )
        values = explain(X).values[:, :, 0]
    return values, watch


def by_loops(predict: Callable[[Array], Array], background: Array, X: Array) -> tuple[Array, Stopwatch]:
    model = Timed(predict)
    equal = np.full(len(background), 1.0 / len(background))
    with Stopwatch(model) as watch:
        masks = _core.all_coalitions(FEATURES, 0, 2**FEATURES)
        worth = value_function_by_loops(model, X, background, equal, masks, DRAWS, np.random.default_rng(0))
    return np.array([_core.exact_shapley(v[:, None].copy(), FEATURES)[:, 0] for v in worth]), watch


def linear_model(repeats: int) -> Iterator[str]:
    background, X, weights = data()
    truth = np.array([closed_form(x, background, weights) for x in X[:LOOP_ROWS]])
    contenders = {"pellucid": (by_pellucid, X), "NumPy loop": (by_loops, X[:LOOP_ROWS])}
    outside: dict[str, list[float]] = {name: [] for name in contenders}
    inside: dict[str, list[float]] = {name: [] for name in contenders}
    errors: dict[str, float] = {}
    for _ in range(repeats):
        for name, (run, rows) in contenders.items():
            values, watch = run(lambda rows: rows @ weights, background, rows)
            outside[name].append(watch.outside / len(rows))
            inside[name].append(watch.inside / len(rows))
            errors[name] = float(np.abs(values[:LOOP_ROWS] - truth).max())
    yield table(
        ("", "ms a row outside predict", "inside", "largest error"),
        [
            (name, f"{1e3 * median(outside[name]):.2f}", f"{1e3 * median(inside[name]):.2f}", f"{errors[name]:.1e}")
            for name in contenders
        ],
    )
    ratio = median(outside["NumPy loop"]) / median(outside["pellucid"])
    yield f"The loop takes {ratio:.0f} times as long outside predict."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update results.md between its markers")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    text = [
        heading(PACKAGES),
        f"### Conditional, gaussian: d = {FEATURES}, {EXPLAINED_ROWS} rows, {DRAWS} draws, linear f",
    ]
    for paragraph in linear_model(arguments.repeats):
        text.append(paragraph)
        print(paragraph, flush=True)
    if arguments.write:
        write_section("bench_conditional", "\n\n".join(text))


if __name__ == "__main__":
    main()
