"""The text or the image of an attribution: whose it can be, that files keep it, and what false files get."""

from __future__ import annotations

import json
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from pellucid import Superpixels, Words, lime
from pellucid.errors import InputError, SaveFormatError
from pellucid.results import Attribution, LocalExplanation, Segments, TextSpans
from pellucid.results.canvas import ARRAYS

TEXT = TextSpans("not 🙂\ud800 bad\0", (((0, 3),), ((7, 10), (4, 5))))
LABELS = np.array([[0, 0, 1], [1, 1, 1]])
IMAGE = Segments(np.arange(18, dtype=np.uint8).reshape(2, 3, 3), LABELS, 2)


def drawn_on(canvas, n=1):
    return replace(Attribution.from_array(np.ones((n, 2, 1)), base_values=0.0), canvas=canvas)


@pytest.mark.parametrize("canvas", [TEXT, IMAGE])
def test_a_canvas_is_that_of_one_input_with_as_many_parts(canvas):
    with pytest.raises(InputError, match=r"canvas must be None unless one input is explained, got .* of 2 rows"):
        drawn_on(canvas, n=2)
    with pytest.raises(InputError, match="places for the 3 parts of values, got those of 2"):
        replace(Attribution.from_array(np.ones((1, 3))), canvas=canvas)
    with pytest.raises(InputError, match="TextSpans, a Segments or None, got 'text'"):
        drawn_on("text")


def test_rows_keep_the_canvas_where_one_is_taken():
    explained = drawn_on(TEXT)

    assert explained[0].canvas == explained[:].canvas == TEXT
    assert explained[[]].canvas is None
    assert explained[[0, 0]].canvas is None
    assert [one.canvas for one in explained] == [TEXT]


DTYPES = ["?", "u1", "i1", "<u2", ">u2", "i4", "u8", "i8", "f2", "f4", ">f4", "f8", "g"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [None, 0, 2])
def test_an_image_is_loaded_bit_by_bit(dtype, axis, tmp_path):
    shape = {None: (2, 3), 0: (5, 2, 3), 2: (2, 3, 1)}[axis]
    image = np.random.default_rng(0).integers(0, 2**63 if dtype in ("u8", "i8") else 2**15, shape).astype(dtype)
    if np.dtype(dtype).kind == "f":
        image.flat[0] = np.nan
    explained = drawn_on(Segments(image, LABELS, axis))
    explained.save(tmp_path / "a.npz")
    canvas = Attribution.load(tmp_path / "a.npz").canvas

    assert canvas == explained.canvas
    assert canvas.image.dtype == np.dtype(dtype).newbyteorder("=")
    assert not canvas.image.flags.writeable
    assert pickle.loads(pickle.dumps(explained)) == explained


def test_a_text_is_loaded_with_every_character(tmp_path):
    drawn_on(TEXT).save(tmp_path / "a.npz")

    assert Attribution.load(tmp_path / "a.npz") == drawn_on(TEXT)


def test_local_explanations_keep_theirs(tmp_path):
    model = lambda texts: np.array([float("bad" in text) for text in texts])  # noqa: E731
    of_text = lime(model, Words("not so bad"), max_features=1)
    of_image = lime(lambda images: images[:, 0, 0, 0] / 255.0, Superpixels(IMAGE.image, segments=LABELS))

    for explained in (of_text, of_image):
        explained.save(tmp_path / "a.npz")
        loaded = LocalExplanation.load(tmp_path / "a.npz")
        assert loaded == explained
        assert loaded.canvas is not None


def test_files_from_before_are_files_without(tmp_path):
    drawn_on(None).save(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert not {f"{name}.npy" for name in ARRAYS} & set(archive.namelist())

    assert Attribution.load(tmp_path / "a.npz").canvas is None


def rewritten(path, canvas, change):
    """A file of arrays that `change` turns into others, otherwise as `save` writes it."""
    from pellucid.results import archive, saving
    from pellucid.results.canvas import canvas_arrays

    explained = drawn_on(None)
    arrays = {name: getattr(explained, name) for name in saving.ATTRIBUTION.arrays if name not in ARRAYS}
    given = canvas_arrays(canvas)
    change(given)
    fields = {"parts": ["a", "b"], "outputs": ["x"], "selected_names": [], "report": explained.report.to_dict()}
    archive.write(path, saving.ATTRIBUTION, arrays=arrays | given, fields=fields)


def put(name, array):
    return lambda arrays: arrays.update({name: None if array is None else np.asarray(array)})


FALSE = {
    "a text without spans": (TEXT, put("canvas_spans", None), "arrays of a text or those of an image"),
    "a text and an image": (TEXT, put("canvas_shape", [2, 3]), "arrays of a text or those of an image"),
    "words in place of characters": (TEXT, put("canvas_text", ["not", "bad"]), "single characters"),
    "characters in two axes": (TEXT, put("canvas_text", [["a"]]), "single characters"),
    "spans of two numbers": (TEXT, put("canvas_spans", [[0, 1]]), "single characters"),
    "no spans": (TEXT, put("canvas_spans", np.zeros((0, 3), dtype=np.int64)), "name its parts"),
    "a part far away": (TEXT, put("canvas_spans", [[0, 0, 1], [2**40, 1, 2]]), "name its parts"),
    "a part below 0": (TEXT, put("canvas_spans", [[-1, 0, 1], [0, 1, 2]]), "name its parts"),
    "parts out of order": (TEXT, put("canvas_spans", [[1, 0, 1], [0, 1, 2]]), "name its parts"),
    "a part without a place": (TEXT, put("canvas_spans", [[0, 0, 1], [2, 1, 2], [2, 2, 3]]), "at least one span"),
    "a span beyond the text": (TEXT, put("canvas_spans", [[0, 0, 1], [1, 1, 99]]), "0 <= start < end <="),
    "spans that overlap": (TEXT, put("canvas_spans", [[0, 0, 2], [1, 1, 3]]), "must not overlap"),
    "another number of parts": (TEXT, put("canvas_spans", [[0, 0, 1]]), "places for the 2 parts"),
    "objects": (IMAGE, put("canvas_dtype", ["|O"]), "those of an image, got '|O'"),
    "dates": (IMAGE, put("canvas_dtype", ["<M8"]), "those of an image"),
    "complex numbers": (IMAGE, put("canvas_dtype", ["<c8"]), "those of an image"),
    "records": (IMAGE, put("canvas_dtype", ["|u1,|u1"]), "those of an image"),
    "two dtypes": (IMAGE, put("canvas_dtype", ["|u1", "|u1"]), "shapes that no image has"),
    "a huge image": (IMAGE, put("canvas_shape", [2**40, 2**40, 3]), "must hold the .* bytes of the image"),
    "a negative size": (IMAGE, put("canvas_shape", [-2, -3, 3]), "those of an image"),
    "five axes": (IMAGE, put("canvas_shape", [1, 2, 3, 3, 1]), "shapes that no image has"),
    "one axis": (IMAGE, put("canvas_shape", [18]), "shapes that no image has"),
    "too few pixels": (IMAGE, put("canvas_pixels", [0, 0]), "must hold the 18 bytes"),
    "too many pixels": (IMAGE, put("canvas_pixels", [0] * 4), "must hold the 18 bytes"),
    "pixels after the end": (IMAGE, put("canvas_pixels", [0, 0, -1]), "must hold the 18 bytes"),
    "a bool of 7": (
        IMAGE,
        lambda arrays: arrays.update(
            canvas_dtype=np.array(["|b1"]), canvas_pixels=np.array([7, 0, 0]), canvas_channel_axis=np.array([2])
        ),
        "must be 0 and 1",
    ),
    "channels in the middle": (IMAGE, put("canvas_channel_axis", [1]), "channel_axis must be 0 or -1"),
    "labels of another image": (IMAGE, put("canvas_labels", LABELS[:1]), "labels must be whole numbers of shape"),
    "labels with a gap": (IMAGE, put("canvas_labels", 2 * LABELS), "labels must be 0, ..., p - 1"),
    "labels beyond int32": (IMAGE, put("canvas_labels", LABELS + 2**32 * LABELS), "labels must be 0, ..., p - 1"),
}


@pytest.mark.parametrize("case", FALSE)
def test_a_false_canvas_is_refused(case, tmp_path):
    canvas, change, message = FALSE[case]
    rewritten(tmp_path / "a.npz", canvas, change)

    with pytest.raises(SaveFormatError, match=message.replace("|", r"\|")):
        Attribution.load(tmp_path / "a.npz")


@pytest.mark.parametrize("canvas", [TEXT, IMAGE])
def test_a_canvas_that_is_not_changed_is_accepted(canvas, tmp_path):
    rewritten(tmp_path / "a.npz", canvas, lambda arrays: None)

    assert Attribution.load(tmp_path / "a.npz").canvas == canvas


def test_headers_that_claim_another_kind_of_array_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    drawn_on(IMAGE).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["header.json"])
    header["arrays"]["canvas_pixels"]["dtype"] = "|O"
    members["header.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)

    with pytest.raises(SaveFormatError, match="canvas_pixels has dtype"):
        Attribution.load(path)
