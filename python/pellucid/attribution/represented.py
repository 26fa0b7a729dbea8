"""Explained inputs that are no rows of a table: texts, images, and whatever has parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.model import PROBE_ROWS, Model
from pellucid.representation import Representation
from pellucid.space import Space

MISSING_BACKGROUND = (
    "background is missing: a row of a table is compared with a background; pass rows of the training data "
    "(background=X_train)"
)


def representations(X: Any) -> list[Representation] | None:
    """X as a list of representations; None where it is a table."""
    if isinstance(X, Representation) and not isinstance(X, type):
        return [X]
    if isinstance(X, str) or (isinstance(X, (list, tuple)) and X and isinstance(X[0], str)):
        raise InputError("X must be rows of a table, or representations, got str; wrap a text: Words(text)")
    if not isinstance(X, (list, tuple)) or not any(isinstance(one, Representation) for one in X):
        return None
    for at, one in enumerate(X):
        if not isinstance(one, Representation):
            raise InputError(
                f"X must hold nothing but representations where it holds one, got {type(one).__name__} at {at}; "
                "wrap a text in Words and an image in Superpixels"
            )
    return list(X)


class Reader:
    """One user's model for inputs of every medium: it is probed once, with the first of them.

    Parameters
    ----------
    model : the callable or fitted object.
    settings : the other arguments of `Model`, the same for all media.
    """

    def __init__(self, model: Any, **settings: Any) -> None:
        self._given, self._settings = model, settings
        self._probed: Model | None = None

    def table(self, space: Space) -> Model:
        """The model for rows of a table, not probed yet."""
        return Model(self._given, space=space, **self._settings)

    def model_for(self, X: Representation) -> tuple[Model, int]:
        """The model for the medium of X, and the rows it took to probe it now."""
        if len(X.parts) == 0:
            raise InputError(f"parts of {type(X).__name__} must name at least one part, got none")
        medium = getattr(X, "medium", None)
        if self._probed is not None and medium is not None:
            return self._probed.reading(medium), 0
        masks = probe_masks(len(X.parts))
        block = X.compose(masks, np.zeros(len(masks), dtype=np.int64))
        if medium is None:
            model = self._of_arrays(X, block)
        else:
            model = Model(self._given, medium=medium, **self._settings)
        if self._probed is not None:
            # The space of an array is that of another input with as many columns.
            return self._probed.reading(model.medium), 0
        model.probe(block)
        self._probed = model
        return model, model.rows_used + model.rows_cached

    def _of_arrays(self, X: Representation, block: Any) -> Model:
        if not isinstance(block, np.ndarray) or block.ndim != 2:
            got = f"shape {block.shape}" if isinstance(block, np.ndarray) else type(block).__name__
            raise InputError(
                f"compose of {type(X).__name__} must return a float64 array (masks, columns), got {got}; a "
                "representation of other rows needs a `medium`"
            )
        return self.table(Space.infer(block))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_probed": None}


def probe_masks(parts: int) -> NDArray[np.uint8]:
    """All parts, none, and all but one of them: up to 16 masks."""
    count = min(parts, PROBE_ROWS - 2)
    masks = np.ones((2 + count, parts), dtype=np.uint8)
    masks[1] = 0
    masks[2 + np.arange(count), np.arange(count)] = 0
    return masks if parts > 1 else masks[:2]
