"""Data and models for the laws: row by row deterministic to the last bit, so that batches cannot show."""

from __future__ import annotations

import numpy as np
from pellucid import Attribution, Interactions, LocalExplanation
from properties.registry import FEATURES, Method

_rng = np.random.default_rng(20)
X = _rng.normal(size=(3, FEATURES))
BACKGROUND = _rng.normal(size=(8, FEATURES))
WEIGHTS = _rng.gamma(2.0, size=8)


def background_of(method: Method) -> np.ndarray:
    return BACKGROUND[: method.background_rows].copy()


def additive(rows: np.ndarray) -> np.ndarray:
    return 2.0 * rows[:, 0] - rows[:, 1] + 0.5 * rows[:, 2] * rows[:, 2] + 3.0 * rows[:, 4] - rows[:, 6] + 1.0


def interacting(rows: np.ndarray) -> np.ndarray:
    """Interactions up to order 4; feature 3 does nothing."""
    return (
        additive(rows)
        + rows[:, 0] * rows[:, 1] * rows[:, 2]
        - np.where(rows[:, 4] > 0, rows[:, 5] * rows[:, 6], 0.5) * np.where(rows[:, 1] > rows[:, 0], 1.0, rows[:, 2])
    )


def two_outputs(rows: np.ndarray) -> np.ndarray:
    return np.column_stack([interacting(rows), additive(rows) - 2.0 * rows[:, 5] * rows[:, 2] * rows[:, 0]])


MODELS = {"additive": additive, "interacting": interacting, "two outputs": two_outputs}


def bits(attribution: Attribution | Interactions) -> list[bytes]:
    """Everything that must not depend on threads, batches and neighbours, for comparison bit for bit."""
    names = ["values", "base_values", "predictions", "std_err"]
    if isinstance(attribution, LocalExplanation):
        names += ["local_predictions", "r2", "effective_rows", "order"]
    arrays = [getattr(attribution, name) for name in names]
    return [array.tobytes() for array in arrays if array is not None]


def scale(attribution: Attribution | Interactions) -> float:
    return float(max(1.0, np.abs(attribution.predictions).max(), np.abs(attribution.values).max()))
