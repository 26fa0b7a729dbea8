"""Whether a model's inside can answer what an explainer is asked, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid._arguments import shown
from pellucid.adapters import find_predictor, structures
from pellucid.attribution.background import Background
from pellucid.attribution.represented import Reader
from pellucid.attribution.value_functions import Completed, ValueFunction
from pellucid.attribution.white_box import Asked, WhiteBox
from pellucid.attribution.white_box_rows import RowSource
from pellucid.errors import InputError, ModelFormatError
from pellucid.estimation.control_choice import AutoWith
from pellucid.estimation.plan import METHODS
from pellucid.estimation.tree_control_variate import ForestControlVariate
from pellucid.model import Model
from pellucid.model.structure import margin_structure, outputs_of_margins
from pellucid.model.structure_codes import StructureCodes
from pellucid.representation import GaussianLaw
from pellucid.space import Space
from pellucid.whitebox import Forest
from pellucid.whitebox.links import link_name

# The methods that compute values from the inside of a model, and what it must be.
INSIDE_METHODS = ("tree", "linear")
_IS = {"tree": "made of trees", "linear": "a linear model"}
_NOT_KNOWN = "no trees or coefficients can be read from {model}"
_ORDERED = "an order of the players leaves coalitions out that the formula for trees counts"


def checked_method(method: Any) -> str:
    """The method of `Shapley` by which it would sample: "auto" where only the inside of the model was asked for."""
    if method not in METHODS + INSIDE_METHODS:
        raise InputError(
            f"method must be one of {', '.join(map(repr, METHODS + INSIDE_METHODS))}, got {shown(method)}; leave it "
            "out: trees and linear models are then exact, and all else is sampled"
        )
    return "auto" if method in INSIDE_METHODS else str(method)


def refuse_with_background(*, value_function: str, precision: str) -> None:
    """What only path-dependent values have, which need no background."""
    if value_function == "path_dependent":
        raise InputError(
            "background must be None with value_function='path_dependent', which averages by the training rows in "
            "each node; leave it out, or use value_function='marginal'"
        )
    if precision == "single":
        raise InputError(
            "precision must be 'double' with a background, got 'single', which only path-dependent values have"
        )


def variate_of(model: Model, control_variate: Any) -> Any:
    """The control variate to sample with: "auto" also tries the margins of a model whose inside is known."""
    if not isinstance(control_variate, str) or control_variate != "auto":
        return control_variate
    structure = _readable(model)
    plain = isinstance(structure, Forest) and StructureCodes(structure, model.space).plain
    return AutoWith(ForestControlVariate(structure)) if plain else control_variate


def exact_instead(model: Model, worth: ValueFunction) -> str:
    """What could be asked for instead of what is sampled, so that nothing need be; "" where nothing could."""
    structure = _readable(model) if isinstance(worth, Background) and model.link == "identity" else None
    if structure is None or link_name(structure) == "identity" or not model.has_margins:
        return ""
    return "; model_output='raw' would be exact"


def _readable(model: Model) -> Any:
    """The inside of a model in the codes of its space; None where there is none."""
    try:
        if model.structure is not None:
            StructureCodes(model.structure, model.space)
        return model.structure
    except ModelFormatError:
        return None


def inside_of(
    model: Model, worth: ValueFunction, *, method: str, ordered: bool, asked: Asked
) -> tuple[WhiteBox | None, str]:
    """The exact road against a background; or None, and the reason.

    Raises
    ------
    InputError, ModelFormatError : method="tree" or "linear" was asked for and cannot be.
    """
    try:
        found, reason = _against(model, worth, ordered=ordered, asked=asked)
    except ModelFormatError as error:
        if method in INSIDE_METHODS:
            raise
        return None, f"sampled, since the inside of {model.description} cannot be followed: {error}"
    if method == "auto":
        return found, ""
    if not ordered and model.structure is not None and _kind(model.structure) != method:
        kind = _kind(model.structure)
        raise InputError(
            f"method={method!r} is not possible: {model.structure.source} is {_IS[kind]}; use method={kind!r} or 'auto'"
        )
    if found is None:
        raise InputError(f"method={method!r} is not possible: {reason}; or use method='auto', which samples")
    found.strict = True
    return found, ""


def _against(model: Model, worth: ValueFunction, *, ordered: bool, asked: Asked) -> tuple[WhiteBox | None, str]:
    normal = isinstance(worth, Completed)
    if not isinstance(worth, (Background, Completed)) or (
        isinstance(worth, Completed) and not isinstance(worth.law, GaussianLaw)
    ):
        return None, f"{worth.value_function!r} values have no closed form"
    if ordered:
        return None, _ORDERED
    structure = model.structure
    if structure is None:
        return None, _NOT_KNOWN.format(model=model.description)
    if normal and not hasattr(structure, "coefficients"):
        return None, f"{worth.value_function!r} values have a closed form for linear models only"
    matrix = outputs_of_margins(structure, model.link, clip=model.clip)
    if matrix is None:
        through = f"its {link_name(structure)} link" + ("" if model.link == "identity" else f" and link={model.link!r}")
        return None, (
            f"the outputs of {model.description} go through {through} and are no sums of its "
            f"{'trees' if _kind(structure) == 'tree' else 'columns'}; explain model_output='raw'"
        )
    source = RowSource(model)
    return WhiteBox(
        structure, source=source, matrix=matrix, worth=worth, asked=asked, strict=False, as_predicted=True
    ), ""


def _kind(structure: Any) -> str:
    return "tree" if isinstance(structure, Forest) else "linear"


def _explained(given: Any, model_output: str | None, link: str) -> tuple[Any, str | None]:
    """The inside, and the output asked of the model: a link of the user's says itself what is explained."""
    if link == "identity":
        return margin_structure(given, model_output)
    return structures.find_structure(given, model_output=model_output), model_output


def path_dependent(
    given: Any,
    settings: Mapping[str, Any],
    *,
    space: Space | None,
    groups: Mapping[str, Sequence[str]] | None,
    method: str,
    ordered: bool,
    asked: Asked,
) -> tuple[WhiteBox | None, str]:
    """The exact road without a background, for trees that know their training rows; or None, and the reason.

    Raises
    ------
    InputError : an output whose mean by cover is no mean of outputs.
    ModelFormatError : trees that cannot be represented faithfully.
    """
    model_output, link = settings["model_output"], settings["link"]
    structure, output = _explained(given, model_output, link)
    if structure is None:
        find_predictor(given, model_output=model_output)  # what is no model at all is refused as such
        return None, _NOT_KNOWN.format(model=f"a {type(given).__name__}")
    if not isinstance(structure, Forest):
        return None, f"{structure.source} has no trees whose training rows could stand in for a background"
    if method == "linear":
        raise InputError(f"method='linear' is not possible: {structure.source} is {_IS['tree']}; use method='tree'")
    if method not in {"auto", "tree"}:
        return None, f"method={method!r} plays coalitions against a background"
    if ordered:
        return None, _ORDERED
    if not structure.has_cover:
        return None, f"{structure.source} does not say how many training rows each node has"
    inner = link_name(structure)
    matrix = outputs_of_margins(structure, link, clip=settings["clip"])
    if matrix is None and (model_output not in {None, "raw"} or link != "identity"):
        what = f"model_output={model_output!r}" if link == "identity" else f"link={link!r}"
        raise InputError(
            f"{what} needs a background: the outputs of {structure.source} go through its {inner} link, and only means "
            f"of its {structure.margin} can be taken by cover; pass background=X_train, or use model_output='raw'"
        )
    switched = output != model_output
    reader = Reader(given, **{**settings, "model_output": output, "structure": structure})
    return WhiteBox(
        structure,
        source=RowSource(reader=reader, space=space, groups=groups, switched=switched),
        matrix=np.eye(len(structure.outputs)) if matrix is None else matrix,
        worth=None,
        asked=asked,
        strict=True,
        as_predicted=matrix is not None,
    ), ""
