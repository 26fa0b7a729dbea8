"""What the parts of an explained text or image are places of, and how files hold it."""

from __future__ import annotations

import re
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import shown
from pellucid.errors import InputError
from pellucid.results.segments import Segments
from pellucid.results.text_spans import TextSpans

Canvas = TextSpans | Segments

# Of files: what each array holds, "f" float64, "i" int64, "U" text. Those of a text, or those of an image, or none.
_TEXT = {"canvas_text": "U", "canvas_spans": "i"}
_IMAGE = {
    "canvas_pixels": "i",
    "canvas_dtype": "U",
    "canvas_shape": "i",
    "canvas_channel_axis": "i",
    "canvas_labels": "i",
}
ARRAYS = {**_TEXT, **_IMAGE}

_WORD = 8  # bytes of an int64
_NO_AXIS = -1
_DTYPE = re.compile(r"\|[biu]1|<[iu][248]|<f(2|4|8|12|16)")


def check_canvas(canvas: Any, *, rows: int, parts: int) -> None:
    """An InputError unless the canvas is one of so many parts, or None."""
    if canvas is None:
        return
    if not isinstance(canvas, (TextSpans, Segments)):
        raise InputError(f"canvas must be a TextSpans, a Segments or None, got {shown(canvas)}")
    if rows != 1:
        raise InputError(
            f"canvas must be None unless one input is explained, got {type(canvas).__name__} of {rows} rows"
        )
    if canvas.parts != parts:
        raise InputError(f"canvas must have places for the {parts} parts of values, got those of {canvas.parts}")


def canvas_arrays(canvas: Canvas | None) -> dict[str, NDArray[Any] | None]:
    """The arrays that hold a canvas in a file, all of `ARRAYS`; None for those it does not need.

    A text is an array of its characters, as numpy cuts zeros off the end of a longer one. The bytes of an image, in the
    order of C and low bytes first, stand eight by eight in 64-bit numbers.
    """
    found: dict[str, NDArray[Any] | None] = dict.fromkeys(ARRAYS)
    if isinstance(canvas, TextSpans):
        spans = [(part, *span) for part, places in enumerate(canvas.spans) for span in places]
        found["canvas_text"] = np.array(list(canvas.text), dtype="<U1")
        found["canvas_spans"] = np.array(spans, dtype=np.int64)
    elif isinstance(canvas, Segments):
        image = canvas.image.astype(canvas.image.dtype.newbyteorder("<"))
        content = image.tobytes()
        found["canvas_pixels"] = np.frombuffer(content + bytes(-len(content) % _WORD), dtype="<i8")
        found["canvas_dtype"] = np.array([image.dtype.str], dtype=np.str_)
        found["canvas_shape"] = np.array(image.shape, dtype=np.int64)
        axis = _NO_AXIS if canvas.channel_axis is None else canvas.channel_axis
        found["canvas_channel_axis"] = np.array([axis], dtype=np.int64)
        found["canvas_labels"] = canvas.labels.astype(np.int64)
    return found


def canvas_from(arrays: dict[str, NDArray[Any] | None]) -> Canvas | None:
    """The canvas of the arrays of `canvas_arrays`, read from a file that nobody vouches for.

    Raises
    ------
    InputError : arrays that are not those of one canvas.

    Examples
    --------
    >>> canvas = TextSpans("not bad", (((4, 7),),))
    >>> canvas_from(canvas_arrays(canvas)) == canvas
    True
    """
    given = {name: array for name, array in arrays.items() if array is not None}
    if not given:
        return None
    if set(given) == set(_TEXT):
        return _text(given["canvas_text"], given["canvas_spans"])
    if set(given) == set(_IMAGE):
        return _image(given)
    raise InputError(f"a canvas must have the arrays of a text or those of an image, got {sorted(given)}")


def _text(characters: NDArray[Any], spans: NDArray[Any]) -> TextSpans:
    if characters.ndim != 1 or characters.dtype != np.dtype("<U1") or spans.ndim != 2 or spans.shape[1] != 3:
        raise InputError(
            "canvas_text must be single characters and canvas_spans have shape (m, 3), got "
            f"{characters.dtype} of shape {characters.shape} and shape {spans.shape}"
        )
    # Within m, so that a false part cannot ask for a list of any length.
    parts = spans[:, 0]
    if len(parts) == 0 or (np.diff(parts, prepend=0) < 0).any() or parts[-1] >= len(parts) or parts[0] < 0:
        raise InputError("canvas_spans must name its parts from 0 on, in order")
    places: list[list[tuple[int, int]]] = [[] for _ in range(int(parts[-1]) + 1)]
    for part, start, end in spans.tolist():
        places[part].append((start, end))
    # numpy reads the character of code 0 as an empty text.
    return TextSpans("".join(character or "\0" for character in characters.tolist()), tuple(map(tuple, places)))


def _image(given: dict[str, NDArray[Any]]) -> Segments:
    pixels, dtype, shape, axis = (given[name] for name in list(_IMAGE)[:4])
    if (pixels.ndim, dtype.shape, axis.shape) != (1, (1,), (1,)) or shape.shape not in ((2,), (3,)):
        raise InputError("canvas_pixels, _dtype, _shape and _channel_axis have shapes that no image has")
    name, sizes = str(dtype[0]), [int(size) for size in shape]
    if not _DTYPE.fullmatch(name) or min(sizes) < 1:
        raise InputError(f"canvas_dtype and canvas_shape must be those of an image, got {name[:20]!r} and {sizes}")
    content, expected = pixels.astype("<i8").tobytes(), prod(sizes) * np.dtype(name).itemsize
    if len(content) != expected + -expected % _WORD or any(content[expected:]):
        raise InputError(f"canvas_pixels must hold the {expected} bytes of the image, got {len(content)}")
    image: NDArray[Any] = np.frombuffer(content, dtype=name, count=prod(sizes)).reshape(sizes)
    if image.dtype.kind == "b" and (image.view(np.uint8) > 1).any():
        raise InputError("canvas_pixels of an image of bool must be 0 and 1")
    channel_axis = int(axis[0])
    return Segments(image, given["canvas_labels"], None if channel_axis == _NO_AXIS else channel_axis)
