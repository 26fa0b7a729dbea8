"""Laws of masks by enumeration, linear limits by least squares over all masks, and boosted trees step by step."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb

import numpy as np


def all_masks(p):
    return np.array(list(itertools.product([0, 1], repeat=p)), dtype=np.uint8)


def measure(target, p):
    """Probability of every mask: P(s) / C(p, s), s the number of parts off."""
    return np.array([target[s] / comb(p, s) for s in p - all_masks(p).sum(axis=1, dtype=int)])


def alpha(target, p, a, b):
    """P(parts 1..a on, a+1..a+b off), exactly: target as fractions."""
    return sum(Fraction(target[s]) * Fraction(comb(p - a - b, s - b), comb(p, s)) for s in range(b, p - a + 1))


def limit(f, Z, w):
    """(p + 1, k): argmin_B sum w |f - [1, z] B|^2."""
    X = np.column_stack([np.ones(len(Z)), Z])
    root = np.sqrt(w)[:, None]
    return np.linalg.lstsq(X * root, f * root, rcond=None)[0]


def ridge(Z, y, w, lam):
    """Intercept and coefficients of a weighted ridge regression that leaves the intercept alone."""
    X = np.column_stack([np.ones(len(Z)), Z])
    penalty = np.diag([0.0] + [lam] * Z.shape[1])
    return np.linalg.solve(X.T @ (X * w[:, None]) + penalty, X.T @ (w * y))


def boosted(Z, y, w, *, trees, leaves=15, depth=8, least=5.0, rate=0.1, lam=1.0):
    """The fitted function z -> g(z): trees on what a ridge regression leaves, best split first."""
    b = ridge(Z, y, w, lam)
    r, w = y - b[0] - Z @ b[1:], w / w[w > 0].mean()
    grown = []
    for _ in range(trees):
        tree = [(np.ones(len(Z), dtype=bool), ())]
        while len(tree) < leaves:
            gain, at, j = best_leaf(Z, r, w, tree, depth, least)
            if not gain > 0:
                break
            rows, path = tree.pop(at)
            tree += [(rows & (Z[:, j] == on), (*path, (j, on))) for on in (0, 1)]
        values = [rate * (w * r)[rows].sum() / w[rows].sum() for rows, _ in tree]
        grown.append([(path, value) for (_, path), value in zip(tree, values, strict=True)])
        for (rows, _), value in zip(tree, values, strict=True):
            r = r - value * rows
    return lambda z: sum(value for tree in grown for path, value in tree if all(z[j] == on for j, on in path))


def best_leaf(Z, r, w, tree, depth, least):
    """(gain, leaf, feature) of the split that lowers sum w r^2 most."""
    best = (0.0, -1, -1)
    for at, (rows, path) in enumerate(tree):
        for j in range(Z.shape[1] if len(path) < depth else 0):
            sides = [rows & (Z[:, j] == on) for on in (0, 1)]
            if min(w[side].sum() for side in sides) < least:
                continue
            square = sum((w * r)[side].sum() ** 2 / w[side].sum() for side in sides)
            best = max(best, (square - (w * r)[rows].sum() ** 2 / w[rows].sum(), at, j))
    return best
