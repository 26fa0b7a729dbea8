"""Every table that `Space` cannot hold is refused in one sentence that names the place."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
import scipy.sparse
from pellucid.errors import InputError
from pellucid.space import Space

NOON = dt.datetime(2020, 2, 29, 12, 0, 0, 1)
HUGE = np.array([["2300-01-01T00:00:00.000001"]], dtype="M8[us]")
BAD_TABLES = {
    "1-D": (np.zeros(7), r"X must be 2-D \(rows, features\), got shape \(7,\); use x\[None\]"),
    "1-D list": ([1, 2], r"X must be 2-D \(rows, features\), got shape \(2,\); use x\[None\]"),
    "3-D": (np.zeros((2, 3, 4)), r"X must be 2-D \(rows, features\), got shape \(2, 3, 4\)"),
    "scalar": (3, r"X must be 2-D \(rows, features\), got shape \(\)"),
    "pandas Series": (pd.Series([1, 2]), r"X must be 2-D .* got shape \(2,\) of Series; pass a dataframe"),
    "polars Series": (pl.Series([1, 2]), r"X must be 2-D .* got shape \(2,\) of Series; pass a dataframe"),
    "no columns": (np.zeros((3, 0)), r"X must have at least one feature, got shape \(3, 0\)"),
    "empty frame": (pd.DataFrame(), r"X must have at least one feature, got shape \(0, 0\)"),
    "empty polars": (pl.DataFrame(), r"X must have at least one feature"),
    "empty pyarrow": (pa.table({}), r"X must have at least one feature"),
    "LazyFrame": (pl.LazyFrame({"a": [1]}), r"X must be .* got a LazyFrame; call X.collect\(\) first"),
    "None": (None, r"X must be a 2-D array or a pandas, polars or pyarrow dataframe, got NoneType"),
    "str": ("abc", r"X must be a 2-D array .* got str"),
    "dict": ({"a": [1]}, r"X must be a 2-D array .* got dict"),
    "function": (len, r"X must be a 2-D array .* got builtin_function_or_method"),
    "ragged": ([[1, 2], [3]], r"X must be a 2-D array .* got list"),
    "complex": (np.array([[1j]]), r"X must hold numbers, text, booleans or dates, got dtype complex128"),
    "bytes": (np.array([[b"a"]]), r"X must hold .* got dtype \|S1; decode it with X.astype\(str\)"),
    "timedelta": (np.array([[np.timedelta64(1, "s")]]), r"X must hold .* got dtype timedelta64\[s\]"),
    "structured": (np.zeros((1, 1), dtype=[("a", int)]), r"X must hold .* got dtype \[\('a'"),
    "sparse matrix": (
        scipy.sparse.csr_matrix(np.eye(2)),
        r"X must be dense, got scipy.sparse csr_matrix .*densify",
    ),
    "sparse array": (
        scipy.sparse.coo_array(np.eye(2)),
        r"X must be dense, got scipy.sparse coo_array .*densify",
    ),
    "inf": (np.array([[1, 2], [3, np.inf]]), r"X must be finite, got inf in row 1, column 'x1'"),
    "-inf pandas": (pd.DataFrame({"a": [1, -np.inf]}), r"X must be finite, got -inf in row 1, column 'a'"),
    "inf polars": (pl.DataFrame({"a": [1.0, np.inf]}), r"X must be finite, got inf in row 1, column 'a'"),
    "inf pyarrow": (pa.table({"a": [1.0, np.inf]}), r"X must be finite, got inf in row 1, column 'a'"),
    "inf object": (
        np.array([[np.inf], ["a"]], dtype=object)[:1],
        r"X must be finite, got inf in row 0, column 'x0'",
    ),
    "longdouble": (np.array([[np.longdouble("1e4000")]]), r"X must be finite, got inf in row 0"),
    "int64": (
        np.array([[0], [2**53 + 1]]),
        r"integers up to 2\*\*53, got 9007199254740993 in row 1, column 'x0'",
    ),
    "int64 low": (np.array([[-(2**63)]]), r"integers up to 2\*\*53, got -9223372036854775808 in row 0"),
    "uint64": (np.array([[2**63]], dtype=np.uint64), r"integers up to 2\*\*53, got 9223372036854775808"),
    "Int64 NA": (
        pd.DataFrame({"a": pd.array([None, 2**53 + 1], dtype="Int64")}),
        r"got 9007199254740993 in row 1",
    ),
    "int64 polars": (pl.DataFrame({"a": [None, 2**53 + 1]}), r"got 9007199254740993 in row 1, column 'a'"),
    "int64 pyarrow": (pa.table({"a": [None, 2**53 + 1]}), r"got 9007199254740993 in row 1, column 'a'"),
    "huge int": (
        np.array([[10**5000]], dtype=object),
        r"integers up to 2\*\*53, got an int of thousands of digits",
    ),
    "mixed": (
        np.array([[1], ["b"]], dtype=object),
        r"one kind of value per column, got 'b' in row 1, column 'x0'",
    ),
    "mixed frame": (
        pd.DataFrame({"a": [1, "b"]}),
        r"one kind of value per column, got 'b' in row 1, column 'a'",
    ),
    "object dict": (np.array([[1], [{}]], dtype=object), r"got \{\} \(dict\) in row 1, column 'x0'"),
    "object complex": (np.array([[1j]], dtype=object), r"got 1j \(complex\) in row 0"),
    "Decimal": (np.array([[Decimal(1)]], dtype=object), r"got Decimal\('1'\) \(Decimal\) in row 0"),
    "Sparse": (
        pd.DataFrame({"a": pd.arrays.SparseArray([0.0])}),
        r"got dtype Sparse\[float64, nan\] in column 'a'",
    ),
    "Period": (pd.DataFrame({"a": pd.period_range("2020", periods=1, freq="M")}), r"got dtype period\[M\]"),
    "Interval": (
        pd.DataFrame({"a": pd.cut([1, 2], 2)}),
        r"distinct categories .* got Interval.* in column 'a'",
    ),
    "List": (pl.DataFrame({"a": [[1]]}), r"got dtype List in column 'a'; cast or drop the column"),
    "Int128": (pl.DataFrame({"a": pl.Series([1], dtype=pl.Int128)}), r"got dtype Int128 in column 'a'"),
    "decimal arrow": (pa.table({"a": [Decimal(1)]}), r"got dtype decimal128\(1, 0\) in column 'a'"),
    "own categories": (
        pl.DataFrame({"a": pl.Series(["a"], dtype=pl.Categorical(pl.Categories("own")))}),
        r"Categorical must use the global categories",
    ),
    "nanoseconds": (
        np.array([["2020-01-01T00:00:00.000000001"]], dtype="M8[ns]"),
        r"whole microseconds .* in row 0, column 'x0'",
    ),
    "nanoseconds polars": (
        pl.DataFrame({"a": pl.Series([1]).cast(pl.Datetime("ns"))}),
        r"whole microseconds .* in row 0, column 'a'",
    ),
    "far time": (HUGE, r"float64 can represent, got 2300-01-01T00:00:00.000001 in row 0, column 'x0'"),
    "far datetime": (
        HUGE.astype(object),
        r"float64 microseconds can represent, got 2300-01-01 00:00:00.000001",
    ),
    "two zones": (
        np.array([[NOON], [NOON.replace(tzinfo=dt.timezone.utc)]], dtype=object),
        r"one named time zone per column",
    ),
    "duplicate pandas": (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"unique feature names, got 'a' twice"),
    "duplicate pyarrow": (
        pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"]),
        r"unique .* got 'a' twice",
    ),
    "tuple names": (
        pd.DataFrame({("a", "b"): [1]}),
        r"column names that are text or integers, got \('a', 'b'\)",
    ),
    "masked text": (
        np.ma.MaskedArray([["a"]], mask=[[True]]),
        r"X must be a masked array of numbers, got dtype <U1",
    ),
}


class TestBadTables:
    @pytest.mark.parametrize("name", BAD_TABLES)
    def test_infer_says_what_is_wrong(self, name):
        X, sentence = BAD_TABLES[name]

        with pytest.raises(InputError, match=sentence):
            Space.infer(X)

    @pytest.mark.parametrize("name", ["1-D", "inf", "complex", "sparse array", "int64", "None"])
    def test_encode_says_it_with_the_name_of_the_argument(self, name):
        X, sentence = BAD_TABLES[name]
        d = X.shape[1] if getattr(X, "ndim", 1) == 2 else 1

        with pytest.raises(InputError, match=sentence.replace("X", "background")):
            Space.infer(np.full((1, d), 0.5)).encode(X, argument="background")

    def test_a_long_value_is_cut(self):
        with pytest.raises(InputError) as caught:
            Space.infer(pd.DataFrame({"a": [1, "a" * 10**6]}))

        assert len(str(caught.value)) < 300

    def test_every_message_says_what_to_do(self):
        for X, _ in BAD_TABLES.values():
            with pytest.raises(InputError) as caught:
                Space.infer(X)
            assert re.search(r"; \w+", str(caught.value)), str(caught.value)


FITTED = pd.DataFrame(
    {"a": [1.5, 2.5], "b": ["x", "y"], "c": [1, 2], "d": pd.to_datetime(["2020", "2021"]), "e": [True, False]}
)
MISFITS = {
    "order": (FITTED[["b", "a", "c", "d", "e"]], r"got 'b' where column 0 is 'a'; reorder the columns"),
    "name": (
        FITTED.rename(columns={"c": "q"}),
        r"got 'q' where column 2 is 'c'; rename or select the columns",
    ),
    "fewer": (FITTED[["a"]], r"X must have 5 columns \('a', 'b', 'c', 'd', 'e'\), got 1"),
    "more": (np.zeros((2, 6)), r"X must have 5 columns \(.*\), got 6"),
    "unseen text": (
        FITTED.assign(b="z"),
        r"X must be one of \('x', 'y'\) in column 'b', got 'z' in row 0; use extend",
    ),
    "number for text": (FITTED.assign(b=3), r"must be one of \('x', 'y'\) in column 'b', got 3 in row 0"),
    "text for number": (FITTED.assign(a=["u", "v"]), r"must be numeric in column 'a', got 'u' in row 0"),
    "fraction": (FITTED.assign(c=[1, 1.5]), r"must be a whole number in column 'c', got 1.5 in row 1"),
    "number for time": (FITTED.assign(d=3), r"must be datetime in column 'd', got 3 in row 0"),
    "time for number": (
        FITTED.assign(a=FITTED.d),
        r"must be numeric in column 'a', got datetime.datetime\(2020",
    ),
    "time zone": (
        FITTED.assign(d=FITTED.d.dt.tz_localize("UTC")),
        r"must not carry a time zone in column 'd'",
    ),
    "number for boolean": (FITTED.assign(e=[1, 3]), r"must be 0 or 1 in column 'e', got 3 in row 1"),
}


class TestMisfits:
    @pytest.mark.parametrize("name", MISFITS)
    def test_encode_names_the_first_difference(self, name):
        X, sentence = MISFITS[name]

        with pytest.raises(InputError, match=sentence):
            Space.infer(FITTED).encode(X)

    def test_a_zone_is_required_where_the_space_has_one(self):
        X = FITTED[["d"]]
        space = Space.infer(X.assign(d=X.d.dt.tz_localize("UTC")))

        with pytest.raises(InputError, match="must carry a time zone in column 'd'"):
            space.encode(X)

    def test_named_arrays_refuse_frames_of_other_names(self):
        space = Space.infer(np.eye(2), names=["p", "q"])

        assert space.encode(pd.DataFrame(np.eye(2), columns=["p", "q"])).shape == (2, 2)
        with pytest.raises(InputError, match="got 'q' where column 0 is 'p'; reorder"):
            space.encode(pd.DataFrame(np.eye(2), columns=["q", "p"]))

    def test_an_unseen_number_of_a_declared_categorical(self):
        space = Space.infer([[1, 2.5], [3, 2.5]], categorical=[0])

        with pytest.raises(InputError, match=r"one of \(1.0, 3.0\) in column 'x0', got 2 in row 0"):
            space.encode([[2, 2]])
