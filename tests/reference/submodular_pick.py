"""The greedy pick of SP-LIME by the algorithm of the paper, and the best pick by trying all."""

from __future__ import annotations

from itertools import combinations

import numpy as np


def coverage(picked, weights):
    """c(V) = sum over j of 1[exists i in V: |W_ij| > 0] I_j, with I_j = sqrt(sum_i |W_ij|)."""
    importance = np.sqrt(np.abs(weights).sum(axis=0))
    shown = (np.abs(weights[list(picked)]) > 0).any(axis=0) if len(picked) else np.zeros(weights.shape[1], dtype=bool)
    return importance[shown].sum()


def greedy(weights, n_picks, order):
    """Every candidate looked at in every round, in a given order; the first of equal ones."""
    picked = []
    while len(picked) < n_picks:
        before = coverage(picked, weights)
        gains = [-np.inf if i in picked else coverage([*picked, i], weights) - before for i in order]
        best = int(np.flatnonzero(np.array(gains) >= max(gains) - 1e-9)[0])
        if gains[best] < 1e-12:
            break
        picked.append(int(order[best]))
    return picked


def best(weights, n_picks):
    """The largest coverage of n_picks rows."""
    return max(coverage(rows, weights) for rows in combinations(range(len(weights)), n_picks))
