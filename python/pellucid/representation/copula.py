"""A normal copula: the ranks of a background as normal scores, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.representation.gaussian_law import GaussianLaw
from pellucid.space import Space
from pellucid.space.causal import CausalOrder

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CopulaLaw:
    r"""Any margins, joined by a normal law of their normal scores. [aas2021]

    The score of a value is :math:`\Phi^{-1}(F(v^-) + P(v) / 2)` with the weighted frequencies of the background, so
    that tied values share one. A latent value z goes back to the smallest value with :math:`F(v) \ge \Phi(z)`: what
    comes back is always a value that the background has, with its frequency.

    Attributes
    ----------
    latent : the law of the scores.
    codes : (B, d), the draws of the copula.
    """

    latent: GaussianLaw
    codes: Array
    _values: tuple[Array, ...]
    _cumulated: tuple[Array, ...]
    _thresholds: Array
    _first_of_column: NDArray[np.int64]

    @classmethod
    def fit(
        cls, rows: Array, weights: Array, *, space: Space, n_draws: int, seed: int, order: CausalOrder | None = None
    ) -> CopulaLaw:
        """The copula of rows (B, d) of a space under weights (B,) that sum to 1."""
        from pellucid import _core

        values, cumulated = [], []
        for column in rows.T:
            distinct, place = np.unique(column, return_inverse=True)
            values.append(distinct)
            reached = np.cumsum(np.bincount(place.ravel(), weights=weights))
            cumulated.append(reached / reached[-1])
        scores = np.column_stack(
            [_scores(column, *both) for column, *both in zip(rows.T, values, cumulated, strict=True)]
        )
        latent = GaussianLaw.standard(scores, weights, space=space, n_draws=n_draws, seed=seed, order=order)
        # The last threshold of a column is never looked at: what is above all others is its largest value.
        inner = np.concatenate([np.append(np.minimum(one[:-1], 1.0 - 2**-53), 0.5) for one in cumulated])
        first = np.concatenate([[0], np.cumsum([len(one) for one in values])]).astype(np.int64)
        law = cls(latent, latent.draws, tuple(values), tuple(cumulated), _core.normal_quantiles(inner), first)
        nobody = np.zeros((1, len(space.parts)), dtype=np.uint8)
        object.__setattr__(law, "codes", law.back(rows[0], nobody, latent.draws.copy()))
        return law

    def scores(self, x: Array) -> Array:
        """Normal scores (d,) of a row; beyond the background's range those of its ends."""
        columns = zip(x, self._values, self._cumulated, strict=True)
        return np.concatenate([_scores(np.array([value]), *both) for value, *both in columns])

    def back(self, x: Array, masks: NDArray[np.uint8], latent: Array) -> Array:
        """Latent rows (m * r, d), r for each mask, as codes in the same memory: x where it is known."""
        from pellucid import _core

        if len(latent):
            _core.latent_to_values(
                np.ascontiguousarray(x),
                self.latent.part_of_column,
                masks,
                len(latent) // len(masks),
                self._thresholds,
                np.concatenate(self._values),
                self._first_of_column,
                latent,
            )
        return latent


def _scores(column: Array, values: Array, cumulated: Array) -> Array:
    from pellucid import _core

    upper = np.searchsorted(values, column, side="right")
    lower = np.searchsorted(values, column, side="left")
    reached = np.concatenate([[0.0], cumulated])
    middle = (reached[lower] + reached[upper]) / 2
    ends = (reached[1] / 2, (reached[-2] + 1.0) / 2)
    scores: Array = _core.normal_quantiles(np.clip(middle, *ends))
    return scores
