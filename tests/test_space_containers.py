"""Every container comes back from `Space` as it went in."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pellucid.space import Space

MODEST = settings(derandomize=True, max_examples=40, deadline=None, database=None)
DAY = dt.date(2020, 2, 29)
NOON = dt.datetime(2020, 2, 29, 12, 0, 0, 1)
PANDAS = {
    "float64": np.array([1.5, np.nan]),
    "float32": np.array([1.5, np.nan], dtype=np.float32),
    "float16": np.array([1.5, np.nan], dtype=np.float16),
    "int64": np.array([2**53, -(2**53)]),
    "uint8": np.array([255, 0], dtype=np.uint8),
    "bool": np.array([True, False]),
    "Int64": pd.array([2**53 - 1, None], dtype="Int64"),
    "UInt8": pd.array([255, None], dtype="UInt8"),
    "Float64": pd.array([1.5, None], dtype="Float64"),
    "Float32": pd.array([1.5, None], dtype="Float32"),
    "boolean": pd.array([True, None], dtype="boolean"),
    "str": pd.array(["b", np.nan], dtype=pd.StringDtype(na_value=np.nan)),
    "string-pyarrow": pd.array(["b", None], dtype="string[pyarrow]"),
    "string-python": pd.array(["b", None], dtype="string[python]"),
    "category": pd.Categorical(["a", None], ["z", "a"]),
    "category-object": pd.Categorical(pd.Series(["a", "b"], dtype=object)),
    "category-int": pd.Categorical([3, 1], [3, 2, 1]),
    "category-bool": pd.Categorical([True, False]),
    "category-dates": pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01"])),
    "category-ordered": pd.Categorical(["lo", "hi"], ["lo", "mid", "hi"], ordered=True),
    "datetime-s": np.array(["2020-02-29", "NaT"], dtype="M8[s]"),
    "datetime-us": np.array(["2020-02-29T12:00:00.000001", "NaT"], dtype="M8[us]"),
    "datetime-ns": np.array(["2020-02-29T12:00:00.000001000", "NaT"], dtype="M8[ns]"),
    "datetime-zone": pd.to_datetime(["2020-07-01 03:00", None]).tz_localize("Europe/Berlin"),
    "datetime-offset": pd.to_datetime(["2020-07-01 03:00+02:00", None]),
    "object-str-None": pd.Series(["b", None], dtype=object),
    "object-str-nan": pd.Series(["b", np.nan], dtype=object),
    "object-int-NA": pd.Series([7, pd.NA], dtype=object),
    "object-float-nan": pd.Series([1.5, np.nan], dtype=object),
    "object-bool-None": pd.Series([True, None], dtype=object),
    "object-date": pd.Series([DAY, None], dtype=object),
    "object-datetime": pd.Series([NOON, None], dtype=object),
    "object-timestamp": pd.Series([pd.Timestamp("2020-07-01 03:00", tz="Europe/Paris"), pd.NaT], dtype=object),
    "object-missing": pd.Series([None, None], dtype=object),
    "arrow-int64": pd.array([1, None], dtype="int64[pyarrow]"),
    "arrow-double": pd.array([1.5, None], dtype="double[pyarrow]"),
    "arrow-bool": pd.array([True, None], dtype="bool[pyarrow]"),
    "arrow-string": pd.array(["a", None], dtype=pd.ArrowDtype(pa.string())),
    "arrow-date32": pd.array([DAY, None], dtype="date32[pyarrow]"),
    "arrow-date64": pd.array([DAY, None], dtype="date64[pyarrow]"),
    "arrow-timestamp": pd.array([NOON, None], dtype=pd.ArrowDtype(pa.timestamp("ns", "UTC"))),
    "arrow-dictionary": pd.array(["a", None], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
}
POLARS = {
    "Float64": pl.Series([1.5, None]),
    "Float64-NaN": pl.Series([1.5, np.nan]),
    "Float32": pl.Series([1.5, None], dtype=pl.Float32),
    "Int64": pl.Series([2**53, None]),
    "UInt8": pl.Series([255, None], dtype=pl.UInt8),
    "Boolean": pl.Series([True, None]),
    "String": pl.Series(["b", None]),
    "Categorical": pl.Series(["b", None], dtype=pl.Categorical),
    "Enum": pl.Series(["a", None], dtype=pl.Enum(["b", "a", "unused"])),
    "Date": pl.Series([DAY, None]),
    "Datetime-ms": pl.Series([1, None]).cast(pl.Datetime("ms")),
    "Datetime-us": pl.Series([NOON, None]),
    "Datetime-ns": pl.Series([1000, None]).cast(pl.Datetime("ns")),
    "Datetime-zone": pl.Series([1, None]).cast(pl.Datetime("us", "Europe/Berlin")),
    "Null": pl.Series([None, None]),
}
PYARROW = {
    "double": pa.array([1.5, None]),
    "double-NaN": pa.array(np.array([1.5, np.nan])),
    "float": pa.array([1.5, None], pa.float32()),
    "halffloat": pa.array([1.5, None], pa.float32()).cast(pa.float16()),
    "int64": pa.array([2**53, None]),
    "uint8": pa.array([255, None], pa.uint8()),
    "bool": pa.array([True, None]),
    "string": pa.array(["b", None]),
    "large_string": pa.array(["b", None], pa.large_string()),
    "string_view": pa.array(["b", None], pa.string_view()),
    "dictionary": pa.array(["b", None]).dictionary_encode(),
    "dictionary-int": pa.array([2, 1]).dictionary_encode(),
    "dictionary-ordered": pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), ["lo", "hi"], ordered=True),
    "dictionary-unused": pa.DictionaryArray.from_arrays(pa.array([1, None], pa.int32()), ["unused", "a"]),
    "date32": pa.array([DAY, None]),
    "date64": pa.array([DAY, None], pa.date64()),
    "timestamp-s": pa.array([1, None], pa.timestamp("s")),
    "timestamp-ns": pa.array([1000, None], pa.timestamp("ns")),
    "timestamp-zone": pa.array([1, None], pa.timestamp("us", "Europe/Rome")),
    "timestamp-offset": pa.array([1, None], pa.timestamp("us", "+02:00")),
    "null": pa.nulls(2),
}
NUMPY = {
    **{name: np.array([[1, 0], [1, 1]], dtype=name) for name in ("bool", "int8", "uint64", "float16", "float32")},
    "int64": np.array([[2**53, -(2**53)], [0, 1]]),
    "float64": np.array([[1.5, np.nan], [-0.0, 1e300]]),
    "longdouble": np.array([[1.5, 2.0]], dtype=np.longdouble),
    "big-endian float": np.array([[1.5, 2.0]], dtype=">f8"),
    "big-endian int": np.array([[1, 2]], dtype=">i4"),
    "text": np.array([["red", "s"], ["blue", "xl"]]),
    "datetime": np.array([["2020-02-29", "NaT"]], dtype="M8[D]"),
    "datetime-Y": np.array([["1999", "2020"]], dtype="M8[Y]"),
    "object": np.array([[1, "a", True, 1.5, DAY, None], [2, "b", False, 2.5, None, None]], dtype=object),
    "object-pandas-missing": np.array([[1, "a"], [pd.NA, np.nan]], dtype=object),
}
if hasattr(np.dtypes, "StringDType"):  # NumPy 2
    NUMPY["StringDType"] = np.array([["red", "s"], ["blue", "xl"]], dtype=np.dtypes.StringDType())


def assert_same(got, expected):
    """Same type, dtypes, values, missing values and order of columns."""
    assert type(got) is type(expected)
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(got, expected, check_index_type=False)
    elif isinstance(expected, pl.DataFrame):
        polars.testing.assert_frame_equal(got, expected, categorical_as_str=False)
    elif isinstance(expected, pa.Table):
        assert got.schema == expected.schema
        assert got.to_pydict().keys() == expected.to_pydict().keys()
        for name in expected.column_names:
            assert repr(got[name].to_pylist()) == repr(expected[name].to_pylist())
            if pa.types.is_dictionary(expected[name].type):
                assert got[name].chunk(0).dictionary.equals(expected[name].chunk(0).dictionary)
    elif isinstance(expected, np.ma.MaskedArray):
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(np.ma.getmaskarray(got), np.ma.getmaskarray(expected))
        np.testing.assert_array_equal(got.compressed(), expected.compressed())
    else:
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        if expected.dtype == object:
            assert [list(map(repr, row)) for row in got] == [list(map(repr, row)) for row in expected]
        else:
            np.testing.assert_array_equal(got, expected)


def assert_round_trip(X, **declared):
    """decode(encode(X)) is X, also through JSON and on no rows; gives the space and the codes."""
    space = Space.infer(X, **declared)
    codes = space.encode(X)

    assert codes.dtype == np.float64
    assert codes.flags.c_contiguous
    assert codes.shape == (len(X), space.d)
    assert_same(space.decode(codes), X)
    assert_same(space.decode(codes[:0]), X[:0])
    saved = Space.from_dict(json.loads(json.dumps(space.to_dict(), allow_nan=False)))
    assert saved == space
    assert_same(saved.decode(codes), X)
    assert space.extend(X) == space
    np.testing.assert_array_equal(np.isnan(codes).any(axis=0), [feature.missing for feature in space.features])
    np.testing.assert_array_equal(space.display(codes) == "missing", np.isnan(codes))
    return space, codes


class TestRoundTrip:
    @pytest.mark.parametrize("name", PANDAS)
    def test_pandas_column(self, name):
        assert_round_trip(pd.DataFrame({"x": PANDAS[name], "y": [1.5, 2.5]}))

    @pytest.mark.parametrize("name", POLARS)
    def test_polars_column(self, name):
        assert_round_trip(pl.DataFrame({"x": POLARS[name], "y": [1.5, 2.5]}))

    @pytest.mark.parametrize("name", PYARROW)
    def test_pyarrow_column(self, name):
        assert_round_trip(pa.table({"x": PYARROW[name], "y": [1.5, 2.5]}))

    @pytest.mark.parametrize("name", PANDAS)
    def test_pandas_column_alone(self, name):
        assert_round_trip(pd.DataFrame({"x": PANDAS[name]}))

    @pytest.mark.parametrize("name", POLARS)
    def test_polars_column_alone(self, name):
        assert_round_trip(pl.DataFrame({"x": POLARS[name]}))

    @pytest.mark.parametrize("name", PYARROW)
    def test_pyarrow_column_alone(self, name):
        assert_round_trip(pa.table({"x": PYARROW[name]}))

    @pytest.mark.parametrize("name", NUMPY)
    def test_numpy_array(self, name):
        assert_round_trip(NUMPY[name])

    @pytest.mark.parametrize("kind", [np.float64, np.float32, np.int16, np.bool_])
    def test_masked_array(self, kind):
        X = np.ma.MaskedArray(np.array([[1, 0], [0, 1]], dtype=kind), mask=[[False, True], [False, False]])

        _, codes = assert_round_trip(X)

        np.testing.assert_array_equal(codes, [[1, np.nan], [0, 1]])

    def test_all_pandas_columns_together(self):
        assert_round_trip(pd.DataFrame(PANDAS))

    def test_all_polars_columns_together(self):
        assert_round_trip(pl.DataFrame(POLARS))

    def test_all_pyarrow_columns_together(self):
        assert_round_trip(pa.table(PYARROW))

    def test_pandas_columns_named_by_integers(self):
        space, _ = assert_round_trip(pd.DataFrame(np.eye(3)))

        assert space.names == ("0", "1", "2")
        assert_round_trip(pd.DataFrame({5: [1, 2], 3: ["a", "b"]}))

    def test_pyarrow_chunks_with_different_dictionaries(self):
        chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "a"]).dictionary_encode()]
        X = pa.table({"x": pa.chunked_array(chunks)})
        space = Space.infer(X)

        assert space.decode(space.encode(X))["x"].to_pylist() == ["a", "b", "c", "a"]

    def test_narwhals_frame_comes_back_native(self):
        import narwhals.stable.v2 as nw

        X = pl.DataFrame({"x": ["a", "b"]})
        space = Space.infer(nw.from_native(X))

        assert_same(space.decode(space.encode(nw.from_native(X))), X)

    def test_pandas_index_is_left_out(self):
        X = pd.DataFrame({"x": [1.0, 2.0]}, index=[7, 9])
        space = Space.infer(X)

        assert_same(space.decode(space.encode(X)), X.reset_index(drop=True))

    def test_categories_keep_the_dtype_under_another_declared_order(self):
        pandas = pd.DataFrame({"x": pd.Categorical(["lo", "hi"], ["hi", "lo", "unused"])})
        enum = pl.DataFrame({"x": pl.Series(["lo", "hi"], dtype=pl.Enum(["hi", "lo", "unused"]))})

        for X in (pandas, enum):
            space, codes = assert_round_trip(X, ordinal={"x": ["lo", "hi"]})
            assert space.features[0].kind == "ordinal"
            assert codes[:, 0].tolist() == [0, 1]

    @pytest.mark.parametrize(
        "X",
        [
            np.array([[3, 10], [1, 20]]),
            np.array([[0.5, 10], [1.5, 20]]),
            np.array([["2020-01-01", "2020-01-02"], ["2020-01-01", "2020-01-03"]], dtype="M8[D]"),
            np.array([[3, "a"], [1, "b"]], dtype=object),
            pd.DataFrame({"x0": pd.array([3, None], dtype="Int64"), "x1": [True, False]}),
            pl.DataFrame({"x0": [3, None], "x1": [DAY, DAY]}),
            pa.table({"x0": [3, None], "x1": [0.25, None]}),
        ],
        ids=lambda X: type(X).__name__,
    )
    def test_numbers_and_dates_declared_categorical(self, X):
        space, codes = assert_round_trip(X, categorical=["x0", "x1"])

        assert {feature.kind for feature in space.features} == {"categorical"}
        assert set(codes[~np.isnan(codes)]) <= {0.0, 1.0}

    def test_a_mixed_object_column_declared_categorical(self):
        X = np.array([[1, "a"], ["b", None]], dtype=object)

        space, _ = assert_round_trip(X, categorical=[0])

        assert space.features[0].categories == (1, "b")

    @MODEST
    @given(
        st.lists(
            st.tuples(
                st.floats(allow_infinity=False, width=64),
                st.integers(-(2**53), 2**53),
                st.booleans(),
                st.sampled_from(["", "a", "ß", "<b>", "nan", "None"]) | st.none(),
                st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)).map(lambda t: t.replace(fold=0))
                | st.none(),
                st.dates() | st.none(),
                st.booleans() | st.none(),
            ),
            min_size=1,
            max_size=6,
        )
    )
    def test_any_values_in_any_container(self, rows):
        number, whole, flag, text, time, date, maybe = zip(*rows, strict=True)
        frames = [
            pd.DataFrame(
                {
                    "f": number,
                    "i": whole,
                    "b": flag,
                    "o": pd.Series(text, dtype=object),
                    "s": pd.array(text, dtype="string"),
                    "c": pd.Categorical(text),
                    "t": pd.Series(time, dtype="datetime64[us]"),
                    "d": pd.Series(date, dtype=object),
                    "m": pd.array(maybe, dtype="boolean"),
                }
            ),
            pl.DataFrame(
                {
                    "f": number,
                    "i": whole,
                    "b": flag,
                    "s": pl.Series(text, dtype=pl.String),
                    "c": pl.Series(text, dtype=pl.Categorical),
                    "t": pl.Series(time, dtype=pl.Datetime("us")),
                    "d": pl.Series(date, dtype=pl.Date),
                    "m": pl.Series(maybe, dtype=pl.Boolean),
                }
            ),
            pa.table(
                {
                    "f": pa.array(np.array(number)),
                    "i": pa.array(whole),
                    "b": pa.array(flag),
                    "s": pa.array(text, pa.string()),
                    "c": pa.array(text, pa.string()).dictionary_encode(),
                    "t": pa.array(time, pa.timestamp("us")),
                    "d": pa.array(date, pa.date32()),
                    "m": pa.array(maybe, pa.bool_()),
                }
            ),
            np.array(number)[:, None],
            np.array(whole)[:, None],
            np.array(flag)[:, None],
        ]
        objects = np.empty((len(rows), 5), dtype=object)
        objects[:] = [[whole[i], flag[i], text[i], time[i], date[i]] for i in range(len(rows))]
        for X in [*frames, objects]:
            assert_round_trip(X)

    @MODEST
    @given(st.integers(1, 5), st.integers(1, 4), st.randoms(use_true_random=False))
    def test_any_view_encodes_like_its_copy(self, n, d, random):
        base = np.array([random.uniform(-9, 9) for _ in range(4 * n * d)]).reshape(2 * n, 2 * d)
        views = [
            base[::2, ::2],
            base[::-1],
            base.T,
            np.asfortranarray(base),
            np.broadcast_to(base[:1], (3, 2 * d)),
        ]
        for view in views:
            space = Space.infer(view)
            np.testing.assert_array_equal(space.encode(view), space.encode(view.copy()))

    def test_dates_among_the_categories_survive_json(self):
        X = pl.DataFrame({"x": [DAY, None], "y": [NOON, NOON]})
        space, _ = assert_round_trip(X, categorical=["x", "y"])

        assert space.features[0].categories == (DAY,)
        assert space.features[1].categories == (NOON,)
