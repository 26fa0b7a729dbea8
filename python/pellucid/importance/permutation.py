"""Permutation importance: how much the loss grows when a feature comes from another row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import checked_seed, checked_spending, checked_threads, is_whole, threads
from pellucid.errors import BudgetError, InputError
from pellucid.estimation.reporting import report_of_sample
from pellucid.games import Game
from pellucid.importance.increases import Increases
from pellucid.importance.metrics import metric_of
from pellucid.model import PROBE_ROWS, Model
from pellucid.progress import Progress, checked_progress, track
from pellucid.representation import Pairs
from pellucid.results import Importance
from pellucid.space import Space, space_of

Array = NDArray[np.float64]

REPEATS = 10


def permutation_importance(
    model: Any,
    X: Any,
    y: Any,
    *,
    metric: str | Callable[..., Any] = "auto",
    n_repeats: int | None = None,
    budget: int | None = None,
    keep_rows: bool = False,
    model_output: str | None = None,
    groups: dict[str, Sequence[str]] | None = None,
    space: Space | None = None,
    seed: int = 0,
    n_threads: int | None = None,
    batch_bytes: int = 2**22,
    concurrency: int = 1,
    cache: Any = None,
    output_names: Sequence[str] | None = None,
    progress: Progress = None,
) -> Importance:
    r"""How much the mean loss grows when a feature takes its value from another row of the sample.

    .. math:: I_j = \frac{1}{n(n-1)} \sum_i \sum_{s \ne i} L\bigl(y_i, f(x_{s,j}, x_{i,\bar j})\bigr)
              - \frac{1}{n} \sum_i L\bigl(y_i, f(x_i)\bigr)

    the model reliance of [fisher2019] as a difference (`Importance.ratios` has it as a ratio), the permutation
    importance of [breiman2001] for any model. A repeat puts the rows into a random circle, and each takes the feature
    of the next one: a permutation that leaves no row in its place, so the mean over repeats estimates the double sum
    without bias. From n - 1 repeats on, every pair is played once and the result is exact.

    It measures what this model uses, not what a feature could tell: of two features that say the same, the model may
    use one or both. Features that depend on each other are torn apart, so the model is asked about rows that may not
    occur, where its answer means little [hooker2021]. The conditional variant, which draws x_j given the other
    features, is not here. Use rows that the model was not trained on.

    Parameters
    ----------
    model : a callable (n, d) -> (n,) or (n, k), or a fitted object with predict_proba, decision_function or predict.
    X : rows (n, d), array or dataframe; at least two.
    y : (n,) targets: numbers, or for a classifier its classes. (n, k) numbers for k outputs.
    metric : the loss, smaller is better: "squared_error" or "absolute_error" (mean over the outputs), "log_loss",
        "brier" (half the sum over the classes of (p - hit)^2 [brier1950]), "accuracy" (the share of wrong classes),
        "auc" (1 - AUC), or a callable (y, predictions) -> one number or (n,) losses, with predictions (n,) for one
        output, else (n, k). "auto" is "log_loss" for probabilities, else "squared_error".
    n_repeats : permutations; 10 when neither this nor a budget is given.
    budget : model rows in all; as many repeats as it pays for.
    keep_rows : keep the increase of the loss of each row.
    groups : dict of group name -> features that are permuted together, as one part.
    model_output, space, seed, n_threads, batch_bytes, concurrency, cache, output_names, progress : as in `Shapley`.

    Raises
    ------
    InputError : arguments and data that do not fit.
    ModelOutputError : the model returned something that is not one finite row of numbers per row.
    BudgetError : the budget does not pay for one repeat.

    Examples
    --------
    A linear model of independent features: twice the squared weight times the variance, (n - 1 in the denominator).

    >>> X = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
    >>> model = lambda rows: rows @ [1.0, 3.0]
    >>> importance = permutation_importance(model, X, model(X), n_repeats=3)
    >>> importance.values.round(6).tolist(), 2 * np.array([1.0, 9.0]) * X.var(axis=0, ddof=1)
    ([2.666667, 6.0], array([2.66666667, 6.        ]))
    """
    start = perf_counter()
    checked_spending(budget=budget, tolerance=None, time_limit=None)
    seed, n_threads, progress = checked_seed(seed), checked_threads(n_threads), checked_progress(progress)
    door = Model(
        model,
        space=space_of(X, space=space, groups=groups),
        model_output=model_output,
        batch_bytes=batch_bytes,
        concurrency=concurrency,
        cache=cache,
        output_names=output_names,
    )
    codes, parts = door.space.encode(X), door.space.parts
    if len(codes) < 2:
        raise InputError(f"X must have at least two rows, got {len(codes)}: a feature comes from another row")
    repeats = _repeats(n_repeats, budget, n=len(codes), p=len(parts))
    with threads(n_threads):
        door.probe(codes)
        predictions = door(codes)
        measure = metric_of(
            metric, y, predictions=predictions, output_names=door.output_names, model_output=door.model_output
        )
        before = measure.loss(predictions)
        increases = Increases.none(repeats=repeats, parts=len(parts), rows=len(codes), by_row=before.size > 1)
        plays = _plays(door, codes, seed=seed, repeats=repeats)
        for play in track(plays, total=repeats * len(parts), progress=progress, label="Permutation importance"):
            increases.add(measure.loss(play.outputs) - before, repeat=play.repeat, part=play.part, donors=play.donors)
    std_err, std_err_repeats = increases.errors()
    return Importance(
        values=increases.means.mean(axis=0),
        std_err=std_err,
        std_err_repeats=std_err_repeats,
        baseline=float(before.mean()),
        repeats=increases.means,
        increases=increases.of_rows() if keep_rows and increases.by_row else None,
        n_rows=len(codes),
        metric=measure.name,
        parts=parts,
        report=report_of_sample(
            door,
            rows=len(codes),
            start=start,
            method="permutation importance",
            why=_why(repeats, len(codes)),
            budget=budget,
            seed=seed,
            warnings=_cautions(repeats, len(codes), measure.name, increases.by_row, keep_rows),
        ),
    )


@dataclass(frozen=True)
class _Play:
    """One part permuted once: the outputs (n, k) of all rows, each with the part of its donor (n,)."""

    repeat: int
    part: int
    donors: NDArray[np.int64]
    outputs: Array


def _plays(door: Model, codes: Array, *, seed: int, repeats: int) -> Iterator[_Play]:
    """All parts of the first repeat, then of the next; as many parts in one call as a batch has room for."""
    n, p = len(codes), len(door.space.parts)
    each = np.arange(n, dtype=np.int64)
    together = max(1, door.batch_rows // n)
    for repeat in range(repeats):
        donors = _donors(n, seed=seed, repeat=repeat, exact=repeats == n - 1)
        game = Game(door, Pairs(codes, codes, of_row=each, of_donor=donors, space=door.space))
        for first in range(0, p, together):
            hidden = np.arange(first, min(first + together, p))
            masks = (hidden[:, None] != np.arange(p)).repeat(n, axis=0)
            outputs = game.play(masks, np.tile(each, len(hidden)))
            for part, block in zip(hidden, outputs.reshape(len(hidden), n, -1), strict=True):
                yield _Play(repeat, int(part), donors, block)


def _donors(n: int, *, seed: int, repeat: int, exact: bool) -> NDArray[np.int64]:
    """Which row each row takes a part from: the next one in a random circle; all shifts in turn where exact."""
    from pellucid import _core

    if exact:
        return np.asarray((np.arange(n) + repeat + 1) % n, dtype=np.int64)
    order = _core.random_permutations(seed, n, repeat, 1)[0]
    donors = np.empty(n, dtype=np.int64)
    donors[order] = np.roll(order, -1)
    return donors


def _repeats(n_repeats: Any, budget: int | None, *, n: int, p: int) -> int:
    """How many permutations; at most n - 1, which play every pair of rows once."""
    if n_repeats is not None and budget is not None:
        raise InputError(f"n_repeats and budget say the same, got {n_repeats!r} and {budget!r}; give one of them")
    if n_repeats is not None and (not is_whole(n_repeats) or n_repeats < 1):
        raise InputError(f"n_repeats must be a whole number of at least 1, got {n_repeats!r}")
    repeats = REPEATS if n_repeats is None else int(n_repeats)
    if budget is not None:
        overhead = n + 3 * min(PROBE_ROWS, n)
        repeats = (int(budget) - overhead) // (n * p)
        if repeats < 1:
            raise BudgetError(
                f"budget={budget:,} does not pay for one permutation of each of {p} parts of {n:,} rows, which takes "
                f"{overhead + n * p:,} model rows; raise it, or pass fewer rows"
            )
    return min(repeats, n - 1)


def _why(repeats: int, n: int) -> str:
    if repeats == n - 1:
        return f"every row with every other one, {n * repeats:,} pairs for each part"
    return f"{repeats:,} permutations of {n:,} rows for each part"


def _cautions(repeats: int, n: int, metric: str, by_row: bool, keep_rows: bool) -> list[str]:
    found = []
    if not by_row:
        found.append(
            f"{metric} has no losses of rows, so no error over rows is known"
            + (", and there are no increases to keep" if keep_rows else "")
        )
    if repeats == 1 and n > 2:
        found.append("one permutation says nothing of its own error; use n_repeats of at least 2")
    return found
