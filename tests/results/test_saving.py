"""Files: whole or not at all, equal after loading, and SaveFormatError for whatever is damaged."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from pellucid.errors import InputError, SaveFormatError
from pellucid.results import Attribution, Report


def small(std_err=0.1, **more):
    rng = np.random.default_rng(3)
    a = Attribution.from_array(
        rng.normal(size=(3, 2, 2)),
        parts=["age", "sm\ud800ile 🙂 \u202e"],
        outputs=["no", "yes"],
        base_values=[0.1, np.nan],
        std_err=std_err,
        data=[[1.0, np.nan]] * 3,
        display=[["1", "missing 🙂"]] * 3,
        report=Report(method="kernel_shapley", rows_per_row=(4, 5, 6), tolerance=1 / 3, warnings=("careful",)),
    )
    return replace(a, **{"selected": np.array([[0, 1]] * 3), "selected_names": ("no", "yes"), **more})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.npz"


@pytest.fixture
def members(path):
    """The members of a good file, by name."""
    small().save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def with_header(members, change):
    header = json.loads(members["header.json"])
    change(header)
    return {**members, "header.json": json.dumps(header).encode()}


@pytest.mark.parametrize(
    "attribution",
    [
        small(),
        small(std_err=None),
        small(std_err=np.nan),
        small(data=None, display=None, selected=None),
        Attribution.from_array(np.zeros((0, 3, 2))),
        Attribution.from_array([1.0], display=[""]),
    ],
    ids=["all", "exact", "unknown", "bare", "no rows", "blank"],
)
def test_what_is_loaded_is_what_was_saved(attribution, path):
    attribution.save(path)
    loaded = Attribution.load(path)
    assert loaded == attribution
    assert loaded.report.seconds == attribution.report.seconds
    assert not loaded.values.flags.writeable


def test_numpy_reads_the_arrays_without_pickle(path):
    a = small()
    a.save(str(path))
    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["values"], a.values)
        np.testing.assert_array_equal(archive["display"], a.display)


def test_same_content_gives_same_bytes(tmp_path):
    small().save(tmp_path / "a")
    small().save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_every_truncation_is_named(path):
    small().save(path)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 37), *range(len(whole) - 120, len(whole))]:
        path.write_bytes(whole[:length])
        with pytest.raises(SaveFormatError, match=r"a\.npz cannot be loaded"):
            Attribution.load(path)


def test_a_flipped_bit_is_named_or_harmless(path):
    a = small()
    a.save(path)
    whole = path.read_bytes()
    refused = 0
    directory = len(whole) - 900  # the directory at the end is where a flip can fool zipfile: every byte of it
    for position in [*range(0, directory, 17), *range(directory, len(whole))]:
        for bit in {position % 8, 7 - position % 8} if position >= directory else {position % 8}:
            broken = bytearray(whole)
            broken[position] ^= 1 << bit
            path.write_bytes(broken)
            try:
                assert Attribution.load(path) == a
            except SaveFormatError:
                refused += 1
    assert refused > 500


def test_a_header_that_claims_more_than_it_has(path, members):
    def claim(header):
        header["arrays"]["values"]["shape"] = [2**20, 2**20, 2**20]

    write(path, with_header(members, claim))
    with pytest.raises(SaveFormatError, match=r"values claims \d+ bytes and has"):
        Attribution.load(path)


def test_an_npy_header_that_claims_more_than_it_has(path, members):
    members["values.npy"] = members["values.npy"].replace(b"(3, 2, 2)", b"(9, 9, 9)")
    write(path, members)
    with pytest.raises(SaveFormatError, match="array header of values"):
        Attribution.load(path)


def test_pickles_are_never_read(path, members, tmp_path):
    victim = tmp_path / "executed"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(victim),)

    objects = io.BytesIO()
    np.save(objects, np.array([Evil()], dtype=object), allow_pickle=True)
    for content in (pickle.dumps(Evil()), objects.getvalue()):
        write(path, {**members, "values.npy": content})
        with pytest.raises(SaveFormatError):
            Attribution.load(path)
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(SaveFormatError):
        Attribution.load(path)

    def objects_claimed(header):
        header["arrays"]["values"]["dtype"] = "|O"

    write(path, with_header(members, objects_claimed))
    with pytest.raises(SaveFormatError, match="dtype"):
        Attribution.load(path)
    assert not victim.exists()


def test_compressed_members_are_refused_so_bombs_are(path, members):
    bomb = {**members, "values.npy": bytes(50_000_000)}
    write(path, bomb, zipfile.ZIP_DEFLATED)
    with pytest.raises(SaveFormatError, match="compressed"):
        Attribution.load(path)


@pytest.mark.parametrize("name", ["../values.npy", "extra.npy", "/etc/passwd", "values.npy/../x"])
def test_unknown_members_are_refused(path, members, name):
    write(path, {**members, name: b"x"})
    with pytest.raises(SaveFormatError, match="unknown or repeated member"):
        Attribution.load(path)


@pytest.mark.parametrize("name", ["values.npy", "std_err.npy", "header.json"])
def test_missing_members_are_refused(path, members, name):
    del members[name]
    write(path, members)
    with pytest.raises(SaveFormatError, match=r"a\.npz cannot be loaded"):
        Attribution.load(path)


def _set(*keys, value):
    def change(header):
        for key in keys[:-1]:
            header = header[key]
        header[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_set("schema", value=2), "install a newer pellucid"),
        (_set("schema", value="1"), "valid schema version"),
        (_set("schema", value=True), "valid schema version"),
        (_set("format", value="other"), "not that of a file of Attribution"),
        (_set("colour", value=1), "header must hold"),
        (lambda header: header.pop("parts"), "header must hold"),
        (_set("arrays", value=[]), "not the arrays it holds"),
        (lambda header: header["arrays"].pop("values"), "not the arrays it holds"),
        (_set("arrays", "values", value=3), "dtype and shape of values"),
        (_set("arrays", "values", "dtype", value="<f4"), "dtype"),
        (_set("arrays", "values", "shape", value=[-3, -2, 2]), "impossible shape"),
        (_set("arrays", "values", "shape", value=[3.0, 2, 2]), "impossible shape"),
        (_set("arrays", "values", "shape", value=[12]), "array header of values"),
        (_set("parts", value="age"), "must be a list"),
        (_set("parts", value=["age", 1]), "must hold strings"),
        (_set("parts", value=["age"]), "one name for each"),
        (_set("report", value=None), "a report must be a mapping"),
        (_set("report", "method", value=7), "report.method"),
        (_set("report", "surprise", value=7), "unknown field"),
        (_set("report", "seconds", value=10**400), "report.seconds"),
        (_set("report", "seconds", value=float("nan")), "NaN, which is no JSON number"),
        (_set("report", "seconds", value=float("-inf")), "-Infinity, which is no JSON number"),
        (_set("selected_names", value=["no"]), "must point into"),
    ],
)
def test_headers_are_not_trusted(path, members, change, says):
    write(path, with_header(members, change))
    with pytest.raises(SaveFormatError, match=says):
        Attribution.load(path)


@pytest.mark.parametrize("header", [b"{", b"[1]", b"\xff", b"[" * 100_000, b'{"format": 1e999}', b"9" * 5000])
def test_bad_json_is_named(path, members, header):
    write(path, {**members, "header.json": header})
    with pytest.raises(SaveFormatError, match=r"a\.npz cannot be loaded"):
        Attribution.load(path)


def test_numbers_that_are_no_characters(path, members):
    members["display.npy"] = members["display.npy"][:-4] + b"\xff\xff\xff\x7f"
    write(path, members)
    with pytest.raises(SaveFormatError, match="no characters"):
        Attribution.load(path)


def test_values_that_are_not_finite(path, members):
    members["values.npy"] = members["values.npy"][:-8] + np.float64(np.nan).tobytes()
    write(path, members)
    with pytest.raises(SaveFormatError, match="values must be finite"):
        Attribution.load(path)


def test_paths(path, tmp_path):
    with pytest.raises(FileNotFoundError):
        Attribution.load(path)
    with pytest.raises(OSError, match="directory"):
        small().save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    for wrong in (b"a.npz", 3, None, ""):
        with pytest.raises(InputError, match="path must"):
            small().save(wrong)


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    link = tmp_path / "link"
    link.symlink_to(elsewhere)
    small().save(link)
    assert elsewhere.read_bytes() == b"mine"
    assert Attribution.load(link) == small()
