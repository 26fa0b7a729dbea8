"""What the benchmarks share: a timed model, the machine in words, tables, and results.md between its markers."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RESULTS = HERE / "results.md"


class Timed:
    """A predict function that adds up its own seconds and rows, the same way for every package measured."""

    def __init__(self, predict: Callable[[Any], Any]) -> None:
        self._function = predict
        self.reset()

    def reset(self) -> None:
        self.seconds = 0.0
        self.rows = 0

    def __call__(self, X: Any) -> Any:
        start = perf_counter()
        outputs = self._function(X)
        self.seconds += perf_counter() - start
        self.rows += len(X)
        return outputs


class Stopwatch:
    """Wall time of a block, and the part of it outside the model: `with Stopwatch(model) as watch: ...`."""

    def __init__(self, model: Timed) -> None:
        self.model = model

    def __enter__(self) -> Stopwatch:
        self.model.reset()
        self._start = perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self.wall = perf_counter() - self._start
        self.inside = self.model.seconds
        self.outside = self.wall - self.inside
        self.rows = self.model.rows


def machine() -> str:
    """Cores, architecture and processor, without a name of the host."""
    processor = platform.processor() or "unknown processor"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{os.cpu_count()} cores, {platform.machine()}, {processor}, {platform.system()}"


def versions(packages: Iterable[str]) -> str:
    found = []
    for package in packages:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} absent")
    return ", ".join([f"Python {platform.python_version()}", *found])


def commit() -> str:
    """The commit of the tree the benchmark lies in, with a mark where files differ from it."""

    def git(*arguments: str) -> str:
        run = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "../python", "../cpp", "../CMakeLists.txt", "../pyproject.toml")
        return git("rev-parse", "--short=10", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "none yet"


def heading(packages: Iterable[str]) -> str:
    load = f"; load average at the start {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Machine: {machine()}{load}.  \nVersions: {versions(packages)}.  \nCommit: {commit()}."


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def median(numbers: Iterable[float]) -> float:
    return float(np.median(list(numbers)))


def load_records(file: Path) -> dict[str, Any]:
    """What earlier runs of a benchmark wrote, part by part; nothing at first."""
    records: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return records


def save_records(file: Path, records: dict[str, Any]) -> None:
    file.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


def in_processes(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], *, jobs: int) -> Iterator[Any]:
    """The results of work(*arguments), in order, each when it is there; the processes have one thread each."""
    if jobs == 1:
        yield from (work(*each) for each in arguments)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the libraries when the new processes import them
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, *zip(*arguments, strict=True))


def write_section(name: str, text: str, *, file: Path = RESULTS) -> None:
    """Replace what stands in the page between the markers of this name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = file.read_text(encoding="utf-8") if file.exists() else ""
    if begin not in page or end not in page:
        page = f"{page.rstrip()}\n\n{begin}\n{end}\n".lstrip()
    before, _, rest = page.partition(begin)
    after = rest.partition(end)[2]
    file.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")
