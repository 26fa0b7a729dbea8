"""The limit of a LIME explanation, and how far a sampled one is from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results import checks
from pellucid.results.attribution import Attribution
from pellucid.results.ranking import row_index
from pellucid.results.text import number

Floats = NDArray[np.float64]

ROUNDING = 1e-9  # of the largest coefficient: what two ways of an exact computation may differ by


@dataclass(frozen=True, eq=False, kw_only=True)
class LimeLimit:
    """What a LIME explanation is an estimate of; `lime_limit` makes it.

    Parameters
    ----------
    coefficients : (p, k)
        Of the linear model on the p parts, for each of k outputs.
    intercept : (k,)
        Its value where all z are 0.
    parts : tuple of str, (p,)
    method : str
        How it was found.

    Examples
    --------
    >>> limit = LimeLimit(coefficients=[[1.0], [2.0]], intercept=[0.5], parts=("a", "b"), method="closed form")
    >>> limit.to_attribution().predictions.tolist()
    [[3.5]]
    """

    coefficients: Floats
    intercept: Floats
    parts: tuple[str, ...]
    method: str

    def __post_init__(self) -> None:
        coefficients = checks.floats("coefficients", self.coefficients)
        if coefficients.ndim != 2 or 0 in coefficients.shape:
            raise InputError(f"coefficients must have shape (p parts, k outputs), got {coefficients.shape}")
        p, k = coefficients.shape
        object.__setattr__(self, "coefficients", checks.frozen(coefficients))
        object.__setattr__(self, "intercept", checks.frozen_floats("intercept", self.intercept, (k,), "(k,)"))
        object.__setattr__(self, "parts", checks.names("parts", self.parts, p, letter="parts"))

    def distance(self, explanation: Any, *, row: int = 0) -> LimitDistance:
        """How far an explanation is from this limit; `distance_to_limit` says what it may be."""
        return distance_to_limit(explanation, self, row=row)

    def to_attribution(self) -> Attribution:
        """The limit as an attribution of one row without error, whose prediction is that of the linear model at x."""
        values = self.coefficients[None]
        return Attribution.from_array(values, parts=self.parts, base_values=self.intercept, std_err=None)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LimitDistance:
    """How many standard errors an explanation is from its limit.

    Parameters
    ----------
    difference : (p, k)
        Estimate less limit.
    std_err : (p, k)
        Of the difference; 0 where both are exact, NaN where not known.
    z : (p, k)
        difference / std_err. Where std_err is 0, 0 for values that agree to rounding and infinite otherwise.

    Examples
    --------
    >>> limit = LimeLimit(coefficients=[[1.0], [2.0]], intercept=[0.0], parts=("a", "b"), method="closed form")
    >>> limit.distance(Attribution.from_array([1.1, 1.8], std_err=0.1))
    LimitDistance(2 coefficients; largest |z| 2, root mean square 1.581, p-value 0.091)
    """

    difference: Floats
    std_err: Floats
    z: Floats

    @property
    def largest(self) -> float:
        """The largest |z|; NaN where no standard error is known."""
        known = self._known
        return float(np.abs(known).max()) if known.size else math.nan

    @property
    def rms(self) -> float:
        """Root of the mean of z^2: about 1 where the standard errors are right, below 1 where they are conservative."""
        known = self._known
        return float(np.sqrt(np.mean(known**2))) if known.size else math.nan

    @property
    def p_value(self) -> float:
        """Of the largest |z| among so many (Bonferroni), which holds however the errors are correlated."""
        return min(1.0, self._known.size * math.erfc(self.largest / math.sqrt(2.0))) if self._known.size else math.nan

    @property
    def _known(self) -> Floats:
        return np.asarray(self.z[~np.isnan(self.z)])

    def __repr__(self) -> str:
        return (
            f"LimitDistance({self.z.size} coefficients; largest |z| {number(self.largest)}, root mean square "
            f"{number(self.rms)}, p-value {number(self.p_value)})"
        )


def distance_to_limit(explanation: Any, limit: Any, *, row: int = 0) -> LimitDistance:
    r"""How far an explanation is from what it estimates, in its own standard errors.

    .. math:: z_j = (\hat\beta_j - \beta_j) / \mathrm{std\_err}_j

    Parameters
    ----------
    explanation : an `Attribution`, or a fit with `coefficients` (p, k) and `std_err` (p, k) or None for exact.
    limit : a `LimeLimit`; or an explanation of more samples and another seed, whose squared standard errors add up.
    row : of an attribution with several.

    Raises
    ------
    InputError : it is neither, or of another shape than the limit.

    Examples
    --------
    >>> coarse, fine = (Attribution.from_array([1.0 + e, 2.0 - e], std_err=e) for e in (0.3, 0.4))
    >>> distance_to_limit(coarse, fine).z.ravel().round(2).tolist()
    [-0.2, 0.2]
    """
    estimate, errors = _estimate("explanation", explanation, row)
    target, more = _estimate("limit", limit, row)
    if estimate.shape != target.shape:
        raise InputError(
            f"explanation must have the (p parts, k outputs) of the limit, {target.shape}, got {estimate.shape}"
        )
    difference, std_err = estimate - target, np.hypot(errors, more)
    exact = np.abs(difference) <= ROUNDING * np.abs(target).max()
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(std_err == 0, np.where(exact, 0.0, np.copysign(np.inf, difference)), difference / std_err)
    return LimitDistance(difference=difference, std_err=std_err, z=z)


def _estimate(argument: str, thing: Any, row: int) -> tuple[Floats, Floats]:
    """Coefficients (p, k) and their standard errors, 0 where exact."""
    if isinstance(thing, Attribution):
        at = row_index(thing, row)
        coefficients, errors = thing.values[at], None if thing.std_err is None else thing.std_err[at]
    elif hasattr(thing, "coefficients"):
        coefficients = checks.floats(f"{argument}.coefficients", thing.coefficients)
        errors = getattr(thing, "std_err", None)
    else:
        raise InputError(f"{argument} must be an Attribution or have coefficients, got {checks.described(thing)}")
    if errors is None:
        return coefficients, np.zeros(coefficients.shape)
    return coefficients, checks.frozen_floats(f"{argument}.std_err", errors, coefficients.shape, "(p, k)")
