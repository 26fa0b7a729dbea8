"""Transformers of scikit-learn that keep a sum of functions of the raw columns one.

Scalers, selections and projections are affine maps, exactly. What works on each column by itself (encoders, binning,
powers, a numpy function) is allowed on columns that still depend on one raw column only. All else is not known.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters.sklearn_columns import Columns, NotAdditive, side_by_side
from pellucid.whitebox.additive import Line, Piece, Table
from pellucid.whitebox.labels import is_missing, native_values

Array = NDArray[np.float64]


def after(step: Any, columns: Columns) -> Columns:
    """The columns behind a fitted transformer; NotAdditive where they are no sums any more."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return columns
    if not type(step).__module__.startswith("sklearn."):
        raise NotAdditive
    reader = _READERS.get(type(step).__name__)
    if reader is not None:
        return reader(step, columns)
    if callable(getattr(step, "get_support", None)):
        return columns.select(step.get_support(indices=True))
    raise NotAdditive


def _pipeline(step: Any, columns: Columns) -> Columns:
    for _, one in step.steps:
        columns = after(one, columns)
    return columns


def _column_transformer(step: Any, columns: Columns) -> Columns:
    inputs = getattr(step, "_transformer_to_input_indices", None)
    if inputs is None or columns.width != step.n_features_in_:
        raise NotAdditive
    parts: list[Columns] = []
    order: list[int] = []
    for name, transformer, _ in step.transformers_:
        chosen = list(inputs[name])
        if (isinstance(transformer, str) and transformer == "drop") or not chosen:
            continue
        part = after(transformer, columns.select(chosen))
        place = range(*step.output_indices_[name].indices(2**31))
        if len(place) != part.width:
            raise NotAdditive
        parts.append(part)
        order += place
    return side_by_side(parts, order, raw=columns.raw)


def _feature_union(step: Any, columns: Columns) -> Columns:
    weights = step.transformer_weights or {}
    parts = []
    for name, transformer in step.transformer_list:
        if isinstance(transformer, str) and transformer == "drop":
            continue
        part = after(transformer, columns)
        if name in weights:
            part = part.scaled(np.full(part.width, float(weights[name])), np.zeros(part.width))
        parts.append(part)
    return side_by_side(parts, range(sum(part.width for part in parts)), raw=columns.raw)


def _standard(step: Any, columns: Columns) -> Columns:
    return _centred(columns, step.mean_ if step.with_mean else None, step.scale_)


def _robust(step: Any, columns: Columns) -> Columns:
    return _centred(columns, step.center_ if step.with_centering else None, step.scale_ if step.with_scaling else None)


def _max_abs(step: Any, columns: Columns) -> Columns:
    if getattr(step, "clip", False):
        return _by_column(step, columns)
    return _centred(columns, None, step.scale_)


def _min_max(step: Any, columns: Columns) -> Columns:
    return _by_column(step, columns) if step.clip else columns.scaled(step.scale_, step.min_)


def _centred(columns: Columns, centre: Any, scale: Any) -> Columns:
    factor = np.ones(columns.width) if scale is None else 1.0 / np.asarray(scale, dtype=np.float64)
    offset = np.zeros(columns.width) if centre is None else -np.asarray(centre, dtype=np.float64) * factor
    return columns.scaled(factor, offset)


def _projection(step: Any, columns: Columns) -> Columns:
    matrix = np.array(step.components_, dtype=np.float64).T
    mean = getattr(step, "mean_", None)
    if getattr(step, "whiten", False):
        # As the transformer itself has it, a variance that is nearly nothing counts as the least one.
        deviation = np.sqrt(step.explained_variance_)
        matrix /= np.maximum(deviation, np.finfo(deviation.dtype).eps)
    return columns.affine(matrix, np.zeros(matrix.shape[1]) if mean is None else -(np.asarray(mean) @ matrix))


def _imputer(step: Any, columns: Columns) -> Columns:
    """NaN becomes the statistic; all other values pass."""
    if not is_missing(step.missing_values):
        raise NotAdditive
    marked = list(step.indicator_.features_) if step.add_indicator else []
    pieces: dict[int, Piece] = dict(columns.pieces)
    for i, fill in enumerate(step.statistics_):
        j = columns.only_source(i)
        if j is not None and isinstance(_scalar(fill), (int, float)):
            pieces[j] = _filled(pieces[j], i, float(fill) - columns.constant[i])
    native = [
        one if one is None or one.filled else replace(one, filled=True, fill=fill)
        for one, fill in zip(columns.native, step.statistics_, strict=True)
    ]
    kept = [i for i, fill in enumerate(step.statistics_) if not is_missing(_scalar(fill))]
    filled = replace(columns, pieces=pieces, native=tuple(native)).select(kept)
    if not marked:
        return filled
    return side_by_side([filled, _indicated(columns, marked)], range(len(kept) + len(marked)), raw=columns.raw)


def _filled(piece: Piece, i: int, value: float) -> Piece:
    """The piece that adds `value` to column i where it added NaN."""
    if not isinstance(piece, (Line, Table)):
        raise NotAdditive

    def fill(rows: Array) -> Array:
        rows = np.array(rows)
        column = rows[..., i]
        rows[..., i] = np.where(np.isnan(column), value, column)
        return rows

    if isinstance(piece, Line):
        return Line(piece.slope, fill(piece.missing))
    return Table(fill(piece.values), fill(piece.missing), fill(piece.unknown))


def _indicated(columns: Columns, marked: Sequence[int]) -> Columns:
    """A column of 0 and 1 for each marked column, 1 where it is missing."""
    missing = np.zeros((columns.raw, len(marked)))
    for o, i in enumerate(marked):
        j = columns.only_source(i)
        piece = None if j is None else columns.pieces[j]
        if j is None or not isinstance(piece, Line):
            raise NotAdditive
        missing[j, o] = float(np.isnan(piece.missing[i]))
    pieces: dict[int, Piece] = {j: Line(np.zeros(len(marked)), row) for j, row in enumerate(missing) if row.any()}
    return Columns(columns.raw, np.zeros(len(marked)), pieces, (None,) * len(marked))


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _polynomial(step: Any, columns: Columns) -> Columns:
    powers = np.asarray(step.powers_)
    if ((powers > 0).sum(axis=1) > 1).any():
        raise NotAdditive
    if (powers <= 1).all():
        return columns.affine(powers.T.astype(np.float64), (powers.sum(axis=1) == 0).astype(np.float64))
    return columns.through(outputs_of(step), origin=[int(row.argmax()) if row.any() else None for row in powers])


def _function(step: Any, columns: Columns) -> Columns:
    if step.func is None:
        return columns
    known = isinstance(step.func, np.ufunc) and step.func.nin == 1 and step.func.nout == 1 and not step.kw_args
    if not known:
        raise NotAdditive
    return columns.through(lambda rows: np.asarray(step.func(rows)), origin=range(columns.width))


def _by_column(step: Any, columns: Columns) -> Columns:
    return columns.through(outputs_of(step), origin=range(columns.width))


def _bins(step: Any, columns: Columns) -> Columns:
    counts = [1] * columns.width if step.encode == "ordinal" else step.n_bins_
    return columns.through(outputs_of(step), origin=np.repeat(np.arange(columns.width), counts).tolist())


def outputs_of(step: Any) -> Callable[[Any], Array]:
    """What the transformer itself makes of rows, without its remarks on their names."""

    def transform(rows: Any) -> Array:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            made = step.transform(rows)
        made = made.toarray() if hasattr(made, "toarray") else made
        return np.asarray(made, dtype=np.float64)

    return transform


def _splines(step: Any, columns: Columns) -> Columns:
    if step.extrapolation == "error":
        raise NotAdditive
    each = step.n_features_out_ // columns.width
    return columns.through(outputs_of(step), origin=np.repeat(np.arange(columns.width), each).tolist())


def _one_hot(step: Any, columns: Columns) -> Columns:
    return _encoded(step, columns, np.repeat(np.arange(columns.width), step._n_features_outs).tolist())


def _ordinal(step: Any, columns: Columns) -> Columns:
    return _encoded(step, columns, list(range(columns.width)))


def _encoded(step: Any, columns: Columns, origin: list[int]) -> Columns:
    """Each column a table over its categories."""
    transform, width = outputs_of(step), len(origin)
    pieces: dict[int, Piece] = {}
    labels: dict[int, tuple[Any, ...]] = {}
    for i, native in enumerate(columns.native):
        if native is None or native.column in labels:
            raise NotAdditive
        known = native_values(step.categories_[i])
        own = np.array([source == i for source in origin])
        rows = _Rows(step.categories_, i)
        absent = native.fill if native.filled else rows.absent
        asked = [*known, absent, rows.unseen]
        found = [_row_or_nan(transform, rows.of(value), own) for value in asked]
        count = len(known)
        pieces[native.column] = Table(np.array(found[:count]).reshape(count, width), found[count], found[count + 1])
        labels[native.column] = known
    return Columns(columns.raw, np.zeros(width), pieces, (None,) * width, labels)


def _targets(step: Any, columns: Columns) -> Columns:
    """A mean of the target for each category, or for each category and class."""
    each = len(step.classes_) if step.target_type_ == "multiclass" else 1
    return _encoded(step, columns, np.repeat(np.arange(columns.width), each).tolist())


class _Rows:
    """Rows for an encoder in which only column i varies."""

    def __init__(self, categories: Sequence[Any], i: int) -> None:
        self.i = i
        self.first = [values[0] for values in categories]
        self.numeric = all(np.asarray(values).dtype.kind in "biuf" for values in categories)
        own = list(categories[i])
        missing = [value for value in own if is_missing(_scalar(value))]
        text = any(isinstance(value, str) for value in own)
        self.absent: Any = missing[0] if missing else (None if text else np.nan)
        self.unseen: Any = max((str(v) for v in own), key=len) + "?" if text else self._beyond(own)

    @staticmethod
    def _beyond(values: Sequence[Any]) -> float:
        finite = [float(v) for v in values if not is_missing(_scalar(v))]
        return max(finite, default=0.0) + 1.5

    def of(self, value: Any) -> Any:
        row = list(self.first)
        row[self.i] = value
        return np.array([row], dtype=np.float64 if self.numeric else object)


def _row_or_nan(transform: Callable[[Any], Array], row: Any, own: NDArray[np.bool_]) -> Array:
    """NaN where the encoder refuses the category."""
    try:
        return np.where(own, transform(row)[0], 0.0)
    except ValueError:
        return np.where(own, np.nan, 0.0)


_READERS: dict[str, Callable[[Any, Columns], Columns]] = {
    "Pipeline": _pipeline,
    "ColumnTransformer": _column_transformer,
    "FeatureUnion": _feature_union,
    "StandardScaler": _standard,
    "RobustScaler": _robust,
    "MaxAbsScaler": _max_abs,
    "MinMaxScaler": _min_max,
    "PCA": _projection,
    "IncrementalPCA": _projection,
    "TruncatedSVD": _projection,
    "SimpleImputer": _imputer,
    "PolynomialFeatures": _polynomial,
    "FunctionTransformer": _function,
    "PowerTransformer": _by_column,
    "QuantileTransformer": _by_column,
    "Binarizer": _by_column,
    "KBinsDiscretizer": _bins,
    "SplineTransformer": _splines,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "TargetEncoder": _targets,
}
ENCODERS = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"})
