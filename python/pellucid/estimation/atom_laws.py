"""How likely a part of a row is to lie in each cell that a forest can tell apart, and what that says of its z."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.representation.cell_laws import hot_member
from pellucid.representation.cells import CellLaw, TiltedCells, Values
from pellucid.representation.lines import Line

Array = NDArray[np.float64]
# From codes (m, c) of the columns of a part to the numbers that the forest sees there.
Seen = Callable[[Array], Array]

# A normal law beyond so many standard deviations has no mass in doubles.
_REACH = 38.6
# Whole numbers over a wider range than this are weighed as what is rounded to them: off by 1 / (12 range^2).
_MOST_WHOLE = 2**17
# A cut normal law that is nearly flat: closed forms would lose their digits, and quadrature does not.
_FLAT = 1.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


class AtomLaw(NamedTuple):
    r"""The law of one part on its A atoms: the cells of its column and missing, or the members of its group.

    Attributes
    ----------
    q : (A,) probabilities.
    d : (A,) E[(z - E z) 1(atom)] / var z; 0 where z is constant.
    mean, variance : of z.
    """

    q: Array
    d: Array
    mean: float
    variance: float


def of_cells(part: TiltedCells, inside: Array) -> AtomLaw:
    """Of bins or categories whose cells have the probabilities `inside` (B, A): z is whether it is the cell of x."""
    masses, home = part.law.masses, part.home
    others = np.array(masses)
    others[home] = 0.0
    beside = math.fsum(others)
    tilted = beside * part.factor
    total = float(masses[home]) + tilted
    here = inside[home]
    if beside == 0.0 or tilted == 0.0:
        return AtomLaw(here, np.zeros_like(here), 1.0, 0.0)
    elsewhere = others @ inside / beside
    same, other = float(masses[home]) / total, tilted / total
    return AtomLaw(same * here + other * elsewhere, here - elsewhere, same, same * other)


def inside_cells(law: CellLaw, borders: Array, seen: Seen) -> Array:
    """(B, A) the probabilities of the atoms within each cell of a law."""
    from pellucid import _core

    if len(law.columns) > 1:
        return _inside_group(law, seen)
    values = law.values[0]
    if values.kind == "listed":
        return _inside_listed(values, borders)
    laws = values.laws
    if law.edges is None:
        laws = np.array(laws)
        laws[:, :1] = seen(laws[:, :1])
    return np.asarray(_core.cell_masses(np.ascontiguousarray(laws), borders, values.kind == "normal", values.whole))


def _inside_group(law: CellLaw, seen: Seen) -> Array:
    codes = seen(np.column_stack([values.laws[:, 0] for values in law.values]))
    members = codes.shape[1]
    place = hot_member(codes)
    missing = np.isnan(codes)
    whole = missing.all(axis=1) | (~missing.any(axis=1) & np.isin(codes, (0.0, 1.0)).all(axis=1))
    if not (whole & ~(np.nan_to_num(codes).sum(axis=1) > 1.0)).all():
        raise InputError(f"x must have one 1 at most among the columns of {law.name!r}, or miss all of them")
    atom = np.where(np.isnan(place), members + 1, place).astype(np.int64)
    return np.asarray(np.eye(members + 2)[atom])


def _inside_listed(values: Values, borders: Array) -> Array:
    first = values.first_of_cell
    masses = np.zeros((len(first) - 1, len(borders) + 2))
    for cell, (start, end) in enumerate(itertools.pairwise(first)):
        listed, shares = values.values[start:end], values.shares[start:end]
        atom = np.where(np.isnan(listed), len(borders) + 1, np.searchsorted(borders, listed))
        np.add.at(masses[cell], atom, np.diff(shares, prepend=0.0))
    return masses


def of_line(line: Line, borders: Array, *, centre: float, unit: float, scale: float) -> AtomLaw:
    """Of a number without bins, whose z is (value - centre) / unit * scale."""
    q, moments, mean, variance = _along(line, borders)
    d = moments / variance * (unit / scale) if variance > 0.0 else np.zeros_like(q)
    factor = scale / unit
    return AtomLaw(np.append(q, 0.0), np.append(d, 0.0), (mean - centre) * factor, variance * factor**2)


def _along(line: Line, borders: Array) -> tuple[Array, Array, float, float]:
    """Probabilities (C,) of the cells, E[(X - E X) 1(cell)] (C,), E X and var X."""
    low, high = _range(line)
    if not low < high:
        value = float(np.rint(low)) if line.law.whole else low
        q = np.zeros(len(borders) + 1)
        q[np.searchsorted(borders, value)] = 1.0
        return q, np.zeros_like(q), value, 0.0
    if not line.law.whole:
        return _smooth(line, borders)
    if high - low > _MOST_WHOLE:
        q, moments, mean, variance = _merged(line, np.floor(borders) + 0.5)
        return q, moments, mean, variance + 1.0 / 12.0
    numbers = np.arange(math.floor(low), math.ceil(high) + 1, dtype=np.float64)
    shares = _smooth(line, numbers[:-1] + 0.5)[0]
    mean = float(shares @ numbers)
    away = shares * (numbers - mean)
    cell = np.searchsorted(borders, numbers)
    q, moments = np.zeros((2, len(borders) + 1))
    np.add.at(q, cell, shares)
    np.add.at(moments, cell, away)
    return q, moments, mean, float(away @ (numbers - mean))


def _merged(line: Line, borders: Array) -> tuple[Array, Array, float, float]:
    """`_smooth` where borders may repeat: what lies between two equal ones has no mass."""
    apart = np.unique(borders)
    q, moments, mean, variance = _smooth(line, apart)
    cell = np.append(np.searchsorted(borders, apart), len(borders))
    spread = np.zeros((2, len(borders) + 1))
    spread[:, cell] = q, moments
    return spread[0], spread[1], mean, variance


def _range(line: Line) -> tuple[float, float]:
    """Between which numbers the column lies before it is made whole."""
    if line.cut is not None:
        _, _, _, span, least, greatest = line.cut
        return (least, greatest) if span != 0.0 else (line.cut[0], line.cut[0])
    if line.key[0] == "uniform":
        return line.offset, line.offset + line.scale
    reach = _REACH * line.scale
    return line.offset - reach, line.offset + reach


def _smooth(line: Line, borders: Array) -> tuple[Array, Array, float, float]:
    from pellucid import _core

    if line.cut is not None:
        return _cut(line.cut, borders)
    if line.key[0] == "normal":
        q, moments = _core.normal_cells((borders - line.offset) / line.scale)
        return q, line.scale * moments, line.offset, line.scale**2
    mean, ends = line.offset + 0.5 * line.scale, _ends(borders, line.offset, line.offset + line.scale)
    moments = 0.5 * np.diff(((ends - mean) / line.scale) ** 2) * line.scale
    return np.diff(ends) / line.scale, moments, mean, line.scale**2 / 12.0


def _ends(borders: Array, low: float, high: float) -> Array:
    return np.asarray(np.clip(np.concatenate([[low], borders, [high]]), low, high))


def _cut(law: tuple[float, ...], borders: Array) -> tuple[Array, Array, float, float]:
    """Of a normal law cut to an interval."""
    from pellucid import _core

    centre, deviation, low, high = law[0], abs(law[1]), law[4], law[5]
    ends = (_ends(borders, low, high) - centre) / deviation
    a, b = (low - centre) / deviation, (high - centre) / deviation
    if b - a < _FLAT:
        middle, half = 0.5 * (ends[1:] + ends[:-1]), 0.5 * np.diff(ends)
        t = middle[:, None] + half[:, None] * _NODES
        # Times e^{a^2/2}, which leaves digits where the interval is far from the centre.
        density = np.exp(-0.5 * (t - a) * (t + a)) * _WEIGHTS * half[:, None]
        density /= density.sum()
        shift = float((density * t).sum())
        q, moments = density.sum(axis=1), (density * (t - shift)).sum(axis=1)
        variance = float((density * (t - shift) ** 2).sum())
    else:
        q = np.asarray(_core.cell_masses(np.array([law]), borders, True, False))[0, :-1]
        density = np.exp(-0.5 * ends**2) / (abs(law[3]) * math.sqrt(2.0 * math.pi))
        first = -np.diff(density)
        shift = float(density[0] - density[-1])
        moments = first - shift * q
        variance = 1.0 + float(a * density[0] - b * density[-1]) - shift**2
    return q, deviation * moments, centre + deviation * shift, deviation**2 * variance
