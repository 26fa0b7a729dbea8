"""The last step before user code: the container in which the user's model expects its rows."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.adapters import Predictor
from pellucid.errors import InputError
from pellucid.space import Space
from pellucid.space.space import generated_names


@dataclass(frozen=True)
class Handover:
    """Turns decoded rows into what the model was fitted on.

    Parameters
    ----------
    form : "as_is" (the container of the Space), "named" (an array gets the model's feature names, as a
        pandas DataFrame), or "array" (a frame loses its names).
    names : the model's feature names, used by "named".
    """

    form: str
    names: tuple[str, ...] = ()

    def __call__(self, rows: Any) -> Any:
        if self.form == "named":
            # pandas is never imported for this: a model fitted on a frame has imported it, if it was pandas.
            pandas = sys.modules.get("pandas")
            if pandas is not None:
                return pandas.DataFrame(rows, columns=list(self.names), copy=False)
        if self.form == "array":
            return _to_array(rows)
        return rows


def named_like(predictor: Predictor, *, space: Space) -> Space:
    """The space under the names the model was fitted with, where an array left it without names of its own."""
    names = predictor.feature_names
    unnamed = space.container == "numpy" and space.names == generated_names(space.d)
    # The same names in another order are for `plan_handover` to refuse; a group of that name keeps it.
    if not unnamed or len(names) != space.d or set(names) == set(space.names) or set(names) & set(space.groups):
        return space
    return space.adopt_names(names)


def plan_handover(predictor: Predictor, *, space: Space) -> Handover:
    """Compare the features a model was fitted on with the Space and choose the container.

    Raises
    ------
    InputError : another number of features than the model was fitted on, or, for a frame, other names or
        another order; the first difference is named.
    """
    n_features = predictor.n_features
    if n_features is None and predictor.feature_names:
        n_features = len(predictor.feature_names)
    if n_features is not None and n_features != space.d:
        raise InputError(
            f"the model was fitted on {n_features} features, but the data has {space.d}; pass the same columns to both"
        )
    if space.container == "numpy":
        names = predictor.feature_names
        # Names of an array may be for display only; the same names in another order cannot be meant.
        if set(names) == set(space.names):
            _require_same_names(names, tuple(space.names))
        return Handover("named", names) if names else Handover("as_is")
    if predictor.feature_names:
        _require_same_names(predictor.feature_names, tuple(space.names))
        return Handover("as_is")
    return Handover("array" if predictor.fitted_on_array else "as_is")


def _require_same_names(fitted: tuple[str, ...], given: tuple[str, ...]) -> None:
    # lightgbm keeps "mean radius" as "mean_radius".
    known = set(fitted)
    kept = tuple(name if name in known else name.replace(" ", "_") for name in given)
    for position, (expected, got) in enumerate(zip(fitted, kept, strict=True)):
        if expected == got:
            continue
        what = "the same features in another order" if known == set(kept) else "other features"
        raise InputError(
            f"the data has {what} than the model was fitted on: column {position} is {given[position]!r}, "
            f"expected {expected!r}; reorder the columns, such as X[list(model.feature_names_in_)]"
        )


def _to_array(rows: Any) -> Any:
    if callable(getattr(rows, "to_numpy", None)):
        return rows.to_numpy()
    # pyarrow tables have columns but no conversion of the whole.
    return np.column_stack([column.to_numpy() for column in rows.columns])
