"""The laws of Shapley values for models whose inside is known: a forest and a linear function, in all their games."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from pellucid import InputError, Shapley, ShapleyInteractions
from pellucid.whitebox.linear import Linear
from reference.forests import forest_of, random_tree

D = 5
UNUSED = 4
RANDOM = np.random.default_rng(11)
TREES = [random_tree(RANDOM, UNUSED, depth=3, outputs=2) for _ in range(4)]
X = RANDOM.integers(-6, 6, (4, D)) / 2.0
BACKGROUND = RANDOM.integers(-6, 6, (6, D)) / 2.0
SLOPES = np.vstack([RANDOM.normal(size=(UNUSED, 2)), np.zeros((1, 2))])

GAMES = {
    "path-dependent": (lambda: forest_of(TREES, D, outputs=2), None),
    "marginal": (lambda: forest_of(TREES, D, outputs=2), BACKGROUND),
    "baseline": (lambda: forest_of(TREES, D, outputs=2), BACKGROUND[:1]),
    "linear": (lambda: Linear(coefficients=SLOPES, intercept=np.ones(2)), BACKGROUND),
}
over_games = pytest.mark.parametrize("game", GAMES)
over_trees = pytest.mark.parametrize("game", ["path-dependent", "marginal", "baseline"])


def exchanged(node):
    """The node with columns 0 and 1 in each other's place."""
    feature = node.get("feature")
    return {**node, "feature": 1 - feature} if feature in {0, 1} else node


def explainer(game, kind=Shapley, model=None, **options):
    make, background = GAMES[game]
    return kind(make() if model is None else model, background, **options)


@over_games
class TestLaws:
    def test_the_values_add_up(self, game):
        found = explainer(game)(X)
        assert np.abs(found.residual).max() <= D * (found.report.error_bound + 1e-14)
        assert found.std_err is None

    def test_a_column_that_is_never_asked_about_gets_nothing(self, game):
        assert not explainer(game)(X).values[:, UNUSED].any()
        assert not explainer(game, ShapleyInteractions)(X).index[:, UNUSED, :UNUSED].any()

    def test_the_interactions_add_up_to_the_values(self, game):
        pairs = explainer(game, ShapleyInteractions)(X)
        np.testing.assert_allclose(pairs.values.sum(axis=2), explainer(game)(X).values, atol=1e-12)

    @pytest.mark.parametrize(
        "options",
        [{"seed": 7}, {"n_threads": 1}, {"batch_bytes": 1}, {"progress": True}, {"budget": 10**6}],
        ids=lambda options: next(iter(options)),
    )
    def test_no_bit_depends_on(self, game, options):
        assert explainer(game, **options)(X).values.tobytes() == explainer(game)(X).values.tobytes()

    def test_no_row_depends_on_the_rows_beside_it(self, game):
        together = explainer(game)(X).values
        explain = explainer(game)
        alone = np.concatenate([explain(X[i : i + 1]).values for i in range(len(X))])
        assert alone.tobytes() == together.tobytes()

    def test_the_rows_stay_as_they_are(self, game):
        rows = X.copy()
        rows.flags.writeable = False
        found = explainer(game)(rows)
        assert rows.tobytes() == X.tobytes()
        shared = X.copy()
        explain = explainer(game)
        first, later = explain(shared), explain(shared)
        shared[:] = 0.0
        for one in (first, later):
            assert one.display[0].tolist() == found.display[0].tolist()
            np.testing.assert_array_equal(one.data, X)

    @pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
    def test_it_travels(self, game, used):
        explain = explainer(game)
        if used:
            explain(X)
        other = pickle.loads(pickle.dumps(explain))
        assert other(X) == explain(X)

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            (X[:, :3], "5 (features|columns)|3 features"),
            (np.where(X[0, 0] == X, np.inf, X), "inf"),
            (X[0], "X must"),
            ([["a"] * D], "must|text"),
        ],
        ids=["fewer columns", "infinite", "a vector", "text"],
    )
    def test_rows_that_do_not_fit(self, game, rows, message):
        explain = explainer(game)
        explain(X)
        with pytest.raises(ValueError, match=message):
            explain(rows)


@over_trees
class TestTrees:
    def test_two_columns_that_no_tree_tells_apart_are_equal(self, game):
        """The trees with two columns exchanged are added, and the rows have the same value in both."""
        swapped = [[exchanged(node) for node in tree] for tree in TREES]
        both = forest_of(TREES + swapped, D, outputs=2)
        rows = X.copy()
        rows[:, 1] = rows[:, 0]
        background = GAMES[game][1]
        if background is not None:
            background = background.copy()
            background[:, 1] = background[:, 0]
        values = Shapley(both, background)(rows).values
        np.testing.assert_allclose(values[:, 0], values[:, 1], atol=1e-12)

    def test_the_values_of_a_sum_are_sums(self, game):
        parts = [explainer(game, model=forest_of(trees, D, outputs=2))(X) for trees in (TREES[:1], TREES[1:])]
        whole = explainer(game)(X)
        np.testing.assert_allclose(whole.values, parts[0].values + parts[1].values, atol=1e-12)

    def test_columns_of_a_frame_must_be_those_of_the_model(self, game):
        pandas = pytest.importorskip("pandas")
        names = list("abcde")
        model = forest_of(TREES, D, outputs=2, feature_names=names)
        background = GAMES[game][1]
        frame = None if background is None else pandas.DataFrame(background, columns=names)
        explain = Shapley(model, frame)
        np.testing.assert_array_equal(explain(pandas.DataFrame(X, columns=names)).values, explainer(game)(X).values)
        with pytest.raises(InputError, match="column"):
            explain(pandas.DataFrame(X, columns=names[::-1]))
