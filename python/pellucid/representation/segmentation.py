"""Label maps: which pixels of an image are one part."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_real, is_whole, shown
from pellucid.errors import InputError

Labels = NDArray[np.int32]


def label_map(segments: Any, image: NDArray[Any], *, channel_axis: int | None, n_segments: int) -> Labels:
    """Labels (H, W) from 0 to p - 1; see `Superpixels` for what segments may be."""
    size = tuple(length for axis, length in enumerate(image.shape) if axis != channel_axis)
    if not is_whole(n_segments) or n_segments < 1:
        raise InputError(f"n_segments must be a whole number of at least 1, got {shown(n_segments)}")
    if isinstance(segments, str):
        if segments == "grid":
            return grid(size, n_segments=int(n_segments))
        if segments == "slic":
            return relabelled(slic(image, channel_axis=channel_axis, n_segments=int(n_segments)), size, "slic")
        raise InputError(f'segments must be "grid", "slic", a label map or a callable, got {segments!r}')
    if callable(segments):
        return relabelled(segments(image), size, "what segments(image) returns")
    if is_real(segments):
        raise InputError(
            f'segments must be "grid", "slic", a label map or a callable, got {shown(segments)}; '
            "the number of cells is n_segments"
        )
    return relabelled(segments, size, "segments")


def grid(size: tuple[int, ...], *, n_segments: int) -> Labels:
    """Cells as near to squares as there are, n_segments of them at most, numbered line by line.

    >>> grid((4, 6), n_segments=6).tolist()
    [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5], [3, 3, 4, 4, 5, 5]]
    """
    height, width = size

    def misfit(rows: int) -> float:
        columns = min(width, n_segments // rows)
        shape, missing = math.log((height / rows) / (width / columns)), math.log(n_segments / (rows * columns))
        return shape**2 + missing**2

    rows = min(range(1, min(height, n_segments) + 1), key=misfit)
    columns = min(width, n_segments // rows)
    row_of, column_of = np.arange(height) * rows // height, np.arange(width) * columns // width
    return (row_of[:, None] * columns + column_of).astype(np.int32)


def slic(image: NDArray[Any], *, channel_axis: int | None, n_segments: int) -> NDArray[Any]:
    """The superpixels of scikit-image, of the image scaled to [0, 1]."""
    try:
        from skimage.segmentation import slic as superpixels
    except ImportError:
        raise InputError(
            'segments="slic" needs scikit-image, which is not installed; run: python -m pip install '
            '"pellucid[images]", or take segments="grid"'
        ) from None
    values = image.astype(np.float64)
    low, high = values.min(), values.max()
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    colours = 1 if channel_axis is None else image.shape[channel_axis]
    # Distances of colours are up to 100 in Lab and up to 1 otherwise; the compactness is measured against them.
    return np.asarray(
        superpixels(
            scaled,
            n_segments=n_segments,
            compactness=10.0 if colours == 3 else 0.1,
            channel_axis=channel_axis,
            convert2lab=colours == 3,
            start_label=0,
        )
    )


def relabelled(given: Any, size: tuple[int, ...], source: str) -> Labels:
    """Any label map (H, W) of whole numbers, renumbered from 0 on in the order of its labels."""
    try:
        labels = np.asarray(given)
    except ValueError as error:
        raise InputError(f"{source} must be a label map of shape {size}, got rows of different lengths") from error
    if labels.shape != size:
        raise InputError(f"{source} must be a label map of shape {size}, one label per pixel, got {labels.shape}")
    if labels.dtype.kind not in "biuf":
        raise InputError(f"{source} must hold whole numbers, got {labels.dtype}")
    if labels.dtype.kind == "f":
        wrong = np.argwhere(~np.isfinite(labels) | (labels != np.rint(labels)))
        if len(wrong):
            row, column = (int(i) for i in wrong[0])
            raise InputError(
                f"{source} must hold whole numbers, got {labels[row, column]} at row {row}, column {column}"
            )
    places = np.unique(labels, return_inverse=True)[1]
    return np.ascontiguousarray(places.reshape(size), dtype=np.int32)
