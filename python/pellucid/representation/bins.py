"""Where a column is cut into bins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_whole, shown
from pellucid.errors import InputError

Array = NDArray[np.float64]

_COUNTS = {"quartile": 4, "decile": 10}
# An entropy tree of this depth has at most eight leaves, so a column gets at most eight bins.
_TREE_DEPTH = 3


def quantile_edges(values: Array, weights: Array | None, *, count: int) -> Array:
    """The inner edges of `count` bins of equal weight: at most count - 1 of them, where values are tied fewer.

    Between two values the edge is interpolated as `numpy.quantile` does; with weights (n,) it is the least value whose
    cumulative weight reaches the share. An edge at the largest value is left out: nothing lies above it.

    >>> quantile_edges(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), None, count=4).tolist()
    [2.0, 3.0, 4.0]
    """
    shares = np.arange(1, count) / count
    if weights is None:
        edges = np.quantile(values, shares)
    else:
        order = np.argsort(values, kind="stable")
        cumulative = np.cumsum(weights[order])
        # A share that the sum misses by rounding counts as reached.
        places = np.searchsorted(cumulative, shares * cumulative[-1] * (1.0 - 1e-12))
        edges = values[order][np.minimum(places, len(values) - 1)]
    edges = np.unique(edges)
    return np.asarray(edges[edges < values.max()])


def entropy_edges(values: Array, labels: Any, weights: Array | None) -> Array:
    """The thresholds of a tree of depth 3 that splits `labels` (n,) by entropy; the median where it has none.

    Needs scikit-learn. Thresholds lie in the middle between two values.
    """
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(criterion="entropy", max_depth=_TREE_DEPTH, random_state=0)
    tree.fit(values[:, None], labels, sample_weight=weights)
    edges = np.unique(tree.tree_.threshold[tree.tree_.children_left >= 0])
    if len(edges):
        return np.asarray(edges, dtype=np.float64)
    return quantile_edges(values, weights, count=2)


def given_edges(edges: Any, *, argument: str) -> Array:
    """Edges of the user's own, ascending and finite; none of them is one bin."""
    try:
        array = np.asarray(edges, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument} must be numbers, the inner edges of the bins, got {shown(edges)}") from error
    if array.ndim != 1 or not np.isfinite(array).all() or (np.diff(array) <= 0).any():
        raise InputError(
            f"{argument} must be finite numbers in ascending order, the inner edges of the bins, got {shown(edges)}"
        )
    return array


def checked_bins(bins: Any) -> Any:
    """Refuses what is neither a name, nor a number of bins, nor edges by feature."""
    if isinstance(bins, Mapping) or (isinstance(bins, str) and bins in (*_COUNTS, "entropy")):
        return bins
    if is_whole(bins) and 1 <= int(bins) <= 1000:
        return int(bins)
    raise InputError(
        f"bins must be 'quartile', 'decile', 'entropy', a number of bins from 1 to 1000, edges as a dict by feature, "
        f"or None for none, got {shown(bins)}"
    )


def checked_labels(labels: Any, *, rows: int) -> NDArray[Any]:
    """Classes (n,) for the entropy bins."""
    if labels is None:
        raise InputError("labels must be given for bins='entropy', one class per training row; or use bins='quartile'")
    array = np.asarray(labels)
    if array.shape != (rows,):
        raise InputError(f"labels must have shape ({rows},), one per training row, got {array.shape}")
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.rint(array))).all():
        raise InputError("labels must be classes for bins='entropy', got fractions; use bins='quartile' or 'decile'")
    return array


def edges_of(values: Array, weights: Array | None, labels: Any, *, bins: Any) -> Array:
    """The inner edges for the present values (n,) of one column under a rule of `checked_bins` that is no dict."""
    if bins == "entropy":
        return entropy_edges(values, labels, weights)
    return quantile_edges(values, weights, count=_COUNTS.get(bins, bins))
