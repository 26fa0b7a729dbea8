"""Which samples count, and how much: the kernel around the explained input."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_real, shown
from pellucid.errors import InputError

Array = NDArray[np.float64]

DISTANCES = ("euclidean", "cosine")


@dataclass(frozen=True)
class Locality:
    r"""A kernel on a distance between what is sampled, z, and what is explained.

    .. math:: \pi(z) = \exp\bigl(-D(z)^2 / (2 \nu^2)\bigr)

    Attributes
    ----------
    kernel : None for the exponential kernel above; a callable takes distances (m,) and returns weights (m,).
    width : the width nu; None is 0.75 sqrt(p) for the Euclidean distance and 0.25 for the cosine distance.
    distance : "euclidean", "cosine" (1 - cosine similarity), or a callable from z (m, p) to distances (m,); None is
        Euclidean for tables and cosine for masks.
    """

    kernel: Callable[[Array], Any] | None = None
    width: float | None = None
    distance: str | Callable[[Any], Any] | None = None

    @classmethod
    def checked(cls, kernel: Any, kernel_width: Any, distance: Any) -> Locality:
        if kernel is not None and not callable(kernel):
            raise InputError(
                f"kernel must be None for the exponential kernel, or a callable from distances to weights, "
                f"got {shown(kernel)}"
            )
        if kernel_width is not None and not (is_real(kernel_width) and kernel_width > 0):
            raise InputError(
                f"kernel_width must be a positive number, or math.inf for no weighting, got {shown(kernel_width)}"
            )
        if kernel is not None and kernel_width is not None:
            raise InputError("kernel_width is that of the exponential kernel; a kernel of your own has its own width")
        named = isinstance(distance, str) and distance in DISTANCES
        if distance is not None and not named and not callable(distance):
            raise InputError(f"distance must be 'euclidean', 'cosine' or a callable, got {shown(distance)}")
        return cls(kernel, None if kernel_width is None else float(kernel_width), distance)

    @property
    def plain(self) -> bool:
        """The exponential kernel on the Euclidean distance."""
        return self.kernel is None and self.distance in (None, "euclidean")

    def width_for(self, parts: int, distance: str) -> float:
        if self.width is not None:
            return self.width
        return 0.25 if distance == "cosine" else 0.75 * math.sqrt(parts)

    def weights(self, z: Any, *, origin: Array, default: str) -> Array:
        """Weights (m,) of samples z (m, p) around the explained z, `origin` (p,)."""
        distance = self.distance or default
        distances = self.distances(z, origin=origin, default=default)
        if self.kernel is not None:
            return _checked("kernel", self.kernel(distances), len(z))
        width = self.width_for(len(origin), distance if isinstance(distance, str) else "euclidean")
        return np.exp(-0.5 * (distances / width) ** 2)

    def some(self, weights: Array) -> Array:
        """These weights, unless all of them have vanished; the largest of a kernel of one's own counts as 1."""
        if weights.any():
            return weights if self.kernel is None else weights / weights.max()
        if self.kernel is not None:
            raise InputError("kernel must leave some sample a weight above 0, got 0 for all; widen it")
        raise InputError(
            "kernel_width leaves no sample a weight above 0: in units of it every distance is far; use a larger one"
        )

    def distances(self, z: Any, *, origin: Array, default: str) -> Array:
        """D (m,) of samples z (m, p) from the explained z, `origin` (p,)."""
        return _distances(z, origin, self.distance or default)

    def idle(self, parts: int, *, default: str) -> bool:
        """Whether what differs in every part counts as much as the explained input itself, unasked."""
        weights = None if self.width == math.inf else self.by_size(parts, default=default)
        return weights is not None and bool(weights.min() > 0.99 * weights.max())

    def by_size(self, parts: int, *, default: str) -> Array | None:
        """Weights (p + 1,) of a mask by the number of parts that are off; None where more than that decides."""
        distance = self.distance or default
        if not isinstance(distance, str):
            return None
        off = np.arange(parts + 1, dtype=np.float64)
        distances = np.sqrt(off) if distance == "euclidean" else 1.0 - np.sqrt(1.0 - off / parts)
        if self.kernel is not None:
            return _checked("kernel", self.kernel(distances), parts + 1)
        return np.exp(-0.5 * (distances / self.width_for(parts, distance)) ** 2)


def effective_rows(weights: Array) -> float:
    """(sum w)^2 / sum w^2: how many samples of equal weight these are worth."""
    return float(weights.sum() ** 2 / (weights @ weights))


def _distances(z: Any, origin: Array, distance: str | Callable[[Any], Any]) -> Array:
    if callable(distance):
        return _checked("distance", distance(z), len(z))
    samples = np.asarray(z, dtype=np.float64)
    if distance == "euclidean":
        gaps: Array = np.sqrt(((samples - origin) ** 2).sum(axis=1))
        return gaps
    norms = np.sqrt((samples**2).sum(axis=1)) * math.sqrt(float(origin @ origin))
    # Where a vector is zero no angle is defined; nothing in common is the largest distance between masks.
    similarity: Array = np.divide((samples * origin).sum(axis=1), norms, out=np.zeros(len(samples)), where=norms > 0)
    return 1.0 - similarity


def _checked(argument: str, returned: Any, count: int) -> Array:
    try:
        array = np.asarray(returned)
        if array.dtype.kind != "c":
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument} must return numbers, got {type(returned).__name__} ({error})") from error
    if array.dtype.kind == "c":
        raise InputError(f"{argument} must return real numbers, got {array.dtype}")
    if array.shape != (count,):
        raise InputError(f"{argument} must return an array of shape ({count},), one number each, got {array.shape}")
    wrong = array[~(np.isfinite(array) & (array >= 0))]
    if len(wrong):
        raise InputError(f"{argument} must return finite numbers of at least 0, got {wrong[0]}")
    return array
