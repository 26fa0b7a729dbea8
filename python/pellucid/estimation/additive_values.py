"""Exact Shapley values of sums of functions of one column each, prepared once for players and background."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.estimation.estimate import Array


class MarginalAdditiveValues:
    r"""Marginal values of an additive structure: :math:`\phi_i = \sum_{j \in i} g_j(x_j) - \mathrm{E}\, g_j(B_j)`.

    Parameters
    ----------
    structure : an `Additive`, of which `Linear` is one.
    part_of_column : (d,) the player of each column.
    parts : number p of players.
    background : (B, d) rows in the codes of the structure.
    weights : (B,) their weights, with sum 1.
    """

    offers = frozenset({"values", "interactions"})
    in_batches = True

    def __init__(
        self, structure: Any, *, part_of_column: NDArray[np.int32], parts: int, background: Array, weights: Array
    ) -> None:
        self.structure = structure
        self._against = (background, weights, part_of_column, parts)

    @property
    def method(self) -> str:
        return f"Shapley values of a linear model, {'baseline' if len(self._against[0]) == 1 else 'marginal'}"

    @property
    def how(self) -> str:
        return "a closed form"

    @property
    def base(self) -> Array:
        """(k,) the mean margin of the background."""
        return self._found(np.empty((0, self.structure.features)))[1]

    def values(self, rows: Array) -> tuple[Array, None]:
        """(n, p, k) values of rows (n, d)."""
        return self._found(rows)[0], None

    def interactions(self, rows: Array) -> Array:
        """(n, p, p, k) zeros: no two columns of a sum interact."""
        parts = self._against[3]
        return np.zeros((len(rows), parts, parts, len(self.structure.intercept)))

    def error_bound(self, rows: Array, what: str = "values") -> Array:
        """(k,) of values of these rows; interactions are 0, and the matrix has the values on its diagonal."""
        from pellucid.estimation.linear_values import marginal_error_bound

        return np.asarray(marginal_error_bound(self.structure, rows, *self._against))

    def _found(self, rows: Array) -> tuple[Array, Array]:
        from pellucid.estimation.linear_values import linear_marginal

        values, base = linear_marginal(self.structure, rows, *self._against)
        return values, base


class ConditionalLinearValues:
    """Values of a linear structure under a normal law of the columns, causal orders included.

    Parameters
    ----------
    structure : a `Linear`.
    law : the normal law.
    name : "conditional, gaussian" or "causal, gaussian", for reports.
    part_of_column, parts : as above.
    seed : of the orders of very many players, where not all coalitions can be solved.
    """

    offers = frozenset({"values"})
    in_batches = False

    def __init__(
        self, structure: Any, *, law: Any, name: str, part_of_column: NDArray[np.int32], parts: int, seed: int
    ) -> None:
        self.structure, self.law, self.name = structure, law, name
        self._players, self._seed = (part_of_column, parts), seed
        self.how = "a closed form under a normal law"

    @property
    def method(self) -> str:
        return f"Shapley values of a linear model, {self.name}"

    @property
    def base(self) -> Array:
        """(k,) the margin at the mean of the law."""
        found: Array = self.structure.margins(self.law.draws.mean(axis=0)[None])[0]
        return found

    def values(self, rows: Array) -> tuple[Array, Array | None]:
        """(n, p, k) values of rows (n, d), and their standard errors where orders were drawn."""
        from pellucid.estimation.linear_values import linear_conditional

        values, std_err, _, self.how = linear_conditional(
            self.structure, rows, self.law, *self._players, seed=self._seed
        )
        return values, std_err

    def interactions(self, rows: Array) -> Array:
        raise InputError("conditional interactions of a linear model have no closed form here; sample them")

    def error_bound(self, rows: Array, what: str = "values") -> None:
        """Not derived: it depends on how the covariance is conditioned."""
        return
