"""Plots with matplotlib: a result in, Axes out. Nothing is shown, saved or set globally."""

from pellucid.plots.bar import bar
from pellucid.plots.beeswarm import beeswarm
from pellucid.plots.compare import compare
from pellucid.plots.dependence import dependence
from pellucid.plots.image import image
from pellucid.plots.importance import importance
from pellucid.plots.interactions import interactions
from pellucid.plots.local import local
from pellucid.plots.partial_dependence import partial_dependence
from pellucid.plots.scatter import scatter
from pellucid.plots.text import text
from pellucid.plots.waterfall import waterfall

__all__ = [
    "bar",
    "beeswarm",
    "compare",
    "dependence",
    "image",
    "importance",
    "interactions",
    "local",
    "partial_dependence",
    "scatter",
    "text",
    "waterfall",
]
