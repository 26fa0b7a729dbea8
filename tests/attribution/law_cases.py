"""A background, models and closed forms for games of a law of the features."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from pellucid import Shapley
from reference.conditional import conditional_moments
from reference.shapley_exact import rational_shapley

D = 4
_rng = np.random.default_rng(8)
BACKGROUND = _rng.normal(size=(60, D)) @ _rng.normal(size=(D, D)) + np.array([1.0, 0.0, -2.0, 5.0])
WEIGHTS = _rng.gamma(2.0, size=60)
X = BACKGROUND[:3] + _rng.normal(size=(3, D))
BETA = np.array([1.0, -2.0, 0.5, 3.0])
CURVE = _rng.normal(size=(D, D))
CURVE = CURVE + CURVE.T


def shapley_by_subsets(players, v):
    """The Shapley values of v, a function of lists of players, by the textbook's sum over subsets."""
    coalitions = [[i for i in range(players) if S >> i & 1] for S in range(2**players)]
    return [float(phi) for phi in rational_shapley([Fraction(float(v(S))) for S in coalitions], players)]


def moments(weights=None):
    weights = np.full(len(BACKGROUND), 1.0) if weights is None else weights
    mean = np.average(BACKGROUND, axis=0, weights=weights)
    return mean, np.cov(BACKGROUND.T, bias=True, aweights=weights)


def linear(rows):
    return rows @ BETA + 1.0


def quadratic(rows):
    return linear(rows) + np.einsum("na,ab,nb->n", rows, CURVE, rows)


def curved(rows):
    return np.tanh(rows[:, 0]) * np.exp(-0.1 * rows[:, 1] ** 2) + np.maximum(rows[:, 2], rows[:, 3])


def expected_quadratic(mean, variance):
    """E of the quadratic model under any law with these moments."""
    return mean @ BETA + 1.0 + mean @ CURVE @ mean + np.trace(CURVE @ variance)


def whole(x, S, mean, covariance):
    """Moments (d,), (d, d) of a row that is x on S and follows its conditional law elsewhere."""
    S, U = sorted(S), [j for j in range(D) if j not in S]
    m, V = x.copy(), np.zeros((D, D))
    m[U], V[np.ix_(U, U)] = conditional_moments(x, S, mean, covariance)
    return m, V


def conditional(model, background=BACKGROUND, **options):
    return Shapley(model, background, value_function="conditional", **{"conditional_draws": 200, **options})
