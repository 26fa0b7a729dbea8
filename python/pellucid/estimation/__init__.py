"""Estimators: they know games, not models or tables."""

from __future__ import annotations

from pellucid.estimation.lime_alphas import MaskMoments, mask_moments
from pellucid.estimation.lime_forest_limits import forest_lime_limit
from pellucid.estimation.lime_gaussian_limit import gaussian_lime_limit
from pellucid.estimation.lime_limits import lime_limit, mask_pattern_limit
from pellucid.estimation.lime_tabular_limits import bin_measure, tabular_lime_limit
from pellucid.estimation.partial_order import PartialOrder
from pellucid.estimation.shapley_values import shapley_values

__all__ = [
    "MaskMoments",
    "PartialOrder",
    "bin_measure",
    "forest_lime_limit",
    "gaussian_lime_limit",
    "lime_limit",
    "mask_moments",
    "mask_pattern_limit",
    "shapley_values",
    "tabular_lime_limit",
]
