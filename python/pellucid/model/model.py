"""The one door to user code: batches, counts, checks, links and remembers what a model answers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from copy import copy
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_whole, numbered_outputs, shown
from pellucid.adapters import find_predictor, structures
from pellucid.errors import InputError, ModelOutputError
from pellucid.model import probe as probing
from pellucid.model.choice import checked_names, choose_outputs, resolve_outputs
from pellucid.model.link import Link
from pellucid.model.medium import Medium, TableMedium
from pellucid.model.outputs import Place, checked_scores, note_place
from pellucid.model.streaming import StoppedByModel, answers, split
from pellucid.model.structure import has_margins, names_of_raw
from pellucid.space import Space

if TYPE_CHECKING:
    from pellucid.model.cache import RowCache

Array = NDArray[np.float64]


class Model:
    r"""A user's model as a function of codes: (n, d) float64 -> (n, k) float64.

    The explained function is :math:`f(x) = \mathrm{link}(\mathrm{predict}(x))`, row by row. The link stands
    inside the average over the background, :math:`v(S) = \sum_b w_b f(x_S, b)`, so that v stays linear in f
    and an average over some of the draws is an unbiased estimate of it. shap's KernelExplainer puts the link
    outside, :math:`\mathrm{link}(\sum_b w_b \mathrm{predict})`, which has neither property.

    Only this class calls user code. It hands over the container the Space was inferred from, counts every
    row, and refuses any answer that is not one finite row of k scores per row. Whatever the callable raises
    arrives as the same object, with a note of the batch and rows; the Model stays usable.

    Parameters
    ----------
    model : a callable of n rows that returns (n,) or (n, k) scores, or a fitted object with `predict_proba`,
        `decision_function` or `predict`.
    space : the features of a table; its container is what the callable receives.
    medium : what rows are instead, where they are no table: the `medium` of a representation of text or images.
    model_output : "probability", "raw" (margin, log-odds) or "value"; None is "probability" for an object
        with `predict_proba` and "value" otherwise.
    link : "identity", "logit" or "log", applied to every output.
    clip : moves outputs into [clip, 1 - clip] before the logit and up to clip before the log, and `warnings` says so;
        None refuses outputs whose link is not finite.
    batch_bytes : size of the codes of one call, in bytes; at least one row is handed over.
    concurrency : calls of the model at the same time, in threads; 1 calls it on the caller's thread only.
    cache : file for the rows already paid for; None keeps none. It must be removed when the model changes.
    output_names : names of the k outputs; None takes the model's classes, or what a margin is, or numbers them.
    structure : the inside of the model, where it is read already.

    Raises
    ------
    InputError : an argument breaks its rule; the features differ from those the model was fitted on.
    ModelOutputError : an answer is not one finite row of scores per row (in the call that meets it).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> model = Model(lambda rows: rows.sum(axis=1), space=Space.infer(X))
    >>> model(X).tolist(), model.output_names, model.rows_used
    ([[1.0], [5.0]], ('output',), 2)
    """

    def __init__(
        self,
        model: Any,
        *,
        space: Space | None = None,
        medium: Medium | None = None,
        model_output: str | None = None,
        link: str = "identity",
        clip: float | None = None,
        batch_bytes: int = 2**22,
        concurrency: int = 1,
        cache: str | os.PathLike[str] | None = None,
        output_names: Sequence[str] | None = None,
        structure: Any = None,
    ) -> None:
        self._link = Link(link, clip)
        self._given_model = model
        self._asked_output = model_output
        # Read at the first question; there may be none.
        self._structure: tuple[Any] | None = None if structure is None else (structure,)
        predictor = find_predictor(model, model_output=model_output)
        self.link = link
        self.clip = clip
        self.model_output = predictor.model_output
        self.description = predictor.description
        self.batch_bytes = _positive_integer(batch_bytes, "batch_bytes")
        self.concurrency = _positive_integer(concurrency, "concurrency")
        self.warnings: list[str] = []
        self.steady = True  # the answers of the probe repeated
        self.rows_used = 0
        self.rows_cached = 0
        self.calls = 0
        self.seconds = 0.0
        self._predictor = predictor
        if (space is None) == (medium is None):
            raise InputError("a model needs either the space of a table or the medium of a representation")
        if space is not None:
            medium = TableMedium(predictor, space=space, keep=self.concurrency + 1)
        assert medium is not None
        self.medium: Medium = medium
        self._given_names = checked_names(output_names)
        self._names: tuple[str, ...] | None = None
        self._lock = threading.Lock()
        self._cache = None if cache is None else self._open_cache(cache)

    def _open_cache(self, path: str | os.PathLike[str]) -> RowCache:
        from pellucid.model.cache import RowCache  # brings SQLite, which few need

        if not isinstance(path, (str, os.PathLike)):
            raise InputError(f"cache must be the path of a file, got {shown(path)}; leave it out to keep no rows")
        if not isinstance(self.medium, TableMedium):
            raise InputError("cache keeps rows of tables only; leave it out for texts and images")
        return RowCache(path, space=self.space, model_output=self.model_output, description=self.description)

    def __repr__(self) -> str:
        outputs = "" if self._names is None else f", outputs={list(self._names)}"
        return f"Model({self.description}, model_output={self.model_output!r}, link={self.link!r}{outputs})"

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the k outputs, known after the first call."""
        if self._names is None:
            raise InputError("the outputs of the model are known after its first call; call probe(rows) first")
        return self._names

    @property
    def k(self) -> int:
        """Number of outputs, known after the first call."""
        return len(self.output_names)

    @property
    def batch_rows(self) -> int:
        """Rows of one call: as many as `batch_bytes` holds, at least 1."""
        return max(1, self.batch_bytes // max(1, self.medium.row_bytes))

    @property
    def space(self) -> Space:
        """The features of a table."""
        if not isinstance(self.medium, TableMedium):
            raise InputError("this model is asked about texts or images, which have no space of features")
        return self.medium.space

    @property
    def structure(self) -> Any:
        """The trees or the linear function inside, where an adapter can read them; None where none can.

        Raises
        ------
        ModelFormatError : an adapter knows the model, but it cannot be represented faithfully.
        """
        if self._structure is None:
            self._structure = (structures.find_structure(self._given_model, model_output=self._asked_output),)
        return self._structure[0]

    @property
    def has_margins(self) -> bool:
        return has_margins(self._given_model)

    def reading(self, medium: Medium) -> Model:
        """The same model for rows of another medium; its counts go on from those of this one."""
        other = copy(self)
        other.medium = medium
        return other

    def with_space(self, space: Space) -> Model:
        """The same model for rows with more categories than its own space knows."""
        assert isinstance(self.medium, TableMedium)
        return self.reading(self.medium.extended(space))

    def buffer(self, rows: int) -> Any:
        """Memory for a block of `feed`, of undefined contents: (rows, d) codes, reused when nobody refers to it.

        What is handed to the user's callable may be kept by it. This memory comes back to the model only
        when every array that refers to it is gone; an array of the caller's own must not be written again
        after it was fed.
        """
        return self.medium.buffer(rows)

    def __call__(self, codes: Array) -> Array:
        """Outputs (n, k) of codes (n, d), after the link, in batches of `batch_rows`."""
        codes = self._checked(codes)
        if len(codes) == 0:
            return np.empty((0, self.k))
        parts = split(len(codes), most=self.batch_rows, blocks=self.concurrency)
        collected: list[Array] = []
        # A copy of each batch, as the callable may write into what it is given.
        self.feed((copy(codes[part]) for part in parts), collected.append)
        return collected[0] if len(collected) == 1 else np.concatenate(collected)

    def feed(self, blocks: Iterable[Array], consume: Callable[[Array], Any]) -> None:
        """Hand the outputs (m, k) of each block (m, d) of codes to `consume`, in order; one call per block.

        With `concurrency` above 1, up to so many blocks are in flight; the first failure cancels the rest.
        The blocks belong to the model until the answer has come: the callable may write into them or keep
        them, so they should come from `buffer`. Whatever the model raises, StopIteration too, arrives as
        the same object.
        """
        with closing(self._answers(blocks)) as outputs:
            try:
                for block_outputs in outputs:
                    consume(block_outputs)
            except StoppedByModel as stopped:
                raise stopped.original from None

    def probe(self, codes: Array) -> Array:
        """Fix k and the output names, and call up to 16 rows twice to see whether the answers repeat.

        The second time the rows come reversed and in two batches. Answers that differ are recorded in
        `warnings`, with the largest difference and whether the order or the call made it. Up to 32 rows
        are paid for, 48 where the answers differ.

        Parameters
        ----------
        codes : (n, d) rows; the first 16 are used.

        Returns
        -------
        outputs of the rows used, (min(n, 16), k), after the link.

        Raises
        ------
        InputError : there is no row at all, or the cache was filled by another model.
        """
        rows = self._checked(codes)
        if len(rows) == 0:
            raise InputError("probe needs at least one row, got none; pass a background row")
        rows = copy(rows[: probing.ROWS])
        before = len(self.warnings)
        outputs = probing.run(rows, ask=self.unlinked, record=self.warnings, cache=self._cache)
        with self._lock:
            self.rows_cached += outputs.cached
        self.steady = len(self.warnings) == before
        return self._linked(outputs.values, Place(0, 0, len(rows)))

    def check_outputs(self, outputs: Any) -> None:
        """Refuse a choice of outputs that the model does not have; known after the probe."""
        resolve_outputs(outputs, names=self.output_names)

    def choose(self, outputs: Any, predictions: Array) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Which output each column of an explanation speaks about, row by row.

        Parameters
        ----------
        outputs : None (all), an index, a name, "predicted" (the largest output of the row), "top:j" (its j
            largest), or a list of indices or names.
        predictions : (n, k) outputs of the rows to explain.

        Returns
        -------
        columns (n, kk) into the k outputs, and kk names; those that depend on the row are called
        "predicted" and "top 1", "top 2", ...

        Raises
        ------
        InputError : an unknown name, an index out of range, or more outputs than there are.
        """
        return choose_outputs(outputs, predictions=predictions, names=self.output_names)

    def _checked(self, block: Any) -> Any:
        return self.medium.checked(block) if isinstance(self.medium, TableMedium) else block

    def _answers(self, blocks: Iterable[Array]) -> Generator[Array, None, None]:
        return answers(blocks, answer=self._answer, concurrency=self.concurrency)

    def _answer(self, block: Array, place: Place) -> Array:
        if self._cache is None:
            outputs = self._ask(block, place)
        else:
            outputs = self._ask_for_missing(block, place, self._cache)
        return self._linked(outputs, place)

    def _linked(self, outputs: Array, place: Place) -> Array:
        clipped = self._link.clipped(outputs)
        if clipped is not outputs and not np.array_equal(clipped, outputs):
            note = f"clip={self.clip} moved outputs to where the {self.link} is finite; the values depend on it"
            with self._lock:
                if note not in self.warnings:
                    self.warnings.append(note)
        return self._link(clipped, place=place)

    def _ask_for_missing(self, block: Array, place: Place, cache: RowCache) -> Array:
        """Only rows not in the cache go to the user, each distinct row once; then all come from one table."""
        from pellucid.model.cache import row_keys

        keys = row_keys(block)
        known = cache.get(keys)
        missing = {key: i for i, key in reversed(list(enumerate(keys))) if key not in known}
        if missing:
            asked = sorted(missing.values())
            outputs = self._ask(block[asked], place)
            cache.put([keys[i] for i in asked], outputs)
            known.update(zip((keys[i] for i in asked), outputs, strict=True))
        with self._lock:
            self.rows_cached += len(keys) - len(missing)
        outputs = np.stack([known[key] for key in keys])
        self._fix_outputs(outputs.shape[1])
        return outputs

    def unlinked(self, rows: Array) -> Array:
        """Outputs (n, k) of codes (n, d) before the link, straight from the user: no cache."""
        step = self.batch_rows
        parts = []
        for batch, first in enumerate(range(0, len(rows), step)):
            part = copy(rows[first : first + step])
            parts.append(self._ask(part, Place(batch, first, len(part))))
        return np.concatenate(parts)

    def _ask(self, block: Array, place: Place) -> Array:
        """One call of user code."""
        rows = len(block)
        given = self.medium.given(block)
        with self._lock:
            self.calls += 1
            self.rows_used += rows
            call = self.calls
        start = perf_counter()
        try:
            returned = self._predictor.function(given)
        except BaseException as error:
            note_place(error, place)
            raise
        finally:
            elapsed = perf_counter() - start
            with self._lock:
                self.seconds += elapsed
        width = None if self._names is None else len(self._names)
        outputs = checked_scores(
            returned,
            place=Place(place.batch, place.first, rows),
            width=width,
            call=call,
            show=lambda row: self.medium.shown(block, row),
        )
        self._fix_outputs(outputs.shape[1], call=call)
        return outputs

    def _fix_outputs(self, width: int, *, call: int = 0) -> None:
        with self._lock:
            if self._names is None:
                self._names = self._names_of(width)
            elif width != len(self._names):
                raise ModelOutputError(
                    f"the model returned {width} outputs in call {call}, but {len(self._names)} outputs "
                    "before; return the same number of outputs in every call"
                )

    def _names_of(self, width: int) -> tuple[str, ...]:
        if self._given_names is not None:
            if len(self._given_names) != width:
                raise InputError(
                    f"output_names has {len(self._given_names)} names, but the model returned {width} "
                    "outputs; give one name per output"
                )
            return self._given_names
        classes = self._predictor.classes
        if len(classes) == width and len(set(classes)) == width:
            return classes
        return names_of_raw(self, classes) if width == 1 and self.model_output == "raw" else numbered_outputs(width)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()


def _positive_integer(value: Any, argument: str) -> int:
    if not is_whole(value) or value < 1:
        raise InputError(
            f"{argument} must be a whole number of at least 1, got {shown(value)}; leave it out for the default"
        )
    return int(value)
