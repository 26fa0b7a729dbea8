"""Attributions: how much each part of a row moved the model's output."""

from __future__ import annotations

from pellucid.attribution.interactions import ShapleyInteractions, interactions
from pellucid.attribution.lime import Lime, lime
from pellucid.attribution.shapley import Shapley, shapley
from pellucid.attribution.submodular import Pick, submodular_pick

__all__ = ["Lime", "Pick", "Shapley", "ShapleyInteractions", "interactions", "lime", "shapley", "submodular_pick"]
