"""Estimates of single rows as arrays over all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation.estimate import Estimate

Array = NDArray[np.float64]


def stacked(parts: list[Array], shape: tuple[int, ...]) -> Array:
    return np.stack(parts) if parts else np.empty(shape)


def background_errors(estimates: list[Estimate]) -> Array | None:
    found = [estimate.background_std_err for estimate in estimates]
    known = [error for error in found if error is not None]
    return np.stack(known) if known and len(known) == len(found) else None


def errors(estimate: Estimate) -> Array:
    return np.zeros_like(estimate.values) if estimate.std_err is None else estimate.std_err
