"""The link between what a model returns and what is explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_real, shown
from pellucid.errors import InputError
from pellucid.model.outputs import Place

Array = NDArray[np.float64]

LINKS = ("identity", "logit", "log")


@dataclass(frozen=True)
class Link:
    """y, logit(y) = log(y / (1 - y)) or log(y), of every output.

    Parameters
    ----------
    name : "identity", "logit" or "log".
    clip : outputs are moved into [clip, 1 - clip] before the logit, and up to clip before the log; None refuses those
        that have no finite link.

    Raises
    ------
    InputError : an unknown name, a clip without a link, or one that is not between 0 and 0.5.

    Examples
    --------
    >>> Link("logit", 0.1).clipped(np.array([[0.0], [0.5]])).tolist()
    [[0.1], [0.5]]
    """

    name: Any = "identity"
    clip: Any = None

    def __post_init__(self) -> None:
        if self.name not in LINKS:
            raise InputError(f"link must be one of {', '.join(map(repr, LINKS))}, got {shown(self.name)}; name one")
        if self.clip is None:
            return
        if not is_real(self.clip) or not 0.0 < self.clip < 0.5:
            raise InputError(f"clip must be a number between 0 and 0.5, such as 1e-6, got {shown(self.clip)}")
        if self.name == "identity":
            raise InputError(f"clip must be None with link='identity', which needs none, got {shown(self.clip)}")

    def clipped(self, outputs: Array) -> Array:
        """The outputs (m, k) as the link takes them."""
        if self.clip is None:
            return outputs
        return np.clip(outputs, self.clip, 1.0 - self.clip if self.name == "logit" else None)

    def __call__(self, outputs: Array, *, place: Place) -> Array:
        """The link of outputs (m, k) that are clipped already.

        Raises
        ------
        InputError : an output where the link has no finite value.
        """
        if self.name == "identity":
            return outputs
        self._require_domain(outputs, place)
        log_outputs: Array = np.log(outputs)
        return log_outputs - np.log1p(-outputs) if self.name == "logit" else log_outputs

    def _require_domain(self, outputs: Array, place: Place) -> None:
        logit = self.name == "logit"
        outside = (outputs <= 0.0) | (outputs >= 1.0) if logit else outputs <= 0.0
        if not outside.any():
            return
        bad = np.flatnonzero(outside.any(axis=1))
        row = int(bad[0])
        column = int(np.flatnonzero(outside[row])[0])
        domain, where = ("strictly between 0 and 1", "into [1e-6, 1 - 1e-6]") if logit else ("above 0", "up to 1e-6")
        raise InputError(
            f"link={self.name!r} needs every output {domain}, but {len(bad)} of {place.rows} rows ({place}) have "
            f"others, the first {outputs[row, column]} in output {column} of row {place.first + row}; "
            f"use link='identity', or clip=1e-6 to move them {where}"
        )
