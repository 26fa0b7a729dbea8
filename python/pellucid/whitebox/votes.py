"""The weights of a linear model in words: what votes for its output, what against, and how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_whole, shown
from pellucid.errors import InputError
from pellucid.whitebox.additive import Additive, Array, Line, Table
from pellucid.whitebox.labels import is_missing, require_order
from pellucid.whitebox.questions import elided

HEADS = ("a unit", "a standard deviation")


@dataclass(frozen=True)
class Vote:
    """What one unit of a column adds, or being of a category, or missing.

    Attributes
    ----------
    name : of the column, with the category.
    weights : (k,), one for each output.
    spread : standard deviation of the column, or of being of the category, over some rows; 1 without rows.
    missing : (k,), what a missing value adds instead; None or NaN: not known.
    """

    name: str
    weights: Array
    spread: float
    missing: Array | None = None

    @property
    def cast(self) -> NDArray[np.bool_]:
        """(k,), where it is one."""
        return np.asarray(np.isfinite(self.weights) & (self.weights != 0.0))

    def cells(self, at: int) -> tuple[str, str, str]:
        """Per unit, per standard deviation, and what a missing value is taken for."""
        weight = self.weights[at]
        filled = np.nan if self.missing is None else self.missing[at] / weight
        return (
            f"{weight:+.4g}",
            f"{weight * self.spread:+.4g}",
            f"  missing as {filled:.4g}" if np.isfinite(filled) else "",
        )


def votes_text(model: Additive, rows: Any, max_display: int) -> str:
    """A block for each output: votes for it and votes against it, the largest first."""
    if not is_whole(max_display) or max_display < 1:
        raise InputError(f"max_display must be a whole number, 1 or more, got {shown(max_display)}; leave it out")
    columns = None if rows is None else _columns(model, rows)
    votes = [
        vote for j in range(model.features) for vote in _votes_of(model, j, None if columns is None else columns[:, j])
    ]
    blocks = (_block(model, at, votes, max_display, rows is not None) for at in range(len(model.outputs)))
    return "\n\n".join("\n".join(block) for block in blocks)


def voters(model: Additive) -> NDArray[np.bool_]:
    """(d, k), true where a column has a weight or a curve; no answer to a missing value is neither."""
    answers = np.zeros((model.features, len(model.outputs)), dtype=bool)
    for j, piece in enumerate(model.pieces):
        if isinstance(piece, (Line, Table)):
            for vote in _votes_of(model, j, None):
                answers[j] |= vote.cast
        else:
            answers[j] = piece.reach
    return answers


def _votes_of(model: Additive, j: int, column: NDArray[Any] | None) -> Iterator[Vote]:
    piece, name = model.pieces[j], _name(model, j)
    values = None if column is None else [None if is_missing(value) else value for value in column]
    if isinstance(piece, Line):
        known = None if values is None else [float(value) for value in values if value is not None]
        yield Vote(name, piece.slope, _spread(known), piece.missing)
        missing = np.where(piece.slope == 0.0, piece.missing, 0.0)
    elif isinstance(piece, Table):
        labels = model.feature_categories.get(j, tuple(range(len(piece.values))))
        for label, weights in zip(labels, piece.values, strict=True):
            here = None if values is None else [value == label for value in values]
            yield Vote(f"{name} = {elided(label)}", weights, _spread(here))
        missing = piece.missing
    else:
        return
    yield Vote(f"{name} missing", missing, _spread(None if values is None else [value is None for value in values]))


def _spread(values: Sequence[float] | None) -> float:
    if values is None:
        return 1.0
    return float(np.std(values)) if values else 0.0


def _block(model: Additive, at: int, votes: list[Vote], max_display: int, measured: bool) -> Iterator[str]:
    used = np.flatnonzero(voters(model)[:, at]).tolist()
    yield f"{model.outputs[at]} = {model.intercept[at]:.6g} + what {len(used)} of {model.features} features vote"
    cast = [vote for vote in votes if vote.cast[at]]
    cast.sort(key=lambda vote: -abs(vote.weights[at] * vote.spread))
    listed = cast[:max_display]
    cells = [vote.cells(at) for vote in listed]
    name_width = max((len(vote.name) for vote in listed), default=0)
    widths = [max(len(HEADS[i]), *(len(cell[i]) for cell in cells), 0) for i in range(1 + measured)]
    if cast:
        heads = (f"  {head:>{width}}" for head, width in zip(HEADS, widths, strict=False))
        yield " " * (2 + name_width) + "".join(heads)
    for sign, title in ("+", "for"), ("-", "against"):
        chosen = [(vote, cell) for vote, cell in zip(listed, cells, strict=True) if cell[0][0] == sign]
        if chosen:
            yield title
        for vote, cell in chosen:
            numbers = (f"  {number:>{width}}" for number, width in zip(cell, widths, strict=False))
            yield f"  {vote.name:<{name_width}}{''.join(numbers)}{cell[2]}"
    if len(cast) > len(listed):
        yield f"and {len(cast) - len(listed)} smaller"
    curves = [_name(model, j) for j in used if not isinstance(model.pieces[j], (Line, Table))]
    if curves:
        more = f", and {len(curves) - max_display} more" if len(curves) > max_display else ""
        yield f"not by a weight but by a curve: {', '.join(curves[:max_display])}{more}"


def _name(model: Additive, j: int) -> str:
    return elided(model.feature_names[j]) if model.feature_names else f"feature {j}"


def _columns(model: Additive, rows: Any) -> NDArray[Any]:
    """(n, d) of objects: categories are compared as they are."""
    require_order(rows, model.feature_names)
    found = np.array(rows, dtype=object)
    if found.ndim != 2 or found.shape[1] != model.features or not len(found):
        raise InputError(f"rows must have shape (n, {model.features}), got {found.shape}; pass all columns")
    return found
