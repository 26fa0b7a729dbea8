"""Effects: what a model answers when a feature is set to one value after the other."""

from __future__ import annotations

from pellucid.effects.partial_dependence import partial_dependence

__all__ = ["partial_dependence"]
