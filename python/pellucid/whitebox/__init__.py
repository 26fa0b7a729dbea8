"""Models whose inside is known: what a foreign model becomes when an adapter can read it."""

from pellucid.whitebox.forest import Forest

__all__ = ["Forest"]
