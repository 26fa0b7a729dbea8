"""Images for the eye: what plots and pages show of one, in 8-bit colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.results import svg
from pellucid.results.segments import Segments

Pixels = NDArray[np.uint8]
Edges = NDArray[np.int64]

_LUMINANCE = np.array([0.299, 0.587, 0.114])
_DIM = 0.35  # of the colour that pixels keep that were not chosen
_DARK = 120.0  # mean tone, of 255, below which an image is dark
_HEAT = 0.7  # of the colour that the largest value gives
_GROUND = 0.45  # of the grey below it


def colours(canvas: Segments) -> Pixels:
    """(H, W, 3): the image as people see it.

    One or two channels are grey (the first of two), three are red, green and blue, the fourth is opacity over white,
    more are their mean in grey. Floating point numbers within [0, 1] and those of 8 and 16 bits without a sign are
    taken as they are; others are stretched, from 0 or their smallest if that is negative, to their largest.
    """
    image, axis = canvas.image, canvas.channel_axis
    last = image[..., None] if axis is None else np.moveaxis(image, axis, -1)
    unit = _from_0_to_1(last)
    channels = unit.shape[-1]
    if channels == 4:
        unit = 1.0 + (unit[..., :3] - 1.0) * unit[..., 3:]
    elif channels > 4:
        unit = unit.mean(axis=-1, keepdims=True)
    elif channels < 3:
        unit = unit[..., :1]
    whole: Pixels = np.rint(255.0 * unit).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(whole, (*canvas.labels.shape, 3)))


def _from_0_to_1(image: NDArray[Any]) -> NDArray[np.float64]:
    values = image.astype(np.float64)
    if image.dtype.kind == "b":
        return values
    if image.dtype in (np.uint8, np.uint16):
        return values / float(np.iinfo(image.dtype).max)
    low, high = float(values.min()), float(values.max())
    if image.dtype.kind == "f" and low >= 0.0 and high <= 1.0:
        return values
    low = min(low, 0.0)
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def grey(pixels: Pixels) -> Pixels:
    """(H, W, 3): the luminance in all three channels."""
    luminance = np.rint(pixels @ _LUMINANCE).astype(np.uint8)
    return np.repeat(luminance[..., None], 3, axis=-1)


def dimmed(pixels: Pixels, inside: NDArray[np.bool_]) -> Pixels:
    """(H, W, 3): without colour outside of the mask (H, W), and nearer to white, or to black in a dark image."""
    tones = grey(pixels).astype(np.float64)
    # A dark ground would come out brighter than the segments that are to stand out.
    end = 255.0 if tones.mean() >= _DARK else 0.0
    return np.where(inside[..., None], pixels, np.rint(end + _DIM * (tones - end)).astype(np.uint8))


def heat(pixels: Pixels, labels: NDArray[np.int32], values: NDArray[np.float64]) -> Pixels:
    """(H, W, 3): the image in pale grey, each segment tinted by its value: the more of it, the further from 0."""
    largest = float(np.abs(values).max())
    share = np.abs(values / largest) if largest > 0 else np.zeros(len(values))
    tint = np.where(values[:, None] >= 0, rgb(svg.RAISES), rgb(svg.LOWERS))
    opacity = (_HEAT * share)[labels][..., None]
    ground = 255.0 - _GROUND * (255.0 - grey(pixels).astype(np.float64))
    mixed: Pixels = np.rint(ground * (1.0 - opacity) + tint[labels] * opacity).astype(np.uint8)
    return mixed


def heat_scale(steps: int) -> Pixels:
    """(steps, 3): the tints of `heat` from the lowest value to the highest, over white."""
    values = np.linspace(-1.0, 1.0, steps)
    white = np.full((1, steps, 3), 255, dtype=np.uint8)
    return np.asarray(heat(white, np.arange(steps, dtype=np.int32)[None], values)[0])


def rgb(colour: str) -> NDArray[np.float64]:
    """(3,) from 0 to 255 of "#d55e00"."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def outline(inside: NDArray[np.bool_]) -> Edges:
    """(edges, 2, 2): the edges between the pixels of a mask (H, W) and the others, as lines from (x, y) to (x, y).

    Pixel (row, column) is the square from (column, row) to (column + 1, row + 1). Edges in one line are one.

    >>> outline(np.array([[True, True]])).tolist()
    [[[0, 0], [2, 0]], [[0, 1], [2, 1]], [[0, 0], [0, 1]], [[2, 0], [2, 1]]]
    """
    padded = np.pad(inside, 1)
    across = _runs(padded[1:, 1:-1] != padded[:-1, 1:-1])
    down = _runs((padded[1:-1, 1:] != padded[1:-1, :-1]).T)
    return np.concatenate([across, down[:, :, ::-1]])


def _runs(edge: NDArray[np.bool_]) -> Edges:
    """Runs of edges along each line, as (start, line) to (end, line)."""
    steps = np.diff(np.pad(edge, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (line, start), (_, end) = np.nonzero(steps == 1), np.nonzero(steps == -1)
    return np.stack([np.stack([start, line], axis=-1), np.stack([end, line], axis=-1)], axis=1)
