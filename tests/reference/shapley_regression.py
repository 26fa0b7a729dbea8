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
    the middle size, and the share of the cell that was left out, 1 - e_bs / pairs of size s."""
    n = S.shape[1]
    s = S.sum(axis=1).astype(int)
    middle = 2 * s == n
    cell = np.array([comb(n, si) / (2 if mi else 1) for si, mi in zip(s, middle, strict=True)])
    U = S - s[:, None] / n
    target = y - D[b] * ((s - n / 2) / n)[:, None]
    weight = n * np.where(middle, 1.0, 2.0) / (s * (n - s)) / e
    return U, target, weight, np.maximum(0.0, 1.0 - e / cell)


def fit(A, target, weight, missing, to_values):
    r"""t = A^+ by least squares, values = to_values t, and the sandwich HC3 with a finite-population factor:
    variance = sum_i missing_i (L_i)^2 e_i^2 / (1 - h_i)^2, L = to_values G^+ A'W, h_i = w_i a_i G^+ a_i."""
    inverse = np.linalg.pinv(A.T @ np.diag(weight) @ A, hermitian=True, rcond=1e-10)
    t = inverse @ A.T @ np.diag(weight) @ target
    variance = np.zeros((len(to_values), target.shape[1]))
    for a, w, m, error in zip(A, weight, missing, target - A @ t, strict=True):
        h = min(w * a @ inverse @ a, 0.98)
        L = to_values @ inverse @ a * w
        variance += m * np.outer(L**2, error**2) / (1 - h) ** 2
    return to_values @ t, variance


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


def contrast(S, b, e, w, y, D, z, expected):
    """One fit whose coefficients move with the draw: t_b = D_b/n + P (c1 + z_b c2), P centres; z (B, n)."""
    n = S.shape[1]
    U, target, weight, missing = rows_of(S, b, e, y, D)
    P = np.eye(n) - 1 / n
    to_values = np.hstack([P, P @ np.diag(w @ z)])
    A, weight = np.hstack([U, U * z[b]]), weight * w[b]
    inverse = np.linalg.pinv(A.T @ np.diag(weight) @ A, hermitian=True, rcond=1e-10)
    t = inverse @ A.T @ np.diag(weight) @ target
    variance = np.zeros((n, target.shape[1]))
    for draw in range(len(w)):
        of = b == draw
        X = np.vstack([np.eye(n), np.diag(z[draw])])
        if not of.any():  # not played: all that the fit says of it may be wrong, where one pair would have moved it
            if w[draw] / max(expected[draw], 1.0) * np.trace(X.T @ inverse @ X) > 1.0:
                variance += (w[draw] * P @ X.T @ t) ** 2
            continue
        h = weight[of] * np.einsum("ij,jk,ik->i", A[of], inverse, A[of])
        if h.max() <= 0.5:
            variance += fit_variance(A[of], target[of] - A[of] @ t, weight[of], missing[of], inverse, to_values)
        else:  # judged by the fit to the other draws: (I - H)^-1 e, at most a million times e
            root = np.sqrt(weight[of])
            lam, V = np.linalg.eigh(root[:, None] * (A[of] @ inverse @ A[of].T) * root)
            e = V @ np.diag(1 / np.maximum(1 - lam, 1e-6)) @ V.T @ (root[:, None] * (target[of] - A[of] @ t))
            L = to_values @ inverse @ A[of].T * root
            variance += missing[of].max() * np.maximum((L @ e) ** 2, L**2 @ e**2)
    return w @ D / n + to_values @ t, variance


def fit_variance(A, errors, weight, missing, inverse, to_values):
    """The HC3 sandwich of some rows of a fit."""
    variance = 0.0
    for a, w, m, error in zip(A, weight, missing, errors, strict=True):
        L = to_values @ inverse @ a * w
        variance = variance + m * np.outer(L**2, error**2) / (1 - w * a @ inverse @ a) ** 2
    return variance


def shrunk(S, b, e, w, y, D):
    """Ridge by generalised cross-validation toward the equal split D/n."""
    U, target, weight, _ = rows_of(S, b, e, y, D)
    weight = weight * w[b]
    t = gcv(U, target, weight, grid_of(U.T @ np.diag(weight) @ U))[0]
    return w @ D / S.shape[1] + t - t.mean(axis=0)
