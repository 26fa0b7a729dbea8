"""A weighted linear surrogate of samples around one input, grown until it is as precise as asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation.clock import Deadline
from pellucid.estimation.estimate import precise_enough
from pellucid.estimation.local_fit import LocalFit, local_fit, max_t
from pellucid.estimation.local_samples import Samples
from pellucid.estimation.schedule import stage_limits
from pellucid.estimation.sparse_fit import SparseFit, explained, predictions

Array = NDArray[np.float64]

# Fewer samples than this for each coefficient, and a small ridge is worth more than the bias that it brings.
ROWS_PER_COEFFICIENT = 4


@dataclass(frozen=True)
class Fitting:
    """How the surrogate is fitted.

    Attributes
    ----------
    max_features : most parts with a coefficient, None for all.
    selection : how they are chosen: "auto", "best_subset", "forward", "lasso_path" or "highest_weights".
    ridge : penalty on the squares of the coefficients; None is 0, and 1 where samples are few.
    tolerance : stop when every coefficient is so precise, as part of max - min of them.
    settle_top : stop when the order of so many largest |coefficients| is settled.
    """

    max_features: int | None = None
    selection: str = "auto"
    ridge: float | None = None
    tolerance: float | None = None
    settle_top: int | None = None

    @property
    def staged(self) -> bool:
        return self.tolerance is not None or self.settle_top is not None


@dataclass(frozen=True)
class LocalEstimate:
    """A fitted surrogate.

    Attributes
    ----------
    coefficients, std_err : (p, k); 0 and NaN for parts left out; std_err is None where nothing was sampled.
    intercept, prediction, r2 : (k,); the prediction of the surrogate at the explained input.
    order : (p, k) place at which a part was chosen, -1 where it was not, 0 for all where all were fitted.
    effective_rows : (sum w)^2 / sum w^2.
    rows, model_rows : samples, and what they cost.
    fitted : the regressors of the user's own that were fitted.
    """

    coefficients: Array
    std_err: Array | None
    intercept: Array
    prediction: Array
    r2: Array
    order: NDArray[np.int64]
    effective_rows: float
    rows: int
    model_rows: int
    why: str
    reached: bool = True
    out_of_time: bool = False
    warnings: tuple[str, ...] = ()
    fitted: tuple[Any, ...] = ()


def local_regression(
    samples: Samples, fitting: Fitting, *, first: int, most: int, parts: tuple[str, ...], deadline: Deadline | None
) -> LocalEstimate:
    """Sample, fit, look at the errors, and go on until they are small enough or `most` rows are spent."""
    late = False
    limits = stage_limits(min(first, most), most, staged=(fitting.staged or deadline is not None) and not samples.exact)
    for size in limits:
        samples.grow(size)
        fit = _fit(samples, fitting)
        reached = samples.exact or _reached(fit, fitting)
        late = deadline is not None and deadline.passed() and size < limits[-1]
        if (fitting.staged and reached) or late:
            break
    return _estimate(samples, fitting, fit, parts, reached=reached, late=late)


def _fit(samples: Samples, fitting: Fitting) -> LocalFit:
    targets = samples.targets()
    fit = local_fit(
        samples.z,
        targets.values,
        weights=samples.weights,
        own=targets.own,
        pairs=samples.pairs,
        ridge=_ridge(samples, fitting),
    )
    return fit if targets.spent == 0 else _less_freedom(fit, samples, targets.spent)


def _less_freedom(fit: LocalFit, samples: Samples, spent: int) -> LocalFit:
    """The fit to values that columns were taken out of before, with the degrees of freedom that these took."""
    left = samples.rows - len(samples.origin) - 1
    return replace(fit.widened(left / max(1, left - spent)), freedom=max(0.0, fit.freedom - spent))


def _r2(samples: Samples, fit: LocalFit) -> Array:
    """R^2 (k,) of the values themselves, also where columns were taken out of them before the fit."""
    if samples.targets().spent == 0:
        return fit.r2
    return explained(samples.values, predictions(samples.z, np.concatenate([fit.intercept[None], fit.coefficients])))


def _ridge(samples: Samples, fitting: Fitting) -> float:
    if fitting.ridge is not None:
        return fitting.ridge
    few = samples.rows < ROWS_PER_COEFFICIENT * (len(samples.origin) + 1)
    return 1.0 if few and not samples.exact else 0.0


def _reached(fit: LocalFit, fitting: Fitting) -> bool:
    if fitting.tolerance is not None and not precise_enough(fit.coefficients, fit.std_err, fitting.tolerance):
        return False
    if fitting.settle_top is not None:
        return not any(_ties(fit, output, fitting.settle_top) for output in range(fit.coefficients.shape[1]))
    return True


def _ties(fit: LocalFit, output: int, top: int) -> list[tuple[int, int]]:
    """Neighbours among the `top` largest |coefficients| and the next whose order could be chance, at 95 % in all."""
    values = fit.coefficients[:, output]
    order = np.argsort(-np.abs(values), kind="stable")[: top + 1]
    if len(order) < 2:
        return []
    covariance = fit.covariance(output)
    reach = NormalDist().inv_cdf(1.0 - 0.025 / (len(order) - 1))
    found = []
    for a, b in pairwise(order):
        signs = np.sign(values[a]) * np.sign(values[b])
        variance = covariance[a, a] + covariance[b, b] - 2.0 * signs * covariance[a, b]
        if not abs(values[a]) - abs(values[b]) > reach * np.sqrt(max(0.0, variance)):
            found.append((int(a), int(b)))
    return found


def _estimate(
    samples: Samples, fitting: Fitting, fit: LocalFit, parts: tuple[str, ...], *, reached: bool, late: bool
) -> LocalEstimate:
    warnings = list(_doubts(samples, fitting, fit, parts))
    why = [f"{samples.rows:,} samples, {samples.why}"]
    k = fit.coefficients.shape[1]
    if fitting.settle_top is not None and not samples.exact:
        for output in range(k):
            for a, b in _ties(fit, output, fitting.settle_top):
                warnings.append(f"the order of {parts[a]!r} and {parts[b]!r} is not settled: their sizes may tie")
    order = np.zeros(fit.coefficients.shape, dtype=np.int64)
    coefficients, std_err, intercept = fit.coefficients, fit.std_err, fit.intercept
    if len(fit.dropped) == len(parts):
        std_err = np.full_like(std_err, np.nan)
    if fitting.max_features is not None and fitting.max_features < len(parts):
        sparse = SparseFit(
            samples,
            fit,
            most=fitting.max_features,
            method=fitting.selection,
            ridge=_ridge(samples, fitting),
        )
        coefficients, std_err, intercept, r2 = sparse.coefficients, sparse.std_err, sparse.intercept, sparse.r2
        order = sparse.order
        why.append(sparse.why)
        if not samples.exact:
            warnings.append(_caution(sparse, fit))
    else:
        r2 = _r2(samples, fit)
    return LocalEstimate(
        coefficients=coefficients,
        std_err=None if samples.exact else std_err,
        intercept=intercept,
        prediction=intercept + samples.origin @ coefficients,
        r2=r2,
        order=order,
        effective_rows=fit.ess,
        rows=samples.rows,
        model_rows=samples.model_rows,
        why="; ".join(why),
        reached=reached,
        out_of_time=late,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _caution(sparse: SparseFit, fit: LocalFit) -> str:
    """What the errors of parts that the sample itself chose are worth."""
    if sparse.conditional:
        return (
            "standard errors are those of the chosen parts as if they had been chosen beforehand; which ones were "
            "chosen depends on the sample"
        )
    reach = max_t(0.95, fit)
    return (
        f"which parts were chosen depends on the sample: intervals of {reach:.2f} standard errors hold for all parts "
        "together with 95 % confidence, and so for these"
    )


def _differing(samples: Samples, rows: int) -> int:
    """How many of the first rows are not the explained input."""
    return int((samples.z[:rows] != samples.origin).any(axis=1).sum())


def _doubts(samples: Samples, fitting: Fitting, fit: LocalFit, parts: tuple[str, ...]) -> Iterator[str]:
    p = len(samples.origin)
    if samples.idle:
        yield "the kernel does nothing: what differs in every part weighs as much as the explained input"
    if fit.singular:
        yield "some parts cannot be told apart by these samples: they share their effect among them"
    if samples.exact:
        return
    enough = 2 * (p + 1)
    # The first rows show it as a rule; the others are looked at where they do not.
    differing = _differing(samples, 2 * enough)
    differing = differing if differing >= enough else _differing(samples, samples.rows)
    if 2 * differing < samples.rows and differing < enough:
        yield (
            f"the kernel starves the fit: {differing:,} of {samples.rows:,} samples differ from the explained input at "
            "all; widen kernel_width, unless the background is constant"
        )
    if fit.ess < 0.5 * samples.rows and fit.ess < 10 * (p + 1):
        yield (
            f"the kernel starves the fit: {samples.rows:,} samples are worth {fit.ess:.1f} of equal weight for {p} "
            "coefficients; widen kernel_width"
        )
    if fitting.ridge is None and _ridge(samples, fitting) > 0:
        yield (
            f"{samples.rows:,} samples are few for {p} coefficients: a ridge penalty of 1 shrinks them towards 0, "
            f"which std_err does not show; {ROWS_PER_COEFFICIENT * (p + 1):,} samples need none"
        )
    if fit.dropped:
        still = ", ".join(repr(parts[part]) for part in fit.dropped[:3]) + (", ..." if len(fit.dropped) > 3 else "")
        yield f"no coefficient for {still}: constant in the background, or the kernel lets no sample differ there"
