"""Orders that respect a partial order, by trying all permutations; a partial order is a set of pairs (i before j)."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations

import numpy as np


def closed(pairs):
    """The transitive closure."""
    pairs = set(pairs)
    while True:
        more = {(i, k) for i, j in pairs for j2, k in pairs if j == j2} - pairs
        if not more:
            return pairs
        pairs |= more


def table(n, pairs):
    """The closure as the core reads it: entry (i, j) is 1 where i comes before j."""
    precedes = np.zeros((n, n), dtype=np.uint8)
    for i, j in closed(pairs):
        precedes[i, j] = 1
    return precedes


def consistent_orders(n, pairs):
    return [o for o in permutations(range(n)) if all(o.index(i) < o.index(j) for i, j in pairs)]


def ideals(n, pairs):
    """Sets that hold with each player all who come before."""
    sets = [frozenset(c) for size in range(n + 1) for c in combinations(range(n), size)]
    return [S for S in sets if all(i in S for i, j in pairs if j in S)]


def rational_asymmetric(v, n, pairs):
    """Mean marginal contributions over the consistent orders; v as in `rational_shapley`, in counting order."""
    orders = consistent_orders(n, pairs)
    phi = [Fraction(0)] * n
    for order in orders:
        S = 0
        for i in order:
            phi[i] += Fraction(v[S | 1 << i]) - Fraction(v[S])
            S |= 1 << i
    return [total / len(orders) for total in phi]


def evacuated(order, pairs):
    """The swaps of neighbours that reverse a sequence, without those of two players that the order relates."""
    related, word = closed(pairs), list(order)
    for last in range(len(word) - 1, 0, -1):
        for at in range(last):
            if (word[at], word[at + 1]) not in related:
                word[at], word[at + 1] = word[at + 1], word[at]
    return tuple(word)
