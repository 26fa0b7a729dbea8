"""The image that an attribution speaks about, cut into its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid._arguments import is_real, is_whole, shown
from pellucid.errors import InputError
from pellucid.results import checks
from pellucid.results.ranking import row_index

if TYPE_CHECKING:
    from pellucid.results.attribution import Attribution


@dataclass(frozen=True, eq=False, repr=False)
class Segments:
    """An image and the segment of each of its pixels; both are kept as read-only copies, in native byte order.

    Parameters
    ----------
    image : (H, W), (H, W, C) or (C, H, W) real numbers or bool
    labels : (H, W)
        Whole numbers from 0 to p - 1, each of them at least once.
    channel_axis : 0, 2, -1 or None
        Where the channels are; None for an image of two axes.

    Raises
    ------
    InputError : shapes that do not fit, or labels that are not those of p parts.

    Examples
    --------
    >>> canvas = Segments(np.zeros((2, 3)), np.array([[0, 0, 1], [0, 0, 1]]))
    >>> canvas, canvas.parts
    (Segments(2 x 3 pixels, 2 segments), 2)
    """

    image: NDArray[Any]
    labels: NDArray[np.int32]
    channel_axis: int | None = None

    def __post_init__(self) -> None:
        image, labels, axis = np.asarray(self.image), np.asarray(self.labels), self.channel_axis
        if image.dtype.kind not in "biuf" or image.ndim != (2 if axis is None else 3) or image.size == 0:
            raise InputError(
                "image must be numbers of two axes, or of three with a channel_axis, got "
                f"{image.dtype} of shape {image.shape} and channel_axis={shown(axis)}"
            )
        if axis is not None:
            if not is_whole(axis) or axis not in (0, 2, -1, -3):
                raise InputError(f"channel_axis must be 0 or -1, or None, got {shown(axis)}")
            axis = int(axis) % 3
        size = tuple(length for i, length in enumerate(image.shape) if i != axis)
        if labels.dtype.kind not in "iu" or labels.shape != size:
            raise InputError(
                f"labels must be whole numbers of shape {size}, one per pixel, got {labels.dtype} of {labels.shape}"
            )
        # Counted, not sorted; more labels than pixels are refused before there is anything to count.
        fits = labels.min() == 0 and labels.max() < labels.size
        if not fits or not np.bincount(labels.astype(np.int64).ravel()).all():
            raise InputError("labels must be 0, ..., p - 1, each of them at least once")
        # Pickle would turn the bytes of another machine's order around, too, and so change the dtype.
        native = image.astype(image.dtype.newbyteorder("="))
        object.__setattr__(self, "image", checks.frozen(native))
        object.__setattr__(self, "labels", checks.frozen(labels.astype(np.int32)))
        object.__setattr__(self, "channel_axis", axis)

    @property
    def parts(self) -> int:
        """p, the number of segments."""
        return int(self.labels.max()) + 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Segments):
            return NotImplemented
        return (
            self.channel_axis == other.channel_axis
            and self.image.dtype == other.image.dtype
            and checks.same(self.image, other.image)
            and checks.same(self.labels, other.labels)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        height, width = self.labels.shape
        return f"Segments({height} x {width} pixels, {self.parts} segments)"

    def __setstate__(self, state: dict[str, Any]) -> None:
        checks.freeze(state)
        self.__dict__.update(state)


def canvas_of(attribution: Any) -> Segments:
    """The segments of an attribution, or an InputError for one that does not speak about an image."""
    canvas = getattr(attribution, "canvas", None)
    if not isinstance(canvas, Segments):
        raise InputError(
            "attribution must be that of an image, with its segments as .canvas; "
            f"got {type(attribution).__name__} with {type(canvas).__name__}"
        )
    return canvas


def chosen_segments(
    values: ArrayLike, *, top: int = 5, positive_only: bool = True, min_weight: float = 0.0
) -> NDArray[np.intp]:
    """The segments with the largest values (p,), the largest first; none with a value of 0.

    Parameters
    ----------
    top : int
        So many at most.
    positive_only : bool
        False: the largest |values|.
    min_weight : float
        Only (absolute) values of at least this.

    Examples
    --------
    >>> chosen_segments([0.1, -3.0, 0.0, 2.0], top=2).tolist()
    [3, 0]
    >>> chosen_segments([0.1, -3.0, 0.0, 2.0], top=2, positive_only=False).tolist()
    [1, 3]
    """
    if not is_whole(top) or top < 1:
        raise InputError(f"top must be a whole number of at least 1, got {shown(top)}")
    if not is_real(min_weight) or not min_weight >= 0:
        raise InputError(f"min_weight must be a number of at least 0, got {shown(min_weight)}")
    array = np.asarray(values, dtype=np.float64)
    weight = array if positive_only else np.abs(array)
    order = np.argsort(-weight, kind="stable")[:top]
    return order[(weight[order] > 0) & (weight[order] >= min_weight)]


def superpixel_mask(
    attribution: Attribution,
    *,
    row: int = 0,
    output: int | str = 0,
    top: int = 5,
    positive_only: bool = True,
    min_weight: float = 0.0,
) -> NDArray[np.bool_]:
    """(H, W): the pixels of the segments that matter most to an output; see `chosen_segments`.

    What a model says without them shows whether they matter as much as they seem to:
    ``np.where(mask, fill, image)`` is the image without them.

    Raises
    ------
    InputError : the attribution is not that of an image, or has no such row or output.

    Examples
    --------
    >>> from pellucid import Superpixels, lime
    >>> corner = lambda images: images[:, :2, :3].mean(axis=(1, 2))
    >>> explanation = lime(corner, Superpixels(np.ones((4, 6)), n_segments=4, fill=0))
    >>> superpixel_mask(explanation, top=1).astype(int)
    array([[1, 1, 1, 0, 0, 0],
           [1, 1, 1, 0, 0, 0],
           [0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0]])
    """
    canvas = canvas_of(attribution)
    where = checks.find("output", output, attribution.outputs)
    values = attribution.values[row_index(attribution, row), :, where]
    chosen = chosen_segments(values, top=top, positive_only=positive_only, min_weight=min_weight)
    return np.isin(canvas.labels, chosen)
