"""Path-dependent Shapley values of forests against enumeration and against the integral, in fractions."""

from fractions import Fraction

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.forests import evaluate, forest_of, path_dependent_value, random_tree, shapley
from reference.simd import LEVELS
from reference.tree_paths import path_values

pytestmark = pytest.mark.usefixtures("level_restored")


def rows_of(rng, n, d, *, categorical=(), nan=0.2):
    """On the grid of the thresholds, with missing values, negative and unlisted categories."""
    X = rng.integers(-13, 13, size=(n, d)) / 4
    for f in (f for f in categorical if f < d):
        X[:, f] = rng.integers(-2, 8, size=n)
    X[rng.random(X.shape) < nan] = np.nan
    return X


def explainer(forest, player_of=None, single=False):
    player_of = np.arange(forest.features) if player_of is None else np.asarray(player_of)
    return _core.PathShapley(forest.core, player_of.astype(np.int32), int(player_of.max()) + 1, single)


def values_of(forest, X, player_of=None, single=False):
    flat = explainer(forest, player_of, single).values(np.ascontiguousarray(X))
    return flat.reshape(len(X), -1, forest.core.outputs)


def enumerated(trees, x, player_of, **options):
    players = max(player_of) + 1

    def v(coalition):
        known = {f for f, i in enumerate(player_of) if i in coalition}
        return path_dependent_value(trees, x, known, **options)

    return np.array(shapley(v, players), dtype=object)


def far(phi, truth):
    """The largest difference, the fractions rounded once."""
    return max(abs(float(Fraction(float(a)) - b)) for a, b in zip(phi.ravel(), truth.ravel(), strict=True))


KINDS = {
    "plain": {"missing": False},
    "missing": {},
    "categories": {"categorical": (0, 2)},
    "zeros": {"zero_missing": True},
    "full": {"full": True},
}
RULES = {"at_most": {}, "strict": {"strict": True}, "single": {"single": True, "strict": True}}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", KINDS)
def test_against_enumeration(kind, level):
    _core.set_simd_level(level)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        d = 3 + seed
        trees = [random_tree(rng, d, depth=1 + seed + t, **KINDS[kind]) for t in range(3)]
        rules = RULES[("at_most", "strict", "single")[seed % 3]]
        forest = forest_of(trees, d, base=[0.25], **rules)
        X = rows_of(rng, 3, d, categorical=KINDS[kind].get("categorical", ()))
        phi = values_of(forest, X)
        for x, row in zip(X, phi, strict=True):
            truth = enumerated(trees, x, range(d), **rules)
            assert far(row, truth) <= explainer(forest).error_bound[0]
        assert explainer(forest).base[0] == pytest.approx(
            float(path_dependent_value(trees, X[0], set(), base=[0.25])[0]), abs=1e-12
        )


@pytest.mark.parametrize("level", LEVELS)
def test_groups_enter_together(level):
    _core.set_simd_level(level)
    rng = np.random.default_rng(5)
    trees = [random_tree(rng, 8, depth=6) for _ in range(3)]
    player_of = [0, 1, 2, 0, 1, 3, 3, 0]
    forest = forest_of(trees, 8)
    X = rows_of(rng, 4, 8)
    phi = values_of(forest, X, player_of)
    for x, row in zip(X, phi, strict=True):
        assert far(row, enumerated(trees, x, player_of)) <= explainer(forest, player_of).error_bound[0]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("shared", [True, False], ids=["vector_leaves", "tree_outputs"])
def test_several_outputs(shared, level):
    _core.set_simd_level(level)
    rng = np.random.default_rng(6)
    k, d = 3, 5
    trees = [random_tree(rng, d, depth=4, outputs=k if shared else 1) for _ in range(4)]
    tree_outputs = None if shared else [0, 2, 2, 0]
    options = {"outputs": k, "tree_outputs": tree_outputs, "base": [1.0, 2.0, 3.0]}
    forest = forest_of(trees, d, **options)
    X = rows_of(rng, 3, d)
    phi = values_of(forest, X)
    for x, row in zip(X, phi, strict=True):
        truth = enumerated(trees, x, range(d), **options)
        assert far(row, truth) <= explainer(forest).error_bound.max()
        np.testing.assert_allclose(
            row.sum(axis=0) + explainer(forest).base,
            [float(y) for y in evaluate(trees, x, **options)],
            rtol=0,
            atol=1e-12,
        )


def test_trees_of_one_leaf_and_nodes_without_cover():
    leaf = [{"cover": 3.0, "values": [2.5]}]
    empty = [
        {"cover": 0.0, "feature": 1, "threshold": 0.0, "left": 1, "right": 2, "missing_left": True},
        {"cover": 0.0, "values": [1.0]},
        {"cover": 0.0, "values": [3.0]},
    ]
    one_sided = [{**empty[0], "cover": 4.0}, {**empty[1], "cover": 4.0}, empty[2]]
    for trees in ([leaf], [leaf, empty, one_sided], []):
        forest = forest_of(trees, 2)
        X = np.array([[0.0, 1.0], [0.0, -1.0], [0.0, np.nan]])
        phi = values_of(forest, X)
        for x, row in zip(X, phi, strict=True):
            assert far(row, enumerated(trees, x, range(2))) <= explainer(forest).error_bound[0]
    assert explainer(forest_of([leaf], 2)).base[0] == 2.5


def chain(rng, depth, features, *, always=None):
    """A tree that goes on at one child: every path is a beginning of the longest one."""
    nodes = []
    for level in range(depth):
        right = bool(rng.integers(2)) if always is None else always
        nodes.append(
            {
                "cover": 1.0,
                "feature": int(features[level % len(features)]),
                "threshold": float(rng.integers(-4, 5)) / 2,
                "missing_left": bool(rng.integers(2)),
                "left": 2 * level + 2 if not right else 2 * level + 1,
                "right": 2 * level + 1 if not right else 2 * level + 2,
            }
        )
        nodes.append({"cover": float(rng.integers(1, 64)) / 64, "values": [float(rng.normal())]})
    nodes.append({"cover": 1.0, "values": [float(rng.normal())]})
    for level in range(depth):
        nodes[2 * level]["cover"] = 1.0 - nodes[2 * level - 1]["cover"] if level else 1.0
    return nodes


@pytest.mark.parametrize("distinct", [9, 10, 11, 12, 60])
def test_many_players_on_a_path(distinct):
    rng = np.random.default_rng(distinct)
    tree = chain(rng, distinct, rng.permutation(distinct))
    forest = forest_of([tree], distinct)
    X = rows_of(rng, 1, distinct, nan=0.0)
    phi = values_of(forest, X)
    bound = explainer(forest).error_bound[0]
    assert bound < 1e-10
    for x, row in zip(X, phi, strict=True):
        truth = np.array(path_values([tree], x, range(distinct), distinct), dtype=object)
        assert far(row, truth) <= bound


@pytest.mark.parametrize("distinct", [64, 65, 200])
def test_values_of_very_many_players_add_up(distinct):
    rng = np.random.default_rng(distinct)
    tree = chain(rng, distinct, rng.permutation(distinct))
    forest = forest_of([tree], distinct)
    X = rows_of(rng, 3, distinct)
    whole = [float(evaluate([tree], x)[0]) for x in X]
    total = values_of(forest, X).sum(axis=(1, 2)) + explainer(forest).base[0]
    np.testing.assert_allclose(total, whole, rtol=0, atol=1e-12)


@pytest.mark.large
def test_depth_16_with_players_that_come_back():
    rng = np.random.default_rng(3)
    trees = [random_tree(rng, 12, depth=16)]
    forest = forest_of(trees, 12)
    assert forest.core.depth == 16
    X = rows_of(rng, 1, 12)
    truth = np.array(path_values(trees, X[0], range(12), 12), dtype=object)
    assert far(values_of(forest, X)[0], truth) < 1e-13


def test_a_chain_of_ten_thousand_splits():
    rng = np.random.default_rng(0)
    for always in (None, True, False):
        tree = chain(rng, 10_000, [0, 1, 2], always=always)
        forest = forest_of([tree], 3)
        X = np.ascontiguousarray(rows_of(rng, 9, 3))
        phi = values_of(forest, X)
        made = explainer(forest)
        whole = [float(evaluate([tree], x)[0]) for x in X]
        np.testing.assert_allclose(phi.sum(axis=(1, 2)) + made.base[0], whole, rtol=0, atol=1e-11)


def big_forest(seed=1, k=1):
    rng = np.random.default_rng(seed)
    trees = [random_tree(rng, 7, depth=3 + t % 6, categorical=(2,), outputs=k) for t in range(12)]
    return forest_of(trees, 7, outputs=k), rows_of(rng, 150, 7, categorical=(2,))


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
def test_levels_and_threads_give_the_same_bits(single):
    forest, X = big_forest(k=2)
    expected = values_of(forest, X, single=single)
    for level in LEVELS:
        _core.set_simd_level(level)
        for threads in (1, 3):
            _core.set_thread_count(threads)
            np.testing.assert_array_equal(values_of(forest, X, single=single), expected)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
def test_a_row_does_not_see_the_rows_beside_it(single, level):
    _core.set_simd_level(level)
    forest, X = big_forest()
    expected = values_of(forest, X, single=single)
    for n in (1, 2, 7, 9, 17, 33, 65, 100):
        np.testing.assert_array_equal(values_of(forest, X[-n:], single=single), expected[-n:])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("distinct", range(2, 20, 2))
def test_a_row_alone_has_the_bits_of_many_at_every_quadrature(distinct, level):
    _core.set_simd_level(level)
    rng = np.random.default_rng(distinct)
    features = [*rng.permutation(distinct), *rng.permutation(distinct)]
    trees = [
        chain(rng, 2 * distinct, features),
        random_tree(rng, distinct, depth=7, categorical=(1,)),
        chain(rng, 3, features[:3]),
    ]
    forest = forest_of(trees, distinct)
    X = rows_of(rng, 21, distinct, categorical=(1,))
    for single in (False, True):
        made = explainer(forest, single=single)
        many = made.values(X)
        alone = np.concatenate([made.values(X[i : i + 1]) for i in range(len(X))])
        np.testing.assert_array_equal(alone, many)
        np.testing.assert_array_equal(made.values(X[:2]), many[:2])


def test_floats_are_near_the_doubles():
    forest, X = big_forest()
    single = explainer(forest, single=True)
    apart = np.abs(values_of(forest, X, single=True) - values_of(forest, X)).max()
    assert 0.0 < apart < single.error_bound[0] < 0.1
    assert apart < 1e-5


def test_the_bound_is_not_absurd():
    rng = np.random.default_rng(2)
    trees = [random_tree(rng, 6, depth=5) for _ in range(5)]
    forest = forest_of(trees, 6)
    X = rows_of(rng, 6, 6)
    phi = values_of(forest, X)
    worst = max(
        far(row, np.array(path_values(trees, x, range(6), 6), dtype=object)) for x, row in zip(X, phi, strict=True)
    )
    bound = explainer(forest).error_bound[0]
    assert worst <= bound <= 1e4 * worst


def test_a_player_that_no_tree_asks_for_has_nothing():
    rng = np.random.default_rng(4)
    trees = [random_tree(rng, 3, depth=5) for _ in range(3)]
    wide = forest_of(trees, 90_000)
    X = rows_of(rng, 2, 3)
    padded = np.zeros((2, 90_000))
    padded[:, :3] = X
    phi = values_of(wide, padded)
    np.testing.assert_array_equal(phi[:, 3:], 0.0)
    np.testing.assert_array_equal(phi[:, :3], values_of(forest_of(trees, 3), X))


def test_no_rows():
    forest, X = big_forest()
    assert explainer(forest).values(X[:0]).shape == (0, 7)


def test_what_is_refused():
    forest, _ = big_forest()
    identity = np.arange(7, dtype=np.int32)
    with pytest.raises(InputError, match="player_of_feature must have an entry for each of 7"):
        _core.PathShapley(forest.core, identity[:3], 3, False)
    with pytest.raises(InputError, match="player 6 has no feature"):
        _core.PathShapley(forest.core, np.minimum(identity, 5).astype(np.int32), 7, False)
    with pytest.raises(InputError, match="must be 0 to 2, got 3"):
        _core.PathShapley(forest.core, identity, 3, False)
    with pytest.raises(InputError, match="rows must have 7 columns, got 6"):
        explainer(forest).values(np.zeros((2, 6)))
    bare = forest_of([random_tree(np.random.default_rng(0), 2, depth=2)], 2)
    arrays = {**bare.arrays, "cover": np.zeros(0)}
    with pytest.raises(InputError, match="cover"):
        _core.PathShapley(_core.Forest(**arrays), np.arange(2, dtype=np.int32), 2, False)
