"""Means of |values| over rows: what "global importance" is here."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid._student import checked_level, student_interval
from pellucid.errors import InputError
from pellucid.results.checks import find
from pellucid.results.cohorts import cohorts
from pellucid.results.difference import MeanDifference
from pellucid.results.frames import frame_of, known, utf8
from pellucid.results.moments import folding_lift, mean_and_error
from pellucid.results.ranking import Contribution, display_limit, largest_first, ranked, split
from pellucid.results.text import aligned, clean, counted, elide, with_errors

if TYPE_CHECKING:
    from pellucid.results.attribution import Attribution

Floats = NDArray[np.float64]
ALL_ROWS = "all rows"

_LINES = 12
_COHORTS = 6


@dataclass(frozen=True, eq=False, repr=False)
class GroupMeans:
    """Mean |values| of each cohort of rows; `Attribution.by` and `Attribution.mean_abs` make them.

    Two errors live in such a mean. The rows are a sample: `std_err` and `interval` say how far the mean of all rows of
    the same kind may be. And the values are estimates, whose noise counts as size: a part without any effect has a
    mean of about 0.8 of its standard errors, not 0. `bias_bound` bounds that lift, in expectation, from the values and
    their standard errors; it does not grow smaller with more rows, only with a larger budget. `interval` begins at the
    lower end of the mean less the bound. Where the standard errors of the values are not known, neither is the bound,
    and the interval is that of the rows alone.

    Parameters
    ----------
    labels : tuple, (g,)
        The cohorts, in the order of their first row, or of the values that make them.
    counts : (g,) int64
        Rows in each.
    values : (g, p, k)
        Mean of |values| over the rows of the cohort, in the unit of the model's output.
    std_err : (g, p, k)
        Standard error of that mean over rows, widened by Student's t so that 1.96 of it is the t interval; NaN for
        a cohort of one row.
    bias_bound : (g, p, k)
        How much of `values` may be noise of the estimates; 0 for exact values, NaN where it is not known.
    lower_std_err : (g, p, k)
        Standard error of `values` less `bias_bound`, widened like `std_err`.
    parts, outputs : tuple of str
        As in the attribution.

    Examples
    --------
    >>> from pellucid.results import Attribution
    >>> a = Attribution.from_array([[1.0, 0.1], [3.0, -0.1], [0.0, 0.3]], parts=["age", "income"], std_err=None)
    >>> means = a.by(["young", "young", "old"])
    >>> means["young"][0].ravel().tolist()
    [2.0, 0.1]
    >>> a.mean_abs().top(1)[0].part
    'age'
    """

    labels: tuple[Any, ...]
    counts: NDArray[np.int64]
    values: Floats
    std_err: Floats
    bias_bound: Floats
    lower_std_err: Floats
    parts: tuple[str, ...]
    outputs: tuple[str, ...]

    def __getitem__(self, label: Hashable) -> tuple[Floats, Floats]:
        """The means (p, k) of one cohort and their standard errors (p, k)."""
        at = self._position(label)
        return self.values[at], self.std_err[at]

    def __len__(self) -> int:
        return len(self.labels)

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Intervals for the mean of the true |values| over all rows of the kind, (g, p, k) each.

        From the lower end of Student's t interval for `values` less `bias_bound`, at least 0, to the upper end of that
        for `values`.
        """
        freedom, level = np.broadcast_to((self.counts - 1.0)[:, None, None], self.values.shape), checked_level(level)
        less = self.values - np.nan_to_num(self.bias_bound)
        low, _ = student_interval(less, self.lower_std_err, freedom, level)
        _, high = student_interval(self.values, self.std_err, freedom, level)
        return np.maximum(low, 0.0), high

    def difference(self, a: Hashable, b: Hashable) -> MeanDifference:
        """The means of cohort `a` less those of cohort `b`, with Welch's intervals."""
        first, second = self._position(a), self._position(b)
        both = [first, second]
        return MeanDifference(
            labels=(a, b),
            counts=self.counts[both],
            means=self.values[both],
            mean_std_err=self.std_err[both],
            bias_bound=self.bias_bound[both],
            lower_std_err=self.lower_std_err[both],
            parts=self.parts,
            outputs=self.outputs,
        )

    def top(self, k: int = 5, *, cohort: Hashable = None, output: int | str = 0) -> list[Contribution]:
        """The k largest means of a cohort; None is the first one."""
        count, where = display_limit(k), find("output", output, self.outputs)
        at = 0 if cohort is None else self._position(cohort)
        return ranked(self.parts, self.values[at, :, where], self.std_err[at, :, where])[:count]

    def to_frame(self, *, level: float = 0.95, backend: str | None = None) -> Any:
        """A long table with the columns cohort, rows, output, part, mean_abs, std_err, low, high, bias_bound.

        Parameters
        ----------
        level : of the intervals from low to high.
        backend : "pandas", "polars" or "pyarrow", optional
            The first of these that is installed.
        """
        low, high = self.interval(level)
        g, p, k = self.values.shape
        columns: dict[str, Any] = {
            "cohort": [utf8(str(label)) for label in self.labels for _ in range(k * p)],
            "rows": np.repeat(self.counts, k * p),
            "output": [utf8(name) for name in self.outputs for _ in range(p)] * g,
            "part": [utf8(name) for name in self.parts] * (g * k),
        }
        numbers = {"mean_abs": self.values, "std_err": self.std_err, "low": low, "high": high}
        numbers["bias_bound"] = self.bias_bound
        columns |= {name: known(array.transpose(0, 2, 1)) for name, array in numbers.items()}
        return frame_of(columns, integers=("rows",), floats=tuple(numbers), backend=backend)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{label!r}: {count}" for label, count in zip(self.labels[:6], self.counts[:6], strict=True))
        more = ", ..." if len(self) > 6 else ""
        shape = f"{counted(len(self.parts), 'part')}, {counted(len(self.outputs), 'output')}"
        return f"GroupMeans({shape}; rows {{{sizes}{more}}})"

    def __str__(self) -> str:
        return "\n".join([repr(self), *(line for output in range(len(self.outputs)) for line in self._table(output))])

    def _table(self, output: int) -> list[str]:
        """The largest parts of one output, the cohorts side by side."""
        shown = min(len(self), _COHORTS)
        values, errors = self.values[:shown, :, output], self.std_err[:shown, :, output]
        kept, left = split(largest_first(np.nan_to_num(values).max(axis=0, initial=0.0)), _LINES)
        head = f"mean |contribution| to {clean(self.outputs[output], limit=30)}"
        columns = [[head, *("  " + elide(clean(self.parts[i]), limit=48) for i in kept)]]
        for label, count, value, error in zip(self.labels[:shown], self.counts[:shown], values, errors, strict=True):
            name = f"{clean(str(label), limit=24)} ({counted(int(count), 'row')})"
            columns.append([name, *with_errors(value[kept], error[kept], sign=False)])
        more = [f"  and {counted(len(left), 'smaller part')}"] if len(left) else []
        return ["", *aligned(columns), *more]

    def _position(self, label: Hashable) -> int:
        if label not in self.labels:
            raise InputError(f"label must be one of {list(self.labels[:8])}, got {label!r}")
        return self.labels.index(label)


def cohort_means(attribution: Attribution, by: Iterable[Hashable] | str, *, bins: int) -> GroupMeans:
    """See `Attribution.by`."""
    labels, cohort_of_row = cohorts(attribution, by, bins=bins)
    return _means(attribution, labels, cohort_of_row)


def overall_mean(attribution: Attribution) -> GroupMeans:
    """See `Attribution.mean_abs`."""
    return _means(attribution, (ALL_ROWS,), np.zeros(len(attribution), dtype=np.int64))


def _means(attribution: Attribution, labels: tuple[Hashable, ...], cohort_of_row: NDArray[np.int64]) -> GroupMeans:
    sizes, lift = np.abs(attribution.values), folding_lift(attribution.values, attribution.std_err)
    values, errors, bounds, lower = np.empty((4, len(labels), *attribution.values.shape[1:]))
    for cohort in range(len(labels)):
        rows = cohort_of_row == cohort
        values[cohort], errors[cohort] = mean_and_error(sizes[rows])
        bounds[cohort], _ = mean_and_error(lift[rows])
        _, lower[cohort] = mean_and_error(sizes[rows] - lift[rows])
    return GroupMeans(
        labels=labels,
        counts=np.bincount(cohort_of_row, minlength=len(labels)).astype(np.int64),
        values=values,
        std_err=errors,
        bias_bound=bounds,
        lower_std_err=np.where(np.isnan(bounds), errors, lower),
        parts=attribution.parts,
        outputs=attribution.outputs,
    )
