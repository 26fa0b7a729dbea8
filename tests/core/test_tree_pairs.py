"""Values of trees for x against each background row alone: against all coalitions in fractions, and their laws."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.forests import evaluate, forest_of, marginal_value, random_tree, shapley

GRID = np.array([*np.arange(-8, 9) / 4, np.nan])


def pair_values(forest, x, background, players=None):
    players = np.arange(len(x)) if players is None else np.asarray(players)
    count = int(players.max()) + 1
    found = _core.tree_pair_values(forest.core, players.astype(np.int32), count, x, np.ascontiguousarray(background))
    return found.reshape(len(background), count, -1)


def exact(trees, x, b, players, **options):
    """(p, k) by all coalitions of players."""
    columns = [[j for j in range(len(x)) if players[j] == i] for i in range(max(players) + 1)]

    def worth(known):
        return marginal_value(trees, x, {j for i in known for j in columns[i]}, [b], **options)

    return np.array(shapley(worth, len(columns)), dtype=float)


@pytest.mark.parametrize("players", [[0, 1, 2, 3, 4], [0, 1, 0, 2, 1]], ids=["columns", "groups"])
@pytest.mark.parametrize("kind", ["one output", "shared leaves", "tree outputs", "single, strict"])
def test_values_are_those_of_all_coalitions(kind, players):
    rng = np.random.default_rng(5)
    outputs = 1 if kind in ("one output", "single, strict") else 3
    each = kind == "tree outputs"
    rules = {"strict": True, "single": True} if kind == "single, strict" else {}
    options = {"outputs": outputs, "tree_outputs": [0, 2, 1, 2] if each else None}
    for depth in (1, 4):
        trees = [
            random_tree(rng, 5, depth=depth, outputs=1 if each else outputs, categorical=(3,), zero_missing=True)
            for _ in range(4)
        ]
        forest = forest_of(trees, 5, base=rng.normal(size=outputs), **options, **rules)
        x, background = rng.choice(GRID, size=5), rng.choice(GRID, size=(4, 5))
        background[1] = x
        found = pair_values(forest, x, background, players)
        for b, phi in zip(background, found, strict=True):
            np.testing.assert_allclose(phi, exact(trees, x, b, players, **options, **rules), rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(found[1], 0.0)


def test_they_add_up_and_leave_out_what_agrees():
    rng = np.random.default_rng(1)
    trees = [random_tree(rng, 12, depth=9, grid=8) for _ in range(30)]
    forest = forest_of(trees, 12, base=[3.0])
    x, background = rng.normal(size=12), rng.normal(size=(20, 12))
    background[:, 4] = x[4]
    found = pair_values(forest, x, background)[:, :, 0]

    margins = [float(evaluate(trees, row)[0]) for row in (x, *background)]
    np.testing.assert_allclose(found.sum(axis=1), margins[0] - np.array(margins[1:]), rtol=1e-12)
    np.testing.assert_array_equal(found[:, 4], 0.0)
    # What b gets against x is what x loses against b.
    back = [pair_values(forest, b, x[None])[0, :, 0] for b in background]
    np.testing.assert_allclose(found, -np.array(back), rtol=0, atol=1e-12)


def test_a_product_is_shared_equally():
    """A chain of 40 questions that x answers otherwise than b: only x itself reaches the last leaf."""
    d = 40
    chain = [{"feature": i, "threshold": 0.5, "left": 2 * i + 1, "right": 2 * i + 2, "cover": 1.0} for i in range(d)]
    nodes = [node for split in chain for node in (split, {"values": [0.0], "cover": 1.0})] + [{"values": [1.0]}]
    nodes[-1]["cover"] = 1.0
    found = pair_values(forest_of([nodes], d), np.ones(d), np.zeros((1, d)))
    np.testing.assert_allclose(found[0, :, 0], 1.0 / d, rtol=1e-14)
    losses = pair_values(forest_of([nodes], d), np.zeros(d), np.ones((1, d)))
    np.testing.assert_allclose(losses[0, :, 0], -1.0 / d, rtol=1e-14)


def test_a_tree_as_deep_as_it_has_rows_needs_no_deep_stack():
    """100,000 questions about two features, one below the other."""
    depth = 100_000
    thresholds = np.arange(depth, dtype=float)
    inner = np.arange(depth) * 2
    values = np.zeros((2 * depth + 1, 1))
    values[inner + 1, 0] = thresholds
    values[-1] = depth
    shape = 2 * depth + 1

    def at(of_inner, other=0):
        column = np.full(shape, other, dtype=np.int64)
        column[inner] = of_inner
        return column

    forest = _core.Forest(
        features=2,
        tree_starts=np.array([0, shape]),
        tree_outputs=np.zeros(1, np.int32),
        questions=at(1).astype(np.uint8),
        split_features=at(np.arange(depth) % 2).astype(np.int32),
        thresholds=at(thresholds).astype(float),
        left=at(inner + 1),
        right=at(inner + 2),
        missing_left=np.zeros(shape, np.uint8),
        others_left=np.zeros(shape, np.uint8),
        category_starts=np.empty(0, np.int64),
        categories=np.empty(0, np.int64),
        cover=np.empty(0),
        values=values,
        base=np.zeros(1),
        strict=False,
        single=False,
        negative_is_missing=False,
    )
    x, b = np.full(2, 90_000.5), np.full((1, 2), 10.5)
    found = _core.tree_pair_values(forest, np.arange(2, dtype=np.int32), 2, x, b)
    # x ends at its first threshold above 90,000.5, b at 11; of the rows mixed of both, the one with feature 1 of b
    # stops at 11, too, and the one with feature 0 of b at 12.
    v = {"": 11.0, "0": 11.0, "1": 12.0, "01": 90_001.0}
    first = ((v["0"] - v[""]) + (v["01"] - v["1"])) / 2
    np.testing.assert_allclose(found[0], [first, v["01"] - v[""] - first], rtol=1e-12)


def test_same_bits_for_any_number_of_threads_and_any_rows_beside():
    rng = np.random.default_rng(2)
    forest = forest_of([random_tree(rng, 6, depth=6, outputs=2) for _ in range(20)], 6, outputs=2)
    x, background = rng.normal(size=6), rng.normal(size=(50, 6))
    found = []
    for threads in (1, 3):
        _core.set_thread_count(threads)
        found.append(pair_values(forest, x, background).tobytes())
    _core.set_thread_count(0)
    assert found[0] == found[1]
    assert pair_values(forest, x, background[17:18]).tobytes() == pair_values(forest, x, background)[17].tobytes()


def test_what_does_not_fit_is_refused():
    forest = forest_of([random_tree(np.random.default_rng(0), 3, depth=2)], 3).core
    x, background, players = np.zeros(3), np.zeros((2, 3)), np.arange(3, dtype=np.int32)
    assert _core.tree_pair_values(forest, players, 3, x, background[:0]).shape == (0, 3)
    with pytest.raises(InputError, match="must have 3 columns, got 2, 3 and 3"):
        _core.tree_pair_values(forest, players, 3, x[:2], background)
    with pytest.raises(InputError, match="must have 3 columns"):
        _core.tree_pair_values(forest, players[:2], 3, x, background)
    with pytest.raises(InputError, match="players from 0 to 1"):
        _core.tree_pair_values(forest, players, 2, x, background)
    with pytest.raises(InputError, match="players from 0 to"):
        _core.tree_pair_values(forest, players - 1, 3, x, background)
    with pytest.raises(TypeError):
        _core.tree_pair_values(forest, players, 3, x, np.asfortranarray(background))
