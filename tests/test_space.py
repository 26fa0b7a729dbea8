"""`Space`: encoding, decoding, growing, renaming, showing and saving."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
from pellucid.errors import InputError, SaveFormatError
from pellucid.space import Space

FITTED = pd.DataFrame(
    {"a": [1.5, 2.5], "b": ["x", "y"], "c": [1, 2], "d": pd.to_datetime(["2020", "2021"]), "e": [True, False]}
)

TEXT = {
    "str": pd.Series(["b", np.nan], dtype=pd.StringDtype(na_value=np.nan)),
    "string": pd.Series(["b", None], dtype="string[python]"),
    "category": pd.Series(["a", None], dtype=pd.CategoricalDtype(["z", "a"])),
    "object": pd.Series(["b", None], dtype=object),
    "arrow": pd.Series(["a", None], dtype=pd.ArrowDtype(pa.string())),
}


class TestEncode:
    def test_memmap_and_read_only_arrays_like_a_copy(self, tmp_path):
        X = np.arange(6.0).reshape(3, 2)
        np.save(tmp_path / "x.npy", X)
        X.flags.writeable = False
        mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
        space = Space.infer(X)

        np.testing.assert_array_equal(space.encode(X), X)
        np.testing.assert_array_equal(space.encode(mapped), X)

    @pytest.mark.parametrize("X", [np.eye(2), np.eye(2, dtype=int), pd.DataFrame(np.eye(2))], ids=["f", "i", "frame"])
    def test_codes_are_fresh_and_the_users_data_is_untouched(self, X):
        before = X.copy()
        codes = Space.infer(X).encode(X)

        codes[:] = 7

        np.testing.assert_array_equal(np.asarray(X), np.asarray(before))
        assert str(X) == str(before)

    def test_lists_are_numbers_and_none_is_missing(self):
        space = Space.infer([[1.5, 2.0], [3.5, None]])

        assert [feature.kind for feature in space.features] == ["numeric", "numeric"]
        np.testing.assert_array_equal(space.encode([[1, None]]), [[1, np.nan]])

    def test_zero_rows(self):
        for X in (np.eye(2), pd.DataFrame({"a": ["x"], "b": [1]}), pl.DataFrame({"a": ["x"], "b": [1]})):
            assert Space.infer(X).encode(X[:0]).shape == (0, 2)
            assert Space.infer(X[:0]).d == 2

    def test_rows_of_another_container(self):
        frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"], "c": [1, 2], "d": pd.to_datetime(["2020", "2021"])})
        space = Space.infer(frame)
        codes = space.encode(frame)

        for X in (frame.to_numpy(), pl.from_pandas(frame), pa.Table.from_pandas(frame, preserve_index=False)):
            np.testing.assert_array_equal(space.encode(X), codes)
        np.testing.assert_array_equal(
            Space.infer(np.eye(2)).encode(pd.DataFrame(np.eye(2), columns=["p", "q"])), np.eye(2)
        )
        np.testing.assert_array_equal(Space.infer(pd.DataFrame(np.eye(2))).encode(np.eye(2)), np.eye(2))

    def test_booleans_and_integers_fit_numeric_features_and_zero_one_fits_boolean(self):
        assert Space.infer([[0.5]]).encode(np.array([[True], [False]])).tolist() == [[1], [0]]
        assert Space.infer([[0.5]]).encode(np.array([[3]])).tolist() == [[3]]
        assert Space.infer(np.array([[True]])).encode([[0], [1]]).tolist() == [[0], [1]]

    def test_category_codes_follow_the_labels_and_not_the_order_of_the_other_frame(self):
        space = Space.infer(pd.DataFrame({"x": pd.Categorical(["a", "b"], ["b", "a"])}))
        other = pd.DataFrame({"x": pd.Categorical(["a", "b"], ["a", "b"])})

        assert space.features[0].categories == ("b", "a")
        assert space.encode(other).tolist() == [[1], [0]]


class TestDecode:
    def test_plain_floats_are_given_back_without_a_copy(self):
        codes = np.arange(6.0).reshape(3, 2)

        assert Space.infer(codes).decode(codes) is codes
        assert np.shares_memory(Space.infer(pd.DataFrame(codes)).decode(codes).to_numpy(), codes)

    def test_composites_become_valid_values(self):
        X = pd.DataFrame({"i": np.array([0, 200], dtype=np.uint8), "b": [True, False], "c": ["p", "q"]})
        out = Space.infer(X).decode([[1.6, 0.51, 0.7], [999.0, 0.5, 0.2], [-3.0, 0.4, 0.0]])

        assert out["i"].tolist() == [2, 255, 0]
        assert out["b"].tolist() == [True, False, False]
        assert out["c"].tolist() == ["q", "p", "p"]
        assert out.dtypes.tolist() == X.dtypes.tolist()

    def test_integer_arrays_round_and_keep_their_dtype(self):
        out = Space.infer(np.array([[1, 2]], dtype=np.int16)).decode([[1.5, 40000.0]])

        assert out.dtype == np.int16
        assert out.tolist() == [[2, 32767]]

    def test_a_missing_code_in_a_dtype_without_missing_values(self):
        space = Space.infer(pd.DataFrame({"i": [1, 2], "b": [True, False]}))
        out = space.decode([[np.nan, np.nan], [1, 1]])

        assert out["i"].dtype == np.float64
        assert np.isnan(out["i"][0])
        assert out["b"].tolist() == [None, True]
        assert np.isnan(Space.infer(np.array([[1, 2]])).decode([[np.nan, 1]])[0, 0])

    def test_nulls_of_float_frames(self):
        space = Space.infer(pl.DataFrame({"a": [1.0, None], "b": [1.0, 2.0]}))

        assert space.decode([[np.nan, 2.0]]).rows() == [(None, 2.0)]

    def test_text_arrays_widen_for_extended_categories(self):
        space = Space.infer(np.array([["ab", "c"]])).extend(np.array([["longer", "c"]]))

        assert space.decode([[1, 0]]).tolist() == [["longer", "c"]]

    @pytest.mark.parametrize(
        ("codes", "sentence"),
        [
            ([[1.0]], r"codes must have shape \(n, 2\), got \(1, 1\); use the output of encode\(\)"),
            ([1.0, 2.0], r"codes must have shape \(n, 2\), got \(2,\)"),
            ([[0, 0], [2, 0]], r"codes must be 0\.\.1 for 'x0', got 2 in row 1"),
            ([[-1, 0]], r"codes must be 0\.\.1 for 'x0', got -1 in row 0"),
        ],
    )
    def test_impossible_codes(self, codes, sentence):
        space = Space.infer(np.array([["a", "p"], ["b", "q"]]))

        with pytest.raises(InputError, match=sentence):
            space.decode(codes)


class TestExtend:
    @pytest.mark.parametrize("name", TEXT)
    def test_unseen_text_is_appended_and_old_codes_stay(self, name):
        X = pd.DataFrame({"x": TEXT[name]})
        space = Space.infer(X)
        unseen = X.assign(x=pd.Categorical(["aa", "new"])).astype("object")

        wider = space.extend(unseen)

        old = space.features[0].categories
        assert wider.features[0].categories == (*old, *(label for label in ("aa", "new") if label not in old))
        assert wider.features[0].high == len(old) + 1
        np.testing.assert_array_equal(wider.encode(X), space.encode(X))
        assert wider.decode(wider.encode(unseen))["x"].tolist() == ["aa", "new"]

    def test_enum_and_dictionary_grow(self):
        listed = pl.Series(["a"], dtype=pl.Enum(["b", "a", "unused"]))
        enum = Space.infer(pl.DataFrame({"x": listed})).extend(pl.DataFrame({"x": ["new"]}))
        coded = pa.array(["b", None]).dictionary_encode()
        dictionary = Space.infer(pa.table({"x": coded})).extend(pa.table({"x": ["new"]}))

        assert enum.decode([[3]])["x"].dtype == pl.Enum(["b", "a", "unused", "new"])
        assert dictionary.decode([[1]])["x"].to_pylist() == ["new"]

    def test_numbers_declared_categorical_grow_in_their_own_type(self):
        floats = Space.infer([[1.5]], categorical=[0]).extend([[2]])
        whole = Space.infer(np.array([[1]]), categorical=[0])

        assert floats.features[0].categories == (1.5, 2.0)
        assert whole.extend(np.array([[7]])).decode([[1]]).tolist() == [[7]]
        with pytest.raises(InputError, match=r"one of \(1\) in column 'x0', got 2.5"):
            whole.extend([[2.5]])

    def test_whole_numbers_become_numeric_with_fractions(self):
        space = Space.infer(np.array([[0, 0]]))
        wider = space.extend([[0.5, 1.0]])

        assert [feature.kind for feature in wider.features] == ["numeric", "integer"]
        assert wider.decode([[0.5, 1.0]]).tolist() == [[0.5, 1.0]]

    def test_missing_values_are_noted(self):
        space = Space.infer([[1.0]])

        assert not space.features[0].missing
        assert space.extend([[np.nan]]).features[0].missing

    def test_what_cannot_join(self):
        space = Space.infer(FITTED[["b"]], ordinal={"b": ["x", "y"]})

        with pytest.raises(InputError, match=r"one of \('x', 'y'\) in column 'b', got 'z' in row 0; add it to the"):
            space.extend(FITTED[["b"]].assign(b="z"))
        with pytest.raises(InputError, match="in column 'b', got 3 in row 0"):
            Space.infer(FITTED[["b"]]).extend(FITTED[["b"]].assign(b=3))


class TestAdoptNames:
    def test_names_and_groups_change_together(self):
        space = Space.infer(np.eye(3), groups={"g": [0, 2]}).adopt_names(["p", "q", "r"])

        assert space.names == ("p", "q", "r")
        assert space.groups == {"g": ("p", "r")}
        assert space.parts == ("g", "q")
        np.testing.assert_array_equal(space.encode(np.eye(3)), np.eye(3))

    def test_frames_take_the_names(self):
        space = Space.infer(pd.DataFrame(np.eye(2))).adopt_names(["p", "q"])

        assert space.decode(np.eye(2)).columns.tolist() == ["p", "q"]

    @pytest.mark.parametrize(
        ("names", "sentence"),
        [
            (["p"], "names must hold 3 names, one per column, got 1"),
            (["p", "q", "p"], "names must have unique feature names, got 'p' twice"),
            (["g", "q", "r"], "groups must not bear the name of a feature, got 'g'"),
        ],
    )
    def test_bad_names(self, names, sentence):
        with pytest.raises(InputError, match=sentence):
            Space.infer(np.eye(3), groups={"g": [0]}).adopt_names(names)


class TestDisplay:
    def test_values_as_a_person_reads_them(self):
        X = pd.DataFrame(
            {
                "f": [17.99, 123456.0, np.nan, 1.23456e-7],
                "i": [1987, 12345, 0, -3],
                "b": [True, False, True, False],
                "c": ["red", "<b>", "ü", "red"],
                "d": pd.to_datetime(["2020-01-01", "2020-01-01 12:30", None, "2020-01-03"], format="mixed"),
                "z": pd.to_datetime(["2020-01-01 12:30"] * 4).tz_localize("Europe/Berlin"),
            }
        )
        shown = Space.infer(X).display(Space.infer(X).encode(X))

        assert shown.dtype.kind == "U"
        assert shown.shape == (4, 6)
        assert shown[:, 0].tolist() == ["17.99", "123500", "missing", "1.235e-07"]
        assert shown[:, 1].tolist() == ["1987", "12345", "0", "-3"]
        assert shown[:, 2].tolist() == ["True", "False", "True", "False"]
        assert shown[:, 3].tolist() == ["red", "<b>", "ü", "red"]
        assert shown[:, 4].tolist() == ["2020-01-01", "2020-01-01 12:30:00", "missing", "2020-01-03"]
        assert shown[0, 5] == "2020-01-01 12:30:00+01:00"

    def test_numbers_stay_short(self):
        shown = Space.infer([[0.5]]).display([[-0.0], [1e7], [9999999.0], [1e-5], [100.0], [0.1 + 0.2]])

        assert shown[:, 0].tolist() == ["0", "1e+07", "10000000", "1e-05", "100", "0.3"]

    def test_zero_one_columns_show_digits_and_long_names_are_cut(self):
        space = Space.infer(pd.DataFrame({"b": [0, 1], "c": ["a" * 10**6, "b"]}), boolean=["b"])
        shown = space.display([[1, 0], [np.nan, 1]])

        assert shown[:, 0].tolist() == ["1", "missing"]
        assert shown.dtype.itemsize // 4 == 60
        assert shown[0, 1] == "a" * 59 + "…"

    def test_no_rows(self):
        assert Space.infer(np.eye(2)).display(np.empty((0, 2))).shape == (0, 2)


class TestAsAnObject:
    def test_it_pickles_hashes_and_compares(self):
        space = Space.infer(FITTED, groups={"g": ["a", "b"]})
        copy = pickle.loads(pickle.dumps(space))

        assert copy == space
        assert hash(copy) == hash(space)
        assert copy != Space.infer(FITTED)
        pd.testing.assert_frame_equal(copy.decode(space.encode(FITTED)), FITTED)

    def test_repr_is_one_short_line(self):
        assert repr(Space.infer(FITTED[["a", "b"]], groups={"g": ["a"]})) == (
            "Space(2 features: 1 numeric, 1 categorical; pandas; groups 'g')"
        )
        assert repr(Space.infer([[0.5]])) == "Space(1 feature: 1 numeric; numpy)"

    @pytest.mark.parametrize(
        "damage",
        [
            lambda saved: saved.pop("features"),
            lambda saved: saved.update(container="modin"),
            lambda saved: saved["features"][0].pop("dtype"),
            lambda saved: saved["features"][0].update(kind="number"),
            lambda saved: saved.update(groups={"g": ["nobody"]}),
            lambda saved: saved.update(groups=3),
            lambda saved: saved["features"][1].update(categories=[{"date": "yesterday"}]),
        ],
    )
    def test_damaged_dicts_are_refused(self, damage):
        saved = Space.infer(FITTED).to_dict()
        damage(saved)

        with pytest.raises(SaveFormatError, match="saved must be a dict written by Space"):
            Space.from_dict(saved)

    def test_no_dataframe_library_is_imported(self):
        code = (
            "import sys, numpy as np; from pellucid.space import Space; s = Space.infer(np.eye(2)); "
            "s.decode(s.encode(np.eye(2))); s.display(np.eye(2)); "
            "heavy = {'pandas', 'polars', 'pyarrow', 'scipy', 'sklearn', 'matplotlib'}; "
            "print(sorted(heavy & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

        assert done.stdout.strip() == "[]"
