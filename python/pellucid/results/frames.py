"""Results as long tables of the user's data-frame library."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results.text import number

if TYPE_CHECKING:
    from pellucid.results.attribution import Attribution
    from pellucid.results.interactions import Interactions

_BACKENDS = ("pandas", "polars", "pyarrow")


def to_frame(attribution: Attribution, *, backend: str | None = None) -> Any:
    """n k p lines in the order row, output, part; see `Attribution.to_frame`.

    A standard error is null where it is not known, and where the values are exact. With outputs chosen for
    each row a column `selected` names the one meant.
    """
    n, p, k = attribution.values.shape
    columns: dict[str, Any] = {
        "row": np.repeat(np.arange(n, dtype=np.int64), k * p),
        "output": [name for name in map(utf8, attribution.outputs) for _ in range(p)] * n,
    }
    if attribution.selected is not None and attribution.selected_names:
        names = [utf8(name) for name in attribution.selected_names]
        columns["selected"] = [names[i] for i in attribution.selected.ravel() for _ in range(p)]
    columns |= {
        "part": [utf8(name) for name in attribution.parts] * (n * k),
        "value": [text for row in _shown(attribution) for _ in range(k) for text in row],
        "attribution": _long(attribution.values),
        "std_err": [None] * (n * p * k) if attribution.std_err is None else known(_long(attribution.std_err)),
    }
    return frame_of(columns, integers=("row",), floats=("attribution", "std_err"), backend=backend)


def frame_of(
    columns: dict[str, Any], *, integers: Sequence[str] = (), floats: Sequence[str] = (), backend: str | None
) -> Any:
    """Columns of one length as a frame; those of neither list hold text."""
    import narwhals.stable.v2 as nw

    chosen = _backend(backend)
    types = {**dict.fromkeys(integers, nw.Int64()), **dict.fromkeys(floats, nw.Float64())}
    schema = {name: types.get(name, nw.String()) for name in columns}
    return nw.from_dict(columns, schema=schema, backend=chosen).to_native()


def known(numbers: NDArray[np.float64]) -> list[float | None]:
    """Numbers for a column, null where they are NaN."""
    return [None if np.isnan(x) else float(x) for x in numbers.ravel()]


def interactions_to_frame(interactions: Interactions, *, backend: str | None = None) -> Any:
    """n k p p lines in the order row, output, first, second; see `Interactions.to_frame`."""
    import narwhals.stable.v2 as nw

    chosen = _backend(backend)
    n, p, _, k = interactions.values.shape
    parts = [utf8(name) for name in interactions.parts]
    errors = interactions.std_err
    columns: dict[str, Any] = {
        "row": np.repeat(np.arange(n, dtype=np.int64), k * p * p),
        "output": [name for name in map(utf8, interactions.outputs) for _ in range(p * p)] * n,
        "first": [name for name in parts for _ in range(p)] * (n * k),
        "second": parts * (n * k * p),
        "interaction": np.ascontiguousarray(interactions.values.transpose(0, 3, 1, 2)).ravel(),
        "std_err": (
            [None] * (n * p * p * k)
            if errors is None
            else [None if np.isnan(x) else float(x) for x in errors.transpose(0, 3, 1, 2).ravel()]
        ),
    }
    types = {"row": nw.Int64(), "interaction": nw.Float64(), "std_err": nw.Float64()}
    schema = {name: types.get(name, nw.String()) for name in columns}
    return nw.from_dict(columns, schema=schema, backend=chosen).to_native()


def _backend(backend: str | None) -> Any:
    if backend is not None and backend not in _BACKENDS:
        raise InputError(f"backend must be one of {', '.join(_BACKENDS)} or None, got {backend!r}")
    for name in _BACKENDS if backend is None else (backend,):
        if find_spec(name) is not None:
            return name
    wanted = backend or "pandas, polars or pyarrow"
    raise InputError(
        f"to_frame needs {wanted}, which is not installed; run: python -m pip install {backend or 'pandas'}"
    )


def _long(array: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(array.transpose(0, 2, 1)).ravel()


def _shown(attribution: Attribution) -> list[list[str | None]]:
    if attribution.display is not None:
        return [[utf8(text) for text in row] for row in attribution.display.tolist()]
    if attribution.data is not None:
        return [[None if np.isnan(x) else number(x, digits=6) for x in row] for row in attribution.data]
    return [[None] * len(attribution.parts)] * len(attribution)


def utf8(text: str) -> str:
    """Arrow and polars hold UTF-8 and refuse a lone surrogate."""
    return text.encode("utf-8", "replace").decode("utf-8")
