"""The explainer on models and tables as people have them."""

from __future__ import annotations

import sys
from fractions import Fraction

import numpy as np
import pytest
from estimation.closed_form import Products, table_shapley
from pellucid import BudgetError, InputError, Shapley, Space, shapley
from pellucid.attribution import shapley as shapley_module
from reference.shapley_exact import rational_shapley

EXPLAINER = sys.modules[Shapley.__module__]

rng = np.random.default_rng(11)
BACKGROUND = rng.normal(size=(6, 5))
X = rng.normal(size=(3, 5))
MODEL = Products.random(5, terms=6, orders=(2, 4), seed=9)
METHODS = ["auto", "exact", "permutation", "regression"]


class Counted:
    def __init__(self, model):
        self.model, self.rows = model, 0

    def __call__(self, rows):
        self.rows += len(rows)
        return self.model(rows)


def brute_force(model, x, background, weights=None, part_of_column=None):
    """Values (p, k) from the table of all coalitions, each the mean over the background row by row."""
    part_of_column = np.arange(len(x)) if part_of_column is None else np.asarray(part_of_column)
    p = part_of_column.max() + 1
    table = []
    for coalition in range(2**p):
        inside = (coalition >> part_of_column) & 1 == 1
        outputs = np.array([np.atleast_1d(model(np.where(inside, x, b)[None])[0]) for b in background])
        table.append(np.average(outputs, axis=0, weights=weights))
    return table_shapley(np.array(table))


class TestTruth:
    @pytest.mark.parametrize("method", METHODS)
    def test_a_linear_model(self, method):
        """w_i (x_i - mu_i) for every method, and several outputs."""
        weights = np.array([[1.0, -2.0, 0.5, 0.0, 3.0], [0.0, 1.0, 1.0, -1.0, 2.0]])

        result = shapley(lambda rows: rows @ weights.T + 4.0, X, background=BACKGROUND, method=method)

        expected = (X - BACKGROUND.mean(axis=0))[:, :, None] * weights.T
        np.testing.assert_allclose(result.values, expected, atol=1e-12)
        np.testing.assert_allclose(result.predictions, X @ weights.T + 4.0, rtol=1e-13)
        np.testing.assert_allclose(result.base_values[0], (BACKGROUND @ weights.T + 4.0).mean(axis=0), rtol=1e-12)

    def test_a_linear_model_by_few_rows(self):
        """Also where most background rows are hardly played."""
        background = rng.normal(size=(300, 12))
        weights = rng.normal(size=12)
        for method, budget in (("regression", 333 + 260), ("permutation", 333 + 22 * 320 * 4)):
            result = shapley(lambda r: r @ weights, background[:2], background=background, method=method, budget=budget)

            expected = weights * (background[:2] - background.mean(axis=0))
            np.testing.assert_allclose(result.values[:, :, 0], expected, atol=1e-9)

    def test_exact_is_the_rational_oracle(self):
        """Small whole numbers, so that the oracle's input is the model's output and not a rounding of it."""
        model = Products(5, terms=[(0, 1, 2), (1, 3), (0, 2, 3, 4)], coefficients=[3, -2, 1], linear=[1, 0, 2, -1, 1])
        background = np.round(3 * BACKGROUND[:4])
        x = np.round(3 * X[0])

        table = []
        for coalition in range(32):
            inside = (coalition >> np.arange(5)) & 1 == 1
            outputs = model(np.where(inside, x, background))
            table.append(sum(Fraction(int(value)) for value in outputs) / len(background))
        expected = [float(value) for value in rational_shapley(table, 5)]

        result = shapley(model, x[None], background=background, method="exact")

        np.testing.assert_allclose(result.values[0, :, 0], expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
        assert result.std_err is None

    @pytest.mark.parametrize("method", METHODS)
    def test_the_closed_form_of_products(self, method):
        result = shapley(MODEL, X, background=BACKGROUND, method=method, budget=20_000)

        for row in range(3):
            expected = MODEL.values(X[row], BACKGROUND)
            error = np.abs(result.values[row, :, 0] - expected)
            reach = 0.0 if result.std_err is None else 4.5 * result.std_err[row, :, 0]
            assert (error <= reach + 1e-11).all()

    def test_brute_force_over_the_background(self):
        def model(rows):
            return np.column_stack(
                [np.tanh(rows[:, 0] * rows[:, 1]), rows.max(axis=1), (rows[:, 2] > rows[:, 3]) * rows[:, 4]]
            )

        result = shapley(model, X, background=BACKGROUND, method="exact")

        for row in range(3):
            np.testing.assert_allclose(result.values[row], brute_force(model, X[row], BACKGROUND), atol=1e-12)


class TestBackground:
    def test_none_is_an_input_error(self):
        with pytest.raises(InputError, match=r"background is missing.*training"):
            Shapley(MODEL)
        with pytest.raises(InputError, match="background"):
            shapley(MODEL, X)

    @pytest.mark.parametrize("method", METHODS)
    def test_weights_are_repeated_rows(self, method):
        """Four equal rows are one row of weight four, to the last digit for exact."""
        counts = [1, 4, 2, 1, 3, 1]
        repeated = np.repeat(BACKGROUND, counts, axis=0)

        weighted = shapley(MODEL, X, background=BACKGROUND, background_weights=counts, method=method, budget=3000)
        plain = shapley(MODEL, X, background=repeated, method=method, budget=3000)

        np.testing.assert_allclose(weighted.values, plain.values, atol=1e-12)
        np.testing.assert_allclose(weighted.base_values, plain.base_values, atol=1e-12)
        expected = brute_force(MODEL, X[0], repeated)
        assert np.abs(weighted.values[0] - expected).max() < (1e-12 if weighted.std_err is None else 0.5)

    def test_a_row_of_weight_nothing_is_nothing(self):
        model = Counted(lambda rows: MODEL(np.where(rows == 1e6, np.inf, rows)))
        background = np.vstack([BACKGROUND, np.full((1, 5), 1e6)])

        result = shapley(model, X, background=background, background_weights=[1, 1, 1, 1, 1, 1, 0], method="exact")

        np.testing.assert_allclose(
            result.values, shapley(MODEL, X, background=BACKGROUND, method="exact").values, atol=1e-12
        )

    @pytest.mark.parametrize("weights", [[1, 2], [1, 1, 1, 1, 1, -1], [0] * 6, [1, 1, 1, 1, 1, np.nan]])
    def test_weights_that_are_none(self, weights):
        with pytest.raises(InputError, match="background_weights"):
            shapley(MODEL, X, background=BACKGROUND, background_weights=weights)

    def test_the_mean_row_is_the_mean_imputed_game(self):
        mean = BACKGROUND.mean(axis=0, keepdims=True)

        result = shapley(MODEL, X, background=mean)

        np.testing.assert_allclose(result.values[0], brute_force(MODEL, X[0], mean), atol=1e-12)
        np.testing.assert_allclose(result.base_values[0, 0], MODEL(mean)[0], rtol=1e-14)
        assert result.report.value_function == "baseline"

    @pytest.mark.parametrize("budget", [None, 100_000])
    @pytest.mark.parametrize(
        "method",
        ["auto", "regression", "permutation"],
    )
    def test_a_rare_row_is_never_left_out(self, method, budget):
        """One of 5,000 rows has x0 = 1e4: the base value and phi_0 must know it (peers draw 100 rows).

        Nothing in the spread of the other rows tells of it: only the known total keeps a sampler from stopping early.
        """
        if method == "permutation" and budget is not None:
            pytest.skip("with the whole budget every row is played")
        background = np.zeros((5000, 4))
        background[1234, 0] = 1e4
        background += 1e-9 * np.arange(5000)[:, None]  # no two rows are equal

        result = shapley(
            lambda rows: rows[:, 0] + rows[:, 1], np.ones((1, 4)), background=background, method=method, budget=budget
        )

        np.testing.assert_allclose(result.base_values[0, 0], background[:, :2].sum(axis=1).mean(), rtol=1e-12)
        assert np.abs(result.residual).max() < 1e-9
        expected = 1.0 - background[:, 0].mean()
        error = 0.0 if result.std_err is None else result.std_err[0, 0, 0]
        assert abs(result.values[0, 0, 0] - expected) <= 5 * error + 1e-9
        assert result.report.background_rows == 5000

    def test_equal_rows_are_paid_once(self):
        model = Counted(MODEL)

        result = shapley(model, X, background=np.repeat(BACKGROUND[:1], 1000, axis=0), method="exact")

        assert model.rows < 200
        assert result.report.background_rows == 1000


class TestLinks:
    weights = np.array([0.8, -1.0, 0.3, 0.0, 0.6])

    def margin(self, rows):
        return rows @ self.weights + 0.2

    @pytest.mark.parametrize("method", METHODS)
    def test_logit_of_a_logistic_model_is_linear(self, method):
        def model(rows):
            return 1 / (1 + np.exp(-self.margin(rows)))

        result = shapley(model, X, background=BACKGROUND, link="logit", method=method)

        np.testing.assert_allclose(result.values[:, :, 0], self.weights * (X - BACKGROUND.mean(axis=0)), atol=1e-10)
        np.testing.assert_allclose(result.predictions[:, 0], self.margin(X), rtol=1e-10)
        assert result.report.link == "logit"

    def test_log_of_an_exponential_model_is_linear(self):
        result = shapley(lambda rows: np.exp(self.margin(rows)), X, background=BACKGROUND, link="log")

        np.testing.assert_allclose(result.values[:, :, 0], self.weights * (X - BACKGROUND.mean(axis=0)), atol=1e-10)

    @pytest.mark.parametrize(("link", "value"), [("logit", 1.0), ("logit", 0.0), ("log", 0.0), ("log", -1.0)])
    def test_a_value_without_a_link_is_an_input_error(self, link, value):
        with pytest.raises(InputError, match=f"link='{link}'.*clip"):
            shapley(lambda rows: np.full(len(rows), value), X, background=BACKGROUND, link=link)

    def test_probabilities_of_nought_and_one_need_no_link(self):
        """The indicator model that makes a logit infinite is explained as it is."""
        result = shapley(lambda rows: (rows[:, 0] > 0).astype(float), X, background=BACKGROUND)

        expected = (X[:, 0] > 0) - (BACKGROUND[:, 0] > 0).mean()
        np.testing.assert_allclose(result.values[:, 0, 0], expected, atol=1e-13)
        assert np.isfinite(result.values).all()

    def test_an_unknown_link_is_named(self):
        with pytest.raises(InputError, match="'probit'"):
            Shapley(MODEL, BACKGROUND, link="probit")


def three_classes(rows):
    scores = np.column_stack([rows[:, 0], rows[:, 1] * rows[:, 2], rows[:, 3] + rows[:, 4]])
    odds = np.exp(scores)
    return odds / odds.sum(axis=1, keepdims=True)


class TestOutputs:
    names = ("cat", "dog", "owl")

    def explain(self, outputs, **more):
        return shapley(three_classes, X, background=BACKGROUND, outputs=outputs, output_names=self.names, **more)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(
        ("outputs", "columns"),
        [(None, [0, 1, 2]), (1, [1]), (-1, [2]), ("owl", [2]), (["owl", 0], [2, 0]), ([1], [1])],
    )
    def test_a_choice_of_columns(self, outputs, columns, method):
        everything = self.explain(None, method=method, budget=2000)

        some = self.explain(outputs, method=method, budget=2000)

        assert some.outputs == tuple(self.names[column] for column in columns)
        assert some.selected is None
        np.testing.assert_array_equal(some.predictions, everything.predictions[:, columns])
        np.testing.assert_array_equal(some.base_values, everything.base_values[:, columns])
        if some.std_err is None:
            np.testing.assert_allclose(some.values, everything.values[:, :, columns], atol=1e-14)

    @pytest.mark.parametrize(
        ("outputs", "count", "names"), [("predicted", 1, ("predicted",)), ("top:2", 2, ("top 1", "top 2"))]
    )
    def test_columns_that_depend_on_the_row(self, outputs, count, names):
        everything = self.explain(None)

        some = self.explain(outputs)

        best = np.argsort(-three_classes(X), axis=1, kind="stable")[:, :count]
        assert len(set(best[:, 0])) > 1  # the test has something to tell apart
        assert some.outputs == names
        np.testing.assert_array_equal(some.selected, best)
        assert some.selected_names == self.names
        for row in range(3):
            np.testing.assert_allclose(some.values[row], everything.values[row][:, best[row]], atol=1e-14)
            np.testing.assert_array_equal(some.base_values[row], everything.base_values[row][best[row]])
        assert np.abs(some.residual).max() < 1e-12

    @pytest.mark.parametrize("outputs", ["bird", 3, -4, "top:4", "top:0", [], [0, 0], 1.5])
    def test_what_is_not_there_is_an_input_error(self, outputs):
        with pytest.raises(InputError, match="outputs"):
            self.explain(outputs)

    def test_many(self):
        weights = rng.normal(size=(5, 40))

        result = shapley(lambda rows: rows @ weights, X, background=BACKGROUND)

        assert result.values.shape == (3, 5, 40)
        np.testing.assert_allclose(result.values, (X - BACKGROUND.mean(axis=0))[:, :, None] * weights, atol=1e-12)


@pytest.fixture(scope="module")
def people_once():
    """A pipeline trained on a DataFrame with text, missing values and booleans."""
    pandas = pytest.importorskip("pandas")
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    random = np.random.default_rng(0)
    n = 120
    frame = pandas.DataFrame(
        {
            "age": np.where(random.random(n) < 0.2, np.nan, random.integers(18, 80, n).astype(float)),
            "city": random.choice(["Rome", "Oslo", "Lima"], n),
            "member": random.random(n) < 0.5,
            "visits": random.integers(0, 9, n),
        }
    )
    y = (frame["city"] == "Oslo") ^ (frame["member"] & (frame["age"].fillna(0) > 40))
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city"]), remainder="passthrough"
        ),
        HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=5, random_state=0),
    ).fit(frame, y)
    return frame, model


class TestTables:
    columns = ("a", "b", "c", "d", "e")

    @pytest.mark.parametrize("method", METHODS)
    def test_every_container_gives_the_same(self, method):
        pandas, polars, pyarrow = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))
        reference = shapley(MODEL, X, background=BACKGROUND, method=method, budget=2000)
        data = {name: BACKGROUND[:, j] for j, name in enumerate(self.columns)}
        rows = {name: X[:, j] for j, name in enumerate(self.columns)}
        seen = []
        for make in (pandas.DataFrame, polars.DataFrame, pyarrow.table):
            frame = make(data)

            kind = type(frame)

            def model(given, kind=kind):
                seen.append(isinstance(given, kind))
                return MODEL(np.column_stack([np.asarray(given[name]) for name in self.columns]))

            result = shapley(model, make(rows), background=frame, method=method, budget=2000)

            np.testing.assert_allclose(result.values, reference.values, atol=1e-12)
            assert result.parts == self.columns
        assert all(seen)

    @pytest.fixture
    def people(self, people_once):
        return people_once

    def test_a_pipeline_is_explained_on_its_raw_columns(self, people):
        frame, model = people
        background = frame.iloc[:6]

        result = shapley(model, frame.iloc[6:9], background=background, method="exact")

        assert result.parts == ("age", "city", "member", "visits")
        assert result.outputs == ("False", "True")
        assert result.report.model_output == "probability"
        np.testing.assert_allclose(result.predictions, model.predict_proba(frame.iloc[6:9]), atol=1e-12)
        for row in range(3):
            table = []
            for coalition in range(16):
                mixed = background.copy()
                for j, name in enumerate(frame.columns):
                    if coalition >> j & 1:
                        mixed[name] = frame[name].iloc[6 + row]
                table.append(model.predict_proba(mixed.astype(frame.dtypes)).mean(axis=0))
            np.testing.assert_allclose(result.values[row], table_shapley(np.array(table)), atol=1e-12)
        assert set(result.display[:, 1]) <= {"Rome", "Oslo", "Lima"}
        assert np.abs(result.values[:, 1]).max() > 0.01

    def test_categories_that_the_background_does_not_have(self, people):
        frame, model = people
        background = frame[frame["city"] != "Lima"].iloc[:6]
        new = frame[frame["city"] == "Lima"].iloc[:1].assign(age=np.nan)

        explainer = Shapley(model, background)
        before = explainer(background.iloc[:1])
        result = explainer(new)
        after = explainer(background.iloc[:1])

        assert result.display[0].tolist()[1] == "Lima"
        assert result.display[0, 0] == "missing"
        np.testing.assert_allclose(result.predictions, model.predict_proba(new), atol=1e-12)
        assert np.abs(result.residual).max() < 1e-12
        np.testing.assert_array_equal(before.values, after.values)

    def test_wrong_columns_are_an_input_error(self, people):
        frame, model = people
        explainer = Shapley(model, frame.iloc[:4])

        for wrong in (frame.drop(columns="age"), frame.rename(columns={"age": "Age"}), frame.assign(more=1)):
            with pytest.raises(InputError, match="X"):
                explainer(wrong.iloc[:2])
        with pytest.raises(InputError, match="X"):
            Shapley(MODEL, BACKGROUND)(X[:, :4])
        with pytest.raises(InputError, match="X"):
            Shapley(MODEL, BACKGROUND)(X[0])

    @pytest.mark.parametrize("method", METHODS)
    def test_groups_are_players(self, method):
        groups = {"pair": ["x1", "x4"], "other": ["x0", "x2"]}

        result = shapley(MODEL, X, background=BACKGROUND, groups=groups, method=method, budget=2000)

        assert result.parts == ("other", "pair", "x3")
        expected = brute_force(MODEL, X[0], BACKGROUND, part_of_column=[0, 1, 0, 2, 1])
        np.testing.assert_allclose(result.values[0], expected, atol=1e-11 if method != "permutation" else 0.5)
        assert np.isnan(result.data[:, :2]).all()
        np.testing.assert_array_equal(result.data[:, 2], X[:, 3])
        assert result.display[0, 1].startswith("x1=")
        assert ", x4=" in result.display[0, 1]

    def test_groups_and_a_space_are_not_both_given(self):
        with pytest.raises(InputError, match="groups"):
            Shapley(MODEL, BACKGROUND, groups={"a": ["x0", "x1"]}, space=Space.infer(BACKGROUND))

    @pytest.mark.parametrize("method", METHODS)
    def test_no_rows(self, method):
        result = shapley(MODEL, X[:0], background=BACKGROUND, method=method)

        assert result.values.shape == (0, 5, 1)
        assert len(result) == 0
        assert result.report.rows_per_row == ()


class TestPeersBugs:
    """What other packages get wrong, with the numbers of their issues' examples."""

    @pytest.mark.parametrize("method", METHODS)
    def test_no_feature_is_dropped_behind_your_back(self, method):
        """shap's KernelExplainer keeps 10 features by default: here [0, 0, 3.3, ..., 12.3]."""
        weights = np.arange(1.0, 13.0)

        result = shapley(lambda rows: rows @ weights, np.ones((1, 12)), background=np.zeros((1, 12)), method=method)

        np.testing.assert_allclose(result.values[0, :, 0], weights, atol=1e-9)

    @pytest.mark.parametrize("features", [250, 600])
    @pytest.mark.parametrize("method", ["auto", "permutation"])
    def test_more_than_249_features(self, features, method):
        """shap's PermutationExplainer raises above 249 with its default budget."""
        weights = np.linspace(-1, 1, features)

        result = shapley(
            lambda r: r @ weights,
            np.ones((1, features)),
            background=np.zeros((2, features)),
            method=method,
            budget=8000,
        )

        np.testing.assert_allclose(result.values[0, :, 0], weights, atol=1e-8)

    def test_a_model_that_is_not_deterministic_is_reported(self):
        noise = np.random.default_rng(0)

        result = shapley(lambda rows: MODEL(rows) + noise.normal(size=len(rows)), X, background=BACKGROUND)

        assert any("not deterministic" in warning for warning in result.report.warnings)
        assert not shapley(MODEL, X, background=BACKGROUND).report.warnings

    def test_a_model_that_looks_at_its_batch_is_reported(self):
        result = shapley(lambda rows: rows[:, 0] - rows[:, 0].mean(), X, background=BACKGROUND)

        assert any("depend on the other rows" in warning for warning in result.report.warnings)

    def test_thirty_features_are_not_enumerated(self):
        with pytest.raises(BudgetError, match=r"2\^30"):
            shapley(lambda rows: rows.sum(axis=1), np.ones((1, 30)), background=np.zeros((1, 30)), method="exact")


def test_the_function_is_the_explainer():
    """One line over it, under the same name in the package."""
    assert shapley is shapley_module
    function = shapley(MODEL, X, background=BACKGROUND)
    explainer = Shapley(MODEL, BACKGROUND)(X)

    np.testing.assert_array_equal(function.values, explainer.values)
    with pytest.raises(InputError, match="method"):
        Shapley(MODEL, BACKGROUND, method="tree")


def test_the_repr_names_model_background_and_method():
    text = repr(Shapley(MODEL, BACKGROUND, method="exact"))

    assert "background of 6 rows" in text
    assert "5 players" in text
    assert "'exact'" in text


@pytest.mark.parametrize(
    "options", [{"outputs": "top:x"}, {"outputs": 1.5}, {"outputs": []}, {"n_threads": 0}, {"progress": "yes"}]
)
def test_arguments_are_checked_before_any_row_is_paid(options):
    with pytest.raises(InputError, match=next(iter(options))):
        Shapley(lambda rows: pytest.fail("called"), BACKGROUND, **options)


@pytest.mark.parametrize("outputs", ["bird", 3, "top:4"])
def test_an_unknown_output_costs_no_more_than_the_probe(outputs):
    explain = Shapley(three_classes, BACKGROUND, outputs=outputs)
    with pytest.raises(InputError, match="outputs"):
        explain(X)
    assert explain.model.rows_used == 2 * min(16, len(BACKGROUND))
