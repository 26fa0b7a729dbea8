"""Weighted ridge regression, written down as in a textbook."""

from __future__ import annotations

import numpy as np


def ridge(Z, Y, w, lam):
    r"""argmin_B sum_i w_i |y_i - z_i B|^2 + lam |B|^2: B = (Z'WZ + lam I)^-1 Z'WY."""
    W = np.diag(w)
    return np.linalg.solve(Z.T @ W @ Z + lam * np.eye(Z.shape[1]), Z.T @ W @ Y)


def ridge_with_total(Z, Y, w, lam, total):
    r"""The same with 1'B = total, from the KKT system [[G + lam I, 1], [1', 0]] [B; mu] = [Z'WY; total]."""
    p = Z.shape[1]
    W = np.diag(w)
    kkt = np.zeros((p + 1, p + 1))
    kkt[:p, :p] = Z.T @ W @ Z + lam * np.eye(p)
    kkt[:p, p] = kkt[p, :p] = 1.0
    return np.linalg.solve(kkt, np.vstack([Z.T @ W @ Y, total[None]]))[:p]


def gcv(Z, Y, w, grid):
    r"""For each output the ridge of the grid with the least N RSS / (N - tr H)^2, H = Z (Z'WZ + lam I)^-1 Z'W.

    Returns coefficients (p, k), ridge (k,), degrees of freedom tr H (k,).
    """
    N, p = Z.shape
    W = np.diag(w)
    best = [(np.inf, None, None, None)] * Y.shape[1]
    for lam in grid:
        H = Z @ np.linalg.solve(Z.T @ W @ Z + lam * np.eye(p), Z.T @ W)
        for o, y in enumerate(Y.T):
            residual = y - H @ y
            score = N * residual @ W @ residual / (N - np.trace(H)) ** 2
            if np.trace(H) < N and score < best[o][0]:
                best[o] = (score, ridge(Z, y, w, lam), lam, np.trace(H))
    return np.array([b[1] for b in best]).T, np.array([b[2] for b in best]), np.array([b[3] for b in best])


def grid_of(G):
    """41 ridges from 1e-8 to 1e2 of the mean eigenvalue of the Gram matrix G, four a decade."""
    return np.trace(G) / len(G) * 10.0 ** (-8.0 + 0.25 * np.arange(41))
