"""Path-dependent interaction indices of forests against enumeration and against the integral, in fractions."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from pellucid import _core
from reference.forests import forest_of, interaction_index, path_dependent_value, random_tree
from reference.simd import LEVELS
from reference.tree_paths import path_interactions

pytestmark = pytest.mark.usefixtures("level_restored")


def rows_of(rng, n, d):
    X = rng.integers(-13, 13, size=(n, d)) / 4
    X[rng.random(X.shape) < 0.2] = np.nan
    return X


def index_of(forest, X, player_of=None, single=False):
    player_of = np.arange(forest.features) if player_of is None else np.asarray(player_of)
    p = int(player_of.max()) + 1
    made = _core.PathShapley(forest.core, player_of.astype(np.int32), p, single)
    return made.interactions(np.ascontiguousarray(X)).reshape(len(X), p, p, forest.core.outputs)


def bound_of(forest, single=False):
    players = np.arange(forest.features, dtype=np.int32)
    return _core.PathShapley(forest.core, players, forest.features, single).interaction_error_bound


def within(index, truth, bound):
    """Whether no index is further from the fractions than the bound of its output; the fractions rounded once."""
    gaps = [
        [[abs(float(Fraction(float(a)) - b)) for a, b in zip(*outs, strict=True)] for outs in zip(*rows, strict=True)]
        for rows in zip(index, truth, strict=True)
    ]
    return bool(np.all(np.array(gaps) <= bound))


def as_floats(index):
    return np.array([[[float(v) for v in out] for out in row] for row in index])


@pytest.mark.parametrize("level", LEVELS)
def test_against_enumeration(level):
    _core.set_simd_level(level)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        d = 2 + seed
        trees = [random_tree(rng, d, depth=1 + seed, categorical=(1,), outputs=2) for _ in range(2)]
        forest = forest_of(trees, d, outputs=2)
        X = rows_of(rng, 2, d)
        for x, index in zip(X, index_of(forest, X), strict=True):
            truth = interaction_index(partial(path_dependent_value, trees, x, outputs=2), d)
            np.testing.assert_allclose(index, as_floats(truth), rtol=0, atol=1e-13)
            assert within(index, truth, bound_of(forest))
        single = index_of(forest, X[:1], single=True)
        if d > 2:
            truth = interaction_index(partial(path_dependent_value, trees, X[0], outputs=2), d)
            assert within(single[0], truth, bound_of(forest, single=True))
            # It can fail: the bound of doubles does not hold floats.
            assert not within(single[0], truth, bound_of(forest))


def test_groups_enter_together():
    rng = np.random.default_rng(5)
    player_of = [0, 1, 2, 0, 1, 3]
    trees = [random_tree(rng, 6, depth=6) for _ in range(2)]
    X = rows_of(rng, 3, 6)

    def game(x):
        return lambda s: path_dependent_value(trees, x, {f for f, i in enumerate(player_of) if i in s})

    for x, index in zip(X, index_of(forest_of(trees, 6), X, player_of), strict=True):
        np.testing.assert_allclose(index, as_floats(interaction_index(game(x), 4)), rtol=0, atol=1e-13)


@pytest.mark.parametrize("depth", [9, 12])
def test_against_the_integral(depth):
    rng = np.random.default_rng(depth)
    tree = random_tree(rng, depth, depth=depth)
    X = rows_of(rng, 1, depth)
    truth = path_interactions([tree], X[0], range(depth), depth)
    np.testing.assert_allclose(
        index_of(forest_of([tree], depth), X)[0, :, :, 0], np.array(truth, dtype=float), rtol=0, atol=1e-12
    )
    bound = bound_of(forest_of([tree], depth))
    assert within(index_of(forest_of([tree], depth), X)[0], [[[b] for b in row] for row in truth], bound)
    assert bound < 1e-8


def forest_and_rows():
    rng = np.random.default_rng(1)
    trees = [random_tree(rng, 6, depth=3 + t % 4, categorical=(2,)) for t in range(9)]
    return forest_of(trees, 6), rows_of(rng, 90, 6)


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
def test_levels_threads_and_rows_beside_give_the_same_bits(single):
    forest, X = forest_and_rows()
    expected = index_of(forest, X, single=single)
    for level in LEVELS:
        _core.set_simd_level(level)
        for threads in (1, 3):
            _core.set_thread_count(threads)
            np.testing.assert_array_equal(index_of(forest, X, single=single), expected)
        for n in (1, 9, 40):
            np.testing.assert_array_equal(index_of(forest, X[-n:], single=single), expected[-n:])


def test_floats_are_near_the_doubles():
    forest, X = forest_and_rows()
    np.testing.assert_allclose(index_of(forest, X, single=True), index_of(forest, X), rtol=0, atol=1e-5)


def test_the_index_is_symmetric_and_zero_on_the_diagonal():
    forest, X = forest_and_rows()
    index = index_of(forest, X)
    np.testing.assert_array_equal(index, index.transpose(0, 2, 1, 3))
    np.testing.assert_array_equal(np.einsum("niik->nik", index), 0.0)
