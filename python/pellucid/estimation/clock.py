"""Time limits that the user set; nothing else that decides a result looks at a clock."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True)
class Deadline:
    """A moment of the monotonic clock, in seconds."""

    moment: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(monotonic() + seconds)

    def passed(self) -> bool:
        return monotonic() >= self.moment

    def share(self, parts: int) -> Deadline:
        """An equal part of the time that is left."""
        now = monotonic()
        return Deadline(now + max(0.0, self.moment - now) / parts)
