"""Samples around an explained input: what was drawn, what the model said of it, and how much it counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.estimation.locality import Locality
from pellucid.estimation.mask_design import MaskDesign
from pellucid.estimation.size_law import SizeLaw
from pellucid.estimation.surrogate_columns import surrogate_columns
from pellucid.games.game import Game
from pellucid.model import Model
from pellucid.representation.neighbourhood import Neighbourhood
from pellucid.space import Space

Array = NDArray[np.float64]


class Targets(NamedTuple):
    """What a fit of z explains, with as much noise off as is known to leave its coefficients where they are.

    Attributes
    ----------
    values : (m, k), the outputs, or what other columns leave of them.
    own : columns (m, e, k) of each output's own to fit beside z, or None.
    spent : how many columns were fitted to get these values; residuals are too small by that much.
    """

    values: Array
    own: Array | None = None
    spent: int = 0


class Samples(Protocol):
    """What `local_regression` fits: it grows, and says what it is.

    Attributes
    ----------
    origin : (p,) z of the explained input.
    exact : all there is was sampled, so that the fit has no sampling error.
    independent : parts are independent under the law of the samples, so that a fit of few has the limit of that of all.
    idle : the kernel weighs all alike, though nobody asked for that.
    pairs : rows 2 i and 2 i + 1 belong together.
    distance : the usual distance of such samples.
    rows, model_rows : samples, and the model rows that they cost.
    why : the design in words.
    """

    origin: Array
    exact: bool
    independent: bool
    idle: bool
    distance: str
    why: str

    @property
    def pairs(self) -> bool: ...

    @property
    def rows(self) -> int: ...

    @property
    def model_rows(self) -> int: ...

    @property
    def z(self) -> NDArray[Any]: ...

    @property
    def values(self) -> Array: ...

    @property
    def weights(self) -> Array | None: ...

    def grow(self, rows: int) -> None:
        """Sample until there are so many rows."""
        ...

    def targets(self) -> Targets:
        """What the fit is to explain, as `values` or with less noise."""
        ...


class ForestColumns(Protocol):
    """What finds columns of a sample drawn from the law of a neighbourhood, with the kernel in it.

    Attributes
    ----------
    name : for reports.
    """

    @property
    def name(self) -> str: ...

    def columns(self, near: Neighbourhood, codes: Array, z: NDArray[Any], values: Array, *, seed: int) -> Array | None:
        """(m, e, k) for outputs (m, k) of rows (m, d) with z (m, p), each its own; None where they would not pay."""
        ...


class _Grown:
    """z and values, batch after batch."""

    def __init__(self) -> None:
        self._z: list[NDArray[Any]] = []
        self._values: list[Array] = []

    @property
    def rows(self) -> int:
        return sum(map(len, self._z))

    @property
    def z(self) -> NDArray[Any]:
        self._z = [np.concatenate(self._z)] if len(self._z) > 1 else self._z
        return self._z[0]

    @property
    def values(self) -> Array:
        self._values = [np.concatenate(self._values)] if len(self._values) > 1 else self._values
        return self._values[0]


class TableSamples(_Grown):
    """Rows of a `Neighbourhood`, with the kernel absorbed into how they are drawn where that can be."""

    distance = "euclidean"
    pairs = False
    exact = False

    def __init__(
        self,
        model: Model,
        neighbourhood: Neighbourhood,
        *,
        locality: Locality,
        absorbed: bool,
        seed: int,
        planned: int,
        columns: NDArray[np.int64],
        control_variate: bool,
        given: Callable[[int, int], Any] | None,
        first: Array | None,
        forests: ForestColumns | None = None,
    ) -> None:
        super().__init__()
        self._units = neighbourhood.units
        self.origin = neighbourhood.z_x * self._units
        self._model, self._neighbourhood, self._locality = model, neighbourhood, locality
        self._absorbed, self._seed, self._planned = absorbed, seed, planned
        self._columns, self._control, self._given, self._first = columns, control_variate, given, first
        self._forests = forests
        # Of the usual kernel the neighbourhood itself says how much it does.
        self.idle = not locality.plain and locality.idle(len(self.origin), default=self.distance)
        self._weights: list[Array] = []
        self._targets: Targets | None = None
        self._scaled = bool((self._units != 1.0).any())
        # Whole rows of the background come with weights though the kernel is absorbed elsewhere.
        self.independent = absorbed and given is None and neighbourhood.product
        if given is not None:
            self.why = "samples of your own"
        elif absorbed:
            self.why = "a scrambled Sobol net with the kernel in its law, cautious errors, as of independent rows"
        else:
            self.why = "a scrambled Sobol net with kernel weights, cautious errors, as of independent rows"

    @property
    def model_rows(self) -> int:
        return self.rows

    @property
    def weights(self) -> Array | None:
        return self._locality.some(np.concatenate(self._weights)) if self._weights else None

    def grow(self, rows: int) -> None:
        blocks = self._blocks(self.rows, rows)
        self._model.feed(blocks, lambda outputs: self._values.append(np.ascontiguousarray(outputs[:, self._columns])))

    def targets(self) -> Targets:
        if not self._control or not self.independent:
            return Targets(self.values)
        found = self._targets
        if found is None or len(found.values) != self.rows:
            less, spent = self._neighbourhood.less_columns(self.values, self._seed, planned=self._planned)
            found = self._targets = Targets(less, self._of_forests(less), spent)
        return found

    def _of_forests(self, less: Array) -> Array | None:
        """Columns of trees, less what the univariate ones explain of them too."""
        if self._forests is None:
            return None
        codes = self._neighbourhood.draw(self._seed, 0, self.rows).codes
        own = self._forests.columns(self._neighbourhood, codes, self.z, less, seed=self._seed)
        if own is None:
            return None
        if self._noted_forests not in self.why:
            self.why += self._noted_forests
        flat, _ = self._neighbourhood.less_columns(own.reshape(self.rows, -1), self._seed, planned=self._planned)
        return np.ascontiguousarray(flat.reshape(own.shape))

    @property
    def _noted_forests(self) -> str:
        return "" if self._forests is None else f", with columns of {self._forests.name}"

    def _blocks(self, first: int, last: int) -> Iterator[Array]:
        if self._first is not None and first == 0:
            yield self._noted(self._first[None])
            first = 1
        if self._given is not None:
            yield from self._own_blocks(first, last)
            return
        step = self._model.batch_rows
        for start in range(first, last, step):
            drawn = self._neighbourhood.draw(self._seed, start, min(step, last - start), absorbed=self._absorbed)
            self._keep(drawn.z, drawn.weights)
            yield drawn.codes

    def _own_blocks(self, first: int, last: int) -> Iterator[Array]:
        assert self._given is not None
        codes = sampled_codes(self._given(last - first, self._seed + first), self._model.space, rows=last - first)
        for start in range(0, len(codes), self._model.batch_rows):
            yield self._noted(codes[start : start + self._model.batch_rows])

    def _noted(self, codes: Array) -> Array:
        z = self._neighbourhood.z_of(codes)
        self._keep(z, self._locality.weights(z, origin=self._neighbourhood.z_x, default="euclidean"))
        return np.array(codes)

    def _keep(self, z: NDArray[Any], weights: Array | None) -> None:
        if not self._absorbed and not self._locality.plain:
            weights = self._locality.weights(z, origin=self._neighbourhood.z_x, default="euclidean")
        self._z.append(z * self._units if self._scaled else z)
        if weights is not None:
            self._weights.append(weights)


def sampled_codes(returned: Any, space: Space, *, rows: int) -> Array:
    """What a sampler of the user's returned, as codes."""
    codes: Array = space.encode(returned, argument="what sampler returned")
    if len(codes) != rows:
        raise InputError(f"sampler must return the {rows:,} rows it is asked for, got {len(codes):,}")
    return codes


class MaskSamples(_Grown):
    """Masks over the parts of a representation, by the size law of its kernel."""

    distance = "cosine"
    independent = False

    def __init__(
        self,
        game: Game,
        *,
        law: SizeLaw,
        locality: Locality,
        seed: int,
        budget: int,
        control_variate: bool,
        given: Callable[[int, int], Any] | None = None,
    ) -> None:
        super().__init__()
        self._game, self._law, self._locality = game, law, locality
        self._seed, self._control, self._given = seed, control_variate, given
        self._design = MaskDesign(law, seed=seed, budget=budget)
        if not self._design.exact:
            self._design = MaskDesign(law, seed=seed, budget=2)  # it is extended as the samples grow
        self._surrogates: Array | None = None
        self._free = locality.by_size(law.parts, default="cosine") is None
        self.idle = locality.idle(law.parts, default=self.distance)
        self.origin = np.ones(law.parts)
        self.exact = self._design.exact and given is None
        self.why = self._design.why if given is None else "masks of your own"

    @property
    def model_rows(self) -> int:
        return self.rows * self._game.n_draws

    @property
    def pairs(self) -> bool:
        return self._given is None and self._design.pairs

    @property
    def weights(self) -> Array | None:
        if self._given is None and not self._free:
            return self._design.weights
        kernel = self._locality.some(self._locality.weights(self.z, origin=self.origin, default="cosine"))
        return kernel if self._given is not None else self._design.weights * kernel

    def grow(self, rows: int) -> None:
        if self._given is not None:
            masks = _sampled_masks(
                self._given(rows - self.rows, self._seed + self.rows), rows - self.rows, self._law.parts
            )
            self._play(masks)
            return
        self._design.extend(rows)
        while True:
            following = self._design.next(self.values if self.rows else None)
            if following is None:
                break
            self._play(following)
        self.why = self._design.why

    def targets(self) -> Targets:
        if not self._control or self._given is not None or self.exact or self._free:
            return Targets(self.values)
        found = self._surrogates
        if found is None or len(found) != self.rows:
            found = surrogate_columns(
                self.z, self.values, weights=self._design.weights, law=self._law, pairs=self.pairs, seed=self._seed
            )
            self._surrogates = found
        return Targets(self.values, found if found.shape[1] else None)

    def _play(self, masks: NDArray[np.uint8]) -> None:
        values = self._game.value(masks)
        self._z.append(masks)
        self._values.append(values)


def _sampled_masks(returned: Any, rows: int, parts: int) -> NDArray[np.uint8]:
    try:
        array = np.asarray(returned)
    except ValueError as error:
        raise InputError(f"sampler must return masks of 0 and 1 of shape ({rows}, {parts}), got {error}") from error
    if array.shape != (rows, parts):
        raise InputError(f"sampler must return masks of 0 and 1 of shape ({rows}, {parts}), got shape {array.shape}")
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise InputError(f"sampler must return masks of 0 and 1, got {array.dtype} with other values")
    return np.ascontiguousarray(array, dtype=np.uint8)
