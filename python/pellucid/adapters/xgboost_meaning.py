"""What the numbers of an XGBoost model mean: the margin of its base score, the link of its objective, categories."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters.tree_documents import refuse, single_numbers, whole_numbers
from pellucid.errors import ModelFormatError

# Link of `predict`, where it gives a column for each margin.
_LINKS = {
    "binary:logistic": "logistic_each",
    "reg:logistic": "logistic_each",
    "multi:softprob": "softmax",
    "count:poisson": "exp",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
    "survival:cox": "exp",
    "survival:aft": "exp",
    "reg:squarederror": "identity",
    "reg:linear": "identity",
    "reg:squaredlogerror": "identity",
    "reg:pseudohubererror": "identity",
    "reg:absoluteerror": "identity",
    "reg:quantileerror": "identity",
    "reg:expectileerror": "identity",
    "binary:logitraw": "identity",
    "rank:pairwise": "identity",
    "rank:ndcg": "identity",
    "rank:map": "identity",
}
_WHOLE_TEXTS = (3, 4)
# Objectives whose predict returns labels, but whose margins are as plain as those of the others.
_LABELS = {"multi:softmax": "softmax", "binary:hinge": "identity"}


def base_margins(text: Any, objective: str, outputs: int, source: str) -> NDArray[np.float64]:
    """(k,) from the base score, which the document has on the scale of predictions, in float32 as the library does.

    It is one number up to version 3.0 and a list in brackets since.
    """
    if objective not in _LINKS and objective not in _LABELS:
        raise refuse(
            source,
            f"the scale of its base score is not known for the objective {objective!r}",
            f"known are {', '.join(sorted({*_LINKS, *_LABELS}))}; explain it by its predictions",
        )
    values = [float(part) for part in text.strip().removeprefix("[").removesuffix("]").split(",")]
    if len(values) not in (1, outputs):
        raise refuse(source, f"its base score has {len(values)} entries", f"expected 1 or {outputs}")
    score = single_numbers(values).astype(np.float32)
    link = _LINKS.get(objective, "identity")
    with np.errstate(all="ignore"):
        if link == "logistic_each":
            score = -np.log(np.float32(1) / score - np.float32(1))
        elif link == "exp":
            score = np.log(score)
    if not np.isfinite(score).all():
        raise refuse(
            source, f"its base score {text[:60]} has no margin under {objective}", "save it again with xgboost"
        )
    base: NDArray[np.float64] = np.broadcast_to(score.astype(np.float64), (outputs,)).copy()
    return base


def link_of(objective: str, outputs: int, model_output: str, source: str) -> str:
    """What makes of margins what `predict`, or `predict_proba` for "probability", returns."""
    if model_output == "raw":
        return "identity"
    if model_output == "probability":
        if objective == "binary:logistic":
            return "logistic" if outputs == 1 else "logistic_each"
        if objective in {"multi:softprob", "multi:softmax"}:
            return "softmax"
        raise refuse(source, f"the objective {objective!r} gives no probabilities", "use model_output='raw'")
    if objective in _LABELS:
        raise refuse(source, f"predict returns labels under the objective {objective!r}", "use model_output='raw'")
    return _LINKS[objective]


def meaning_of(objective: str, outputs: int) -> str:
    """What the margin is, in words."""
    link = {**_LINKS, **_LABELS}.get(objective, "identity")
    if link == "logistic_each" or objective == "binary:logitraw":
        return "log-odds"
    return {"softmax": "log-odds up to a constant per row", "exp": "logarithm of the prediction"}.get(
        link, "prediction"
    )


def categories_of_features(container: dict[str, Any], version: tuple[int, ...]) -> dict[int, tuple[Any, ...]]:
    """The training categories of columns of a frame, by column: code i stands for entry i (kept since version 3.1).

    Texts beyond ASCII are cut short in models of the first versions that kept them: such a column is left out.
    """
    found: dict[int, tuple[Any, ...]] = {}
    for column, encoded in enumerate(container.get("enc") or ()):
        values = np.asarray(encoded["values"])
        if "offsets" not in encoded:
            if values.ndim != 1:
                raise ModelFormatError("categories must be a list")
            found[column] = tuple(values.tolist())
            continue
        offsets = whole_numbers(encoded["offsets"])
        text = (whole_numbers(values) & 0xFF).astype(np.uint8).tobytes()
        whole = version >= _WHOLE_TEXTS or text.isascii()
        if len(offsets) and whole:
            found[column] = tuple(text[a:b].decode("utf-8", "surrogateescape") for a, b in pairwise(offsets.tolist()))
    return {column: values for column, values in found.items() if values}
