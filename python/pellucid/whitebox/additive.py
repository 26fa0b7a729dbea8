"""Models that are a sum of functions of one column each, through a link."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError, ModelFormatError
from pellucid.whitebox.labels import UNKNOWN, margin_names
from pellucid.whitebox.links import Link, apply_link, link_name

Array = NDArray[np.float64]


class Piece(Protocol):
    """What one column adds to w sums."""

    @property
    def reach(self) -> NDArray[np.bool_]:
        """(w,) sums that it can change."""
        ...

    def at(self, codes: Array) -> Array:
        """(n, w) of codes (n,)."""
        ...

    def times(self, matrix: Array) -> Piece:
        """The same followed by a matrix (w, v)."""
        ...


@dataclass(frozen=True, eq=False)
class Line:
    """slope * x, and `missing` where x is NaN. Both (w,); NaN in `missing` says that no answer is known."""

    slope: Array
    missing: Array

    @property
    def reach(self) -> NDArray[np.bool_]:
        return np.asarray((self.slope != 0.0) | ~(self.missing == 0.0))

    def at(self, codes: Array) -> Array:
        found = codes[:, None] * self.slope
        found[np.isnan(codes)] = self.missing
        return found

    def times(self, matrix: Array) -> Line:
        return Line(self.slope @ matrix, _answered(self.missing, matrix))


@dataclass(frozen=True, eq=False)
class Table:
    """A value (w,) for each category, for a missing one, and for one that the model has not seen; NaN: no answer."""

    values: Array
    missing: Array
    unknown: Array

    @property
    def reach(self) -> NDArray[np.bool_]:
        rows = np.vstack([self.values, self.missing, self.unknown])
        return np.asarray((~(rows == 0.0)).any(axis=0))

    def at(self, codes: Array) -> Array:
        rows = np.vstack([self.values, self.missing, self.unknown])
        count = len(self.values)
        listed = (codes >= 0) & (codes < count) & (codes == np.trunc(codes))
        place = np.where(listed, codes, np.where(np.isnan(codes), count, count + 1))
        return np.asarray(rows[place.astype(np.int64)])

    def times(self, matrix: Array) -> Table:
        return Table(_answered(self.values, matrix), _answered(self.missing, matrix), _answered(self.unknown, matrix))


@dataclass(frozen=True, eq=False)
class Curve:
    """Any function of codes (n,) to (n, w), then a matrix (w, v)."""

    function: Callable[[Array], Array]
    matrix: Array

    @property
    def reach(self) -> NDArray[np.bool_]:
        return np.asarray((self.matrix != 0.0).any(axis=0))

    def at(self, codes: Array) -> Array:
        return _answered(self.function(codes), self.matrix)

    def times(self, matrix: Array) -> Curve:
        return Curve(self.function, self.matrix @ matrix)


@dataclass(frozen=True, eq=False)
class Sum:
    """Several pieces of the same column."""

    pieces: tuple[Piece, ...]

    @property
    def reach(self) -> NDArray[np.bool_]:
        return np.asarray(np.any([piece.reach for piece in self.pieces], axis=0))

    def at(self, codes: Array) -> Array:
        return np.asarray(sum(piece.at(codes) for piece in self.pieces))

    def times(self, matrix: Array) -> Sum:
        return Sum(tuple(piece.times(matrix) for piece in self.pieces))


class Additive:
    r"""A sum of functions of one column each; through a link it is what a model predicts.

    .. math:: f(x) = \mathrm{link}\Bigl(b + \sum_j g_j(x_j)\Bigr)

    The sum inside is called the margin. Its Shapley values need no coalitions: against a background,
    :math:`\phi_j = g_j(x_j) - \mathrm{E}\,g_j(X_j)`, and no two columns interact.

    Parameters
    ----------
    pieces : the d functions, each of codes (n,) to (n, k).
    intercept : (k,).
    link : "identity", "logistic", "softmax", "exp" or another one of `LINKS`: what makes outputs of margins.
    outputs : names of the k margins; None numbers several, and calls a single one by `margin`.
    feature_names : names of the d columns, where the model knows them.
    margin : what the margin is, such as "log-odds".
    source : where it comes from, for reports.
    feature_categories : column -> the training categories of a categorical column: its code i stands for entry i.

    Raises
    ------
    ModelFormatError : no columns, or an intercept that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> square = Curve(lambda codes: codes[:, None] ** 2, np.eye(1))
    >>> model = Additive(pieces=[square, Line(np.array([3.0]), np.array([np.nan]))], intercept=[1.0])
    >>> model.margins([[2.0, 1.0]])
    array([[8.]])
    """

    def __init__(
        self,
        *,
        pieces: Sequence[Piece],
        intercept: Any,
        link: str | Link = "identity",
        outputs: Sequence[str] | None = None,
        feature_names: Sequence[str] = (),
        margin: str = "prediction",
        source: str = "sum of functions",
        feature_categories: Mapping[int, tuple[Any, ...]] | None = None,
    ) -> None:
        self.intercept: Array = np.array(intercept, dtype=np.float64).reshape(-1)
        self.pieces = tuple(pieces)
        if not self.pieces or not self.intercept.size:
            raise ModelFormatError(f"{source} must have at least one column and one output")
        if not np.isfinite(self.intercept).all():
            raise ModelFormatError(f"intercept of the {source} must be finite, got {self.intercept}")
        count = len(self.intercept)
        self.link = link
        self.outputs = tuple(outputs) if outputs is not None else margin_names(count, margin)
        self.feature_names = tuple(feature_names)
        self.margin = margin
        self.source = source
        self.feature_categories = dict(feature_categories or {})

    @property
    def features(self) -> int:
        """Number d of columns."""
        return len(self.pieces)

    def contribution(self, column: int, codes: Array) -> Array:
        """g_j (n, k) of codes (n,) of column j."""
        return self.pieces[column].at(np.asarray(codes, dtype=np.float64))

    def margins(self, rows: Any) -> Array:
        """(n, k) of rows (n, d) of codes."""
        rows = self._checked(rows)
        total = np.zeros((len(rows), len(self.intercept)))
        for column in range(self.features):
            total += self.contribution(column, rows[:, column])
        return np.asarray(total + self.intercept)

    def predict(self, rows: Any) -> Array:
        """The margins through the link."""
        return apply_link(self.link, self.margins(rows))

    def to_text(self, rows: Any = None, *, max_display: int = 20) -> str:
        """The weights in words: what votes for each margin and what against it, the largest first.

        A vote is what the margin gains by one unit of a column, or by a category. Weights of columns in different units
        are not comparable; with `rows` each is also given per standard deviation of its column, and sorted by that.

        Parameters
        ----------
        rows : (n, d), optional
            Raw columns as the model takes them, such as its training data.
        max_display : votes to list for each margin.

        Raises
        ------
        InputError : rows have another shape, or the features in another order.

        Examples
        --------
        >>> from pellucid.whitebox import Linear
        >>> model = Linear(coefficients=[[0.5], [-2.0], [0.0]], intercept=[1], feature_names=["age", "mood", "shoes"])
        >>> print(model.to_text([[20, 1, 40], [60, 0, 44]]))
        output = 1 + what 2 of 3 features vote
                a unit  a standard deviation
        for
          age     +0.5                   +10
        against
          mood      -2                    -1
        """
        from pellucid.whitebox.votes import votes_text

        return votes_text(self, rows, max_display)

    def __repr__(self) -> str:
        from pellucid.whitebox.votes import voters

        outputs = "1 output" if len(self.outputs) == 1 else f"{len(self.outputs)} outputs"
        used = int(voters(self).any(axis=1).sum())
        return (
            f"{type(self).__name__}({used} of {self.features} features, {outputs}, link {link_name(self)!r}, "
            f"from {self.source})"
        )

    __str__ = to_text

    def _checked(self, rows: Any) -> Array:
        found: Array = np.asarray(rows, dtype=np.float64)
        if found.ndim != 2 or found.shape[1] != self.features:
            raise InputError(f"rows must have shape (n, {self.features}), got {found.shape}; pass all columns")
        return found


def _answered(rows: Array, matrix: Array) -> Array:
    """rows @ matrix, where 0 times NaN is 0: a sum that does not know a column needs no answer of it."""
    lost = np.isnan(rows)
    found = np.where(lost, 0.0, rows) @ matrix
    if lost.any():
        found[lost.astype(np.float64) @ (matrix != 0.0) > 0.0] = np.nan
    return np.asarray(found)


__all__ = ["UNKNOWN", "Additive", "Curve", "Line", "Piece", "Sum", "Table"]
