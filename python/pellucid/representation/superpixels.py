"""An image in segments: a segment that is missing shows a fill."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import checked_seed, is_whole, shown
from pellucid.errors import InputError
from pellucid.model.buffers import BufferPool
from pellucid.representation.checks import checked_draws, checked_masks
from pellucid.representation.fills import fill_of
from pellucid.representation.segmentation import label_map
from pellucid.results.segments import Segments

_CHANNELS = (1, 3, 4)


class Superpixels:
    r"""One image in p segments, each as it is or filled.

    .. math:: \mathrm{image}(z)_{uc} = z_{l(u)} \, x_{uc} + (1 - z_{l(u)}) \, \mathrm{fill}_{uc}

    where l(u) is the segment of pixel u and c a channel. Images come out in the type of numbers that came in, bit
    for bit. Where segments and fill are not what you want, write a class of your own: `Representation` asks for four
    members, and its documentation has one for concepts, sets of pixels that have a name.

    Parameters
    ----------
    image : (H, W), (H, W, C) or (C, H, W)
        Any real numbers or bool, finite; or what ``np.asarray`` makes such an array of, as an image of Pillow.
    segments : "grid", "slic", (H, W) label map, or callable
        "grid": cells as near to squares as there are. "slic": superpixels of scikit-image [achanta2012], which needs
        ``pellucid[images]``. A label map has a whole number for each pixel; equal ones are one segment, numbered in
        the order of the labels. A callable makes a label map of the image. One segment is allowed: one part.
    n_segments : int
        Segments of a grid, at most; what SLIC is asked for.
    fill : "mean", "blur", "noise", number, (C,) colour, or array like the image
        What a missing segment shows. "mean": its mean colour. "blur": the image blurred by a Gaussian. "noise":
        random numbers, each evenly from the range of its channel. Whole numbers stay whole, by rounding.
    channel_axis : 0, 2, -1 or None
        Where the channels are. None: an image of two axes has none; of three axes the last one of size 1, 3 or 4, else
        the first one of such a size.
    seed : int
        Of the noise.
    blur_sigma : float, optional
        Standard deviation of the blur in pixels. None: a tenth of the longer side.

    Attributes
    ----------
    image, fill : arrays of the shape and type of the image, read-only.
    labels : (H, W) int32, from 0 to p - 1.
    channel_axis : 0, 2 or None.
    parts : "segment 0", ..., "segment p - 1".
    n_draws, weights : one draw.
    mask_law : "image", the law of masks in LIME: each segment is there with probability 1/2.

    Raises
    ------
    InputError : pixels that are no finite real numbers, labels or a fill that do not fit, or no scikit-image for SLIC.

    Examples
    --------
    >>> image = np.array([[10, 20, 90, 90], [10, 20, 90, 90]], dtype=np.uint8)
    >>> halves = Superpixels(image, n_segments=2)
    >>> halves.labels.tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    >>> halves.compose(np.array([[0, 1]]), np.zeros(1, dtype=np.int64)).tolist()
    [[[15, 15, 90, 90], [15, 15, 90, 90]]]
    """

    mask_law = "image"
    n_draws = 1

    def __init__(
        self,
        image: Any,
        segments: Any = "grid",
        *,
        n_segments: int = 50,
        fill: Any = "mean",
        channel_axis: int | None = None,
        seed: int = 0,
        blur_sigma: float | None = None,
    ) -> None:
        self.image = checked_image(image)
        self.channel_axis = found_channels(self.image.shape, channel_axis)
        self.labels = label_map(segments, self.image, channel_axis=self.channel_axis, n_segments=n_segments)
        self.fill = fill_of(
            fill,
            self.image,
            self.labels,
            channel_axis=self.channel_axis,
            blur_sigma=blur_sigma,
            seed=checked_seed(seed),
        )
        self.parts: tuple[str, ...] = tuple(f"segment {label}" for label in range(int(self.labels.max()) + 1))
        self.weights: NDArray[np.float64] = np.ones(1)
        self.medium = ImageMedium(self.image.shape, self.image.dtype)
        self._core: Any = None
        self._freeze()

    def compose(self, masks: Any, draws: Any, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Images (m, *image.shape) of masks (m, p), in the first m rows of `out` where it is given."""
        masks = checked_masks(masks, p=len(self.parts))
        checked_draws(draws, m=len(masks), n_draws=1)
        images = self._target(out, len(masks))
        self._kernel().compose(masks, images.reshape(len(masks), self.image.size).view(np.uint8))
        return images

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.image.shape))
        return f"Superpixels(image {shape} of {self.image.dtype}, {len(self.parts)} segments)"

    @property
    def canvas(self) -> Segments:
        """The image and its segments, for those who draw."""
        return Segments(self.image, self.labels, self.channel_axis)

    def _target(self, out: NDArray[Any] | None, rows: int) -> NDArray[Any]:
        shape, dtype = self.image.shape, self.image.dtype
        if out is None:
            return np.empty((rows, *shape), dtype=dtype)
        fits = isinstance(out, np.ndarray) and out.dtype == dtype and out.flags.c_contiguous and out.flags.writeable
        if not fits or out.shape[1:] != shape or len(out) < rows:
            raise InputError(f"out must be a C-contiguous {dtype} array of at least shape {(rows, *shape)}")
        return out[:rows]

    def _kernel(self) -> Any:
        from pellucid import _core

        if self._core is None:
            channels = 1 if self.channel_axis is None else self.image.shape[self.channel_axis]
            planes = channels if self.channel_axis == 0 else 1
            self._core = _core.MaskedImage(
                self.image.reshape(-1).view(np.uint8),
                self.fill.reshape(-1).view(np.uint8),
                self.labels.reshape(-1),
                parts=len(self.parts),
                planes=planes,
                pixel_bytes=channels // planes * self.image.itemsize,
            )
        return self._core

    def _freeze(self) -> None:
        for array in (self.image, self.labels, self.fill):
            array.setflags(write=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_core": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._freeze()


class ImageMedium:
    """How images travel to a model: in arrays (m, *shape) that are lent and taken back when nobody refers to them.

    Two media are equal where the shape and the type of the images are.

    Examples
    --------
    >>> medium = ImageMedium((8, 8, 3), np.uint8)
    >>> medium.row_bytes, medium.buffer(5).shape
    (192, (5, 8, 8, 3))
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._pool = BufferPool(shape, dtype=self.dtype)

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape) * int(self.dtype.itemsize)

    def buffer(self, rows: int) -> NDArray[Any]:
        """Room for so many images, with undefined contents."""
        return self._pool.take(rows)

    def given(self, block: NDArray[Any]) -> NDArray[Any]:
        """What the model receives: the images (m, *shape) themselves."""
        return block

    def shown(self, block: NDArray[Any], row: int) -> str:
        """One image in a few words, for a message."""
        image = block[row]
        size = " x ".join(str(length) for length in self.shape)
        return f"image of {size} {self.dtype}, values from {image.min()} to {image.max()}"

    def keys(self, block: NDArray[Any]) -> list[bytes]:
        """One digest for each image."""
        kind = f"{self.dtype.str} {self.shape} ".encode()
        return [hashlib.blake2b(kind + image.tobytes(), digest_size=16).digest() for image in block]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ImageMedium):
            return NotImplemented
        return (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))


def checked_image(image: Any) -> NDArray[Any]:
    """A contiguous copy of two or three axes, real numbers or bool, finite, and not empty."""
    try:
        array = np.array(image, order="C", copy=True, subok=False)
    except ValueError as error:
        raise InputError(f"image must be an array of numbers, got {type(image).__name__} ({error})") from error
    if array.dtype.kind not in "biuf" or array.itemsize > 8:
        raise InputError(f"image must hold real numbers of at most 64 bits, got {array.dtype}; use image.astype(...)")
    if array.ndim not in (2, 3) or array.size == 0:
        raise InputError(
            f"image must have shape (H, W), (H, W, C) or (C, H, W) with at least one pixel, got {array.shape}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError(
            f"image must be finite, got {array[place]} at {place}; replace such pixels, for instance by np.nan_to_num"
        )
    return array


def found_channels(shape: tuple[int, ...], channel_axis: Any) -> int | None:
    """The axis of the channels, 0 or 2, or None where there are none."""
    if channel_axis is None:
        if len(shape) == 2:
            return None
        found = next((axis for axis in (2, 0) if shape[axis] in _CHANNELS), None)
        if found is None:
            raise InputError(
                f"image of shape {shape} has no first or last axis of 1, 3 or 4 channels; give channel_axis=0 or -1"
            )
        return found
    if not is_whole(channel_axis) or int(channel_axis) not in (0, 2, -1, -3) or len(shape) == 2:
        raise InputError(
            f"channel_axis must be 0 or -1, and None for an image of two axes; got {shown(channel_axis)} for the shape "
            f"{shape}"
        )
    return int(channel_axis) % 3
