"""To and from shap's Explanation, and from plain arrays. shap is imported only to make one of its objects."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid._arguments import numbered_outputs
from pellucid.errors import InputError
from pellucid.results import checks
from pellucid.results.attribution import Attribution
from pellucid.results.report import Report
from pellucid.results.text import number

Floats = NDArray[np.float64]


def to_shap(attribution: Attribution, *, output: int | str | None = None) -> Any:
    """See `Attribution.to_shap`."""
    try:
        import shap
    except ImportError:
        raise InputError("to_shap needs shap, which is not installed; run: python -m pip install shap") from None
    where: Any = slice(None)
    if output is not None or len(attribution.outputs) == 1:
        where = checks.find("output", 0 if output is None else output, attribution.outputs)
    one = not isinstance(where, slice)
    display = attribution.display
    if display is not None:
        display = display.astype(object)  # shap's plots format what is not a string
    return shap.Explanation(
        values=np.array(attribution.values[:, :, where]),
        base_values=np.array(attribution.base_values[:, where]),
        data=None if attribution.data is None else np.array(attribution.data),
        display_data=display,
        feature_names=list(attribution.parts),
        output_names=attribution.outputs[where] if one else list(attribution.outputs),
        compute_time=attribution.report.seconds,
    )


def from_array(
    values: ArrayLike,
    *,
    parts: Iterable[str] | None,
    outputs: Iterable[str] | None,
    base_values: ArrayLike,
    predictions: ArrayLike | None,
    std_err: ArrayLike | None,
    data: ArrayLike | None,
    display: ArrayLike | None,
    report: Report | None,
) -> Attribution:
    """See `Attribution.from_array`."""
    given = checks.floats("values", values)
    if given.ndim not in (1, 2, 3):
        raise InputError(f"values must have shape (p,), (n, p) or (n, p, k), got {given.shape}")
    single = given.ndim == 1
    array = given.reshape(1, -1, 1) if single else given.reshape(*given.shape[:2], *given.shape[2:] or (1,))
    n, p, k = array.shape
    base = _spread("base_values", base_values, (n, k))
    total = base + array.sum(axis=1) if predictions is None else _spread("predictions", predictions, (n, k))
    errors = None if std_err is None else _spread("std_err", std_err, given.shape).reshape(array.shape)
    return Attribution(
        values=array,
        base_values=base,
        predictions=total,
        std_err=errors,
        parts=tuple(f"x{i}" for i in range(p)) if parts is None else checks.names("parts", parts, p, letter="parts"),
        outputs=_output_names(outputs, k),
        data=None if data is None else _one_row(checks.floats("data", data), single),
        display=None if display is None else _one_row(np.asarray(display), single),
        report=report or Report(method="given array", why="the values were handed over as an array"),
    )


def from_shap(explanation: Any, *, outputs: Iterable[str] | None = None) -> Attribution:
    """See `Attribution.from_shap`."""
    if not hasattr(explanation, "values") or callable(explanation.values):
        raise InputError(
            "explanation must have the attributes of a shap.Explanation (values, base_values, data, "
            f"feature_names), got {type(explanation).__name__}; use Attribution.from_array for an array"
        )
    values = checks.floats("explanation.values", explanation.values)
    raw = getattr(explanation, "data", None)
    data = None if raw is None else np.asarray(raw)
    single = values.ndim == 1 or (values.ndim == 2 and data is not None and data.ndim == 1)
    if single:
        values = values[None]
    if values.ndim not in (2, 3):
        raise InputError(
            f"explanation.values must have shape (p,), (n, p) or (n, p, k), got {values.shape}; "
            "explain one output at a time"
        )
    values = values[:, :, None] if values.ndim == 2 else values
    n, p, k = values.shape
    names = getattr(explanation, "feature_names", None)
    if outputs is None:
        found = getattr(explanation, "output_names", None)
        outputs = [found] if isinstance(found, str) else None if found is None else [str(name) for name in found]
        outputs = outputs if outputs is not None and len(outputs) == k else None
    codes, display = _data(data, getattr(explanation, "display_data", None), (n, p))
    seconds = getattr(explanation, "compute_time", None)
    known = isinstance(seconds, (int, float, np.number)) and math.isfinite(seconds) and seconds >= 0
    return from_array(
        values,
        parts=None if names is None else [str(name) for name in names],
        outputs=outputs,
        base_values=_base(getattr(explanation, "base_values", None), n, k),
        predictions=None,
        std_err=np.nan,
        data=codes,
        display=display,
        report=Report(
            method="imported from shap",
            seconds=float(seconds) if known and seconds is not None else 0.0,
            why="the values were computed by shap; their standard errors are not known",
        ),
    )


def _base(base: Any, n: int, k: int) -> Floats:
    """(n, k) from a scalar, (n,), (k,) or (n, k). With k > 1 a vector of length k is one entry per output."""
    if base is None:
        return np.full((n, k), np.nan)
    array = checks.floats("explanation.base_values", base)
    if array.ndim == 1 and k == 1 and len(array) == n:
        array = array[:, None]
    return _spread("explanation.base_values", array, (n, k))


def _data(
    data: NDArray[Any] | None, display: Any, shape: tuple[int, int]
) -> tuple[Floats | None, NDArray[np.str_] | None]:
    """Codes where the data are numbers, and words where they are not (or where shap has its own words)."""
    words = None if display is None else np.asarray(display, dtype=object).reshape(-1, shape[1])
    if data is None:
        return None, _texts(words, shape)
    data = data.reshape(-1, shape[1]) if data.size == shape[0] * shape[1] else data
    if data.shape != shape:
        raise InputError(f"explanation.data must have shape (n, p) = {shape}, got {data.shape}")
    try:
        codes = np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        return None, _texts(data.astype(object) if words is None else words, shape)
    return codes, _texts(words, shape)


def _texts(words: NDArray[Any] | None, shape: tuple[int, int]) -> NDArray[np.str_] | None:
    if words is None or words.shape != shape:
        return None
    texts = [
        number(float(word))
        if isinstance(word, (float, np.floating)) and math.isfinite(word)
        else "missing"
        if word is None or word != word
        else str(word)
        for word in words.flat
    ]
    return np.array(texts, dtype=np.str_).reshape(shape)


def _spread(argument: str, value: ArrayLike, shape: tuple[int, ...]) -> Floats:
    array = checks.floats(argument, value)
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise InputError(f"{argument} must be a number or have shape {shape}, got {array.shape}") from None


def _one_row(array: NDArray[Any], single: bool) -> NDArray[Any]:
    return array[None] if single and array.ndim == 1 else array


def _output_names(outputs: Iterable[str] | None, k: int) -> tuple[str, ...]:
    if outputs is None:
        return numbered_outputs(k)
    return checks.names("outputs", outputs, k, letter="outputs")
