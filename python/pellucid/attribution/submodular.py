"""Submodular pick: few explanations that together show what the model uses."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import checked_seed, is_whole, shown
from pellucid.errors import InputError
from pellucid.results import Attribution
from pellucid.results.checks import find, floats

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Pick:
    """The explanations that `submodular_pick` chose.

    Parameters
    ----------
    rows : tuple of int
        In the order they were picked; fewer than asked for where no other adds anything.
    coverage : tuple of float
        After each pick, the share of the importance of all parts that the picked ones show, from 0 to 1.
    importance : (p,)
        Of each part.
    parts : tuple of str, (p,)
    """

    rows: tuple[int, ...]
    coverage: tuple[float, ...]
    importance: Floats
    parts: tuple[str, ...]


def submodular_pick(explanations: Any, *, n_picks: int, output: int | str | None = None, seed: int = 0) -> Pick:
    r"""Rows whose explanations cover the most important parts without saying the same twice: SP-LIME.

    .. math:: I_j = \sqrt{\sum_i |W_{ij}|}, \qquad
        c(V) = \sum_j \mathbf 1[\exists i \in V: |W_{ij}| > 0]\, I_j

    Greedy picking reaches at least 1 - 1/e of the largest possible c [nemhauser1978]. With several outputs |W| is the
    sum of the absolute values, so that a part that speaks for one class and against another does not cancel. The gains
    are kept in a heap and looked at again only when they are at the top: the picks are those of the plain greedy
    algorithm. Picking stops early where nothing is gained, and no row comes twice.

    Parameters
    ----------
    explanations : an `Attribution` with n rows; a list of them, also over different parts, which are matched by name;
        or an array (n, p) or (n, p, k). A coefficient of 0 means that a part is not shown, so explanations with all
        their parts cover everything at once: make them with few parts, or zero the small ones.
    n_picks : how many rows at most.
    output : one output only, by name or index.
    seed : breaks ties between rows that add equally much.

    Raises
    ------
    InputError : an argument breaks its rule.

    Examples
    --------
    >>> weights = [[1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 1, 1]]
    >>> pick = submodular_pick(np.array(weights, dtype=float), n_picks=2)
    >>> pick.rows, [round(c, 3) for c in pick.coverage]
    ((1, 4), [0.512, 0.837])

    Reference: [ribeiro2016].
    """
    from pellucid import _core

    if not is_whole(n_picks) or n_picks < 1:
        raise InputError(f"n_picks must be a whole number of at least 1, got {shown(n_picks)}")
    weights, parts = _absolute(explanations, output)
    order = _core.random_permutations(checked_seed(seed), len(weights), 0, 1)[0]
    importance = np.sqrt(weights.sum(axis=0))
    rows, covered = _greedy(weights > 0, importance, order, int(n_picks))
    total = math.fsum(importance)
    return Pick(rows=tuple(rows), coverage=tuple(c / total for c in covered), importance=importance, parts=parts)


def _greedy(
    shows: NDArray[np.bool_], importance: Floats, order: NDArray[np.int64], n_picks: int
) -> tuple[list[int], list[float]]:
    """Rows in the order of picking, and the coverage after each.

    Gains only fall as more is covered, so that a row whose gain is up to date and still the largest is the best one.
    Among equal gains the place in `order` decides.
    """
    covered = np.zeros(len(importance), dtype=bool)

    def gain(row: int) -> float:
        # Exactly rounded: rows that show the same new parts tie to the bit.
        return math.fsum(importance[shows[row] & ~covered])

    waiting = [(-gain(int(row)), place, int(row), 0) for place, row in enumerate(order)]
    heapq.heapify(waiting)
    rows: list[int] = []
    coverage: list[float] = []
    while waiting and len(rows) < n_picks:
        negative, place, row, seen = heapq.heappop(waiting)
        if seen < len(rows):
            heapq.heappush(waiting, (-gain(row), place, row, len(rows)))
            continue
        if negative == 0.0:
            break
        covered |= shows[row]
        rows.append(row)
        coverage.append(math.fsum(importance[covered]))
    return rows, coverage


def _absolute(explanations: Any, output: int | str | None) -> tuple[Floats, tuple[str, ...]]:
    """|W| (n, p), summed over the outputs, and the names of the parts."""
    if isinstance(explanations, Attribution):
        return _of_outputs(explanations, output), explanations.parts
    if isinstance(explanations, Sequence) and any(isinstance(one, Attribution) for one in explanations):
        return _by_name(explanations, output)
    values = floats("explanations", explanations)
    if values.ndim not in (2, 3) or 0 in values.shape or not np.isfinite(values).all():
        raise InputError(
            "explanations must be an Attribution, a list of them, or finite numbers (n, p) or (n, p, k), got shape "
            f"{values.shape}"
        )
    values = values.reshape(*values.shape[:2], -1)
    if output is not None:
        where = find("output", output, tuple(f"output {i}" for i in range(values.shape[2])))
        values = values[:, :, where : where + 1]
    return np.abs(values).sum(axis=2), tuple(f"part {j}" for j in range(values.shape[1]))


def _of_outputs(explanation: Attribution, output: int | str | None) -> Floats:
    if len(explanation) == 0:
        raise InputError("explanations must hold at least one row, got none")
    if output is None:
        return np.asarray(np.abs(explanation.values).sum(axis=2))
    return np.abs(explanation.values[:, :, find("output", output, explanation.outputs)])


def _by_name(explanations: Sequence[Any], output: int | str | None) -> tuple[Floats, tuple[str, ...]]:
    """Rows of several attributions over the union of their parts; parts of one name in one row add up."""
    for one in explanations:
        if not isinstance(one, Attribution):
            raise InputError(f"explanations must hold attributions only, got {shown(one)} among them")
    position: dict[str, int] = {}
    for one in explanations:
        for part in one.parts:
            position.setdefault(part, len(position))
    weights = np.zeros((sum(map(len, explanations)), len(position)))
    first = 0
    for one in explanations:
        block = weights[first : first + len(one)]
        absolute = _of_outputs(one, output)
        for column, part in enumerate(one.parts):
            block[:, position[part]] += absolute[:, column]
        first += len(one)
    return weights, tuple(position)
