"""Boosted trees fitted on rows already played, and trees that are known: their Shapley values are exact, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.estimation.control_variate import doubles
from pellucid.estimation.estimate import Array
from pellucid.estimation.tree_learners import LEARNERS, Boosting, learner_name, trees_of
from pellucid.whitebox import Forest

# Rows that a learner sees: a drawn part of more, so that the time stays in seconds.
MOST_ROWS_TO_LEARN = 100_000


@dataclass(frozen=True)
class TreeControlVariate:
    r"""Boosted regression trees, for models with steps and interactions.

    .. math:: s(z) = \mathrm{mean} + \sum_t v_{t, \mathrm{leaf}_t(z)}

    one ensemble for each fold and output, fitted to standardised outputs. Their values are exact: a leaf is worth its
    value to the coalitions that hold all players its path decides for x and none it decides for b [lundberg2020].

    Parameters
    ----------
    learner : "lightgbm", "hist" (scikit-learn), or a callable (rows (n, d), outputs (n,), seed) -> fitted regressor
        of trees that pellucid can read. The named ones use one thread, so that bits do not depend on how many there
        are; those of a callable are its own affair.
    boosting : trees, leaves and the like of the named learners; None chooses them by the number of rows.

    Raises
    ------
    InputError : a learner of no known name, or one whose package is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> rows = np.array([[i, j] for i in range(6) for j in range(6)], dtype=float)
    >>> variate = TreeControlVariate(lambda rows, outputs, seed: DecisionTreeRegressor().fit(rows, outputs))
    >>> fitted = variate.fit(rows, rows[:, :1] * rows[:, 1:], folds=np.arange(36) % 3, seed=0)
    >>> x, b = rows[[35]], rows[[0]]
    >>> phi = fitted.values(x[0], b, part_of_column=np.arange(2, dtype=np.int32), parts=2)
    >>> fold = np.array([1])
    >>> phi.shape, np.allclose(phi[1].sum(axis=1), fitted.evaluate(x, folds=fold) - fitted.evaluate(b, folds=fold))
    ((3, 1, 2, 1), True)
    """

    learner: str | Callable[[Array, Array, int], Any] = "lightgbm"
    boosting: Boosting | None = None

    def __post_init__(self) -> None:
        if not callable(self.learner) and self.learner not in LEARNERS:
            names = ", ".join(map(repr, LEARNERS))
            raise InputError(f"learner must be one of {names} or a callable, got {self.learner!r}")

    @property
    def name(self) -> str:
        """For reports: what learns, and its version."""
        kind = "trees" if callable(self.learner) else "boosted trees"
        return f"{kind} of {learner_name(self.learner)}"

    def fit(self, rows: Array, outputs: Array, *, folds: NDArray[np.int64], seed: int) -> FittedTrees:
        """Fit to outputs (n, k) of rows (n, d), numbers or NaN; at most 100,000 rows are used.

        Raises
        ------
        InputError : shapes that do not fit, fewer than two folds or a fold that holds all rows; a learner that is not
            installed or gives something that is no ensemble of trees.
        """
        rows, outputs = doubles(rows), doubles(outputs)
        if len(rows) != len(outputs) or len(rows) != len(folds) or outputs.ndim != 2:
            raise InputError(
                f"outputs and folds must have an entry for each of {len(rows)} rows, got {outputs.shape} and "
                f"{folds.shape}"
            )
        count = _count(folds)
        some = _drawn(len(rows), seed=seed)
        rows, outputs, folds = rows[some], outputs[some], folds[some]
        return FittedTrees(tuple(self._fit_without(f, rows, outputs, folds, seed) for f in range(count)))

    def _fit_without(
        self, fold: int, rows: Array, outputs: Array, folds: NDArray[np.int64], seed: int
    ) -> tuple[Forest, ...]:
        seen = folds != fold
        if not seen.any():
            raise InputError(f"fold {fold} holds all rows, which leaves none to fit on")
        known, forests = np.ascontiguousarray(rows[seen]), []
        for output in outputs[seen].T:
            # Learners count in single precision: a large constant would leave nothing of what varies.
            centre, scale = float(output.mean()), float(output.std()) or 1.0
            target = (output - centre) / scale
            fitted = (
                self.learner(known, target, seed)
                if callable(self.learner)
                else LEARNERS[self.learner].fit(known, target, self.boosting or Boosting.for_rows(len(known)), seed)
            )
            forests.append(rescaled(trees_of(fitted), centre=centre, scale=scale))
        return tuple(forests)


@dataclass(frozen=True)
class FittedTrees:
    """A forest of one output for each fold and output."""

    forests: tuple[tuple[Forest, ...], ...]

    def evaluate(self, rows: Array, *, folds: NDArray[np.int64]) -> Array:
        """(n, k) outputs for rows (n, d), each by the trees that have not seen its fold (n,)."""
        rows = doubles(rows)
        found = np.empty((len(rows), len(self.forests[0])))
        for fold, forests in enumerate(self.forests):
            of = folds == fold
            if of.any():
                found[of] = np.column_stack([forest.margins(rows[of])[:, 0] for forest in forests])
        return found

    def values(self, x: Array, background: Array, *, part_of_column: NDArray[np.int32], parts: int) -> Array:
        """(folds, B, p, k) exact values for x (d,) against each background row (B, d); see `ControlVariate`."""
        each = [
            np.stack([pair_values(forest, x, background, part_of_column, parts)[:, :, 0] for forest in forests], axis=2)
            for forests in self.forests
        ]
        return np.stack(each)


@dataclass(frozen=True)
class ForestControlVariate:
    r"""Trees that are known beforehand: those inside a model whose outputs are a function of their sum.

    .. math:: s_o(z) = c_{o0} + \sum_j c_{oj}\, \mathrm{margin}_j(z)

    Nothing is learned but c, by least squares without the fold in question, so that every output of the model, such as
    the probabilities of a boosted classifier, has its combination of margins.

    Parameters
    ----------
    forest : a `pellucid.whitebox.Forest` over the columns of the model; its link does not matter.
    """

    forest: Forest

    @property
    def name(self) -> str:
        """For reports."""
        return f"the margins of {self.forest.source}"

    def fit(self, rows: Array, outputs: Array, *, folds: NDArray[np.int64], seed: int) -> FittedMargins:
        """Combine the margins of rows (n, d) to outputs (n, k); nothing is drawn.

        Raises
        ------
        InputError : rows with another number of columns than the forest has features; fewer than two folds.
        """
        rows, outputs = doubles(rows), doubles(outputs)
        if rows.ndim != 2 or rows.shape[1] != self.forest.features:
            raise InputError(
                f"the forest of control_variate must have a feature for each of {rows.shape[-1]} columns, "
                f"got {self.forest.features}; pass the forest of the model that is explained"
            )
        count = _count(folds)
        known = self.forest.margins(rows)
        slopes, constants = zip(
            *(_least_squares(known[folds != f], outputs[folds != f]) for f in range(count)), strict=True
        )
        return FittedMargins(self.forest, np.stack(slopes), np.stack(constants))


@dataclass(frozen=True)
class FittedMargins:
    """One forest with a combination of its margins for each fold: slopes (folds, j, k), constants (folds, k)."""

    forest: Forest
    slopes: Array
    constants: Array

    def evaluate(self, rows: Array, *, folds: NDArray[np.int64]) -> Array:
        """(n, k) outputs for rows (n, d), each by the combination that has not seen its fold (n,)."""
        known = self.forest.margins(rows)
        found: Array = self.constants[folds]  # a copy
        for j, of_margin in enumerate(known.T):
            found += of_margin[:, None] * self.slopes[folds, j]
        return found

    def values(self, x: Array, background: Array, *, part_of_column: NDArray[np.int32], parts: int) -> Array:
        """(folds, B, p, k) exact values for x (d,) against each background row (B, d); see `ControlVariate`."""
        phi = pair_values(self.forest, x, background, part_of_column, parts)
        return np.asarray(np.einsum("bpj,fjk->fbpk", phi, self.slopes))


def pair_values(forest: Forest, x: Array, background: Array, part_of_column: NDArray[np.int32], parts: int) -> Array:
    """(B, p, j) exact values of the margins of x (d,) against each background row (B, d) alone."""
    from pellucid import _core

    players = np.ascontiguousarray(part_of_column, dtype=np.int32)
    flat = _core.tree_pair_values(forest.core, players, parts, doubles(x), doubles(background))
    return np.asarray(flat).reshape(len(background), parts, -1)


def rescaled(forest: Forest, *, centre: float, scale: float) -> Forest:
    """The forest whose margin is centre + scale times that of this one."""
    arrays = dict(forest.arrays)
    arrays["values"] = arrays["values"] * scale
    arrays["base"] = arrays["base"] * scale + centre
    return Forest(**arrays, source=forest.source)


def _least_squares(known: Array, outputs: Array) -> tuple[Array, Array]:
    """Slopes (j, k) and constants (k,); sums without BLAS, whose order depends on threads."""
    centre, mean = known.mean(axis=0), outputs.mean(axis=0)
    scale = known.std(axis=0)
    z = (known - centre) / np.where(scale > 0, scale, 1.0)
    gram = np.einsum("ni,nj->ij", z, z)
    slopes = np.linalg.lstsq(gram, np.einsum("ni,nk->ik", z, outputs - mean), rcond=1e-10)[0]
    slopes /= np.where(scale > 0, scale, 1.0)[:, None]
    return slopes, mean - np.einsum("i,ik->k", centre, slopes)


def _count(folds: NDArray[np.int64]) -> int:
    count = int(folds.max()) + 1
    if count < 2:
        raise InputError(f"folds must name at least two folds, got {count}")
    return count


def _drawn(rows: int, *, seed: int) -> NDArray[np.int64] | slice:
    """At most as many rows as a learner sees, in their order."""
    from pellucid import _core

    if rows <= MOST_ROWS_TO_LEARN:
        return slice(None)
    drawn: NDArray[np.int64] = _core.random_permutations(seed, rows, 2, 1)[0][:MOST_ROWS_TO_LEARN]
    return np.sort(drawn)
