"""The explanation of estimates: arrays, reports and what a careful reader should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.attribution.local_options import LocalOptions
from pellucid.attribution.shown import chosen_outputs
from pellucid.attribution.stacking import stacked
from pellucid.estimation.local_regression import LocalEstimate
from pellucid.estimation.reporting import rows_of_each
from pellucid.model import Model
from pellucid.results import LocalExplanation, Report
from pellucid.results.text import merged

Array = NDArray[np.float64]


@dataclass
class Explained:
    """The rows of one call and what has been found for them.

    Attributes
    ----------
    model, options, parts : what explains, how, in which words.
    predictions : (n, K) of the model; columns (n, k) those explained, called `names`.
    shared : model rows paid once for all.
    start, inside : when the call began, and the seconds the model had taken by then.
    estimates, labels : row by row.
    method : how the report names it, where it is not plain sampling or enumeration.
    own_rows : model rows that each input takes besides its samples.
    warnings : what there is to say of all rows.
    """

    model: Model
    options: LocalOptions
    parts: tuple[str, ...]
    predictions: Array
    columns: NDArray[np.int64]
    names: tuple[str, ...]
    shared: int
    background_rows: int
    start: float
    inside: float
    estimates: list[LocalEstimate] = field(default_factory=list)
    labels: list[Sequence[str]] = field(default_factory=list)
    method: str | None = None
    own_rows: int = 1
    warnings: tuple[str, ...] = ()

    def add(self, estimate: LocalEstimate, *, labels: Sequence[str], warning: str | None = None) -> None:
        """Keep what was found for the next input; `warning` is what its samples have to say."""
        if warning is not None:
            estimate = replace(estimate, warnings=(warning, *estimate.warnings))
        self.estimates.append(estimate)
        self.labels.append(labels)

    def explanation(self, *, data: Array | None = None, canvas: Any = None) -> LocalExplanation:
        """All rows as one result."""
        found, n, p, k = self.estimates, len(self.estimates), len(self.parts), len(self.names)
        exact = n > 0 and all(one.std_err is None for one in found)
        selected, selected_names = chosen_outputs(self.model, self.columns, self.names)
        return LocalExplanation(
            values=stacked([one.coefficients for one in found], (n, p, k)),
            base_values=stacked([one.intercept for one in found], (n, k)),
            predictions=np.take_along_axis(self.predictions, self.columns, axis=1),
            std_err=None if exact else stacked([_errors(one) for one in found], (n, p, k)),
            parts=self.parts,
            outputs=self.names,
            data=data,
            display=np.array(self.labels, dtype=np.str_).reshape(n, p),
            selected=selected,
            selected_names=selected_names,
            local_predictions=stacked([one.prediction for one in found], (n, k)),
            r2=stacked([one.r2 for one in found], (n, k)),
            effective_rows=np.array([one.effective_rows for one in found]),
            order=np.stack([one.order for one in found]) if n else np.empty((0, p, k), dtype=np.int64),
            surrogates=tuple(one.fitted for one in found if one.fitted),
            canvas=canvas,
            report=self._report(exact),
        )

    def _report(self, exact: bool) -> Report:
        options, found, n = self.options, self.estimates, len(self.estimates)
        seconds = perf_counter() - self.start
        warnings = dict.fromkeys([*self.model.warnings, *self.warnings, *(w for one in found for w in one.warnings)])
        late = sum(one.out_of_time for one in found)
        if late:
            warnings[f"the time limit ended the sampling of {late} of {n} inputs"] = None
        errors = [np.nan_to_num(_errors(one)).max(initial=0.0) for one in found]
        return Report(
            method=self.method or ("exact LIME, over all masks" if exact else "LIME"),
            why=merged(one.why for one in found),
            rows_per_row=rows_of_each([one.model_rows + self.own_rows for one in found], shared=self.shared),
            seconds=seconds,
            seconds_outside_model=max(0.0, seconds - (self.model.seconds - self.inside)),
            converged=tuple(one.reached and not one.out_of_time for one in found)
            if options.fitting.staged or late
            else (),
            budget=options.budget,
            tolerance=options.fitting.tolerance,
            seed=options.seed,
            model_output=self.model.model_output,
            model=self.model.description,
            link=self.model.link,
            background_rows=self.background_rows,
            coalitions=round(sum(one.rows for one in found) / n) if n else 0,
            largest_std_err=float(max(errors)) if n and all(np.isfinite(errors)) else None,
            r2=tuple(float(np.nanmin(one.r2)) if np.isfinite(one.r2).any() else 0.0 for one in found),
            effective_rows=tuple(float(one.effective_rows) for one in found),
            warnings=tuple(warnings),
        )


def _errors(estimate: LocalEstimate) -> Array:
    return np.zeros_like(estimate.coefficients) if estimate.std_err is None else estimate.std_err
