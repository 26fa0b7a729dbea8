"""Shapley values of plain games: the textbook's games, and what a budget, a tolerance and a time limit mean."""

from __future__ import annotations

import itertools
import math
import re
import time

import numpy as np
import pytest
from estimation.closed_form import Products, Unanimity, table_game, table_shapley
from pellucid import BudgetError, InputError, ModelOutputError
from pellucid.estimation import shapley_values

METHODS = ["auto", "exact", "permutation", "regression"]


def brute_force(v, players: int) -> np.ndarray:
    """The mean marginal contribution over all orders, one order after the other."""
    totals = np.zeros(players)
    for order in itertools.permutations(range(players)):
        masks = np.zeros((players + 1, players), dtype=bool)
        for step, player in enumerate(order):
            masks[step + 1] = masks[step]
            masks[step + 1, player] = True
        totals[list(order)] += np.diff(np.asarray(v(masks), dtype=float))
    return totals / math.factorial(players)


class Counted:
    def __init__(self, v):
        self.v, self.rows = v, 0

    def __call__(self, masks):
        self.rows += len(masks)
        return self.v(masks)


@pytest.mark.parametrize("method", METHODS)
def test_unanimity(method):
    """Players 1 and 3 are needed: they share, and nobody else gets anything. Order 2 is exact for every method."""
    result = shapley_values(lambda m: (m[:, 1] & m[:, 3]).astype(float), 5, method=method, budget=2000)

    np.testing.assert_allclose(result.values[0, :, 0], [0.0, 0.5, 0.0, 0.5, 0.0], atol=1e-12)


def test_airport():
    """Runways: v(S) is the largest cost of S, and each segment is paid by those who need it. [littlechild1973]"""
    costs = np.array([1.0, 2.0, 2.0, 5.0, 9.0])

    result = shapley_values(lambda m: np.max(m * costs, axis=1), ["a", "b", "c", "d", "e"])

    segments = np.diff(costs, prepend=0.0) / np.arange(5, 0, -1)
    np.testing.assert_allclose(result.values[0, :, 0], np.cumsum(segments), rtol=1e-14)
    assert result.parts == ("a", "b", "c", "d", "e")
    assert result.std_err is None
    assert result.base_values[0, 0] == 0.0
    assert result.predictions[0, 0] == 9.0


def test_weighted_voting():
    weights, quota = np.array([4, 3, 2, 1, 1, 1]), 7

    def v(masks):
        return (masks @ weights >= quota).astype(float)

    result = shapley_values(v, 6)

    np.testing.assert_allclose(result.values[0, :, 0], brute_force(v, 6), atol=1e-14)


def test_gloves():
    """Two left gloves and one right one: the rare side takes two thirds. [shapley1953]"""
    result = shapley_values(lambda m: m[:, 2] & (m[:, 0] | m[:, 1]), 3)

    np.testing.assert_allclose(result.values[0, :, 0], [1 / 6, 1 / 6, 2 / 3], rtol=1e-14)


def test_exact_against_brute_force_over_orders():
    table = np.random.default_rng(3).normal(size=2**6)
    powers = 1 << np.arange(6)

    def v(masks):
        return table[masks @ powers]

    result = shapley_values(v, 6, method="exact")

    np.testing.assert_allclose(result.values[0, :, 0], brute_force(v, 6), atol=1e-13)
    np.testing.assert_allclose(result.values[0, :, 0], table_shapley(table), atol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_many_outputs(method):
    game = Unanimity.random(8, terms=12, orders=(1, 4), seed=1, outputs=3)

    result = shapley_values(game, 8, method=method, budget=None if method == "auto" else 900)
    single = shapley_values(lambda m: game(m)[:, 1], 8, method=method, budget=None if method == "auto" else 900)

    assert result.values.shape == (1, 8, 3)
    assert result.outputs == ("value 0", "value 1", "value 2")
    np.testing.assert_allclose(result.values[..., 1], single.values[..., 0], atol=1e-12)
    assert np.abs(result.residual).max() < 1e-12
    error = np.abs(result.values[0] - game.values)
    assert (error <= 1e-12 if result.std_err is None else error <= 5 * result.std_err[0] + 1e-12).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("budget", [40, 60, 100, 257, 1000, 4097, 20_000])
@pytest.mark.parametrize("tolerance", [None, 0.05])
def test_a_plain_game_never_costs_more_than_its_budget(method, budget, tolerance):
    game = Counted(Unanimity.random(12, terms=20, orders=(1, 5), seed=2))
    if method == "exact" and budget < 2**12:
        with pytest.raises(BudgetError, match=r"4,096"):
            shapley_values(game, 12, method=method, budget=budget, tolerance=tolerance)
        assert game.rows == 0
        return

    result = shapley_values(game, 12, method=method, budget=budget, tolerance=tolerance)

    assert game.rows <= budget
    assert game.rows == result.report.rows_used
    if method == "regression" and tolerance is None and budget < 2**12:
        assert game.rows >= 0.95 * budget  # and spends it
    if budget >= 4097 and method in ("auto", "regression") and tolerance is None:
        np.testing.assert_allclose(result.values[0], game.v.values, atol=1e-12)  # all coalitions are in


@pytest.mark.parametrize("method", ["regression", "permutation", "auto"])
@pytest.mark.parametrize("draws", [1, 5, 37])
@pytest.mark.parametrize("budget", [75, 120, 455, 1500, 9000])
def test_a_game_with_draws_never_costs_more_than_its_budget(method, draws, budget):
    model = Products.random(9, terms=10, orders=(2, 3), seed=1)
    rng = np.random.default_rng(8)
    x, background = rng.normal(size=9), rng.normal(size=(draws, 9))
    game = model.game(x, background, weights=rng.gamma(1.0, size=draws) + 0.01)

    result = shapley_values(game, method=method, budget=budget)

    assert game.rows_used + draws + 1 <= budget
    assert game.rows_used + draws + 1 == result.report.rows_used


@pytest.mark.parametrize("method", ["exact", "permutation", "regression"])
def test_a_budget_that_is_too_small_names_one_that_works(method):
    game = Counted(Unanimity.random(11, terms=5, orders=(1, 3), seed=0))

    with pytest.raises(BudgetError, match="budget") as caught:
        shapley_values(game, 11, method=method, budget=5)
    assert game.rows == 0
    pattern = r"needs ([\d,]+) model rows" if method == "exact" else r"use budget=([\d,]+)"
    enough = int(re.search(pattern, str(caught.value))[1].replace(",", ""))

    result = shapley_values(game, 11, method=method, budget=enough)
    assert game.rows <= enough
    assert np.abs(result.residual).max() < 1e-9
    with pytest.raises(BudgetError, match="budget"):
        shapley_values(game, 11, method=method, budget=enough - 1)


def test_forty_players_are_refused_before_any_work():
    def never(masks):
        raise AssertionError("the game was played")

    start = time.perf_counter()
    with pytest.raises(BudgetError, match=r"2\^40 = 1\.1e\+12 coalitions of 40 players.*limit is 2\^24"):
        shapley_values(never, 40, method="exact")
    with pytest.raises(BudgetError, match=r"2\^40"):
        shapley_values(never, 40, method="exact", budget=2**61)
    assert time.perf_counter() - start < 1.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("budget", [None, 2, 100])
def test_one_player_takes_all(method, budget):
    result = shapley_values(lambda m: np.where(m[:, 0], 7.0, 3.0), 1, method=method, budget=budget)

    assert result.values[0, 0, 0] == 4.0
    assert result.std_err is None
    assert "exact" in result.report.method


@pytest.mark.parametrize("method", METHODS)
def test_two_players(method):
    table = np.array([1.0, 4.0, 3.0, 10.0])

    result = shapley_values(lambda m: table[m @ [1, 2]], 2, method=method, budget=8)

    np.testing.assert_allclose(result.values[0, :, 0], [5.0, 4.0], rtol=1e-14)


@pytest.mark.parametrize("players", [3, 4, 5, 6, 7])
@pytest.mark.parametrize("extra", [0, 1, 1000])
def test_regression_with_all_coalitions_is_exact(players, extra):
    """Whatever the number of draws: with the budget for all pairs none may be missing."""
    rng = np.random.default_rng(players)
    for draws in (1, 2, 3, 7, 10):
        game, truth = table_game(rng.normal(size=(draws, 2**players, 2)))
        budget = (2**players - 2) * draws + draws + 1 + extra

        result = shapley_values(game, method="regression", budget=budget)

        np.testing.assert_allclose(result.values[0], truth, atol=1e-11)
        assert (result.std_err == 0.0).all()
        assert "these are all there are, so the values are exact" in result.report.why
        assert result.report.converged == ()


def test_two_thousand_players():
    game = Unanimity.random(2000, terms=500, orders=(1, 2), seed=4)
    start = time.perf_counter()

    result = shapley_values(game, 2000, method="permutation", budget=9000, n_threads=2)

    # Antithetic pairs of orders are exact up to order 2.
    np.testing.assert_allclose(result.values[0], game.values, atol=1e-10)
    assert time.perf_counter() - start < 20.0


def test_a_thousand_players_by_regression():
    game = Unanimity.random(1000, terms=500, orders=(1, 2), seed=4)
    start = time.perf_counter()

    result = shapley_values(game, 1000, method="regression", budget=6600, n_threads=2)

    np.testing.assert_allclose(result.values[0], game.values, atol=1e-8)
    assert time.perf_counter() - start < 30.0


class TestTolerance:
    game = Unanimity.random(30, terms=60, orders=(1, 6), seed=5)

    @pytest.mark.parametrize("method", ["regression", "permutation"])
    def test_it_stops_when_it_is_precise_enough(self, method):
        game = Counted(self.game)

        result = shapley_values(game, 30, method=method, tolerance=0.02)

        values, errors = result.values[0, :, 0], result.std_err[0, :, 0]
        assert errors.max() <= 0.02 * (values.max() - values.min())
        assert result.report.converged == (True,)
        assert game.rows < 100_000

    @pytest.mark.parametrize("method", ["regression", "permutation"])
    def test_a_smaller_one_costs_more(self, method):
        rows = [
            shapley_values(self.game, 30, method=method, tolerance=tolerance, budget=400_000).report.rows_used
            for tolerance in (0.1, 0.03, 0.01)
        ]

        assert rows == sorted(rows)
        assert rows[0] < rows[-1]

    @pytest.mark.parametrize("method", ["regression", "permutation"])
    def test_a_budget_may_end_it_before(self, method):
        result = shapley_values(self.game, 30, method=method, tolerance=1e-6, budget=3000)

        assert result.report.converged == (False,)
        assert result.report.rows_used <= 3000
        assert result.std_err.max() > 1e-6 * (result.values.max() - result.values.min())

    def test_none_spends_the_budget(self):
        result = shapley_values(self.game, 30, method="regression", budget=5000)

        assert 4950 <= result.report.rows_used <= 5000
        assert result.report.converged == ()

    def test_the_default_is_three_hundredths_or_a_hundred_thousand_rows(self):
        result = shapley_values(self.game, 30)

        assert result.report.tolerance == 0.03
        assert result.report.budget is None
        assert result.report.rows_used < 100_000
        assert result.report.converged == (True,)

    def test_stages_do_not_change_the_sample(self):
        """What is played in stages is what is played at once."""
        staged = shapley_values(self.game, 30, method="regression", tolerance=1e-9, budget=5000)
        at_once = shapley_values(self.game, 30, method="regression", budget=5000)

        np.testing.assert_allclose(staged.values, at_once.values, atol=1e-12)
        np.testing.assert_allclose(staged.std_err, at_once.std_err, rtol=1e-6)


class TestTimeLimit:
    @pytest.mark.parametrize("method", ["regression", "permutation"])
    @pytest.mark.parametrize("tolerance", [None, 1e-9])
    def test_it_returns_what_there_is_marked(self, method, tolerance):
        game = Unanimity.random(20, terms=30, orders=(1, 5), seed=5)

        def slow(masks):
            time.sleep(len(masks) * 2e-5)
            return game(masks)

        start = time.perf_counter()
        result = shapley_values(slow, 20, method=method, budget=500_000, tolerance=tolerance, time_limit=0.15)
        seconds = time.perf_counter() - start

        assert seconds < 3.0  # 10 without a limit
        assert result.report.converged == (False,)
        assert any("time limit" in warning for warning in result.report.warnings)
        assert np.abs(result.residual).max() < 1e-9
        assert np.isfinite(result.std_err).all()

    def test_exact_has_nothing_to_show_before_its_end(self):
        with pytest.raises(InputError, match="time_limit must be None with method='exact'"):
            shapley_values(lambda masks: masks.sum(axis=1), 5, method="exact", time_limit=1.0)

    @pytest.mark.parametrize("method", ["auto", "permutation", "regression"])
    def test_one_that_is_not_reached_changes_nothing(self, method):
        game = Unanimity.random(11, terms=30, orders=(1, 5), seed=5)

        limited = shapley_values(game, 11, method=method, budget=3000, time_limit=1000.0)
        free = shapley_values(game, 11, method=method, budget=3000)

        np.testing.assert_allclose(limited.values, free.values, atol=1e-13)
        assert limited.report.converged == ()
        assert limited.report.warnings == ()


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"budget": 0}, "budget"),
        ({"budget": 2.5}, "budget"),
        ({"budget": True}, "budget"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"tolerance": np.nan}, "tolerance"),
        ({"time_limit": -1}, "time_limit"),
        ({"time_limit": "1"}, "time_limit"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"n_threads": 0}, "n_threads"),
        ({"method": "kernel"}, "method"),
    ],
)
def test_arguments_that_are_none_are_refused_by_name(arguments, names):
    with pytest.raises(InputError, match=names):
        shapley_values(lambda m: m[:, 0], 4, **arguments)


def test_players_come_with_a_callable_and_only_with_one():
    game, _ = table_game(np.zeros((1, 8, 1)))

    with pytest.raises(InputError, match="players"):
        shapley_values(lambda m: m[:, 0])
    with pytest.raises(InputError, match="players"):
        shapley_values(game, 3)


@pytest.mark.parametrize("method", METHODS)
def test_a_game_that_answers_nonsense_is_refused(method):
    with pytest.raises(ModelOutputError, match="NaN"):
        shapley_values(lambda m: np.where(m.sum(axis=1) == 2, np.nan, 1.0), 6, method=method, budget=500)
    with pytest.raises(ModelOutputError, match="length"):
        shapley_values(lambda m: np.zeros(len(m) + 1), 6, method=method, budget=500)
