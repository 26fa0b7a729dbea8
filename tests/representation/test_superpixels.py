"""Images as a representation: segments, fills, layouts and types, and what is refused."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
from pellucid import InputError
from pellucid.representation import ImageMedium, Representation, Superpixels
from reference.masked_images import compose as slow_compose
from reference.masked_images import gaussian_blur

DTYPES = [bool, np.uint8, np.int8, np.uint16, np.int64, np.uint64, np.float16, np.float32, np.float64, ">f4", ">u2"]
LAYOUTS = {"grey": ((9, 13), None), "last": ((9, 13, 3), 2), "first": ((3, 9, 13), 0), "one channel": ((9, 13, 1), 2)}
FILLS = ["mean", "blur", "noise", 1, "colour", "array"]


def picture(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "b":
        return rng.random(shape) < 0.4
    return (rng.random(shape) * 120).astype(dtype)


def draws(masks):
    return np.zeros(len(masks), dtype=np.int64)


@pytest.mark.parametrize(
    ("layout", "fill"), [(layout, fill) for layout in LAYOUTS for fill in FILLS if (layout, fill) != ("grey", "colour")]
)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_images_are_those_of_the_twin(dtype, layout, fill):
    shape, axis = LAYOUTS[layout]
    image = picture(shape, dtype)
    given = {
        "colour": np.arange(1 if axis is None else shape[axis], dtype=np.uint8) % 2,
        "array": picture(shape, dtype, 1),
    }
    parts = Superpixels(image, n_segments=12, fill=given.get(fill, fill))
    masks = np.random.default_rng(1).integers(0, 2, (20, len(parts.parts)))

    images = parts.compose(masks, draws(masks))

    assert images.dtype == image.dtype
    assert images.shape == (20, *shape)
    expected = slow_compose(image, parts.fill, parts.labels, masks, axis)
    assert images.tobytes() == expected.tobytes()
    assert parts.channel_axis == axis


def test_superpixels_are_a_representation():
    parts = Superpixels(picture((20, 30, 3), np.uint8), n_segments=6)

    assert isinstance(parts, Representation)
    assert parts.parts == tuple(f"segment {i}" for i in range(6))
    assert (parts.n_draws, parts.weights.tolist(), parts.mask_law) == (1, [1.0], "image")
    assert parts.canvas.labels.tolist() == parts.labels.tolist()
    for array in (parts.image, parts.labels, parts.fill):
        assert not array.flags.writeable


def test_says_what_it_is_of():
    assert repr(Superpixels(np.zeros((8, 6, 3), np.uint8), n_segments=4)) == (
        "Superpixels(image 8 x 6 x 3 of uint8, 4 segments)"
    )


def test_the_image_is_a_copy_of_anything_like_an_array():
    pytest.importorskip("PIL")
    from PIL import Image

    given = picture((8, 10, 3), np.uint8)
    parts, of_pillow = Superpixels(given[:, ::-1]), Superpixels(Image.fromarray(given))
    kept = given.copy()
    given[:] = 0

    np.testing.assert_array_equal(parts.image, kept[:, ::-1])
    np.testing.assert_array_equal(of_pillow.image, kept)
    assert Superpixels([[1, 2], [3, 4]], n_segments=4).compose([[0, 1, 1, 1]], [0]).shape == (1, 2, 2)


# -- segments


@pytest.mark.parametrize(
    ("size", "n_segments", "cells"),
    [((256, 256), 50, 49), ((1, 1), 50, 1), ((1, 100), 10, 10), ((30, 10), 3, 3), ((5, 5), 25, 25), ((7, 3), 1, 1)],
)
def test_a_grid_has_nearly_square_cells_and_no_more_than_asked_for(size, n_segments, cells):
    labels = Superpixels(np.zeros(size), n_segments=n_segments).labels

    assert sorted(set(labels.ravel().tolist())) == list(range(cells))
    counts = np.bincount(labels.ravel())
    assert counts.max() <= 2 * counts.min()
    for cell in range(cells):
        rows, columns = np.nonzero(labels == cell)
        assert np.ptp(rows) + 1 <= -(-size[0] // np.sqrt(n_segments) * 2)
        assert (np.ptp(rows) + 1) * (np.ptp(columns) + 1) == counts[cell]


@pytest.mark.parametrize(
    "labels",
    [[[7, 7, -2], [7, 100, -2]], np.array([[1.0, 1.0, -3.0], [1.0, 8e9, -3.0]]), [[5, 5, 3], [5, 9, 3]]],
    ids=["odd", "floating", "small"],
)
def test_labels_are_numbered_in_their_order(labels):
    assert Superpixels(np.zeros((2, 3)), labels).labels.tolist() == [[1, 1, 0], [1, 2, 0]]


def test_a_callable_makes_the_labels_and_gets_the_image():
    image = picture((4, 5, 3), np.float32)
    parts = Superpixels(image, lambda given: given[..., 0] > 60)

    assert parts.labels.tolist() == (image[..., 0] > 60).astype(int).tolist()


def test_one_segment_is_one_part():
    image = picture((4, 5), np.uint8)
    parts = Superpixels(image, np.full((4, 5), 3), fill=9)

    images = parts.compose(np.array([[0], [1]]), np.zeros(2, dtype=np.int64))
    assert parts.parts == ("segment 0",)
    assert (images[0] == 9).all()
    np.testing.assert_array_equal(images[1], image)


@pytest.mark.parametrize(
    ("shape", "axis"), [((40, 50), None), ((40, 50, 3), None), ((3, 40, 50), None), ((5, 40, 50), 0)]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float64, bool])
def test_slic_follows_the_edges(shape, axis, dtype):
    """The left half is dark, the right one light: no segment has pixels of both."""
    pytest.importorskip("skimage")
    image = np.zeros(shape, dtype=dtype)
    np.moveaxis(image, -1, 0)[25:] = 1 if dtype is bool else 200
    if shape[-1] == 3:
        image[:] = 0
        image[:, 25:] = 1 if dtype is bool else 200
    parts = Superpixels(image, "slic", n_segments=12, channel_axis=axis)

    assert 4 <= len(parts.parts) <= 24
    sides = [set((np.nonzero(parts.labels == label)[1] >= 25).tolist()) for label in range(len(parts.parts))]
    assert all(len(side) == 1 for side in sides)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2)])
def test_slic_of_tiny_images_is_some_label_map(size):
    pytest.importorskip("skimage")
    assert Superpixels(np.ones(size), "slic", n_segments=50).labels.shape == size


def test_without_scikit_image_slic_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(InputError, match=r'pip install "pellucid\[images\]"'):
        Superpixels(np.zeros((4, 4)), "slic")


# -- fills


def test_the_mean_colour_is_that_of_each_segment_and_channel():
    image = np.array([[[0, 10], [1, 11]], [[255, 9], [254, 9]]], dtype=np.uint8)
    parts = Superpixels(image, [[0, 0], [1, 1]], channel_axis=2)

    # 0.5 and 254.5 go to the even neighbour.
    assert parts.fill.tolist() == [[[0, 10], [0, 10]], [[254, 9], [254, 9]]]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_segment_of_one_colour_has_exactly_that_mean(dtype):
    value = True if dtype is bool else np.dtype(dtype).type(0.1 if np.dtype(dtype).kind == "f" else 101)
    parts = Superpixels(np.full((7, 11), value, dtype=dtype), n_segments=5)

    np.testing.assert_array_equal(parts.fill, parts.image)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.int8, np.uint8])
@pytest.mark.parametrize("fill", ["mean", "blur", "noise"])
def test_fills_of_the_largest_whole_numbers_stay_in_their_range(dtype, fill):
    """One step of float64 near 2^63 is 1024."""
    limits = np.iinfo(dtype)
    image = np.full((4, 4), limits.max, dtype=dtype)
    assert abs(int(Superpixels(image, n_segments=2, fill=fill).fill[0, 0]) - int(limits.max)) <= 2048
    image[::2] = limits.min
    made = Superpixels(image, n_segments=2, fill=fill).fill.astype(object)
    assert made.min() >= limits.min
    assert made.max() <= limits.max


@pytest.mark.parametrize("size", [(6, 5), (1, 4), (30, 23)])
@pytest.mark.parametrize("sigma", [0.3, 2.0, 9.0])
def test_blur_against_its_twin(size, sigma):
    image = picture((*size, 3), np.float64)
    fill = Superpixels(image, fill="blur", blur_sigma=sigma).fill

    reach = int(np.ceil(4 * sigma))
    for channel in range(3):
        expected = gaussian_blur(image[..., channel], sigma, reach)
        np.testing.assert_allclose(fill[..., channel], expected, atol=1e-12 * 120)


def test_a_blur_keeps_one_colour_and_has_a_tenth_of_the_longer_side_for_its_width():
    flat = np.full((20, 30), 77, dtype=np.uint8)
    assert (Superpixels(flat, fill="blur").fill == 77).all()
    image = picture((20, 30), np.float64)
    by_default, given = (Superpixels(image, fill="blur", blur_sigma=s).fill for s in (None, 3.0))
    np.testing.assert_array_equal(by_default, given)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, bool, np.int64])
def test_noise_is_seeded_and_in_the_range_of_each_channel(dtype):
    image = picture((30, 40, 3), dtype)
    image[..., 0] = image[..., 0] // 4 if dtype is not bool else False
    fill = Superpixels(image, fill="noise", seed=3).fill

    np.testing.assert_array_equal(fill, Superpixels(image, fill="noise", seed=3).fill)
    assert not np.array_equal(fill, Superpixels(image, fill="noise", seed=4).fill)
    for channel in range(3):
        assert fill[..., channel].min() >= image[..., channel].min()
        assert fill[..., channel].max() <= image[..., channel].max()
    if dtype == np.uint8:
        # Every value of the range appears among 1200 draws: each with 1 - (1 - 1/30)^1200.
        assert set(fill[..., 0].ravel()) == set(range(int(image[..., 0].min()), int(image[..., 0].max()) + 1))


# -- buffers, media, copies


def test_out_is_written_in_place_and_may_be_longer():
    parts = Superpixels(picture((6, 7, 3), np.uint8), n_segments=4)
    masks = np.array([[1, 0, 1, 0], [0, 0, 0, 0]])
    out = np.full((3, 6, 7, 3), 99, dtype=np.uint8)

    images = parts.compose(masks, draws(masks), out)

    assert np.shares_memory(images, out)
    np.testing.assert_array_equal(images, parts.compose(masks, draws(masks)))
    assert (out[2] == 99).all()


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((1, 6, 7), dtype=np.uint8),
        np.zeros((2, 6, 7)),
        np.zeros((2, 7, 6), dtype=np.uint8),
        np.zeros((2, 7, 6), dtype=np.uint8).transpose(0, 2, 1),
        np.broadcast_to(np.uint8(0), (2, 6, 7)),
        [[0]],
    ],
    ids=["short", "type", "shape", "layout", "read-only", "list"],
)
def test_an_out_that_does_not_fit_is_refused(out):
    parts = Superpixels(picture((6, 7), np.uint8), n_segments=1)
    with pytest.raises(InputError, match=r"out must be a C-contiguous uint8 array of at least shape \(2, 6, 7\)"):
        parts.compose(np.zeros((2, 1), dtype=bool), np.zeros(2, dtype=np.int64), out)


def test_a_buffer_of_the_medium_is_reused_but_never_while_somebody_keeps_it():
    parts = Superpixels(picture((6, 7, 3), np.float32), n_segments=4)
    ones, zeros = np.ones((5, 4), dtype=np.uint8), np.zeros((5, 4), dtype=np.uint8)
    none = np.zeros(5, dtype=np.int64)
    images = parts.compose(ones, none, parts.medium.buffer(5))
    kept, address = images[1:2, :, :, 0], images.ctypes.data
    del images

    parts.compose(zeros, none, parts.medium.buffer(5))

    np.testing.assert_array_equal(kept[0], parts.image[..., 0])
    del kept
    assert address in {parts.medium.buffer(5).ctypes.data, parts.medium.buffer(5).ctypes.data}


def test_media_are_equal_where_shape_and_type_are():
    one, other = Superpixels(picture((4, 5), np.uint8)).medium, Superpixels(picture((4, 5), np.uint8, 1)).medium

    assert one == other
    assert hash(one) == hash(other)
    assert one != ImageMedium((5, 4), np.uint8)
    assert one != ImageMedium((4, 5), np.int8)
    assert one != "a medium"
    assert one.row_bytes == 20


def test_keys_are_those_of_the_pixels_and_their_type():
    parts = Superpixels(picture((4, 5), np.uint8), n_segments=4)
    masks = np.array([[1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 0, 1]])
    block = parts.compose(masks, draws(masks))
    keys = parts.medium.keys(block)

    assert keys[0] == keys[2] != keys[1]
    assert [len(key) for key in keys] == [16, 16, 16]
    assert ImageMedium((4, 5), np.int8).keys(block.view(np.int8))[0] != keys[0]
    assert parts.medium.given(block) is block
    assert parts.medium.shown(block, 1).startswith("image of 4 x 5 uint8, values from ")


def test_a_copy_by_pickle_gives_the_same_images():
    parts = Superpixels(picture((6, 7, 3), np.uint8), n_segments=4, fill="noise")
    masks = np.array([[1, 0, 1, 0]])
    before = parts.compose(masks, draws(masks))

    copy = pickle.loads(pickle.dumps(parts))

    np.testing.assert_array_equal(copy.compose(masks, draws(masks)), before)
    assert not copy.image.flags.writeable
    assert copy.medium == parts.medium


# -- refusals

GOOD = np.zeros((4, 6))
NAN = np.array([[[0.0, 1.0, 2.0]], [[0.0, np.nan, 2.0]]])


@pytest.mark.parametrize(
    ("image", "changes", "message"),
    [
        (NAN, {}, r"image must be finite, got nan at \(1, 0, 1\)"),
        (np.array([[np.inf]]), {}, "image must be finite, got inf"),
        (np.zeros(4), {}, r"image must have shape \(H, W\)"),
        (np.zeros((0, 4)), {}, "at least one pixel"),
        (np.zeros((2, 3, 4, 5)), {}, r"image must have shape \(H, W\)"),
        (np.zeros((4, 6), dtype=complex), {}, "real numbers"),
        (np.array([["a"]]), {}, "real numbers"),
        ([[1, 2], [3]], {}, "image must be an array of numbers"),
        (None, {}, "image must hold real numbers"),
        (np.zeros((5, 6, 7)), {}, "give channel_axis=0 or -1"),
        (np.zeros((5, 6, 7)), {"channel_axis": 1}, "channel_axis must be 0 or -1"),
        (GOOD, {"channel_axis": 0}, "None for an image of two axes"),
        (GOOD, {"segments": "quickshift"}, 'segments must be "grid", "slic"'),
        (GOOD, {"segments": 12}, "the number of cells is n_segments"),
        (
            GOOD,
            {"segments": np.zeros((6, 4), dtype=int)},
            r"label map of shape \(4, 6\), one label per pixel, got \(6, 4\)",
        ),
        (GOOD, {"segments": np.full((4, 6), np.nan)}, "got nan at row 0, column 0"),
        (GOOD, {"segments": np.full((4, 6), 0.5)}, "got 0.5 at row 0, column 0"),
        (GOOD, {"segments": np.full((4, 6), "a")}, "segments must hold whole numbers"),
        (GOOD, {"segments": [[1], [1, 2]]}, "rows of different lengths"),
        (GOOD, {"segments": lambda image: image[0]}, r"what segments\(image\) returns must be a label map"),
        (GOOD, {"n_segments": 0}, "n_segments must be a whole number of at least 1"),
        (GOOD, {"n_segments": 2.5}, "n_segments must be a whole number of at least 1"),
        (GOOD, {"fill": "median"}, 'fill must be "mean", "blur"'),
        (GOOD, {"fill": None}, "fill must be numbers"),
        (GOOD, {"fill": [1, 2, 3]}, r"fill must be a number, or an array of the shape \(4, 6\)"),
        (np.zeros((4, 6, 3)), {"fill": [1, 2]}, "a colour of 3 numbers"),
        (GOOD, {"fill": np.nan}, "fill must hold values of the float64 of the image, got nan"),
        (GOOD.astype(np.float32), {"fill": 1e300}, "got 1e\\+300"),
        (GOOD.astype(np.uint8), {"fill": 0.5}, "fill must hold values of the uint8 of the image, got 0.5"),
        (GOOD.astype(np.uint8), {"fill": -1}, "got -1; scale it"),
        (GOOD.astype(np.uint8), {"fill": 256}, "got 256"),
        (GOOD.astype(bool), {"fill": 2}, "got 2"),
        (GOOD, {"fill": "blur", "blur_sigma": 0}, "blur_sigma must be a number of pixels above 0"),
        (GOOD, {"fill": "blur", "blur_sigma": np.inf}, "blur_sigma must be"),
        (GOOD, {"seed": -1}, "seed must be"),
    ],
)
def test_what_is_no_image_in_segments_is_refused(image, changes, message):
    with pytest.raises(InputError, match=message):
        Superpixels(image, changes.pop("segments", "grid"), **changes)


@pytest.mark.parametrize(("shape", "axis"), [((4, 6, 4), 2), ((1, 9, 3), 2), ((3, 9, 8), 0), ((3, 4, 5), 0)])
def test_channels_are_guessed_at_the_end_first(shape, axis):
    assert Superpixels(np.zeros(shape)).channel_axis == axis


def test_draws_other_than_the_one_are_refused():
    with pytest.raises(InputError, match="draws must be from 0 to 0"):
        Superpixels(GOOD, n_segments=1).compose(np.ones((1, 1), dtype=bool), np.array([1]))
