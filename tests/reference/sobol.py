"""Scrambled Sobol points, one digit at a time."""

from __future__ import annotations

import numpy as np

BIG = 2**64 - 1
STREAM = 9


def stream(seed, row, lane):
    """The 64-bit numbers of one stream of the core, from NumPy's Philox; instance 0, blocks from 0."""
    counter = (lane * 2**192 + STREAM * 2**128 + row * 2**64 - 1) % 2**256
    words = np.array([counter >> 64 * j & BIG for j in range(4)], dtype=np.uint64)
    bits = np.random.Philox(counter=words, key=np.array([seed, 0], dtype=np.uint64))
    return lambda: int(bits.random_raw())


def below(draw, n):
    """Lemire's unbiased integer below n."""
    product = draw() * n
    while product % 2**64 < 2**64 % n:
        product = draw() * n
    return product >> 64


def dimension_order(seed, dimensions):
    draw, order = stream(seed, 0, 1), list(range(dimensions))
    for i in range(dimensions, 1, -1):
        j = below(draw, i)
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


def place_of(seed, block, row):
    """Where a block looks for a row: the bits below the highest one in four rounds of shift, multiply and add."""
    if block == 0 or row < 2:
        return row
    draw, k = stream(seed, block, 2), row.bit_length() - 1
    keys = [[draw() for _ in range(4)] for _ in range(32)][k]
    x = row - 2**k
    for key in keys:
        x ^= x >> (k + 1) // 2
        x = (x * (key % 2**32 | 1) + (key >> 32)) % 2**k
    return 2**k + x


def coordinate(seed, j, source, directions, rows):
    """u of rows (n,) in output coordinate j, which uses Sobol dimension source % 256 in block source // 256."""
    draw = stream(seed, j, 0)
    matrix = np.zeros((52, 32), dtype=int)  # lower triangular over GF(2), ones on the diagonal
    for t in range(32):
        bits = draw()
        for digit in range(t + 1, 52):
            matrix[digit, t] = bits >> (51 - digit) & 1
        matrix[t, t] = 1
    shift = draw() >> 12
    shift_digits = np.array([shift >> (51 - digit) & 1 for digit in range(52)])
    v = np.array([[int(direction) >> (31 - t) & 1 for direction in directions] for t in range(32)])
    u = []
    for row in rows:
        bits = np.array([place_of(seed, source // 256, row) >> k & 1 for k in range(32)])
        digits = (matrix @ (v @ bits % 2) + shift_digits) % 2
        u.append((int("".join(map(str, digits)), 2) + 0.5) / 2**52)
    return np.array(u)
