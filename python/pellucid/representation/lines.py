"""The law of a number without bins: normal or uniform along the line, z its distance in standard deviations."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.representation.cells import truncated_normal

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LineLaw:
    """Training moments and range of the column `column`, which is the part `index`."""

    name: str
    index: int
    column: int
    mean: float
    deviation: float  # 0 for a constant column
    least: float
    greatest: float
    whole: bool

    @property
    def unit(self) -> float:
        """What z is counted in: the standard deviation, 1 for a constant column."""
        return self.deviation or 1.0

    def normal_around(self, x: float, *, kernel_width: float, spread: float | None) -> Line:
        r"""The normal law times the kernel :math:`e^{-(z - z_x)^2 / (2 \nu^2)}`, which is normal again.

        In units of the standard deviation, :math:`N(m, \tau^2)` becomes
        :math:`N((m / \tau^2 + z_x / \nu^2) / c, 1 / c)` with :math:`c = 1 / \tau^2 + 1 / \nu^2`: m is the mean of
        training and :math:`\tau = 1` where `spread` is None, else m is x and :math:`\tau` the spread.
        """
        centre, width = (self.mean, 1.0) if spread is None else (x, spread)
        ratio = kernel_width / width
        pull = 1.0 / (1.0 + ratio * ratio)
        shrink = 1.0 if math.isinf(ratio) else ratio / math.hypot(1.0, ratio)
        moved = pull * (x - centre) if self.deviation > 0.0 else 0.0
        return Line(self, ("normal", self.index), centre + moved, self.deviation * width * shrink, None)

    def uniform_around(self, x: float, *, kernel_width: float) -> Line:
        """The uniform law between the least and the greatest value times the kernel: a normal law, cut there."""
        low, high = self.least, self.greatest
        if math.isinf(kernel_width) or self.deviation == 0.0:
            return Line(self, ("uniform", self.index), low, high - low, None)
        law = truncated_normal(x, kernel_width * self.deviation, low=low, high=high, least=low)
        return Line(self, ("cut", self.index, x, kernel_width), 0.0, 1.0, tuple(law))


@dataclass(frozen=True)
class Line:
    """How one column is drawn: offset + scale times the stored column named `key`."""

    law: LineLaw
    key: tuple[Hashable, ...]
    offset: float
    scale: float
    cut: tuple[float, ...] | None

    def write(self, u: Array, out: Array) -> None:
        """The stored column (1, n) from coordinates u (n,)."""
        from pellucid import _core

        if self.cut is not None:
            cell = np.zeros(len(u), dtype=np.int32)
            _core.normal_values(cell, u, np.array([self.cut]), False, out[0])
        elif self.key[0] == "normal":
            out[0] = _core.normal_quantiles(u)
        else:
            out[0] = u
