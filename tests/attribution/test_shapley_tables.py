"""Tables as people have them: frames, text, missing values, groups."""

from __future__ import annotations

import numpy as np
import pytest
from attribution.small_cases import BACKGROUND, METHODS, MODEL, X, brute_force
from estimation.closed_form import table_shapley
from pellucid import Shapley, shapley


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
