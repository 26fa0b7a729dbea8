"""The law of rows of a table, learnt once from training rows, and its neighbourhood of any row."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import checked_seed, is_whole, shown
from pellucid.errors import InputError
from pellucid.representation.bins import checked_bins, checked_labels, edges_of, given_edges
from pellucid.representation.cell_laws import (
    binned,
    categories,
    hot_label,
    hot_member,
    moments_of,
    one_hot,
    value_label,
)
from pellucid.representation.cells import CellLaw, TiltedCells
from pellucid.representation.checks import checked_weights
from pellucid.representation.column_store import ColumnStore
from pellucid.representation.lines import LineLaw
from pellucid.representation.neighbourhood import Neighbourhood, Part, own_key
from pellucid.space import Space
from pellucid.space.declare import listing, resolve_keys

Array = NDArray[np.float64]

_ON_A_SCALE = frozenset({"numeric", "integer", "datetime"})
_STORES = 4


class WholeRows(NamedTuple):
    """Training rows (B, d) that are drawn whole, and their cumulative weights (B,)."""

    codes: Array
    cumulative: Array


class TableLaw:
    r"""How rows around a row x are drawn: each part by itself, by a law learnt from training rows.

    With bins, a part is 1 where a row lies in the bin or category of x. Bins and categories have the frequencies
    :math:`p_b` of training, and the kernel :math:`\exp(-D^2 / (2 \nu^2))`, D the Euclidean distance in z, only tilts
    them:

    .. math:: q_b \propto p_b \, \epsilon^{[b \neq b^*]}, \qquad \epsilon = \exp(-1 / (2 \nu^2))

    so that rows drawn from q need no weights. Without bins, z is the distance in standard deviations, and a normal law
    times the kernel is a normal law [ribeiro2016], [garreau2020].

    Where x lies in a bin or category that training never showed (a missing value too), the row counts as one more
    training row: its cell gets the mass 1 / (B + 1), all of it at its own value. A constant column has one bin, its z
    is always 1. Learnt bins have no edge at the largest value. Whole numbers and dates are drawn as whole numbers.

    Examples
    --------
    >>> import numpy as np
    >>> ages = np.array([[20.0], [30.0], [40.0], [50.0], [60.0]])
    >>> law = TableLaw.learn(ages, Space.infer(ages, names=["age"]))
    >>> around = law.around([35.0])
    >>> around.labels
    ('30 < age <= 40',)
    >>> sample = around.draw(0, 0, 1024)
    >>> sample.codes.shape, bool((sample.z == around.z_of(sample.codes)).all())
    ((1024, 1), True)
    """

    def __init__(
        self,
        laws: list[CellLaw | LineLaw],
        *,
        space: Space,
        spread: float | None,
        uniform: bool,
        rows: WholeRows | None,
    ) -> None:
        self.laws = laws
        self.space = space
        self.spread = spread
        self.uniform = uniform
        self.whole_rows = rows
        self.lock = threading.RLock()
        self._stores: OrderedDict[tuple[int, int, int], ColumnStore] = OrderedDict()
        self._tilted: dict[tuple[Any, ...], TiltedCells] = {}

    @classmethod
    def learn(
        cls,
        codes: Any,
        space: Space,
        *,
        weights: Any = None,
        bins: Any = "quartile",
        labels: Any = None,
        continuous: str = "gaussian",
        categorical: str = "observed",
        around: str = "background",
        scale: float = 1.0,
    ) -> TableLaw:
        """The law of training rows (B, d) in the codes of a space.

        Parameters
        ----------
        codes : (B, d) training rows.
        space : the features. A one-hot group is one categorical part; other groups are refused.
        weights : (B,) at least 0; None is equal weights.
        bins : "quartile", "decile", "entropy", a number of quantile bins, a dict of feature -> inner edges or number of
            bins (quartiles for the features it leaves out), or None for none. A bin is low < value <= high.
        labels : (B,) classes, for "entropy", which needs scikit-learn.
        continuous : what is drawn inside a bin, or along the line without bins. "gaussian" is a normal law with the
            moments of the bin, cut at its edges; without bins, with the moments of the column. "uniform" lies between
            the edges, or the least and greatest value. "rows" are the training values of the bin; without bins, whole
            training rows.
        categorical : "observed" frequencies, or "uniform" over the categories seen.
        around : "background", or "instance" for normal laws around x; only without bins.
        scale : their standard deviation in units of that of the column.

        Raises
        ------
        InputError : what does not fit, is infinite, or is missing where there are no bins to hold it.
        """
        codes = np.ascontiguousarray(codes, dtype=np.float64)
        if codes.ndim != 2 or codes.shape[1] != space.d or not len(codes):
            raise InputError(f"codes must have shape (rows, {space.d}) with at least one row, got {codes.shape}")
        if np.isinf(codes).any():
            raise InputError("codes must be finite or NaN for missing, got an infinite value; replace it")
        _check_choices(continuous, categorical, around, scale, bins=bins)
        groups = tuple(name for name in space.groups if name not in space.one_hot)
        if groups:
            raise InputError(f"space must have no groups but one-hot ones for a table law, got {listing(groups)}")
        shares = checked_weights(weights, count=len(codes), argument="weights")
        kept = shares > 0.0
        learner = _Learner(codes[kept], space, shares[kept], continuous=continuous, categorical=categorical)
        local = around == "instance"
        if bins is None:
            rows = WholeRows(learner.codes, np.cumsum(learner.shares)) if continuous == "rows" else None
            laws = [learner.on_a_line(part) for part in range(len(space.parts))]
            return cls(
                laws, space=space, spread=float(scale) if local else None, uniform=continuous == "uniform", rows=rows
            )
        bins = checked_bins(bins)
        classes = checked_labels(labels, rows=len(codes))[kept] if bins == "entropy" else None
        laws = learner.in_bins(bins, classes)
        return cls(laws, space=space, spread=None, uniform=False, rows=None)

    @property
    def local(self) -> bool:
        """Whether rows are drawn around x."""
        return self.spread is not None

    def around(self, x: Any, *, kernel_width: float | None = None) -> Neighbourhood:
        r"""The neighbourhood of a row x (d,) in codes; kernel_width :math:`\nu`, None is :math:`0.75 \sqrt p`.

        Raises
        ------
        InputError : x of another shape, infinite, or missing where the law has no bins; a kernel width that is not
            positive (inf is no kernel).
        """
        x = np.array(x, dtype=np.float64)
        if x.shape != (self.space.d,) or np.isinf(x).any():
            raise InputError(f"x must be {self.space.d} finite codes or NaN for missing, got {shown(x)}")
        width = _checked_width(kernel_width, parts=len(self.laws))
        return Neighbourhood(self, x, kernel_width=width, drawn=self.parts_around(x, kernel_width=width))

    def extended(self, space: Space) -> TableLaw:
        """The same law for rows with values that training did not show."""
        other: TableLaw = TableLaw.__new__(TableLaw)
        other.__dict__.update(self.__dict__, space=space)
        return other

    def require_known(self, codes: Array) -> None:
        """Refuses rows X (n, d) in codes that miss a value which has no bin."""
        columns = [law.column for law in self.laws if isinstance(law, LineLaw)]
        missing = np.argwhere(np.isnan(codes[:, columns]))
        if len(missing):
            row, at = missing[0]
            raise InputError(
                f"X must have no missing values without bins, got one in row {row}, column "
                f"{self.space.names[columns[at]]!r}; use bins='quartile'"
            )

    def parts_around(self, x: Array, *, kernel_width: float) -> list[Part]:
        """The law of each part under the kernel around a row x (d,)."""
        factor = math.exp(-0.5 * kernel_width**-2) if kernel_width > 1e-3 else 0.0
        parts: list[Part] = []
        for index, law in enumerate(self.laws):
            if isinstance(law, CellLaw):
                parts.append(self._cells(index, law, x, factor))
                continue
            at = float(x[law.column])
            if at != at:
                raise InputError(f"x must not be missing in {law.name!r} where there are no bins; use bins='quartile'")
            if self.uniform:
                parts.append(law.uniform_around(at, kernel_width=kernel_width))
            else:
                parts.append(law.normal_around(at, kernel_width=kernel_width, spread=self.spread))
        return parts

    def store(self, seed: int, first: int, count: int) -> ColumnStore:
        """The columns drawn so far for these rows; call it while holding `lock`."""
        from pellucid import _core

        name = (checked_seed(seed), first, count)
        store = self._stores.get(name)
        if store is None:
            coordinates = _core.sobol_coordinates(name[0], len(self.laws), first, count)
            least = self.space.d + 2 * len(self.laws)
            most = least + sum(
                (len(law.columns) + 2) * len(law.masses) for law in self.laws if isinstance(law, CellLaw)
            )
            store = self._stores[name] = ColumnStore(coordinates, least=least, most=most)
            while len(self._stores) > _STORES:
                self._stores.popitem(last=False)
        else:
            self._stores.move_to_end(name)
        return store

    def _cells(self, index: int, law: CellLaw, x: Array, factor: float) -> TiltedCells:
        columns = list(law.columns)
        code = float(hot_member(x[None, columns])[0]) if law.hot else float(x[columns[0]])
        home = law.cell_of(code)
        if home is not None and law.masses[home] > 0.0:
            key = (index, home, factor)
            part = self._tilted.get(key)
            if part is None:
                part = self._tilted[key] = TiltedCells.around(law, home, factor=factor, key=key)
            return part
        codes = x[columns]
        if law.hot:
            label = hot_label(law.name, [self.space.names[column] for column in columns], code)
        else:
            label = value_label(self.space.features[columns[0]], code)
        grown, home = law.holding(codes, label)
        return TiltedCells.around(grown, home, factor=factor, key=(*own_key(index, codes), factor))

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in self.__dict__.items() if name != "lock"}
        return {**kept, "_stores": OrderedDict(), "_tilted": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, lock=threading.RLock())


class _Learner:
    """Training rows (B, d) with positive shares (B,) that sum to 1, and the laws of their parts."""

    def __init__(self, codes: Array, space: Space, shares: Array, *, continuous: str, categorical: str) -> None:
        self.codes = codes
        self.space = space
        self.shares = shares
        self.continuous = continuous
        self.categorical = categorical

    def in_bins(self, bins: Any, classes: NDArray[Any] | None) -> list[CellLaw | LineLaw]:
        given = resolve_keys(bins, self.space.names, "bins") if isinstance(bins, dict) else {}
        rule = "quartile" if isinstance(bins, dict) else bins
        for column in given:
            if self.space.features[column].kind not in _ON_A_SCALE:
                name = self.space.names[column]
                raise InputError(f"bins[{name!r}] must be for a feature on a scale, got a category; leave it out")
        laws: list[CellLaw | LineLaw] = []
        for part in range(len(self.space.parts)):
            columns = np.flatnonzero(self.space.part_of_column == part)
            feature, column = self.space.features[columns[0]], int(columns[0])
            if len(columns) > 1 or feature.kind not in _ON_A_SCALE or self.space.parts[part] in self.space.one_hot:
                laws.append(self.of_categories(part))
                continue
            edges = self._edges(column, given.get(column, rule), classes)
            values = self.codes[:, column]
            laws.append(
                binned(feature, column, values=values, weights=self.shares, edges=edges, inside=self.continuous)
            )
        return laws

    def on_a_line(self, part: int) -> CellLaw | LineLaw:
        columns = np.flatnonzero(self.space.part_of_column == part)
        feature, column = self.space.features[columns[0]], int(columns[0])
        if len(columns) > 1 or feature.kind not in _ON_A_SCALE or self.space.parts[part] in self.space.one_hot:
            return self.of_categories(part)
        values = self.codes[:, column]
        if np.isnan(values).any():
            raise InputError(
                f"background must have no missing values without bins, got some in {feature.name!r}; use "
                "bins='quartile'"
            )
        mean, deviation = moments_of(values, self.shares)
        least, greatest = float(values.min()), float(values.max())
        whole = feature.kind != "numeric"
        return LineLaw(feature.name, part, column, mean, deviation, least, greatest, whole)

    def of_categories(self, part: int) -> CellLaw:
        columns = [int(column) for column in np.flatnonzero(self.space.part_of_column == part)]
        name = self.space.parts[part]
        if name in self.space.one_hot:
            members = [self.space.names[column] for column in columns]
            return one_hot(
                name,
                columns,
                members=members,
                codes=self.codes[:, columns],
                weights=self.shares,
                frequency=self.categorical,
            )
        column = columns[0]
        return categories(
            self.space.features[column],
            column,
            values=self.codes[:, column],
            weights=self.shares,
            frequency=self.categorical,
        )

    def _edges(self, column: int, rule: Any, classes: NDArray[Any] | None) -> Array:
        name = self.space.names[column]
        if not (isinstance(rule, str) or is_whole(rule)):
            return given_edges(rule, argument=f"bins[{name!r}]")
        present = ~np.isnan(self.codes[:, column])
        if not present.any():
            return np.empty(0)
        equal = bool((self.shares == self.shares[0]).all())
        return edges_of(
            self.codes[present, column],
            None if equal else self.shares[present],
            None if classes is None else classes[present],
            bins=checked_bins(rule),
        )


def _check_choices(continuous: Any, categorical: Any, around: Any, scale: Any, *, bins: Any) -> None:
    for argument, got, known in (
        ("continuous", continuous, ("gaussian", "uniform", "rows")),
        ("categorical", categorical, ("observed", "uniform")),
        ("around", around, ("background", "instance")),
    ):
        if not isinstance(got, str) or got not in known:
            raise InputError(f"{argument} must be one of {known}, got {shown(got)}")
    if around == "instance" and (bins is not None or continuous != "gaussian"):
        raise InputError(
            "around='instance' must have bins=None and continuous='gaussian'; set them or leave around out"
        )
    number = isinstance(scale, (int, float, np.number)) and not isinstance(scale, bool)
    if not number or not 0.0 < float(scale) < math.inf:
        raise InputError(f"scale must be a positive number, got {shown(scale)}")
    if around != "instance" and float(scale) != 1.0:
        raise InputError(f"scale must be 1 unless around='instance', got {shown(scale)}; set around='instance'")


def _checked_width(kernel_width: Any, *, parts: int) -> float:
    if kernel_width is None:
        return 0.75 * math.sqrt(parts)
    number = isinstance(kernel_width, (int, float, np.number)) and not isinstance(kernel_width, bool)
    if not number or not float(kernel_width) > 0.0:
        raise InputError(f"kernel_width must be a positive number or inf, got {shown(kernel_width)}; try 0.75 sqrt(p)")
    return float(kernel_width)
