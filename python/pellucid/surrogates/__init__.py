"""Surrogates: simple models that stand in for a complex one, near an instance or everywhere."""

from __future__ import annotations

from pellucid.surrogates.fused_lasso import FusedLasso
from pellucid.surrogates.mixture_regression import Lemna, MixtureComponent

__all__ = ["FusedLasso", "Lemna", "MixtureComponent"]
