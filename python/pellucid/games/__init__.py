"""Games: what a coalition of parts is worth, whoever computes it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.games.empirical import EmpiricalGame
from pellucid.games.game import Game, Tap
from pellucid.games.plain import PlainGame
from pellucid.games.retrain import retrain

__all__ = ["EmpiricalGame", "Game", "GameLike", "PlainGame", "Tap", "retrain"]


class GameLike(Protocol):
    """The face of every game: what estimators ask for."""

    @property
    def parts(self) -> tuple[str, ...]: ...

    @property
    def n_draws(self) -> int: ...

    @property
    def draw_weights(self) -> NDArray[np.float64]: ...

    @property
    def n_outputs(self) -> int: ...

    def play(self, masks: Any, draws: Any) -> NDArray[np.float64]:
        """Values (m, k) of masks (m, p), each under its own draw (m,)."""
        ...

    def value(self, masks: Any) -> NDArray[np.float64]:
        """Values (m, k) of masks (m, p), the weighted mean over all draws."""
        ...

    def ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values of the empty coalition under each draw (B, k), and of the full one (k,)."""
        ...
