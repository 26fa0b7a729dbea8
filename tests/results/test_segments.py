"""What is drawn on: an image and its segments, which segments count, colours, outlines and the pictures of a page."""

from __future__ import annotations

import base64
import pickle
import re
import struct
import xml.etree.ElementTree as ET
import zlib
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from pellucid import InputError
from pellucid.results import pixels
from pellucid.results.attribution import Attribution
from pellucid.results.html_image import image_html, png
from pellucid.results.segments import Segments, canvas_of, chosen_segments, superpixel_mask
from pellucid.results.text_spans import TextSpans

LABELS = np.array([[0, 0, 1, 1], [2, 2, 3, 3]])
IMAGE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10


def explained(values, canvas):
    return replace(Attribution.from_array(values, outputs=["cat", "dog"]), canvas=canvas)


def two_outputs():
    values = np.array([[[0.5, -1.0], [-2.0, 0.0], [0.0, 3.0], [1.0, 0.25]]])
    return explained(values, Segments(IMAGE, LABELS, -1))


def test_segments_keep_read_only_copies():
    image = IMAGE.copy()
    canvas = Segments(image, LABELS, -1)
    image[:] = 0

    assert canvas.channel_axis == 2
    np.testing.assert_array_equal(canvas.image, IMAGE)
    for made in (canvas, pickle.loads(pickle.dumps(canvas))):
        assert made == canvas
        assert not made.image.flags.writeable
        assert not made.labels.flags.writeable
    with pytest.raises(FrozenInstanceError):
        canvas.channel_axis = 0
    assert canvas != Segments(IMAGE + 1, LABELS, -1)
    assert canvas != Segments(IMAGE.astype(float), LABELS, -1)
    assert canvas != "an image"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((IMAGE, LABELS), "of three with a channel_axis"),
        ((IMAGE[..., 0], LABELS, 0), "image must be numbers of two axes"),
        ((IMAGE, LABELS, 1), "channel_axis must be 0 or -1"),
        ((IMAGE, LABELS[:1], 2), r"labels must be whole numbers of shape \(2, 4\)"),
        ((IMAGE, LABELS.astype(float), 2), "got float64"),
        ((IMAGE, LABELS + 1, 2), "labels must be 0, ..., p - 1"),
        ((IMAGE, LABELS * 2, 2), "labels must be 0, ..., p - 1"),
        ((IMAGE.astype(str), LABELS, 2), "image must be numbers"),
    ],
)
def test_segments_that_fit_badly_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Segments(*arguments)


def test_the_mask_is_that_of_the_largest_values():
    attribution = two_outputs()

    def kept(**choice):
        mask = superpixel_mask(attribution, **choice)
        assert all(len(set(mask[label == LABELS])) == 1 for label in range(4))
        return sorted(set(LABELS[mask].tolist()))

    assert kept(top=1) == [3]
    assert kept() == [0, 3]
    assert kept(positive_only=False, top=2) == [1, 3]
    assert kept(positive_only=False) == [0, 1, 3]
    assert kept(min_weight=0.6) == [3]
    assert kept(min_weight=9) == []
    assert kept(output="dog") == [2, 3]
    assert kept(output=1, top=1, positive_only=False) == [2]


def test_equal_values_are_chosen_in_their_order():
    assert chosen_segments([1.0, 2.0, 1.0, 1.0], top=2).tolist() == [1, 0]


@pytest.mark.parametrize("choice", [{"top": 0}, {"top": 1.5}, {"min_weight": -1}, {"min_weight": np.nan}])
def test_choices_that_are_none_are_refused(choice):
    with pytest.raises(InputError, match=next(iter(choice))):
        chosen_segments([1.0], **choice)


def test_an_attribution_without_an_image_is_refused():
    with pytest.raises(InputError, match="that of an image"):
        superpixel_mask(Attribution.from_array([[0.1]]))
    text = replace(Attribution.from_array([[0.1]]), canvas=TextSpans("one", (((0, 3),),)))
    with pytest.raises(InputError, match="with TextSpans"):
        canvas_of(text)


@pytest.mark.parametrize(
    ("image", "axis", "expected"),
    [
        (np.array([[0, 255]], dtype=np.uint8), None, [[0] * 3, [255] * 3]),
        (np.array([[0, 65535]], dtype=np.uint16), None, [[0] * 3, [255] * 3]),
        (np.array([[False, True]]), None, [[0] * 3, [255] * 3]),
        (np.array([[0.0, 0.2]]), None, [[0] * 3, [51] * 3]),
        (np.array([[0.0, 16.0]]), None, [[0] * 3, [255] * 3]),
        (np.array([[-2, 2]]), None, [[0] * 3, [255] * 3]),
        (np.zeros((1, 2)), None, [[0] * 3, [0] * 3]),
        (np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8), 2, [[1, 2, 3], [4, 5, 6]]),
        (np.array([[[1, 4]], [[2, 5]], [[3, 6]]], dtype=np.uint8), 0, [[1, 2, 3], [4, 5, 6]]),
        (np.array([[[9, 9, 9, 0], [1, 2, 3, 255]]], dtype=np.uint8), 2, [[255] * 3, [1, 2, 3]]),
        (np.array([[[10, 30, 20, 0, 40], [1, 1, 1, 1, 1]]], dtype=np.uint8), 2, [[20] * 3, [1] * 3]),
        (np.array([[[7, 9], [8, 9]]], dtype=np.uint8), 2, [[7] * 3, [8] * 3]),
    ],
)
def test_colours_are_those_a_person_would_see(image, axis, expected):
    made = pixels.colours(Segments(image, np.array([[0, 1]]), axis))

    assert made.dtype == np.uint8
    assert made.tolist() == [expected]


def test_the_outline_is_the_border_between_inside_and_outside():
    """Filled again by counting the edges to the left of each pixel: inside where their number is odd."""
    inside = np.random.default_rng(0).random((9, 14)) < 0.5
    again = np.zeros_like(inside)
    length = 0
    for (x0, y0), (x1, y1) in pixels.outline(inside).tolist():
        assert (x0 == x1) != (y0 == y1)
        length += x1 - x0 + y1 - y0
        if x0 == x1:
            again[y0:y1, x0:] ^= True

    np.testing.assert_array_equal(again, inside)
    padded = np.pad(inside, 1)
    assert length == np.sum(padded[1:] != padded[:-1]) + np.sum(padded[:, 1:] != padded[:, :-1])
    assert pixels.outline(np.zeros((2, 2), dtype=bool)).shape == (0, 2, 2)


def test_heat_has_the_sign_and_the_size_of_the_value():
    grey = np.full((2, 4, 3), 128, dtype=np.uint8)
    made = pixels.heat(grey, LABELS, np.array([2.0, -2.0, 0.0, 1.0])).astype(int)

    red, blue, none, half = made[0, 0], made[0, 2], made[1, 0], made[1, 2]
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert len(set(none.tolist())) == 1
    assert np.abs(half - (red + none) / 2).max() <= 1
    np.testing.assert_array_equal(pixels.heat(grey, LABELS, np.zeros(4))[1, 1], none)


def test_a_png_is_read_back():
    image = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    data = png(image)

    kinds, at, packed = [], 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        packed += body if kind == b"IDAT" else b""
        kinds.append(kind)
        at += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    lines = np.frombuffer(zlib.decompress(packed), dtype=np.uint8).reshape(5, 22)
    assert (lines[:, 0] == 2).all()
    np.testing.assert_array_equal(np.cumsum(lines[:, 1:], axis=0, dtype=np.uint8).reshape(image.shape), image)


def test_a_page_shows_the_picture_and_nothing_else():
    hostile = '<script>alert(1)</script> & "cat"'
    text = image_html(Segments(IMAGE, LABELS, 2), np.array([0.5, -2.0, 0.0, 1.0]), name=hostile)

    assert "<script" not in text
    assert "Outlined: the 2 segments that raise it most" in text
    assert "−2" in text
    tree = ET.fromstring(text.replace("&#x27;", "'"))
    assert len(tree.findall(".//path")) == 4
    assert set(re.findall(r'(?:href|src)="([^"]{0,22})', text)) == {"data:image/png;base64,"}
    both = image_html(Segments(IMAGE, LABELS, 2), np.array([0.5, -2.0, 0.0, 1.0]), name="cat", positive_only=False)
    assert len(ET.fromstring(both).findall(".//path")) == 6
    none = image_html(Segments(IMAGE, LABELS, 2), np.zeros(4), name="cat")
    assert "No segment" in none
    assert "All contributions are 0" in none


def test_a_large_image_is_shown_by_some_of_its_pixels():
    canvas = Segments(
        np.random.default_rng(0).random((1000, 700)), np.arange(700)[None] // 350 + np.zeros((1000, 1), int)
    )
    text = image_html(canvas, np.array([1.0, -1.0]), name="large")

    picture = base64.b64decode(re.search(r"base64,([^\"]+)", text)[1])
    assert struct.unpack(">II", picture[16:24]) == (234, 334)
