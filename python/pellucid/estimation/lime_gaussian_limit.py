"""What LIME on tables without bins converges to: a smoothed gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_whole, shown
from pellucid.errors import InputError
from pellucid.estimation.grid_sums import grid_sums
from pellucid.estimation.lime_alphas import checked_kernel_width
from pellucid.results.checks import floats, frozen_floats
from pellucid.results.lime_limit import LimeLimit

Floats = NDArray[np.float64]


def gaussian_measure(x: Any, *, mean: Any, scale: Any, kernel_width: float | None = None) -> tuple[Floats, Floats]:
    r"""Centre and standard deviation (d,) of LIME's samples without bins, with the kernel absorbed.

    Samples are drawn around `mean` with standard deviation `scale`, and weighted by exp(-D^2 / (2 nu^2)) with D the
    distance to x in units of `scale`: a normal law again, with

    .. math:: \tau^2 = \frac{\nu^2}{1+\nu^2}, \qquad m = \frac{\nu^2\,\mathrm{mean} + x}{1 + \nu^2}

    Parameters
    ----------
    x, mean, scale : (d,). With mean = x, the neighbourhood is around x.
    kernel_width : nu, 0.75 sqrt(d) if left out.

    Examples
    --------
    >>> centre, spread = gaussian_measure([2.0], mean=[0.0], scale=[1.0], kernel_width=1.0)
    >>> centre.round(12).tolist(), spread.round(4).tolist()
    ([1.0], [0.7071])
    """
    x = floats("x", x)
    if x.ndim != 1 or len(x) == 0 or not np.isfinite(x).all():
        raise InputError(f"x must be one row (d,) of finite numbers, got shape {x.shape}")
    middle = frozen_floats("mean", mean, x.shape, "(d,)")
    width = frozen_floats("scale", scale, x.shape, "(d,)")
    if not (width > 0).all() or not np.isfinite(width).all() or not np.isfinite(middle).all():
        raise InputError("mean must be finite and scale positive, got other numbers; leave out constant columns")
    nu = checked_kernel_width(kernel_width, default=0.75 * math.sqrt(len(x)))
    narrowing = 1.0 if math.isinf(nu) else nu / math.hypot(1.0, nu)
    return x + narrowing**2 * (middle - x), width * narrowing


def gaussian_lime_limit(
    f: Callable[[Floats], Any],
    x: Any,
    *,
    mean: Any,
    scale: Any,
    kernel_width: float | None = None,
    nodes: int = 20,
    parts: Sequence[str] | None = None,
) -> LimeLimit:
    r"""What LIME without bins estimates, per unit of each column, by Gauss-Hermite quadrature.

    .. math:: \beta_j = \mathrm{cov}(x_j, f) / \mathrm{var}(x_j) = E\,\partial_j f(x'), \qquad x' \sim N(m, \tau^2)

    The second form is Stein's identity; for a small kernel width it is the gradient at x, whatever `mean` is.

    Parameters
    ----------
    f : a function of rows (m, d) that returns (m,) or (m, k).
    x, mean, scale, kernel_width : as in `gaussian_measure`.
    nodes : in each column; exact for polynomials of degree 2 nodes - 2. nodes^d rows are asked, at most 2^20.
    parts : names, optional.

    Raises
    ------
    InputError : an argument breaks its rule.
    BudgetError : too many rows.

    Examples
    --------
    >>> def f(rows):
    ...     return rows[:, 0] ** 2 + 3.0 * rows[:, 1]
    >>> around = {"mean": [2.0, 1.0], "scale": [1.0, 1.0]}
    >>> gaussian_lime_limit(f, [2.0, 1.0], **around, kernel_width=0.01).coefficients.ravel().round(9).tolist()
    [4.0, 3.0]

    Reference: [garreau2020].
    """
    centre, spread = gaussian_measure(x, mean=mean, scale=scale, kernel_width=kernel_width)
    d = len(centre)
    if not is_whole(nodes) or nodes < 2:
        raise InputError(f"nodes must be a whole number of at least 2, got {shown(nodes)}")
    points, weights = np.polynomial.hermite_e.hermegauss(int(nodes))
    overall, moments = grid_sums(
        lambda at: f(centre + spread * points[at]),
        [weights / weights.sum()] * d,
        columns=d,
        column=lambda at, j: points[at[:, j]],
    )
    coefficients = moments / spread[:, None]
    names = tuple(parts) if parts is not None else tuple(f"feature {j}" for j in range(d))
    intercept = overall - (centre[:, None] * coefficients).sum(axis=0)
    return LimeLimit(
        coefficients=coefficients, intercept=intercept, parts=names, method=f"quadrature, {nodes}^{d} rows"
    )
