"""What the readers of foreign trees share: documents that may lie, and trees put one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelFormatError, PellucidError

# More outputs than that have no trees to speak for them in any model that was trained.
MOST_OUTPUTS = 65536


@contextmanager
def reading(source: str) -> Iterator[None]:
    """Whatever a document breaks while it is read is an error of the document, not of the caller."""
    try:
        yield
    except PellucidError:
        raise
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ModelFormatError(
            f"the model ({source}) cannot be read, its fields are not those of such a model ({what[:200]}); "
            "save it again with the library that trained it"
        ) from error


def refuse(source: str, reason: str, remedy: str) -> ModelFormatError:
    return ModelFormatError(f"the model ({source}) cannot be read as trees: {reason}; {remedy}")


def require_outputs(count: int, source: str) -> int:
    if not 1 <= count <= MOST_OUTPUTS:
        raise refuse(source, f"it claims {count} outputs", f"expected 1 to {MOST_OUTPUTS}")
    return count


def whole_numbers(values: Any) -> NDArray[np.int64]:
    """(m,) int64; a fraction or a text is refused, not cut."""
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iub"):
        raise TypeError(f"expected a list of whole numbers, got {array.ndim} dimensions of {array.dtype}")
    return array.astype(np.int64)


def small_numbers(values: Any) -> NDArray[np.int32]:
    """(m,) int32, of columns and outputs; a larger one is refused, not wrapped around."""
    array = whole_numbers(values)
    if array.size and max(-int(array.min()), int(array.max())) >= 2**31:
        raise OverflowError("a column or an output has a number beyond 32 bits")
    return array.astype(np.int32)


def numbers(values: Any) -> NDArray[np.float64]:
    """(m,) float64."""
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iuf"):
        raise TypeError(f"expected a list of numbers, got {array.ndim} dimensions of {array.dtype}")
    return array.astype(np.float64)


def single_numbers(values: Any) -> NDArray[np.float64]:
    """(m,) of a library that computes in float32, whose decimal digits name the nearest float32."""
    array = np.asarray(values)
    if array.ndim == 1 and array.dtype.kind == "f" and array.dtype.itemsize == 4:  # in either order of bytes
        return array.astype(np.float64)
    with np.errstate(over="ignore"):
        return numbers(array).astype(np.float32).astype(np.float64)


def starts_of(counts: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """First entries of parts of these lengths, and their sum: 0, c0, c0 + c1, ..."""
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(np.asarray(counts, dtype=np.int64), out=starts[1:])
    return starts


def joined(parts: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    """The arrays of all trees as one; empty where there are no trees."""
    return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)


def require_names(names: Sequence[str], features: int, source: str) -> None:
    if names and len(names) != features:
        raise refuse(source, f"it has {features} features, but {len(names)} names of them", "save it again")
