"""Points of categories, booleans, dates, one-hot groups and missing values, in the user's own containers."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from pellucid import InputError, Space, partial_dependence

pd = pytest.importorskip("pandas")

FRAME = pd.DataFrame(
    {
        "age": [20.0, 30.0, np.nan, 50.0],
        "size": pd.Categorical(["L", "S", "S", "L"], categories=["S", "M", "L"], ordered=True),
        "colour": ["red", "blue", "red", "red"],
        "member": [True, False, True, True],
        "since": pd.to_datetime(["2020-01-01", "2021-01-01", "2022-01-01", "2023-01-01"]),
        "rooms": [1, 4, 2, 2],
    }
)


def model(rows):
    assert isinstance(rows, pd.DataFrame)
    assert rows["colour"].isin(["red", "blue", "green"]).all()
    age = rows["age"].fillna(100.0).to_numpy()
    size = rows["size"].map({"S": 0.0, "M": 1.0, "L": 2.0}).to_numpy(dtype=float)
    days = (rows["since"] - pd.Timestamp("2020-01-01")).dt.days.to_numpy()
    return age + 1000 * size + 5 * (rows["colour"] == "red").to_numpy() + rows["member"].to_numpy() + days * 1e-3


def effect(features, **more):
    return partial_dependence(model, FRAME, features=features, **more)


def test_a_missing_value_is_the_last_point():
    found = effect("age")
    assert found.labels == (("20", "30", "50", "missing"),)
    np.testing.assert_allclose(np.diff(found.values[:, 0]), [10.0, 20.0, 50.0])
    assert [len(grid) for grid in effect(("age", "rooms")).grids] == [3, 3]
    assert effect("age", grid=[30.0, None]).labels == (("30", "missing"),)


def test_categories_that_occur_in_their_order():
    found = effect("size")
    assert (found.kinds, found.labels) == (("ordinal",), (("S", "L"),))
    np.testing.assert_allclose(np.diff(found.values[:, 0]), [2000.0])
    with pytest.raises(InputError, match="within the data, got M"):
        effect("size", grid=["M"])
    assert effect("size", grid=["M", "S"], extrapolate=True).labels == (("M", "S"),)
    with pytest.raises(InputError, match="must be one of"):
        effect("colour", grid=["purple"], extrapolate=True)
    np.testing.assert_allclose(np.diff(effect("colour", grid=["red", "blue"]).values[:, 0]), [-5.0])


def test_booleans_whole_numbers_and_dates():
    assert effect("member").labels == (("False", "True"),)
    np.testing.assert_allclose(np.diff(effect("member").values[:, 0]), [1.0])
    assert effect("rooms").grids[0].tolist() == [1.0, 2.0, 4.0]
    found = effect("since", grid=[dt.datetime(2021, 1, 1), dt.datetime(2020, 1, 1)])
    assert found.labels == (("2020-01-01", "2021-01-01"),)
    np.testing.assert_allclose(np.diff(found.values[:, 0]), [0.366])
    with pytest.raises(InputError, match="within the data, got 2030-01-01"):
        effect("since", grid=[dt.datetime(2030, 1, 1)])


def test_one_hot_groups_go_through_their_columns():
    X = np.array([[1.0, 0.0, 0.0, 5.0], [0.0, 0.0, 1.0, 6.0], [0.0, 0.0, 1.0, 7.0], [0.0, 1.0, 0.0, 9.0]])
    space = Space.infer(X, names=["red", "green", "blue", "x"], one_hot={"colour": ["red", "green", "blue"]})

    def of_codes(rows):
        assert (rows[:, :3].sum(axis=1) == 1).all()
        return rows[:, :3] @ [1.0, 10.0, 100.0] + rows[:, 3]

    found = partial_dependence(of_codes, X, features="colour", space=space)
    assert (found.kinds, found.labels) == (("one-hot",), (("red", "green", "blue"),))
    np.testing.assert_allclose(found.values[:, 0], np.array([1.0, 10.0, 100.0]) + X[:, 3].mean())
    assert found.data.ravel().tolist() == [0.0, 2.0, 2.0, 1.0]
    assert partial_dependence(of_codes, X, features="colour", space=space, grid=["blue", "red"]).labels == (
        ("blue", "red"),
    )
    with pytest.raises(InputError, match="columns that are 1 somewhere"):
        partial_dependence(of_codes, X, features="colour", space=space, grid=["pink"])
    pair = partial_dependence(of_codes, X, features=["x", "colour"], space=space)
    assert pair.values.shape == (4, 3, 1)


def test_containers_give_the_same():
    pl = pytest.importorskip("polars")
    plain = pd.DataFrame({"x": [1.0, 2.0, 4.0], "c": ["a", "b", "a"]})

    def of_any(rows):
        return np.asarray(rows["x"]) * np.where(np.asarray(rows["c"]) == "a", 1.0, 2.0)

    first = partial_dependence(of_any, plain, features="c")
    other = partial_dependence(of_any, pl.from_pandas(plain), features="c")
    assert first.values.tolist() == other.values.tolist()
    assert first.labels == other.labels
