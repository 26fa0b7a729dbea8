"""The inside of a model, where an adapter can read it: found once, for the output that is explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters import find_predictor, structures
from pellucid.errors import InputError, ModelFormatError
from pellucid.whitebox.labels import margin_names
from pellucid.whitebox.links import link_name, link_slope

if TYPE_CHECKING:
    from pellucid.model.model import Model

Array = NDArray[np.float64]


def margin_structure(given: Any, model_output: str | None) -> tuple[Any, str | None]:
    """The inside of a model, and the output under which its margins are asked for, where the model has a way to.

    A mean of probabilities by cover is no path-dependent value: what is explained without a background is the margin.
    """
    structure = structures.find_structure(given, model_output=model_output)
    if structure is None or link_name(structure) == "identity" or model_output is not None:
        return structure, model_output
    raw = _raw_structure(given)
    return (structure, None) if raw is None else (raw, "raw")


def has_margins(given: Any) -> bool:
    """Whether the margins inside a model can be asked for as its raw output."""
    try:
        return _raw_structure(given) is not None
    except ModelFormatError:
        return False


def names_of_raw(model: Model, classes: Sequence[str]) -> tuple[str, ...]:
    """What the one raw output of a model is called: by what its inside says of it, such as "log-odds"."""
    try:
        structure = model.structure
    except ModelFormatError:
        structure = None
    # Behind another link, as that of an isolation forest, the raw output is no margin.
    known = structure is not None and link_name(structure) == "identity"
    return margin_names(1, structure.margin if known else "prediction", classes)


def _raw_structure(given: Any) -> Any:
    """The inside of a model whose raw output is its margins; None where it has no such output."""
    try:
        find_predictor(given, model_output="raw")
    except InputError:
        return None
    raw = structures.find_structure(given, model_output="raw")
    return None if raw is None or link_name(raw) != "identity" else raw


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
