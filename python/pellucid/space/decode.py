"""Building the user's container back from float64 codes, every column in its native dtype."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import InputError
from pellucid.space.columns import EPOCH, EPOCH_UTC, code_of, zone_of

if TYPE_CHECKING:
    from pellucid.space.features import Feature

# The dtypes that a frame takes straight from a matrix.
PLAIN_FLOATS = {
    "pandas": {"float64": np.float64, "float32": np.float32},
    "polars": {"Float64": np.float64, "Float32": np.float32},
    "pyarrow": {"double": np.float64, "float": np.float32},
}


def build(container: str, features: Sequence[Feature], codes: np.ndarray) -> Any:
    """The rows `codes` (n, d) as the user's own container."""
    if container == "numpy":
        return to_array(features, codes)
    matrix = _uniform(container, features, codes)
    module = importlib.import_module(container)
    names = [feature.name for feature in features]
    if container == "pandas":
        labels = [feature.name if feature.label is None else feature.label for feature in features]
        if matrix is not None:
            return module.DataFrame(matrix, columns=labels, copy=False)
        columns = [pandas_column(feature, codes[:, j]) for j, feature in enumerate(features)]
        return module.DataFrame(dict(zip(labels, columns, strict=True)), columns=labels, copy=False)
    if container == "polars":
        if matrix is not None:
            return module.from_numpy(matrix, schema=names, orient="row")
        return module.DataFrame([polars_series(feature, codes[:, j]) for j, feature in enumerate(features)])
    if matrix is not None:
        arrays = [module.array(column) for column in np.ascontiguousarray(matrix.T)]
    else:
        arrays = [arrow_array(feature, codes[:, j]) for j, feature in enumerate(features)]
    return module.Table.from_arrays(arrays, names=names)


def _uniform(container: str, features: Sequence[Feature], codes: np.ndarray) -> np.ndarray | None:
    """The frame as one matrix (n, d) where all columns are plain floats of one dtype, else None."""
    dtype = features[0].dtype
    if dtype not in PLAIN_FLOATS[container]:
        return None
    if any(one.dtype != dtype or one.kind != "numeric" for one in features):
        return None
    keeps_nan = container == "pandas" or all(one.null == "nan" for one in features)
    if not keeps_nan and np.isnan(codes).any():
        return None
    return codes.astype(PLAIN_FLOATS[container][dtype], copy=False)


def positions(feature: Feature, codes: np.ndarray) -> np.ndarray:
    """Index (n,) of each code in the categories; -1 where it is missing."""
    absent = np.isnan(codes)
    index = np.rint(np.where(absent, -1.0, codes))
    wrong = (index >= len(feature.categories)) | ((index < 0) & ~absent)
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"codes must be 0..{len(feature.categories) - 1} for {feature.name!r}, got {codes[row]:g} "
            f"in row {row}; use the codes that encode() gives"
        )
    return index.astype(np.int64)


def numbers_behind(feature: Feature, codes: np.ndarray) -> np.ndarray:
    """The number (n,) behind each code: composites are rounded, category codes looked up, NaN is missing."""
    if feature.categories:
        table = np.array([code_of(label) for label in feature.categories] + [np.nan])
        return np.asarray(table[positions(feature, codes)])
    if feature.kind == "boolean":
        return np.where(np.isnan(codes), np.nan, (codes > 0.5).astype(np.float64))
    return codes if feature.kind == "numeric" else np.rint(codes)


def labels_behind(labels: Sequence[Any], index: np.ndarray, null: Any) -> np.ndarray:
    """The label (n,) at each index as an object array; `null` where the index is -1."""
    table = np.empty(len(labels) + 1, dtype=object)
    table[:-1] = labels
    table[-1] = null
    return np.asarray(table[index])


def whole(values: np.ndarray, dtype: np.dtype[Any] | type = np.int64) -> np.ndarray:
    """Numbers (n,) rounded into an integer dtype, held inside its range; missing becomes 0."""
    info = np.iinfo(dtype)
    high = np.nextafter(float(info.max), 0) if info.bits == 64 else float(info.max)
    return np.asarray(np.rint(np.clip(np.nan_to_num(values, nan=0.0), float(info.min), high)).astype(dtype))


def times(values: np.ndarray) -> np.ndarray:
    """Microseconds (n,) as datetime64[us], NaN as NaT."""
    return np.where(np.isnan(values), np.datetime64("NaT", "us"), whole(values).astype("M8[us]"))


def cast(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Numbers (n,) in a NumPy dtype; one that cannot say "missing" falls back to float64, bool to object."""
    if dtype.kind == "M":
        return times(values).astype(dtype)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    absent = np.isnan(values)
    if dtype.kind == "b":
        held = values > 0.5
        if absent.any():
            held = held.astype(object)
            held[absent] = None
        return held
    return values.astype(np.float64) if absent.any() else whole(values, dtype)


def inner(dtype: str) -> list[str]:
    """What stands between the brackets: "Datetime[us, UTC]" -> ["us", "UTC"]."""
    return dtype.partition("[")[2].rpartition("]")[0].split(", ")


def missing_value(null: str) -> Any:
    if null in ("NA", "NaT"):
        return getattr(importlib.import_module("pandas"), null)
    return float("nan") if null == "nan" else None


def objects(feature: Feature, codes: np.ndarray) -> np.ndarray:
    """Plain Python values (n,) of a column of object dtype."""
    null = missing_value(feature.null)
    if feature.kind in ("categorical", "ordinal"):
        return labels_behind(feature.categories, positions(feature, codes), null)
    values = numbers_behind(feature, codes)
    family, *zone = inner(feature.dtype) if "[" in feature.dtype else ["float"]
    if family in ("date", "datetime", "Timestamp"):
        held = _python_times(whole(values).tolist(), family, zone_of(zone[0]) if zone else None)
    elif family == "float":
        held = values.tolist()
    else:
        held = (whole(values) if family == "int" else values > 0.5).tolist()
    out = np.empty(len(codes), dtype=object)
    out[:] = held
    out[np.isnan(values)] = null
    return out


def _python_times(micro: list[int], family: str, zone: dt.tzinfo | None) -> list[Any]:
    if zone is not None:
        moments = [(EPOCH_UTC + dt.timedelta(microseconds=one)).astimezone(zone) for one in micro]
    else:
        moments = [EPOCH + dt.timedelta(microseconds=one) for one in micro]
    if family == "date":
        return [moment.date() for moment in moments]
    if family == "Timestamp":
        timestamp = importlib.import_module("pandas").Timestamp
        return [timestamp(moment) for moment in moments]
    return moments


def to_array(features: Sequence[Feature], codes: np.ndarray) -> np.ndarray:
    """The rows as one array (n, d): the codes themselves when all features are plain float64."""
    dtypes = {feature.dtype for feature in features}
    if dtypes == {"float64"} and all(feature.kind == "numeric" for feature in features):
        return codes
    if all(name.startswith("masked:") for name in dtypes):
        return _to_masked(features, codes)
    if any(name.startswith("object") for name in dtypes):
        return _columns_to_array([objects(one, codes[:, j]) for j, one in enumerate(features)], np.dtype(object))
    if any(name.startswith("<U") or name.startswith(">U") or name == "T" for name in dtypes):
        return _to_text(features, codes)
    dtype = np.dtype(dtypes.pop()) if len(dtypes) == 1 else np.result_type(*map(np.dtype, dtypes))
    if len({feature.kind for feature in features}) == 1 and features[0].kind in ("numeric", "integer"):
        return cast(codes, dtype)
    columns = [cast(numbers_behind(one, codes[:, j]), dtype) for j, one in enumerate(features)]
    same = all(column.dtype == dtype for column in columns)
    return _columns_to_array(columns, dtype if same else np.result_type(*columns))


def _columns_to_array(columns: list[np.ndarray], dtype: np.dtype[Any]) -> np.ndarray:
    out = np.empty((len(columns[0]), len(columns)), dtype=dtype)
    for j, column in enumerate(columns):
        out[:, j] = column
    return out


def _to_masked(features: Sequence[Feature], codes: np.ndarray) -> np.ndarray:
    columns = [numbers_behind(one, codes[:, j]) for j, one in enumerate(features)]
    dtype = np.result_type(*(np.dtype(one.dtype.partition(":")[2]) for one in features))
    filled = [cast(np.nan_to_num(column, nan=0.0), dtype) for column in columns]
    return np.ma.MaskedArray(_columns_to_array(filled, dtype), mask=np.isnan(np.column_stack(columns)))


def _to_text(features: Sequence[Feature], codes: np.ndarray) -> np.ndarray:
    held = [objects(one, codes[:, j]) for j, one in enumerate(features)]
    out = _columns_to_array(held, np.dtype(object))
    if np.isnan(codes).any():
        return out
    if features[0].dtype == "T":
        return out.astype("T")
    longest = max(len(label) for one in features for label in one.categories) if len(codes) else 0
    declared = np.result_type(*(np.dtype(one.dtype) for one in features))
    width = declared.itemsize // np.dtype("U1").itemsize
    return out.astype(declared if longest <= width else f"{declared.str[0]}U{longest}")


def pandas_column(feature: Feature, codes: np.ndarray) -> Any:
    """One column (n,) as what pandas.DataFrame takes: an array or an extension array."""
    pandas = importlib.import_module("pandas")
    dtype = feature.dtype
    if dtype.startswith("arrow:"):
        return pandas.arrays.ArrowExtensionArray(_arrow_column(feature, codes, dtype.partition(":")[2]))
    if dtype.startswith("object"):
        return pandas.Series(objects(feature, codes), dtype=object)
    if dtype.startswith("category"):
        order, of = inner(dtype)[0], ", ".join(inner(dtype)[1:])
        listed, index = _listed(feature, codes)
        kind = pandas.CategoricalDtype(
            pandas.Index(listed, dtype=_pandas_dtype(pandas, of)), ordered=order == "ordered"
        )
        return pandas.Categorical.from_codes(index, dtype=kind)
    if dtype.startswith("str"):
        table = pandas.array(list(feature.categories), dtype=_pandas_dtype(pandas, dtype))
        return table.take(positions(feature, codes), allow_fill=True)
    values = numbers_behind(feature, codes)
    if dtype.startswith("datetime64[") and ", " in dtype:
        unit, zone = inner(dtype)
        stamps = pandas.DatetimeIndex(times(values).astype(f"M8[{unit}]"))
        return stamps.tz_localize("UTC").tz_convert(pandas.DatetimeTZDtype(unit, zone).tz)
    absent = np.isnan(values)
    if dtype == "boolean":
        return pandas.arrays.BooleanArray(values > 0.5, absent)
    if dtype.startswith(("Int", "UInt")):
        return pandas.arrays.IntegerArray(whole(values, np.dtype(dtype.lower())), absent)
    if dtype.startswith("Float"):
        return pandas.arrays.FloatingArray(np.nan_to_num(values, nan=0.0).astype(dtype.lower()), absent)
    return cast(values, np.dtype(dtype))


def _pandas_dtype(pandas: Any, name: str) -> Any:
    if name.startswith("string"):
        return pandas.StringDtype(inner(name)[0])
    if name.startswith("str"):
        return pandas.StringDtype(inner(name)[0], na_value=np.nan)
    if name.startswith("arrow:"):
        return pandas.ArrowDtype(_arrow_type(importlib.import_module("pyarrow"), name.partition(":")[2]))
    return name


def _listed(feature: Feature, codes: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """The labels in the order of the dtype itself, and the index (n,) into them."""
    index = positions(feature, codes)
    if not feature.listed:
        return list(feature.categories), index
    place = {label: i for i, label in enumerate(feature.listed)}
    rank = np.array([place[label] for label in feature.categories] + [-1], dtype=np.int64)
    return list(feature.listed), rank[index]


def polars_series(feature: Feature, codes: np.ndarray) -> Any:
    """One polars Series (n,)."""
    polars = importlib.import_module("polars")
    dtype, name = feature.dtype, feature.name
    if dtype in ("String", "Categorical", "Enum"):
        labels, index = _listed(feature, codes)
        text = polars.Series(name, [*labels, None], dtype=polars.String)
        kind = polars.Enum(labels) if dtype == "Enum" else getattr(polars, dtype)
        return text.gather(np.where(index < 0, len(labels), index)).cast(kind)
    values = numbers_behind(feature, codes)
    if dtype == "Null":
        unknown = [None] * len(values)
        return polars.Series(name, unknown if np.isnan(values).all() else values, nan_to_null=True)
    if dtype.startswith("Date"):
        stamps = polars.Series(name, times(values))
        if dtype == "Date":
            return stamps.cast(polars.Date)
        unit, *zone = inner(dtype)
        stamps = stamps.cast(polars.Datetime(unit))
        return stamps.dt.replace_time_zone("UTC").dt.convert_time_zone(zone[0]) if zone else stamps
    series = polars.Series(name, values, nan_to_null=feature.null != "nan")
    return series.cast(getattr(polars, dtype))


def arrow_array(feature: Feature, codes: np.ndarray) -> Any:
    """One pyarrow Array (n,)."""
    return _arrow_column(feature, codes, feature.dtype)


def _arrow_type(arrow: Any, name: str) -> Any:
    if name.startswith("timestamp"):
        unit, *zone = inner(name)
        return arrow.timestamp(unit, zone[0].removeprefix("tz=") if zone else None)
    return arrow.type_for_alias({"date32[day]": "date32", "date64[ms]": "date64"}.get(name, name))


def _arrow_column(feature: Feature, codes: np.ndarray, dtype: str) -> Any:
    arrow = importlib.import_module("pyarrow")
    if dtype.startswith("dictionary"):
        order, index_type, value_type = inner(dtype)[0], inner(dtype)[1], ", ".join(inner(dtype)[2:])
        labels, index = _listed(feature, codes)
        indices = arrow.array(index, mask=index < 0).cast(_arrow_type(arrow, index_type))
        table = arrow.array(labels, type=_arrow_type(arrow, value_type))
        return arrow.DictionaryArray.from_arrays(indices, table, ordered=order == "ordered")
    kind = _arrow_type(arrow, dtype)
    if dtype in ("string", "large_string", "string_view"):
        index = positions(feature, codes)
        table = arrow.array(feature.categories, type=arrow.string())
        return table.take(arrow.array(index, mask=index < 0)).cast(kind)
    values = numbers_behind(feature, codes)
    absent = np.isnan(values)
    if dtype == "null":
        return arrow.nulls(len(values)) if absent.all() else arrow.array(values, mask=absent)
    if dtype == "bool":
        return arrow.array(values > 0.5, mask=absent)
    if dtype.startswith("date"):
        return arrow.array(times(values), mask=absent).cast(kind)
    if dtype.startswith("timestamp"):
        micro = arrow.array(whole(values), mask=absent).cast(arrow.timestamp("us", kind.tz))
        return micro.cast(kind)
    if arrow.types.is_integer(kind):
        return arrow.array(whole(values, np.dtype(dtype)), mask=absent)
    numpy_type = np.dtype({"double": "f8", "float": "f4", "float16": "f2"}[dtype])
    return arrow.array(values.astype(numpy_type), mask=None if feature.null == "nan" else absent)
