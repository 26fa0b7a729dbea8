"""Shapley values in exact rationals: the oracle that decides who is right."""

from __future__ import annotations

from fractions import Fraction
from math import factorial


def rational_shapley(v: list[Fraction], n: int) -> list[Fraction]:
    r"""phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S)).

    v lists the values of all 2^n coalitions in counting order: bit j of the place says whether player j is in.
    """
    phi = [Fraction(0)] * n
    for i in range(n):
        for S in range(2**n):
            if S >> i & 1:
                continue
            s = S.bit_count()
            weight = Fraction(factorial(s) * factorial(n - s - 1), factorial(n))
            phi[i] += weight * (Fraction(v[S | 1 << i]) - Fraction(v[S]))
    return phi
