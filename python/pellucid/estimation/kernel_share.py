"""How much of a sample of the background its kernel weights leave: whether the kernel does anything."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Above it the weights hardly differ, and the surrogate is one of the whole background.
NEARLY_ALL = 0.9


def share_of_switches(measure: Array, *, width: float) -> float:
    r"""(E w)^2 / E w^2 of the kernel on independent switches, from their probabilities q under the kernel.

    .. math:: \prod_j \frac{(p_j + (1 - p_j) \epsilon)^2}{p_j + (1 - p_j) \epsilon^2}, \qquad
              p_j = \frac{q_j \epsilon}{1 - q_j + q_j \epsilon}, \quad \epsilon = e^{-1 / (2 \nu^2)}

    >>> round(share_of_switches(np.full(30, 0.26), width=0.75 * 30**0.5), 3)
    0.995
    """
    factor = math.exp(-0.5 / width / width)
    p = measure * factor / np.maximum(1.0 - measure + measure * factor, 1e-300)
    first, second = p + (1.0 - p) * factor, p + (1.0 - p) * factor**2
    if not second.all():  # the squares of the weights are below the least double
        return 0.0
    return float(np.exp(np.sum(2.0 * np.log(first) - np.log(second))))


def share_of_normals(z: Array, *, width: float) -> float:
    r"""The same of the kernel around z (p,) on independent standard normal variables.

    >>> round(share_of_normals(np.zeros(10), width=math.inf), 3), share_of_normals(np.zeros(10), width=0.25) < 1e-3
    (1.0, True)
    """
    v = width * width
    if math.isinf(v):
        return 1.0
    squares = float(z @ z)
    log_first = -0.5 * len(z) * math.log1p(1.0 / v) - 0.5 * squares / (v + 1.0)
    log_second = -0.5 * len(z) * math.log1p(2.0 / v) - squares / (v + 2.0)
    return math.exp(2.0 * log_first - log_second)


def warning_of(share: float) -> str | None:
    """What a reader should know of a kernel that does nothing."""
    if not share > NEARLY_ALL:
        return None
    return (
        f"the kernel does almost nothing: a sample of the background keeps {share:.1%} of its worth under it, so this "
        "is a surrogate of the model over the whole background; a smaller kernel_width is more local"
    )
