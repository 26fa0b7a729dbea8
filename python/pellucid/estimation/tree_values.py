"""Exact Shapley values and interactions of trees, prepared once for players and background."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.estimation.estimate import Array
from pellucid.whitebox import Forest
from pellucid.whitebox.questions import LEAF

PRECISIONS = ("double", "single")


class ExactValues(Protocol):
    """What finds the Shapley values of a model whose inside is known.

    Attributes
    ----------
    method : how a report names it.
    how : how the values were found, in a few words.
    base : (k,) the value of nobody.
    offers : what it can find: "values", "interactions".
    in_batches : some of the rows cost that part of the time.
    """

    offers: frozenset[str]
    in_batches: bool

    @property
    def how(self) -> str: ...

    @property
    def method(self) -> str: ...

    @property
    def base(self) -> Array: ...

    def values(self, rows: Array) -> tuple[Array, Array | None]:
        """(n, p, k) values of rows (n, d), and their standard errors where something was sampled."""
        ...

    def interactions(self, rows: Array) -> Array:
        """(n, p, p, k) pairwise indices of rows (n, d), 0 on the diagonal."""
        ...

    def error_bound(self, rows: Array, what: str = "values") -> Array | None:
        """(k,) how far a value of these rows can be off by rounding; None where no bound is derived.

        Of "interactions", an entry of the matrix that halves of the indices make with the values.
        """
        ...


class TreeValues:
    r"""Shapley values of the margins of a forest, one of two games.

    Path-dependent, without a background: :math:`v(S)` follows x in the questions about S and averages both ways by the
    cover of the training rows in all others [lundberg2020]. Marginal, with one: :math:`v(S) = \sum_b w_b f(x_S,
    b_{\bar S})`, exact over all b at once. The one is a polynomial of an inclusion probability, which Gauss-Legendre
    nodes integrate exactly [wettenstein2026], the other a sum over subsets of the players on a path [nadel2026]; what
    is left is rounding, and `error_bound` holds it.

    Parameters
    ----------
    forest : its margins are explained.
    part_of_column : (d,) the player of each column.
    parts : number p of players, each with a column.
    background : (B, d) rows in the codes of the forest; None for path-dependent values.
    weights : (B,) their weights, with sum 1; None is equal weights.
    single : compute path-dependent values in float32, faster, with an error near 1e-6 of the largest.

    Raises
    ------
    InputError : path-dependent values of a forest without cover, or in single precision with a background.
    """

    offers = frozenset({"values", "interactions"})
    in_batches = True

    def __init__(
        self,
        forest: Forest,
        *,
        part_of_column: NDArray[np.int32],
        parts: int,
        background: Array | None = None,
        weights: Array | None = None,
        single: bool = False,
    ) -> None:
        if background is None and not forest.has_cover:
            raise InputError(
                f"path-dependent values need the weight of the training rows in each node, which {forest.source} does "
                "not have; pass a background"
            )
        if background is not None and single:
            raise InputError(
                "precision must be 'double' with a background, got 'single', which only path-dependent values have"
            )
        self.forest = forest
        self.parts = int(parts)
        self.part_of_column = np.ascontiguousarray(part_of_column, dtype=np.int32)
        self.background = None if background is None else np.ascontiguousarray(background, dtype=np.float64)
        if background is not None and weights is None:
            weights = np.full(len(background), 1.0 / len(background))
        self.weights = None if weights is None else np.ascontiguousarray(weights, dtype=np.float64)
        self.single = bool(single)
        self._kernel: Any = None
        self._diagonal: Array | None = None

    @property
    def kernel(self) -> Any:
        """The prepared object of the core; made again where it did not travel with a pickle."""
        if self._kernel is None:
            from pellucid import _core

            core, players = self.forest.core, (self.part_of_column, self.parts)
            if self.background is None:
                self._kernel = _core.PathShapley(core, *players, self.single)
            else:
                assert self.weights is not None
                self._kernel = _core.MarginalShapley(core, *players, self.background, self.weights)
        return self._kernel

    @property
    def method(self) -> str:
        if self.background is None:
            return "Shapley values of trees, path-dependent"
        return f"Shapley values of trees, {'baseline' if len(self.background) == 1 else 'marginal'}"

    @property
    def base(self) -> Array:
        """(k,) the expected margin."""
        return np.asarray(self.kernel.base)

    @property
    def how(self) -> str:
        from pellucid import _core

        return f"{_core.simd_level()} kernels{', single precision' if self.single else ''}"

    def values(self, rows: Array) -> tuple[Array, None]:
        """(n, p, k) values of rows (n, d), C-contiguous float64."""
        return self.kernel.values(rows).reshape(len(rows), self.parts, len(self.forest.outputs)), None

    def interactions(self, rows: Array) -> Array:
        """(n, p, p, k) indices :math:`I_{ij}` of rows (n, d), 0 on the diagonal."""
        shape = (len(rows), self.parts, self.parts, len(self.forest.outputs))
        found: Array = self.kernel.interactions(rows).reshape(shape)
        return found

    def error_bound(self, rows: Array, what: str = "values") -> Array:
        """(k,) the same for all rows."""
        values: Array = np.asarray(self.kernel.error_bound)
        return values if what == "values" else values + self._of_diagonal()

    def _of_diagonal(self) -> Array:
        """What taking half an index for each other player from a value adds: their errors, and those of the sum.

        An index is a mean of second differences of v, so it is at most 4 times the largest margin.
        """
        if self._diagonal is None:
            a = self.forest.arrays
            asked = np.unique(self.part_of_column[a["split_features"][a["questions"] != LEAF]])
            sums = 2.0 * self.parts * np.finfo(np.float64).eps * self.forest.largest_margins()
            others = max(0, len(asked) - 1)
            self._diagonal = others * (0.5 * np.asarray(self.kernel.interaction_error_bound) + sums)
        return self._diagonal

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kernel": None}


def checked_precision(precision: Any) -> str:
    if precision not in PRECISIONS:
        raise InputError(f"precision must be one of {', '.join(map(repr, PRECISIONS))}, got {precision!r}")
    return str(precision)
