"""Columns for a regression on z that take out what trees know of the outputs: forests less their own limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation.lime_forest_limits import ForestLimits
from pellucid.estimation.local_fit import local_fit
from pellucid.estimation.sparse_fit import predictions
from pellucid.estimation.surrogate_columns import FEWEST_ROWS, FOLDS, fold_starts
from pellucid.representation.neighbourhood import Neighbourhood
from pellucid.whitebox import Forest

Array = NDArray[np.float64]

# Small trees for what a linear fit leaves.
_TREES, _LEAVES, _LEAST_ROWS = 100, 15, 5
# Fewer samples than this for each column, and it costs more than it brings.
_ROWS_PER_COLUMN = 16


class KnownForest:
    r"""The margins of the trees inside a model, whose outputs go through a link.

    .. math:: h_i = g(x_i) - \beta_0(g) - z_i^\top \beta(g)

    It is uncorrelated with 1 and z under the law, whatever g is: the limits of the coefficients of z stay.

    Parameters
    ----------
    forest : its k' margins are e = k' columns for all outputs.
    part_of_column : (d,) the part of each column.
    seen : from codes to what the forest sees, or None.
    """

    def __init__(
        self, forest: Forest, part_of_column: NDArray[Any], *, seen: Callable[[Array], Array] | None = None
    ) -> None:
        self._forest, self._seen = forest, seen
        self._limits = ForestLimits(forest, part_of_column, seen=seen)

    @property
    def name(self) -> str:
        return f"the margins of the trees of {self._forest.source}"

    def columns(self, near: Neighbourhood, codes: Array, z: NDArray[Any], values: Array, *, seed: int) -> Array | None:
        margins = np.asarray(self._forest.margins(codes if self._seen is None else self._seen(codes)))
        if len(codes) < _ROWS_PER_COLUMN * margins.shape[1]:
            return None
        h = less_limit(margins, z, self._limits, near)
        return np.repeat(h[:, :, None], values.shape[1], axis=2)


class FittedForests:
    r"""Boosted trees fitted to the outputs less a linear fit, for each row without the block of rows that it is in.

    .. math:: h_i = g_{-f(i)}(x_i) - \beta_0(g_{-f(i)}) - z_i^\top \beta(g_{-f(i)})

    Blocks are four of consecutive rows, which of a net are nets again. There are no columns below 1,000 rows.

    Parameters
    ----------
    learner : as in `TreeControlVariate`.
    """

    def __init__(self, learner: Any) -> None:
        from pellucid.estimation.tree_control_variate import TreeControlVariate
        from pellucid.estimation.tree_learners import Boosting

        self._variate = TreeControlVariate(learner, Boosting(trees=_TREES, leaves=_LEAVES, least_rows=_LEAST_ROWS))

    @property
    def name(self) -> str:
        return str(self._variate.name)

    def columns(self, near: Neighbourhood, codes: Array, z: NDArray[Any], values: Array, *, seed: int) -> Array | None:
        m, k = values.shape
        if m < FEWEST_ROWS:
            return None
        starts = fold_starts(m, pairs=False)
        folds = np.repeat(np.arange(FOLDS), np.diff(starts))
        linear = local_fit(z, values)
        left = values - predictions(z, np.vstack([linear.intercept, linear.coefficients]))
        fitted = self._variate.fit(codes, left, folds=folds, seed=seed)
        h = np.empty((m, 1, k))
        margins = fitted.evaluate(codes, folds=folds)
        for fold, forests in enumerate(fitted.forests):
            at = slice(starts[fold], starts[fold + 1])
            for output, forest in enumerate(forests):
                limits = ForestLimits(forest, near.part_of_column)
                h[at, 0, output] = less_limit(margins[at, output : output + 1], z[at], limits, near)[:, 0]
        return h


def less_limit(margins: Array, z: NDArray[Any], limits: ForestLimits, near: Neighbourhood) -> Array:
    """Margins (m, k) less the linear functions of z that the forest has as its limits."""
    found = limits.projection(near)
    return margins - predictions(z, np.vstack([found.intercept, found.slopes]))
