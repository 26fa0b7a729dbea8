"""The game of retraining: a coalition of features is worth what a model fitted on them alone scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.games.plain import PlainGame
from pellucid.space import Space

Array = NDArray[np.float64]


def retrain(
    fit: Callable[[Any, Any], Any],
    score: Callable[[Any, Any, Any], Any],
    X: Any,
    y: Any,
    *,
    validation: tuple[Any, Any] | None = None,
    groups: Mapping[str, Sequence[str | int]] | None = None,
    space: Space | None = None,
) -> PlainGame:
    r"""Features as players, valued by fitting again without the others [covert2020].

    .. math:: v(S) = \mathrm{score}(\mathrm{fit}(X_S, y),\; X^{\mathrm{val}}_S,\; y^{\mathrm{val}})

    The model of the empty coalition is fitted on one constant column of zeros. Each coalition is fitted
    once and remembered.

    Parameters
    ----------
    fit : takes a column subset of X and y, returns a fitted model.
    score : takes what `fit` returned, validation columns and targets, returns a number or (k,) numbers.
    X : (n, d) array or dataframe; subsets of a dataframe are dataframes with native columns.
    y : n targets, handed to `fit` as they are.
    validation : (X, y) to score on; None scores on the training data, which flatters large coalitions.
    groups : player name -> its columns, by name or index; columns in no group are players of their own.
    space : takes the players from there instead: its parts, one-hot groups included.

    Raises
    ------
    InputError : shapes that do not fit, an unknown column, or a column in two groups.
    ModelOutputError : a score that is not finite.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
    >>> y = X[:, 0] * 2
    >>> game = retrain(
    ...     lambda X, y: LinearRegression().fit(X, y), lambda model, X, y: model.score(X, y), X, y
    ... )
    >>> game.value(np.array([[False, False], [True, False]])).round(6).tolist()
    [[0.0], [1.0]]
    """
    training = _Columns(X, "X")
    held_out = training
    targets = y
    if validation is not None:
        if not isinstance(validation, tuple) or len(validation) != 2:
            raise InputError(f"validation must be a pair (X, y), got {type(validation).__name__}")
        held_out, targets = _Columns(validation[0], "validation X"), validation[1]
        if held_out.names != training.names:
            raise InputError(
                f"validation X must have the columns of X, {list(training.names)}, got {list(held_out.names)}"
            )
    _require_length(y, training, "y")
    _require_length(targets, held_out, "validation y")
    if space is not None and groups is not None:
        raise InputError("give groups or space, not both; a Space has its own groups")
    players = _players_of_space(space, training) if space is not None else _players(groups or {}, training.names)
    return PlainGame(_Retraining(fit, score, training, y, held_out, targets, list(players.values())), list(players))


class _Retraining:
    """v of the game; a class, so that it pickles when the user's functions do."""

    def __init__(
        self,
        fit: Callable[[Any, Any], Any],
        score: Callable[[Any, Any, Any], Any],
        training: _Columns,
        y: Any,
        held_out: _Columns,
        targets: Any,
        columns: list[list[int]],
    ) -> None:
        self._fit, self._score = fit, score
        self._training, self._y = training, y
        self._held_out, self._targets = held_out, targets
        self._columns = columns
        self._memory: dict[bytes, Array] = {}

    def __call__(self, masks: NDArray[np.bool_]) -> list[Array]:
        return [self._value(mask) for mask in masks]

    def _value(self, mask: NDArray[np.bool_]) -> Array:
        key = mask.tobytes()
        if key not in self._memory:
            chosen = sorted(j for player in np.flatnonzero(mask) for j in self._columns[player])
            model = self._fit(self._training.subset(chosen), self._y)
            scored = self._score(model, self._held_out.subset(chosen), self._targets)
            self._memory[key] = np.atleast_1d(np.array(scored))
        return self._memory[key]


class _Columns:
    """A table of which column subsets are taken, in its own container."""

    def __init__(self, X: Any, argument: str) -> None:
        self._array: NDArray[Any] | None = None
        self._frame: Any = None
        if isinstance(X, np.ndarray):
            if X.ndim != 2:
                raise InputError(f"{argument} must be 2-D (rows, features), got shape {X.shape}")
            self._array = X
            self.rows, self.names = len(X), tuple(f"x{j}" for j in range(X.shape[1]))
        else:
            try:
                self._frame = nw.from_native(X, eager_only=True)
            except TypeError as error:
                raise InputError(f"{argument} must be an array or a dataframe, got {type(X).__name__}") from error
            self.rows, self.names = len(self._frame), tuple(str(name) for name in self._frame.columns)
        if not self.names or not self.rows:
            raise InputError(f"{argument} must have at least one row and one feature")

    def subset(self, columns: list[int]) -> Any:
        if self._array is not None:
            return self._array[:, columns] if columns else np.zeros((self.rows, 1))
        if not columns:
            constant = self._frame.with_columns(nw.lit(0.0).alias("constant"))
            return constant.select("constant").to_native()
        native = self._frame.columns
        return self._frame.select([native[j] for j in columns]).to_native()


def _require_length(y: Any, table: _Columns, argument: str) -> None:
    try:
        length = len(y)
    except TypeError as error:
        raise InputError(f"{argument} must have one target per row, got {type(y).__name__}") from error
    if length != table.rows:
        raise InputError(f"{argument} must have one target per row, got {length} targets for {table.rows} rows")


def _players_of_space(space: Space, training: _Columns) -> dict[str, list[int]]:
    if space.d != len(training.names):
        raise InputError(f"space has {space.d} features, but X has {len(training.names)}")
    part_of_column = np.asarray(space.part_of_column)
    return {name: np.flatnonzero(part_of_column == part).tolist() for part, name in enumerate(space.parts)}


def _players(groups: Mapping[str, Sequence[str | int]], names: tuple[str, ...]) -> dict[str, list[int]]:
    """Columns of each player; a group stands where the first of its columns does."""
    group_of: dict[int, str] = {}
    for group, members in groups.items():
        if isinstance(members, str) or len(members) == 0:
            raise InputError(f"groups[{group!r}] must be a non-empty sequence of columns, got {members!r}")
        for member in members:
            column = _column(member, group, names)
            if column in group_of:
                raise InputError(
                    f"groups: column {names[column]!r} is in {group_of[column]!r} and in {group!r}; "
                    "a column belongs to one player"
                )
            group_of[column] = group
    players: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        if column not in group_of and name in groups:
            raise InputError(f"groups: {name!r} is also the name of a column outside that group; rename the group")
        players.setdefault(group_of.get(column, name), []).append(column)
    return players


def _column(member: str | int, group: str, names: tuple[str, ...]) -> int:
    if isinstance(member, str) and member in names:
        return names.index(member)
    if isinstance(member, (int, np.integer)) and not isinstance(member, bool) and 0 <= member < len(names):
        return int(member)
    raise InputError(f"groups[{group!r}]: unknown column {member!r}; X has {', '.join(names)}")
