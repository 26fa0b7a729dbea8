"""How an explanation was made: enough to repeat it, to cite it and to doubt it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

import numpy as np

from pellucid.errors import InputError


@cache
def _version() -> str:
    from pellucid import __version__  # not at import, when the package is only half there

    return __version__


def _text(argument: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"report.{argument} must be a string, got {type(value).__name__}")
    return str(value)


def _whole(argument: str, value: Any) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise InputError(f"report.{argument} must be a whole number, got {type(value).__name__}")
    return int(value)


def _real(argument: str, value: Any) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"report.{argument} must be a number, got {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"report.{argument} must be finite and not negative, got {number}")
    return number


def _share(argument: str, value: Any) -> float:
    """At most 1; a bad fit can be worse than none, and then it is negative."""
    number = float(value) if isinstance(value, (int, float, np.integer, np.floating)) else math.nan
    if not number <= 1.0 + 1e-9:
        raise InputError(f"report.{argument} must hold numbers of at most 1, got {value!r}")
    return number


def _many(argument: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise InputError(f"report.{argument} must be a sequence, got {type(value).__name__}")
    return tuple(value)


def _flag(argument: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"report.{argument} must hold True or False, got {type(value).__name__}")
    return bool(value)


# The fields with an entry for each explained row.
PER_ROW = ("rows_per_row", "converged", "r2", "effective_rows")


@dataclass(frozen=True, kw_only=True)
class Report:
    """How the numbers of a result were obtained.

    Parameters
    ----------
    method : str
        The method that ran, e.g. "Shapley values by regression". Never another one than the values come from.
    why : str
        Why this method and not another (one sentence).
    rows_used : float
        Model rows paid for, mean over the explained rows. Computed when `rows_per_row` is given.
    rows_per_row : tuple of int, (n,) or ()
        The same for each explained row.
    seconds, seconds_outside_model : float
        Wall-clock time in seconds, in all and without the user's predict. Not compared by ==.
    converged : tuple of bool, (n,) or ()
        Whether `tolerance` was reached, for each explained row; () when there was none.
    budget, tolerance : int, float or None
        As asked for; None when not given.
    seed : int
        Same inputs and same seed give the same bits.
    model_output, model, link, value_function : str
        What was explained: "probability", "predict_proba of ...", "identity", "marginal".
    background_rows, coalitions : int
        Rows averaged over for a hidden part; distinct coalitions asked for, mean over the rows, 0 where the values
        were computed from the inside of the model.
    r2, effective_rows : tuple of float, (n,) or ()
        Of a local surrogate: the share of the model's variance around each row that it explains (the smallest of its
        outputs), and how many equally weighted samples its weighted ones are worth.
    largest_std_err, largest_background_std_err : float or None
        The largest standard error of the sampling, and of the background if its rows are a sample of more: what other
        rows of the same kind could change. None where one is not known.
    error_bound : float or None
        No value errs by more than this, by rounding; None where no bound is derived.
    warnings : tuple of str
        Whatever a careful reader should know.
    version : str
        The pellucid that made it.

    Raises
    ------
    InputError
        When a field has another type, or is negative or not finite.

    Examples
    --------
    >>> report = Report(method="Shapley values by regression", rows_per_row=(512, 256), converged=(True, True))
    >>> report.rows_used
    384.0
    >>> Report.from_dict(report.to_dict()) == report
    True
    """

    method: str
    why: str = ""
    rows_used: float = 0.0
    rows_per_row: tuple[int, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    seconds_outside_model: float = field(default=0.0, compare=False)
    converged: tuple[bool, ...] = ()
    budget: int | None = None
    tolerance: float | None = None
    seed: int = 0
    model_output: str = "value"
    model: str = ""
    link: str = "identity"
    value_function: str = ""
    background_rows: int = 0
    coalitions: int = 0
    r2: tuple[float, ...] = ()
    effective_rows: tuple[float, ...] = ()
    largest_std_err: float | None = None
    largest_background_std_err: float | None = None
    error_bound: float | None = None
    warnings: tuple[str, ...] = ()
    version: str = field(default_factory=_version)

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        for name in ("method", "why", "model_output", "model", "link", "value_function", "version"):
            put(name, _text(name, getattr(self, name)))
        for name in ("seconds", "seconds_outside_model", "rows_used"):
            put(name, _real(name, getattr(self, name)))
        for name in ("seed", "background_rows", "coalitions"):
            put(name, _whole(name, getattr(self, name)))
        put("budget", None if self.budget is None else _whole("budget", self.budget))
        put("tolerance", None if self.tolerance is None else _real("tolerance", self.tolerance))
        for name in ("largest_std_err", "largest_background_std_err", "error_bound"):
            value = getattr(self, name)
            put(name, None if value is None else _real(name, value))
        put("converged", tuple(_flag("converged", x) for x in _many("converged", self.converged)))
        put("r2", tuple(_share("r2", x) for x in _many("r2", self.r2)))
        put("effective_rows", tuple(_real("effective_rows", x) for x in _many("effective_rows", self.effective_rows)))
        put("warnings", tuple(_text("warnings", x) for x in _many("warnings", self.warnings)))
        rows = tuple(_whole("rows_per_row", x) for x in _many("rows_per_row", self.rows_per_row))
        put("rows_per_row", rows)
        if rows:
            put("rows_used", _real("rows_per_row", sum(rows)) / len(rows))

    def rows(self, index: Iterable[int]) -> Report:
        """The report of some of the explained rows (positions, not a mask)."""
        kept = list(index)
        parts = {name: getattr(self, name) for name in (f.name for f in fields(self))}
        for name in PER_ROW:
            if parts[name]:
                parts[name] = tuple(parts[name][i] for i in kept)
        return Report(**parts)

    def to_dict(self) -> dict[str, Any]:
        """Strings, numbers, booleans, None and lists of them: ready for JSON."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Report:
        """The inverse of `to_dict`. A field that is absent takes its default.

        Raises
        ------
        InputError
            When a field is unknown, or has the wrong type.
        """
        if not isinstance(values, Mapping):
            raise InputError(f"a report must be a mapping of its fields, got {type(values).__name__}")
        unknown = sorted(str(name) for name in set(values) - {f.name for f in fields(cls)})
        if unknown or "method" not in values:
            raise InputError(
                f"a report must have a method and no unknown field, got {unknown or 'no method'}; "
                "was it written by a newer pellucid?"
            )
        return cls(**values)
