"""Asymmetric Shapley values: against all consistent permutations, closed forms, and what the report says."""

from fractions import Fraction

import numpy as np
import pytest
from estimation.closed_form import Products, table_game, table_shapley
from pellucid import PartialOrder
from pellucid.errors import BudgetError, InputError
from pellucid.estimation import shapley_values
from pellucid.estimation.linear_orders import ConsistentOrders
from pellucid.estimation.permutation import Permutations
from pellucid.estimation.student import student_factor
from reference.asymmetric_shapley import rational_asymmetric
from reference.shapley_permutation import walk

NAMES = ["a", "b", "c", "d", "e"]
LAYERS = [["d", "b"], ["a", "c", "e"]]
NET = {"a": ["c", "d"], "b": ["d", "e"]}  # neither layers nor a tree


def pairs_of(order):
    return {(int(i), int(j)) for i, j in np.argwhere(PartialOrder.of(order).precedes(NAMES))}


def random_game(seed=0, players=5):
    table = np.random.default_rng(seed).integers(-20, 20, 2**players)
    powers = 1 << np.arange(players)
    return table, lambda masks: table[masks @ powers]


@pytest.mark.parametrize("order", [LAYERS, NET, {}, {"b": ["a"]}, [["c"], ..., ["b"]], list("ecadb")])
def test_exact_values_are_the_mean_over_all_consistent_permutations(order):
    table, v = random_game()

    result = shapley_values(v, NAMES, order=order)

    oracle = rational_asymmetric([Fraction(int(x)) for x in table], 5, pairs_of(order))
    np.testing.assert_allclose(result.values[0, :, 0], [float(x) for x in oracle], rtol=0, atol=1e-13)
    assert result.std_err is None
    assert result.report.method == "exact asymmetric Shapley values"


def test_without_constraints_they_are_shapley_values():
    table, v = random_game()

    exact = shapley_values(v, NAMES, order=[...])
    sampled = shapley_values(v, NAMES, order={}, method="permutation", budget=200, seed=3)

    np.testing.assert_allclose(exact.values[0, :, 0], table_shapley(table), atol=1e-13)
    plain = shapley_values(v, NAMES, method="permutation", budget=200, seed=3)
    assert sampled.values.tobytes() == plain.values.tobytes()
    assert sampled.std_err.tobytes() == plain.std_err.tobytes()


@pytest.mark.parametrize("method", ["auto", "exact", "permutation"])
def test_a_total_order_gives_the_marginal_contributions_along_it(method):
    table, v = random_game()

    result = shapley_values(v, NAMES, order=["d", "a", "e", "b", "c"], method=method)

    expected = walk([3, 0, 4, 1, 2], lambda S: float(table[sum(1 << j for j in S)]))
    np.testing.assert_allclose(result.values[0, :, 0], expected, atol=1e-12)
    assert result.std_err is None or (result.std_err == 0.0).all()


def test_two_layers_are_two_shapley_values():
    """The first layer plays its own game, the second one what is left when the first is there."""
    table, v = random_game()
    first, second = [3, 1], [0, 2, 4]
    there = sum(1 << j for j in first)

    result = shapley_values(v, NAMES, order=LAYERS).values[0, :, 0]

    def game_of(players, before):
        sets = [[j for bit, j in enumerate(players) if S >> bit & 1] for S in range(2 ** len(players))]
        return table_shapley(np.array([table[before + sum(1 << j for j in S)] for S in sets], dtype=float))

    np.testing.assert_allclose(result[first], game_of(first, 0), atol=1e-13)
    np.testing.assert_allclose(result[second], game_of(second, there), atol=1e-13)


@pytest.mark.parametrize("order", [LAYERS, NET, {"b": ["a"]}])
@pytest.mark.parametrize("weights", [None, [1.0, 3.0, 2.0]])
def test_efficiency_and_unbiasedness_of_permutations(order, weights):
    game, _ = table_game(np.random.default_rng(1).normal(size=(3, 2**5, 2)), weights)
    game.parts = tuple(NAMES)
    exact = shapley_values(game, order=order)
    assert np.abs(exact.residual).max() < 1e-13

    found = [
        shapley_values(game, order=order, method="permutation", budget=4 + 8 * 40, seed=seed, n_threads=1)
        for seed in range(200)
    ]

    assert max(np.abs(result.residual).max() for result in found) < 1e-12
    values = np.array([result.values[0] for result in found])
    spread = values.std(axis=0)
    # 40 pairs are enough for a stratum of every draw, which has no bias: 4.5 standard errors of the mean of 200.
    assert (np.abs(values.mean(axis=0) - exact.values[0]) <= 4.5 * spread / np.sqrt(200) + 1e-12).all()
    assert spread.max() > 0.01


def test_the_estimate_is_the_mean_over_the_orders_and_their_twins():
    table, v = random_game()
    orders, twins, _, _ = Permutations(
        5, np.ones(1), seed=3, orders=ConsistentOrders(PartialOrder.of(NET), NAMES)
    ).pairs(0, 9)

    result = shapley_values(v, NAMES, order=NET, method="permutation", budget=2 + 9 * 8, seed=3)

    def of(order):
        return walk(order.tolist(), lambda S: float(table[sum(1 << j for j in S)]))

    pairs = np.array([(of(order) + of(twin)) / 2 for order, twin in zip(orders, twins, strict=True)])
    np.testing.assert_allclose(result.values[0, :, 0], pairs.mean(axis=0), atol=1e-12)
    expected = pairs.std(axis=0, ddof=1) / 3 * student_factor(8)
    np.testing.assert_allclose(result.std_err[0, :, 0], expected, rtol=1e-10, atol=1e-13)


def test_pairs_within_layers_are_exact_for_interactions_of_two():
    rng = np.random.default_rng(0)
    weights = np.triu(rng.normal(size=(5, 5)))
    game = lambda masks: np.einsum("mi,ij,mj->m", masks, weights, masks)  # noqa: E731

    one_pair = shapley_values(game, NAMES, order=LAYERS, method="permutation", budget=2 + 8)
    independent = shapley_values(game, NAMES, order=LAYERS)

    np.testing.assert_allclose(one_pair.values, independent.values, atol=1e-12)


class TestManyPlayers:
    """Exact far beyond 24 players, because few coalitions can arise."""

    names = tuple(f"x{i}" for i in range(60))

    def test_layers_of_four(self):
        layers = [self.names[i : i + 4] for i in range(0, 60, 4)]
        weights = np.random.default_rng(0).normal(size=60)
        played = []

        def v(masks):
            played.append(len(masks))
            return (masks @ weights) ** 2

        result = shapley_values(v, self.names, order=PartialOrder.from_layers(layers))

        assert result.std_err is None
        assert sum(played) == 15 * 15 + 1 == result.report.rows_used
        # The square of a sum: a player gets w_i (w_i + 2 w(before) + w(the rest of the layer)).
        for first in range(0, 60, 4):
            layer = weights[first : first + 4]
            expected = layer * (2 * weights[:first].sum() + layer.sum())
            np.testing.assert_allclose(result.values[0, first : first + 4, 0], expected, atol=1e-11)

    def test_without_the_order_it_is_refused(self):
        with pytest.raises(BudgetError):
            shapley_values(lambda masks: masks.sum(axis=1), self.names, method="exact")


class TestSpending:
    def test_auto_turns_to_permutations_where_the_budget_ends(self):
        _, v = random_game()
        enough = shapley_values(v, NAMES, order={"b": ["a"]}, budget=24)
        less = shapley_values(v, NAMES, order={"b": ["a"]}, budget=23)

        assert enough.report.rows_used == 24
        assert "all 24 coalitions that can arise fit the budget of 24 rows; orders with b before a" in enough.report.why
        assert less.report.method == "asymmetric Shapley values by permutation"
        assert "more coalitions can arise than the 23 that fit the budget of 23 rows" in less.report.why
        assert less.report.rows_used == 2 + 16

    def test_exact_is_refused_beyond_the_budget(self):
        _, v = random_game()
        with pytest.raises(BudgetError, match="more coalitions can arise than the 23 that fit the budget of 23 rows"):
            shapley_values(v, NAMES, order={"b": ["a"]}, budget=23, method="exact")
        with pytest.raises(BudgetError, match="than the 4,194,304 that fit the memory"):
            shapley_values(lambda masks: masks.sum(axis=1), 40, order=[["player 1"], ...], method="exact")

    def test_a_tolerance_ends_the_sampling(self):
        game = Products.random(8, terms=20, orders=(2, 3), seed=1).game(np.ones(8), np.zeros((1, 8)))
        order = {"player 0": ["player 3"]}
        loose = shapley_values(game, order=order, method="permutation", tolerance=0.2)
        tight = shapley_values(game, order=order, method="permutation", tolerance=0.01)

        assert loose.report.converged == tight.report.converged == (True,)
        assert loose.report.rows_used < tight.report.rows_used
        assert np.abs(tight.values - shapley_values(game, order=order).values).max() < 0.05

    def test_a_time_limit_means_permutations(self):
        _, v = random_game()
        result = shapley_values(v, NAMES, order=NET, time_limit=1e-9)
        assert result.report.method == "asymmetric Shapley values by permutation"
        assert result.report.converged == (False,)
        with pytest.raises(InputError, match="use method='permutation'"):
            shapley_values(v, NAMES, order=NET, time_limit=1.0, method="exact")

    def test_one_player(self):
        result = shapley_values(lambda masks: 3.0 * masks[:, 0], ["a"], order=["a"], method="permutation")
        assert result.values.ravel().tolist() == [3.0]


def test_regression_knows_no_order():
    with pytest.raises(InputError, match="method='regression' must come without order="):
        shapley_values(lambda masks: masks.sum(axis=1), 4, order=[...], method="regression")


def test_unknown_methods_and_names_are_refused():
    with pytest.raises(InputError, match="method must be one of"):
        shapley_values(lambda masks: masks.sum(axis=1), 4, order=[...], method="best")
    with pytest.raises(InputError, match="did you mean 'player 1'"):
        shapley_values(lambda masks: masks.sum(axis=1), 4, order={"player1": []})


def test_a_net_too_large_to_sample_is_refused_before_the_game_is_played():
    edges = [(f"player {i}", f"player {j}") for i in range(0, 102, 2) for j in (i - 1, i + 1) if 0 <= j < 102]
    played = []
    with pytest.raises(BudgetError, match="neither layers nor a forest"):
        shapley_values(played.append, 102, order=PartialOrder.from_edges(edges))
    assert not played
