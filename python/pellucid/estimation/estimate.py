"""What an estimator of Shapley values returns for one game."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation.student import student_factor

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Values of one game, how sure they are, and what was played for them.

    Attributes
    ----------
    values : (p, k).
    std_err : (p, k); None when nothing was sampled, NaN where the sample is too small to tell.
    coalitions : how many (coalition, draw) pairs were played, the ends not counted.
    rule : the estimator in words, for the report.
    size, unit : how many of what it was given, "pairs of coalitions" for instance.
    reached : the tolerance was met, or nothing was sampled, or no tolerance was asked.
    out_of_time : a time limit ended the sampling.
    warnings : what the reader must know.
    limits : how many units had been played at the end of each stage.
    played : the targets already paid for, stage by stage, from where `refine` goes on.
    paid : coalitions paid for in all; more than `coalitions` where some had to be played again.
    background_std_err : (p, k), of the values if the draws are a sample of a larger population; None where unknown.
    rows : model rows that they cost; None is one for each.
    explained : share of the half differences that control variates tell of pairs they have not seen (their
        cross-fitted R squared), of the output where it is least; None without.
    """

    values: Array
    std_err: Array | None
    coalitions: int
    rule: str
    size: int
    unit: str
    reached: bool = True
    out_of_time: bool = False
    warnings: tuple[str, ...] = ()
    limits: tuple[int, ...] = ()
    played: tuple[Any, ...] = field(default=(), repr=False)
    paid: int = 0
    background_std_err: Array | None = None
    rows: int | None = None
    explained: float | None = None

    def __post_init__(self) -> None:
        if not self.paid:
            object.__setattr__(self, "paid", self.coalitions)


def described(estimates: Sequence[Estimate]) -> str:
    """How the estimates were made, each rule once with the range of its sizes, and how well control variates fit."""
    sizes: dict[tuple[str, str], list[int]] = {}
    explained: dict[tuple[str, str], list[float]] = {}
    for estimate in estimates:
        key = estimate.unit, estimate.rule
        sizes.setdefault(key, []).append(estimate.size)
        if estimate.explained is not None:
            explained.setdefault(key, []).append(estimate.explained)
    return "; ".join(f"{_range(found)} {key[0]}, {key[1]}{_fits(explained.get(key))}" for key, found in sizes.items())


def _fits(shares: list[float] | None) -> str:
    if not shares:
        return ""
    low, high = f"{min(shares):.3f}", f"{max(shares):.3f}"
    return f", cross-fitted R² {low}" + ("" if low == high else f" to {high}")


def _range(sizes: list[int]) -> str:
    low, high = min(sizes), max(sizes)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def background_error(variance: Array, weights: Array) -> Array | None:
    """Standard error of the mean over the draws from its variance, widened for few draws; None for a single draw."""
    if not np.isfinite(variance).all():
        return None
    effective = 1.0 / float(weights @ weights)
    return np.sqrt(variance) * student_factor(max(1, int(effective - 1.0 + 1e-9)))


def precise_enough(values: Array, std_err: Array, tolerance: float) -> bool:
    """Whether, with 95 % confidence, no value errs by more than tolerance (max - min of the values), for every output.

    The chances of the values to err by more are added up: they may be correlated in any way.
    """
    if not np.isfinite(std_err).all():
        return False
    reach = tolerance * (values.max(axis=0) - values.min(axis=0))
    for allowed, errors in zip(reach, std_err.T, strict=True):
        outside = sum(math.erfc(allowed / (math.sqrt(2.0) * error)) for error in errors if error > 0.0)
        if outside > 0.05:
            return False
    return True
