"""Results: frozen, picklable, drawn elsewhere."""

from pellucid.results.attribution import Attribution
from pellucid.results.difference import MeanDifference
from pellucid.results.importance import Importance
from pellucid.results.interactions import Interactions, PairContribution
from pellucid.results.lime_limit import LimeLimit, LimitDistance, distance_to_limit
from pellucid.results.local import LocalExplanation
from pellucid.results.means import GroupMeans
from pellucid.results.partial_dependence import PartialDependence
from pellucid.results.ranking import Contribution
from pellucid.results.report import Report
from pellucid.results.segments import Segments, superpixel_mask
from pellucid.results.text_spans import TextSpans

__all__ = [
    "Attribution",
    "Contribution",
    "GroupMeans",
    "Importance",
    "Interactions",
    "LimeLimit",
    "LimitDistance",
    "LocalExplanation",
    "MeanDifference",
    "PairContribution",
    "PartialDependence",
    "Report",
    "Segments",
    "TextSpans",
    "distance_to_limit",
    "superpixel_mask",
]
