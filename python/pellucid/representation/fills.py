"""What the pixels of a segment show that is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_real, shown
from pellucid.errors import InputError

Array = NDArray[np.float64]


def fill_of(
    fill: Any,
    image: NDArray[Any],
    labels: NDArray[np.int32],
    *,
    channel_axis: int | None,
    blur_sigma: float | None,
    seed: int,
) -> NDArray[Any]:
    """The fill as an array like the image; see `Superpixels` for what it may be."""
    last = image[..., None] if channel_axis is None else np.moveaxis(image, channel_axis, -1)
    if isinstance(fill, str):
        if fill == "mean":
            made = segment_means(last, labels)
        elif fill == "blur":
            made = blurred(last, default_sigma(labels.shape) if blur_sigma is None else blur_sigma)
        elif fill == "noise":
            return _like(image, noise(last, seed=seed), channel_axis)
        else:
            raise InputError(
                f'fill must be "mean", "blur", "noise", a number, a colour or an array like the image, got {fill!r}'
            )
        return _like(image, rounded(made, image.dtype), channel_axis)
    return given_fill(fill, image, channel_axis=channel_axis, channels=last.shape[-1])


def _like(image: NDArray[Any], channels_last: NDArray[Any], channel_axis: int | None) -> NDArray[Any]:
    back = channels_last[..., 0] if channel_axis is None else np.moveaxis(channels_last, -1, channel_axis)
    return np.ascontiguousarray(back.reshape(image.shape))


def segment_means(image: NDArray[Any], labels: NDArray[np.int32]) -> Array:
    """(H, W, C): each pixel shows the mean colour of its segment."""
    flat, label = image.reshape(-1, image.shape[-1]), labels.ravel()
    counts, first = np.bincount(label), np.unique(label, return_index=True)[1]
    means = np.empty((len(counts), flat.shape[1]))
    for channel, column in enumerate(flat.T):
        values = column.astype(np.float64)
        # From a pixel of the segment on, so that a segment of one colour keeps exactly that colour.
        origin = values[first]
        means[:, channel] = origin + np.bincount(label, weights=(values - origin[label]) / counts[label])
    return means[label].reshape(image.shape)


def default_sigma(size: tuple[int, ...]) -> float:
    return max(size) / 10


def blurred(image: NDArray[Any], sigma: float) -> Array:
    """(H, W, C): the Gaussian blur with this standard deviation in pixels, mirrored at the edges.

    By fast Fourier transforms, so that a wide blur costs no more than a narrow one. The Gaussian ends at 4 sigma.
    """
    if not is_real(sigma) or not 0 < sigma <= 1e4:
        raise InputError(f"blur_sigma must be a number of pixels above 0 and at most 10000, got {shown(sigma)}")
    reach = int(np.ceil(4 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    result = np.empty(image.shape)
    for channel in range(image.shape[-1]):
        plane = image[..., channel].astype(np.float64)
        for _ in range(2):
            plane = _along_rows(plane, kernel, reach).T
        result[..., channel] = plane
    return result


def _along_rows(plane: Array, kernel: Array, reach: int) -> Array:
    mirrored = np.pad(plane, ((0, 0), (reach, reach)), mode="symmetric")
    length = mirrored.shape[1] + len(kernel) - 1
    spectrum = np.fft.rfft(mirrored, length, axis=1) * np.fft.rfft(kernel, length)
    return np.asarray(np.fft.irfft(spectrum, length, axis=1)[:, 2 * reach : 2 * reach + plane.shape[1]])


def noise(image: NDArray[Any], *, seed: int) -> NDArray[Any]:
    """(H, W, C): independent numbers, each evenly from the range of its channel; whole ones where the image is."""
    from pellucid import _core

    uniform = _core.fill_noise(seed, image.shape[0], image.shape[1] * image.shape[2]).reshape(image.shape)
    low, high = image.min(axis=(0, 1)).astype(np.float64), image.max(axis=(0, 1)).astype(np.float64)
    if image.dtype.kind == "f":
        drawn = low + (high - low) * uniform
    else:
        drawn = np.minimum(np.floor(low + (high - low + 1.0) * uniform), high)
    # Whole numbers beyond 2^53 are none in float64, so that one may have left the range.
    within = np.clip(rounded(drawn, image.dtype), image.min(axis=(0, 1)), image.max(axis=(0, 1)))
    return np.asarray(within, dtype=image.dtype)


def given_fill(fill: Any, image: NDArray[Any], *, channel_axis: int | None, channels: int) -> NDArray[Any]:
    """A number, a colour (C,), or an array like the image, checked and in the type of the image."""
    try:
        given = np.asarray(fill)
        if given.dtype.kind not in "biuf":
            raise TypeError(f"dtype {given.dtype}")
    except (TypeError, ValueError) as error:
        raise InputError(f"fill must be numbers, got {type(fill).__name__} ({error})") from None
    if given.shape == (channels,) and channel_axis is not None:
        colour = np.expand_dims(given, tuple(axis for axis in range(image.ndim) if axis != channel_axis))
    elif given.shape in ((), image.shape):
        colour = given
    else:
        colours = "" if channel_axis is None else f", a colour of {channels} numbers"
        raise InputError(
            f"fill must be a number{colours}, or an array of the shape {image.shape} of the image, got {given.shape}"
        )
    with np.errstate(invalid="ignore", over="ignore"):
        made = colour.astype(image.dtype)
    # A fraction for whole pixels, 300 for 8 bits: it would wrap around without a word.
    same = made == colour if image.dtype.kind != "f" else np.isfinite(made)
    if not same.all():
        worst = np.broadcast_to(colour, same.shape)[~same].flat[0]
        raise InputError(
            f"fill must hold values of the {image.dtype} of the image, got {worst}; scale it like the image"
        )
    return np.ascontiguousarray(np.broadcast_to(made, image.shape))


def rounded(values: Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Numbers in the type of the image: the nearest whole ones, within its range; true from one half on."""
    if dtype.kind == "b":
        return np.asarray(values >= 0.5)
    if dtype.kind == "f":
        largest = float(np.finfo(dtype).max)
        return np.clip(values, -largest, largest).astype(dtype)
    limits = np.iinfo(dtype)
    # The largest float64 that is no larger than the limit: that of 64 bits is itself none.
    highest = np.nextafter(float(limits.max) + 1.0, 0.0)
    return np.clip(np.rint(values), float(limits.min), highest).astype(dtype)
