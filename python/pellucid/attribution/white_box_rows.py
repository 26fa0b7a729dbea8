"""How the rows of a call are read on the way to the inside of a model: in the columns of a background, or their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.attribution.plain_frames import PlainFrame
from pellucid.attribution.represented import Reader
from pellucid.model import Model
from pellucid.space import Space, space_of

Array = NDArray[np.float64]

_FLOATS = (np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.float16))


class RowSource:
    """Rows X of any container as codes, with the model for their space.

    Plain numbers take a short way, since no user code will see these rows: an array of floats is its own codes, and a
    frame with the names and types of the one before is read as a whole.

    Parameters
    ----------
    model : the model on the space of the background; None where every call shows its own space.
    reader : makes the model of such a space.
    space, groups : of the user, for such calls.
    switched : the margin is explained where nothing was asked for.
    """

    def __init__(
        self,
        model: Model | None = None,
        *,
        reader: Reader | None = None,
        space: Space | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
        switched: bool = False,
    ) -> None:
        self._model, self._reader = model, reader
        self._space, self._groups = space, groups
        self._plain: Model | None = None
        self._framed: tuple[PlainFrame, Model] | None = None
        self.switched = switched

    @property
    def model(self) -> Model:
        """The model on the space of the background."""
        assert self._model is not None
        return self._model

    def read(self, X: Any) -> tuple[Model, Array]:
        """The model for the space of X, and X as codes (n, d); the array itself where it needs no change."""
        known = self._at_once(X)
        if known is not None:
            return known
        model = self._model_for(X)
        codes = model.space.encode(X)
        if type(X) is not np.ndarray:
            like = PlainFrame.of(X, model.space)
            self._framed = self._framed if like is None else (like, model)
        elif self._plain is None and _is_plain(X, model.space.d) and _is_numeric(model.space):
            self._plain = model
        return model, codes

    def _at_once(self, X: Any) -> tuple[Model, Array] | None:
        """As `read`, where X looks like rows that were read before; else None."""
        plain, framed = self._plain, self._framed
        if type(X) is np.ndarray:
            return None if plain is None or not _is_plain(X, plain.space.d) else (plain, _contiguous(X))
        codes = None if framed is None else framed[0].codes(X)
        return None if framed is None or codes is None else (framed[1], codes)

    def _model_for(self, X: Any) -> Model:
        if self._model is not None:
            space = self._model.space.extend(X)
            return self._model if space == self._model.space else self._model.with_space(space)
        assert self._reader is not None
        return self._reader.table(space_of(X, space=self._space, groups=self._groups))


def _is_plain(X: NDArray[Any], d: int) -> bool:
    return X.dtype in _FLOATS and X.ndim == 2 and X.shape[1] == d and not np.isinf(X).any()


def _contiguous(X: NDArray[Any]) -> Array:
    codes: Array = np.ascontiguousarray(X, dtype=np.float64)
    return codes


def _is_numeric(space: Space) -> bool:
    return all(feature.kind == "numeric" for feature in space.features)
