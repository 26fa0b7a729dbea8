"""What user code returned, checked and made a fresh float64 array."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelOutputError

# Each output has a name and a column in every result; no model is explained in more.
MOST_OUTPUTS = 2**20


@dataclass(frozen=True)
class Place:
    """Where in the work a call of user code stands: which batch, which of the rows asked for."""

    batch: int
    first: int
    rows: int
    unit: str = "row"

    def __str__(self) -> str:
        last = self.first + self.rows - 1
        if self.rows == 1:
            return f"batch {self.batch}, {self.unit} {self.first}"
        return f"batch {self.batch}, {self.unit}s {self.first} to {last}"


def note_place(error: BaseException, place: Place) -> None:
    """Say in a note of the user's own exception where it happened; its type and args stay untouched."""
    add_note = getattr(error, "add_note", None)  # Python 3.11
    if add_note is not None:
        add_note(f"pellucid: raised by the model in {place} of those asked for in this pass")


def checked_scores(
    returned: Any,
    *,
    place: Place,
    width: int | None = None,
    call: int = 1,
    show: Callable[[int], str] | None = None,
) -> NDArray[np.float64]:
    """The outputs of one call of user code as a fresh, finite (rows, k) float64 array.

    Parameters
    ----------
    returned : whatever the callable returned for `place.rows` rows.
    place : where the call stands, for messages.
    width : number of outputs of the calls before, None before the first.
    call : number of this call, for messages.
    show : text of one input row, for the message about NaN.

    Raises
    ------
    ModelOutputError : in every case where that is impossible; the message says what came and what to return.

    Examples
    --------
    >>> checked_scores([1, 2], place=Place(0, 0, 2)).tolist()
    [[1.0], [2.0]]
    """
    unit, rows = place.unit, place.rows
    expected = f"return an array of shape ({rows},) or ({rows}, outputs), one {unit} of scores per {unit} given"
    _refuse_wrong_size(returned, place, expected)
    array = _as_array(returned, expected)
    _refuse_foreign_values(array, expected)
    array = _two_dimensional(array, rows, expected)
    _refuse_wrong_size(array, place, expected)
    if array.shape[1] == 0:
        raise ModelOutputError(f"the model returned an array of shape {array.shape}, without outputs; {expected}")
    if width is not None and array.shape[1] != width:
        raise ModelOutputError(
            f"the model returned {array.shape[1]} outputs in call {call} ({place}), but {width} outputs in "
            "the calls before; return the same number of outputs in every call"
        )
    # Always a copy: the array may be a view of the rows given, or a buffer the model fills again next time.
    with np.errstate(over="ignore"):
        scores = np.array(array, dtype=np.float64, order="C", copy=True)
    _refuse_nonfinite(scores, place, show)
    return scores


def _as_array(returned: Any, expected: str) -> NDArray[Any]:
    if returned is None:
        raise ModelOutputError(f"the model returned None; {expected} (is a return statement missing?)")
    if isinstance(returned, np.ma.MaskedArray) and np.ma.getmaskarray(returned).any():
        raise ModelOutputError(f"the model returned a masked array with masked scores; {expected}")
    if isinstance(returned, np.ndarray):
        return np.asarray(returned)
    if isinstance(returned, (str, bytes)):
        raise ModelOutputError(f"the model returned a string; return scores, not labels: {expected}")
    if hasattr(returned, "toarray"):
        raise ModelOutputError(
            f"the model returned a sparse {type(returned).__name__}; return a dense array: {expected}"
        )
    returned = _to_numpy(returned)
    if not (
        hasattr(returned, "__array__")
        or hasattr(returned, "__array_interface__")
        or isinstance(returned, (list, tuple, numbers.Number))
    ):
        kind = "generator" if isinstance(returned, Iterator) else type(returned).__name__
        hint = ""
        if isinstance(returned, (Mapping, Set)):
            hint = ", not a mapping or a set: the order of the outputs must be known"
        raise ModelOutputError(f"the model returned a {kind}; {expected}{hint}")
    try:
        return np.asarray(returned)
    except (ValueError, TypeError) as error:
        raise ModelOutputError(
            f"the model returned a {type(returned).__name__} that is not a rectangular array of scores "
            f"({error}); {expected}"
        ) from error


def _refuse_wrong_size(returned: Any, place: Place, expected: str) -> None:
    """First of all, before anything is copied: an answer of another shape may be of any size."""
    shape = getattr(returned, "shape", None)
    if isinstance(shape, tuple):
        length = shape[0] if shape else place.rows
    elif isinstance(returned, (list, tuple)):
        length = len(returned)
    else:
        return
    if length != place.rows:
        raise ModelOutputError(
            f"the model returned a {type(returned).__name__} of length {length} for {place.rows} "
            f"{place.unit}s ({place}); {expected}"
        )
    if isinstance(shape, tuple) and len(shape) == 2 and shape[1] > MOST_OUTPUTS:
        raise ModelOutputError(
            f"the model returned {shape[1]:,} outputs ({place}), more than the {MOST_OUTPUTS:,} that can be explained; "
            "return only the outputs to explain"
        )


def _to_numpy(returned: Any) -> Any:
    """Tensors leave their graph and their device; frames and columns become arrays."""
    try:
        if hasattr(returned, "detach") and hasattr(returned, "cpu"):
            returned = returned.detach().cpu()
        for name in ("numpy", "to_numpy"):
            if callable(getattr(returned, name, None)):
                return getattr(returned, name)()
    except Exception as error:
        raise ModelOutputError(
            f"the model returned a {type(returned).__name__} that cannot become a NumPy array ({error}); "
            "return tensor.detach().cpu().numpy()"
        ) from error
    return returned


def _refuse_foreign_values(array: NDArray[Any], expected: str) -> None:
    kind = array.dtype.kind
    if kind in "fiub":
        return
    if kind == "c":
        raise ModelOutputError(f"the model returned complex numbers ({array.dtype}); return real scores: {expected}")
    if kind == "O":
        position, value = _first_not_a_number(array)
        if value is None and position is None:
            return
        if isinstance(value, (list, tuple, np.ndarray)):
            raise ModelOutputError(f"the model returned ragged rows (first at row {position}); {expected}")
        if value is None or not isinstance(value, (str, bytes)):
            raise ModelOutputError(
                f"the model returned objects, the first {value!r} at row {position}; return numbers: {expected}"
            )
        raise ModelOutputError(
            f"the model returned labels, the first {str(value)[:60]!r} at row {position}; "
            f"return scores, not labels: {expected}"
        )
    if kind in "UST":
        first = str(array.flat[0])[:60] if array.size else ""
        raise ModelOutputError(f"the model returned labels, such as {first!r}; return scores, not labels: {expected}")
    raise ModelOutputError(f"the model returned values of dtype {array.dtype}; return real scores: {expected}")


def _first_not_a_number(array: NDArray[Any]) -> tuple[int | None, Any]:
    for position, value in enumerate(array.flat):
        if not isinstance(value, numbers.Real) and not hasattr(value, "__float__"):
            return position // max(1, array[0].size if array.ndim > 1 else 1), value
        if isinstance(value, np.ndarray):
            return position, value
    return None, None


def _two_dimensional(array: NDArray[Any], rows: int, expected: str) -> NDArray[Any]:
    if array.ndim == 0:
        if rows == 1:
            return array.reshape(1, 1)
        raise ModelOutputError(f"the model returned one number for {rows} rows; {expected}")
    if array.ndim == 1:
        return array[:, None]
    if array.ndim > 2:
        raise ModelOutputError(f"the model returned an array of shape {array.shape}; {expected}")
    return array


def _refuse_nonfinite(scores: NDArray[np.float64], place: Place, show: Callable[[int], str] | None) -> None:
    finite = np.isfinite(scores)
    if finite.all():
        return
    bad = np.flatnonzero(~finite.all(axis=1))
    row = int(bad[0])
    output = int(np.flatnonzero(~finite[row])[0])
    given = f"; its input is {show(row)}" if show is not None else ""
    raise ModelOutputError(
        f"the model returned NaN or infinite scores for {len(bad)} of {place.rows} {place.unit}s ({place}); "
        f"the first is {scores[row, output]} in output {output} of {place.unit} {place.first + row}{given}; "
        "return finite scores"
    )
