"""The weighted local regression and its sandwich, written down as in a textbook."""

from __future__ import annotations

import numpy as np


def design(Z, shared=None, own=None):
    """X = [1, Z, shared, own] of one output."""
    extra = [E for E in (shared, own) if E is not None]
    return np.column_stack([np.ones(len(Z)), Z, *extra])


def inverse(X, w, p, ridge):
    """(X'WX + R)^-1, where R holds the ridge for the p columns after the first."""
    R = np.diag([0.0] + [ridge] * p + [0.0] * (X.shape[1] - 1 - p))
    return np.linalg.inv(X.T @ np.diag(w) @ X + R)


def fit(Z, y, w, *, shared=None, own=None, ridge=0.0, pairs=False, guard=1e-8):
    """Coefficients and covariance of [1, Z, shared, own] for one output y (m,): HC3, or CR3 over rows 2i, 2i + 1."""
    X = design(Z, shared, own)
    A = inverse(X, w, Z.shape[1], ridge)
    b = A @ X.T @ (w * y)
    S = np.sqrt(w)[:, None] * X
    r = np.sqrt(w) * (y - X @ b)
    H = S @ A @ S.T
    size = 2 if pairs else 1
    clusters = [np.arange(i, i + size) for i in range(0, len(y), size)]
    clusters = [c for c in clusters if w[c].sum() > 0]
    free = {i: np.eye(size) - H[np.ix_(c, c)] for i, c in enumerate(clusters)}
    told = [i for i in free if np.linalg.eigvalsh(free[i])[0] >= guard]
    scaled = {i: np.linalg.solve(free[i], r[clusters[i]]) for i in told}
    count = sum((w[clusters[i]] > 0).sum() for i in told)
    noise = sum(e @ e for e in scaled.values()) / count if count else np.nan
    meat = np.zeros_like(A)
    for i, c in enumerate(clusters):
        if i in scaled:
            score = S[c].T @ scaled[i]
            meat += np.outer(score, score)
        else:
            meat += noise * S[c].T @ S[c]
    return b, A @ meat @ A


def r2(Z, y, w, b0, b):
    """Weighted share of the variance of y that b0 + z'b explains."""
    mean = w @ y / w.sum()
    return 1.0 - w @ (y - b0 - Z @ b) ** 2 / (w @ (y - mean) ** 2)
