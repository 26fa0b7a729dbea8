"""Models whose inside is known: what a foreign model becomes when an adapter can read it."""

from pellucid.whitebox.decision_path import Condition, DecisionPath, Step
from pellucid.whitebox.forest import Forest
from pellucid.whitebox.links import LINKS, Link, apply_link
from pellucid.whitebox.tree import Tree

__all__ = ["LINKS", "Condition", "DecisionPath", "Forest", "Link", "Step", "Tree", "apply_link"]
