"""Plots with matplotlib: an attribution in, Axes out. Nothing is shown, saved or set globally."""

from pellucid.plots.bar import bar
from pellucid.plots.beeswarm import beeswarm
from pellucid.plots.compare import compare
from pellucid.plots.scatter import scatter
from pellucid.plots.waterfall import waterfall

__all__ = ["bar", "beeswarm", "compare", "scatter", "waterfall"]
