"""LIME on the rows of a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import require_memory
from pellucid.attribution.lime_trees import NAME, TreeLime, forest_columns, tree_lime
from pellucid.attribution.local_options import LocalOptions
from pellucid.attribution.local_results import Explained
from pellucid.attribution.shown import shown
from pellucid.estimation.clock import Deadline
from pellucid.estimation.kernel_share import share_of_normals, share_of_switches, warning_of
from pellucid.estimation.local_samples import ForestColumns, TableSamples
from pellucid.model import PROBE_ROWS, Model
from pellucid.representation.neighbourhood import Neighbourhood
from pellucid.representation.table_law import TableLaw
from pellucid.results import LocalExplanation
from pellucid.space import Space

Array = NDArray[np.float64]

SAMPLES = 4096


class LocalTables:
    """Explains rows of tables like the background the law was learned from."""

    def __init__(self, model: Model, law: TableLaw, *, background: Array, given: int) -> None:
        self.model, self.law = model, law
        self._background, self._given = background[:PROBE_ROWS], given
        self._charged: int | None = None
        self._trees: TreeLime | None = None
        self._forests: tuple[Space, ForestColumns | None] | None = None
        self._reason: str | None = None  # why trees are sampled; None while they were not looked for

    @property
    def description(self) -> str:
        return f"{self.model.description}, background of {self._given:,} rows"

    def explain(self, X: Any, options: LocalOptions, *, tracked: Callable[[range], Iterator[int]]) -> LocalExplanation:
        start, inside = perf_counter(), self.model.seconds
        deadline = None if options.time_limit is None else Deadline.after(options.time_limit)
        space = self.model.space.extend(X)
        codes = space.encode(X)
        self.law.require_known(codes)
        trees, shared = self._read_trees(options)
        most = 0
        if trees is None:
            # Before anything is paid; a model that does not repeat itself is charged for more below.
            options.samples_affordable(charged=2 * len(self._background) + 1, default=SAMPLES)
            probed, charged = self._probe(options)
            shared += probed
            most = options.samples_affordable(charged=charged, default=SAMPLES)
        known = space == self.model.space
        model, law = (self.model, self.law) if known else (self.model.with_space(space), self.law.extended(space))
        model.check_outputs(options.outputs)
        predictions = model(codes) if trees is None else trees.predictions(space, codes)
        columns, names = model.choose(options.outputs, predictions)
        shape = (len(codes), len(self.law.space.parts), len(names))
        require_memory("values", shape, unit=f"rows, {shape[1]} parts and {shape[2]} outputs")
        about = Explained(
            model, options, self.law.space.parts, predictions, columns, names, shared, self._given, start, inside
        )
        if trees is not None:
            about.method, about.own_rows = NAME, 0
        elif self._reason:
            about.warnings = (self._reason,)
        for at in tracked(range(len(codes))):
            if trees is not None:
                near = self._near(law, codes[at], options)
                estimate = trees.estimate(near, space, columns[at], options.fitting, seed=options.seed)
                about.add(estimate, labels=near.labels, warning=_kernel_warning(near, options))
                continue
            samples, labels, warning = self._samples(model, law, codes[at], columns[at], options, planned=most)
            left = None if deadline is None else deadline.share(len(codes) - at)
            estimate = options.fit(samples, most=most, parts=self.law.space.parts, deadline=left)
            about.add(estimate, labels=labels, warning=warning)
        return about.explanation(data=shown(space, codes)[0])

    def _read_trees(self, options: LocalOptions) -> tuple[TreeLime | None, int]:
        """The exact road where there is one, and the model rows that it took now to know."""
        if self._reason is not None:
            return self._trees, 0
        before = self.model.rows_used
        self._trees, self._reason = tree_lime(self.model, self.law, self._background, options)
        return self._trees, self.model.rows_used - before

    def _probe(self, options: LocalOptions) -> tuple[int, int]:
        """Rows paid now for all inputs, and what every input is charged."""
        before = self.model.rows_used + self.model.rows_cached
        if self._charged is None:
            self.model.probe(self._background)
            self.model.check_outputs(options.outputs)
            self._charged = (2 if self.model.steady else 3) * len(self._background) + 1
        return self.model.rows_used + self.model.rows_cached - before, self._charged

    @staticmethod
    def _near(law: TableLaw, x: Array, options: LocalOptions) -> Neighbourhood:
        return law.around(x, kernel_width=options.locality.width_for(len(law.space.parts), "euclidean"))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_forests": None}

    def _forests_for(self, model: Model, options: LocalOptions) -> ForestColumns | None:
        if self._forests is None or self._forests[0] != model.space:
            self._forests = model.space, forest_columns(model, options)
        return self._forests[1]

    def _samples(
        self,
        model: Model,
        law: TableLaw,
        x: Array,
        columns: NDArray[np.int64],
        options: LocalOptions,
        *,
        planned: int,
    ) -> tuple[TableSamples, tuple[str, ...], str | None]:
        locality = options.locality
        near = self._near(law, x, options)
        samples = TableSamples(
            model,
            near,
            locality=locality,
            absorbed=locality.plain and options.plain,
            seed=options.seed,
            planned=planned,
            columns=columns,
            control_variate=options.control_variate,
            given=options.sampler,
            first=x if options.compat is not None and options.sampler is None else None,
            forests=self._forests_for(model, options),
        )
        return samples, near.labels, _kernel_warning(near, options)


def _kernel_warning(near: Neighbourhood, options: LocalOptions) -> str | None:
    """Whether the kernel leaves the law of the background as it is."""
    if not options.locality.plain or options.sampler is not None or math.isinf(near.kernel_width):
        return None
    if near.binary:
        return warning_of(share_of_switches(near.measure, width=near.kernel_width))
    if np.isnan(near.measure).all() and not near.local:
        return warning_of(share_of_normals(near.z_x, width=near.kernel_width))
    return None
