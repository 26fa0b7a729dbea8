"""Coefficients of a local surrogate, with how far the surrogate can be trusted."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results import checks
from pellucid.results.attribution import Attribution, Floats
from pellucid.results.ranking import row_index


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LocalExplanation(Attribution):
    r"""Coefficients of the surrogate fitted around each row: an `Attribution` whose values add up to its prediction.

        local_predictions = base_values + sum over parts of values, where every part is present (1) or not (0)

    Then `base_values` is the intercept, what the surrogate predicts with no part present. Where a part is a measurement
    and not a switch, its value is the slope of the surrogate, and the intercept belongs to z = 0.

    Parameters
    ----------
    local_predictions : (n, k)
        What the surrogate predicts at the explained row; compare with `predictions`.
    r2 : (n, k)
        Weighted share of the variance of the model around the row that the surrogate explains; NaN where the model is
        constant there.
    effective_rows : (n,)
        (sum w)^2 / sum w^2 of the kernel weights: how many equally weighted samples they are worth. Of trees, whose
        surrogate is exact, the samples of `r2`.
    order : (n, p, k) int64
        The place at which a part entered a sparse surrogate, from 0; -1: left out, its value is 0. All 0 where all
        parts were fitted together.
    surrogates : tuple of n tuples of k
        The fitted surrogates, where they are not linear. Not saved.

    Others as `Attribution`.

    Examples
    --------
    >>> from pellucid import Lime
    >>> rows = np.random.default_rng(0).normal(size=(200, 3))
    >>> explanation = Lime(lambda rows: rows[:, 0] > 0.5, rows, max_features=1)(rows[:1])
    >>> [part for part, _ in explanation.as_list()]
    ['-0.1021 < x0 <= 0.6626']
    """

    local_predictions: Floats
    r2: Floats
    effective_rows: Floats
    order: NDArray[np.int64]
    surrogates: tuple[tuple[Any, ...], ...] = field(default=(), compare=False)

    _BY_ROW: ClassVar[tuple[str, ...]] = (*Attribution._BY_ROW, "local_predictions", "r2", "effective_rows", "order")

    def __post_init__(self) -> None:
        super().__post_init__()
        n, p, k = self.values.shape
        for name, shape, letters in (
            ("local_predictions", (n, k), "(n, k)"),
            ("r2", (n, k), "(n, k)"),
            ("effective_rows", (n,), "(n,)"),
        ):
            object.__setattr__(self, name, checks.frozen_floats(name, getattr(self, name), shape, letters))
        order = np.array(self.order, dtype=np.int64)
        if order.shape != (n, p, k):
            raise InputError(f"order must have shape {(n, p, k)}, (n, p, k), got {order.shape}")
        object.__setattr__(self, "order", checks.frozen(order))

    @property
    def residual(self) -> Floats:
        """predictions - local_predictions, (n, k): what the surrogate misses at the explained row itself."""
        return self.predictions - self.local_predictions

    @property
    def adds_up(self) -> bool:
        """Whether base_values + sum of values = local_predictions, as where no value is the slope of a measurement."""
        total = self.base_values + self.values.sum(axis=1)
        scale = np.abs(self.base_values) + np.abs(self.values).sum(axis=1)
        return bool((np.abs(self.local_predictions - total) <= 1e-9 * scale).all())

    def as_list(self, *, row: int = 0, output: int | str = 0) -> list[tuple[str, float]]:
        """(part, coefficient) of the parts in the surrogate, the largest first."""
        where = checks.find("output", output, self.outputs)
        at = row_index(self, row)
        return [(self._line(at, part)[0], value) for part, value in self.as_map(row=row)[where]]

    def as_map(self, *, row: int = 0) -> dict[int, list[tuple[int, float]]]:
        """For each output its (index of the part, coefficient), the largest first."""
        at = row_index(self, row)
        found = {}
        for output in range(len(self.outputs)):
            values = self.values[at, :, output]
            found[output] = [(int(part), float(values[part])) for part in self._ranked(at, output)]
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one .npz file, whole or not at all; fitted surrogates that are not linear stay behind."""
        from pellucid.results.saving import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LocalExplanation:
        """Read a file of `save`, as `Attribution.load` does.

        Raises
        ------
        SaveFormatError
            When the file is damaged, is none of ours, or was written by a newer pellucid.
        """
        from pellucid.results.saving import load_local

        return load_local(path)

    def _has(self, output: int) -> NDArray[np.bool_]:
        return np.asarray(self.order[:, :, output] >= 0)

    def _line(self, row: int, part: int) -> tuple[str, str]:
        """What the surrogate says of the part, alone: the bin it is in, "2.5 < age <= 3.1", where it is one."""
        text = "" if self.display is None else str(self.display[row, part])
        return text if self.parts[part] in text else self.parts[part], ""
