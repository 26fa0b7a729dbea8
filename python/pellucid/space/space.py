"""The one declaration of the features: what each column is, and how it becomes float64 codes and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.errors import InputError, SaveFormatError
from pellucid.space.codes import codes_of, displayed
from pellucid.space.columns import plain_scalar
from pellucid.space.declare import (
    Reference,
    check_groups,
    check_one_hot,
    declared_range,
    listing,
    resolve_groups,
    resolve_keys,
    resolve_kinds,
)
from pellucid.space.decode import build
from pellucid.space.features import (
    Feature,
    extended,
    feature_from_dict,
    feature_of,
    feature_to_dict,
    hot_values,
    numeric_features,
)
from pellucid.space.frames import CONTAINERS, Source, open_source, require_unique

__all__ = ["Feature", "Space"]

FLOAT_DTYPE = {"numpy": "float64", "pandas": "float64", "polars": "Float64", "pyarrow": "double"}


@dataclass(frozen=True, repr=False)
class Space:
    """All features in column order, the container they come in, and the groups that move together.

    Example
    -------
    >>> import numpy as np
    >>> space = Space.infer(np.array([[1.5, 2.0], [3.0, np.nan]]), names=["age", "dose"])
    >>> space.encode([[2.0, None]])
    array([[ 2., nan]])
    >>> space.display([[2.0, np.nan]]).tolist()
    [['2', 'missing']]
    """

    features: tuple[Feature, ...]
    container: str = "numpy"
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    one_hot: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.features:
            raise InputError("features must hold at least one feature, got none; name the columns")
        if self.container not in CONTAINERS:
            raise InputError(f"container must be one of {CONTAINERS}, got {self.container!r}; correct it")
        require_unique(list(self.names), "features")
        check_groups(self.groups, self.names)
        if not self.one_hot <= set(self.groups):
            known = listing(tuple(self.groups))
            raise InputError(f"one_hot must name groups, got {sorted(self.one_hot)}; the groups are {known}")

    @classmethod
    def infer(
        cls,
        X: Any,
        *,
        names: Sequence[str] | None = None,
        categorical: Iterable[Reference] = (),
        ordinal: Mapping[Any, Sequence[Any]] | None = None,
        integer: Iterable[Reference] = (),
        boolean: Iterable[Reference] = (),
        one_hot: Mapping[str, Iterable[Reference]] | None = None,
        groups: Mapping[str, Iterable[Reference]] | None = None,
        ranges: Mapping[Any, tuple[Any, Any]] | None = None,
        argument: str = "X",
    ) -> Space:
        """The space of `X`; what dtypes cannot say is declared.

        Parameters
        ----------
        X : array (n, d) or pandas, polars or pyarrow dataframe
            Data that shows all columns and, for text columns, the categories.
        names : sequence of d str, optional
            Feature names of an array; "x0", "x1", ... when left out.
        categorical, integer, boolean : sequences of feature names or positions
            Columns of another kind than their dtype says; boolean columns hold 0 and 1.
        ordinal : dict of feature -> categories in order, lowest first
        one_hot : dict of group name -> its 0/1 columns
        groups : dict of group name -> features that move together as one part
        ranges : dict of feature -> (low, high) in the feature's own unit; None leaves a side open
        argument : str
            How error messages call X.

        Raises
        ------
        InputError
            When X is not a table that float64 codes can hold, or a declaration does not fit it.

        Example
        -------
        >>> space = Space.infer([[0, 20.0], [1, 35.5]], names=["member", "age"], boolean=["member"])
        >>> [feature.kind for feature in space.features]
        ['boolean', 'numeric']
        """
        source = open_source(X, argument)
        own = _names_of(source, names)
        orders = resolve_keys(ordinal, own, "ordinal")
        kinds = resolve_kinds(own, categorical=categorical, ordinal=orders, integer=integer, boolean=boolean)
        hot = resolve_groups(one_hot, own, "one_hot")
        hot_columns = [own.index(member) for members in hot.values() for member in members]
        kinds = {**dict.fromkeys(hot_columns, "boolean"), **kinds}
        labelled = [j for j, kind in kinds.items() if kind in ("categorical", "ordinal")]
        codes = source.plain_floats() if not (kinds or hot or ranges) else None
        if codes is not None:
            plain = resolve_groups(groups, own, "groups")
            return cls(numeric_features(own, codes, str(source.data.dtype)), source.container, plain)
        columns = source.read(own, mixed=labelled)
        for group, members in hot.items():
            if members:
                codes = np.column_stack([hot_values(columns[own.index(member)]) for member in members])
                check_one_hot(group, members, codes, argument)
        features = [
            feature_of(column, kinds.get(j), order=orders.get(j), argument=argument) for j, column in enumerate(columns)
        ]
        for j, bounds in resolve_keys(ranges, own, "ranges").items():
            low, high = declared_range(features[j], bounds)
            features[j] = replace(features[j], low=low, high=high)
        plain = resolve_groups(groups, own, "groups")
        clash = next((group for group in plain if group in hot), None)
        if clash is not None:
            raise InputError(f"groups must not repeat a one_hot group, got {clash!r}; declare it once")
        return cls(tuple(features), source.container, {**hot, **plain}, frozenset(hot))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Feature names (d,) in column order."""
        return tuple(feature.name for feature in self.features)

    @property
    def d(self) -> int:
        """Number of features."""
        return len(self.features)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The players: a group stands at the place of its first member, other features alone."""
        home = {member: group for group, members in self.groups.items() for member in members}
        return tuple(dict.fromkeys(home.get(name, name) for name in self.names))

    @cached_property
    def part_of_column(self) -> np.ndarray:
        """Index (d,) int32 into `parts` of every column."""
        home = {member: group for group, members in self.groups.items() for member in members}
        index = {part: i for i, part in enumerate(self.parts)}
        columns = np.array([index[home.get(name, name)] for name in self.names], dtype=np.int32)
        columns.flags.writeable = False
        return columns

    def encode(self, X: Any, *, argument: str = "X") -> np.ndarray:
        """The rows of `X` as codes (n, d), a fresh C-contiguous float64 array; NaN is missing.

        Parameters
        ----------
        X : array (n, d) or dataframe
            In any container whose columns fit; arrays are taken by position, frames by name and order.
        argument : str
            How error messages call X.

        Raises
        ------
        InputError
            When columns, types or values do not fit the space.
        """
        source = open_source(X, argument)
        self._check_columns(source)
        plain = self._plain_codes(source)
        if plain is not None:
            return plain
        columns = source.read(self.names, mixed=self._labelled())
        codes = np.empty((len(columns[0].values), self.d))
        for j, (feature, column) in enumerate(zip(self.features, columns, strict=True)):
            codes[:, j] = codes_of(feature, column, argument)
        return codes

    def decode(self, codes: Any) -> Any:
        """The rows `codes` (n, d) in the user's container and native dtypes.

        A space of plain float64 features gives an array space the codes themselves, without a copy, and a
        pandas frame that shares their memory.

        Raises
        ------
        InputError
            When codes is not (n, d) or a category code names no category.
        """
        return build(self.container, self.features, self._codes(codes))

    def extend(self, X: Any, *, argument: str = "X") -> Space:
        """A space that also holds the values of `X`: unseen categories are appended, existing codes stay.

        Integer features become numeric when X shows fractions; ranges stay as they are.

        Raises
        ------
        InputError
            When the columns do not fit, or an ordinal feature shows a value outside its order.
        """
        source = open_source(X, argument)
        self._check_columns(source)
        plain = self._plain_codes(source)
        if plain is not None and not np.isnan(plain).any():
            return self
        columns = source.read(self.names, mixed=self._labelled())
        float_dtype = FLOAT_DTYPE[self.container]
        features = tuple(extended(one, column, float_dtype) for one, column in zip(self.features, columns, strict=True))
        for feature, column in zip(features, columns, strict=True):
            codes_of(feature, column, argument)
        return replace(self, features=features)

    def adopt_names(self, names: Sequence[str]) -> Space:
        """The same space under other feature names (d,), as when a model knows the names of its features.

        Raises
        ------
        InputError
            When there are not d unique names, or one clashes with a group.
        """
        new = _checked_names(names, self.d)
        renamed = dict(zip(self.names, new, strict=True))
        features = tuple(
            feature if feature.name == name else replace(feature, name=name, label=None)
            for feature, name in zip(self.features, new, strict=True)
        )
        groups = {group: tuple(renamed[one] for one in members) for group, members in self.groups.items()}
        return replace(self, features=features, groups=groups)

    def display(self, codes: Any) -> np.ndarray:
        """How a person reads the values: text (n, d) with 4 significant digits, "missing" for NaN."""
        codes = self._codes(codes)
        columns = [displayed(feature, codes[:, j]) for j, feature in enumerate(self.features)]
        text = np.array(columns, dtype=np.str_).reshape(self.d, len(codes))
        return np.ascontiguousarray(text.T)

    def to_dict(self) -> dict[str, Any]:
        """The space as a dict that JSON can hold."""
        return {
            "features": [feature_to_dict(feature) for feature in self.features],
            "container": self.container,
            "groups": {group: list(members) for group, members in self.groups.items()},
            "one_hot": sorted(self.one_hot),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Space:
        """The space that `to_dict` wrote.

        Raises
        ------
        SaveFormatError
            When the dict was not written by `to_dict`.
        """
        try:
            return cls(
                tuple(feature_from_dict(one) for one in saved["features"]),
                saved["container"],
                {str(group): tuple(map(str, members)) for group, members in saved["groups"].items()},
                frozenset(saved["one_hot"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SaveFormatError(
                f"saved must be a dict written by Space.to_dict, got one that fails with {error!r}; save it again"
            ) from error

    def __repr__(self) -> str:
        counts = Counter(feature.kind for feature in self.features)
        kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        groups = f"; groups {listing(tuple(self.groups))}" if self.groups else ""
        features = "1 feature" if self.d == 1 else f"{self.d} features"
        return f"Space({features}: {kinds}; {self.container}{groups})"

    def __hash__(self) -> int:
        return hash((self.features, self.container, tuple(self.groups)))

    def _labelled(self) -> list[int]:
        return [j for j, one in enumerate(self.features) if one.kind in ("categorical", "ordinal")]

    def _plain_codes(self, source: Source) -> np.ndarray | None:
        """The codes where numbers stand in one array and are nothing else; None where columns need a closer look."""
        numeric = all(feature.kind == "numeric" for feature in self.features)
        return source.plain_floats("bf") if numeric else None

    def _codes(self, codes: Any) -> np.ndarray:
        array = np.asarray(codes, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != self.d:
            got = array.shape
            raise InputError(f"codes must have shape (n, {self.d}), got {got}; use the output of encode()")
        return array

    def _check_columns(self, source: Source) -> None:
        """Refuses another number of columns, other names or another order."""
        argument, names = source.argument, source.names
        if source.d != self.d:
            raise InputError(
                f"{argument} must have {self.d} columns ({listing(self.names)}), got {source.d}; "
                "pass the features of the space"
            )
        generated = self.container == "numpy" and self.names == generated_names(self.d)
        if names is None or names == self.names or generated:
            return
        j = next(j for j in range(self.d) if names[j] != self.names[j])
        same = sorted(names) == sorted(self.names)
        remedy = "reorder" if same else "rename or select"
        raise InputError(
            f"{argument} must have the columns of the space in their order, got {names[j]!r} where column "
            f"{j} is {self.names[j]!r}; {remedy} the columns"
        )


def generated_names(d: int) -> tuple[str, ...]:
    """The names of d features without names: "x0", "x1", ..."""
    return tuple(f"x{j}" for j in range(d))


def _names_of(source: Source, names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return source.names or generated_names(source.d)
    new = _checked_names(names, source.d)
    if source.names is not None and new != source.names:
        raise InputError(
            f"names must be the columns of the dataframe, got {listing(new)} for {listing(source.names)}; "
            "rename the columns instead"
        )
    return new


def _checked_names(names: Sequence[str], d: int) -> tuple[str, ...]:
    if isinstance(names, str):
        raise InputError(f"names must be a sequence of {d} feature names, got {names!r}; use a list")
    new = tuple(plain_scalar(name) for name in names)
    odd = next((name for name in new if not isinstance(name, str)), None)
    if odd is not None or None in new:
        raise InputError(f"names must be text, got {odd!r}; use str(name)")
    if len(new) != d:
        raise InputError(f"names must hold {d} names, one per column, got {len(new)}; name every column")
    require_unique(list(new), "names")
    return new
