"""Sparse regressions, written down as in a textbook."""

from __future__ import annotations

from itertools import combinations

import numpy as np


def rss(Z, y, S):
    """|y - Z_S b|^2 for the best b; columns and y are centred."""
    S = list(S)
    b = np.linalg.lstsq(Z[:, S], y, rcond=None)[0]
    return float(((y - Z[:, S] @ b) ** 2).sum())


def forward(Z, y, k):
    """Refits every candidate at every step."""
    S = []
    for _ in range(k):
        S.append(min((j for j in range(Z.shape[1]) if j not in S), key=lambda j: rss(Z, y, [*S, j])))
    return S


def best_subset(Z, y, k):
    """All subsets of k columns."""
    return min((rss(Z, y, S), S) for S in combinations(range(Z.shape[1]), k))


def lasso_violation(G, c, b, lam):
    """How far b is from: G b - c = -lam sign(b_j), or |.| <= lam where b_j = 0."""
    g = G @ b - c
    return np.where(b != 0, np.abs(g + lam * np.sign(b)), np.maximum(np.abs(g) - lam, 0)).max()


def fused_lasso(G, c, lam):
    """min 1/2 b'Gb - c'b + lam sum |b_j - b_j-1| over all 3^(p-1) signs of the differences: (objective, b)."""
    p = len(c)
    L = np.tril(np.ones((p, p)))
    G, c = L.T @ G @ L, L.T @ c
    best = (np.inf, None)
    for code in range(3 ** (p - 1)):
        s = np.array([0] + [code // 3**j % 3 - 1 for j in range(p - 1)], dtype=float)
        A = [0, *np.flatnonzero(s)]
        theta = np.zeros(p)
        theta[A] = np.linalg.solve(G[np.ix_(A, A)], (c - lam * s)[A])
        value = theta @ G @ theta / 2 - c @ theta + lam * np.abs(theta[1:]).sum()
        if value < best[0]:
            best = (value, L @ theta)
    return best


def mixture_step(Z, y, w, r, lam, sigma):
    """One M-step for one component, given its responsibilities r and its present sigma: (b, intercept, pi, sigma).

    argmax over b of -sum wr (y - a - zb)^2 / (2 sigma^2) - lam TV(b), then over sigma.
    """
    v = w * r
    N = v.sum()
    mz, my = v @ Z / N, v @ y / N
    Zc, yc = Z - mz, y - my
    b = fused_lasso(Zc.T @ (v[:, None] * Zc), Zc.T @ (v * yc), lam * sigma**2)[1]
    return b, my - mz @ b, N / w.sum(), np.sqrt(v @ (yc - Zc @ b) ** 2 / N)
