"""Attributions: how much each part of a row moved the model's output."""

from __future__ import annotations

from pellucid.attribution.interactions import ShapleyInteractions, interactions
from pellucid.attribution.shapley import Shapley, shapley

__all__ = ["Shapley", "ShapleyInteractions", "interactions", "shapley"]
