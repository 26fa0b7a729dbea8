"""The one declaration of the features, and how every container becomes float64 codes and back."""

from __future__ import annotations

from pellucid.space.causal import CausalOrder
from pellucid.space.features import Feature
from pellucid.space.given import space_of
from pellucid.space.space import Space, generated_names

__all__ = ["CausalOrder", "Feature", "Space", "generated_names", "space_of"]
