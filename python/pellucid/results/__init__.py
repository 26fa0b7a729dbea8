"""Results: frozen, picklable, drawn elsewhere."""

from pellucid.results.attribution import Attribution, Contribution
from pellucid.results.interactions import Interactions, PairContribution
from pellucid.results.means import GroupMeans
from pellucid.results.report import Report

__all__ = ["Attribution", "Contribution", "GroupMeans", "Interactions", "PairContribution", "Report"]
