"""Explains any model that can predict, and says how far its own explanations can be trusted."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pellucid import estimation, games, surrogates, whitebox
from pellucid.adapters.read_forest import read_forest
from pellucid.adapters.read_linear import read_linear
from pellucid.attribution import Lime, Shapley, ShapleyInteractions, interactions, lime, shapley, submodular_pick
from pellucid.effects import partial_dependence
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
from pellucid.estimation import PartialOrder, forest_lime_limit, lime_limit
from pellucid.importance import permutation_importance
from pellucid.model import Model
from pellucid.representation import Superpixels, Words
from pellucid.results import Attribution, Importance, Interactions, LocalExplanation, PartialDependence, Report
from pellucid.space import CausalOrder, Feature, Space

if TYPE_CHECKING:
    from pellucid import plots

__version__ = "0.1.0"

__all__ = [
    "Attribution",
    "BudgetError",
    "CausalOrder",
    "Feature",
    "Importance",
    "InputError",
    "Interactions",
    "Lime",
    "LocalExplanation",
    "Model",
    "ModelFormatError",
    "ModelOutputError",
    "NumericalError",
    "PartialDependence",
    "PartialOrder",
    "PellucidError",
    "PellucidWarning",
    "Report",
    "SaveFormatError",
    "Shapley",
    "ShapleyInteractions",
    "Space",
    "Superpixels",
    "Words",
    "estimation",
    "forest_lime_limit",
    "games",
    "interactions",
    "lime",
    "lime_limit",
    "partial_dependence",
    "permutation_importance",
    "plots",
    "read_forest",
    "read_linear",
    "shapley",
    "submodular_pick",
    "surrogates",
    "whitebox",
]


def __getattr__(name: str) -> Any:
    # Importing the package stays light: the plots come when somebody asks for them.
    if name == "plots":
        return import_module("pellucid.plots")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
