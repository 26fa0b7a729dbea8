"""Does what was read from a model predict as the model does? Asked at its own thresholds, where readings go wrong."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelFormatError, PellucidError
from pellucid.model.structure_codes import StructureCodes
from pellucid.model.structure_rows import at_categories, at_missing, at_thresholds, with_unseen
from pellucid.whitebox import Forest
from pellucid.whitebox.links import link_name, link_slope

if TYPE_CHECKING:
    from pellucid.model.model import Model

Array = NDArray[np.float64]

ROWS = 16
# A sum of T numbers rounds like a random walk of T steps, of which this many standard deviations are let pass.
_STEPS = 8.0


@dataclass(frozen=True)
class Probed:
    """What came of it.

    Attributes
    ----------
    rows : model rows it took.
    refusal : "" where the structure predicts as the model does; else what differs, where and by how much.
    refuses_missing : the model has no answer for some missing value that the structure has one for.
    """

    rows: int
    refusal: str = ""
    refuses_missing: bool = False


def probe_structure(model: Model, structure: Any, codes: Array, *, most: int | None = None) -> Probed:
    """Compare a structure with its model on up to 16 of these rows, and on rows made of them that meet its questions.

    Missing values and unknown categories are asked for where the model takes them: what it refuses is no difference.
    At most `most` model rows are spent, all that are wanted where it is None.
    """
    before = model.rows_used
    given = np.ascontiguousarray(codes[: ROWS if most is None else min(ROWS, most)])
    refusal, spent, refused = _of_given(model, structure, given), len(given), False
    if not refusal:
        for made, among in _blocks(model, structure, given):
            paid = made if most is None else made[: most - spent]
            if not len(paid):
                break
            spent += len(paid)
            answers = list(_answers(among, paid))
            refused |= bool(np.isnan(paid).any()) and sum(len(rows) for rows, _ in answers) < len(paid)
            refusal = next(filter(None, (_compared(among, structure, *one) for one in answers)), "")
            if refusal:
                break
    return Probed(model.rows_used - before, refusal, refused)


def require_accepted(model: Model, codes: Array) -> None:
    """Rows with missing values are for a model that refuses them to refuse, in its own words."""
    missing = np.isnan(codes).any(axis=1)
    if missing.any():
        model.unlinked(codes[missing][:ROWS])


def require_numbers(model: Model, structure: Any, codes: Array, margins: Array) -> None:
    """Rows for which a structure has no finite answer are for its model to refuse, in its own words.

    Raises
    ------
    ModelOutputError : the model answers NaN or infinity, too; or whatever it raises.
    ModelFormatError : it has an answer.
    """
    if not np.isfinite(margins).all():
        refusal = _compared(model, structure, codes, model.unlinked(codes))
        raise ModelFormatError(f"refusing: {refusal or f'what was read from {structure.source} has no finite answer'}")


def _of_given(model: Model, structure: Any, rows: Array) -> str:
    """Of rows as the user gave them: whatever the model raises is for the user to see."""
    return _compared(model, structure, rows, model.unlinked(rows)) if len(rows) else ""


def _blocks(model: Model, structure: Any, given: Array) -> Iterator[tuple[Array, Model]]:
    """Rows to ask for, block by block, so that one that is refused takes no other with it."""
    if not len(given):
        return
    space = model.space
    for made in (at_thresholds(structure, space, given), at_missing(structure, given)):
        if len(made):
            yield made, model
    for made in at_categories(structure, space, given):
        yield made, model
    grown, made = with_unseen(space, given)
    if len(made):
        yield made, model.with_space(grown)


def _answers(model: Model, made: Array) -> Iterator[tuple[Array, Array]]:
    """The rows with the model's outputs; where it refuses them together, each that it takes alone."""
    asked = _asked(model, made)
    if asked is not None:
        yield asked
    elif len(made) > 1:
        each = (_asked(model, made[i : i + 1]) for i in range(len(made)))
        yield from (one for one in each if one is not None)


def _asked(model: Model, made: Array) -> tuple[Array, Array] | None:
    """The rows as the user's container holds them, and the model's outputs; None where it takes no such rows."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = model.space.encode(model.space.decode(made))
            return rows, model.unlinked(rows)
    except Exception:  # whatever a foreign model raises at a value it does not know
        return None


def _compared(model: Model, structure: Any, rows: Array, outputs: Array) -> str:
    try:
        seen = StructureCodes(structure, model.space)(rows)
        expected = np.asarray(structure.predict(seen))
    except PellucidError as error:
        return str(error)
    if expected.shape != outputs.shape:
        return (
            f"the inside of {structure.source} has {expected.shape[1]} outputs, and {model.description} returns "
            f"{outputs.shape[1]}"
        )
    gap = np.abs(expected - outputs)
    beyond = np.argwhere(~(gap <= rounding(structure, seen, outputs)))
    if not len(beyond):
        return ""
    row, output = (int(i) for i in beyond[np.argmax(gap[tuple(beyond.T)])])
    return (
        f"what was read from {structure.source} gives {expected[row, output]:.9g} in output {output} where "
        f"{model.description} gives {outputs[row, output]:.9g}, a difference of {gap[row, output]:.3g}, at the row "
        f"{model.medium.shown(rows, row)}"
    )


def rounding(structure: Any, rows: Array, outputs: Array) -> Array:
    """(n, k') or less: how far two correct sums of the same terms can be apart."""
    if isinstance(structure, Forest):
        eps = 2.0**-23 if structure.single_sums else 2.0**-52
        terms = structure.largest_margins()[None]
        steps = _STEPS + np.sqrt(len(structure.arrays["tree_starts"]) - 1)
    else:
        # A pipeline computes in the precision of what it is given, which may be single.
        eps, steps = 2.0**-23, _STEPS
        terms = np.abs(structure.intercept) + _largest_terms(structure, rows)
    reach = steps * eps * terms
    link = link_name(structure)
    if link == "identity":
        return np.asarray(reach)
    slope = np.full_like(outputs, max(1.0, link_slope(structure)))
    if link == "exp":
        slope = np.abs(outputs)
    elif link == "expm1":
        slope = np.abs(outputs) + 1.0
    elif link == "signed_square":
        slope = 2.0 * np.sqrt(np.abs(outputs))
    return np.asarray(reach.max(axis=1)[:, None] * slope + _STEPS * eps * np.abs(outputs))


def _largest_terms(additive: Any, rows: Array) -> Array:
    """(n, k) the sum of the sizes of what the columns add."""
    each = (np.abs(additive.contribution(column, rows[:, column])) for column in range(additive.features))
    total: Array = np.nan_to_num(sum(each))
    return total
