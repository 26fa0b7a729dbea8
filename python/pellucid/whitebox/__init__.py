"""Models whose inside is known: what a foreign model becomes when an adapter can read it."""

from pellucid.whitebox.additive import Additive
from pellucid.whitebox.forest import Forest
from pellucid.whitebox.linear import Linear

__all__ = ["Additive", "Forest", "Linear"]
