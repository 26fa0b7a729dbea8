"""What LIME on tables converges to where the model is trees: a sum over their leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.estimation.atom_laws import AtomLaw, inside_cells, of_cells, of_line
from pellucid.representation.cells import CellLaw, TiltedCells
from pellucid.representation.neighbourhood import Neighbourhood
from pellucid.results.lime_limit import LimeLimit
from pellucid.whitebox.forest import Forest

Array = NDArray[np.float64]

# Laws of bins that are kept: p features of some bins each, under one kernel.
_MOST_KEPT = 65_536


class Projection(NamedTuple):
    """The least squares fit of f on (1, z) under the law of a neighbourhood.

    Attributes
    ----------
    mean : (k,) E f.
    slopes : (p, k) coefficients of z.
    z_mean, z_variance : (p,) moments of z.
    """

    mean: Array
    slopes: Array
    z_mean: Array
    z_variance: Array

    @property
    def intercept(self) -> Array:
        """(k,) its value at z = 0."""
        return np.asarray(self.mean - self.z_mean @ self.slopes)

    @property
    def explained(self) -> Array:
        """(k,) the variance of the fit: the z_j are independent."""
        return np.asarray(self.z_variance @ self.slopes**2)


class ForestLimits:
    """The margins of a forest under the neighbourhoods of one `TableLaw`.

    Parameters
    ----------
    forest : trees on the d columns of the table.
    part_of_column : (d,) the part each column belongs to.
    seen : from codes (m, d) to what the forest sees; None where it sees codes.
    """

    def __init__(
        self, forest: Forest, part_of_column: NDArray[np.int32], *, seen: Callable[[Array], Array] | None = None
    ) -> None:
        from pellucid import _core

        columns = np.ascontiguousarray(part_of_column, dtype=np.int32)
        if len(columns) != forest.features:
            raise InputError(
                f"forest must have the columns of the table, {len(columns)}, got {forest.features} features"
            )
        self._parts = int(columns.max()) + 1
        self._columns = len(columns)
        self._outputs = len(forest.outputs)
        self._seen = seen
        self._measure = _core.ProductMeasure(forest.core, columns, self._parts)
        self._starts = np.asarray(self._measure.starts)
        self._used = [part for part in range(self._parts) if self._measure.used(part)]
        self._borders = {part: np.asarray(self._measure.borders(part)) for part in self._used}
        self._inside: dict[int, tuple[CellLaw, Array]] = {}
        self._kept: dict[object, AtomLaw] = {}

    def projection(self, near: Neighbourhood) -> Projection:
        """The fit that `Lime` estimates around one row.

        Raises
        ------
        InputError : whole rows of the background are drawn, which is no product law; a row of one-hot columns that are
            not 0 and 1.
        """
        if not near.product:
            raise InputError(
                "near must be a product law, got whole rows of the background; use bins, or continuous='gaussian'"
            )
        if len(near.parts) != self._parts or len(near.x) != self._columns:
            raise InputError(
                f"near must have {self._parts} parts of {self._columns} columns, as the forest, got "
                f"{len(near.parts)} of {len(near.x)}"
            )
        q, d = np.zeros((2, 1, int(self._starts[-1])))
        z_mean, z_variance = np.array(near.measure), near.measure * (1.0 - near.measure)
        no_borders = np.empty(0)
        for part, law in enumerate(near.laws):
            used = part in self._borders
            if isinstance(law, TiltedCells) and not used:
                continue
            if isinstance(law, TiltedCells):
                found = self._of_cells(part, law)
            else:
                found = of_line(
                    law,
                    self._borders[part] if used else no_borders,
                    centre=float(near.centre[part]),
                    unit=float(near.unit[part]),
                    scale=float(near.units[part]),
                )
            z_mean[part], z_variance[part] = found.mean, found.variance
            if used:
                at = slice(self._starts[part], self._starts[part + 1])
                q[0, at], d[0, at] = found.q, found.d
        limits = np.asarray(self._measure.limits(q, d)).reshape(self._parts + 1, self._outputs)
        return Projection(limits[0], limits[1:], z_mean, z_variance)

    def _of_cells(self, part: int, law: TiltedCells) -> AtomLaw:
        kept = self._kept.get(law.key)
        if kept is None:
            kept = of_cells(law, self._inside_of(part, law.law))
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[law.key] = kept
        return kept

    def _inside_of(self, part: int, law: CellLaw) -> Array:
        """Kept for the law that training rows gave; a row of its own kind brings another one."""
        known = self._inside.get(part)
        if known is not None and known[0] is law:
            return known[1]
        inside = inside_cells(law, self._borders[part], lambda codes: self._seen_of(law, codes))
        if known is None:
            self._inside[part] = law, inside
        return inside

    def _seen_of(self, law: CellLaw, codes: Array) -> Array:
        if self._seen is None:
            return codes
        rows = np.zeros((len(codes), self._columns))
        rows[:, list(law.columns)] = codes
        return self._seen(rows)[:, list(law.columns)]


def forest_lime_limit(forest: Forest, near: Neighbourhood) -> LimeLimit:
    r"""What LIME on tables estimates of the margins of trees, in closed form: no sampling, and no model rows.

    .. math:: \beta_j = \sum_{\mathrm{leaves}} v\, D_j(I_j) \prod_{k \ne j} Q_k(I_k), \qquad
        \beta_0 = \sum_{\mathrm{leaves}} v \prod_k Q_k(I_k) - \sum_j E[z_j]\, \beta_j

    With the kernel absorbed, the samples come from a product of one law Q_k for each part, and a leaf is a box of sets
    I_k. With bins and categories :math:`D_j(I) = P(I \mid z_j = 1) - P(I \mid z_j = 0)`; for a normal law of standard
    deviation :math:`\tau`, :math:`D_j((a, b]) = (\varphi(a) - \varphi(b)) / \tau`. The cost is leaves times depth.

    Parameters
    ----------
    forest : trees on the codes of the columns; what follows a link, such as probabilities, has no such limit.
    near : `TableLaw.around` a row.

    Raises
    ------
    InputError : the columns differ, or the law is not a product of one for each part.

    Examples
    --------
    A step of height 2 at 0, between rows around -1 and 1:

    >>> from pellucid.representation.table_law import TableLaw
    >>> from pellucid.space import Space
    >>> step = Forest(features=1, tree_starts=[0, 3], questions=[1, 0, 0], split_features=[0, -1, -1],
    ...               thresholds=[0, 0, 0], left=[1, -1, -1], right=[2, -1, -1], values=[[0], [0], [2]], base=[0])
    >>> rows = np.array([[-1.1], [-0.9], [0.9], [1.1]])
    >>> law = TableLaw.learn(rows, Space.infer(rows), bins={0: [0.0]})
    >>> limit = forest_lime_limit(step, law.around([1.0]))
    >>> limit.coefficients.round(9).tolist(), abs(limit.intercept).round(9).tolist()
    ([[2.0]], [0.0])

    References: [garreau2020] for the laws with the kernel absorbed.
    """
    found = ForestLimits(forest, near.part_of_column).projection(near)
    return LimeLimit(
        coefficients=found.slopes,
        intercept=found.intercept,
        parts=near.parts,
        method=f"closed form, over {forest.core.leaves:,} leaves",
    )
