"""Values of one column from uniform coordinates, and its univariate columns, row by row."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm


def cell_of(u, starts):
    """The cell [starts_b, starts_b+1) that holds u, and where in it u lies."""
    for b in range(len(starts) - 1):
        if starts[b] <= u < starts[b + 1]:
            return b, (u - starts[b]) / (starts[b + 1] - starts[b])
    raise AssertionError(u)


def value(kind, law, v, whole=False):
    centre, spread, base, width, least, greatest = law
    x = centre + spread * v if kind == "linear" else centre + spread * (norm.ppf(base + width * v) if width else 0.0)
    x = np.rint(x) if whole else x
    return x if np.isnan(x) else min(max(x, least), greatest)


def listed(values, shares, v):
    """The first value whose cumulative share exceeds v."""
    for x, share in zip(values, shares, strict=True):
        if v < share:
            return x
    return values[-1]


def tilted(masses, home, nu):
    """The kernel's weight times the mass of each cell, normalised."""
    q = np.array([p * np.exp(-(b != home) / (2 * nu**2)) for b, p in enumerate(masses)])
    return q / q.sum()
