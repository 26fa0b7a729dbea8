"""Laws of masks in which only the number of parts that are off matters: kernels, moments and their inverse."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_real, is_whole, shown
from pellucid.errors import InputError, NumericalError

Array = NDArray[np.float64]
Base = Literal["bernoulli", "uniform_size"]
MOST_PARTS = 65_534


@dataclass(frozen=True)
class InverseMoments:
    r"""Entries of the inverse of :math:`\mathsf{E}[(1, z)(1, z)^\top]` for an exchangeable z.

    ``intercept`` in the corner, ``border`` beside it, ``diagonal`` and ``beside`` for the parts.
    """

    intercept: float
    border: float
    diagonal: float
    beside: float

    def project(self, moments: Array) -> Array:
        """Coefficients (p + 1, ...) of the projection of f on 1, z from E[f], E[f z_1] .. E[f z_p] (p + 1, ...)."""
        first, rest = moments[0], moments[1:]
        total = rest.sum(axis=0)
        slopes = self.border * first + (self.diagonal - self.beside) * rest + self.beside * total
        return np.concatenate([(self.intercept * first + self.border * total)[None], slopes])


class SizeLaw:
    r"""The law of masks that a kernel makes of a base law, when both see only the number s of parts that are off.

    .. math:: P(s) \propto P_0(s)\, \psi(s / p), \qquad \text{parts uniform given } s

    The weighted regression of LIME is an unweighted one under P. Its moments
    :math:`\alpha(a, b) = P(\text{a given parts on, b others off})` and the inverse of its second moments are closed
    forms [garreau2021].

    Parameters
    ----------
    parts : p, from 1 to 65,534.
    base : "bernoulli" (every part off with probability 1/2) or "uniform_size" (s uniform on 1 .. p).
    psi : kernel, a function of s/p (p + 1,) with weights >= 0; None for the constant 1.

    Raises
    ------
    InputError : for parts, a base or weights that break these rules; when all weights vanish.

    Examples
    --------
    >>> law = SizeLaw.exponential(50, base="bernoulli", kernel_width=0.25)
    >>> [round(law.mass * float(law.alphas(2)[a, 0]), 5) for a in (0, 1, 2)]
    [0.50308, 0.25962, 0.13385]
    """

    parts: int
    target: Array
    base: Array
    mass: float

    def __init__(self, parts: int, *, base: Base = "bernoulli", psi: Callable[[Array], Any] | None = None) -> None:
        p = _checked_parts(parts)
        weights = np.ones(p + 1) if psi is None else np.asarray(psi(np.arange(p + 1) / p), dtype=np.float64)
        if weights.shape != (p + 1,) or not (np.isfinite(weights).all() and (weights >= 0.0).all()):
            raise InputError(
                f"psi must return a finite weight >= 0 for each of the {p + 1} shares s/p, got {shown(weights)}"
            )
        with np.errstate(divide="ignore"):
            self._tilt(p, base, np.log(weights))

    @classmethod
    def exponential(
        cls,
        parts: int,
        *,
        base: Base = "bernoulli",
        kernel_width: float = 0.25,
        distance: Literal["cosine", "euclidean"] = "cosine",
    ) -> SizeLaw:
        r"""The exponential kernel :math:`\exp(-D^2 / 2\nu^2)` of LIME [ribeiro2016], with nu = `kernel_width`.

        D is the cosine distance to the mask of all parts, :math:`1 - \sqrt{1 - s/p}`, or the Euclidean one,
        :math:`\sqrt{s}`. An infinite width gives the base law.
        """
        p = _checked_parts(parts)
        if not is_real(kernel_width) or math.isnan(kernel_width) or kernel_width <= 0:
            raise InputError(f"kernel_width must be a number above 0, got {shown(kernel_width)}; LIME takes 0.25")
        off = np.arange(p + 1, dtype=np.float64)
        if distance == "cosine":
            squares = (1.0 - np.sqrt(1.0 - off / p)) ** 2
        elif distance == "euclidean":
            squares = off
        else:
            raise InputError(f'distance must be "cosine" or "euclidean", got {shown(distance)}')
        law = cls.__new__(cls)
        # Divided twice: the square of a small width leaves the doubles before the quotient does.
        law._tilt(p, base, -0.5 * squares / kernel_width / kernel_width)
        return law

    def _tilt(self, parts: int, base: Base, log_psi: Array) -> None:
        log_base = _log_base(parts, base)
        log_target = log_base + log_psi
        peak = log_target.max()
        if not np.isfinite(peak):
            raise InputError("psi must have weight at a size that the base law draws, got weights that vanish there")
        scaled = np.exp(log_target - peak)
        self.parts = parts
        self.base = _frozen(np.exp(log_base) / np.exp(log_base).sum())
        self.target = _frozen(scaled / scaled.sum())
        self.mass = float(np.exp(peak + np.log(scaled.sum()) - np.log(np.exp(log_base).sum())))

    @cached_property
    def half(self) -> Array:
        """(p + 1,) the even mixture of target and base: the weights P / half never exceed 2."""
        return _frozen((self.target + self.base) / 2.0)

    @cached_property
    def symmetric_half(self) -> Array:
        """(p + 1,) the mixture made equal for s and p - s, for pairs of a mask and its complement."""
        return _frozen((self.half + self.half[::-1]) / 2.0)

    def probabilities(self) -> Array:
        """(p + 1,) the probability P(s) / C(p, s) of one mask by how many parts it has off."""
        return np.array([weight / math.comb(self.parts, s) for s, weight in enumerate(self.target.tolist())])

    def alphas(self, most: int) -> Array:
        r"""(most + 1, most + 1) table of alpha(a, b), the probability that a given parts are on and b others off.

        .. math:: \alpha(a, b) = \sum_s P(s) \binom{p - a - b}{s - b} \Big/ \binom{p}{s}

        Zero where a + b exceeds `most` or p. Every term is a product of p - s, s and p, without cancellation.
        """
        if not is_whole(most) or most < 0:
            raise InputError(f"most must be a whole number of at least 0, got {shown(most)}")
        p, off = self.parts, np.arange(self.parts + 1, dtype=np.float64)
        table = np.zeros((most + 1, most + 1))
        some_on = self.target
        for a in range(min(most, p) + 1):
            terms = some_on
            for b in range(min(most, p) - a + 1):
                table[a, b] = terms.sum()
                if a + b < p:
                    terms = terms * np.maximum(off - b, 0.0) / (p - a - b)
            if a < p:
                some_on = some_on * np.maximum(p - off - a, 0.0) / (p - a)
        return table

    @cached_property
    def inverse(self) -> InverseMoments:
        r"""The inverse of the second moments of (1, z), from the mean and variance of the number of parts on.

        With K parts on, :math:`c = \mathrm{Var}(K) / p` and :math:`\alpha_1 - \alpha_2 = \alpha(1, 1)`, the sigmas
        of [garreau2021] over c are free of the differences that cancel.

        Raises
        ------
        NumericalError : when all masks have one size, or every part is always on or always off.
        """
        p, on = self.parts, self.parts - np.arange(self.parts + 1, dtype=np.float64)
        mean = float(self.target @ on)
        variance = float(self.target @ (on - mean) ** 2)
        if variance <= 1e-12 * p:
            raise NumericalError(
                f"the masks of {p} parts all have {mean:.6g} parts on, which leaves nothing to regress on; "
                "use a wider kernel or more parts"
            )
        if p == 1:
            return InverseMoments(mean / variance, -mean / variance, 1.0 / variance, 0.0)
        apart = float(self.target @ (on * (p - on))) / (p * (p - 1))  # alpha(1, 1)
        second = float(self.target @ (on * (on - 1.0))) / (p * (p - 1))  # alpha(2, 0)
        first, c = mean / p, variance / p
        if apart <= 1e-14:
            raise NumericalError("every mask has all its parts on or all of them off, so parts cannot be told apart")
        beside = (mean * (p - mean) - p * variance) / (p * p * (p - 1)) / apart / c
        return InverseMoments(
            intercept=((p - 1) * second + first) / c, border=-first / c, diagonal=1.0 / apart + beside, beside=beside
        )


def _checked_parts(parts: Any) -> int:
    if not is_whole(parts) or not 1 <= int(parts) <= MOST_PARTS:
        raise InputError(f"parts must be a whole number from 1 to {MOST_PARTS:,}, got {shown(parts)}")
    return int(parts)


def _log_base(parts: int, base: Base) -> Array:
    """Logarithms of the base law up to a constant, 0 at its peak, so that errors are relative to what matters."""
    if base == "uniform_size":
        return np.concatenate([[-np.inf], np.zeros(parts)])
    if base != "bernoulli":
        raise InputError(f'base must be "bernoulli" or "uniform_size", got {shown(base)}')
    middle = parts // 2
    s = np.arange(middle, parts)
    upper = np.concatenate([[0.0], np.cumsum(np.log((parts - s) / (s + 1.0)))])
    # C(p, s) = C(p, p - s), and the two middle sizes of an odd p are equal.
    return np.concatenate([upper[:0:-1], upper[parts % 2 :]])


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array
