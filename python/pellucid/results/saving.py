"""Attributions in files: what they hold, and how one is made of it again."""

from __future__ import annotations

import os
from typing import Any

from pellucid.results.archive import Format, listed, read, write
from pellucid.results.attribution import Attribution
from pellucid.results.report import Report

_NAMES = ("parts", "outputs", "selected_names")
FORMAT = Format(
    name="attribution",
    owner="Attribution.save",
    arrays={
        "values": "f",
        "base_values": "f",
        "predictions": "f",
        "std_err": "f",
        "data": "f",
        "display": "U",
        "selected": "i",
    },
    optional=frozenset({"std_err", "data", "display", "selected"}),
    fields=frozenset({*_NAMES, "report"}),
)


def save(attribution: Attribution, path: str | os.PathLike[str]) -> None:
    """See `Attribution.save`."""
    write(
        path,
        FORMAT,
        arrays={name: getattr(attribution, name) for name in FORMAT.arrays},
        fields={
            **{name: list(getattr(attribution, name)) for name in _NAMES},
            "report": attribution.report.to_dict(),
        },
    )


def load(path: str | os.PathLike[str]) -> Attribution:
    """See `Attribution.load`."""
    return read(path, FORMAT, make=_attribution)


def _attribution(arrays: dict[str, Any], fields: dict[str, Any]) -> Attribution:
    parts, outputs, selected_names = listed(fields, *_NAMES)
    return Attribution(
        **arrays,
        parts=parts,
        outputs=outputs,
        selected_names=selected_names,
        report=Report.from_dict(fields["report"]),
    )
