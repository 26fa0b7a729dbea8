"""The paired, projected Shapley regressions, the slow obvious way.

S (m, n) smaller sides of the pairs, b (m,) their draws, e (m,) expected pairs of their cells (draw, size), w (B,)
weights of the draws, y (m, k) half differences (v_b(S) - v_b(complement)) / 2, D (B, k) gaps v_b(N) - v_b(nobody).
"""

from __future__ import annotations

from math import comb

import numpy as np
from reference.weighted_least_squares import gcv, grid_of


def rows_of(S, b, e, y, D):
    r"""u = 1_S - s/n, target y - D_b (s - n/2) / n, weight n k_s / e_bs with k_s = 2 / (s (n - s)), half of that at
    the middle size, and of the N pairs of size s the share that was left out times N / (N - 1)."""
    n = S.shape[1]
    s = S.sum(axis=1).astype(int)
    middle = 2 * s == n
    cell = np.array([comb(n, si) / (2 if mi else 1) for si, mi in zip(s, middle, strict=True)])
    U = S - s[:, None] / n
    target = y - D[b] * ((s - n / 2) / n)[:, None]
    weight = n * np.where(middle, 1.0, 2.0) / (s * (n - s)) / e
    return U, target, weight, np.maximum(0.0, 1.0 - e / cell) * cell / np.maximum(cell - 1.0, 1.0)


def fit(A, target, weight, missing, to_values):
    r"""t = A^+ by least squares, values = to_values t + sum_i missing_i h_i L_i e_i, which takes off their bias, and
    the sandwich HC3 with a finite-population factor: variance = sum_i missing_i (L_i)^2 e_i^2 / (1 - h_i)^2,
    L = to_values G^+ A'W, h_i = w_i a_i G^+ a_i."""
    inverse = np.linalg.pinv(A.T @ np.diag(weight) @ A, hermitian=True, rcond=1e-10)
    t = inverse @ A.T @ np.diag(weight) @ target
    values, variance = to_values @ t, np.zeros((len(to_values), target.shape[1]))
    for a, w, m, error in zip(A, weight, missing, target - A @ t, strict=True):
        h = min(w * a @ inverse @ a, 0.98)
        L = to_values @ inverse @ a * w
        values += m * h * np.outer(L, error)
        variance += m * np.outer(L**2, error**2) / (1 - h) ** 2
    return values, variance


def by_draw(S, b, e, w, y, D):
    """One fit for each draw: values = D/n + sum_b w_b t_b, variances add up with w_b^2."""
    n = S.shape[1]
    U, target, weight, missing = rows_of(S, b, e, y, D)
    values, variance = np.tile(w @ D / n, (n, 1)), 0.0
    for draw in range(len(w)):
        of = b == draw
        t, var = fit(U[of], target[of], weight[of], missing[of], np.eye(n))
        values, variance = values + w[draw] * t, variance + w[draw] ** 2 * var
    return values, variance


def pooled(S, b, e, w, y, D):
    """One fit for all draws, every row weighted by its draw too."""
    n = S.shape[1]
    U, target, weight, missing = rows_of(S, b, e, y, D)
    t, variance = fit(U, target, weight * w[b], missing, np.eye(n))
    return w @ D / n + t, variance


def mixed(S, b, e, w, y, D, z, expected, active, lam):
    r"""t_b = D_b/n + P_b (X_b c + delta_b), X_b = [I, diag(z_b)], delta_b ~ N(0, s^2/lam); one output, lam may be inf.

    Returns the values, their variance (HC3, a draw with a shared leverage above 1/2 without itself), the variance of
    the mean over draws, the restricted log-likelihood times -2 (up to a constant), and the degrees of freedom.
    """
    B, p = active.shape
    scale = expected / expected[expected > 0].mean()
    U, target, W, missing = np.zeros(S.shape), np.zeros(len(S)), np.zeros(len(S)), np.zeros(len(S))
    for i, (mask, draw) in enumerate(zip(S, b, strict=True)):
        on = active[draw]
        u, t, weight, left = rows_of(mask[None, on], np.zeros(1, int), e[i : i + 1], y[i : i + 1], D[draw : draw + 1])
        U[i, on], target[i], W[i], missing[i] = u[0], t[0, 0], weight[0] * scale[draw], left[0]
    D = D[:, 0]
    X = [np.hstack([np.diag(a.astype(float)), np.diag(np.where(a, zb, 0.0))]) for a, zb in zip(active, z, strict=True)]
    of = [np.flatnonzero(b == draw) for draw in range(B)]
    G = [U[i].T * W[i] @ U[i] for i in of]
    r = [U[i].T * W[i] @ target[i] for i in of]
    pooled = np.isinf(lam)
    M = [np.zeros((p, p)) if pooled else np.linalg.inv(g + lam * np.eye(p)) for g in G]
    R = [np.eye(p) if pooled else lam * m for m in M]
    A = sum(x.T @ g @ k @ x for x, g, k in zip(X, G, R, strict=True))
    inverse = np.linalg.pinv(A, hermitian=True, rcond=1e-9)
    c = inverse @ sum(x.T @ k @ rb for x, k, rb in zip(X, R, r, strict=True))
    P = [np.diag(a.astype(float)) - np.outer(a, a) / max(a.sum(), 1) for a in active]
    complete = np.array([2.0 ** (a.sum() - 1) - 1 <= x + 1e-9 for a, x in zip(active, expected, strict=True)])
    t = np.zeros((B, p))
    for i in range(B):
        own = np.linalg.pinv(G[i], hermitian=True) @ r[i] if complete[i] and not pooled else None
        t[i] = P[i] @ X[i] @ c + M[i] @ (r[i] - G[i] @ X[i] @ c) if own is None else own
        t[i] += D[i] / max(active[i].sum(), 1) * active[i]
    values = w @ t
    between = w**2 @ (t - values) ** 2 / (1 - w @ w) if B > 1 else np.full(p, np.nan)
    to_values = sum(w[i] * P[i] @ R[i] @ X[i] for i in range(B) if not (complete[i] and not pooled))
    variance, correction, freedom = np.zeros(p), np.zeros(p), 0.0
    for i in range(B):
        rows, shared = of[i], R[i] @ X[i] @ inverse @ X[i].T @ R[i]
        h = W[rows] * np.einsum("ij,jk,ik->i", U[rows], M[i] + shared, U[rows])
        freedom += h.sum()
        if complete[i] or not active[i].any():
            continue
        if len(rows) == 0:
            if np.trace(X[i] @ inverse @ X[i].T) * scale[i] / max(expected[i], 1.0) > 1.0:
                variance += (w[i] * P[i] @ X[i] @ c) ** 2
            continue
        L = (w[i] * M[i] + to_values @ inverse @ X[i].T @ R[i]) @ U[rows].T * W[rows]
        error = target[rows] - U[rows] @ (X[i] @ c + M[i] @ (r[i] - G[i] @ X[i] @ c))
        correction += L @ (missing[rows] * h * error)
        if (W[rows] * np.einsum("ij,jk,ik->i", U[rows], shared, U[rows])).max() > 0.5:
            root = np.sqrt(W[rows])
            values_of, V = np.linalg.eigh(root[:, None] * (U[rows] @ (M[i] + shared) @ U[rows].T) * root)
            left = V @ np.diag(1 / np.maximum(1 - values_of, 1e-6)) @ V.T @ (root * error) / root
            variance += missing[rows].max() * np.maximum((L @ left) ** 2, L**2 @ left**2)
        else:
            variance += L**2 @ (missing[rows] * error**2 / (1 - np.minimum(h, 0.98)) ** 2)
    if pooled:
        return values + correction, variance, between, None, freedom
    Q = W @ target**2 - sum(rb @ m @ rb for rb, m in zip(r, M, strict=True)) - c @ A @ c
    eigen = np.linalg.eigvalsh(A)
    eigen = eigen[eigen > 1e-9 * eigen[-1]]
    left = max(1, len(S) - len(eigen))
    logs = sum(np.linalg.slogdet(np.eye(p) + g / lam)[1] for g in G) + np.log(eigen).sum()
    return values + correction, variance, between, left * np.log(Q / left) + logs, freedom


def shrunk(S, b, e, w, y, D):
    """Ridge by generalised cross-validation toward the equal split D/n."""
    U, target, weight, _ = rows_of(S, b, e, y, D)
    weight = weight * w[b]
    t = gcv(U, target, weight, grid_of(U.T @ np.diag(weight) @ U))[0]
    return w @ D / S.shape[1] + t - t.mean(axis=0)
