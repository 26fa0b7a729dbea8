"""LIME's limits by the textbook: every mask, its weight, the normal equations, in rational numbers where asked."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np


def psi(t, nu):
    """Weight of a mask without the share t of its parts."""
    return math.exp(-((1.0 - math.sqrt(1.0 - t)) ** 2) / (2.0 * nu**2))


def masses(d, law, nu):
    """P(s) psi(s / d) for s = 0 to d parts left out."""
    if law == "image":
        base = [math.comb(d, s) / 2**d for s in range(d + 1)]
    else:
        base = [0.0] + [1.0 / d] * d
    return [base[s] * psi(s / d, nu) for s in range(d + 1)]


def enumerated_limit(f, d, masses_of_size):
    """Weighted least squares of f on (1, z) over all masks: intercept and coefficients, by the type of the masses."""
    masks = list(product((0, 1), repeat=d))
    weights = [masses_of_size[d - sum(z)] / math.comb(d, sum(z)) for z in masks]
    rows = [(1, *z) for z in masks]
    values = [f(z) for z in masks]
    gram = [
        [sum(w * r[i] * r[j] for w, r in zip(weights, rows, strict=True)) for j in range(d + 1)] for i in range(d + 1)
    ]
    moment = [sum(w * r[i] * y for w, r, y in zip(weights, rows, values, strict=True)) for i in range(d + 1)]
    return solved(gram, moment), gram


def solved(matrix, right):
    """Gauss-Jordan elimination with pivoting, in the numbers that come."""
    n = len(right)
    rows = [[*line, b] for line, b in zip(matrix, right, strict=True)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for r in range(n):
            if r != i:
                rows[r] = [a - rows[r][i] * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [line[-1] for line in rows]


def rational_sigmas(d, alpha):
    """c_d and sigma_0 to sigma_3 from alpha_0 to alpha_2, the papers' formulas."""
    a0, a1, a2 = (Fraction(a) for a in alpha[:3])
    determinant = (d - 1) * a0 * a2 - d * a1**2 + a0 * a1
    second = ((d - 2) * a0 * a2 - (d - 1) * a1**2 + a0 * a1) / (a1 - a2)
    return determinant, [(d - 1) * a2 + a1, -a1, second, (a1**2 - a0 * a2) / (a1 - a2)]


def rational_alphas(d, masses_of_size, most):
    """E[pi z_1 ... z_q]: masks of size s keep q given parts with probability C(d-q, s) / C(d, s), s left out."""
    return [
        sum(Fraction(m) * Fraction(math.comb(d - q, s), math.comb(d, s)) for s, m in enumerate(masses_of_size))
        for q in range(most + 1)
    ]


def tabular_limit(f, frequencies, bins, nu):
    """LIME's regression with bins: all cells, weights exp(-D^2 / (2 nu^2)), least squares on (1, z)."""
    cells = np.array(list(product(*(range(len(p)) for p in frequencies))))
    z = (cells == np.asarray(bins)).astype(float)
    probability = np.prod([np.asarray(p)[cells[:, j]] / np.sum(p) for j, p in enumerate(frequencies)], axis=0)
    weights = probability * np.exp(-(z.shape[1] - z.sum(axis=1)) / (2.0 * nu**2))
    design = np.column_stack([np.ones(len(z)), z])
    gram = design.T @ (weights[:, None] * design)
    return np.linalg.solve(gram, design.T @ (weights * f(cells))), weights.sum()
