"""The cells of a feature, learnt from training rows: bins of a number, categories, members of a one-hot group."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.representation.cells import CellLaw, Values, point, truncated_normal, uniform
from pellucid.space import Feature
from pellucid.space.codes import displayed, number_text

Array = NDArray[np.float64]


class Moments(NamedTuple):
    mean: float
    deviation: float


def moments_of(values: Array, weights: Array) -> Moments:
    """Mean and standard deviation under weights, 0 exactly where the values are equal."""
    largest = float(np.abs(values).max())
    if values.min() == values.max() or largest == 0.0:
        return Moments(float(values[0]), 0.0)
    # Squares of huge values would overflow.
    scaled, total = values / largest, weights.sum()
    mean = float((weights * scaled).sum() / total)
    variance = float((weights * (scaled - mean) ** 2).sum() / total)
    return Moments(mean * largest, math.sqrt(variance) * largest)


def text_of(feature: Feature, code: float) -> str:
    """A value or an edge as people read it, where an edge may lie between two whole numbers."""
    if feature.kind in ("numeric", "integer") and code == code:
        return number_text(code)
    return displayed(feature, np.array([code]))[0]


def value_label(feature: Feature, code: float) -> str:
    return f"{feature.name} missing" if code != code else f"{feature.name} = {text_of(feature, code)}"


def binned(feature: Feature, column: int, *, values: Array, weights: Array, edges: Array, inside: str) -> CellLaw:
    """Bins (low, high] of the codes (n,) of one column, and a cell of missing values where there are any.

    `inside` is "gaussian" (a normal law with the moments of the bin, cut at its edges, and at the least and greatest
    value of training at the ends), "uniform" between the same bounds, or "rows", the training values of the bin.
    """
    present = ~np.isnan(values)
    known, known_weights = values[present], weights[present]
    bin_of = np.searchsorted(edges, known)
    masses: Array = np.bincount(bin_of, weights=known_weights, minlength=len(edges) + 1).astype(np.float64)
    least = float(known.min()) if len(known) else 0.0
    greatest = float(known.max()) if len(known) else 0.0
    cuts = edges.tolist()
    lows, highs = [min([least, *cuts]), *cuts], [*cuts, max([greatest, *cuts])]
    whole = feature.kind != "numeric"
    laws = []
    for b, (low, high) in enumerate(zip(lows, highs, strict=True)):
        members = bin_of == b
        if not members.any():
            laws.append(point(high))
            continue
        first = _above(low, whole=whole) if b else low
        last = math.floor(high) if whole else high
        if inside == "uniform":
            laws.append([*uniform(low, high, least=first)[:-1], last])
        else:
            mean, deviation = moments_of(known[members], known_weights[members])
            cut = truncated_normal(mean, deviation, low=low, high=high, least=first)
            laws.append(cut if cut[3] == 0.0 else [*cut[:-1], last])
    labels = _bin_labels(feature, edges, least=least, greatest=greatest)
    missing = len(laws) if not present.all() else None
    if missing is not None:
        laws.append(point(math.nan))
        masses = np.append(masses, weights[~present].sum())
        labels = (*labels, value_label(feature, math.nan))
    drawn = Values("linear" if inside == "uniform" else "normal", np.array(laws), whole)
    if inside == "rows":
        drawn = _listed(known, known_weights, bin_of, laws)
    law = CellLaw(feature.name, (column,), masses, labels, (drawn,), cuts, (), missing, len(values))
    if len(known) and least < greatest:
        mean, deviation = moments_of(known, known_weights)
        if deviation > 0.0:
            law = law.with_moments(mean, deviation)
    return law


def categories(feature: Feature, column: int, *, values: Array, weights: Array, frequency: str) -> CellLaw:
    """A cell for each code (n,) seen, missing values among them; as often as seen, or equally often."""
    codes, masses = _counted(values, weights, frequency)
    drawn = Values("linear", np.array([point(code) for code in codes]))
    labels = tuple(value_label(feature, code) for code in codes)
    missing = len(codes) - 1 if codes[-1] != codes[-1] else None
    return CellLaw(feature.name, (column,), masses, labels, (drawn,), None, codes, missing, len(values))


def one_hot(
    name: str, columns: list[int], *, members: list[str], codes: Array, weights: Array, frequency: str
) -> CellLaw:
    """A cell for each member (n, c) seen hot, for none of them, and for missing values."""
    places, masses = _counted(hot_member(codes), weights, frequency)
    drawn = []
    for member in range(len(columns)):
        hot = [point(math.nan if place != place else float(place == member)) for place in places]
        drawn.append(Values("linear", np.array(hot)))
    labels = tuple(hot_label(name, members, place) for place in places)
    missing = len(places) - 1 if places[-1] != places[-1] else None
    return CellLaw(name, tuple(columns), masses, labels, tuple(drawn), None, places, missing, len(codes), hot=True)


def hot_member(codes: Array) -> Array:
    """Which column of (n, c) is 1: its place, c for none, NaN where a value is missing."""
    place: Array = np.where(codes.any(axis=1), codes.argmax(axis=1), codes.shape[1]).astype(np.float64)
    place[np.isnan(codes).any(axis=1)] = np.nan
    return place


def hot_label(name: str, members: list[str], place: float) -> str:
    if place != place:
        return f"{name} missing"
    return f"{name} = {members[int(place)] if place < len(members) else 'none'}"


def _counted(values: Array, weights: Array, frequency: str) -> tuple[tuple[float, ...], Array]:
    """The distinct values, NaN last, and their masses."""
    codes, place = np.unique(values, return_inverse=True)
    masses: Array = np.bincount(place.reshape(-1), weights=weights, minlength=len(codes)).astype(np.float64)
    if frequency == "uniform":
        masses = np.full(len(codes), 1.0 / len(codes))
    return tuple(codes.tolist()), masses


def _listed(known: Array, weights: Array, bin_of: NDArray[np.intp], laws: list[list[float]]) -> Values:
    """The values of training in each cell in ascending order; a cell without any holds the point of its law."""
    values, shares, first = [], [], [0]
    for b, law in enumerate(laws):
        members = np.flatnonzero(bin_of == b)
        members = members[np.argsort(known[members], kind="stable")]
        if len(members):
            cumulative = np.cumsum(weights[members])
            values.append(known[members])
            shares.append(cumulative / cumulative[-1])
        else:
            values.append(np.array(law[:1]))
            shares.append(np.ones(1))
        first.append(first[-1] + len(values[-1]))
    return Values("listed", np.array(laws), False, np.concatenate(values), np.concatenate(shares), np.array(first))


def _above(edge: float, *, whole: bool) -> float:
    """The least value above an edge."""
    return math.floor(edge) + 1.0 if whole else math.nextafter(edge, math.inf)


def _bin_labels(feature: Feature, edges: Array, *, least: float, greatest: float) -> tuple[str, ...]:
    name = feature.name
    if not len(edges):
        return (value_label(feature, least) if least == greatest else f"any {name}",)
    texts = [text_of(feature, float(edge)) for edge in edges]
    inner = [f"{low} < {name} <= {high}" for low, high in itertools.pairwise(texts)]
    return (f"{name} <= {texts[0]}", *inner, f"{name} > {texts[-1]}")
