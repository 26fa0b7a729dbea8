"""What was read from a model is compared with it; tables of other kinds reach it as it was trained on them."""

from __future__ import annotations

import numpy as np
import pytest
from attribution.white_box_models import (
    BACKGROUND,
    D,
    Fitted,
    X,
    forest,
    margins,
    readable,  # noqa: F401  a fixture
)
from pellucid import (
    ModelFormatError,
    Shapley,
    ShapleyInteractions,
    Space,
    shapley,
)
from reference.forests import forest_of, random_tree


class TestProbe:
    def test_what_it_asks_is_counted_and_paid_once(self):
        model = Fitted(forest())
        explain = Shapley(model, BACKGROUND)
        first = explain(X)
        asked = sum(map(len, model.asked))
        assert sum(first.report.rows_per_row) == asked > 16
        assert explain(X).report.rows_used == 0.0
        assert sum(map(len, model.asked)) == asked

    def test_it_meets_thresholds_and_their_neighbours(self):
        model = Fitted(forest())
        shapley(model, X, background=BACKGROUND)
        rows = np.vstack(model.asked)
        met = [
            (j, t) for t, j in thresholds() if (rows[:, j] == t).any() and (rows[:, j] == np.nextafter(t, 9.0)).any()
        ]
        assert met
        assert np.isnan(rows).any()
        assert (np.signbit(rows) & (rows == 0.0)).any()

    def test_a_model_that_differs_is_sampled_with_a_warning(self):
        model = Fitted(forest(), wrong_at=on_a_threshold)
        explain = Shapley(model, BACKGROUND, method="auto")
        found = explain(X)
        assert found.report.method == "exact Shapley values"
        (warning,) = [w for w in found.report.warnings if w.startswith("sampled, since")]
        assert "a difference of 0.25, at the row x0=" in warning
        assert explain(X).report.warnings == found.report.warnings
        assert ShapleyInteractions(model, BACKGROUND)(X).report.method == "exact Shapley interactions"

    @pytest.mark.parametrize(
        "options", [{}, {"background": BACKGROUND, "method": "tree"}], ids=["path", "tree asked for"]
    )
    def test_or_refused_where_nothing_else_can_answer(self, options):
        explain = Shapley(Fitted(forest(), wrong_at=on_a_threshold), **options)
        for _ in range(2):
            with pytest.raises(ModelFormatError, match=r"refusing: .* gives .* difference of 0.25"):
                explain(X)

    def test_missing_values_count_where_the_model_takes_them(self):
        def missing(rows):
            return np.isnan(rows).any(axis=1)

        assert "of trees" in shapley(Fitted(forest(), raises_at_nan=True), X).report.method
        # What the model refuses has no value, though the trees would send it somewhere.
        explain = Shapley(Fitted(forest(), raises_at_nan=True), BACKGROUND)
        explain(X)
        with pytest.raises(ValueError, match="Input contains NaN"):
            explain(np.where(np.arange(D) == 1, np.nan, X))
        with pytest.raises(ModelFormatError, match="missing"):
            shapley(Fitted(forest(), wrong_at=missing), X)

    def test_another_number_of_outputs_is_refused(self):
        model = Fitted(forest())
        model.predict = lambda rows: np.zeros((len(rows), 2))
        with pytest.raises(ModelFormatError, match=r"has 1 outputs, and .* returns 2"):
            shapley(model, X)

    def test_single_precision_sums_are_no_difference(self):
        model = Fitted(forest(single=True))
        exact = model.predict
        model.predict = lambda rows: exact(rows).astype(np.float32)
        assert "of trees" in shapley(model, X).report.method
        model = Fitted(forest())
        doubled = model.predict
        model.predict = lambda rows: doubled(rows).astype(np.float32)
        with pytest.raises(ModelFormatError, match="difference"):
            shapley(model, X)


class TestTables:
    def test_categories_keep_the_codes_of_the_training(self):
        pandas = pytest.importorskip("pandas")
        random = np.random.default_rng(2)
        trees = [random_tree(random, 2, depth=3, grid=3, categorical={1}) for _ in range(3)]
        inside = forest_of(trees, 2)
        inside.feature_categories = {1: ["red", "green", "blue"]}

        class Frame(Fitted):
            def predict(self, rows):
                codes = {"red": 0, "green": 1, "blue": 2}
                numbers = [codes.get(c, 7) if isinstance(c, str) else np.nan for c in rows["colour"]]
                return margins(self.inside, np.column_stack([rows["size"].to_numpy(), numbers]))

        frame = pandas.DataFrame({"size": [0.5, 1.0, -1.0, 2.0], "colour": ["blue", "red", "pink", None]})
        found = shapley(Frame(inside), frame)
        numbers = np.column_stack([frame["size"], [2.0, 0.0, 7.0, np.nan]])
        np.testing.assert_array_equal(found.values, shapley(forest_of(trees, 2), numbers).values)
        assert found.parts == ("size", "colour")
        assert found.display[2].tolist() == ["-1", "pink"]
        grown = Shapley(Frame(inside), frame[:2])(frame)
        expected = Shapley(forest_of(trees, 2), numbers[:2])(numbers)
        np.testing.assert_array_equal(grown.values, expected.values)

    def test_text_without_its_categories_is_refused(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({name: ["a", "b"] for name in "abcd"})
        model = Fitted(forest())
        model.predict = lambda rows: np.zeros((len(rows), 1))
        with pytest.raises(ModelFormatError, match="categories of column 'a'"):
            shapley(model, frame)

    @pytest.mark.parametrize("dtype", ["float32", "int64"])
    def test_other_numbers(self, dtype):
        rows = X.round().astype(dtype)
        np.testing.assert_array_equal(shapley(forest(), rows).values, shapley(forest(), rows.astype(float)).values)

    def test_a_space_of_the_users_own(self):
        space = Space.infer(X, names=["a", "b", "c", "d"])
        assert shapley(forest(), X, space=space).parts == ("a", "b", "c", "d")

    def test_no_rows(self):
        assert shapley(forest(), np.empty((0, D))).values.shape == (0, D, 1)
        assert shapley(forest(), np.empty((0, D)), background=BACKGROUND).values.shape == (0, D, 1)


def thresholds():
    arrays = forest().arrays
    split = arrays["questions"] != 0
    return list(zip(arrays["thresholds"][split], arrays["split_features"][split], strict=True))


def on_a_threshold(rows):
    """Rows at the very number of some split: where `<` and `<=` disagree."""
    grid = np.isin(rows, [t for t, _ in thresholds()]).all(axis=1)
    return ~grid & np.any([rows[:, j] == np.nextafter(t, -np.inf) for t, j in thresholds()], axis=0)
