"""Importance: how much the loss of a model grows without a feature."""

from __future__ import annotations

from pellucid.importance.permutation import permutation_importance

__all__ = ["permutation_importance"]
