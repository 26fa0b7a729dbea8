"""Submodular pick: the paper's example, the naive greedy algorithm, its guarantee, and what goes in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pellucid import Attribution, _core, submodular_pick
from pellucid.errors import InputError
from reference.submodular_pick import best, coverage, greedy

# Figure 5 of the paper, from what its text says: f2 is used more often than f1; rows 2 and 5 are picked and cover all
# but f1; after row 2, row 3 adds nothing, since f2 and f3 were seen, and row 5 shows only new features.
TOY = np.array([[1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 1, 1]], dtype=float)
F1, F2 = 0, 1


def random_weights(rng, n, p, *, levels=None):
    shows = rng.random((n, p)) < 0.3
    size = rng.normal(size=(n, p)) if levels is None else rng.choice(levels, size=(n, p))
    return shows * size


@pytest.mark.parametrize("seed", range(8))
def test_the_example_of_the_paper(seed):
    pick = submodular_pick(TOY, n_picks=2, seed=seed)

    assert pick.importance[F2] > pick.importance[F1]
    assert pick.importance[F2] == pick.importance.max()
    assert pick.rows == (1, 4)
    assert pick.coverage[1] == pytest.approx(1 - pick.importance[F1] / pick.importance.sum())


def test_a_row_that_adds_nothing_is_never_picked():
    """After the first row and the last, row 1 brings f1; rows 3 and 4 show what was seen."""
    pick = submodular_pick(TOY, n_picks=5)

    assert pick.rows == (1, 4, 0)
    assert pick.coverage[-1] == pytest.approx(1.0)


def test_rows_that_are_the_same_are_chosen_between_by_the_seed():
    twins = TOY.copy()
    twins[2] = twins[1]
    picks = {submodular_pick(twins, n_picks=2, seed=seed).rows for seed in range(20)}

    assert picks == {(1, 4), (2, 4)}
    assert submodular_pick(twins, n_picks=2, seed=3).rows == submodular_pick(twins, n_picks=2, seed=3).rows


@pytest.mark.parametrize("levels", [None, (-1.0, 1.0, 4.0)])
def test_the_lazy_pick_is_the_naive_one(levels):
    rng = np.random.default_rng(0)
    for seed in range(40):
        n, p = int(rng.integers(1, 25)), int(rng.integers(1, 15))
        weights = random_weights(rng, n, p, levels=levels)
        order = _core.random_permutations(seed, n, 0, 1)[0]
        pick = submodular_pick(weights, n_picks=n, seed=seed)

        assert list(pick.rows) == greedy(weights, n, order)
        total = np.sqrt(np.abs(weights).sum(axis=0)).sum()
        for count, covered in enumerate(pick.coverage, start=1):
            assert covered * total == pytest.approx(coverage(pick.rows[:count], weights))


def test_the_greedy_pick_is_within_1_less_1_over_e_of_the_best():
    rng = np.random.default_rng(1)
    shares = []
    for seed in range(60):
        weights = random_weights(rng, 10, 12)
        pick = submodular_pick(weights, n_picks=3, seed=seed)
        shares.append(coverage(pick.rows, weights) / best(weights, 3))

    assert min(shares) >= 1 - 1 / math.e
    assert max(shares) <= 1 + 1e-12


def test_classes_do_not_cancel_each_other():
    """A part that speaks for one class and against another is as important as any."""
    weights = np.zeros((2, 2, 2))
    weights[0, 0] = [1.0, -1.0]
    weights[1, 1] = [0.5, 0.0]
    for explanations in (weights, Attribution.from_array(weights), list(Attribution.from_array(weights))):
        pick = submodular_pick(explanations, n_picks=1)

        assert pick.importance.tolist() == [math.sqrt(2.0), math.sqrt(0.5)]
        assert pick.rows == (0,)


def test_one_output_alone():
    weights = np.zeros((2, 2, 2))
    weights[0, 0, 0] = weights[1, 1, 1] = 1.0
    attribution = Attribution.from_array(weights, outputs=["cat", "dog"])

    assert submodular_pick(attribution, n_picks=2).rows in {(0, 1), (1, 0)}
    assert submodular_pick(attribution, n_picks=2, output="dog").rows == (1,)
    assert submodular_pick(weights, n_picks=2, output=0).rows == (0,)


def test_words_are_matched_by_name():
    texts = [
        Attribution.from_array([1.0, 2.0], parts=["good", "film"]),
        Attribution.from_array([3.0, 1.0, 0.0], parts=["film", "bad", "plot"]),
        Attribution.from_array([0.5], parts=["good"]),
    ]
    pick = submodular_pick(texts, n_picks=2)

    assert pick.parts == ("good", "film", "bad", "plot")
    np.testing.assert_allclose(pick.importance, np.sqrt([1.5, 5.0, 1.0, 0.0]))
    assert pick.rows == (0, 1)
    assert pick.coverage[-1] == pytest.approx(1.0)


def test_several_rows_and_repeated_words_in_one_list():
    two = Attribution.from_array([[1.0, -2.0], [0.0, 1.0]], parts=["not", "not"])
    pick = submodular_pick([two, Attribution.from_array([5.0], parts=["film"])], n_picks=9)

    assert pick.importance.tolist() == [2.0, math.sqrt(5.0)]
    assert pick.rows[0] == 2
    assert len(pick.rows) == 2


def test_explanations_without_anything_are_no_picks():
    pick = submodular_pick(np.zeros((3, 2)), n_picks=2)

    assert pick.rows == ()
    assert pick.coverage == ()


def test_one_row():
    assert submodular_pick([[1.0, 0.0]], n_picks=3).rows == (0,)


@pytest.mark.parametrize(
    ("explanations", "arguments", "match"),
    [
        (TOY, {"n_picks": 0}, "n_picks must"),
        (TOY, {"n_picks": 2.0}, "n_picks must"),
        (TOY, {"seed": -1}, "seed must"),
        (TOY[0], {}, "explanations must"),
        (np.full((2, 2), np.nan), {}, "explanations must"),
        (np.zeros((0, 2)), {}, "explanations must"),
        ("words", {}, "explanations must"),
        ([Attribution.from_array([1.0]), [1.0]], {}, "attributions only"),
        (TOY, {"output": 1}, "output must"),
        (Attribution.from_array([1.0])[:0], {}, "at least one row"),
    ],
)
def test_what_is_refused(explanations, arguments, match):
    with pytest.raises(InputError, match=match):
        submodular_pick(explanations, **{"n_picks": 2, **arguments})
