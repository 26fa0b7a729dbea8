"""Marginal contributions along an order of the players and back."""

from __future__ import annotations

import numpy as np


def walk(order, v):
    """What each player adds when the players join in this order: v(before + i) - v(before)."""
    phi = [None] * len(order)
    before = frozenset()
    for i in order:
        phi[i] = v(before | {i}) - v(before)
        before |= {i}
    return np.array(phi)


def antithetic(order, v):
    """Mean of the walk forth and the walk back."""
    return (walk(order, v) + walk(order[::-1], v)) / 2
