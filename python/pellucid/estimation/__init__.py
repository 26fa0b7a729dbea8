"""Estimators: they know games, not models or tables."""

from __future__ import annotations

from pellucid.estimation.shapley_values import shapley_values

__all__ = ["shapley_values"]
