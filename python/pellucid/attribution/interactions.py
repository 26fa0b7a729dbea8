"""Pairwise Shapley interactions of any model that predicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.attribution.shapley import Shapley
from pellucid.errors import InputError
from pellucid.estimation.clock import Deadline
from pellucid.estimation.interactions import InteractionEstimate, InteractionSampler
from pellucid.estimation.plan import ShapleyPlan
from pellucid.games import GameLike
from pellucid.results import Interactions

# An interaction is a second difference, with more noise than a value; there are p / 2 times as many of them.
DEFAULT_TOLERANCE = 0.15


class ShapleyInteractions:
    r"""Pairwise Shapley interactions: what two features add together beyond what each adds alone, over all orders.

    .. math:: I_{ij} = \sum_{S \not\ni i, j} \frac{|S|!\,(p-|S|-2)!}{(p-1)!}\,
              \bigl(v(S \cup ij) - v(S \cup i) - v(S \cup j) + v(S)\bigr)

    with the game v of `Shapley`. The result holds the matrix :math:`\Phi_{ij} = I_{ij} / 2` and, on its diagonal,
    :math:`\Phi_{ii} = \phi_i - \sum_{j \ne i} \Phi_{ij}`: a row of it sums to the Shapley value, the whole to
    f(x) - base value. This is the convention of shap; `Interactions.index` is I itself.

    The coalitions are those of the Shapley values and cost no further model rows: where these need the difference of
    the outputs of a coalition and its complement, the interactions need the sum. Models without interactions of four
    or more features are explained without error as soon as every background row has about p^2 / 2 pairs of coalitions.

    Parameters
    ----------
    model, background : as in `Shapley`.
    method : "auto", "tree", "linear", "exact" or "regression"; random orders have no pairs of complements to tell
        interactions from.
    tolerance : stop when, with 95 % confidence, no index errs by more than this part of their spread, the largest or 0
        less the smallest or 0; 0.15 when no budget is given either.
    options : all others of `Shapley`.

    Raises
    ------
    InputError, ModelOutputError, BudgetError : as `Shapley`; InputError for method="permutation".

    Examples
    --------
    A product is all interaction. [grabisch1999]

    >>> explain = ShapleyInteractions(lambda rows: rows[:, 0] * rows[:, 1] + rows[:, 2], np.zeros((1, 3)))
    >>> found = explain(np.array([[2.0, 3.0, 1.0]]))
    >>> abs(found.values[0, :, :, 0].round(9)).tolist(), float(found.index[0, 0, 1, 0])
    ([[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0]], 6.0)
    """

    def __init__(self, model: Any, background: Any = None, **options: Any) -> None:
        if options.get("method") == "permutation":
            raise InputError(
                "method must be 'auto', 'exact' or 'regression' for interactions, got 'permutation': the coalitions of "
                "random orders do not tell them; use method='regression'"
            )
        if options.get("budget") is None and options.get("tolerance") is None:
            options["tolerance"] = DEFAULT_TOLERANCE
        self.explainer = Shapley(model, background, **options)
        self._sampler: InteractionSampler | None = None

    def __repr__(self) -> str:
        return f"ShapleyInteractions of {self.explainer!r}"

    def __call__(self, X: Any) -> Interactions:
        """Explain rows X (n, d), in the container of the background or another one with the same columns."""
        known: Interactions | None = self.explainer.exactly(X, "interactions")
        if known is not None:
            return known
        estimates, attribution_of = self.explainer.play(X, self._estimate)
        shapley = attribution_of([estimate.shapley for estimate in estimates])
        n, p, k = shapley.values.shape
        matrices = [estimate.matrix() for estimate in estimates]
        errors = [error for _, error in matrices if error is not None]
        exact = shapley.std_err is None
        return Interactions(
            values=np.stack([values for values, _ in matrices]) if n else np.empty((0, p, p, k)),
            std_err=None if exact else np.stack(errors) if n else np.empty((0, p, p, k)),
            shapley_std_err=shapley.std_err,
            base_values=shapley.base_values,
            predictions=shapley.predictions,
            parts=shapley.parts,
            outputs=shapley.outputs,
            data=shapley.data,
            display=shapley.display,
            selected=shapley.selected,
            selected_names=shapley.selected_names,
            report=replace(shapley.report, method=shapley.report.method.replace("values", "interactions")),
        )

    def _estimate(self, plan: ShapleyPlan, game: GameLike, deadline: Deadline | None) -> InteractionEstimate:
        if self._sampler is None or self._sampler.plan is not plan:
            self._sampler = InteractionSampler(plan)
        return self._sampler.estimate(game, deadline=deadline)

    def __getstate__(self) -> dict[str, Any]:
        # The design and its factorisations are made again from the seed, bit for bit.
        return {**self.__dict__, "_sampler": None}


def interactions(model: Any, X: Any, *, background: Any = None, **options: Any) -> Interactions:
    """Pairwise Shapley interactions of rows X (n, d): one line over `ShapleyInteractions`, which documents the options.

    Raises
    ------
    InputError, ModelOutputError, BudgetError : as `ShapleyInteractions`.

    Examples
    --------
    >>> found = interactions(lambda rows: rows.prod(axis=1), np.array([[1.0, 2.0]]), background=np.zeros((1, 2)))
    >>> found.values[0, :, :, 0].tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    return ShapleyInteractions(model, background, **options)(X)
