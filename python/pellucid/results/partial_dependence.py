"""Partial dependence of a model on one feature or two, with the curves of single rows."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._student import checked_level, student_interval
from pellucid.errors import InputError
from pellucid.results import archive, checks
from pellucid.results.frames import frame_of, known, utf8
from pellucid.results.report import Report
from pellucid.results.text import aligned, clean, counted, elide, with_errors

Floats = NDArray[np.float64]

_POINTS = 14
_OUTPUTS = 3


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PartialDependence:
    """Mean output over the rows at each point of a grid; `partial_dependence` makes it.

    `std_err` is over rows: how far the mean over all rows of the same kind may be, at one point. For these rows
    themselves the mean is exact. Errors of neighbouring points go together: a curve may well lie a little too high
    everywhere. Its form is known better, by `std_err_centred`, the error of the difference to the first point;
    `centred` takes that view. The intervals are those of single points, not of the whole curve at once.

    Parameters
    ----------
    features : tuple of str, (1,) or (2,)
    kinds : tuple of str
        "numeric", "integer", "datetime", "ordinal", "categorical", "boolean" or "one-hot".
    grids : tuple of (g,)
        Codes of the points on each axis: the number itself, microseconds since 1970, the position of the category; NaN,
        at the end, for missing.
    labels : tuple of tuples of str
        The same as a person reads them.
    data : (n, 1) or (n, 2)
        Where the rows stand on the axes; NaN for missing.
    values, std_err, std_err_centred : (g, k), or (g1, g2, k) for two features
        Standard errors are widened by Student's t, so that 1.96 of one is the t interval; NaN for a single row.
    freedom : float
        Degrees of freedom of the errors: rows less one; fewer with weights.
    curves : (m, g, k), optional
        Individual conditional expectations of the rows `rows` (m,) of X. One feature only.
    rows : (m,) int64
    outputs : tuple of str, (k,)
    is_centred : bool
        Whether everything is relative to the first point.
    report : Report

    Raises
    ------
    InputError
        When shapes do not fit each other, or a value is not finite.

    Examples
    --------
    >>> from pellucid.effects import partial_dependence
    >>> X = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]])
    >>> effect = partial_dependence(lambda rows: rows.prod(axis=1), X, features="x0")
    >>> effect.values.shape, effect.labels
    ((3, 1), (('0', '1', '2'),))
    """

    features: tuple[str, ...]
    kinds: tuple[str, ...]
    grids: tuple[Floats, ...]
    labels: tuple[tuple[str, ...], ...]
    data: Floats
    values: Floats
    std_err: Floats
    std_err_centred: Floats
    freedom: float
    curves: Floats | None = None
    rows: NDArray[np.int64]
    outputs: tuple[str, ...]
    is_centred: bool = False
    report: Report

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        axes = len(checks.names("features", self.features, None, letter="features"))
        if axes not in (1, 2) or not len(self.grids) == len(self.labels) == axes:
            raise InputError(f"features must be one or two, each with its grid and labels, got {axes}")
        grids = [checks.floats("grids", grid) for grid in self.grids]
        if any(grid.ndim != 1 or len(grid) == 0 for grid in grids):
            raise InputError("grids must hold at least one point on each axis, in one dimension")
        k = len(tuple(self.outputs))
        shape = (*map(len, grids), k)
        put("features", checks.names("features", self.features, axes, letter="features"))
        put("kinds", checks.names("kinds", self.kinds, axes, letter="features"))
        put("grids", tuple(map(checks.frozen, grids)))
        put(
            "labels",
            tuple(
                checks.names("labels", own, len(grid), letter="points")
                for own, grid in zip(self.labels, grids, strict=True)
            ),
        )
        put("outputs", checks.names("outputs", self.outputs, k, letter="outputs"))
        data = checks.floats("data", self.data)
        put("data", checks.frozen_floats("data", data, (len(np.atleast_1d(data)), axes), "(n, features)"))
        for name in ("values", "std_err", "std_err_centred"):
            put(name, checks.frozen_floats(name, getattr(self, name), shape, "(points, ..., k)"))
        if k == 0 or not np.isfinite(self.values).all() or (self.std_err < 0).any() or (self.std_err_centred < 0).any():
            raise InputError("values must be finite, of at least one output, and their errors not negative")
        rows = np.asarray(self.rows)
        if rows.ndim != 1 or (rows.dtype.kind not in "iu" and rows.size):
            raise InputError(f"rows must be positions (m,) of the rows that have a curve, got {checks.described(rows)}")
        put("rows", checks.frozen(rows.astype(np.int64)))
        if self.curves is not None:
            put("curves", checks.frozen_floats("curves", self.curves, (len(rows), *shape), "(m, g, k)"))
        put("freedom", float(checks.frozen_floats("freedom", self.freedom, (), "()")))
        if not isinstance(self.is_centred, bool):
            raise InputError(f"is_centred must be True or False, got {self.is_centred!r}")
        if not isinstance(self.report, Report):
            raise InputError(f"report must be a Report, got {type(self.report).__name__}")

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Student's t intervals over rows, point by point, in the shape of the values."""
        freedom = np.full(self.values.shape, self.freedom)
        return student_interval(self.values, self.std_err, freedom, checked_level(level))

    def centred(self) -> PartialDependence:
        """Differences to the first point of the grid, curve by curve: c-ICE of [goldstein2015], and their mean."""
        if self.is_centred:
            return self
        first = self.values[(0,) * len(self.features)]
        return replace(
            self,
            values=self.values - first,
            std_err=self.std_err_centred,
            curves=None if self.curves is None else self.curves - self.curves[:, :1],
            is_centred=True,
        )

    def to_frame(self, *, level: float = 0.95, backend: str | None = None) -> Any:
        """A long table, one line for each output and point: output, value, grid, mean, std_err, low, high.

        `value` is the text and `grid` the code of a point; for two features `value_2` and `grid_2` follow.

        Parameters
        ----------
        level : of the intervals from low to high.
        backend : "pandas", "polars" or "pyarrow", optional
            The first of these that is installed.
        """
        low, high = self.interval(level)
        shape, k = self.values.shape[:-1], len(self.outputs)
        columns: dict[str, Any] = {"output": [utf8(name) for name in self.outputs for _ in range(int(np.prod(shape)))]}
        floats = []
        for axis, place in enumerate(np.indices(shape).reshape(len(shape), -1)):
            ending = f"_{axis + 1}" if axis else ""
            columns["value" + ending] = [utf8(self.labels[axis][i]) for i in place] * k
            columns["grid" + ending] = known(np.tile(self.grids[axis][place], k))
            floats.append("grid" + ending)
        numbers = {"mean": self.values, "std_err": self.std_err, "low": low, "high": high}
        columns |= {name: known(np.moveaxis(array, -1, 0)) for name, array in numbers.items()}
        return frame_of(columns, floats=(*floats, *numbers), backend=backend)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one .npz file, whole or not at all; the suffix is yours to choose."""
        arrays = {f"grid_{axis}": grid for axis, grid in enumerate(self.grids)}
        arrays |= {name: getattr(self, name) for name in _FORMAT.arrays if not name.startswith("grid_")}
        lists = {name: list(getattr(self, name)) for name in ("features", "kinds", "outputs")}
        labels = [list(own) for own in self.labels]
        single = {"freedom": self.freedom, "is_centred": self.is_centred, "report": self.report.to_dict()}
        archive.write(path, _FORMAT, arrays=arrays, fields={**lists, "labels": labels, **single})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PartialDependence:
        """Read a file of `save`. Nothing in it is trusted, nothing is unpickled or imported.

        Raises
        ------
        SaveFormatError
            When the file is damaged, is none of ours, or was written by a newer pellucid.
        """
        return archive.read(path, _FORMAT, make=_made)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PartialDependence):
            return NotImplemented
        pairs = [(getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.name != "grids"]
        pairs += [(len(self.grids), len(other.grids)), *zip(self.grids, other.grids, strict=False)]
        return all(checks.same(a, b) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]

    def __setstate__(self, state: dict[str, Any]) -> None:
        checks.freeze({**state, **{f"grid_{axis}": grid for axis, grid in enumerate(state["grids"])}})
        self.__dict__.update(state)

    def __repr__(self) -> str:
        names = " and ".join(clean(name, limit=40) for name in self.features)
        model = f" of {clean(self.report.model)}" if self.report.model else ""
        shape = " x ".join(str(len(grid)) for grid in self.grids)
        points = f"{shape} points, {counted(len(self.data), 'row')}, {counted(len(self.outputs), 'output')}"
        return f"PartialDependence({names}{model}; {points}{'; centred' if self.is_centred else ''})"

    def __str__(self) -> str:
        lines = [repr(self)]
        if len(self.features) == 1:
            shown = np.unique(np.linspace(0, len(self.grids[0]) - 1, _POINTS).round().astype(np.int64))
            columns = [
                [clean(self.features[0], limit=40), *("  " + elide(clean(self.labels[0][i]), limit=40) for i in shown)]
            ]
            for output, name in enumerate(self.outputs[:_OUTPUTS]):
                numbers = with_errors(self.values[shown, output], self.std_err[shown, output], sign=self.is_centred)
                columns.append([clean(name, limit=30), *numbers])
            lines += ["", *aligned(columns)]
            more = len(self.grids[0]) - len(shown)
            lines += [f"  and {counted(more, 'more point')}"] if more else []
        return "\n".join(lines + [f"warning: {clean(warning, limit=300)}" for warning in self.report.warnings])


_FORMAT = archive.Format(
    name="partial dependence",
    owner="PartialDependence.save",
    arrays={
        "grid_0": "f",
        "grid_1": "f",
        "data": "f",
        "values": "f",
        "std_err": "f",
        "std_err_centred": "f",
        "curves": "f",
        "rows": "i",
    },
    optional=frozenset({"grid_1", "curves"}),
    fields=frozenset({"features", "kinds", "outputs", "labels", "freedom", "is_centred", "report"}),
)


def _made(arrays: dict[str, Any], fields: dict[str, Any]) -> PartialDependence:
    features, kinds, outputs, labels = archive.listed(fields, "features", "kinds", "outputs", "labels")
    grids = tuple(grid for grid in (arrays.pop("grid_0"), arrays.pop("grid_1")) if grid is not None)
    single = {name: fields[name] for name in ("freedom", "is_centred")}
    report = Report.from_dict(fields["report"])
    return PartialDependence(
        features=features, kinds=kinds, outputs=outputs, labels=labels, grids=grids, report=report, **single, **arrays
    )
