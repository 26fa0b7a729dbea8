"""The inside of a model, where an adapter can read it: found once, for the output that is explained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters import find_predictor, own
from pellucid.adapters.structures import find_structure
from pellucid.errors import InputError, ModelFormatError

Array = NDArray[np.float64]


def structure_of(given: Any, model_output: str | None) -> Any:
    """The trees or the linear function inside a model as the user gave it, bound methods too; None where unknown.

    Raises
    ------
    ModelFormatError : an adapter knows the model, but it cannot be represented faithfully.
    """
    if own.is_own(given):
        return own.structure(given, model_output)
    return find_structure(given, model_output=model_output)


def margin_structure(given: Any, model_output: str | None) -> tuple[Any, str | None]:
    """The inside of a model, and the output under which its margins are asked for, where the model has a way to.

    A mean of probabilities by cover is no path-dependent value: what is explained without a background is the margin.
    """
    structure = structure_of(given, model_output)
    if structure is None or link_name(structure) == "identity" or model_output is not None:
        return structure, model_output
    try:
        find_predictor(given, model_output="raw")
    except InputError:
        return structure, None
    raw = structure_of(given, "raw")
    return (structure, None) if raw is None or link_name(raw) != "identity" else (raw, "raw")


def has_margins(given: Any) -> bool:
    """Whether the margins inside a model can be asked for as its raw output."""
    try:
        return margin_structure(given, None)[1] == "raw"
    except ModelFormatError:
        return False


def link_name(structure: Any) -> str:
    """ "identity", "logistic", ...: what makes outputs of margins."""
    return str(structure.link).partition(":")[0]


def link_slope(structure: Any) -> float:
    """The factor of the margins in a logistic link; 1 where it has none."""
    numbers = str(structure.link).split(":")[1:]
    return float(numbers[0]) if numbers and link_name(structure).startswith("logistic") else 1.0


def outputs_of_margins(structure: Any, link: str, *, clip: float | None) -> Array | None:
    """(k', k): the explained outputs are this matrix times the margins; None where they are another function of them.

    A link of the explanation can undo that of the model: the logit of p and 1 - p is the margin and its negative.
    """
    k, inner = len(structure.outputs), link_name(structure)
    if link == inner == "identity":
        return np.eye(k)
    if clip is not None:
        return None
    if (link, inner) == ("logit", "logistic"):
        return link_slope(structure) * np.array([[-1.0], [1.0]])
    if (link, inner) in {("logit", "logistic_each"), ("log", "exp")}:
        return link_slope(structure) * np.eye(k)
    return None
