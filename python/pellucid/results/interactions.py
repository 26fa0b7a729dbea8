"""What an explainer of interactions returns: how much each pair of parts moved each output together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid._student import checked_level
from pellucid.errors import InputError
from pellucid.results import checks
from pellucid.results.attribution import Attribution
from pellucid.results.moments import mean_and_error
from pellucid.results.ranking import display_limit, largest_first, row_index
from pellucid.results.report import Report

Floats = NDArray[np.float64]


class PairContribution(NamedTuple):
    """One line of `Interactions.top`: the whole index of a pair, both halves of it."""

    first: str
    second: str
    value: float
    std_err: float | None


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Interactions:
    r"""Pairwise Shapley interactions of p parts for k outputs and n explained rows, as symmetric matrices.

    .. math:: \Phi_{ij} = I_{ij} / 2 \quad (i \ne j), \qquad \Phi_{ii} = \phi_i - \sum_{j \ne i} \Phi_{ij}, \qquad
              \text{predictions} = \text{base\_values} + \sum_{i, j} \Phi_{ij}

    with the Shapley value :math:`\phi_i` and the Shapley interaction index :math:`I_{ij}` [grabisch1999], which is
    shared equally by its two places of the matrix, as shap does. A row of the matrix sums to the Shapley value. The
    index itself is `index`. Every array is kept as a read-only copy.

    Parameters
    ----------
    values : (n, p, p, k)
        The matrices, in the unit of the model's output (after the link). Finite and symmetric.
    std_err : (n, p, p, k) or None
        Standard errors of `values`. None: the values are exact. NaN: not known.
    shapley_std_err : (n, p, k) or None
        Standard errors of the Shapley values.
    base_values, predictions, parts, outputs, data, display, selected, selected_names, report
        As in `Attribution`.

    Raises
    ------
    InputError
        When shapes do not fit each other, or a value is not finite.

    Examples
    --------
    >>> values = np.array([[0.5, 0.25], [0.25, 0.0]])[None, :, :, None]
    >>> nothing, report = np.zeros((1, 1)), Report(method="exact Shapley interactions")
    >>> found = Interactions(values=values, base_values=nothing, predictions=nothing + 1.0, parts=("a", "b"),
    ...                      outputs=("y",), report=report)
    >>> found.shapley.values[0, :, 0].tolist(), found.top(1)
    ([0.75, 0.25], [PairContribution(first='a', second='b', value=0.5, std_err=None)])
    """

    values: Floats
    std_err: Floats | None = None
    shapley_std_err: Floats | None = None
    base_values: Floats
    predictions: Floats
    parts: tuple[str, ...]
    outputs: tuple[str, ...]
    data: Floats | None = None
    display: NDArray[np.str_] | None = None
    selected: NDArray[np.int64] | None = None
    selected_names: tuple[str, ...] = ()
    report: Report
    shapley: Attribution = field(init=False, compare=False)

    def __post_init__(self) -> None:
        values = checks.floats("values", self.values)
        if values.ndim != 4 or values.shape[1] != values.shape[2]:
            raise InputError(f"values must have shape (n rows, p parts, p parts, k outputs), got {values.shape}")
        if not np.isfinite(values).all():
            raise InputError(f"values must be finite, got {values[~np.isfinite(values)][0]}")
        if not isinstance(self.report, Report):
            raise InputError(f"report must be a Report, got {type(self.report).__name__}")
        object.__setattr__(self, "values", _symmetric("values", values, values.shape))
        if self.std_err is not None:
            std_err = _symmetric("std_err", checks.floats("std_err", self.std_err), values.shape)
            if (std_err < 0).any():
                raise InputError(f"std_err must not be negative, got {std_err.min()}; NaN stands for not known")
            object.__setattr__(self, "std_err", std_err)
        # It checks all that the two have in common.
        shapley = Attribution(
            values=values.sum(axis=2),
            std_err=self.shapley_std_err,
            report=replace(self.report, method=self.report.method.replace("interactions", "values")),
            **{name: getattr(self, name) for name in _COMMON},
        )
        for name in _COMMON:
            object.__setattr__(self, name, getattr(shapley, name))
        object.__setattr__(self, "shapley_std_err", shapley.std_err)
        object.__setattr__(self, "shapley", shapley)

    @property
    def index(self) -> Floats:
        """The Shapley interaction index (n, p, p, k), 2 `values` off the diagonal; NaN on it, where there is none."""
        index: Floats = 2.0 * self.values
        diagonal = np.arange(len(self.parts))
        index[:, diagonal, diagonal] = np.nan
        return index

    @property
    def residual(self) -> Floats:
        """predictions - base_values - the sum of each matrix, (n, k); rounding only."""
        return self.shapley.residual

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Normal confidence intervals values -+ z std_err, (n, p, p, k) each; low = high where exact."""
        reach = NormalDist().inv_cdf(0.5 + checked_level(level) / 2)
        if self.std_err is None:
            return self.values, self.values
        return self.values - reach * self.std_err, self.values + reach * self.std_err

    def top(self, k: int = 5, *, row: int | None = 0, output: int | str = 0) -> list[PairContribution]:
        """The k pairs with the largest |index| in one row, or with ``row=None`` in the mean of |index| over the rows.

        With ``row=None`` the standard errors are those of the mean over rows.
        """
        where = checks.find("output", output, self.outputs)
        count = display_limit(k)
        first, second = np.triu_indices(len(self.parts), 1)
        pairs = 2.0 * self.values[:, first, second, where]
        errors: Floats | None
        if row is None:
            values, errors = mean_and_error(np.abs(pairs))
        else:
            at = row_index(self, row)
            values = pairs[at]
            errors = None if self.std_err is None else 2.0 * self.std_err[at, first, second, where]
        return [
            PairContribution(
                self.parts[first[i]],
                self.parts[second[i]],
                float(values[i]),
                None if errors is None else float(errors[i]),
            )
            for i in largest_first(values)[:count]
        ]

    def output_label(self, *, row: int, output: int | str = 0) -> str:
        """The name of an output, with the one chosen for this row: "predicted: malignant"."""
        return self.shapley.output_label(row=row, output=output)

    def to_frame(self, *, backend: str | None = None) -> Any:
        """A long table of all places of the matrices: row, output, first, second, interaction, std_err.

        Parameters
        ----------
        backend : "pandas", "polars" or "pyarrow", optional
            The first of these that is installed.
        """
        from pellucid.results.frames import interactions_to_frame

        return interactions_to_frame(self, backend=backend)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one .npz file, whole or not at all; the suffix is yours to choose."""
        from pellucid.results.saving import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Interactions:
        """Read a file of `save`. Nothing in it is trusted, nothing is unpickled or imported.

        Raises
        ------
        SaveFormatError
            When the file is damaged, is none of these, or was written by a newer pellucid.
        """
        from pellucid.results.saving import load_interactions

        return load_interactions(path)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Interactions]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, rows: Any) -> Interactions:
        """Some of the rows, by index, slice, positions or mask; the axis of rows stays."""
        if isinstance(rows, tuple):
            raise InputError(
                "rows must be an index, a slice, positions or a mask, got a tuple: interactions are indexed by rows "
                "alone; take numbers from .values[row, part, part, output]"
            )
        index = checks.positions(rows, len(self))
        arrays = ("values", "std_err", "shapley_std_err", "base_values", "predictions", "data", "display", "selected")
        kept: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[index] for name in arrays
        }
        return replace(self, report=self.report.rows(int(i) for i in index), **kept)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Interactions):
            return NotImplemented
        return all(checks.same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.compare)

    __hash__ = None  # type: ignore[assignment]

    def __setstate__(self, state: dict[str, Any]) -> None:
        checks.freeze(state)
        self.__dict__.update(state)

    def __repr__(self) -> str:
        from pellucid.results.interactions_text import one_line

        return one_line(self)

    def __str__(self) -> str:
        from pellucid.results.interactions_text import table

        return table(self)

    def _repr_html_(self) -> str:
        from pellucid.results.interactions_text import fragment

        return fragment(self)


_COMMON = ("base_values", "predictions", "parts", "outputs", "data", "display", "selected", "selected_names")


def _symmetric(argument: str, array: Floats, shape: tuple[int, ...]) -> Floats:
    if array.shape != shape:
        raise InputError(f"{argument} must have shape (n, p, p, k) = {shape}, got {array.shape}")
    if not np.array_equal(array, array.transpose(0, 2, 1, 3), equal_nan=True):
        raise InputError(f"{argument} must be symmetric in the two parts, got another matrix than its transpose")
    return checks.frozen(array)
