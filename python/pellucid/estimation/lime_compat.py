"""The choices of the lime package (0.2.0.1) on samples that are given, so that its coefficients can be reproduced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pellucid import _core
from pellucid.errors import InputError
from pellucid.estimation.estimate import Array

Selection = Literal["auto", "none", "forward_selection", "highest_weights", "lasso_path"]
SELECTIONS = ("auto", "none", "forward_selection", "highest_weights", "lasso_path")
FORWARD_AT_MOST = 6  # features up to which "auto" means forward selection
RANKING_RIDGE, FINAL_RIDGE = 0.01, 1.0
# A column that keeps less than this share of its own sum of squares beside the chosen ones is a combination of them.
COLLINEAR = 1e-10


@dataclass(frozen=True)
class LimeFit:
    """What the lime package would say on these samples, for k outputs.

    Attributes
    ----------
    values : (p, k), the coefficients; 0 where a part was not chosen.
    chosen : for each output the parts chosen, the largest absolute coefficient first.
    intercept : (k,).
    score : (k,), the weighted R^2 on the samples of the fit.
    local_prediction : (k,), the fitted value at row 0, the instance.
    """

    values: Array
    chosen: tuple[NDArray[np.int64], ...]
    intercept: Array
    score: Array
    local_prediction: Array

    def local_exp(self, output: int = 0) -> list[tuple[int, float]]:
        """Parts and coefficients of one output as lime lists them; for a regression those of its label 1."""
        return [(int(part), float(self.values[part, output])) for part in self.chosen[output]]


class _Sums:
    """Weighted sums of squares and products about the weighted means, and ridge fits on some of the parts."""

    def __init__(self, z: Array, y: Array, weights: Array) -> None:
        p = z.shape[1]
        rows = np.hstack([z, y])
        self.means = np.average(rows, axis=0, weights=weights)  # (p + k,)
        rows -= self.means
        self._z, self._y, self._weights = rows[:, :p], rows[:, p:], weights
        self._whole = self._fed(np.arange(p))
        self.gram = np.asarray(self._whole.gram)  # (p, p)
        self.response = np.asarray(self._whole.response)  # (p, k)
        self.squares = np.asarray(self._whole.squares)  # (k,)

    def _fed(self, parts: NDArray[np.int64]) -> _core.WeightedLeastSquares:
        sums = _core.WeightedLeastSquares(len(parts), self._y.shape[1])
        sums.add(np.ascontiguousarray(self._z[:, parts]), np.ascontiguousarray(self._y), self._weights)
        return sums

    def ridge(self, parts: NDArray[np.int64], output: int, penalty: float) -> Array:
        """(G + penalty I)^-1 c on these parts, in their order; the intercept is not penalised."""
        everything = len(parts) == len(self.gram)
        found = np.asarray((self._whole if everything else self._fed(parts)).solve(penalty))[:, output]
        return found[parts] if everything else found


def lime_fit(
    z: Array,
    y: Array,
    distances: Array,
    *,
    kernel_width: float,
    num_features: int,
    feature_selection: Selection = "auto",
    outputs: Sequence[int] | None = None,
) -> LimeFit:
    r"""Fit as the lime package does: choose parts, then a ridge of strength 1 on them.

    .. math:: \min_{\beta_0, \beta} \sum_i \psi_i (y_i - \beta_0 - \beta^\top z_i)^2 + |\beta|^2,
        \qquad \psi_i = e^{-D_i^2 / 2 \nu^2}

    The weights are not normalised, so that the ridge shrinks less the more samples there are. Everything is found from
    the Gram matrix of the samples: forward selection takes time in O(p^2 + num_features p^2) after it, not a new fit
    for every part and step. [ribeiro2016]

    Parameters
    ----------
    z : (n, p), the samples as the linear model sees them; row 0 is the instance.
    y : (n,) or (n, k), what the model said.
    distances : (n,), of each sample from the instance, in the unit of `kernel_width`.
    kernel_width : nu above; lime takes 0.75 sqrt(d) for tables, 25 for texts (its distances are times 100 there) and
        0.25 for images.
    num_features : how many parts to choose.
    feature_selection : "none" takes all parts; "forward_selection" adds the part that most raises R^2, without ridge;
        "highest_weights" takes the largest :math:`|\beta_j z_{0j}|` of a ridge of strength 0.01; "lasso_path" takes the
        last step of the lasso path with at most `num_features` parts; "auto" is "forward_selection" for up to 6 parts
        and "highest_weights" for more.
    outputs : which outputs to fit; None fits all.

    Raises
    ------
    InputError : arrays that do not fit together, a kernel width or number of parts that is not positive, an unknown
        selection, or distances at which every weight is zero.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=float)
    >>> y = z @ [3.0, 0.0, -1.0]
    >>> fit = lime_fit(z, y, (1 - z).sum(axis=1) ** 0.5, kernel_width=2.0, num_features=1)
    >>> [(part, round(value, 3)) for part, value in fit.local_exp()]
    [(0, 1.693)]
    """
    z, y, distances = _arrays(z, y, distances)
    if not kernel_width > 0:
        raise InputError(f"kernel_width must be positive, got {kernel_width}; lime's own for images is 0.25")
    if num_features < 1:
        raise InputError(f"num_features must be at least 1, got {num_features}; pass how many parts to choose")
    if feature_selection not in SELECTIONS:
        raise InputError(f"feature_selection must be one of {SELECTIONS}, got {feature_selection!r}; pass one of these")
    weights = np.exp(-0.5 * (distances / kernel_width) ** 2)
    if not weights.any():
        raise InputError(
            f"distances must leave a sample some weight, got {distances.min():.3g} and more at a kernel width of "
            f"{kernel_width}; pass a larger kernel_width"
        )

    sums = _Sums(z, y[:, range(y.shape[1]) if outputs is None else list(outputs)], weights)
    p, k = sums.response.shape
    values, chosen, scores = np.zeros((p, k)), [], np.zeros(k)
    for output in range(k):
        parts = _choose(sums, z[0], output, num_features, feature_selection)
        found = sums.ridge(parts, output, FINAL_RIDGE)
        order = np.argsort(-np.abs(found), kind="stable")
        values[parts, output] = found
        chosen.append(parts[order])
        scores[output] = _score(sums, values[:, output], output)
    intercept = sums.means[p:] - (sums.means[:p, None] * values).sum(axis=0)
    return LimeFit(values, tuple(chosen), intercept, scores, intercept + (z[0][:, None] * values).sum(axis=0))


def lime_masks(p: int, n: int, *, kind: Literal["text", "image"], seed: int) -> NDArray[np.uint8]:
    """Masks drawn as lime draws them, from streams of our own: (n, p), row 0 all ones.

    For a text the number of parts removed is uniform on 1 ... p, and which they are is uniform too; for an image each
    part stays with probability 1/2. A longer call begins with the rows of a shorter one.

    Examples
    --------
    >>> lime_masks(6, 4, kind="text", seed=0).sum(axis=1).tolist()
    [6, 2, 4, 4]
    """
    if kind not in ("text", "image"):
        raise InputError(f"kind must be 'text' or 'image', got {kind!r}; pass one of these")
    masks = np.ones((n, p), dtype=np.uint8)
    uniform = _core.uniform_rows(seed, np.zeros(p + 1), np.ones(p + 1), 1, n - 1)
    if kind == "image":
        masks[1:] = uniform[:, 1:] < 0.5
    else:
        kept = np.floor(p * uniform[:, :1])  # 0 ... p-1
        masks[1:] = uniform[:, 1:].argsort(axis=1).argsort(axis=1) < kept
    return masks


def _arrays(z: Array, y: Array, distances: Array) -> tuple[Array, Array, Array]:
    z, y, distances = (np.ascontiguousarray(each, dtype=np.float64) for each in (z, y, distances))
    if z.ndim != 2 or not z.size:
        raise InputError(f"z must have n rows and p columns, got the shape {z.shape}; pass one row for each sample")
    y = y[:, None] if y.ndim == 1 else y
    if y.ndim != 2 or len(y) != len(z) or distances.shape != (len(z),):
        raise InputError(
            f"y and distances must have one entry for each of the {len(z)} rows of z, got the shapes {y.shape} and "
            f"{distances.shape}; pass what belongs to these samples"
        )
    for name, each in (("z", z), ("y", y), ("distances", distances)):
        if not np.isfinite(each).all():
            raise InputError(f"{name} must be finite, got a NaN or an infinity; leave out such samples")
    return z, y, distances


def _choose(sums: _Sums, instance: Array, output: int, k: int, how: Selection) -> NDArray[np.int64]:
    p = len(sums.gram)
    everything = np.arange(p, dtype=np.int64)
    if how == "auto":
        how = "forward_selection" if k <= FORWARD_AT_MOST else "highest_weights"
    if how == "none":
        return everything
    if how == "forward_selection":
        return _forward(sums.gram, sums.response[:, output], min(k, p))
    if how == "lasso_path":
        return _last_on_the_lasso_path(sums.gram, sums.response[:, output], k)
    strength = np.abs(sums.ridge(everything, output, RANKING_RIDGE) * instance)
    return np.argsort(-strength, kind="stable")[:k]


def _score(sums: _Sums, values: Array, output: int) -> float:
    """1 - RSS / TSS from the sums; a constant response has score 1 where it is met exactly, and 0 otherwise."""
    squares = float(sums.squares[output])
    residual = squares - 2.0 * float(values @ sums.response[:, output]) + float(values @ sums.gram @ values)
    if squares == 0.0:
        return 1.0 if residual == 0.0 else 0.0
    return 1.0 - residual / squares


def _forward(gram: Array, response: Array, k: int) -> NDArray[np.int64]:
    """The k parts in the order of entry; each lowers the residual sum of squares the most, by c_j^2 / G_jj.

    G and c are what is left of them beside the parts already in: after a part enters, its row is swept out.
    """
    left, target = gram.copy(), response.copy()
    own = np.diag(gram)
    order: list[int] = []
    for _ in range(k):
        pivots = np.diag(left)
        independent = pivots > COLLINEAR * own
        gain = np.where(independent, target**2 / np.where(independent, pivots, 1.0), 0.0)
        gain[order] = -1.0
        best = int(np.argmax(gain))
        order.append(best)
        if independent[best]:
            row = left[best] / pivots[best]
            target = target - target[best] * row
            left = left - np.outer(left[best], row)
    return np.array(order, dtype=np.int64)


def _last_on_the_lasso_path(gram: Array, response: Array, k: int) -> NDArray[np.int64]:
    """The parts that are not zero at the last knot of the lasso path with at most k of them, in ascending order.

    A path without a knot, as for a constant response, leaves all parts.
    """
    found = np.arange(len(gram), dtype=np.int64)
    for support in _lasso_supports(gram, response):
        if len(support) <= k:
            found = support
    return found


def _lasso_supports(gram: Array, response: Array) -> list[NDArray[np.int64]]:
    """Which coefficients are not zero at each knot of the lasso path, after the first. [efron2004]"""
    path = _core.lasso_path(np.ascontiguousarray(gram), np.ascontiguousarray(response))
    return [np.flatnonzero(coefficients) for coefficients in np.asarray(path.coefficients)[1:]]
