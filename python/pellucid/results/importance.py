"""Importance of parts for the loss of a model, with two kinds of errors."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._student import checked_level, student_interval
from pellucid.errors import InputError
from pellucid.results import archive, checks
from pellucid.results.frames import frame_of, known, utf8
from pellucid.results.ranking import Contribution, display_limit, largest_first, ranked, split
from pellucid.results.report import Report
from pellucid.results.text import aligned, clean, counted, duration, elide, number, with_errors

Floats = NDArray[np.float64]

OVER = ("rows", "repeats")
_LINES = 12
_FORMAT = archive.Format(
    name="importance",
    owner="Importance.save",
    arrays={"values": "f", "std_err": "f", "std_err_repeats": "f", "repeats": "f", "increases": "f"},
    optional=frozenset({"increases"}),
    fields=frozenset({"parts", "baseline", "n_rows", "metric", "report"}),
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Importance:
    """How much the mean loss grows without each of p parts; `permutation_importance` makes it.

    Two standard errors answer two questions. `std_err` is over rows: how far the importance on all rows of the same
    kind may be from that on these; it includes the sampling of permutations. `std_err_repeats` is over permutations
    alone: how far another seed would move the number for these same rows. Both are widened by Student's t, so that
    1.96 of one is the t interval; NaN where unknown. None of them knows of another training of the model.

    Parameters
    ----------
    values : (p,)
        Increase of the mean loss, in the unit of the loss. Below 0 the model does better without; small negative values
        are noise.
    std_err, std_err_repeats : (p,)
    baseline : float
        Mean loss of the rows as they are.
    repeats : (R, p)
        The increase in each permutation.
    increases : (n, p), optional
        The increase of each row, mean over the permutations.
    n_rows : int
    metric : str
    parts : tuple of str, (p,)
    report : Report

    Raises
    ------
    InputError
        When shapes do not fit each other, or a value is not finite.

    Examples
    --------
    >>> from pellucid.importance import permutation_importance
    >>> X = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
    >>> importance = permutation_importance(lambda rows: rows @ [1.0, 3.0], X, X @ [1.0, 3.0])
    >>> importance.top(1)[0].part, importance.n_rows
    ('x1', 4)
    """

    values: Floats
    std_err: Floats
    std_err_repeats: Floats
    baseline: float
    repeats: Floats
    increases: Floats | None = None
    n_rows: int
    metric: str
    parts: tuple[str, ...]
    report: Report

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        values = checks.floats("values", self.values)
        if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
            raise InputError(f"values must be finite and of shape (p parts,), got {checks.described(values)}")
        p = len(values)
        put("values", checks.frozen(values))
        for name in ("std_err", "std_err_repeats"):
            error = checks.frozen_floats(name, getattr(self, name), (p,), "(p,)")
            if (error < 0).any():
                raise InputError(f"{name} must not be negative, got {error.min()}; NaN stands for not known")
            put(name, error)
        repeats = checks.floats("repeats", self.repeats)
        put("repeats", checks.frozen_floats("repeats", repeats, (len(np.atleast_1d(repeats)), p), "(R, p)"))
        put("n_rows", checks.whole("n_rows", self.n_rows))
        put("baseline", float(checks.frozen_floats("baseline", self.baseline, (), "()")))
        put("metric", checks.names("metric", [self.metric], 1, letter="metrics")[0])
        if self.increases is not None:
            put("increases", checks.frozen_floats("increases", self.increases, (self.n_rows, p), "(n, p)"))
        put("parts", checks.names("parts", self.parts, p, letter="parts"))
        if not isinstance(self.report, Report):
            raise InputError(f"report must be a Report, got {type(self.report).__name__}")

    @property
    def ratios(self) -> Floats:
        """Loss with a permuted part over the loss as it is, (p,): the model reliance of [fisher2019]; 1 is no use."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.baseline + self.values) / self.baseline)

    def interval(self, level: float = 0.95, *, over: str = "rows") -> tuple[Floats, Floats]:
        """Student's t intervals (p,) each, over "rows" or over "repeats"; NaN where that error is not known."""
        if over not in OVER:
            raise InputError(f"over must be 'rows' or 'repeats', got {over!r}")
        errors = self.std_err if over == "rows" else self.std_err_repeats
        freedom = np.full(len(self.values), (self.n_rows if over == "rows" else len(self.repeats)) - 1.0)
        return student_interval(self.values, errors, freedom, checked_level(level))

    def errors(self) -> tuple[Floats, str]:
        """The standard errors over rows where they are known, else those over repeats; and which they are."""
        return (self.std_err_repeats, "repeats") if np.isnan(self.std_err).all() else (self.std_err, "rows")

    def top(self, k: int = 5) -> list[Contribution]:
        """The k most important parts."""
        return ranked(self.parts, self.values, self.errors()[0])[: display_limit(k)]

    def to_frame(self, *, level: float = 0.95, backend: str | None = None) -> Any:
        """A table with the columns part, importance, std_err, low, high, std_err_repeats, ratio.

        Parameters
        ----------
        level : of the intervals over rows, from low to high.
        backend : "pandas", "polars" or "pyarrow", optional
            The first of these that is installed.
        """
        low, high = self.interval(level)
        numbers = {"importance": self.values, "std_err": self.std_err, "low": low, "high": high}
        numbers |= {"std_err_repeats": self.std_err_repeats, "ratio": self.ratios}
        columns: dict[str, Any] = {"part": [utf8(name) for name in self.parts]}
        columns |= {name: known(array) for name, array in numbers.items()}
        return frame_of(columns, floats=tuple(numbers), backend=backend)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one .npz file, whole or not at all; the suffix is yours to choose."""
        fields = {"parts": list(self.parts), "report": self.report.to_dict()}
        fields |= {name: getattr(self, name) for name in ("baseline", "n_rows", "metric")}
        archive.write(path, _FORMAT, arrays={name: getattr(self, name) for name in _FORMAT.arrays}, fields=fields)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Importance:
        """Read a file of `save`. Nothing in it is trusted, nothing is unpickled or imported.

        Raises
        ------
        SaveFormatError
            When the file is damaged, is none of ours, or was written by a newer pellucid.
        """
        return archive.read(path, _FORMAT, make=_made)

    def __len__(self) -> int:
        return len(self.parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Importance):
            return NotImplemented
        return all(checks.same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]

    def __setstate__(self, state: dict[str, Any]) -> None:
        checks.freeze(state)
        self.__dict__.update(state)

    def __repr__(self) -> str:
        model = f" of {clean(self.report.model)}" if self.report.model else ""
        shape = f"{counted(len(self.parts), 'part')}, {counted(self.n_rows, 'row')}"
        return f"Importance({shape}; {clean(self.report.method)}{model}; {clean(self.metric, limit=40)})"

    def __str__(self) -> str:
        errors, over = self.errors()
        kept, left = split(largest_first(self.values), _LINES)
        numbers = with_errors(self.values[kept], errors[kept])
        head = f"increase of {clean(self.metric, limit=40)}"
        names = [head, *("  " + elide(clean(self.parts[i]), limit=48) for i in kept)]
        cost = f"{counted(len(self.repeats), 'permutation')}, {duration(self.report.seconds)}; "
        lines = [
            repr(self),
            f"  {cost}{head.removeprefix('increase of ')} of the rows as they are {number(self.baseline)}",
        ]
        lines += ["", *aligned([names, [f"± standard error over {over}", *numbers]])]
        lines += [f"  and {counted(len(left), 'smaller part')}"] if len(left) else []
        return "\n".join(lines + [f"warning: {clean(warning, limit=300)}" for warning in self.report.warnings])


def _made(arrays: dict[str, Any], fields: dict[str, Any]) -> Importance:
    (parts,) = archive.listed(fields, "parts")
    fields = {**fields, "parts": parts, "report": Report.from_dict(fields["report"])}
    return Importance(**arrays, **fields)
