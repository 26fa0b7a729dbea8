"""Enumeration at the size people ask for, through the same door as the other methods."""

from __future__ import annotations

import numpy as np
from estimation.closed_form import Unanimity
from pellucid.estimation import shapley_values


def test_twenty_players_are_enumerated():
    """An additive game with interactions of two and three players: each coalition's bonus is shared by its members."""
    rng = np.random.default_rng(0)
    pairs = [(0, 1), (3, 17), (5, 19)]
    terms = [(i,) for i in range(20)] + pairs + [(2, 8, 11)]
    game = Unanimity(20, terms, rng.normal(size=len(terms)))

    result = shapley_values(game, 20, method="exact", budget=2**20)

    np.testing.assert_allclose(result.values[0], game.values, atol=1e-12)
    assert result.std_err is None
    assert result.report.rows_used == 2**20
