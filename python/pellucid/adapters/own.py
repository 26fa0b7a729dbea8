"""Pellucid's own structures as models: a forest read from a file needs no library to predict."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import Any

import numpy as np

from pellucid.adapters import Predictor
from pellucid.errors import InputError
from pellucid.whitebox.links import link_name

PROBABILITIES = frozenset({"logistic", "logistic_each", "logistic_normalised", "softmax"})


def is_own(model: Any) -> bool:
    return any(base.__module__.startswith("pellucid.whitebox") for base in type(model).__mro__)


def find(model: Any, model_output: str | None, *, labels: bool = False) -> Predictor:
    """`predict` of a structure, or its margins for model_output="raw"."""
    link = link_name(model)
    if model_output == "probability" and link not in PROBABILITIES:
        raise InputError(
            f"model_output='probability' needs margins that become probabilities, but the link of {model.source} is "
            f"{link!r}; use model_output='value' or 'raw'"
        )
    output = model_output or ("probability" if link in PROBABILITIES else "value")
    method = "margins" if output == "raw" else "predict"
    names = model.feature_names
    return Predictor(
        partial(_of_numbers, model, method),
        output,
        f"{method} of {model.source}",
        classes=model.outputs,
        feature_names=names if len(set(names)) == model.features else (),
        n_features=model.features,
        fitted_on_array=True,
    )


def structure(model: Any, model_output: str | None) -> Any:
    """The structure itself; without its link where the margins are what is explained."""
    if model_output != "raw" or link_name(model) == "identity":
        return model
    margins = copy(model)
    margins.link = "identity"
    return margins


def _of_numbers(model: Any, method: str, rows: Any) -> Any:
    """A frame of numbers is as good as an array of them."""
    return getattr(model, method)(np.ascontiguousarray(rows, dtype=np.float64))
