"""Models that libraries trained on frames: their own categories, and columns by name."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import InputError, Shapley
from reference.forest_nodes import coalitions
from reference.forests import shapley as enumerated

pandas = pytest.importorskip("pandas")


def frame_of(seed=0, n=60):
    rng = np.random.default_rng(seed)
    words = pandas.Categorical(rng.choice(["red", "blue", "green"], size=n), categories=["red", "green", "blue"])
    return pandas.DataFrame({"size": rng.normal(size=n), "colour": words, "age": rng.integers(0, 5, size=n)})


def model_of(maker, frame):
    y = frame["size"] * (frame["colour"] == "red") + frame["age"] * (frame["colour"] != "blue")
    if maker == "histogram":
        from sklearn.ensemble import HistGradientBoostingRegressor

        options = {"max_iter": 4, "min_samples_leaf": 3, "categorical_features": "from_dtype"}
        return HistGradientBoostingRegressor(**options).fit(frame, y)
    if maker == "xgboost":
        xgb = pytest.importorskip("xgboost")
        if tuple(int(part) for part in xgb.__version__.split(".")[:2]) < (3, 1):
            pytest.skip("models keep their categories since 3.1")
        return xgb.XGBRegressor(n_estimators=4, max_depth=3, n_jobs=1, enable_categorical=True).fit(frame, y)
    lgb = pytest.importorskip("lightgbm")
    options = {"min_child_samples": 3, "min_data_per_group": 3, "cat_smooth": 1.0, "verbose": -1, "n_jobs": 1}
    return lgb.LGBMRegressor(n_estimators=4, **options).fit(frame, y)


@pytest.mark.parametrize("maker", ["histogram", "xgboost", "lightgbm"])
def test_categories_of_a_frame(maker):
    frame = frame_of()
    model, rows, background = model_of(maker, frame), frame[:5].copy(), frame[20:24]
    rows.loc[1, "colour"] = np.nan
    found = Shapley(model, background, method="tree")(rows)
    own = Shapley(model)(rows)
    np.testing.assert_allclose(own.predictions[:, 0], model.predict(rows), rtol=1e-5)
    np.testing.assert_allclose(own.residual, 0.0, atol=1e-12)
    for i in range(len(rows)):
        worth = {}
        for known in coalitions(3):
            mixed = {
                name: pandas.concat([rows[i : i + 1]] * 4)[name] if j in known else background[name]
                for j, name in enumerate(frame)
            }
            mixed = pandas.DataFrame({name: column.array for name, column in mixed.items()}).astype(frame.dtypes)
            worth[known] = [float(np.mean(np.asarray(model.predict(mixed), dtype=float)))]
        expected = np.array(enumerated(worth.__getitem__, 3), dtype=float)
        np.testing.assert_allclose(found.values[i], expected, atol=1e-6)


@pytest.mark.parametrize("maker", ["histogram", "xgboost", "lightgbm"])
@pytest.mark.parametrize("game", ["path-dependent", "marginal"])
def test_columns_in_another_order_are_refused(maker, game):
    frame = frame_of()
    model = model_of(maker, frame)
    explain = Shapley(model, None if game == "path-dependent" else frame[:4])
    explain(frame[:2])
    with pytest.raises(InputError, match="column"):
        explain(frame[["colour", "size", "age"]][:2])


@pytest.mark.parametrize("maker", ["histogram", "xgboost", "lightgbm"])
def test_a_frame_may_list_its_categories_in_another_order(maker):
    frame = frame_of()
    model, rows = model_of(maker, frame), frame[:6]
    listed = ["blue", "red", "green"] if maker == "xgboost" else ["blue", "amber", "red", "green"]  # it refuses others
    words = rows["colour"].astype(str)
    if maker != "xgboost":
        words[1] = "amber"
    other = rows.assign(colour=pandas.Categorical(words, categories=listed))
    text = rows.assign(colour=words)
    found = Shapley(model)(other)
    np.testing.assert_allclose(found.predictions[:, 0], model.predict(other), rtol=1e-5)
    same = np.asarray(words == rows["colour"].astype(str))
    np.testing.assert_array_equal(found.values[same], Shapley(model)(rows).values[same])
    against = Shapley(model, frame[20:24], method="tree")
    np.testing.assert_allclose(against(other).predictions[:, 0], model.predict(other), rtol=1e-5)
    np.testing.assert_array_equal(against(other).values[same], against(rows).values[same])
    if maker == "histogram":  # the others refuse text
        np.testing.assert_array_equal(Shapley(model)(text).values, found.values)
