"""Exact values from the inside of a model: the straight road of `Shapley` for trees and linear functions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod
from time import perf_counter
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_whole, require_memory, threads
from pellucid.attribution.background import Background
from pellucid.attribution.shown import shown_codes, shown_texts
from pellucid.attribution.value_functions import Completed
from pellucid.attribution.white_box_rows import RowSource
from pellucid.errors import BudgetError, InputError, ModelFormatError
from pellucid.estimation.additive_values import ConditionalLinearValues, MarginalAdditiveValues
from pellucid.estimation.reporting import rows_of_each
from pellucid.estimation.tree_values import ExactValues, TreeValues
from pellucid.model import Model
from pellucid.model.choice import choose_outputs
from pellucid.model.structure_codes import StructureCodes
from pellucid.model.structure_probe import probe_structure, require_accepted, require_numbers
from pellucid.progress import Progress, track
from pellucid.results import Attribution, Interactions, Report
from pellucid.space import Space
from pellucid.whitebox import Forest

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """The arguments of the explainer, of the same names."""

    outputs: Any
    tolerance: float | None
    budget: int | None
    time_limit: float | None
    batch_bytes: int
    n_threads: int | None
    progress: Progress
    seed: int
    precision: str


@dataclass(frozen=True)
class _Rows:
    """What was computed for the rows of one call, and what their results have in common."""

    values: Array  # of parts or of pairs, for the margins
    std_err: Array | None
    whole: bool
    columns: NDArray[np.int64]
    common: dict[str, Any]


class WhiteBox:
    """Shapley values of a model whose inside is known, prepared once.

    Parameters
    ----------
    structure : the trees or the linear function.
    source : reads the rows of a call.
    matrix : (k', k) makes explained outputs of margins.
    worth : rows to average over, or a normal law; None for path-dependent values.
    asked : arguments of the explainer.
    strict : a model that the structure does not reproduce is refused; otherwise `refusal` says why.
    as_predicted : what is explained is what the model returns, through its link, so that the names are its own;
        otherwise the margins are, which it has no way to return.
    """

    def __init__(
        self,
        structure: Any,
        *,
        source: RowSource,
        matrix: Array,
        worth: Background | Completed | None,
        asked: Asked,
        strict: bool,
        as_predicted: bool,
    ) -> None:
        self.structure = structure
        self.source = source
        self.worth = worth
        self.asked = asked
        self.strict = strict
        self.refusal = ""
        self.rows_probed = 0
        self._refuses_missing = False
        self._matrix = None if np.array_equal(matrix, np.eye(len(matrix))) else matrix
        self._as_predicted = as_predicted
        self._names: tuple[str, ...] | None = None
        self._codes: tuple[Space, StructureCodes] | None = None
        self._engines: dict[bytes, ExactValues] = {}
        self._said: tuple[tuple[int, int, str], str] | None = None

    def offers(self, what: str) -> bool:
        """Whether "attribution" or "interactions" can be had."""
        return what == "attribution" or not isinstance(self.worth, Completed)

    def attribution(self, X: Any) -> Attribution | None:
        """Shapley values of rows X; None where the probe refused the structure and sampling may go on."""
        start = perf_counter()
        with threads(self.asked.n_threads):
            found = self._rows(X, "values", start)
        if found is None:
            return None
        values = _taken(self._explained(found.values), found)
        # Of one margin for each output, as the error of a sum of several needs their covariance.
        std_err = None if found.std_err is None else _taken(self._reach(found.std_err), found)
        return _refinable({"values": _lasting(values), "std_err": std_err, **found.common})

    def interactions(self, X: Any) -> Interactions | None:
        """Pairwise interactions of rows X, as `attribution`."""
        start = perf_counter()
        with threads(self.asked.n_threads):
            found = self._rows(X, "interactions", start)
        if found is None:
            return None
        values = _taken(self._explained(found.values), found)
        return Interactions(values=_lasting(values), **{**found.common, "report": found.common["report"]()})

    def _rows(self, X: Any, what: str, start: float) -> _Rows | None:
        model, codes = self.source.read(X)
        inside = model.seconds
        fresh = self._verified(model, codes)
        if self.refusal:
            if self.strict:
                raise ModelFormatError(f"refusing: {self.refusal}")
            return None
        if self._refuses_missing:
            require_accepted(model, codes)
        space, n = model.space, len(codes)
        engine = self._engine(space)
        rows = self._seen(space, codes)
        margins = np.asarray(self.structure.margins(rows))
        require_numbers(model, self.structure, codes, margins)
        values, std_err = self._found(engine, rows, what, len(space.parts), start)
        predictions = self._explained(margins)
        names = self._names or self.structure.outputs
        columns, chosen = choose_outputs(self.asked.outputs, predictions=predictions, names=names)
        depends = not set(chosen) <= set(names)
        bound = engine.error_bound(rows, what)
        seconds = perf_counter() - start
        report = partial(
            _report,
            self.asked,
            rows=n,
            shared=fresh,
            bound=None if bound is None else self._reach(bound),
            columns=columns,
            std_err=std_err,
            method=engine.method if what == "values" else engine.method.replace("values", "interactions"),
            why=self._sentence(engine),
            seconds=seconds,
            seconds_outside_model=max(0.0, seconds - (model.seconds - inside)),
            model_output=self._model_output(model),
            model=self._description(model),
            link=model.link,
            value_function="path_dependent" if self.worth is None else self.worth.value_function,
            background_rows=0 if self.worth is None else self.worth.given,
            warnings=(*(() if self.worth is None else self.worth.warnings), *model.warnings),
        )
        whole = self.asked.outputs is None
        base = np.empty_like(predictions)
        base[:] = self._explained(engine.base)
        kept = codes.copy()
        kept.setflags(write=False)
        common = {
            "base_values": base if whole else np.take_along_axis(base, columns, axis=1),
            "predictions": predictions if whole else np.take_along_axis(predictions, columns, axis=1),
            "parts": space.parts,
            "outputs": chosen,
            "data": _lasting(shown_codes(space, kept)),
            "display": partial(shown_texts, space, kept),
            "selected": columns if depends else None,
            "selected_names": names if depends else (),
            "report": report,
        }
        return _Rows(values, std_err, whole, columns, common)

    def _verified(self, model: Model, codes: Array) -> int:
        """Probe the structure once; the model rows that this took now."""
        if self._names is not None or self.refusal:
            return 0
        if self.worth is not None:
            model, codes = self.source.model, self.worth.codes
        if not len(codes):
            return 0
        # One row may pay for no more than its budget, which the road of samples wants, too, should this one be closed.
        budget = self.asked.budget
        most = None if budget is None else max(1, budget // 4)
        probed = probe_structure(model, self.structure, codes, most=most)
        self.refusal, self.rows_probed, self._refuses_missing = probed.refusal, probed.rows, probed.refuses_missing
        if not self.refusal:
            self._names = model.output_names if self._as_predicted else self.structure.outputs
        return probed.rows

    def _engine(self, space: Space) -> ExactValues:
        """The prepared values for the players of a space: of one, unless calls bring their own names."""
        key = space.part_of_column.tobytes()
        if key not in self._engines:
            self._engines[key] = self._made(space)
        return self._engines[key]

    def _made(self, space: Space) -> ExactValues:
        players: dict[str, Any] = {"part_of_column": space.part_of_column, "parts": len(space.parts)}
        if isinstance(self.worth, Completed):
            about: dict[str, Any] = {"law": self.worth.law, "name": self.worth.value_function, "seed": self.asked.seed}
            return ConditionalLinearValues(self.structure, **players, **about)
        given: dict[str, Any] = {}
        if self.worth is not None:
            rows = StructureCodes(self.structure, self.source.model.space)(self.worth.codes)
            given = {"background": rows, "weights": self.worth.weights}
        if isinstance(self.structure, Forest):
            return TreeValues(self.structure, **players, **given, single=self.asked.precision == "single")
        return MarginalAdditiveValues(self.structure, **players, **given)

    def _seen(self, space: Space, codes: Array) -> Array:
        # Looked at once: a call in another thread may bring another space.
        known = self._codes
        if known is None or known[0] is not space:
            known = self._codes = (space, StructureCodes(self.structure, space))
        return known[1](codes)

    def _found(
        self, engine: ExactValues, rows: Array, what: str, parts: int, start: float
    ) -> tuple[Array, Array | None]:
        """Values (n, p, k) with standard errors, or matrices (n, p, p, k), of as many rows at once as fit."""
        (n, d), k = rows.shape, len(self.structure.outputs)
        pairs = what == "interactions"
        shape = (n, parts, parts, k) if pairs else (n, parts, k)
        step = max(1, self.asked.batch_bytes // (8 * (d + prod(shape[1:])))) if engine.in_batches else max(1, n)
        starts = range(0, n, step)
        if 8 * prod(shape) > self.asked.batch_bytes:
            require_memory("values", shape, unit=f"rows, {parts:,} players and {k} outputs")
        if n <= step and not pairs:
            return engine.values(rows)
        found, std_err = np.empty(shape), None
        for first in track(starts, total=len(starts), progress=self.asked.progress, label=f"Shapley {what}"):
            if first and self.asked.time_limit is not None and perf_counter() - start > self.asked.time_limit:
                raise _too_late(self.asked.time_limit, first, n)
            part = rows[first : first + step]
            if pairs:
                found[first : first + step] = _matrices(engine, part)
            else:
                found[first : first + step], std_err = engine.values(part)
        return found, std_err

    def _explained(self, margins: Array) -> Array:
        """(..., k) of margins as (..., k') of the outputs explained."""
        return margins if self._matrix is None else margins @ self._matrix.T

    def _reach(self, errors: Array) -> Array:
        return errors if self._matrix is None else errors @ np.abs(self._matrix).T

    def _model_output(self, model: Model) -> str:
        return model.model_output if self._as_predicted else "raw"

    def _description(self, model: Model) -> str:
        return model.description if self._as_predicted else f"margin of {self.structure.source}"

    def _sentence(self, engine: ExactValues) -> str:
        """The same for all calls, so it is made once for each engine and what it says of itself."""
        key = (id(engine), self.rows_probed, engine.how)
        said = self._said
        if said is None or said[0] != key:
            said = self._said = (key, self._why(engine))
        return said[1]

    def _why(self, engine: ExactValues) -> str:
        structure = self.structure
        checked = f"read from {structure.source}, with no row yet to compare them by"
        if self.rows_probed:
            checked = f"read from {structure.source} and found to predict as it does on {self.rows_probed:,} rows"
        if not isinstance(structure, Forest):
            return f"{engine.how}: coefficients {checked}"
        trees = "1 tree" if structure.n_trees == 1 else f"{structure.n_trees:,} trees"
        margin = ""
        if self.source.switched or not self._as_predicted:
            margin = f"; the {structure.margin} is explained, since a mean by cover is a mean of margins"
        how = f"nothing is sampled, and predictions are those of the trees{margin}"
        return f"{trees}, {checked}, at their thresholds; {how}; {engine.how}"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_codes": None, "_said": None}


def _report(
    asked: Asked,
    *,
    rows: int,
    shared: int,
    bound: Array | None,
    columns: NDArray[np.int64],
    std_err: Array | None,
    **facts: Any,
) -> Report:
    """The report of a call, from what was known then: made when somebody reads it."""
    return Report(
        rows_per_row=rows_of_each([0] * rows, shared=shared),
        converged=(True,) * rows if asked.tolerance is not None else (),
        budget=asked.budget,
        tolerance=asked.tolerance,
        seed=asked.seed,
        largest_std_err=0.0 if std_err is None else float(std_err.max(initial=0.0)),
        error_bound=None if bound is None or not rows else float(bound[columns].max()),
        **facts,
    )


def _matrices(engine: ExactValues, rows: Array) -> Array:
    r"""(n, p, p, k): half the index off the diagonal, and on it what is left of the values."""
    index = engine.interactions(rows)
    # A sum of both orders has one value in both places, whatever the order in which they were added up.
    found: Array = 0.25 * (index + index.transpose(0, 2, 1, 3))
    diagonal = np.arange(found.shape[1])
    found[:, diagonal, diagonal] = 0.0
    found[:, diagonal, diagonal] = engine.values(rows)[0] - found.sum(axis=2)
    return found


def _too_late(time_limit: float, done: int, n: int) -> BudgetError:
    return BudgetError(
        f"time_limit of {time_limit:g} s is over after {done:,} of {n:,} rows: exact values come row by row, with "
        "nothing to show of the others yet; explain fewer rows in a call, or leave time_limit out"
    )


def _taken(values: Array, rows: _Rows) -> Array:
    """The outputs chosen for each row, along the last axis."""
    if rows.whole:
        return values
    index = rows.columns.reshape(len(rows.columns), *([1] * (values.ndim - 2)), rows.columns.shape[1])
    return np.take_along_axis(values, index, axis=values.ndim - 1)


def _lasting(array: Array) -> Array:
    """An array that nobody else has, read-only, so that a result need not copy it."""
    array.setflags(write=False)
    return array


def _refinable(fields: dict[str, Any]) -> Attribution:
    """An attribution that has nothing to refine: going on gives itself."""

    def refine(budget: int) -> Attribution:
        if not is_whole(budget) or budget < 1:
            raise InputError(f"budget must be a whole number of model rows of at least 1, got {budget!r}")
        # Whoever calls this holds it; a strong reference would make a circle, which keeps large arrays for long.
        alive = itself()
        assert alive is not None
        return alive

    found = Attribution(**fields, _continue=refine)
    itself = ref(found)
    return found
