"""Progress of long work, with the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from time import monotonic
from typing import Any, TypeVar

from pellucid._arguments import shown
from pellucid.errors import InputError

T = TypeVar("T")
Progress = bool | Callable[[int, int, float], Any] | None

# Work that is done sooner shows no bar.
QUIET_SECONDS = 2.0


def checked_progress(progress: Any) -> Progress:
    if progress is None or isinstance(progress, bool) or callable(progress):
        return progress  # type: ignore[no-any-return]
    raise InputError(
        f"progress must be None, a bool or a callable of (done, total, seconds), got {shown(progress)}; leave it out"
    )


def track(items: Iterable[T], *, total: int, progress: Progress, label: str) -> Iterator[T]:
    """Yield the items and say how far it is.

    Parameters
    ----------
    progress : None shows a bar on a terminal or in a notebook after two seconds, True always, False never; a
        callable is called with (done, total, seconds left) after each item.
    """
    if callable(progress):
        yield from _tell(items, total, progress)
        return
    checked_progress(progress)
    if progress is False or total <= 1 or (progress is None and not _somebody_looks()):
        yield from items
        return
    bar: Iterator[T] = _bar()(items, total=total, desc=label, unit="row", delay=0.0 if progress else QUIET_SECONDS)
    yield from bar


def _tell(items: Iterable[T], total: int, progress: Callable[[int, int, float], Any]) -> Iterator[T]:
    start = monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        progress(done, total, (monotonic() - start) / done * (total - done))


def _bar() -> Any:
    """A widget in a notebook that can show one; tqdm.auto would warn in one that cannot."""
    if "ipykernel" in sys.modules and find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm as notebook_bar

        return notebook_bar
    from tqdm import tqdm

    return tqdm


def _somebody_looks() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
