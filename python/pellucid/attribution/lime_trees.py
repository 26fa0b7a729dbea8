"""LIME of trees: the surrogate that sampling would converge to, computed from their leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import shown
from pellucid.attribution.local_options import LocalOptions
from pellucid.errors import InputError, ModelFormatError
from pellucid.estimation.forest_columns import FittedForests, KnownForest
from pellucid.estimation.lime_forest_limits import ForestLimits, Projection
from pellucid.estimation.local_regression import Fitting, LocalEstimate
from pellucid.estimation.local_samples import ForestColumns
from pellucid.estimation.selection import select
from pellucid.estimation.sparse_fit import predictions
from pellucid.model import Model
from pellucid.model.structure import outputs_of_margins
from pellucid.model.structure_codes import StructureCodes
from pellucid.model.structure_probe import probe_structure
from pellucid.representation.neighbourhood import Neighbourhood
from pellucid.representation.table_law import TableLaw
from pellucid.results.text import counted
from pellucid.space import Space
from pellucid.whitebox import Forest
from pellucid.whitebox.links import link_name

Array = NDArray[np.float64]

METHODS = ("auto", "tree", "sampling")
NAME = "LIME limit of trees, exact"
# Rows around x for which the trees alone are asked, to say how much of their variance the surrogate explains.
R2_ROWS = 1024


def checked_method(method: Any) -> str:
    if not isinstance(method, str) or method not in METHODS:
        raise InputError(f"method must be one of {', '.join(map(repr, METHODS))}, got {shown(method)}")
    return method


class TreeLime:
    """Exact local surrogates of a model whose trees are known; `refusal` says why where they are not what it predicts.

    Parameters
    ----------
    forest : the trees.
    matrix : (k', k) makes explained outputs of margins.
    model, background : the model and rows (b, d) to compare it with its trees on.
    """

    def __init__(self, forest: Forest, matrix: Array, *, model: Model, background: Array) -> None:
        self._forest, self._matrix = forest, matrix
        probed = probe_structure(model, forest, background)
        self.refusal, self.rows_probed = probed.refusal, probed.rows
        self._limits: tuple[Space, StructureCodes, ForestLimits] | None = None

    def predictions(self, space: Space, codes: Array) -> Array:
        """(n, k') of rows (n, d) in the codes of a space, by the trees."""
        return np.asarray(self._forest.margins(self._in(space)[0](codes)) @ self._matrix.T)

    def estimate(
        self, near: Neighbourhood, space: Space, columns: NDArray[np.int64], fitting: Fitting, *, seed: int
    ) -> LocalEstimate:
        """The surrogate around one row, of the chosen outputs (k,)."""
        found = self._in(space)[1].projection(near)
        matrix = self._matrix[columns]
        whole = Projection(matrix @ found.mean, found.slopes @ matrix.T, found.z_mean, found.z_variance)
        drawn = near.draw(seed, 0, R2_ROWS)
        values = self.predictions(space, drawn.codes)[:, columns]
        z = drawn.z * near.units if drawn.z.dtype != np.uint8 else drawn.z
        kept, order, note = _kept(whole, values, fitting)
        intercept = kept.intercept
        missed = ((values - predictions(z, np.vstack([intercept, kept.slopes]))) ** 2).mean(axis=0)
        # A forest that does not vary here is explained whole.
        total = kept.explained + missed
        r2 = np.where(total > 0.0, kept.explained / np.where(total > 0.0, total, 1.0), 1.0)
        return LocalEstimate(
            coefficients=kept.slopes,
            std_err=None,
            intercept=intercept,
            prediction=intercept + (near.z_x * near.units) @ kept.slopes,
            r2=r2,
            order=order,
            effective_rows=float(R2_ROWS),
            rows=0,
            model_rows=0,
            why=self._why(note),
        )

    def _why(self, note: str) -> str:
        forest = self._forest
        return (
            f"a sum over {forest.core.leaves:,} leaves of {counted(forest.core.trees, 'tree')}, read from "
            f"{forest.source} and found to predict as it does on {self.rows_probed:,} rows; nothing is sampled but R², "
            f"for which the trees alone answered {R2_ROWS:,} rows{note}"
        )

    def _in(self, space: Space) -> tuple[StructureCodes, ForestLimits]:
        known = self._limits
        if known is None or known[0] != space:
            seen = StructureCodes(self._forest, space)
            limits = ForestLimits(self._forest, space.part_of_column, seen=None if seen.plain else seen)
            known = self._limits = (space, seen, limits)
        return known[1], known[2]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_limits": None}


def tree_lime(model: Model, law: TableLaw, background: Array, options: LocalOptions) -> tuple[TreeLime | None, str]:
    """The exact road; or None, and the reason where a model with trees is sampled.

    Raises
    ------
    InputError, ModelFormatError : method="tree" was asked for and cannot be.
    """
    if options.method == "sampling":
        return None, ""
    strict = options.method == "tree"
    reason = _unlike_the_limit(law, options)
    if reason and not strict:
        return None, ""
    try:
        inside = None if reason else model.structure
    except ModelFormatError as error:
        if strict:
            raise
        return None, f"sampled, since the inside of {model.description} cannot be followed: {error}"
    matrix = None
    if isinstance(inside, Forest):
        matrix = outputs_of_margins(inside, model.link, clip=model.clip)
        reason = f"the outputs of {model.description} go through a {link_name(inside)} link and are no sum of trees"
    elif not reason:
        reason = f"no trees can be read from {model.description}"
    if matrix is None or not isinstance(inside, Forest):
        if strict:
            raise InputError(f"method='tree' is not possible: {reason}; use method='auto'")
        return None, ""
    found = TreeLime(inside, matrix, model=model, background=background)
    if found.refusal and strict:
        raise ModelFormatError(f"refusing: {found.refusal}")
    return (None, f"sampled, since {found.refusal}") if found.refusal else (found, "")


def forest_columns(model: Model, options: LocalOptions) -> ForestColumns | None:
    """Trees that take noise off sampled coefficients: those asked for, else those inside the model."""
    if not options.control_variate:
        return None
    if options.learner is not None:
        return FittedForests(options.learner)
    if options.method == "sampling":
        return None
    try:
        forest = model.structure
        if not isinstance(forest, Forest):
            return None
        seen = StructureCodes(forest, model.space)
    except ModelFormatError:
        return None
    return KnownForest(forest, model.space.part_of_column, seen=None if seen.plain else seen)


def _unlike_the_limit(law: TableLaw, options: LocalOptions) -> str:
    """What was asked for that is no least squares fit under a product law."""
    if options.compat is not None:
        return f"compat={options.compat!r} is a fit to samples"
    if options.sampler is not None:
        return "a sampler of your own has no law that is known"
    if options.surrogate is not None:
        return "a surrogate of your own is fitted to samples"
    if not options.locality.plain:
        return "only the usual kernel is part of a product law"
    if options.fitting.ridge:
        return f"a ridge of {options.fitting.ridge:g} belongs to a number of samples"
    if law.whole_rows is not None:
        return "whole rows of the background are no product law"
    return ""


def _kept(whole: Projection, values: Array, fitting: Fitting) -> tuple[Projection, NDArray[np.int64], str]:
    """At most `max_features` parts for each output, with the slopes of the fit of all, as parts are independent."""
    most, (p, k) = fitting.max_features, whole.slopes.shape
    if most is None or most >= p:
        return whole, np.zeros((p, k), dtype=np.int64), ""
    order = np.full((p, k), -1, dtype=np.int64)
    gram = np.diag(whole.z_variance)
    notes = []
    # All that a selection asks of the total is that it is no less than what is explained.
    totals = whole.explained + values.var(axis=0)
    method = "exchange" if fitting.selection == "auto" else fitting.selection
    for output in range(k):
        response = whole.z_variance * whole.slopes[:, output]
        found = select(gram, response, total=float(totals[output]), k=most, method=method)
        order[found.indices, output] = np.arange(len(found.indices))
        notes.append(found.note)
    slopes = np.where(order >= 0, whole.slopes, 0.0)
    note = f"; at most {counted(most, 'part')}, {'; '.join(dict.fromkeys(notes))}"
    return whole._replace(slopes=slopes), order, note
