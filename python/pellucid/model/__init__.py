"""The one door to user code: every prediction of a model goes through here."""

from __future__ import annotations

from pellucid.model.model import Model
from pellucid.model.probe import ROWS as PROBE_ROWS

__all__ = ["PROBE_ROWS", "Model"]
