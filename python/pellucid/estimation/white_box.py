"""A regressor of the user's own as the local surrogate, in place of the linear fit."""

from __future__ import annotations

from copy import deepcopy
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import shown
from pellucid.errors import InputError
from pellucid.estimation.local_regression import LocalEstimate
from pellucid.estimation.local_samples import Samples
from pellucid.estimation.locality import effective_rows

Array = NDArray[np.float64]


def checked_surrogate(surrogate: Any) -> Any:
    """None for the linear fit, else the regressor; "tree" is scikit-learn's, of depth 4."""
    if isinstance(surrogate, str) and surrogate == "linear":
        return None
    if isinstance(surrogate, str) and surrogate == "tree":
        from sklearn.tree import DecisionTreeRegressor

        return DecisionTreeRegressor(max_depth=4, min_samples_leaf=10, random_state=0)
    if isinstance(surrogate, type) or not all(callable(getattr(surrogate, name, None)) for name in ("fit", "predict")):
        raise InputError(
            f"surrogate must be 'linear', 'tree' or a regressor with fit and predict, such as Lasso(), got "
            f"{shown(surrogate)}"
        )
    return surrogate


def white_box_estimate(samples: Samples, surrogate: Any) -> LocalEstimate:
    """A copy of the regressor fitted to the samples, output by output.

    The coefficients are its `coef_` where it is linear; else what it loses at the explained input as a part leaves.
    """
    z = np.asarray(samples.z, dtype=np.float64)
    weights = np.ones(len(z)) if samples.weights is None else samples.weights
    k = samples.values.shape[1]
    found = [_one(z, samples.values[:, output], weights, samples.origin, surrogate) for output in range(k)]
    coefficients, intercept, prediction, r2, fitted = zip(*found, strict=True)
    return LocalEstimate(
        coefficients=np.column_stack(coefficients),
        std_err=np.full((len(samples.origin), k), np.nan),
        intercept=np.array(intercept),
        prediction=np.array(prediction),
        r2=np.array(r2),
        order=np.zeros((len(samples.origin), k), dtype=np.int64),
        effective_rows=effective_rows(weights),
        rows=samples.rows,
        model_rows=samples.model_rows,
        why=f"{samples.rows:,} samples, {samples.why}; {type(surrogate).__name__} as the surrogate",
        warnings=("no standard errors: how far a surrogate of your own errs is not known",),
        fitted=fitted,
    )


def _one(
    z: Array, values: Array, weights: Array, origin: Array, surrogate: Any
) -> tuple[Array, float, float, float, Any]:
    fitted = deepcopy(surrogate)
    if _takes_weights(fitted):
        fitted.fit(z, values, sample_weight=weights)
    elif np.ptp(weights) == 0.0:
        fitted.fit(z, values)
    else:
        raise InputError(
            f"surrogate must have fit(z, y, sample_weight=), as these samples are weighted; that of "
            f"{type(surrogate).__name__} takes no weights"
        )
    explained = _predicted(fitted, origin[None])[0]
    coefficients = _linear_part(fitted, len(origin))
    if coefficients is None:
        without = np.tile(origin, (len(origin), 1))
        np.fill_diagonal(without, 0.0)
        coefficients = explained - _predicted(fitted, without)
        intercept = explained - float(coefficients.sum())
    else:
        intercept = explained - float(coefficients @ origin)
    centre = np.average(values, weights=weights)
    spread = float(weights @ (values - centre) ** 2)
    missed = float(weights @ (values - _predicted(fitted, z)) ** 2)
    return coefficients, intercept, explained, 1.0 - missed / spread if spread > 0 else np.nan, fitted


def _takes_weights(surrogate: Any) -> bool:
    try:
        parameters = signature(surrogate.fit).parameters
    except (TypeError, ValueError):
        return True
    return "sample_weight" in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def _linear_part(fitted: Any, parts: int) -> Array | None:
    coefficients = getattr(fitted, "coef_", None)
    if coefficients is None:
        return None
    array = np.asarray(coefficients, dtype=np.float64).reshape(-1)
    return array if array.shape == (parts,) else None


def _predicted(fitted: Any, z: Array) -> Array:
    predicted = fitted.predict(z)
    try:
        array = np.asarray(predicted, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InputError(f"surrogate must predict numbers, got {type(predicted).__name__} ({error})") from error
    if array.shape != (len(z),):
        raise InputError(f"surrogate must predict one number per row, got shape {array.shape} for {len(z)} rows")
    if not np.isfinite(array).all():
        raise InputError(f"surrogate must predict finite numbers, got {array[~np.isfinite(array)][0]}")
    return array
