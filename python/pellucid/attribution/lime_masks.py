"""LIME on texts, images, and whatever else has parts that can be left out."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import shown
from pellucid.attribution.local_options import LocalOptions
from pellucid.attribution.local_results import Explained
from pellucid.attribution.represented import Reader, probe_masks
from pellucid.errors import InputError
from pellucid.estimation.clock import Deadline
from pellucid.estimation.lime_compat import lime_masks
from pellucid.estimation.local_samples import MaskSamples
from pellucid.estimation.size_law import Base, SizeLaw
from pellucid.games import Game
from pellucid.representation import Representation
from pellucid.results import LocalExplanation

Distance = Literal["cosine", "euclidean"]


class _Law(NamedTuple):
    """How masks are drawn before the kernel weights them, and how many by default."""

    base: Base
    samples: int


LAWS = {"text": _Law("uniform_size", 4096), "image": _Law("bernoulli", 1024)}


def explain_representation(X: Representation, reader: Reader, options: LocalOptions) -> LocalExplanation:
    """The surrogate of the model on the masks of X."""
    start = perf_counter()
    deadline = None if options.time_limit is None else Deadline.after(options.time_limit)
    parts = tuple(X.parts)
    law = _law_of(X)
    each, probed = int(X.n_draws), len(probe_masks(len(parts)))
    # Before anything is paid; a model that does not repeat itself is charged for more below.
    options.samples_affordable(charged=2 * probed + 1, default=law.samples, each=each)
    model, shared = reader.model_for(X)
    model.check_outputs(options.outputs)
    inside = model.seconds
    # All parts are there, whatever the draw.
    predictions = Game(model, X).play(np.ones((1, len(parts)), dtype=np.uint8), np.zeros(1, dtype=np.int64))
    columns, names = model.choose(options.outputs, predictions)
    about = Explained(model, options, parts, predictions, columns, names, shared, 0, start, inside)
    charged = (2 if model.steady else 3) * probed + 1
    most = options.samples_affordable(charged=charged, default=law.samples, each=each)
    samples = MaskSamples(
        Game(model, X, columns=columns[0]),
        law=_sizes(options, len(parts), law.base),
        locality=options.locality,
        seed=options.seed,
        # A tolerance without a budget may go far; that is no reason to play more masks than it needs.
        budget=most if options.budget is not None else min(most, law.samples),
        control_variate=options.control_variate,
        given=options.sampler if options.compat is None else _lime_sampler(len(parts), law),
    )
    about.add(options.fit(samples, most=most, parts=parts, deadline=deadline), labels=parts)
    return about.explanation(canvas=getattr(X, "canvas", None))


def _lime_sampler(parts: int, law: _Law) -> Callable[[int, int], NDArray[np.uint8]]:
    kind: Literal["text", "image"] = "text" if law.base == "uniform_size" else "image"
    return lambda count, seed: lime_masks(parts, count, kind=kind, seed=seed)


def _law_of(X: Representation) -> _Law:
    name = getattr(X, "mask_law", "image")
    if name not in LAWS:
        raise InputError(f"mask_law of {type(X).__name__} must be one of {', '.join(LAWS)}, got {shown(name)}")
    # Of one part a text law draws only the text without it, and nothing could be compared.
    return LAWS[name if len(X.parts) > 1 else "image"]


def _sizes(options: LocalOptions, parts: int, base: Base) -> SizeLaw:
    """The law of the number of parts that are off, with the kernel in it where it only looks at that number."""
    locality = options.locality
    distance = locality.distance or "cosine"
    if not options.plain or not isinstance(distance, str):
        return SizeLaw(parts, base=base)
    if locality.kernel is None:
        width = locality.width_for(parts, distance)
        return SizeLaw.exponential(parts, base=base, kernel_width=width, distance=cast(Distance, distance))
    weights = locality.by_size(parts, default="cosine")
    assert weights is not None
    locality.some(weights[SizeLaw(parts, base=base).target > 0])
    return SizeLaw(parts, base=base, psi=lambda _: weights)
