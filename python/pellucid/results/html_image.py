"""An explained image as static HTML: SVG with the pictures inside it. No script, all escaped."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from pellucid.results import pixels, svg
from pellucid.results.segments import Segments, chosen_segments
from pellucid.results.svg import minus, words
from pellucid.results.text import counted, number

_SHOWN = 320.0  # of each picture, in CSS pixels along its longer side
_MOST = 480  # pixels of a picture along its longer side; of larger images every second, third, ... is taken


def image_html(
    canvas: Segments, values: NDArray[np.float64], *, name: str, top: int = 5, positive_only: bool = True
) -> str:
    """Two pictures side by side: the segments that matter most, outlined, and all segments tinted by their values.

    Parameters
    ----------
    canvas : Segments
    values : (p,)
    name : str
        What the values speak about, as "cat, row 0".
    top, positive_only
        Which segments are outlined; see `chosen_segments`.

    Examples
    --------
    >>> canvas = Segments(np.eye(4), np.repeat([[0, 0, 1, 1]], 4, axis=0))
    >>> text = image_html(canvas, np.array([0.5, -0.25]), name="<cat>")
    >>> text.count("data:image/png;base64,"), "&lt;cat&gt;" in text
    (3, True)
    """
    step = -(-max(canvas.labels.shape) // _MOST)
    colours, labels = pixels.colours(canvas)[::step, ::step], canvas.labels[::step, ::step]
    chosen = chosen_segments(values, top=top, positive_only=positive_only)
    overlay = pixels.dimmed(colours, np.isin(labels, chosen))
    outlines = "".join(
        _path(labels == segment, svg.RAISES if values[segment] > 0 else svg.LOWERS) for segment in chosen
    )
    verb = ("raise" if positive_only else "move") + ("s" if len(chosen) == 1 else "")
    which = f"that {verb} it most"
    pictures = [
        _picture(overlay, outlines, title=f"The segments of {name} {which}"),
        _picture(pixels.heat(colours, labels, values), "", title=f"The contributions of all segments to {name}"),
    ]
    if len(chosen):
        outlined = f"Outlined: the {counted(len(chosen), 'segment')} {which}"
    else:
        outlined = f"No segment {'raises' if positive_only else 'moves'} it"
    texts = [outlined, _legend(values)]
    return (
        '<div class="pellucid-image" style="display:flex;flex-wrap:wrap;gap:14px">'
        + "".join(
            f'<figure style="margin:0;max-width:100%">{picture}<div style="font-size:13px;opacity:.85;margin-top:4px">'
            f"{text}</div></figure>"
            for picture, text in zip(pictures, texts, strict=True)
        )
        + "</div>"
    )


def png(image: NDArray[np.uint8]) -> bytes:
    """An image (H, W, 3) as a PNG file.

    >>> png(np.zeros((1, 1, 3), dtype=np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width, _ = image.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    # Each line begins with its filter: 2 is the difference from the line above. 8 bits, colour type 2 is RGB.
    lines = np.full((height, 1 + 3 * width), 2, dtype=np.uint8)
    flat = image.reshape(height, -1)
    lines[:, 1:] = flat
    lines[1:, 1:] -= flat[:-1]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(lines.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _picture(image: NDArray[np.uint8], inside: str, *, title: str) -> str:
    height, width, _ = image.shape
    scale = _SHOWN / max(height, width)
    data = base64.b64encode(png(image)).decode("ascii")
    crisp = ' style="image-rendering:pixelated"' if scale >= 2 else ""
    return (
        f'<svg role="img" width="{width * scale:.0f}" height="{height * scale:.0f}" viewBox="0 0 {width} {height}">'
        f"<title>{words(title)}</title>"
        f'<image width="{width}" height="{height}"{crisp} '
        f'href="data:image/png;base64,{data}"/>{inside}</svg>'
    )


def _path(inside: NDArray[np.bool_], colour: str) -> str:
    """The outline of a mask, as wide on the screen for a small image as for a large one; white below the colour."""
    lines = "".join(f"M{x0} {y0}L{x1} {y1}" for (x0, y0), (x1, y1) in pixels.outline(inside).tolist())
    return "".join(
        f'<path d="{lines}" fill="none" stroke="{stroke}" stroke-width="{width}" stroke-linecap="square" '
        'vector-effect="non-scaling-stroke"/>'
        for stroke, width in (("#ffffff", 4), (colour, 2))
    )


def _legend(values: NDArray[np.float64]) -> str:
    largest = float(np.abs(values).max())
    if largest == 0:
        return "All contributions are 0"
    scale = pixels.heat_scale(61)[None]
    data = base64.b64encode(png(scale)).decode("ascii")
    low, high = minus(number(-largest, digits=3)), number(largest, digits=3)
    return (
        f'lowers {words(low)} <svg width="120" height="10" viewBox="0 0 61 1" preserveAspectRatio="none" '
        f'style="display:inline-block;vertical-align:-1px" aria-hidden="true"><image width="61" height="1" '
        f'preserveAspectRatio="none" href="data:image/png;base64,{data}"/></svg> {words(high)} raises'
    )
