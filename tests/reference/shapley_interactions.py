"""The pairwise Shapley interaction index: in exact rationals, and estimated from pairs the slow obvious way.

S (m, n) smaller sides of the pairs, b (m,) their draws, e (m,) expected pairs of their cells (draw, size), active
(B, n) the players of each draw, w (B,) weights of the draws, h (m, k) = (v_b(N) + v_b(nobody) - v_b(S) -
v_b(complement)) / 2.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb, factorial

import numpy as np


def rational_index(v: list[Fraction], n: int) -> dict[tuple[int, int], Fraction]:
    r"""I_ij = sum over S without i, j of |S|! (n - |S| - 2)! / (n - 1)! (v(S+ij) - v(S+i) - v(S+j) + v(S)).

    v lists the values of all 2^n coalitions in counting order: bit j of the place says whether player j is in.
    """
    index = {}
    for i, j in combinations(range(n), 2):
        total = Fraction(0)
        for S in range(2**n):
            if S >> i & 1 or S >> j & 1:
                continue
            s = S.bit_count()
            weight = Fraction(factorial(s) * factorial(n - s - 2), factorial(n - 1))
            total += weight * (v[S | 1 << i | 1 << j] - v[S | 1 << i] - v[S | 1 << j] + v[S])
        index[i, j] = total
    return index


def shares(S, b, e, active, w):
    """(m, q): what a unit of h of each pair gives to each I_ij, for the q pairs of players i < j."""
    a = np.zeros((len(S), comb(S.shape[1], 2)))
    for row, (mask, draw) in enumerate(zip(S, b, strict=True)):
        n, s = int(active[draw].sum()), int(mask.sum())
        middle = 0.5 if 2 * s == n else 1.0
        for column, (i, j) in enumerate(combinations(range(S.shape[1]), 2)):
            if not (active[draw, i] and active[draw, j]):
                continue
            if mask[i] and mask[j]:
                a[row, column] = -2 * n / (s * (s - 1))
            elif mask[i] or mask[j]:
                a[row, column] = 2 * n / (s * (n - s))
            else:
                a[row, column] = -2 * n / ((n - s) * (n - s - 1))
        a[row] *= middle * w[draw] / e[row]
    return a


def regression(S, b, e, active, w, h, enough=1.5):
    """Fit of cuts with ridges, and the shares of what it leaves.

    Returns values, their variance, the sum of its squared terms, and the variance of sum_j I_ij (n, k).
    """
    n, B = S.shape[1], len(w)
    pairs = list(combinations(range(n), 2))
    q = len(pairs)
    size, players = S.sum(axis=1), active.sum(axis=1)
    cell = np.array(
        [comb(int(players[d]), int(s)) / (2 if 2 * s == players[d] else 1) for d, s in zip(b, size, strict=True)]
    )
    scale = np.where(2 * size == players[b], 0.5, 1.0) * players[b] * w[b] / e
    root = np.sqrt(scale) / (size * (players[b] - size))
    in_draw = np.array([[active[d, i] * active[d, j] for i, j in pairs] for d in range(B)], dtype=float)
    U = np.array([[0.5 * (mask[i] != mask[j]) for i, j in pairs] for mask in S]) * in_draw[b] * root[:, None]
    length = np.sum(U**2, axis=1)

    # One system for all: the coefficients that all draws share, then those of each draw.
    free = np.array([np.sum(b == d) >= enough * in_draw[d].sum() for d in range(B)])
    common = B > 1 and not free.all()
    blocks, ridge = ([U], [np.full(q, 0.3 * length.mean())]) if common else ([], [])
    for d in range(B):
        blocks.append(U * (b == d)[:, None])
        mean = length[b == d].mean() if (b == d).any() else 1.0
        ridge.append(np.full(q, (1e-9 if free[d] else 0.05) * mean))
    A, ridge = np.hstack(blocks), np.concatenate(ridge)
    inverse = np.linalg.inv(A.T @ A + np.diag(ridge))
    x = inverse @ A.T @ (root[:, None] * h)
    leverage = np.minimum(np.einsum("ij,jk,ik->i", A, inverse, A), 0.98)[:, None]
    error = (root[:, None] * h - A @ x) / root[:, None]

    c = x[:q] if common else np.zeros((q, h.shape[1]))
    own = x[q:] if common else x
    values = sum(w[d] * in_draw[d][:, None] * (c + own[d * q : (d + 1) * q]) for d in range(B))
    missing = np.maximum(0.0, 1 - e / cell)[:, None]
    a = shares(S, b, e, active, w)
    values += a.T @ (error * (1 + missing * (1 / (1 - leverage) - 1)))
    squared = missing * (error / (1 - leverage)) ** 2
    terms = np.einsum("mq,mk->mqk", a**2, squared)
    of_player = a @ np.array([[i in pair for i in range(n)] for pair in pairs], dtype=float)
    return values, terms.sum(axis=0), (terms**2).sum(axis=0), (of_player**2).T @ squared
