"""Rows whose unknown features follow their law given the known ones, or given that these were set."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.representation.checks import checked_draws, checked_masks, checked_target
from pellucid.representation.copula import CopulaLaw
from pellucid.representation.gaussian_law import GaussianLaw
from pellucid.space import Space

Array = NDArray[np.float64]


class ConditionalGaussian:
    r"""One row x under a normal law, completed by Matheron's rule. [wilson2021]

    .. math:: \mathrm{row}(S, b)_S = x_S, \qquad
              \mathrm{row}(S, b)_{\bar S} = b_{\bar S} + \Sigma_{\bar S S} \Sigma_{SS}^{-1} (x_S - b_S)

    Over draws b of the law these rows follow :math:`X \mid X_S = x_S`; with a causal order,
    :math:`X \mid do(X_S = x_S)`.

    Parameters
    ----------
    x : (d,) codes of the explained row, none missing.
    law : the law of the features with its draws.
    space : the features, which give the parts.

    Raises
    ------
    InputError : shapes that do not fit, or a missing value in x.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.array([[-1.0, -2.0], [1.0, 2.0], [-1.0, 0.0], [1.0, 0.0]])
    >>> space = Space.infer(rows)
    >>> law = GaussianLaw.fit(rows, np.full(4, 0.25), space=space, n_draws=8, seed=0)
    >>> known = ConditionalGaussian(np.array([3.0, 0.0]), law, space=space)
    >>> completed = known.compose_grid(np.array([[1, 0]]), first=0, count=8)
    >>> completed.mean(axis=0).round(6).tolist()  # E[x1 | x0 = 3] = 3 cov / var
    [3.0, 3.0]
    """

    def __init__(self, x: Any, law: GaussianLaw, *, space: Space) -> None:
        self.x: Array = _checked_row(x, law.draws.shape[1])
        self.law = law
        self.parts: tuple[str, ...] = tuple(space.parts)
        self.n_draws = len(law.draws)
        self.weights: Array = np.full(self.n_draws, 1.0 / self.n_draws)

    def compose(self, masks: Any, draws: Any, out: Array | None = None) -> Array:
        """Codes (m, d) of masks (m, p) under draws (m,), in the first m rows of `out` where it is given."""
        masks = checked_masks(masks, p=len(self.parts))
        draws = checked_draws(draws, m=len(masks), n_draws=None)  # the core refuses draws out of range
        rows = checked_target(out, len(masks), len(self.x))
        self.law.core.compose(self.x, self.law.draws, masks, draws, rows)
        return rows

    def compose_grid(self, masks: Any, *, first: int, count: int, out: Array | None = None) -> Array:
        """Codes (m * count, d) of each mask under the draws first, ..., first + count - 1, mask by mask."""
        masks = checked_masks(masks, p=len(self.parts))
        rows = checked_target(out, len(masks) * count, len(self.x))
        self.law.core.compose_grid(self.x, self.law.draws, masks, first, count, rows)
        return rows

    def contrasts(self) -> Array:
        r"""How far x is from each draw, part by part: (B, p), not centred.

        For one column :math:`(x_j - b_j) / \mathrm{sd}_j`, 0 where it is constant; for a group the mean of its columns.
        """
        deviation = np.sqrt(np.diag(self.law.covariance))
        scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
        away = (self.x - self.law.draws) * scale
        members = [np.flatnonzero(self.law.part_of_column == part) for part in range(len(self.parts))]
        return np.asarray(np.column_stack([away[:, columns].mean(axis=1) for columns in members]))


class ConditionalCopula:
    """One row x under a normal copula: completed among the normal scores, and back through the quantiles.

    Unknown features take values that the background shows, known ones keep theirs. A known value outside of the
    background's range counts as its nearest end for what it tells about the others.

    Parameters
    ----------
    x : (d,) codes of the explained row, none missing.
    law : the copula with its draws.
    space : the features, which give the parts.

    Raises
    ------
    InputError : shapes that do not fit, or a missing value in x.
    """

    def __init__(self, x: Any, law: CopulaLaw, *, space: Space) -> None:
        self.x: Array = _checked_row(x, law.codes.shape[1])
        self.law = law
        self._latent = ConditionalGaussian(law.scores(self.x), law.latent, space=space)
        self.parts = self._latent.parts
        self.n_draws = self._latent.n_draws
        self.weights = self._latent.weights

    def compose(self, masks: Any, draws: Any, out: Array | None = None) -> Array:
        """Codes (m, d) of masks (m, p) under draws (m,), in the first m rows of `out` where it is given."""
        masks = checked_masks(masks, p=len(self.parts))
        return self.law.back(self.x, masks, self._latent.compose(masks, draws, out=out))

    def compose_grid(self, masks: Any, *, first: int, count: int, out: Array | None = None) -> Array:
        """Codes (m * count, d) of each mask under the draws first, ..., first + count - 1, mask by mask."""
        masks = checked_masks(masks, p=len(self.parts))
        return self.law.back(self.x, masks, self._latent.compose_grid(masks, first=first, count=count, out=out))

    def contrasts(self) -> Array:
        """How far the scores of x are from those of each draw, part by part: (B, p)."""
        return self._latent.contrasts()


def _checked_row(x: Any, d: int) -> Array:
    row: Array = np.array(x, dtype=np.float64)
    if row.shape != (d,):
        raise InputError(f"x must have shape ({d},), one value per column of the law, got {row.shape}")
    if np.isnan(row).any():
        raise InputError("x must have no missing values, as the law says nothing about them; fill them in")
    return row
