"""The same surrogate with few coefficients, chosen for each output by its normal equations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation.local_fit import LocalFit, local_fit
from pellucid.estimation.local_samples import Samples
from pellucid.estimation.selection import select
from pellucid.results.text import counted, merged

Array = NDArray[np.float64]


class SparseFit:
    """Coefficients of at most `most` parts for each output, the others 0.

    Where parts are independent under the law of the samples, the fit of a few of them has the limit of the fit of
    all: the coefficients of that fit are taken, whose errors do not depend on how the few were chosen. Elsewhere the
    chosen parts are fitted again.

    Attributes
    ----------
    coefficients, std_err : (p, k), 0 and NaN for parts left out.
    intercept, r2 : (k,).
    order : (p, k), the place of entry, -1 for parts left out.
    why : how they were chosen.
    conditional : whether the errors are those of parts chosen beforehand.
    """

    def __init__(self, samples: Samples, fit: LocalFit, *, most: int, method: str, ridge: float) -> None:
        gram, response, total = fit.normal_equations()
        shape = fit.coefficients.shape
        self.coefficients, self.std_err = np.zeros(shape), np.full(shape, np.nan)
        self.intercept, self.r2 = np.empty(shape[1]), np.empty(shape[1])
        self.order = np.full(shape, -1, dtype=np.int64)
        self.conditional = not samples.independent
        # Independent parts have a Gram matrix that is diagonal but for chance: a proof would cost more than the fit.
        method = "exchange" if method == "auto" and samples.independent else method
        notes = []
        for output in range(shape[1]):
            one = np.ascontiguousarray(response[:, output])
            found = select(gram, one, total=float(total[output]), k=most, method=method)
            chosen = np.asarray(found.indices, dtype=np.int64)
            self.order[chosen, output] = np.arange(len(chosen))
            if samples.independent:
                self._take(samples, fit, output, chosen)
            else:
                self._refit(samples, output, chosen, ridge)
            notes.append(found.note)
        self.why = f"at most {counted(most, 'part')}, {merged(notes)}"

    def _take(self, samples: Samples, fit: LocalFit, output: int, chosen: NDArray[np.int64]) -> None:
        self.coefficients[chosen, output] = fit.coefficients[chosen, output]
        self.std_err[chosen, output] = fit.std_err[chosen, output]
        values = samples.values[:, output]
        linear = predictions(samples.z, np.concatenate([[0.0], self.coefficients[:, output]])[:, None])[:, 0]
        self.intercept[output] = (values - linear).mean()
        self.r2[output] = explained(values[:, None], (self.intercept[output] + linear)[:, None])[0]

    def _refit(self, samples: Samples, output: int, chosen: NDArray[np.int64], ridge: float) -> None:
        targets = samples.targets()
        own = targets.own
        fit = local_fit(
            samples.z,
            np.ascontiguousarray(targets.values[:, output : output + 1]),
            weights=samples.weights,
            own=None if own is None else np.ascontiguousarray(own[:, :, output : output + 1]),
            pairs=samples.pairs,
            ridge=ridge,
            keep=np.sort(chosen),
        )
        self.coefficients[:, output] = fit.coefficients[:, 0]
        self.std_err[chosen, output] = fit.std_err[chosen, 0]
        self.intercept[output], self.r2[output] = fit.intercept[0], fit.r2[0]


def predictions(z: NDArray[Any], fits: Array) -> Array:
    """Intercepts and coefficients (p + 1, k) on z (m, p): (m, k)."""
    from pellucid import _core

    if z.dtype == np.uint8:
        return np.asarray(_core.linear_predictions(z, fits))
    # In the order of the parts, which no library for matrix products may change.
    return np.asarray(fits[0] + np.einsum("ij,jk->ik", z, fits[1:]))


def explained(values: Array, predicted: Array) -> Array:
    """R^2 (k,) on samples of weight 1; 1 for an output that does not vary."""
    missed = ((values - predicted) ** 2).sum(axis=0)
    spread = ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.where(spread > 0.0, 1.0 - missed / np.where(spread > 0.0, spread, 1.0), 1.0))
