"""Two cohorts compared: the difference of their mean |values|."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._student import checked_level, student_factors, student_interval
from pellucid.results.checks import find
from pellucid.results.frames import frame_of, known, utf8
from pellucid.results.ranking import Contribution, display_limit, largest_first, ranked, split
from pellucid.results.text import aligned, clean, counted, elide, with_errors

Floats = NDArray[np.float64]

_LINES = 12


@dataclass(frozen=True, eq=False, repr=False)
class MeanDifference:
    """Mean |values| of one cohort less those of another, part by part; `GroupMeans.difference` makes it.

    The cohorts share no row, so their errors are independent; degrees of freedom after Welch [welch1947]. The noise of
    the estimates lifts both means: `interval` allows for all of the lift in either of them. An interval speaks of one
    part; among twenty parts one leaves out zero by chance.

    Parameters
    ----------
    labels : (2,) the cohorts; the first less the second.
    counts : (2,) rows in each.
    means, mean_std_err, bias_bound, lower_std_err : (2, p, k)
        Of either cohort, as in `GroupMeans`.
    parts, outputs : tuple of str

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> a = Attribution.from_array([[1.0], [3.0], [0.5], [0.1]], parts=["age"], std_err=None)
    >>> print(a.by(["young", "young", "old", "old"]).difference("young", "old"))
    MeanDifference(young less old; 1 part, 1 output)
    <BLANKLINE>
    difference of mean |contribution| to output  young less old
      age                                        +1.70 ± 6.61
    """

    labels: tuple[Any, Any]
    counts: NDArray[np.int64]
    means: Floats
    mean_std_err: Floats
    bias_bound: Floats
    lower_std_err: Floats
    parts: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def values(self) -> Floats:
        """The difference (p, k)."""
        return np.asarray(self.means[0] - self.means[1])

    @property
    def std_err(self) -> Floats:
        """Its standard error (p, k), widened by Student's t; NaN where one of the cohorts has one row."""
        return self._welch(self.mean_std_err)[0]

    @property
    def freedom(self) -> Floats:
        """Its degrees of freedom (p, k)."""
        return self._welch(self.mean_std_err)[1]

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Welch's t intervals (p, k) each: low with the bound off the first mean, high with it off the second."""
        level = checked_level(level)
        first, second = np.nan_to_num(self.bias_bound)
        below = self._welch(np.stack([self.lower_std_err[0], self.mean_std_err[1]]))
        above = self._welch(np.stack([self.mean_std_err[0], self.lower_std_err[1]]))
        low, _ = student_interval(self.values - first, *below, level)
        _, high = student_interval(self.values + second, *above, level)
        return low, high

    def _welch(self, std_err: Floats) -> tuple[Floats, Floats]:
        """Standard error (p, k) of a difference, widened by Student's t, and degrees of freedom (p, k)."""
        each = np.broadcast_to((self.counts - 1.0)[:, None, None], std_err.shape)
        variances = (std_err / student_factors(each)) ** 2
        variance = variances.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            freedom = variance**2 / (variances**2 / each).sum(axis=0)
        freedom = np.where(variance == 0.0, each.sum(axis=0), np.nan_to_num(freedom, nan=1.0))
        return np.sqrt(variance) * student_factors(freedom), freedom

    def top(self, k: int = 5, *, output: int | str = 0) -> list[Contribution]:
        """The k largest differences."""
        count, where = display_limit(k), find("output", output, self.outputs)
        return ranked(self.parts, self.values[:, where], self.std_err[:, where])[:count]

    def to_frame(self, *, level: float = 0.95, backend: str | None = None) -> Any:
        """A long table with the columns output, part, difference, std_err, low, high."""
        low, high = self.interval(level)
        p, k = self.values.shape
        columns: dict[str, Any] = {
            "output": [utf8(name) for name in self.outputs for _ in range(p)],
            "part": [utf8(name) for name in self.parts] * k,
        }
        numbers = {"difference": self.values, "std_err": self.std_err, "low": low, "high": high}
        columns |= {name: known(array.T) for name, array in numbers.items()}
        return frame_of(columns, floats=tuple(numbers), backend=backend)

    def __repr__(self) -> str:
        shape = f"{counted(len(self.parts), 'part')}, {counted(len(self.outputs), 'output')}"
        return f"MeanDifference({self._title()}; {shape})"

    def __str__(self) -> str:
        lines = [repr(self)]
        for output, name in enumerate(self.outputs):
            kept, _ = split(largest_first(np.nan_to_num(self.values[:, output])), _LINES)
            head = f"difference of mean |contribution| to {clean(name, limit=30)}"
            names = [head, *("  " + elide(clean(self.parts[i]), limit=48) for i in kept)]
            numbers = [self._title(), *with_errors(self.values[kept, output], self.std_err[kept, output])]
            lines += ["", *aligned([names, numbers])]
        return "\n".join(lines)

    def _title(self) -> str:
        first, second = (clean(str(label), limit=24) for label in self.labels)
        return f"{first} less {second}"
