"""Games whose Shapley values are known in closed form, cheap enough to be played thousands of times."""

from __future__ import annotations

import itertools
import math

import numpy as np


def table_shapley(table: np.ndarray) -> np.ndarray:
    """Values (p, ...) of a table (2^p, ...) of v in counting order, straight from the definition."""
    p = len(table).bit_length() - 1
    values = np.zeros((p, *table.shape[1:]))
    sizes = np.array([i.bit_count() for i in range(len(table))])
    weights = np.array([math.factorial(s) * math.factorial(p - s - 1) / math.factorial(p) for s in range(p)])
    for i in range(p):
        without = np.flatnonzero((np.arange(len(table)) >> i) & 1 == 0)
        gain = table[without | (1 << i)] - table[without]
        values[i] = np.tensordot(weights[sizes[without]], gain, axes=1)
    return values


class DrawsGame:
    """A game with B draws, given by `played(masks (m, p) bool, draws (m,)) -> (m, k)`; counts what it plays.

    contrasts : (B, p), or None for a game that cannot tell.
    """

    def __init__(self, played, *, parts, weights, outputs=1, contrasts=None):
        self.parts = tuple(f"player {i}" for i in range(parts))
        self.draw_weights = np.asarray(weights, dtype=np.float64) / np.sum(weights)
        self.n_draws = len(self.draw_weights)
        self.n_outputs = outputs
        self.rows_used = 0
        self._played = played
        self._contrasts = contrasts

    def play(self, masks, draws):
        self.rows_used += len(masks)
        return self._played(np.asarray(masks, dtype=bool), np.asarray(draws))

    def value(self, masks):
        draws = np.arange(self.n_draws)
        outputs = self.play(np.repeat(masks, self.n_draws, axis=0), np.tile(draws, len(masks)))
        return np.einsum("b,mbk->mk", self.draw_weights, outputs.reshape(len(masks), self.n_draws, -1))

    def ends(self):
        p = len(self.parts)
        empty = self._played(np.zeros((self.n_draws, p), dtype=bool), np.arange(self.n_draws))
        return empty, self._played(np.ones((1, p), dtype=bool), np.zeros(1, dtype=int))[0]

    def contrasts(self):
        return self._contrasts


def table_game(tables: np.ndarray, weights=None) -> tuple[DrawsGame, np.ndarray]:
    """The game of tables (B, 2^p, k) with one full value for all draws, and its values (p, k)."""
    tables = np.array(tables, dtype=np.float64)
    tables[:, -1] = tables[0, -1]  # everybody known: the explained row, whatever the draw
    draws, size, outputs = tables.shape
    p = size.bit_length() - 1
    powers = 1 << np.arange(p)
    weights = np.ones(draws) if weights is None else np.asarray(weights)
    game = DrawsGame(lambda m, b: tables[b, m @ powers], parts=p, weights=weights, outputs=outputs)
    return game, table_shapley(np.tensordot(game.draw_weights, tables, axes=1))


class Unanimity:
    r"""v(S) = sum_T c_T 1[T in S] of some coalitions T; values :math:`\phi_i = \sum_{T \ni i} c_T / |T|`."""

    def __init__(self, players: int, terms: list[tuple[int, ...]], coefficients: np.ndarray):
        self.players = players
        self.members = np.zeros((players, len(terms)))
        for t, term in enumerate(terms):
            self.members[list(term), t] = 1.0
        self.sizes = self.members.sum(axis=0)
        self.coefficients = np.asarray(coefficients, dtype=np.float64).reshape(len(terms), -1)

    @classmethod
    def random(cls, players: int, *, terms: int, orders: tuple[int, int], seed: int, outputs: int = 1):
        rng = np.random.default_rng(seed)
        chosen = [
            tuple(rng.choice(players, size=int(rng.integers(orders[0], orders[1] + 1)), replace=False))
            for _ in range(terms)
        ]
        return cls(players, chosen, rng.normal(size=(terms, outputs)))

    def __call__(self, masks) -> np.ndarray:
        inside = np.asarray(masks, dtype=np.float64) @ self.members == self.sizes
        return inside @ self.coefficients

    @property
    def values(self) -> np.ndarray:
        return self.members @ (self.coefficients / self.sizes[:, None])


class Products:
    r"""f(x) = w'x + sum_T c_T prod_{j in T} x_j, played by replacing features by those of a background row.

    The product of features that are x_j in S and b_j outside has the values
    :math:`(x_i - b_i) \sum_{U \subseteq T \setminus i} \frac{|U|!\,(|T|-|U|-1)!}{|T|!} x_U b_{T \setminus U
    \setminus i}`.
    """

    def __init__(self, features: int, *, terms: list[tuple[int, ...]], coefficients, linear):
        self.features, self.terms = features, [tuple(int(i) for i in term) for term in terms]
        self.coefficients, self.linear = np.asarray(coefficients, float), np.asarray(linear, float)

    @classmethod
    def random(cls, features: int, *, terms: int, orders: tuple[int, int], seed: int, size: float = 1.0):
        rng = np.random.default_rng(seed)
        chosen = [
            tuple(rng.choice(features, size=int(rng.integers(orders[0], orders[1] + 1)), replace=False))
            for _ in range(terms)
        ]
        return cls(features, terms=chosen, coefficients=size * rng.normal(size=terms), linear=rng.normal(size=features))

    def __call__(self, rows) -> np.ndarray:
        # Column by column: the bits of a row must not depend on the rows around it, as those of a BLAS do.
        rows = np.asarray(rows)
        total = np.zeros(len(rows))
        for weight, column in zip(self.linear, rows.T, strict=True):
            total = total + weight * column
        for coefficient, term in zip(self.coefficients, self.terms, strict=True):
            product = np.full(len(rows), coefficient)
            for j in term:
                product = product * rows[:, j]
            total = total + product
        return total

    def values_by_draw(self, x, background) -> np.ndarray:
        """(B, p)."""
        x, background = np.asarray(x, float), np.asarray(background, float)
        values = self.linear * (x - background)
        for coefficient, term in zip(self.coefficients, self.terms, strict=True):
            for i in term:
                others = [j for j in term if j != i]
                total = np.zeros(len(background))
                for size in range(len(others) + 1):
                    weight = math.factorial(size) * math.factorial(len(term) - size - 1) / math.factorial(len(term))
                    for inside in itertools.combinations(others, size):
                        product = np.full(len(background), weight)
                        for j in others:
                            product = product * (x[j] if j in inside else background[:, j])
                        total += product
                values[:, i] += coefficient * (x[i] - background[:, i]) * total
        return values

    def values(self, x, background, weights=None) -> np.ndarray:
        return np.average(self.values_by_draw(x, background), axis=0, weights=weights)

    def game(self, x, background, *, weights=None, contrasts=True) -> DrawsGame:
        """The game of one row, without the model's machinery; contrasts as for numeric features."""
        x, background = np.asarray(x, float), np.asarray(background, float)
        weights = np.ones(len(background)) if weights is None else np.asarray(weights)
        spread = background.std(axis=0) if len(background) > 1 else np.ones(len(x))
        return DrawsGame(
            lambda masks, draws: self(np.where(masks, x, background[draws]))[:, None],
            parts=len(x),
            weights=weights,
            contrasts=(x - background) / spread if contrasts else None,
        )
