"""Partial dependence and individual conditional expectation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import checked_spending, checked_threads, is_whole, threads
from pellucid._student import student_factors
from pellucid.effects.grid import Axis, axis_of
from pellucid.errors import BudgetError, InputError
from pellucid.estimation.exact import weighted_mean
from pellucid.estimation.reporting import report_of_sample
from pellucid.games import Game
from pellucid.model import PROBE_ROWS, Model
from pellucid.progress import Progress, checked_progress, track
from pellucid.representation import Pairs
from pellucid.representation.checks import checked_weights
from pellucid.results import PartialDependence, Report
from pellucid.results.checks import find
from pellucid.space import Space, space_of

Array = NDArray[np.float64]

_POINTS = {1: 30, 2: 12}  # on each axis, for one and for two features


def partial_dependence(
    model: Any,
    X: Any,
    *,
    features: int | str | Sequence[int | str],
    grid: Any = None,
    grid_size: int | None = None,
    extrapolate: bool = False,
    weights: Any = None,
    curves: int | None = 200,
    outputs: Any = None,
    budget: int | None = None,
    model_output: str | None = None,
    link: str = "identity",
    groups: dict[str, Sequence[str]] | None = None,
    space: Space | None = None,
    n_threads: int | None = None,
    batch_bytes: int = 2**22,
    concurrency: int = 1,
    cache: Any = None,
    output_names: Sequence[str] | None = None,
    progress: Progress = None,
) -> PartialDependence:
    r"""What the model answers in the mean over the rows when one feature, or two, is set to a value in all of them.

    .. math:: \mathrm{PD}_j(g) = \sum_b w_b\, f(g, b_{\bar j})

    [friedman2001], the value v({j}) of the marginal game at x_j = g. The terms of the sum, one for each row, are its
    individual conditional expectation curves [goldstein2015]: where they are not parallel, the feature interacts with
    others, and the mean may hide it. `PartialDependence.centred` lets every curve begin at 0.

    The other features stay as they are while x_j moves, so where features depend on each other the model is asked
    about rows that may not occur. It is the effect on the model's answer, not on the world.

    Parameters
    ----------
    model : a callable (n, d) -> (n,) or (n, k), or a fitted object with predict_proba, decision_function or predict.
    X : rows (n, d), array or dataframe, over which the mean is taken; all of them.
    features : one part, or two for a surface, by name or position among the parts. A one-hot group is one part, and
        goes through its columns.
    grid : the values to set, in the unit of the data; for two features a dict of feature -> values. None chooses: all
        values that occur, or `grid_size` quantiles where a number has more, the smallest and the largest among them.
        Missing values are a point of their own, for one feature.
    grid_size : points on each axis; 30 for one feature, 12 for two.
    extrapolate : allow values that lie outside of the data, and categories that do not occur in it.
    weights : (n,) weights of the rows, at least 0; None is equal weights.
    curves : how many rows keep their curve, evenly spaced among the rows; None for all, 0 for none. One feature only.
    outputs : None for all, an index, a name, or a list of these.
    budget : model rows at most; a larger grid is refused, nothing is left out silently.
    model_output, link, groups, space, n_threads, batch_bytes, concurrency, cache, output_names, progress : as in
        `Shapley`.

    Raises
    ------
    InputError : arguments and data that do not fit.
    ModelOutputError : the model returned something that is not one finite row of numbers per row.
    BudgetError : the grid takes more model rows than the budget.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]])
    >>> effect = partial_dependence(lambda rows: rows[:, 0] * rows[:, 1], X, features="x0")
    >>> effect.grids[0].tolist(), effect.values[:, 0].tolist()
    ([0.0, 1.0, 2.0], [0.0, 3.0, 6.0])
    >>> effect.curves[:, :, 0].tolist()
    [[0.0, 1.0, 2.0], [0.0, 3.0, 6.0], [0.0, 5.0, 10.0]]
    """
    start = perf_counter()
    checked_spending(budget=budget, tolerance=None, time_limit=None)
    n_threads, progress = checked_threads(n_threads), checked_progress(progress)
    door = Model(
        model,
        space=space_of(X, space=space, groups=groups),
        model_output=model_output,
        link=link,
        batch_bytes=batch_bytes,
        concurrency=concurrency,
        cache=cache,
        output_names=output_names,
    )
    given = door.space.encode(X)
    if len(given) == 0:
        raise InputError("X must have at least one row, got none: the effect is a mean over its rows")
    row_weights = checked_weights(weights, count=len(given), argument="weights")
    rows = np.flatnonzero(row_weights > 0)
    codes, row_weights = np.ascontiguousarray(given[rows]), row_weights[rows]
    axes = _axes(door.space, features, codes, grid=grid, grid_size=grid_size, extrapolate=extrapolate)
    points = int(np.prod([len(axis.grid) for axis in axes]))
    _check_cost(budget, points=points, rows=len(codes))
    followed = _followed(curves, len(codes)) if len(axes) == 1 else np.zeros(0, dtype=np.int64)
    with threads(n_threads):
        door.probe(codes)
        chosen, names = _columns(door, outputs)
        moments = _Moments(row_weights, points=points, outputs=len(chosen), followed=followed)
        answers = _answers(door, codes, axes, chosen)
        for point, outcome in enumerate(track(answers, total=points, progress=progress, label="Effect")):
            moments.add(point, outcome)
    report = report_of_sample(
        door,
        rows=len(codes),
        start=start,
        method="partial dependence",
        why=f"{len(moments.mean):,} points of the grid, each with all {len(codes):,} rows",
        budget=budget,
    )
    return moments.effect(axes, parts=door.space.parts, outputs=names, rows=rows[followed], report=report)


class _Moments:
    """Means over the rows, point by point, with the errors of a mean over a sample of rows."""

    def __init__(self, weights: Array, *, points: int, outputs: int, followed: NDArray[np.int64]) -> None:
        share = float((weights * weights).sum())  # 1 / n for equal weights
        self.weights = weights
        self.freedom = max(0.0, float(np.floor(1.0 / share + 1e-9)) - 1.0)
        # Without a degree of freedom nothing is known of the errors.
        factor = float(student_factors(np.array(self.freedom)))
        self._scale = factor**2 / (1.0 - share) if self.freedom >= 1.0 else np.nan
        self.mean, self.std_err, self.std_err_centred = np.empty((3, points, outputs))
        self.curves = np.empty((len(followed), points, outputs))
        self._followed = followed
        self._first: Array | None = None

    def add(self, point: int, outcome: Array) -> None:
        """The outputs (n, k) of all rows at one point."""
        self._first = outcome.copy() if self._first is None else self._first
        self.mean[point], self.std_err[point] = self._mean_and_error(outcome)
        _, self.std_err_centred[point] = self._mean_and_error(outcome - self._first)
        self.curves[:, point] = outcome[self._followed]

    def effect(
        self,
        axes: list[Axis],
        *,
        parts: tuple[str, ...],
        outputs: tuple[str, ...],
        rows: NDArray[np.intp],
        report: Report,
    ) -> PartialDependence:
        """The result, with an axis for each feature."""
        shape = (*(len(axis.grid) for axis in axes), len(outputs))
        return PartialDependence(
            features=tuple(parts[axis.part] for axis in axes),
            kinds=tuple(axis.kind for axis in axes),
            grids=tuple(axis.grid for axis in axes),
            labels=tuple(axis.labels for axis in axes),
            data=np.column_stack([axis.data for axis in axes]),
            values=self.mean.reshape(shape),
            std_err=self.std_err.reshape(shape),
            std_err_centred=self.std_err_centred.reshape(shape),
            freedom=self.freedom,
            curves=self.curves if len(rows) else None,
            rows=rows,
            outputs=outputs,
            report=report,
        )

    def _mean_and_error(self, outcome: Array) -> tuple[Array, Array]:
        mean = weighted_mean(outcome, self.weights)
        return mean, np.sqrt(weighted_mean((outcome - mean) ** 2, self.weights * self.weights) * self._scale)


def _answers(door: Model, codes: Array, axes: list[Axis], columns: NDArray[np.int64]) -> Iterator[Array]:
    """The outputs (n, k) of all rows at each point of the grid; as many points in one call as a batch has room for."""
    n, mask = len(codes), np.zeros(len(door.space.parts), dtype=bool)
    places = np.indices([len(axis.grid) for axis in axes]).reshape(len(axes), -1)
    points = np.zeros((places.shape[1], door.space.d))
    for axis, place in zip(axes, places, strict=True):
        mask[axis.part] = True
        points[:, axis.columns] = axis.codes[place]
    each, together = np.arange(n, dtype=np.int64), max(1, door.batch_rows // n)
    for first in range(0, len(points), together):
        block = np.arange(first, min(first + together, len(points)), dtype=np.int64)
        pairs = Pairs(points, codes, of_row=block.repeat(n), of_donor=np.tile(each, len(block)), space=door.space)
        game = Game(door, pairs, columns=columns)
        outputs = game.play(np.broadcast_to(mask, (pairs.n_draws, len(mask))), np.arange(pairs.n_draws))
        yield from outputs.reshape(len(block), n, -1)


def _axes(
    space: Space, features: Any, codes: Array, *, grid: Any, grid_size: int | None, extrapolate: bool
) -> list[Axis]:
    wanted: list[Any] = list(features) if isinstance(features, (list, tuple)) else [features]
    if len(wanted) not in _POINTS:
        raise InputError(f"features must be one part or two, got {len(wanted)}; call once for each")
    parts = [find("features", one, space.parts) for one in wanted]
    if len(set(parts)) != len(parts):
        raise InputError(f"features must be two different parts, got {space.parts[parts[0]]!r} twice")
    size = _POINTS[len(parts)] if grid_size is None else grid_size
    if not is_whole(size) or size < 2:
        raise InputError(f"grid_size must be a whole number of at least 2, got {grid_size!r}")
    names = [space.parts[part] for part in parts]
    if grid is not None and not isinstance(grid, Mapping):
        if len(parts) > 1:
            raise InputError(f"grid must be a dict of feature -> values for two features, got {type(grid).__name__}")
        grid = {names[0]: grid}
    strange = [name for name in grid or {} if name not in names]
    if strange:
        raise InputError(f"grid must name the features {names}, got {strange[:4]}")
    return [
        axis_of(
            space,
            part,
            codes=codes,
            given=None if grid is None else grid.get(name),
            size=int(size),
            missing=len(parts) == 1,
            extrapolate=extrapolate,
        )
        for part, name in zip(parts, names, strict=True)
    ]


def _columns(door: Model, outputs: Any) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    if isinstance(outputs, str) and (outputs == "predicted" or outputs.startswith("top:")):
        raise InputError(f"outputs={outputs!r} differs from row to row, but a mean over rows is of one output; name it")
    columns, names = door.choose(outputs, np.zeros((1, door.k)))
    return columns[0], names


def _followed(curves: Any, n: int) -> NDArray[np.int64]:
    """The rows whose curves are kept, evenly spaced among all."""
    if curves is not None and (not is_whole(curves) or curves < 0):
        raise InputError(f"curves must be a whole number of at least 0, or None for all rows, got {curves!r}")
    if curves is None or curves >= n:
        return np.arange(n, dtype=np.int64)
    return (np.arange(int(curves), dtype=np.int64) * n) // max(1, int(curves))


def _check_cost(budget: int | None, *, points: int, rows: int) -> None:
    cost = points * rows + 3 * min(PROBE_ROWS, rows)
    if budget is not None and cost > budget:
        raise BudgetError(
            f"budget={budget:,} does not pay for {points:,} points of the grid with {rows:,} rows each, which takes up "
            f"to {cost:,} model rows; raise it, give a smaller grid, or pass fewer rows"
        )
