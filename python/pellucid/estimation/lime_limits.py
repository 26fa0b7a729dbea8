"""What LIME on masks converges to: by enumeration, in closed form, and how far an explanation is from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import shown
from pellucid.errors import BudgetError, InputError
from pellucid.estimation.lime_alphas import MaskMoments, mask_moments
from pellucid.games import GameLike, PlainGame
from pellucid.results.lime_limit import LimeLimit

Floats = NDArray[np.float64]

MOST_ENUMERATED = 20  # parts: 2^20 masks
MASKS_AT_ONCE = 2**16


def lime_limit(
    f: Any, p: int | Sequence[str] | None = None, *, law: Any = None, kernel_width: float | None = None
) -> LimeLimit:
    r"""What LIME on masks estimates: the weighted least squares of f on (1, z) over all 2^p masks, without any error.

    .. math:: \beta_j = \frac{1}{c_d}\Bigl(\sigma_1 E[\pi f] + \sigma_2 E[\pi z_j f]
        + \sigma_3 \sum_{k \ne j} E[\pi z_k f]\Bigr)

    A sampled explanation has this limit as its sample grows, whatever the design, and `distance` of the result says how
    many standard errors it is away.

    Parameters
    ----------
    f : a game, or a function of masks (m, p) of bool that returns (m,) or (m, k). It is asked about all 2^p masks.
    p : number or names of the parts; left out for a game. At most 20.
    law : "image": parts are left out with probability 1/2 each. "text": the number left out is uniform on 1 to p. Or
        (p + 1,) masses of that number, kernel included. Left out: the `mask_law` of the game's representation.
    kernel_width : nu of the kernel exp(-D^2 / (2 nu^2)) on the cosine distance, 0.25 if left out.

    Raises
    ------
    InputError : an argument breaks its rule.
    BudgetError : more than 20 parts. `mask_pattern_limit` is the closed form for sums of products of parts; and
        `distance` of another explanation, with another seed and more samples, takes the place of the limit.

    Examples
    --------
    The limit is linear in f, and a part that f does not use has a small coefficient, but not 0:

    >>> limit = lime_limit(lambda masks: masks[:, 0] & masks[:, 1], 4, law="image")
    >>> limit.coefficients.ravel().round(3).tolist(), limit.intercept.round(3).tolist()
    ([0.691, 0.691, 0.009, 0.009], [-0.513])

    A linear f is found again:

    >>> weights = np.array([1.3, 0.7, 0.0, -0.5, -2.3])
    >>> found = lime_limit(lambda masks: masks @ weights, 5, law="text").coefficients[:, 0]
    >>> bool(abs(found - weights).max() < 1e-13)
    True

    References: [garreau2021] for images, [mardaoui2021] for texts.
    """
    game = _game(f, p)
    parts = tuple(game.parts)
    if law is None:
        law = getattr(getattr(game, "representation", None), "mask_law", None)
        if law is None:
            raise InputError("law must say how masks are drawn, 'image' or 'text': the representation has no mask_law")
    moments = mask_moments(len(parts), law=law, kernel_width=kernel_width)
    if len(parts) > MOST_ENUMERATED:
        raise BudgetError(
            f"p must be at most {MOST_ENUMERATED} parts, whose 2^p masks are all asked, got {len(parts)}; use "
            "mask_pattern_limit for a function in closed form, or the distance to an explanation of more samples"
        )
    coefficients, intercept = moments.solve(*_enumerated_averages(game, moments))
    return LimeLimit(
        coefficients=coefficients, intercept=intercept, parts=parts, method=f"all {2 ** len(parts):,} masks"
    )


def mask_pattern_limit(
    patterns: Any, values: Any, *, law: Any, kernel_width: float | None = None, parts: Sequence[str] | None = None
) -> LimeLimit:
    r"""The limit of a sum of patterns in closed form, for thousands of parts as well.

    .. math:: f(z) = \sum_l v_l \prod_{j \in A_l} z_j \prod_{j \in B_l} (1 - z_j)

    One part each is a linear function; products of parts are the shape detectors of [garreau2021]; and the leaves of a
    tree on masks are such patterns, so that the limit of a forest is one too.

    Parameters
    ----------
    patterns : (l, p) of 1 where the part must be kept, 0 where it must be left out, -1 where it does not matter.
    values : (l,) or (l, k).
    law, kernel_width : as in `lime_limit`.
    parts : names, optional.

    Raises
    ------
    InputError : an argument breaks its rule.

    Examples
    --------
    >>> patterns = np.full((1, 1000), -1)
    >>> patterns[0, :2] = 1
    >>> limit = mask_pattern_limit(patterns, [1.0], law="image")
    >>> limit.coefficients[[0, 1, 2, 999]].ravel().round(5).tolist()
    [0.50083, 0.50083, 0.0, 0.0]
    """
    patterns, values = _checked_patterns(patterns, values)
    p = patterns.shape[1]
    names = _game_names(parts, p)
    moments = mask_moments(p, law=law, kernel_width=kernel_width)
    of_size, without_part = np.zeros((p + 1, values.shape[1])), np.zeros((p, values.shape[1]))
    by_size = lru_cache(maxsize=None)(moments.joint_by_size)
    joint = lru_cache(maxsize=None)(moments.joint)
    for pattern, value in zip(patterns, values, strict=True):
        on, off = int((pattern == 1).sum()), int((pattern == 0).sum())
        of_size += by_size(on, off)[:, None] * value
        # Parts that the pattern keeps are never left out, those that it leaves out always are.
        left_out = np.array([joint(on, off + 1), joint(on, off), 0.0])[pattern + 1]
        without_part += left_out[:, None] * value
    coefficients, intercept = moments.solve(*moments.averages(of_size), without_part)
    return LimeLimit(coefficients=coefficients, intercept=intercept, parts=names, method="closed form")


def _enumerated_averages(game: GameLike, moments: MaskMoments) -> tuple[Floats, Floats, Floats]:
    """E[f] (k,), cov(t, f) (k,) and E[(1 - z_j) f] (p, k) under the tilted law, from all masks."""
    from pellucid import _core

    p = moments.parts
    blocks, sizes = [], []
    for first in range(0, 2**p, MASKS_AT_ONCE):
        masks = _core.all_coalitions(p, first, min(MASKS_AT_ONCE, 2**p - first))
        sizes.append(p - masks.sum(axis=1, dtype=np.int64))
        blocks.append(game.value(masks).T)
    values, left_out = np.concatenate(blocks, axis=1), np.concatenate(sizes)
    of_size = np.array([values[:, left_out == s].mean(axis=1) for s in range(p + 1)])
    one_mask = np.array([size / math.comb(p, s) for s, size in enumerate(moments.sizes)])
    return *moments.averages(of_size), _without_each(values * one_mask[left_out], p)


def _without_each(weighted: Floats, p: int) -> Floats:
    """Sums (p, k) of (k, 2^p) over the masks without part j, which is bit j of a mask's number.

    The half with the last part is added to the half without it, which was summed before: all p sums cost two passes,
    and every sum is a balanced tree, whose rounding grows with p and not with 2^p.
    """
    sums = np.empty((p, len(weighted)))
    for part in reversed(range(p)):
        half = 2**part
        sums[part] = weighted[:, :half].sum(axis=1)
        weighted = weighted[:, :half] + weighted[:, half:]
    return sums


def _game(f: Any, p: int | Sequence[str] | None) -> GameLike:
    if hasattr(f, "value") and hasattr(f, "parts"):
        if p is not None:
            raise InputError(f"p must be left out where f is a game, which knows its parts, got {shown(p)}")
        game: GameLike = f
        return game
    if p is None:
        raise InputError("p must be the number of parts, or their names, where f is a function of masks")
    return PlainGame(f, p)


def _game_names(parts: Sequence[str] | None, p: int) -> tuple[str, ...]:
    if parts is None:
        return tuple(f"part {i}" for i in range(p))
    names = tuple(parts)
    if isinstance(parts, str) or len(names) != p or not all(isinstance(name, str) for name in names):
        raise InputError(f"parts must be {p} names, one for each column of patterns, got {shown(parts)}")
    return names


def _checked_patterns(patterns: Any, values: Any) -> tuple[NDArray[np.int64], Floats]:
    array, numbers = np.asarray(patterns), np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "iu" or array.shape[1] == 0 or not np.isin(array, (-1, 0, 1)).all():
        raise InputError(
            "patterns must be whole numbers of shape (patterns, p): 1 kept, 0 left out, -1 either; got "
            f"{array.dtype} of shape {array.shape}"
        )
    if numbers.dtype.kind not in "biuf" or numbers.ndim not in (1, 2) or len(numbers) != len(array):
        raise InputError(
            f"values must be numbers of shape ({len(array)},) or ({len(array)}, k), one row for each pattern, got "
            f"{numbers.dtype} of shape {numbers.shape}"
        )
    if not np.isfinite(numbers).all():
        raise InputError("values must be finite, got NaN or infinity")
    columns = numbers.astype(np.float64).reshape(len(array), -1) if numbers.size else np.zeros((len(array), 1))
    return array.astype(np.int64), columns
