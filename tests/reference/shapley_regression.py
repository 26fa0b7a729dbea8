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


def contrast(S, b, e, w, y, D, z):
    """One fit whose coefficients move with the draw: t_b = D_b/n + P (c1 + z_b c2), P centres; z (B, n)."""
    n = S.shape[1]
    U, target, weight, missing = rows_of(S, b, e, y, D)
    P = np.eye(n) - 1 / n
    to_values = np.hstack([P, P @ np.diag(w @ z)])
    t, variance = fit(np.hstack([U, U * z[b]]), target, weight * w[b], missing, to_values)
    return w @ D / n + t, variance


def shrunk(S, b, e, w, y, D):
    """Ridge by generalised cross-validation toward the equal split D/n."""
    U, target, weight, _ = rows_of(S, b, e, y, D)
    weight = weight * w[b]
    t = gcv(U, target, weight, grid_of(U.T @ np.diag(weight) @ U))[0]
    return w @ D / S.shape[1] + t - t.mean(axis=0)
