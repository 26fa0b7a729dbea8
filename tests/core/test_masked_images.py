"""Images whose segments are kept or filled: every byte, whatever the tiles, the layout and the threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pellucid import InputError, _core
from reference.masked_images import compose as slow_compose


def kernel(image, fill, labels, p, channel_axis):
    channels = 1 if channel_axis is None else image.shape[channel_axis]
    planes = channels if channel_axis == 0 else 1
    return _core.MaskedImage(
        image.reshape(-1).view(np.uint8),
        fill.reshape(-1).view(np.uint8),
        labels.reshape(-1).astype(np.int32),
        parts=p,
        planes=planes,
        pixel_bytes=channels // planes * image.itemsize,
    )


def random_bytes(rng, shape, dtype):
    made = rng.integers(0, 256, (*shape, np.dtype(dtype).itemsize), dtype=np.uint8)
    return (made % 2 if dtype is bool else made).view(dtype).reshape(shape)


def case(rng, *, size, channels, channel_axis, p, dtype):
    shape = {None: size, 0: (channels, *size), 2: (*size, channels)}[channel_axis]
    labels = rng.integers(0, p, size)
    labels.flat[: min(p, labels.size)] = np.arange(p)[: labels.size]
    return random_bytes(rng, shape, dtype), random_bytes(rng, shape, dtype), labels


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    layout=st.sampled_from([(None, 1), (2, 1), (2, 3), (2, 5), (0, 1), (0, 3)]),
    p=st.sampled_from([1, 2, 15, 16, 17, 33, 49, 64, 65, 300]),
    dtype=st.sampled_from([bool, np.uint8, np.int16, np.float16, np.float32, np.float64, np.int64]),
    scattered=st.booleans(),
    offset=st.integers(0, 40),
)
def test_every_byte_is_that_of_the_twin(height, width, layout, p, dtype, scattered, offset):
    rng = np.random.default_rng(height * 41 + width + p)
    channel_axis, channels = layout
    image, fill, labels = case(
        rng, size=(height, width), channels=channels, channel_axis=channel_axis, p=p, dtype=dtype
    )
    labels = labels if scattered else np.sort(labels, axis=None).reshape(labels.shape)
    masks = rng.integers(0, 2, (3, p), dtype=np.uint8)
    memory = np.full(offset + 4 * image.nbytes, 7, dtype=np.uint8)
    out = memory[offset:].reshape(4, image.nbytes)

    kernel(image, fill, labels, p, channel_axis).compose(masks, out)

    assert out[:3].tobytes() == slow_compose(image, fill, labels, masks, channel_axis).tobytes()
    assert (memory[:offset] == 7).all()
    assert (out[3] == 7).all()


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(("p", "size"), [(1, (60, 70)), (49, (64, 64)), (300, (61, 67))])
def test_large_outputs_are_the_same_for_any_number_of_threads(threads, p, size):
    """More than 4 MiB: written past the caches, from rows that begin at any address."""
    rng = np.random.default_rng(p)
    image, fill, labels = case(rng, size=size, channels=3, channel_axis=2, p=p, dtype=np.uint8)
    masks = rng.integers(0, 2, (6 * 2**20 // image.nbytes, p), dtype=np.uint8)
    out = np.empty((len(masks), image.nbytes), dtype=np.uint8)
    _core.set_thread_count(threads)

    try:
        kernel(image, fill, labels, p, 2).compose(masks, out)
    finally:
        _core.set_thread_count(0)

    kept = masks[:, labels].astype(bool)[..., None]
    np.testing.assert_array_equal(out.reshape(-1, *image.shape), np.where(kept, image, fill))


def test_a_tile_ends_where_64_labels_or_16_kib_do():
    """65 pixels of their own need two tiles, 64 one; 16 KiB of one label one, and a pixel more two."""
    for pixels, p, tiles in [(64, 64, 1), (65, 65, 2), (16384, 1, 1), (16385, 1, 2), (300, 300, 5)]:
        image = np.zeros((1, pixels), dtype=np.uint8)
        assert kernel(image, image, np.arange(pixels) % p, p, None).tiles == tiles


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.array([0, 2], dtype=np.int32)}, "labels must be from 0 to 1, got 2 at pixel 1"),
        ({"labels": np.array([0, -1], dtype=np.int32)}, "labels must be from 0 to 1, got -1 at pixel 1"),
        ({"fill": np.zeros(3, dtype=np.uint8)}, "image and fill must have 2 bytes, got 2 and 3"),
        ({"labels": np.zeros(0, dtype=np.int32)}, "at least one pixel"),
        ({"planes": -1}, "must not be negative"),
        ({"pixel_bytes": 2**62}, "does not fit in 64 bits|must have"),
    ],
    ids=["label too large", "negative label", "short fill", "no pixel", "negative planes", "overflow"],
)
def test_images_that_fit_together_badly_are_refused(changes, message):
    good = {
        "image": np.zeros(2, dtype=np.uint8),
        "fill": np.zeros(2, dtype=np.uint8),
        "labels": np.array([0, 1], dtype=np.int32),
        "parts": 2,
        "planes": 1,
        "pixel_bytes": 1,
    }
    _core.MaskedImage(**good)
    with pytest.raises(ValueError, match=message):
        _core.MaskedImage(**{**good, **changes})


def test_masks_and_outputs_of_another_shape_are_refused():
    image = np.zeros((2, 2), dtype=np.uint8)
    made = kernel(image, image, np.array([[0, 1], [1, 0]]), 2, None)

    with pytest.raises(InputError, match="masks must have 2 columns, got 3"):
        made.compose(np.zeros((1, 3), dtype=np.uint8), np.zeros((1, 4), dtype=np.uint8))
    for shape in [(1, 4), (2, 5)]:
        with pytest.raises(InputError, match="out must hold 2 rows of 4 bytes"):
            made.compose(np.zeros((2, 2), dtype=np.uint8), np.zeros(shape, dtype=np.uint8))


def test_noise_belongs_to_its_row_and_its_seed():
    noise = _core.fill_noise(5, 40, 7)

    np.testing.assert_array_equal(_core.fill_noise(5, 3, 7), noise[:3])
    assert not np.array_equal(_core.fill_noise(6, 40, 7), noise)
    assert noise.min() > 0
    assert noise.max() < 1
    # The mean of 280 uniform numbers: 4 standard errors of 0.0173.
    assert abs(noise.mean() - 0.5) < 0.07
