"""Means of |values| over rows: what "global importance" is here."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results.checks import described

if TYPE_CHECKING:
    from pellucid.results.attribution import Attribution


@dataclass(frozen=True, eq=False, repr=False)
class GroupMeans:
    """Mean |values| of each group of rows.

    Parameters
    ----------
    labels : tuple, (g,)
        The groups, in the order of their first row.
    counts : (g,) int64
        Rows in each.
    values : (g, p, k)
        Mean of |values| over the rows of the group, in the unit of the model's output.
    std_err : (g, p, k)
        Standard error of that mean over rows, NaN for a group of one row.
    parts, outputs : tuple of str
        As in the attribution.
    """

    labels: tuple[Any, ...]
    counts: NDArray[np.int64]
    values: NDArray[np.float64]
    std_err: NDArray[np.float64]
    parts: tuple[str, ...]
    outputs: tuple[str, ...]

    def __getitem__(self, label: Hashable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The means (p, k) of one group and their standard errors (p, k)."""
        if label not in self.labels:
            raise InputError(f"label must be one of {list(self.labels[:8])}, got {label!r}")
        group = self.labels.index(label)
        return self.values[group], self.std_err[group]

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{label!r}: {count}" for label, count in zip(self.labels[:6], self.counts[:6], strict=True))
        more = ", ..." if len(self) > 6 else ""
        return f"GroupMeans({len(self.parts)} parts, {len(self.outputs)} outputs; rows {{{sizes}{more}}})"


def mean_and_error(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over the first axis and s / sqrt(n), the standard error of that mean; NaN where n is too small."""
    n = len(values)
    if n == 0:
        unknown = np.full(values.shape[1:], np.nan)
        return unknown, unknown
    mean = values.mean(axis=0)
    if n == 1:
        return mean, np.full(values.shape[1:], np.nan)
    return mean, values.std(axis=0, ddof=1) / math.sqrt(n)


def group_means(attribution: Attribution, labels: Iterable[Hashable]) -> GroupMeans:
    """See `Attribution.by`."""
    group_of_row = _codes(labels, len(attribution))
    groups = list(dict.fromkeys(group_of_row))
    position = {label: i for i, label in enumerate(groups)}
    codes = np.array([position[label] for label in group_of_row], dtype=np.int64)
    moments = [mean_and_error(np.abs(attribution.values[codes == i])) for i in range(len(groups))]
    shape = (len(groups), *attribution.values.shape[1:])
    return GroupMeans(
        labels=tuple(groups),
        counts=np.bincount(codes, minlength=len(groups)).astype(np.int64),
        values=np.array([mean for mean, _ in moments]).reshape(shape),
        std_err=np.array([error for _, error in moments]).reshape(shape),
        parts=attribution.parts,
        outputs=attribution.outputs,
    )


def _codes(labels: Iterable[Hashable], n: int) -> list[Hashable]:
    if isinstance(labels, (str, bytes)) or not isinstance(labels, Iterable):
        raise InputError(f"labels must hold one label for each of the {n} rows, got {described(labels)}")
    if isinstance(labels, np.ndarray):
        labels = labels.tolist()
    found = ["missing" if isinstance(label, float) and math.isnan(label) else label for label in labels]
    if len(found) != n:
        raise InputError(f"labels must hold one label for each of the {n} rows, got {len(found)}")
    for label in found:
        try:
            hash(label)
        except TypeError:
            raise InputError(
                f"labels must be hashable, got {described(label)}; pass one label per row, not a table"
            ) from None
    return found
