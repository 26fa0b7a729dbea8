"""Transformers of scikit-learn that keep the order of numbers in each column, whatever they round."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters.sklearn_columns import NotAdditive
from pellucid.adapters.sklearn_transformers import ENCODERS, outputs_of

Array = NDArray[np.float64]

# Subtracting, dividing by something positive, clipping and binning round in order.
_MONOTONE = {"StandardScaler", "RobustScaler", "MaxAbsScaler", "MinMaxScaler", "SimpleImputer", "Binarizer"}


def through_numbers(step: Any, rows: Array) -> Array:
    """Rows (n, w) behind a transformer, by its own arithmetic; NaN in what comes out of an encoder.

    Raises
    ------
    NotAdditive : it may turn the order of two numbers around, or is not known.
    """
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return rows
    name = type(step).__name__
    if name == "Pipeline":
        for _, one in step.steps:
            rows = through_numbers(one, rows)
        return rows
    if name == "ColumnTransformer":
        return _by_column_groups(step, rows)
    if name == "FeatureUnion":
        return _side_by_side(step, rows)
    if name in ENCODERS:
        return np.full((len(rows), len(step.get_feature_names_out())), np.nan)
    if name in _MONOTONE or (name == "KBinsDiscretizer" and step.encode == "ordinal"):
        try:
            return outputs_of(step)(rows)
        except TypeError as error:  # an imputer of texts
            raise NotAdditive from error
    if name == "FunctionTransformer" and step.func is None:
        return rows
    if callable(getattr(step, "get_support", None)):
        return rows[:, step.get_support(indices=True)]
    raise NotAdditive


def makes_sparse(step: Any) -> bool:
    """Whether the table behind a transformer may be a sparse one."""
    name = type(step).__name__
    if name == "ColumnTransformer":
        return bool(step.sparse_output_)
    if name in ("Pipeline", "FeatureUnion"):
        return any(makes_sparse(one) for _, one in (step.steps if name == "Pipeline" else step.transformer_list))
    if name == "KBinsDiscretizer":
        return bool(step.encode == "onehot")
    return bool(getattr(step, "sparse_output", False))


def _by_column_groups(step: Any, rows: Array) -> Array:
    inputs = getattr(step, "_transformer_to_input_indices", {})
    places = {name: range(*place.indices(2**31)) for name, place in step.output_indices_.items()}
    made = np.full((len(rows), max((place.stop for place in places.values()), default=0)), np.nan)
    for name, transformer, _ in step.transformers_:
        chosen = list(inputs[name])
        if not chosen or (isinstance(transformer, str) and transformer == "drop") or _encodes(transformer):
            continue
        made[:, places[name]] = through_numbers(transformer, rows[:, chosen])
    return made


def _side_by_side(step: Any, rows: Array) -> Array:
    weights = step.transformer_weights or {}
    if any(weight <= 0.0 for weight in weights.values()):
        raise NotAdditive
    parts = [
        through_numbers(one, rows) * weights.get(name, 1.0)
        for name, one in step.transformer_list
        if not (isinstance(one, str) and one == "drop")
    ]
    return np.hstack(parts)


def _encodes(step: Any) -> bool:
    """Whether every column goes through an encoder, which may stand behind an imputer of texts."""
    steps = [one for _, one in step.steps] if type(step).__name__ == "Pipeline" else [step]
    return any(type(one).__name__ in ENCODERS for one in steps)
