"""Models whose inside is known, through the explainers: the games, the outputs, the report, the ways out."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from attribution.kernel_doubles import LINKS, kernels, margins  # noqa: F401  the fixture is used by name of no test
from pellucid import (
    CausalOrder,
    InputError,
    ModelFormatError,
    Shapley,
    ShapleyInteractions,
    Space,
    interactions,
    shapley,
)
from pellucid.whitebox import Forest
from pellucid.whitebox.linear import Linear
from reference.forests import (
    forest_of,
    interaction_index,
    marginal_value,
    path_dependent_value,
    random_tree,
)
from reference.forests import shapley as enumerated

D = 4
RANDOM = np.random.default_rng(5)
TREES = [random_tree(RANDOM, D, depth=3) for _ in range(3)]
X = RANDOM.integers(-6, 6, (3, D)) / 2.0
BACKGROUND = RANDOM.integers(-6, 6, (5, D)) / 2.0


def forest(**options):
    return forest_of(TREES, D, **options)


SLOPES = RANDOM.normal(size=(D, 2))


def line():
    return Linear(coefficients=SLOPES, intercept=[1.0, -1.0], outputs=("a", "b"), source="a line")


def floats(fractions):
    return np.array(fractions, dtype=float)


class Fitted:
    """A model of another library, with its own opinion of its trees."""

    def __init__(self, inside, wrong_at=None, raises_at_nan=False, single_column=False):
        self.inside, self.wrong_at, self.raises_at_nan = inside, wrong_at, raises_at_nan
        self.asked = []

    def _margins(self, rows):
        rows = np.asarray(rows, dtype=float)
        self.asked.append(rows)
        if self.raises_at_nan and np.isnan(rows).any():
            raise ValueError("Input contains NaN")
        found = margins(self.inside.arrays, rows)
        if self.wrong_at is not None:
            found[self.wrong_at(rows)] += 0.25
        return found

    def predict(self, rows):
        return self._margins(rows)


class Classifier(Fitted):
    classes_ = np.array(["no", "yes"])

    def predict_proba(self, rows):
        return LINKS["logistic"](self._margins(rows))

    def decision_function(self, rows):
        return self._margins(rows)[:, 0]


@pytest.fixture(autouse=True)
def readable(monkeypatch):
    """Fitted models can be read, as they say themselves."""

    def find_structure(model, *, model_output):
        if isinstance(model, Classifier):
            raw = model_output == "raw"
            return with_link(model.inside, "identity" if raw else "logistic")
        return model.inside if isinstance(model, Fitted) else None

    monkeypatch.setattr("pellucid.model.structure.find_structure", find_structure)


def with_link(inside, link):
    other = Forest.__new__(Forest)
    other.__dict__.update(inside.__dict__, link=link)
    return other


class TestGames:
    def test_path_dependent_values_without_a_background(self):
        found = shapley(forest(), X)
        for x, values in zip(X, found.values, strict=True):
            expected = enumerated(lambda known, x=x: path_dependent_value(TREES, x, known), D)
            np.testing.assert_allclose(values, floats(expected), atol=1e-12)
        assert found.std_err is None
        np.testing.assert_allclose(found.residual, 0.0, atol=1e-12)
        np.testing.assert_allclose(found.base_values, floats([path_dependent_value(TREES, X[0], ())] * 3), atol=1e-12)
        assert found.report.value_function == "path_dependent"
        assert found.report.method == "Shapley values of trees, path-dependent"

    def test_marginal_values_against_all_rows(self):
        weights = np.array([1.0, 2.0, 0.5, 0.25, 0.25])
        found = shapley(forest(), X, background=BACKGROUND, background_weights=weights)
        share = [float(w) / 4.0 for w in weights]
        for x, values in zip(X, found.values, strict=True):
            expected = enumerated(lambda known, x=x: marginal_value(TREES, x, known, BACKGROUND, share), D)
            np.testing.assert_allclose(values, floats(expected), atol=1e-12)
        assert found.report.method == "Shapley values of trees, marginal"
        assert found.report.background_rows == 5
        assert found.report.coalitions == 0

    def test_one_row_of_background_is_the_baseline_game(self):
        found = shapley(forest(), X, background=BACKGROUND[:1])
        assert found.report.value_function == "baseline"
        sampled = shapley(lambda rows: margins(forest().arrays, rows), X, background=BACKGROUND[:1], method="exact")
        np.testing.assert_allclose(found.values, sampled.values, atol=1e-12)

    @pytest.mark.parametrize("background", [None, BACKGROUND], ids=["path", "marginal"])
    def test_a_group_is_one_player(self, background):
        found = shapley(forest(), X, background=background, groups={"both": ["x1", "x3"]})
        members = [{0}, {1, 3}, {2}]

        def value(players, x):
            known = set().union(*(members[i] for i in players))
            if background is None:
                return path_dependent_value(TREES, x, known)
            return marginal_value(TREES, x, known, background)

        assert found.parts == ("x0", "both", "x2")
        for x, values in zip(X, found.values, strict=True):
            np.testing.assert_allclose(values, floats(enumerated(lambda s, x=x: value(s, x), 3)), atol=1e-12)
        assert np.isnan(found.data[:, 1]).all()
        assert found.display[0, 1] == f"x1={X[0, 1]:.4g}, x3={X[0, 3]:.4g}"

    @pytest.mark.parametrize("background", [None, BACKGROUND], ids=["path", "marginal"])
    def test_interactions(self, background):
        found = interactions(forest(), X, background=background)

        def value(known, x):
            if background is None:
                return path_dependent_value(TREES, x, known)
            return marginal_value(TREES, x, known, background)

        for i, x in enumerate(X):
            expected = floats(interaction_index(lambda known, x=x: value(known, x), D))
            off = ~np.eye(D, dtype=bool)
            np.testing.assert_allclose(found.index[i][off], expected[off], atol=1e-12)
        np.testing.assert_allclose(found.shapley.values, shapley(forest(), X, background=background).values, atol=1e-12)
        assert found.std_err is None
        assert found.report.method.startswith("Shapley interactions of trees")

    def test_a_linear_function(self):
        model = line()
        found = shapley(model, X, background=BACKGROUND, outputs=1)
        expected = SLOPES[:, 1] * (X - BACKGROUND.mean(axis=0))
        np.testing.assert_allclose(found.values[:, :, 0], expected, atol=1e-12)
        assert found.report.method == "Shapley values of a linear model, marginal"
        assert found.report.error_bound < 1e-12
        np.testing.assert_array_equal(
            shapley(model, X, background=BACKGROUND, method="linear", outputs=1).values, found.values
        )
        assert not interactions(model, X, background=BACKGROUND).index[:, 0, 1].any()
        with pytest.raises(InputError, match=r"background is missing.*no trees"):
            shapley(model, X)

    @pytest.mark.parametrize("more", [{}, {"causal": CausalOrder([["x0", "x1"], ["x2", "x3"]])}], ids=["", "causal"])
    def test_a_linear_function_under_a_normal_law(self, more):
        many = np.random.default_rng(0).normal(size=(40, D)) @ np.random.default_rng(1).normal(size=(D, D))
        options = {"background": many, "value_function": "auto" if more else "conditional", **more}
        found = shapley(line(), X, **options)
        sampled = shapley(line().predict, X, method="exact", **options)
        np.testing.assert_allclose(found.values, sampled.values, atol=1e-9)
        np.testing.assert_allclose(found.base_values, sampled.base_values, atol=1e-9)
        assert found.report.method == f"Shapley values of a linear model, {found.report.value_function}"
        pairs = ShapleyInteractions(line(), budget=30_000, **options)(X)
        assert pairs.report.method.startswith("exact")


class TestOutputs:
    def test_a_boosted_classifier_is_explained_as_a_margin(self):
        model = Classifier(forest(margin="log-odds"))
        found = shapley(model, X)
        np.testing.assert_allclose(found.values, shapley(forest(), X).values, atol=1e-12)
        assert found.report.model_output == "raw"
        assert "the log-odds is explained" in found.report.why

    def test_its_probability_needs_a_background(self):
        with pytest.raises(InputError, match=r"model_output='probability' needs a background.*'raw'"):
            shapley(Classifier(forest()), X, model_output="probability")
        sampled = shapley(Classifier(forest()), X, background=BACKGROUND)
        assert sampled.report.method == "exact Shapley values"
        with pytest.raises(InputError, match=r"method='tree' is not possible.*logistic link"):
            shapley(Classifier(forest()), X, background=BACKGROUND, method="tree")

    @pytest.mark.parametrize("background", [None, BACKGROUND], ids=["path", "marginal"])
    def test_a_logit_undoes_the_link_of_the_model(self, background):
        plain = shapley(forest(), X, background=background)
        found = shapley(Classifier(forest()), X, background=background, link="logit")
        assert found.outputs == ("no", "yes")
        np.testing.assert_allclose(found.values[:, :, 1:], plain.values, atol=1e-12)
        np.testing.assert_allclose(found.values[:, :, :1], -plain.values, atol=1e-12)
        np.testing.assert_allclose(found.residual, 0.0, atol=1e-12)
        assert "of trees" in found.report.method

    def test_raw_against_a_background(self):
        found = shapley(Classifier(forest()), X, background=BACKGROUND, model_output="raw")
        np.testing.assert_allclose(found.values, shapley(forest(), X, background=BACKGROUND).values, atol=1e-12)

    @pytest.mark.parametrize("outputs", [None, 1, "predicted", "top:2", ["output 2", 0]], ids=str)
    def test_which_outputs(self, outputs):
        random = np.random.default_rng(1)
        trees = [random_tree(random, D, depth=2, outputs=3) for _ in range(2)]
        model = forest_of(trees, D, outputs=3)
        all_of_them = shapley(model, X)
        found = shapley(model, X, outputs=outputs)
        sampled = shapley(lambda rows: margins(model.arrays, rows), X, background=BACKGROUND, outputs=outputs)
        assert found.outputs == sampled.outputs
        chosen = sampled.selected
        if chosen is None:
            columns = [all_of_them.outputs.index(name) for name in found.outputs]
            np.testing.assert_array_equal(found.values, all_of_them.values[:, :, columns])
        else:
            np.testing.assert_array_equal(found.selected, chosen)
            np.testing.assert_array_equal(
                found.values, np.take_along_axis(all_of_them.values, chosen[:, None, :], axis=2)
            )

    def test_margins_of_a_model_that_cannot_return_them(self):
        model = Fitted(with_link(forest(margin="log of the mean"), "exp"))
        model.predict = lambda rows: np.exp(margins(model.inside.arrays, np.asarray(rows)))
        found = shapley(model, X)
        np.testing.assert_allclose(found.values, shapley(forest(), X).values, atol=1e-12)
        assert found.report.model_output == "raw"
        undone = shapley(model, X, link="log")
        np.testing.assert_array_equal(undone.values, found.values)


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
                return margins(self.inside.arrays, np.column_stack([rows["size"].to_numpy(), numbers]))

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


class TestWaysOut:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"background": BACKGROUND, "value_function": "path_dependent"}, "background must be None"),
            ({"background": BACKGROUND, "precision": "single"}, "precision must be 'double' with a background"),
            ({"background": BACKGROUND, "method": "linear"}, "method='linear' is not possible"),
            ({"background": BACKGROUND, "method": "tree", "order": [["x0"], ["x1"]]}, "an order of the players"),
            ({"precision": "half"}, "precision must be one of"),
            ({"order": [["x0"], ["x1"]]}, "background is missing.*an order"),
            ({"method": "regression"}, "background is missing.*'regression'"),
            ({"background_weights": [1.0]}, "background is missing"),
            ({"link": "log"}, "link='log' needs a background"),
        ],
        ids=lambda one: None if isinstance(one, dict) else one[:30],
    )
    def test_options_that_do_not_fit(self, options, message):
        with pytest.raises(InputError, match=message):
            shapley(forest(), X, **options)

    def test_a_callable_has_no_inside(self):
        with pytest.raises(InputError, match=r"background is missing.*no trees or coefficients can be read"):
            shapley(lambda rows: rows.sum(axis=1), X)
        with pytest.raises(InputError, match="method='tree' is not possible: no trees"):
            shapley(lambda rows: rows.sum(axis=1), X, background=BACKGROUND, method="tree")

    def test_trees_without_cover(self):
        inside = forest()
        bare = Forest(**{**inside.arrays, "cover": None})
        with pytest.raises(InputError, match=r"background is missing.*training rows each node has"):
            shapley(bare, X)
        assert shapley(bare, X, background=BACKGROUND).std_err is None

    def test_what_cannot_be_read_is_sampled(self, monkeypatch):
        def refuse(model, *, model_output):
            raise ModelFormatError("text features")

        monkeypatch.setattr("pellucid.model.structure.find_structure", refuse)
        found = shapley(Fitted(forest()), X, background=BACKGROUND)
        assert any("cannot be followed: text features" in warning for warning in found.report.warnings)
        with pytest.raises(ModelFormatError, match="text features"):
            shapley(Fitted(forest()), X)

    def test_other_games_are_played_as_before(self):
        model = forest()
        assert shapley(model, X, background=BACKGROUND, method="exact").report.method == "exact Shapley values"
        ordered = shapley(model, X, background=BACKGROUND, order={"x0": ["x1"]})
        assert "asymmetric" in ordered.report.method
        many = np.random.default_rng(0).normal(size=(30, D))
        conditional = shapley(model, X, background=many, value_function="conditional", budget=20_000)
        assert conditional.report.value_function == "conditional, gaussian"


class TestResult:
    def test_refining_what_is_exact_changes_nothing(self):
        found = shapley(forest(), X)
        assert found.refine(10) is found
        with pytest.raises(InputError, match="budget must be"):
            found.refine(0)

    def test_the_report_bounds_the_rounding(self):
        found = shapley(forest(), X)
        assert 0.0 < found.report.error_bound < 1e-10
        assert "rounding error at most" in str(found)
        assert "rounding error at most" in found._repr_html_()
        assert "at their thresholds" in found.report.why
        assert "kernels" in found.report.why

    def test_saved_and_loaded(self, tmp_path):
        found = shapley(forest(), X)
        found.save(tmp_path / "a.npz")
        assert type(found).load(tmp_path / "a.npz") == found
        assert pickle.loads(pickle.dumps(found)) == found

    def test_the_tolerance_is_reached(self):
        assert shapley(forest(), X, tolerance=0.1).report.converged == (True, True, True)


def thresholds():
    arrays = forest().arrays
    split = arrays["questions"] != 0
    return list(zip(arrays["thresholds"][split], arrays["split_features"][split], strict=True))


def on_a_threshold(rows):
    """Rows at the very number of some split: where `<` and `<=` disagree."""
    grid = np.isin(rows, [t for t, _ in thresholds()]).all(axis=1)
    return ~grid & np.any([rows[:, j] == np.nextafter(t, -np.inf) for t, j in thresholds()], axis=0)
