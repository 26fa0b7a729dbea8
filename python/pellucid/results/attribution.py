"""What an explainer returns: how much each part of each row moved each output, and how sure that is."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import partial
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid._student import checked_level
from pellucid.errors import InputError
from pellucid.results import checks
from pellucid.results.canvas import Canvas, check_canvas
from pellucid.results.lazy import Lazy
from pellucid.results.means import GroupMeans, cohort_means, overall_mean
from pellucid.results.ranking import Contribution, display_limit, largest_first, ranked, row_index
from pellucid.results.report import Report
from pellucid.results.text import number

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Attribution:
    """Contributions of p parts to k outputs for n explained rows; k is never squeezed.

        predictions = base_values + sum over parts of values + residual

    Every array is kept as a read-only copy. Two attributions are equal when everything but the times of their
    reports is.

    Parameters
    ----------
    values : (n, p, k)
        Contribution of each part, in the unit of the model's output (after the link). Finite.
    base_values, predictions : (n, k)
        The output with every part hidden, and with none hidden; NaN where not known.
    std_err : (n, p, k) or None
        Standard errors of `values`; from few samples widened by Student's t, so that 1.96 of one is the t interval.
        None: the values are exact. NaN: not known.
    background_std_err : (n, p, k), optional
        Standard errors of `values` if the background rows are a sample of a larger population: what other rows of the
        same kind could change. Apart from `std_err`, which takes the background as it is; squares add up.
    parts : tuple of str, (p,)
    outputs : tuple of str, (k,)
    data : (n, p), optional
        Codes of the parts; NaN for a missing value and for a part made of several columns.
    display : (n, p) of str, optional
        The same as a person reads them, or a function that tells when somebody asks.
    selected : (n, k) int64, optional
        Which output of the model each column is for that row, with ``outputs="predicted"`` or ``"top:3"``.
    selected_names : tuple of str
        The names `selected` points into.
    report : Report
        How the numbers were made, or a function that tells when somebody asks.
    canvas : TextSpans or Segments, optional
        The text or the image whose places the p parts are, for pictures: of one explained input, so n is 1.

    Raises
    ------
    InputError
        When shapes do not fit each other, or a value is not finite.

    Examples
    --------
    >>> a = Attribution.from_array([[0.5, -0.2]], parts=["age", "income"], base_values=1.0, std_err=0.01)
    >>> a.values.shape, a.predictions
    ((1, 2, 1), array([[1.3]]))
    >>> a.top(1)
    [Contribution(part='age', value=0.5, std_err=0.01)]
    """

    values: Floats
    base_values: Floats
    predictions: Floats
    std_err: Floats | None
    background_std_err: Floats | None = None
    parts: tuple[str, ...]
    outputs: tuple[str, ...]
    data: Floats | None = None
    display: NDArray[np.str_] | Any = None
    selected: NDArray[np.int64] | None = None
    selected_names: tuple[str, ...] = ()
    report: Report | Any
    canvas: Canvas | None = None
    _continue: Callable[[int], Attribution] | None = field(default=None, compare=False)

    _BY_ROW: ClassVar[tuple[str, ...]] = (
        "values",
        "base_values",
        "predictions",
        "std_err",
        "background_std_err",
        "data",
        "display",
        "selected",
    )

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        values = checks.floats("values", self.values)
        if values.ndim != 3 or values.shape[1] == 0 or values.shape[2] == 0:
            raise InputError(
                "values must have shape (n rows, p parts, k outputs) with p and k at least 1, got "
                f"{values.shape}; Attribution.from_array takes fewer dimensions"
            )
        if not np.isfinite(values).all():
            row, part, output = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise InputError(
                f"values must be finite, got {values[row, part, output]} at row {row}, part {part}, output {output}"
            )
        n, p, k = values.shape
        put("values", checks.frozen(values))
        put("base_values", checks.frozen_floats("base_values", self.base_values, (n, k), "(n, k)"))
        put("predictions", checks.frozen_floats("predictions", self.predictions, (n, k), "(n, k)"))
        if self.std_err is not None:
            std_err = checks.frozen_floats("std_err", self.std_err, (n, p, k), "(n, p, k)")
            if (std_err < 0).any():
                raise InputError(f"std_err must not be negative, got {std_err.min()}; NaN stands for not known")
            put("std_err", std_err)
        if self.background_std_err is not None:
            background = checks.frozen_floats("background_std_err", self.background_std_err, (n, p, k), "(n, p, k)")
            if (background < 0).any():
                raise InputError(f"background_std_err must not be negative, got {background.min()}")
            put("background_std_err", background)
        put("parts", checks.names("parts", self.parts, p, letter="parts"))
        put("outputs", checks.names("outputs", self.outputs, k, letter="outputs"))
        if self.data is not None:
            put("data", checks.frozen_floats("data", self.data, (n, p), "(n, p)"))
        if callable(self.display):
            Lazy.put(self, "display", partial(_shown, self.display, (n, p)))
        elif self.display is not None:
            put("display", checks.strings(self.display, (n, p)))
        put("selected_names", checks.names("selected_names", self.selected_names, None, letter="outputs"))
        if self.selected is not None:
            put("selected", checks.selected(self.selected, (n, k), len(self.selected_names)))
        check_canvas(self.canvas, rows=n, parts=p)
        if callable(self.report):
            Lazy.put(self, "report", lambda make=self.report: checks.report(make(), n))
        else:
            checks.report(self.report, n)

    @property
    def residual(self) -> Floats:
        """predictions - base_values - values.sum(axis=1), (n, k); rounding only, for a complete method."""
        total: Floats = self.base_values + self.values.sum(axis=1)
        return self.predictions - total

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Normal confidence intervals values -+ z std_err, (n, p, k) each; low = high where exact."""
        z = NormalDist().inv_cdf(0.5 + checked_level(level) / 2)
        if self.std_err is None:
            return self.values, self.values
        reach = z * self.std_err
        return self.values - reach, self.values + reach

    def top(self, k: int = 5, *, row: int | None = 0, output: int | str = 0) -> list[Contribution]:
        """The k largest |values| of one row, or with ``row=None`` the k largest means of |values|."""
        where = checks.find("output", output, self.outputs)
        count = display_limit(k, argument="k")
        if row is None:
            means = self.mean_abs()
            return ranked(self.parts, means.values[0, :, where], means.std_err[0, :, where])[:count]
        at = row_index(self, row)
        values = self.values[at, :, where]
        errors = None if self.std_err is None else self.std_err[at, :, where]
        return [
            Contribution(self.parts[i], float(values[i]), None if errors is None else float(errors[i]))
            for i in self._ranked(at, where)[:count]
        ]

    def mean_abs(self) -> GroupMeans:
        """Mean of |values| over all rows, with standard errors and intervals over rows: global importance.

        One cohort, called "all rows"; `GroupMeans` says what its intervals cover.
        """
        return overall_mean(self)

    def by(self, by: Iterable[Hashable] | str, *, bins: int = 4) -> GroupMeans:
        """Mean |values| in each cohort of rows, with standard errors over the rows of the cohort.

        Parameters
        ----------
        by : (n,) or str
            One label for each explained row, e.g. the true class; or the name of a part, whose values make the
            cohorts: its categories, or for numbers each value alone where there are at most `bins`.
        bins : int
            With more, numbers fall into so many bins of about equal size, called "18 to 27" by the smallest and the
            largest value inside; equal values stay together, missing ones apart.
        """
        return cohort_means(self, by, bins=bins)

    def output_label(self, *, row: int, output: int | str = 0) -> str:
        """The name of an output, with the one chosen for this row: "predicted: malignant"."""
        where = checks.find("output", output, self.outputs)
        if self.selected is None or not self.selected_names:
            return self.outputs[where]
        return f"{self.outputs[where]}: {self.selected_names[self.selected[row_index(self, row), where]]}"

    def refine(self, budget: int) -> Attribution:
        """Go on where the estimate stopped, until `budget` model rows per explained row are spent in all.

        Raises
        ------
        InputError : this attribution cannot go on: it was loaded, unpickled, sliced, imported or made by
            estimation.shapley_values.
        BudgetError : so many rows are spent already.
        """
        if self._continue is None:
            raise InputError(
                "refine needs an attribution as its explainer returned it, with its model; this one is "
                "loaded, unpickled, sliced, imported or made by estimation.shapley_values, which cannot go on: "
                "explain again with a larger budget"
            )
        return self._continue(budget)

    def to_frame(self, *, backend: str | None = None) -> Any:
        """A long table with the columns row, output, part, value, attribution, std_err.

        Parameters
        ----------
        backend : "pandas", "polars" or "pyarrow", optional
            The first of these that is installed.
        """
        from pellucid.results.frames import to_frame

        return to_frame(self, backend=backend)

    def to_shap(self, *, output: int | str | None = None) -> Any:
        """A `shap.Explanation` for shap's plots (needs shap), of one output or of all.

        It is (n, p) for one output, also when k is 1, since shap's plots expect that; else (n, p, k).
        """
        from pellucid.results.shap_bridge import to_shap

        return to_shap(self, output=output)

    @classmethod
    def from_shap(cls, explanation: Any, *, outputs: Iterable[str] | None = None) -> Attribution:
        """From a `shap.Explanation`, or anything with values, base_values, data and feature_names.

        Standard errors are not known then (NaN).
        """
        from pellucid.results.shap_bridge import from_shap

        return from_shap(explanation, outputs=outputs)

    @classmethod
    def from_array(
        cls,
        values: ArrayLike,
        *,
        parts: Iterable[str] | None = None,
        outputs: Iterable[str] | None = None,
        base_values: ArrayLike = np.nan,
        predictions: ArrayLike | None = None,
        std_err: ArrayLike | None = np.nan,
        data: ArrayLike | None = None,
        display: ArrayLike | None = None,
        report: Report | None = None,
    ) -> Attribution:
        """From plain arrays, e.g. of another library.

        Parameters
        ----------
        values : (p,), (n, p) or (n, p, k)
        base_values, predictions : broadcast to (n, k)
            NaN: not known. predictions=None: base_values plus the sum of the values.
        std_err : broadcast to the shape of values
            NaN: not known. None: the values are exact.
        """
        from pellucid.results.shap_bridge import from_array

        return from_array(
            values,
            parts=parts,
            outputs=outputs,
            base_values=base_values,
            predictions=predictions,
            std_err=std_err,
            data=data,
            display=display,
            report=report,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one .npz file, whole or not at all; the suffix is yours to choose."""
        from pellucid.results.saving import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Attribution:
        """Read a file of `save`. Nothing in it is trusted, nothing is unpickled or imported.

        Raises
        ------
        SaveFormatError
            When the file is damaged, is none of ours, or was written by a newer pellucid.
        """
        from pellucid.results.saving import load

        return load(path)

    def _has(self, output: int) -> NDArray[np.bool_]:
        """(n, p): the parts that have a value; a sparse surrogate leaves some out."""
        return np.broadcast_to(np.True_, self.values.shape[:2])

    def _ranked(self, row: int, output: int) -> NDArray[np.intp]:
        """The parts of a row that have a value, the largest |value| first."""
        order = largest_first(self.values[row, :, output])
        ranked: NDArray[np.intp] = order[self._has(output)[row, order]]
        return ranked

    def _ever_has(self, output: int) -> NDArray[np.bool_]:
        """(p,): the parts that have a value in some row."""
        found: NDArray[np.bool_] = np.asarray(self._has(output).any(axis=0))
        return found

    def _line(self, row: int, part: int) -> tuple[str, str]:
        """What stands beside the value of a part: its name, and how a person reads it, "" where that is not known."""
        if self.display is not None:
            return self.parts[part], str(self.display[row, part])
        x = np.nan if self.data is None else float(self.data[row, part])
        return self.parts[part], "" if np.isnan(x) else number(x)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Attribution]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, rows: Any) -> Attribution:
        """Some of the rows, by index, slice, positions or mask; the axis of rows stays.

        A canvas stays where one row does.
        """
        if isinstance(rows, tuple):
            raise InputError(
                "rows must be an index, a slice, positions or a mask, got a tuple: an attribution is indexed by rows "
                "alone; choose an output with output=... of the plots and of top, or with outputs= of the explainer, "
                "and take numbers from .values[row, part, output]"
            )
        index = checks.positions(rows, len(self))

        def taken(array: NDArray[Any] | None) -> Any:
            return None if array is None else array[index]

        kept: dict[str, Any] = {name: taken(getattr(self, name)) for name in self._BY_ROW}
        canvas = self.canvas if len(index) == 1 else None
        return replace(self, report=self.report.rows(int(i) for i in index), canvas=canvas, _continue=None, **kept)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(checks.same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.compare)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        self.display, self.report  # noqa: B018  what makes them later may not travel
        return {**self.__dict__, "_continue": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        checks.freeze(state)
        self.__dict__.update(state)

    def __repr__(self) -> str:
        from pellucid.results.table import one_line

        return one_line(self)

    def __str__(self) -> str:
        from pellucid.results.table import table

        return table(self)

    def _repr_html_(self) -> str:
        from pellucid.results.html import fragment

        return fragment(self)


def _shown(make: Callable[[], Any], shape: tuple[int, int]) -> NDArray[np.str_]:
    return checks.strings(make(), shape)


# To make the texts and the report takes longer than all the rest of a small attribution.
Attribution.display = Lazy("display", None)
Attribution.report = Lazy("report", None)
