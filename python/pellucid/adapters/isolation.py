"""Runs what trusts its input in a child process, and tells how it ended."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from pellucid.errors import InputError, ModelFormatError

_SECONDS = 180.0


def dump_catboost(path: Path, size: int, *, seconds: float = _SECONDS) -> bytes:
    """The JSON dump of a binary CatBoost file, made by the library itself in a process of its own.

    Raises
    ------
    InputError : catboost is not installed.
    ModelFormatError : the library refused the file, crashed on it or took too long.
    """
    if importlib.util.find_spec("catboost") is None:
        raise InputError(f"{path} is a CatBoost model, and reading it needs catboost; pip install catboost")
    program = Path(__file__).with_name("isolated_catboost.py")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.json"
        command = [sys.executable, "-I", str(program), str(path.resolve()), str(target), str(size)]
        try:
            done = subprocess.run(command, capture_output=True, cwd=folder, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise _damaged(path, f"reading it took more than {seconds:g} s") from None
        if done.returncode != 0 or not target.exists():
            raise _damaged(path, _ending(done))
        return target.read_bytes()


def _ending(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"catboost was ended by signal {_signal(-done.returncode)} while it read it"
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"catboost says: {lines[-1][:200]}" if lines else f"catboost ended with status {done.returncode}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _damaged(path: Path, what: str) -> ModelFormatError:
    return ModelFormatError(f"{path} cannot be read as a CatBoost model: {what}; save it again with catboost")
