"""The lime package's fit of samples, as an estimate with the standard errors of its last step."""

from __future__ import annotations

from typing import cast

import numpy as np

from pellucid.errors import InputError
from pellucid.estimation.lime_compat import FINAL_RIDGE, Selection, lime_fit
from pellucid.estimation.local_fit import local_fit
from pellucid.estimation.local_regression import Fitting, LocalEstimate
from pellucid.estimation.local_samples import Samples
from pellucid.estimation.locality import Locality, effective_rows

FEATURES = 10  # what lime shows where nothing is asked for
_NAMES = {
    "auto": "auto",
    "forward": "forward_selection",
    "lasso_path": "lasso_path",
    "highest_weights": "highest_weights",
}


def checked_selection(selection: str) -> Selection:
    if selection not in _NAMES:
        raise InputError(f"selection must be one of {', '.join(_NAMES)} with compat='lime', got {selection!r}")
    return cast(Selection, _NAMES[selection])


def compat_estimate(samples: Samples, fitting: Fitting, locality: Locality) -> LocalEstimate:
    """What the lime package makes of these samples; row 0 is the explained input."""
    distances = locality.distances(samples.z, origin=samples.origin, default=samples.distance)
    width = locality.width_for(len(samples.origin), samples.distance)
    fit = lime_fit(
        samples.z,
        samples.values,
        distances,
        kernel_width=width,
        num_features=fitting.max_features or FEATURES,
        feature_selection=checked_selection(fitting.selection),
    )
    weights = np.exp(-0.5 * (distances / width) ** 2)
    order = np.full(fit.values.shape, -1, dtype=np.int64)
    std_err = np.full(fit.values.shape, np.nan)
    for output, chosen in enumerate(fit.chosen):
        order[chosen, output] = np.arange(len(chosen))
        last = local_fit(
            samples.z,
            np.ascontiguousarray(samples.values[:, output : output + 1]),
            weights=weights,
            ridge=FINAL_RIDGE,
            keep=np.sort(chosen),
        )
        std_err[chosen, output] = last.std_err[chosen, 0]
    return LocalEstimate(
        coefficients=fit.values,
        std_err=std_err,
        intercept=fit.intercept,
        prediction=fit.local_prediction,
        r2=fit.score,
        order=order,
        effective_rows=effective_rows(weights),
        rows=samples.rows,
        model_rows=samples.model_rows,
        why=f"{samples.rows:,} samples and the choices of the lime package",
        warnings=(
            "standard errors are those of the chosen parts as if they had been chosen beforehand, and do not show that "
            "the ridge penalty of 1 shrinks coefficients",
        ),
    )
