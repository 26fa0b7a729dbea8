"""One part: its value against its contribution, coloured by the part it acts together with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.plots import _style
from pellucid.plots.scatter import scatter
from pellucid.results.attribution import Attribution
from pellucid.results.checks import find
from pellucid.results.interactions import Interactions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

_WINDOWS = 10  # of rows with much the same value, in which another part has to explain what is left
_FEWEST = 5  # rows in a window


def dependence(
    result: Attribution | Interactions,
    part: int | str,
    *,
    partner: int | str | None = "auto",
    output: int | str = 0,
    ax: Axes | None = None,
) -> Axes:
    """How the contribution of a part depends on its value, and on the value of the part it interacts with most.

    Of `Interactions` the small dark points are what the part adds alone, its main effect, and their distance to the
    coloured ones is the sum of its interactions; the partner is the one with the largest mean |interaction|. An
    `Attribution` does not hold interactions: there the partner is the part whose value explains most of how
    contributions differ among rows with much the same value of the part, which is a guess.

    Parameters
    ----------
    result : Attribution or Interactions, with data
    part : index or name
    partner : index or name of the part that colours the points; "auto" picks one, None draws a single colour
    output : index or name
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        When the part or its data is not there, or matplotlib is not installed.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(80, 3))
    >>> values = np.stack([rows[:, 0] * rows[:, 2] / 2, rows[:, 1], rows[:, 0] * rows[:, 2] / 2], axis=1)
    >>> ax = dependence(Attribution.from_array(values, parts=["a", "b", "c"], data=rows), "a")
    >>> ax.get_xlabel(), ax.figure.axes[-1].get_ylabel()
    ('a', 'c')
    """
    if not isinstance(result, (Attribution, Interactions)):
        raise InputError(f"result must be an Attribution or Interactions, got {type(result).__name__}")
    attribution = result.shapley if isinstance(result, Interactions) else result
    column, where = find("part", part, attribution.parts), find("output", output, attribution.outputs)
    if partner == "auto":
        color = _partner_of(result, column, where)
    else:
        color = None if partner is None else find("partner", partner, attribution.parts)
    ax = scatter(attribution, column, output=where, color=color, ax=ax)
    if isinstance(result, Interactions) and attribution.data is not None:
        x = attribution.data[:, column]
        alone = result.values[:, column, column, where]
        known = np.isfinite(x)
        ax.scatter(
            x[known],
            alone[known],
            s=8,
            color=_style.INK,
            alpha=0.75,
            linewidths=0,
            zorder=4,
            label="alone (main effect)",
        )
        ax.legend(loc="best", frameon=False, fontsize=8.5, handletextpad=0.1)
    return ax


def _partner_of(result: Attribution | Interactions, part: int, output: int) -> int | None:
    """The part that colours the points; None where no other one matters or can be drawn."""
    if isinstance(result, Interactions):
        strength = (
            np.abs(result.values[:, part, :, output]).mean(axis=0) if len(result) else np.zeros(len(result.parts))
        )
        data = result.shapley.data
    else:
        data = result.data
        strength = (
            np.zeros(len(result.parts)) if data is None else _explained(data, result.values[:, part, output], part)
        )
    strength[part] = 0.0
    if data is None or not strength.max() > 0.0:
        return None
    return int(strength.argmax())


def _explained(data: Floats, contributions: Floats, part: int) -> Floats:
    """(p,) the squares of the contributions that each part's value explains, within windows of rows alike in `part`."""
    order = np.argsort(data[:, part], kind="stable")
    order = order[np.isfinite(data[order, part])]
    explained = np.zeros(data.shape[1])
    for rows in np.array_split(order, max(1, min(_WINDOWS, len(order) // _FEWEST))):
        if len(rows) < 3:
            continue
        # What the part itself does in the window is taken out of both sides.
        own = np.stack([np.ones(len(rows)), data[rows, part] - data[rows, part].mean()], axis=1)
        others = np.where(np.isfinite(data[rows]), data[rows], 0.0)
        left = np.column_stack([contributions[rows], others])
        left = left - own @ np.linalg.lstsq(own, left, rcond=None)[0]
        squares = (left[:, 1:] ** 2).sum(axis=0)
        scale = np.square(np.abs(others).max(axis=0)) * len(rows)
        varies = squares > 1e-12 * scale
        explained[varies] += (left[:, :1] * left[:, 1:]).sum(axis=0)[varies] ** 2 / squares[varies]
    return explained
