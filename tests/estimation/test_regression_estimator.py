"""The paired regression: where it is exact, which rule plays when, and what it says of itself."""

from __future__ import annotations

import numpy as np
import pytest
from estimation.closed_form import Products, Unanimity, table_game
from pellucid.estimation import shapley_values


def setting(players, draws, *, seed=1, **options):
    model = Products.random(players, seed=seed, **{"terms": 12, "orders": (2, 4), **options})
    rng = np.random.default_rng(seed)
    return model, rng.normal(size=players), rng.normal(size=(draws, players))


@pytest.mark.parametrize(
    ("draws", "contrasts", "pairs", "says"),
    [
        (1, False, 30, "pairs of coalitions"),
        (5, True, 410, "a fit for each"),
        (5, False, 410, "a fit for each"),
        (5, True, 160, "one mixed-effects fit"),
        (400, True, 90, "one mixed-effects fit"),
        (20, False, 90, "one mixed-effects fit"),
        (20, True, 41, "one mixed-effects fit"),
        (2, True, 61, "one mixed-effects fit"),
        (2, True, 41, "one fit"),
        (20, True, 35, "one fit"),
        (20, True, 25, "ridge"),
        (1, False, 25, "ridge"),
    ],
)
def test_counts_choose_the_rule(draws, contrasts, pairs, says):
    model, x, background = setting(10, draws)

    result = shapley_values(
        model.game(x, background, contrasts=contrasts), method="regression", budget=draws + 1 + 2 * pairs
    )

    assert says in result.report.why
    assert np.isnan(result.std_err).all() == (says == "ridge")


@pytest.mark.parametrize("players", [5, 10, 17])
@pytest.mark.parametrize("seed", range(3))
def test_an_additive_game_is_exact_by_draw(players, seed):
    """Any function of each feature alone, from few pairs for each background row."""
    model, x, background = setting(players, 3, terms=0, seed=seed)
    pairs = min(4 * players, 2 ** (players - 1) - 1)

    result = shapley_values(model.game(x, background), method="regression", budget=4 + 6 * pairs, seed=seed)

    np.testing.assert_allclose(result.values[0, :, 0], model.values(x, background), atol=1e-11)
    assert result.std_err.max() < 1e-10


@pytest.mark.parametrize("draws", [20, 300])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_linear_model_is_exact_with_contrasts(draws, weighted):
    """Although most background rows were played once or never."""
    model, x, background = setting(12, draws, terms=0)
    weights = np.random.default_rng(4).gamma(1.0, size=draws) + 0.01 if weighted else None

    result = shapley_values(model.game(x, background, weights=weights), method="regression", budget=draws + 1 + 2 * 130)

    assert "one mixed-effects fit" in result.report.why
    np.testing.assert_allclose(result.values[0, :, 0], model.values(x, background, weights), atol=1e-10)
    assert result.std_err.max() < 1e-9


def test_too_many_draws_to_shrink_leave_one_fit_that_moves(monkeypatch):
    monkeypatch.setattr("pellucid.estimation.designs.MOST_WORK_FOR_SHRINKAGE", 1e4)
    model, x, background = setting(12, 20, terms=0)

    result = shapley_values(model.game(x, background), method="regression", budget=21 + 2 * 130)

    assert "one fit that moves with the background row" in result.report.why
    np.testing.assert_allclose(result.values[0, :, 0], model.values(x, background), atol=1e-10)


def test_one_draw_is_exact_to_order_two():
    """Pairing cancels all interactions of two players. [polyshap]"""
    game = Unanimity.random(20, terms=100, orders=(1, 2), seed=1)

    result = shapley_values(game, 20, method="regression", budget=2 + 2 * 70)

    np.testing.assert_allclose(result.values[0], game.values, atol=1e-11)


def test_too_few_pairs_are_a_ridge_that_says_so():
    game = Unanimity.random(20, terms=30, orders=(1, 2), seed=1)

    result = shapley_values(game, 20, method="regression", budget=2 + 2 * 40)

    assert np.isnan(result.std_err).all()
    assert np.isfinite(result.values).all()
    assert np.abs(result.residual).max() < 1e-12
    (warning,) = result.report.warnings
    assert "40 pairs of coalitions are few for 20 players" in warning
    assert "60 pairs give them" in warning
    # Better than nothing: nearer to the truth than an equal split.
    error = np.abs(result.values[0] - game.values).mean()
    assert error < 0.9 * np.abs(game.values - game.values.mean()).mean()


def test_a_ridge_never_counts_as_converged():
    game = Unanimity.random(20, terms=30, orders=(1, 2), seed=1)

    result = shapley_values(game, 20, method="regression", budget=2 + 2 * 40, tolerance=0.5)

    assert result.report.converged == (False,)


@pytest.mark.parametrize("players", [2, 3, 6, 9])
def test_all_coalitions_are_exact_however_they_come(players):
    game, truth = table_game(np.random.default_rng(5).normal(size=(3, 2**players, 2)), weights=[1.0, 2.0, 4.0])

    whole = shapley_values(game, method="regression", budget=10_000)
    staged = shapley_values(game, method="regression", budget=10_000, tolerance=1e-12)

    for result in (whole, staged):
        np.testing.assert_allclose(result.values[0], truth, atol=1e-11)
        assert (result.std_err == 0.0).all()
        assert "these are all" in result.report.why
        assert result.report.rows_used == (2**players - 2) * 3 + 4


def test_unequal_weights_fill_the_rare_draws_last():
    """The design is complete for heavy draws first; what is complete has no error of its own."""
    rng = np.random.default_rng(6)
    tables = np.repeat(rng.normal(size=(1, 2**6, 1)), 2, axis=0)  # the same game for both
    game, truth = table_game(tables, weights=[1.0, 1e-3])

    result = shapley_values(game, method="regression", budget=3 + 2 * 31 + 8)

    assert np.abs(result.values[0] - truth).max() < 0.2


@pytest.mark.parametrize("players", [2, 3, 4, 5])
def test_few_players_against_many_draws(players):
    model, x, background = setting(players, 500, orders=(2, 2), terms=3)
    truth = model.values(x, background)

    result = shapley_values(model.game(x, background), method="regression", budget=501 + 2 * 100)

    assert np.abs(result.residual).max() < 1e-10
    if np.isfinite(result.std_err).all():
        assert (np.abs(result.values[0, :, 0] - truth) <= 5 * result.std_err[0, :, 0] + 1e-9).all()


def test_outputs_of_different_scale_are_fitted_apart():
    game = Unanimity.random(10, terms=20, orders=(1, 4), seed=2)

    result = shapley_values(
        lambda m: np.column_stack([game(m), 1e9 * game(m), np.full(len(m), 4.0)]), 10, method="regression", budget=202
    )

    np.testing.assert_allclose(result.values[0, :, 1], 1e9 * result.values[0, :, 0], rtol=1e-9, atol=1e-2)
    np.testing.assert_allclose(result.std_err[0, :, 1], 1e9 * result.std_err[0, :, 0], rtol=1e-5, atol=1.0)
    assert np.abs(result.values[0, :, 2]).max() < 1e-12
