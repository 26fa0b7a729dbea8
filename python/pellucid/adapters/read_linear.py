"""The weights of a fitted linear model, for the columns that people know."""

from __future__ import annotations

from typing import Any

from pellucid.adapters.structures import find_structure
from pellucid.errors import InputError
from pellucid.whitebox import Additive


def read_linear(model: Any, *, model_output: str | None = None) -> Additive:
    r"""Read the weights of a fitted linear model, alone or behind the scalers, imputers and encoders of a pipeline.

    .. math:: f(x) = \mathrm{link}\Bigl(b + \sum_j g_j(x_j)\Bigr)

    Parameters
    ----------
    model : a fitted object.
    model_output : "raw" (the margin), "value" or "probability"; None is what `Model` would choose. The weights are the
        same, the link is another.

    Returns
    -------
    Additive
        In terms of the raw columns; a `whitebox.Linear`, with `coefficients`, where each of them has one weight.
        Printed, it lists what votes for and what against.

    Raises
    ------
    ModelFormatError : a linear model that cannot be represented faithfully.
    InputError : not fitted, or not known to be a linear model.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> rows, target = [[10.0, 0.0], [20.0, 1.0], [30.0, 0.0]], [3.0, 4.0, 7.0]
    >>> model = make_pipeline(StandardScaler(), LinearRegression()).fit(rows, target)
    >>> read_linear(model).coefficients.round(6).tolist()
    [[0.2], [-1.0]]
    """
    if model_output not in (None, "raw", "value", "probability"):
        raise InputError(f"model_output must be 'raw', 'value', 'probability' or None, got {model_output!r}")
    found = find_structure(model, model_output=model_output)
    if not isinstance(found, Additive):
        raise InputError(
            f"model must be a fitted linear model, got {type(model).__name__}, which is none that is known here; trees "
            "are read by pellucid.read_forest, and pellucid.shapley explains any model by its predictions"
        )
    return found
