"""Estimators: they know games, not models or tables."""

from __future__ import annotations

from pellucid.estimation.partial_order import PartialOrder
from pellucid.estimation.shapley_values import shapley_values

__all__ = ["PartialOrder", "shapley_values"]
