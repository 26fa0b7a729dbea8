"""Attributions and interactions in files: what they hold, and how one is made of it again."""

from __future__ import annotations

import os
from typing import Any

from pellucid.results.archive import Format, listed, read, write
from pellucid.results.attribution import Attribution
from pellucid.results.canvas import ARRAYS as CANVAS
from pellucid.results.canvas import canvas_arrays, canvas_from
from pellucid.results.interactions import Interactions
from pellucid.results.local import LocalExplanation
from pellucid.results.report import Report

_NAMES = ("parts", "outputs", "selected_names")
_SHARED = {"base_values": "f", "predictions": "f", "std_err": "f", "data": "f", "display": "U", "selected": "i"}
_OPTIONAL = frozenset({"std_err", "data", "display", "selected"})
_FIELDS = frozenset({*_NAMES, "report"})
ATTRIBUTION = Format(
    "attribution",
    "Attribution.save",
    {"values": "f", **_SHARED, "background_std_err": "f", **CANVAS},
    _OPTIONAL | {"background_std_err", *CANVAS},
    _FIELDS,
)
LOCAL = Format(
    "local explanation",
    "LocalExplanation.save",
    {**ATTRIBUTION.arrays, "local_predictions": "f", "r2": "f", "effective_rows": "f", "order": "i"},
    ATTRIBUTION.optional,
    _FIELDS,
)
INTERACTIONS = Format(
    "interactions",
    "Interactions.save",
    {"values": "f", **_SHARED, "shapley_std_err": "f"},
    _OPTIONAL | {"shapley_std_err"},
    _FIELDS,
)


def save(result: Attribution | Interactions, path: str | os.PathLike[str]) -> None:
    """See `Attribution.save`."""
    if isinstance(result, Interactions):
        form = INTERACTIONS
        canvas = {}
    else:
        form = LOCAL if isinstance(result, LocalExplanation) else ATTRIBUTION
        canvas = canvas_arrays(result.canvas)
    write(
        path,
        form,
        arrays={name: getattr(result, name) for name in form.arrays if name not in CANVAS} | canvas,
        fields={
            **{name: list(getattr(result, name)) for name in _NAMES},
            "report": result.report.to_dict(),
        },
    )


def load(path: str | os.PathLike[str]) -> Attribution:
    """See `Attribution.load`."""
    return read(path, ATTRIBUTION, make=lambda arrays, fields: Attribution(**_drawn(arrays), **_common(fields)))


def load_local(path: str | os.PathLike[str]) -> LocalExplanation:
    """See `LocalExplanation.load`."""
    return read(path, LOCAL, make=lambda arrays, fields: LocalExplanation(**_drawn(arrays), **_common(fields)))


def load_interactions(path: str | os.PathLike[str]) -> Interactions:
    """See `Interactions.load`."""
    return read(path, INTERACTIONS, make=lambda arrays, fields: Interactions(**arrays, **_common(fields)))


def _common(fields: dict[str, Any]) -> dict[str, Any]:
    return {**dict(zip(_NAMES, listed(fields, *_NAMES), strict=True)), "report": Report.from_dict(fields["report"])}


def _drawn(arrays: dict[str, Any]) -> dict[str, Any]:
    """The arrays of a file, with the canvas that some of them make."""
    canvas = canvas_from({name: arrays[name] for name in CANVAS})
    return {**{name: array for name, array in arrays.items() if name not in CANVAS}, "canvas": canvas}
