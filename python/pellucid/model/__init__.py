"""The one door to user code: every prediction of a model goes through here."""

from __future__ import annotations

from pellucid.model.model import Model

__all__ = ["Model"]
