"""Opening what the user calls X: dataframes through narwhals, arrays through NumPy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from pellucid._arguments import require_memory
from pellucid.errors import InputError
from pellucid.space.columns import (
    Column,
    Place,
    exact_microseconds,
    finite,
    is_label,
    numbers,
    object_column,
    plain_scalar,
    text_column,
)

CONTAINERS = ("numpy", "pandas", "polars", "pyarrow")
EXPECTED = "a 2-D array or a pandas, polars or pyarrow dataframe"


@dataclass(frozen=True)
class Source:
    """An opened X: its size and names are known, its values are not read yet."""

    argument: str
    container: str
    names: tuple[str, ...] | None  # None for an array
    labels: tuple[int | None, ...]  # a column's own label where it is an int (pandas)
    data: Any  # (n, d) array or narwhals DataFrame
    mask: np.ndarray | None = None  # of a masked array

    @property
    def d(self) -> int:
        return len(self.labels)

    def plain_floats(self, kinds: str = "f") -> np.ndarray | None:
        """All of X at once, as a fresh C-contiguous float64 array, where it is one array of these kinds; else None.

        None, too, where it holds an infinite value, which the reading of columns refuses in its own words.
        """
        if self.names is not None or self.mask is not None or self.data.dtype.kind not in kinds:
            return None
        with np.errstate(over="ignore"):
            codes = np.array(self.data, dtype=np.float64, order="C")
        return None if np.isinf(codes).any() else codes

    def read(self, names: tuple[str, ...], *, mixed: Collection[int] = ()) -> list[Column]:
        """All columns; those at the positions `mixed` may hold labels of several types."""
        places = [Place(self.argument, name) for name in names]
        if self.names is None:
            return [self._array_column(j, place, mixed=j in mixed) for j, place in enumerate(places)]
        series = self.data.iter_columns()
        return [
            replace(read_series(one, place, self.container, mixed=j in mixed), label=self.labels[j])
            for j, (one, place) in enumerate(zip(series, places, strict=True))
        ]

    def _array_column(self, j: int, place: Place, *, mixed: bool) -> Column:
        values = self.data[:, j]
        if self.mask is None:
            return array_column(values, place, mixed=mixed)
        if values.dtype.kind not in "biuf":
            raise InputError(
                f"{self.argument} must be a masked array of numbers, got dtype {values.dtype}; "
                "use an object array with None for missing values"
            )
        hidden = self.mask[:, j]
        column = array_column(np.where(hidden, values.dtype.type(0), values), place, mixed=False)
        return replace(column, values=np.where(hidden, np.nan, column.values), dtype=f"masked:{column.dtype}")


def open_source(X: Any, argument: str) -> Source:
    """X as a `Source`, refused when it is not a table with at least one column of a unique name."""
    kind = type(X)
    if kind.__module__.startswith("scipy.sparse"):
        raise InputError(
            f"{argument} must be dense, got scipy.sparse {kind.__name__} of shape {X.shape}; "
            f"densify it with {argument}.toarray()"
        )
    if kind.__module__.partition(".")[0] == "narwhals" and hasattr(X, "to_native"):
        X = X.to_native()
    source = _open_frame(X, argument) if _is_frame(X) else _open_array(X, argument)
    if source.d == 0:
        raise InputError(f"{argument} must have at least one feature, got shape {X.shape}; pass the feature columns")
    require_memory(argument, (len(source.data), source.d), unit=f"rows of {source.d} features")
    return source


def _is_frame(X: Any) -> bool:
    if isinstance(X, np.ndarray):
        return False
    import narwhals.stable.v2 as nw

    found: bool = nw.dependencies.is_into_dataframe(X) or nw.dependencies.is_into_series(X)
    return found or type(X).__name__ == "LazyFrame"


def _open_frame(X: Any, argument: str) -> Source:
    import narwhals.stable.v2 as nw

    if type(X).__name__ == "LazyFrame":
        raise InputError(f"{argument} must be {EXPECTED}, got a LazyFrame; call {argument}.collect() first")
    if nw.dependencies.is_into_series(X):
        raise InputError(
            f"{argument} must be 2-D (rows, features), got shape ({len(X)},) of {type(X).__name__}; "
            "pass a dataframe, with one row for one instance"
        )
    own = list(X.column_names if nw.dependencies.is_pyarrow_table(X) else X.columns)
    names, labels = [], []
    for label in own:
        integer = isinstance(label, (int, np.integer)) and not isinstance(label, bool)
        if not integer and not isinstance(label, str):
            raise InputError(
                f"{argument} must have column names that are text or integers, got {label!r}; rename the columns"
            )
        names.append(str(label))
        labels.append(int(label) if integer else None)
    require_unique(names, argument)
    frame = nw.from_native(X, eager_only=True)
    container = frame.implementation.value
    if container not in CONTAINERS:
        raise InputError(f"{argument} must be {EXPECTED}, got a {container} dataframe; convert it to pandas")
    return Source(argument, container, tuple(names), tuple(labels), frame)


def require_unique(names: list[str], argument: str) -> None:
    """Refuses a name that stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{argument} must have unique feature names, got {name!r} twice; rename one")
        seen.add(name)


def _open_array(X: Any, argument: str) -> Source:
    if X is None or isinstance(X, (str, bytes, dict, set)) or callable(X):
        raise InputError(f"{argument} must be {EXPECTED}, got {type(X).__name__}; pass the feature values")
    mask = np.ma.getmaskarray(X) if isinstance(X, np.ma.MaskedArray) else None
    try:
        array = np.asarray(X)
        if not isinstance(X, np.ndarray) and array.dtype.kind not in "biufMO":
            array = np.asarray(X, dtype=object)  # NumPy would have turned the numbers of a mixed list into text
    except (ValueError, TypeError, RuntimeError) as error:
        got = f"{type(X).__name__} ({error})"
        raise InputError(f"{argument} must be {EXPECTED}, got {got}; give all rows one length") from error
    if array.ndim != 2:
        remedy = "use x[None]" if array.ndim == 1 else "pass one row per instance"
        raise InputError(f"{argument} must be 2-D (rows, features), got shape {array.shape}; {remedy}")
    dtype = array.dtype
    with_null = dtype.kind == "T" and hasattr(dtype, "na_object")
    if dtype.kind not in "biufMOUT" or with_null:
        remedies = {"c": "take its real or absolute part", "S": f"decode it with {argument}.astype(str)"}
        remedy = remedies.get(dtype.kind, "convert it to an array of those")
        raise InputError(f"{argument} must hold numbers, text, booleans or dates, got dtype {dtype}; {remedy}")
    return Source(argument, "numpy", None, (None,) * array.shape[1], array, mask)


def array_column(values: np.ndarray, place: Place, *, mixed: bool) -> Column:
    """One column (n,) of a NumPy array."""
    kind = values.dtype.kind
    if kind == "O":
        return object_column(values, place, mixed=mixed)
    if kind == "M":
        return Column(place.name, "time", exact_microseconds(values, place), str(values.dtype))
    if kind in "UT":
        dtype = "T" if kind == "T" else str(values.dtype)
        return text_column(values.tolist(), np.ones(len(values), dtype=bool), place, dtype)
    family = {"b": "boolean", "i": "integer", "u": "integer", "f": "float"}[kind]
    return Column(place.name, family, numbers(values, place), str(values.dtype))


def read_series(series: Any, place: Place, container: str, *, mixed: bool) -> Column:
    """One column of a dataframe; the narwhals dtype picks the way, the native dtype is what comes back."""
    import narwhals.stable.v2 as nw

    native, kind = series.to_native(), series.dtype
    name = native_dtype(native, container)
    if container == "pandas" and name == "object":
        return object_column(native.to_numpy(), place, mixed=mixed)
    missing = np.asarray(series.is_null().to_numpy(), dtype=bool)
    if isinstance(kind, (nw.Categorical, nw.Enum)):
        return _listed_column(series, native, missing, place, name)
    if name.endswith("date64[ms]"):  # narwhals does not know it
        series = nw.from_native(_arrow_array(native).cast("timestamp[ms]"), series_only=True)
        kind = series.dtype
    if kind.is_float():
        values = finite(np.array(series.to_numpy(), dtype=np.float64), place)
        own_nan = container != "pandas" or name.startswith("arrow:")
        null = "nan" if own_nan and not missing.any() and np.isnan(values).any() else ""
        return Column(place.name, "float", values, name, null=null)
    if (kind.is_integer() and kind not in (nw.Int128, nw.UInt128)) or kind == nw.Boolean:
        held = series.fill_null(0 if kind.is_integer() else False) if missing.any() else series
        values = np.where(missing, np.nan, numbers(np.asarray(held.to_numpy()), place))
        return Column(place.name, "integer" if kind.is_integer() else "boolean", values, name)
    if isinstance(kind, (nw.Date, nw.Datetime)):
        return _time_column(series, missing, place, name)
    if kind == nw.String:
        held = [value for value, absent in zip(series.to_list(), missing, strict=True) if not absent]
        return text_column(held, ~missing, place, name)
    if name.lower() in ("null", "arrow:null"):
        return Column(place.name, "float", np.full(len(missing), np.nan), name)
    raise InputError(
        f"{place.argument} must hold numbers, text, booleans or dates, got dtype {name} in column "
        f"{place.name!r}; cast or drop the column"
    )


def _time_column(series: Any, missing: np.ndarray, place: Place, name: str) -> Column:
    zone = getattr(series.dtype, "time_zone", None)
    unit: Literal["ns", "us"] = "ns" if getattr(series.dtype, "time_unit", "us") == "ns" else "us"
    times = np.full(len(missing), np.datetime64("NaT", unit), dtype=f"M8[{unit}]")
    # With nulls the stamps of some containers pass through floats, which would round them.
    stamps = np.asarray(series.drop_nulls().dt.timestamp(unit).to_numpy(), dtype=np.int64)
    times[~missing] = stamps.astype(times.dtype)
    return Column(place.name, "time", exact_microseconds(times, place), name, aware=zone is not None)


def _listed_column(series: Any, native: Any, missing: np.ndarray, place: Place, name: str) -> Column:
    """A column whose dtype lists its labels (for polars Categorical, whose list is global, its values)."""
    import narwhals.stable.v2 as nw

    ordered = False
    if name.startswith("category"):
        listed, index = native.cat.categories.tolist(), native.cat.codes.to_numpy()
        ordered = bool(native.cat.ordered)
    elif "dictionary" in name:
        array = _arrow_array(native).unify_dictionaries().combine_chunks()
        listed, ordered = array.dictionary.to_pylist(), bool(array.type.ordered)
        index = array.indices.fill_null(0).to_numpy(zero_copy_only=False)
    elif name == "Enum":
        listed = native.dtype.categories.to_list()
        index = native.to_physical().fill_null(0).to_numpy()
    else:
        return text_column(series.drop_nulls().cast(nw.String).to_list(), ~missing, place, name)
    labels = [plain_scalar(label) for label in listed]
    bad = next((label for label in labels if not is_label(label)), None)
    if bad is not None or None in labels or len(set(labels)) < len(labels):
        raise InputError(
            f"{place.argument} must have distinct categories that are numbers, text, booleans or dates, got "
            f"{listed if bad is None else bad!r} in column {place.name!r}; convert the column to text"
        )
    values = np.where(missing, np.nan, np.asarray(index, dtype=np.float64))
    return Column(place.name, "labels", values, name, labels=tuple(labels), listed=True, ordered=ordered)


def _arrow_array(native: Any) -> Any:
    """The pyarrow ChunkedArray behind a pyarrow column or a pandas column of an arrow dtype."""
    if hasattr(native, "array"):
        import pyarrow

        return pyarrow.chunked_array(native.array.__arrow_array__())
    return native


def native_dtype(native: Any, container: str) -> str:
    """The name under which `decode` rebuilds the dtype of a native column."""
    if container == "pandas":
        return pandas_dtype(native.dtype)
    return arrow_type(native.type) if container == "pyarrow" else polars_dtype(native.dtype)


def pandas_dtype(dtype: Any) -> str:
    kind = type(dtype).__name__
    if kind == "StringDtype":
        family = "str" if isinstance(dtype.na_value, float) else "string"
        return f"{family}[{dtype.storage}]"
    if kind == "ArrowDtype":
        return f"arrow:{arrow_type(dtype.pyarrow_dtype)}"
    if kind == "CategoricalDtype":
        order = "ordered" if dtype.ordered else "unordered"
        return f"category[{order}, {pandas_dtype(dtype.categories.dtype)}]"
    return str(dtype)


def arrow_type(kind: Any) -> str:
    name = str(kind)
    if name.startswith("dictionary"):
        order = "ordered" if kind.ordered else "unordered"
        return f"dictionary[{order}, {kind.index_type}, {kind.value_type}]"
    return {"halffloat": "float16"}.get(name, name)


def polars_dtype(dtype: Any) -> str:
    name = type(dtype).__name__ if not isinstance(dtype, type) else dtype.__name__
    if name == "Datetime":
        zone = "" if dtype.time_zone is None else f", {dtype.time_zone}"
        return f"Datetime[{dtype.time_unit}{zone}]"
    if name == "Categorical" and hasattr(dtype, "categories") and not dtype.categories.is_global():
        raise InputError(
            f"a polars Categorical must use the global categories, got {dtype.categories}; cast it to pl.Categorical"
        )
    return name
