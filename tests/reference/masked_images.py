"""Images with missing segments, pixel by pixel."""

from __future__ import annotations

import numpy as np


def compose(image, fill, labels, masks, channel_axis=None):
    """Image i: that of the image where mask i holds the segment of the pixel, else that of the fill."""
    images = []
    for mask in masks:
        kept = np.array([[mask[label] for label in line] for line in labels], dtype=bool)
        images.append(np.where(kept if channel_axis is None else np.expand_dims(kept, channel_axis), image, fill))
    return np.array(images, dtype=image.dtype).reshape(len(masks), *image.shape)


def gaussian_blur(plane, sigma, reach):
    """Weights exp(-t^2 / 2 sigma^2) over the pixels t <= reach away, down and then across, mirrored at the edges."""
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()

    def mirrored(i, length):
        i %= 2 * length
        return i if i < length else 2 * length - 1 - i

    for _ in range(2):
        height = len(plane)
        plane = np.array(
            [
                sum(w * plane[mirrored(i + t, height)] for w, t in zip(weights, offsets, strict=True))
                for i in range(height)
            ]
        ).T
    return plane
