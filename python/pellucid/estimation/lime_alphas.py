"""Moments of exchangeable masks under LIME's weights: alpha_p, sigma_0 to sigma_3 and the inverse of Sigma."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_real, is_whole, shown
from pellucid.errors import InputError, NumericalError

Floats = NDArray[np.float64]

LAWS = ("image", "text")
MASK_KERNEL_WIDTH = 0.25  # that of lime, which writes it as 25 on cosine distances times 100
MOST_PARTS = 20_000  # binomials are exact integers of that many bits


@dataclass(frozen=True)
class MaskMoments:
    r"""What the limit of LIME on masks needs to know of their law.

    Masks of one size are equally likely, so that the law is that of s, the number of parts left out. With weights
    pi = psi(s / p) the masks are counted by the tilted law P(s) psi(s / p) / E[pi], under which the share
    t = s / p has a mean, a variance and E[t (1 - t)]; the constants of the papers follow from these three.

    Parameters
    ----------
    parts : p.
    total : E[pi], which is alpha_0.
    sizes : (p + 1,) the tilted law of s, with sum 1.

    Examples
    --------
    >>> moments = mask_moments(50, law="image")
    >>> moments.alphas(2).round(5).tolist()
    [0.50308, 0.25962, 0.13385]
    >>> round(moments.determinant, 6), moments.sigmas().round(5).tolist()
    (0.059925, [6.81839, -0.25962, 0.47699, 0.00053])
    """

    parts: int
    total: float
    sizes: Floats

    @property
    def kept(self) -> float:
        """Mean share of parts kept under the tilted law, alpha_1 / alpha_0: 1 - E[t]."""
        return 1.0 - self._mean(self._shares)

    @property
    def variance(self) -> float:
        """Variance of that share."""
        return self._mean((self._shares - self._mean(self._shares)) ** 2)

    @property
    def spread(self) -> float:
        """E[t (1 - t)]: how much masks of one size differ from each other."""
        return self._mean(self._shares * (1.0 - self._shares))

    def joint_by_size(self, on: int, off: int) -> Floats:
        r"""Share (p + 1,) of the masks of every size s that keep `on` given parts and leave out `off` others.

        .. math:: \binom{p-a-b}{s-b} \Big/ \binom{p}{s}
        """
        p, s = self.parts, np.arange(self.parts + 1, dtype=np.float64)
        if on + off > p:
            return np.zeros(p + 1)
        share = np.ones(p + 1)
        for i in range(off):
            share *= np.maximum(s - i, 0.0) / (p - i)
        for i in range(on):
            share *= np.maximum(p - s - i, 0.0) / (p - off - i)
        return share

    def joint(self, on: int, off: int) -> float:
        """The same under the tilted law: the probability that `on` given parts are kept and `off` others are not."""
        return self._mean(self.joint_by_size(on, off))

    def alphas(self, most: int = 3) -> Floats:
        r"""alpha_q = E[pi z_1 ... z_q] for q = 0 to `most`, (most + 1,) [garreau2021], [mardaoui2021]."""
        if not is_whole(most) or most < 0:
            raise InputError(f"most must be a whole number of at least 0, got {shown(most)}")
        return self.total * np.array([self.joint(q, 0) for q in range(int(most) + 1)])

    @property
    def determinant(self) -> float:
        r"""c_d = (d-1) alpha_0 alpha_2 - d alpha_1^2 + alpha_0 alpha_1, as d alpha_0^2 var(share kept)."""
        return self.parts * self.total**2 * self.variance

    def sigmas(self) -> Floats:
        r"""sigma_0 to sigma_3, (4,): the entries of the inverse of Sigma, times c_d.

        .. math::
            \sigma_0 = (d-1)\alpha_2 + \alpha_1, \quad \sigma_1 = -\alpha_1, \quad
            \sigma_2 = \frac{(d-2)\alpha_0\alpha_2 - (d-1)\alpha_1^2 + \alpha_0\alpha_1}{\alpha_1-\alpha_2}, \quad
            \sigma_3 = \frac{\alpha_1^2-\alpha_0\alpha_2}{\alpha_1-\alpha_2}

        Computed from the moments of the share, where only sigma_3 is a difference.
        """
        d, variance, spread = self.parts, self.variance, self.spread
        square = variance + self.kept**2
        if d == 1:
            return self.total * np.array([square, -self.kept, 1.0, 0.0])
        second = ((d - 1) ** 2 * variance + spread) / (d * spread)
        third = (spread - (d - 1) * variance) / (d * spread)
        return self.total * np.array([d * square, -self.kept, second, third])

    def constants(self) -> tuple[float, float, float]:
        """c_1, c_2, c_3 of theta_j = c_1 E[pi f] + c_2 E[pi z_j f] + c_3 sum over k != j of E[pi z_k f]."""
        self._require_spread()
        first, second, third = self.sigmas()[1:] / self.determinant
        return float(first), float(second), float(third)

    def sigma(self) -> Floats:
        """Sigma = E[pi (1, z) (1, z)'], (p + 1, p + 1)."""
        zeroth, first, second = self.alphas(2)
        return _bordered(self.parts, zeroth, first, first, second)

    def inverse_sigma(self) -> Floats:
        """Its inverse in closed form, (p + 1, p + 1)."""
        self._require_spread()
        zeroth, first, second, third = self.sigmas() / self.determinant
        return _bordered(self.parts, zeroth, first, second, third)

    def solve(self, mean: Floats, slope: Floats, without_part: Floats) -> tuple[Floats, Floats]:
        r"""Coefficients (p, k) and intercept (k,) of the weighted least squares of f on (1, z).

        The covariance of z has two eigenvalues: d var(t) along (1, ..., 1), and d E[t(1-t)] / (d-1) across.

        .. math:: \beta_j = -\frac{\mathrm{cov}(t, f)}{d\,\mathrm{var}(t)}
            - \frac{(d-1)\,(w_j - \bar w)}{d\,E[t(1-t)]}, \qquad w_j = E[(1-z_j) f]

        Equal to the sums with sigma_1 to sigma_3, and no difference of large numbers however narrow the kernel is.

        Parameters
        ----------
        mean, slope : (k,) E[f] and cov(t, f) under the tilted law, t the share of parts left out.
        without_part : (p, k) E[(1 - z_j) f] under the tilted law.
        """
        self._require_spread()
        d = self.parts
        along = -slope / (d * self.variance)
        across = 0.0 if d == 1 else (d - 1) / (d * self.spread)
        coefficients = along - across * (without_part - without_part.mean(axis=0))
        return coefficients, mean - self.kept * coefficients.sum(axis=0)

    def averages(self, of_size: Floats) -> tuple[Floats, Floats]:
        """E[f] and cov(t, f), (k,) each, from the means (p + 1, k) of f over the masks of every size s."""
        mean = (self.sizes[:, None] * of_size).sum(axis=0)
        centred = self._shares - self._mean(self._shares)
        return mean, ((self.sizes * centred)[:, None] * (of_size - mean)).sum(axis=0)

    def _mean(self, values: Floats) -> float:
        return math.fsum(self.sizes * values)

    @property
    def _shares(self) -> Floats:
        return np.arange(self.parts + 1) / self.parts

    def _require_spread(self) -> None:
        if self.variance == 0 or (self.parts > 1 and self.spread == 0):
            raise NumericalError(
                "kernel_width must leave weight on masks of several sizes, all is on one, from which a linear model "
                "cannot be told; use a larger kernel_width, and more than one part for texts"
            )


def mask_moments(p: int, *, law: Any = "image", kernel_width: float | None = None) -> MaskMoments:
    r"""The moments of LIME's masks, with the kernel exp(-D^2 / (2 nu^2)) of the cosine distance D = 1 - sqrt(kept / p).

    Parameters
    ----------
    p : number of parts, 1 to 20,000.
    law : "image": every part is left out with probability 1/2, P(s) = C(p, s) / 2^p. "text": the number s of words left
        out is uniform on 1 to p. Or (p + 1,) masses of s = 0 to p, any kernel included and not normalised.
    kernel_width : nu, 0.25 if left out; infinite for no kernel. None with masses.

    Raises
    ------
    InputError : p, law or kernel_width is none of these.
    NumericalError : the kernel is too narrow for doubles.

    Examples
    --------
    >>> mask_moments(10, law="text", kernel_width=np.inf).alphas(1).round(12).tolist()
    [1.0, 0.45]

    References: [garreau2021] for images, [mardaoui2021] for texts.
    """
    if not is_whole(p) or not 1 <= p <= MOST_PARTS:
        raise InputError(f"p must be a whole number of parts from 1 to {MOST_PARTS:,}, got {shown(p)}")
    p = int(p)
    if isinstance(law, str):
        if law not in LAWS:
            raise InputError(
                f"law must be 'image', 'text' or (p + 1,) masses of the number of parts left out, got {law!r}"
            )
        logs = _log_base(p, law) - _penalty(p, checked_kernel_width(kernel_width, default=MASK_KERNEL_WIDTH))
    else:
        if kernel_width is not None:
            raise InputError(f"kernel_width must be left out where law gives masses, got {shown(kernel_width)}")
        logs = _log_masses(law, p)
    largest = logs.max()
    weights = np.exp(logs - largest)
    total = math.fsum(weights)
    return MaskMoments(p, total * math.exp(largest), weights / total)


def checked_kernel_width(kernel_width: Any, *, default: float) -> float:
    """A positive number, infinity included; the default where None."""
    if kernel_width is None:
        return default
    if not is_real(kernel_width) or not kernel_width > 0:
        raise InputError(
            f"kernel_width must be a positive number, or infinite for no kernel, got {shown(kernel_width)}"
        )
    return float(kernel_width)


def _log_base(p: int, law: str) -> Floats:
    if law == "text":
        logs = np.full(p + 1, -math.log(p))
        logs[0] = -np.inf
        return logs
    # Exact integers: log C(p, s) by lgamma has an error of 1e-16 times its size, which is in the thousands.
    logs, binomial, all_masks = np.empty(p + 1), 1, 2**p
    for s in range(p + 1):
        ratio = binomial / all_masks
        logs[s] = math.log(ratio) if ratio > 1e-300 else math.log(binomial) - p * math.log(2.0)
        binomial = binomial * (p - s) // (s + 1)
    return logs


def _penalty(p: int, kernel_width: float) -> Floats:
    """D^2 / (2 nu^2) of s = 0 to p parts left out; 1 - sqrt(1 - t) as t / (1 + sqrt(1 - t))."""
    share = np.arange(p + 1) / p
    distance = share / (1.0 + np.sqrt(1.0 - share))
    with np.errstate(over="ignore"):
        return np.asarray(0.5 * (distance / kernel_width) ** 2)


def _log_masses(law: Any, p: int) -> Floats:
    try:
        masses = np.asarray(law, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"law must be 'image', 'text' or ({p + 1},) masses, got {shown(law)}") from error
    if masses.shape != (p + 1,) or not np.isfinite(masses).all() or (masses < 0).any() or masses.sum() == 0:
        raise InputError(
            f"law must have ({p + 1},) finite masses of at least 0, one for every number of parts left out from 0 to "
            f"{p}, and not all 0; got shape {masses.shape}"
        )
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(masses))


def _bordered(p: int, corner: float, border: float, diagonal: float, other: float) -> Floats:
    matrix = np.full((p + 1, p + 1), other)
    np.fill_diagonal(matrix, diagonal)
    matrix[0, :] = matrix[:, 0] = border
    matrix[0, 0] = corner
    return matrix
