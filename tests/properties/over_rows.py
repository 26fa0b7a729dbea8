"""An explainer of representations asked about the rows of a table: each row is one, and the background its draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from pellucid import Lime, LocalExplanation
from pellucid.representation import Representation, Tabular

STACKED = ("values", "base_values", "predictions", "std_err", "local_predictions", "r2", "effective_rows", "order")


class Halves:
    """A representation of one's own: two parts for each feature, and each brings half of the way to x."""

    def __init__(self, x: Any, background: Any, *, weights: Any) -> None:
        rows = Tabular(x, background, weights=weights)
        self.x, self.background, self.n_draws, self.weights = rows.x, rows.background, rows.n_draws, rows.weights
        self.parts = tuple(f"{half} of {name}" for half in ("one", "other") for name in rows.parts)

    def compose(self, masks: Any, draws: Any, out: Any = None) -> Any:
        one, other = np.hsplit(np.asarray(masks, dtype=np.float64), 2)
        absent = self.background[draws]
        return absent + (one + other) * (self.x - absent) / 2.0


class OverRows:
    """Explains row by row, and puts the explanations on top of each other."""

    def __init__(
        self, explainer: Lime, background: Any, *, weights: Any, parts: Callable[..., Representation] = Tabular
    ) -> None:
        self.explainer, self.background, self.parts = explainer, np.array(background), parts
        self.weights = None if weights is None else np.array(weights)

    def __call__(self, X: Any) -> LocalExplanation:
        found = self.explainer([self.parts(x, self.background, weights=self.weights) for x in X])
        arrays = {name: [getattr(one, name) for one in found] for name in STACKED}
        stacked = {name: np.concatenate(each) for name, each in arrays.items() if each[0] is not None}
        report = replace(found[0].report, rows_per_row=(), converged=(), r2=(), effective_rows=())
        return replace(found[0], report=report, display=None, **stacked)

    def __repr__(self) -> str:
        return f"OverRows({self.explainer!r})"
