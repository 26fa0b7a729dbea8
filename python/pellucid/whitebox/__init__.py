"""Models whose inside is known: what a foreign model becomes when an adapter can read it."""

from pellucid.whitebox.additive import Additive
from pellucid.whitebox.decision_path import Condition, DecisionPath, Step
from pellucid.whitebox.forest import Forest
from pellucid.whitebox.linear import Linear
from pellucid.whitebox.links import LINKS, Link, apply_link
from pellucid.whitebox.tree import Tree

__all__ = ["LINKS", "Additive", "Condition", "DecisionPath", "Forest", "Linear", "Link", "Step", "Tree", "apply_link"]
