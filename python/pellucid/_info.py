"""What a bug report needs to know of the machine."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata

import pellucid

NEEDED = ("numpy", "narwhals", "tqdm")
OPTIONAL = (
    "pandas",
    "polars",
    "pyarrow",
    "scikit-learn",
    "matplotlib",
    "xgboost",
    "lightgbm",
    "catboost",
    "shap",
)
THREAD_VARIABLES = ("PELLUCID_NUM_THREADS", "OMP_NUM_THREADS")


def info() -> Iterator[str]:
    """The lines of `python -m pellucid info`."""
    yield _line("pellucid", pellucid.__version__)
    yield _line("Python", f"{platform.python_version()} ({sys.implementation.name})")
    yield _line("system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield _line("core", _core())
    for variable in THREAD_VARIABLES:
        yield _line(variable, os.environ.get(variable, "not set"))
    for name in NEEDED:
        yield _line(name, version(name) or "NOT FOUND, but needed: install pellucid again")
    for name in OPTIONAL:
        # xgboost is also published without its code for graphics cards, as xgboost-cpu.
        yield _line(name, version(name) or version(f"{name}-cpu") or "not installed (optional)")


def version(package: str) -> str:
    """The installed version, or "" where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _core() -> str:
    try:
        from pellucid import _core as core
    except ImportError as error:
        return f"NOT LOADED: {error}"
    return f"{core.thread_count()} threads of {os.cpu_count()} processors"


def _line(name: str, value: str) -> str:
    return f"{name:<22}{value}"
