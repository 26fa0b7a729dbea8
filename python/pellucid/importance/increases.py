"""Increases of the loss, added up permutation by permutation, and their standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid._student import student_factors

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Increases:
    """Sums over the permutations.

    Attributes
    ----------
    means : (R, p) mean increase of each permutation.
    received, donated : (p, n) sums of the increases of each row with another's value, and of others with its value.
    squares : (p,) sums of squared increases.
    by_row : whether the loss has rows; if not, only the means are there.
    """

    means: Array
    received: Array
    donated: Array
    squares: Array
    by_row: bool

    @classmethod
    def none(cls, *, repeats: int, parts: int, rows: int, by_row: bool) -> Increases:
        kept = rows if by_row else 0
        return cls(
            np.zeros((repeats, parts)), np.zeros((parts, kept)), np.zeros((parts, kept)), np.zeros(parts), by_row
        )

    def add(self, increase: Array, *, repeat: int, part: int, donors: NDArray[np.int64]) -> None:
        """The increases (n,), or (1,) without rows, of one part in one permutation."""
        self.means[repeat, part] = increase.mean()
        if self.by_row:
            self.received[part] += increase
            self.donated[part, donors] += increase
            self.squares[part] += (increase * increase).sum()

    def of_rows(self) -> Array:
        """Mean increase of each row (n, p)."""
        return np.ascontiguousarray(self.received.T) / len(self.means)

    def errors(self) -> tuple[Array, Array]:
        r"""Standard errors (p,) over rows and over permutations, widened by Student's t.

        The double sum over rows and donors is a U-statistic. What row i contributes to it is what it gains as the row
        and what others gain with its value, a_i + d_i; the variance of their sum over n is that of the statistic
        [hoeffding1948]. From R permutations instead of all pairs, a_i and d_i are means of R increases each. Writing
        an increase as m + alpha_i + beta_s + eps_is, both carry noise, of variance (V(beta) + V(eps)) / R and
        (V(alpha) + V(eps)) / R, but the mean over rows only V(eps) / (n R), as each permutation has every row once and
        every donor once. The excess is the variance of all increases over R, and is taken out. The factor
        (n - 1) / (n - 2) makes it the error of the jackknife, which leaves out a row and its value. Two rows have none.
        """
        repeats, n = self.means.shape[0], self.received.shape[1]
        unknown = np.full(self.means.shape[1], np.nan)
        if not self.by_row:
            return unknown, self._over_repeats(open_share=1.0) if repeats > 1 else unknown
        open_share = max(0.0, 1.0 - repeats / (n - 1.0))  # of the pairs of rows that were not played
        spread = (self.received + self.donated).var(axis=1, ddof=1) / repeats**2
        excess = (self.squares / (n * repeats) - self.means.mean(axis=0) ** 2) / repeats
        jackknife = (n - 1.0) / (n - 2.0) if n > 2 else np.nan
        variance = np.maximum(spread - open_share * excess, 0.0) / n
        over_rows = np.sqrt(variance) * jackknife * student_factors(np.array(n - 1.0))
        if open_share > 0.0 and repeats == 1:
            return over_rows, unknown
        over_repeats = self._over_repeats(open_share) if open_share > 0.0 else np.zeros_like(unknown)
        return over_rows, over_repeats

    def _over_repeats(self, open_share: float) -> Array:
        repeats = len(self.means)
        variance = self.means.var(axis=0, ddof=1) / repeats * open_share
        return np.asarray(np.sqrt(variance) * student_factors(np.array(repeats - 1.0)))
