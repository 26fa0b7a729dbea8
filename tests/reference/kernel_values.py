"""Shapley values of s(z) = a'k(z, .) + w'z between one x and one b, by enumeration and by integration."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np


def enumerated(s, x, b, part):
    """phi_i = sum_S |S|! (p - |S| - 1)! / p! (s(x_S+i, b) - s(x_S, b)) over all coalitions of parts; s maps (d,)."""
    p = part.max() + 1
    phi = np.zeros((p, *np.shape(s(x))))
    for i in range(p):
        others = [j for j in range(p) if j != i]
        for size in range(p):
            for S in combinations(others, size):
                weight = factorial(size) * factorial(p - size - 1) / factorial(p)
                without, with_i = np.isin(part, S), np.isin(part, (*S, i))
                phi[i] += weight * (s(np.where(with_i, x, b)) - s(np.where(without, x, b)))
    return phi


def integrated(x, b, C, rate, part, nodes):
    r"""(p, M): int_0^1 (p_i - q_i) prod_{j != i} (t p_j + (1 - t) q_j) dt for every landmark."""
    p = part.max() + 1
    P = np.array([np.exp(-rate * ((x - C) ** 2)[:, part == i].sum(axis=1)) for i in range(p)])
    Q = np.array([np.exp(-rate * ((b - C) ** 2)[:, part == i].sum(axis=1)) for i in range(p)])
    t, w = np.polynomial.legendre.leggauss(nodes)
    psi = np.zeros_like(P)
    for node, weight in zip((t + 1) / 2, w / 2, strict=True):
        R = node * P + (1 - node) * Q
        for i in range(p):
            psi[i] += weight * (P[i] - Q[i]) * np.prod(np.delete(R, i, axis=0), axis=0)
    return psi
