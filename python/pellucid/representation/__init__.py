"""What an explanation speaks about: p interpretable parts, and how masks over them become model input."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pellucid.representation.conditional import ConditionalCopula, ConditionalGaussian
from pellucid.representation.copula import CopulaLaw
from pellucid.representation.empirical import EmpiricalLaw
from pellucid.representation.gaussian_law import GaussianLaw
from pellucid.representation.pairs import Pairs
from pellucid.representation.superpixels import ImageMedium, Superpixels
from pellucid.representation.tabular import Mixture, Tabular
from pellucid.representation.texts import TextMedium, Texts
from pellucid.representation.words import Words

__all__ = [
    "ConditionalCopula",
    "ConditionalGaussian",
    "CopulaLaw",
    "EmpiricalLaw",
    "GaussianLaw",
    "ImageMedium",
    "Mixture",
    "Pairs",
    "Representation",
    "Superpixels",
    "Tabular",
    "TextMedium",
    "Texts",
    "Words",
]


@runtime_checkable
class Representation(Protocol):
    """The little that a game asks of what it explains: names of parts, draws, and a way to compose rows.

    A row of a mask says which of the p parts are as in the explained input (1) and which are not (0). A draw
    says what stands in for the parts that are not: a background row, a sample, or always 0 for a fixed fill.
    Any class with these four members can be explained; nothing needs to be inherited.

    Attributes
    ----------
    parts : names of the p parts.
    n_draws : number B of draws.
    weights : (B,) weights of the draws, at least 0, with sum 1.

    Examples
    --------
    A time series in consecutive pieces, where a missing piece shows the mean of the series:

    >>> class Pieces:
    ...     def __init__(self, series, *, n_pieces):
    ...         self.series = np.asarray(series, dtype=np.float64)
    ...         self.piece_of_step = np.arange(len(self.series)) * n_pieces // len(self.series)
    ...         self.parts = tuple(f"piece {i}" for i in range(n_pieces))
    ...         self.n_draws = 1
    ...         self.weights = np.ones(1)
    ...
    ...     def compose(self, masks, draws, out=None):
    ...         present = np.asarray(masks, dtype=bool)[:, self.piece_of_step]
    ...         rows = np.where(present, self.series, self.series.mean())
    ...         if out is None:
    ...             return rows
    ...         out[: len(rows)] = rows
    ...         return out[: len(rows)]
    >>> pieces = Pieces([1.0, 3.0, 8.0, 8.0], n_pieces=2)
    >>> isinstance(pieces, Representation)
    True
    >>> pieces.compose(np.array([[1, 0], [0, 1]]), np.zeros(2, dtype=np.int64)).tolist()
    [[1.0, 3.0, 5.0, 5.0], [5.0, 5.0, 8.0, 8.0]]

    Concepts: what a person would name, each a set of pixels that come and go together. They may overlap, and not
    every pixel needs one. A pixel is there while one of its concepts is, or where it has none:

    >>> class Concepts:
    ...     def __init__(self, image, concepts, *, blank):
    ...         self.image, self.blank = np.asarray(image, dtype=np.float64), blank
    ...         self.parts = tuple(concepts)
    ...         self.member = np.array(list(concepts.values())).reshape(len(concepts), -1)
    ...         self.n_draws = 1
    ...         self.weights = np.ones(1)
    ...
    ...     def compose(self, masks, draws, out=None):
    ...         shown = np.asarray(masks, dtype=np.int64) @ self.member > 0
    ...         rows = np.where(shown | ~self.member.any(axis=0), self.image.ravel(), self.blank)
    ...         if out is None:
    ...             return rows
    ...         out[: len(rows)] = rows
    ...         return out[: len(rows)]
    >>> seven = np.array([[1, 1, 1], [0, 0, 1], [0, 0, 1]])
    >>> bar, stem = np.zeros((2, 3, 3), dtype=bool)
    >>> bar[0], stem[:, 2] = True, True
    >>> concepts = Concepts(seven, {"bar at the top": bar, "stem": stem}, blank=0)
    >>> without_the_bar = concepts.compose(np.array([[0, 1]]), np.zeros(1, dtype=np.int64))
    >>> without_the_bar.reshape(3, 3).astype(int).tolist()
    [[0, 0, 1], [0, 0, 1], [0, 0, 1]]
    """

    @property
    def parts(self) -> tuple[str, ...]: ...

    @property
    def n_draws(self) -> int: ...

    @property
    def weights(self) -> NDArray[np.float64]: ...

    def compose(
        self, masks: NDArray[Any], draws: NDArray[np.int64], out: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Model input codes (m, d) of masks (m, p) under draws (m,), in the first m rows of `out`."""
        ...
