"""What control variates take from played pairs, pair by pair."""

from __future__ import annotations

from itertools import product

import numpy as np


def noise(odd, masks, differs, phi, folds, draws):
    """h_i = ghat_i - sum over the parts of E_b of (z - 1/2) phi; odd (m, k), phi (folds, B, p, k)."""
    h = odd.copy()
    for i, (mask, fold, b) in enumerate(zip(masks, folds, draws, strict=True)):
        for part in np.flatnonzero(differs[b]):
            h[i] -= (mask[part] - 0.5) * phi[fold, b, part]
    return h


def balanced(by_fold, folds, share):
    """(1 - kappa share) h of the own fold + kappa share times the mean of h of the others; by_fold (folds, m, k)."""
    count, found = len(by_fold), []
    for i, fold in enumerate(folds):
        kappa = (count - 1) / count * share[i]
        others = [by_fold[f, i] for f in range(count) if f != fold]
        found.append((1 - kappa) * by_fold[fold, i] + kappa * np.mean(others, axis=0))
    return np.array(found)


def non_negative(H, g, w, grid=21, rounds=9):
    """argmin sum w (g - H a)^2 over a in a box of numbers >= 0, by a grid that closes in on the best point."""
    centre, half = np.full(H.shape[1], 1.0), 1.0
    for _ in range(rounds):
        axes = [np.maximum(0.0, c + half * np.linspace(-1, 1, grid)) for c in centre]
        points = np.array(list(product(*axes)))
        losses = (w[:, None] * (g[:, None] - H @ points.T) ** 2).sum(axis=0)
        centre, half = points[losses.argmin()], half / 4
    return centre
