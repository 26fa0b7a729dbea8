"""Marginal Shapley values and interactions of forests, against enumeration over all coalitions in fractions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference import forests
from reference.simd import LEVELS

KINDS = ["plain", "missing", "categorical", "zero_missing", "outputs", "tree_outputs", "strict", "groups", "weights"]


class Case:
    """A random forest with what explains it: groups, rows and a weighted background of a coarse grid."""

    def __init__(self, kind, seed, *, features=5, depth=4, trees=3, background=6, rows=3, full=False):
        rng = np.random.default_rng([seed, KINDS.index(kind)])
        categorical = {0, 2} if kind == "categorical" else ()
        self.outputs = 3 if kind in ("outputs", "tree_outputs") else 1
        self.tree_outputs = rng.integers(3, size=trees).tolist() if kind == "tree_outputs" else None
        width = self.outputs if kind == "outputs" else 1
        self.rules = {}
        if kind == "strict":
            self.rules = {"strict": True, "single": True}
        if kind == "categorical" and seed % 2:
            self.rules = {"negative_is_missing": True}
        self.trees = [
            forests.random_tree(
                rng,
                features,
                depth=depth,
                outputs=width,
                categorical=categorical,
                full=full,
                zero_missing=kind == "zero_missing",
            )
            for _ in range(trees)
        ]
        self.base = rng.normal(size=self.outputs).tolist()
        self.forest = forests.forest_of(
            self.trees,
            features,
            outputs=self.outputs,
            tree_outputs=self.tree_outputs,
            base=self.base,
            **self.rules,
        )
        self.player_of = np.array([0, 1, 0, 2, 1] if kind == "groups" else range(features), dtype=np.int32)
        self.players = int(self.player_of.max()) + 1
        self.background = self._table(rng, background, features, kind, categorical)
        self.rows = self._table(rng, rows, features, kind, categorical)
        raw = rng.integers(0, 5, size=background) if kind == "weights" else np.ones(background, dtype=int)
        raw[0] += 1
        self.exact_weights = [Fraction(int(w), int(raw.sum())) for w in raw]
        self.weights = np.array([float(w) for w in self.exact_weights])

    @staticmethod
    def _table(rng, rows, features, kind, categorical):
        table = rng.integers(-6, 7, size=(rows, features)) / 2
        if categorical:
            table[:, list(categorical)] = rng.integers(-2, 8, size=(rows, len(categorical)))
        if kind == "missing":
            table[rng.random(table.shape) < 0.2] = np.nan
        return table

    def explainer(self, **options):
        return _core.MarginalShapley(
            self.forest.core, self.player_of, self.players, self.background, self.weights, **options
        )

    def value(self, x):
        def v(known):
            features = {f for f, player in enumerate(self.player_of) if player in known}
            return forests.marginal_value(
                self.trees,
                x,
                features,
                self.background,
                self.exact_weights,
                outputs=self.outputs,
                tree_outputs=self.tree_outputs,
                base=self.base,
                **self.rules,
            )

        return v

    def shapley(self):
        return np.array([np.array(forests.shapley(self.value(x), self.players), dtype=float) for x in self.rows])

    def indices(self):
        return np.array(
            [np.array(forests.interaction_index(self.value(x), self.players), dtype=float) for x in self.rows]
        )


@lru_cache
def solved(kind, seed, **options):
    """The case, its values and its interactions, once for all levels."""
    case = Case(kind, seed, **options)
    return case, case.shapley(), case.indices()


@pytest.mark.parametrize("table_players", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_all_coalitions(kind, table_players, level):
    for seed in range(2):
        case, exact, _ = solved(kind, seed)
        got = case.explainer(table_players=table_players)
        values = got.values(case.rows).reshape(exact.shape)
        assert np.all(np.abs(values - exact) <= got.error_bound)
        assert np.abs(values - exact).max() < 1e-13
        expected = np.array(case.value(case.rows[0])(frozenset()), dtype=float)
        np.testing.assert_allclose(got.base, expected, rtol=0, atol=1e-14)
        assert np.all(got.error_bound < 1e-11)


@pytest.mark.parametrize("table_players", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_interactions_are_those_of_all_coalitions(kind, table_players, level):
    case, _, exact = solved(kind, 1)
    got = case.explainer(table_players=table_players)
    values = got.interactions(case.rows).reshape(exact.shape)
    assert np.all(np.abs(values - exact) <= got.interaction_error_bound)
    assert np.abs(values - exact).max() < 1e-13


@pytest.mark.parametrize("table_players", [0, 4])
def test_deep_trees(table_players, level):
    case, exact, indices = solved("plain", 3, features=7, depth=9, trees=1, full=True, rows=2, background=3)
    explainer = case.explainer(table_players=table_players)
    assert np.abs(explainer.values(case.rows).reshape(exact.shape) - exact).max() < 1e-13
    assert np.abs(explainer.interactions(case.rows).reshape(indices.shape) - indices).max() < 1e-13


def chain(features, *, value):
    """A leaf behind a question for each feature, x_i <= 0, and 0 elsewhere."""
    nodes = []
    for i in range(features):
        here = len(nodes)
        nodes.append({"cover": 1.0, "feature": i, "threshold": 0.0, "left": here + 2, "right": here + 1})
        nodes.append({"cover": 1.0, "values": [0.0]})
    nodes.append({"cover": 1.0, "values": [value]})
    return nodes


@pytest.mark.parametrize("players", [1, 2, 3, 8, 11, 15, 30, 64, 130])
def test_a_conjunction_of_any_number_of_players(players, level):
    """The game of x against b is [all a of A in S, no b of B]: closed forms, in fractions."""
    rng = np.random.default_rng(players)
    forest = forests.forest_of([chain(players, value=2.0)], players)
    background = np.where(rng.random((5, players)) < 0.2, 1.0, -1.0)
    background[3, : players // 2] = 1.0
    rows = np.where(rng.random((4, players)) < 0.1, 1.0, -1.0)
    rows[0] = -1.0
    beta = Beta()
    exact = np.zeros((len(rows), players))
    indices = np.zeros((len(rows), players, players))
    for r, x in enumerate(rows):
        for z in background:
            if np.any((x > 0) & (z > 0)):
                continue
            ours, theirs = np.flatnonzero(z > 0), np.flatnonzero(x > 0)
            a, b = len(ours), len(theirs)
            exact[r, ours] += 2.0 / 5 * beta(a - 1, b)
            exact[r, theirs] -= 2.0 / 5 * beta(a, b - 1)
            indices[r][np.ix_(ours, ours)] += 2.0 / 5 * beta(a - 2, b)
            indices[r][np.ix_(theirs, theirs)] += 2.0 / 5 * beta(a, b - 2)
            indices[r][np.ix_(ours, theirs)] -= 2.0 / 5 * beta(a - 1, b - 1)
            indices[r][np.ix_(theirs, ours)] -= 2.0 / 5 * beta(a - 1, b - 1)
        np.fill_diagonal(indices[r], 0.0)
    explainer = _core.MarginalShapley(
        forest.core, np.arange(players, dtype=np.int32), players, background, np.full(5, 0.2)
    )
    values = explainer.values(rows)
    np.testing.assert_allclose(values, exact, rtol=0, atol=1e-14)
    assert np.all(np.abs(values - exact) <= explainer.error_bound)
    np.testing.assert_allclose(explainer.interactions(rows).reshape(indices.shape), indices, rtol=0, atol=2e-14)


class Beta:
    """x! y! / (x + y + 1)!, and 0 where there is none."""

    def __call__(self, x, y):
        if x < 0 or y < 0:
            return 0.0
        product = Fraction(1, y + 1)
        for i in range(1, x + 1):
            product *= Fraction(i, y + i + 1)
        return float(product)


def large_case(seed=0, *, features=40, trees=12, depth=7, background=150, rows=700, outputs=1, grid=6):
    rng = np.random.default_rng(seed)
    forest = forests.forest_of(
        [forests.random_tree(rng, features, depth=depth, outputs=outputs, grid=grid) for _ in range(trees)],
        features,
        outputs=outputs,
    )
    tables = [rng.integers(-grid, grid + 1, size=(n, features)) / 2 for n in (background, rows)]
    weights = rng.random(background)
    return forest, *tables, weights / weights.sum()


@pytest.mark.parametrize(("features", "outputs", "table_players"), [(40, 1, 0), (90, 1, 0), (40, 3, 0), (40, 1, 4)])
def test_bits_depend_neither_on_threads_nor_levels_nor_other_rows(features, outputs, table_players):
    forest, background, rows, weights = large_case(features=features, outputs=outputs, trees=5)
    players = np.arange(features, dtype=np.int32)

    def explain(rows, *, interactions=False):
        explainer = _core.MarginalShapley(forest.core, players, features, background, weights, table_players)
        return explainer.interactions(rows) if interactions else explainer.values(rows)

    expected, pairs = explain(rows), explain(rows[:40], interactions=True)
    before = _core.simd_level()
    try:
        for level in LEVELS:
            _core.set_simd_level(level)
            assert np.array_equal(explain(rows), expected)
            assert np.array_equal(explain(rows[:40], interactions=True), pairs)
    finally:
        _core.set_simd_level(before)
    try:
        for threads in (1, 2, 5):
            _core.set_thread_count(threads)
            assert np.array_equal(explain(rows), expected)
    finally:
        _core.set_thread_count(0)
    for first, last in ((0, 1), (3, 10), (200, 700)):
        assert np.array_equal(explain(rows[first:last]), expected[first:last])
    assert np.array_equal(explain(rows[7:8], interactions=True), pairs[7:8])
    # A call of few rows leaves behind what it found of the background; in the threads of two calls, too.
    explainer = _core.MarginalShapley(forest.core, players, features, background, weights, table_players)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(explainer.values, [rows[:2]] * 4):
            assert np.array_equal(found, expected[:2])
    assert np.array_equal(explainer.values(rows), expected)
    assert np.array_equal(explainer.interactions(rows[:2]), pairs[:2])


def test_values_add_up_to_the_output():
    forest, background, rows, weights = large_case(1)
    explainer = _core.MarginalShapley(forest.core, np.arange(40, dtype=np.int32), 40, background, weights)
    margins = explainer.base[0] + explainer.values(rows).sum(axis=1)
    np.testing.assert_allclose(margins, [margin(forest, x) for x in rows], rtol=0, atol=1e-12)


def margin(forest, x):
    arrays, total = forest.arrays, 0.0
    for start in arrays["tree_starts"][:-1]:
        node = start
        while arrays["questions"][node]:
            left = x[arrays["split_features"][node]] <= arrays["thresholds"][node]
            node = start + (arrays["left"] if left else arrays["right"])[node]
        total += arrays["values"][node, 0]
    return total


def test_interactions_are_symmetric_and_off_the_diagonal():
    forest, background, rows, weights = large_case(2, features=6, depth=4, trees=4, rows=20)
    explainer = _core.MarginalShapley(forest.core, np.arange(6, dtype=np.int32), 6, background, weights)
    index = explainer.interactions(rows).reshape(20, 6, 6)
    np.testing.assert_array_equal(index, index.transpose(0, 2, 1))
    assert not np.any(np.einsum("nii->ni", index))
    assert np.abs(index).max() > 0.01


def test_null_players_have_exactly_nothing():
    forest, background, rows, weights = large_case(4, features=12)
    background[:, 3] = 1.0
    background[:, 5] = 1.5
    rows[:50, 3] = 1.0
    explainer = _core.MarginalShapley(forest.core, np.arange(12, dtype=np.int32), 12, background, weights)
    values = explainer.values(rows)
    assert not np.any(values[rows[:, 3] == 1.0, 3])
    assert not np.any(values[rows[:, 5] == 1.5, 5])
    assert np.any(values[rows[:, 3] != 1.0, 3])
    index = explainer.interactions(rows[:50]).reshape(50, 12, 12)
    assert not np.any(index[:, 3])
    assert not np.any(index[:, :, 3])


def test_features_that_no_tree_asks_have_exactly_nothing():
    wide = forests.forest_of(
        [[{"cover": 1.0, "feature": 60000, "threshold": 0.0, "left": 1, "right": 2},
          {"cover": 1.0, "values": [1.0]}, {"cover": 1.0, "values": [3.0]}]],
        90000,
    )  # fmt: skip
    explainer = _core.MarginalShapley(
        wide.core, np.arange(90000, dtype=np.int32), 90000, np.ones((1, 90000)), np.ones(1)
    )
    values = explainer.values(np.vstack([np.zeros(90000), np.ones(90000)]))
    assert np.flatnonzero(values[0]).tolist() == [60000]
    assert values[0, 60000] == -2.0
    assert not np.any(values[1])
    assert explainer.base[0] == 3.0


def test_repeated_background_rows_are_weights():
    forest, background, rows, _ = large_case(6, background=40, rows=60)
    times = np.random.default_rng(0).integers(1, 5, size=40)
    players = np.arange(40, dtype=np.int32)
    total = int(times.sum())
    weighted = _core.MarginalShapley(forest.core, players, 40, background, times / total)
    repeated = _core.MarginalShapley(
        forest.core, players, 40, np.repeat(background, times, axis=0), np.full(total, 1 / total)
    )
    np.testing.assert_allclose(weighted.values(rows), repeated.values(rows), rtol=0, atol=1e-14)


def test_a_background_row_without_weight_changes_no_bit():
    forest, background, rows, weights = large_case(7, background=40, rows=30)
    players = np.arange(40, dtype=np.int32)
    for table_players in (0, 3):
        without = _core.MarginalShapley(forest.core, players, 40, background, weights, table_players)
        with_one = _core.MarginalShapley(
            forest.core, players, 40, np.vstack([background, rows[:1]]), np.append(weights, 0.0), table_players
        )
        assert np.array_equal(without.values(rows), with_one.values(rows))


def test_one_leaf_trees_and_no_trees():
    for trees, total in (([], 1.5), ([[{"cover": 1.0, "values": [2.0]}]] * 2, 5.5)):
        forest = forests.forest_of(trees, 3, base=[1.5])
        explainer = _core.MarginalShapley(
            forest.core, np.arange(3, dtype=np.int32), 3, np.zeros((2, 3)), np.full(2, 0.5)
        )
        assert explainer.base[0] == total
        assert not np.any(explainer.values(np.ones((4, 3))))
        assert not np.any(explainer.interactions(np.ones((4, 3))))
        assert explainer.values(np.ones((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"player_of": np.zeros(4, dtype=np.int32)}, "player_of_feature must have an entry for each of 5"),
        ({"player_of": np.array([0, 1, 2, 3, 5], dtype=np.int32)}, "must be 0 to 4, got 5"),
        ({"player_of": np.array([0, 1, 2, 3, 3], dtype=np.int32)}, "player 4 has no feature"),
        ({"players": 0}, "players must be 1 to"),
        ({"background": np.zeros((0, 5))}, "background must have rows of 5"),
        ({"background": np.zeros((6, 4))}, "background must have rows of 5"),
        ({"weights": np.full(6, 0.5)}, "weights must be"),
        ({"weights": np.array([1.5, -0.5, 0, 0, 0, 0])}, "weights must be"),
        ({"table_players": 17}, "table_players must be 1 to 16"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_is_refused(change, message):
    case = Case("plain", 0)
    table_players = change.pop("table_players", 0)
    for name, value in change.items():
        setattr(case, name, value)
    with pytest.raises(InputError, match=message):
        case.explainer(table_players=table_players)


def test_rows_of_another_width_are_refused():
    with pytest.raises(InputError, match="rows must have 5 features, got 4"):
        Case("plain", 0).explainer().values(np.zeros((2, 4)))
