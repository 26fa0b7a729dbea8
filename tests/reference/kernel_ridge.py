"""Ridge on Gaussian features with an intercept that is not shrunk, fold by fold from the rows themselves."""

from __future__ import annotations

import numpy as np

GAMMAS = (0.05, 0.2, 0.8)
RIDGES = 10.0 ** (-6.0 + 0.5 * np.arange(17))


def standardise(X, rows):
    """(rows - mean) / sd by the columns of X without their NaN; 0 for NaN and where X is constant."""
    Z = np.zeros_like(rows)
    for j in range(X.shape[1]):
        known = X[~np.isnan(X[:, j]), j]
        if len(known) and known.min() < known.max():
            Z[:, j] = np.where(np.isnan(rows[:, j]), 0.0, (rows[:, j] - known.mean()) / known.std())
    return Z


def features(Z, C, rate):
    """exp(-rate |z - c|^2) for every landmark c, then z."""
    return np.hstack([np.exp(-rate * ((Z[:, None, :] - C[None]) ** 2).sum(axis=2)), Z])


def ridge(F, Y, lam):
    """argmin sum |y - a0 - f a|^2 + lam |a|^2: a = (F'HF + lam I)^-1 F'HY with H = I - 11'/n."""
    H = np.eye(len(F)) - 1 / len(F)
    a = np.linalg.solve(F.T @ H @ F + lam * np.eye(F.shape[1]), F.T @ H @ Y)
    return a, (Y - F @ a).mean(axis=0)


def gcv(F, y, lam):
    """N RSS / (N - 1 - tr S)^2, S = HF (F'HF + lam I)^-1 F'H."""
    n = len(F)
    H = np.eye(n) - 1 / n
    S = H @ F @ np.linalg.solve(F.T @ H @ F + lam * np.eye(F.shape[1]), F.T @ H)
    left = n - 1 - np.trace(S)
    return n * np.sum((H @ y - S @ y) ** 2) / left**2 if left > 0 else np.inf


def fit(X, Y, folds, C):
    """gamma, ridge of each output, and (a, a0) of each fold; C (M, d) standardised landmarks."""
    Z = standardise(X, X)
    d = max(1, int((np.nanmin(X, axis=0) < np.nanmax(X, axis=0)).sum()))
    scores = []
    for gamma in GAMMAS:
        F = features(Z, C, gamma / d)
        of_output = np.array([[gcv(F, y, lam) for lam in RIDGES] for y in Y.T])
        scores.append((np.sum(np.log(of_output.min(axis=1) / Y.var(axis=0))), gamma, RIDGES[of_output.argmin(axis=1)]))
    _, gamma, lams = min(scores, key=lambda score: score[0])
    F = features(Z, C, gamma / d)
    fits = []
    for fold in range(folds.max() + 1):
        rows = folds != fold
        solved = [ridge(F[rows], Y[rows, o], lam) for o, lam in enumerate(lams)]
        fits.append((np.column_stack([a for a, _ in solved]), np.array([a0 for _, a0 in solved])))
    return gamma, lams, fits
