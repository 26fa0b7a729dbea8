"""Explains any model that can predict, and says how far its own explanations can be trusted."""

from __future__ import annotations

from pellucid import estimation, games
from pellucid.attribution import Shapley, shapley
from pellucid.errors import (
    BudgetError,
    InputError,
    ModelFormatError,
    ModelOutputError,
    NumericalError,
    PellucidError,
    PellucidWarning,
    SaveFormatError,
)
from pellucid.model import Model
from pellucid.results import Attribution, Report
from pellucid.space import Feature, Space

__version__ = "0.1.0"

__all__ = [
    "Attribution",
    "BudgetError",
    "Feature",
    "InputError",
    "Model",
    "ModelFormatError",
    "ModelOutputError",
    "NumericalError",
    "PellucidError",
    "PellucidWarning",
    "Report",
    "SaveFormatError",
    "Shapley",
    "Space",
    "estimation",
    "games",
    "shapley",
]
