"""What LIME on tables converges to, with bins and categories of any frequency."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import shown
from pellucid.errors import InputError, NumericalError
from pellucid.estimation.grid_sums import grid_sums
from pellucid.estimation.lime_alphas import checked_kernel_width
from pellucid.results.checks import floats
from pellucid.results.lime_limit import LimeLimit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BinMeasure:
    r"""Bins drawn feature by feature, with LIME's kernel absorbed: still a product of one law for each feature.

    .. math:: q_j(b) \propto p_j(b)\, e^{-[b \ne b_j^*] / (2 \nu^2)}

    Parameters
    ----------
    probabilities : p arrays, the law q_j of the bins of each feature.
    bins : (p,) the bin b* of the explained row.
    total : E[pi], the mean weight of a sample.

    Examples
    --------
    >>> measure = bin_measure([[0.25] * 4] * 30, bins=[0] * 30)
    >>> float(measure.same[0].round(4))
    0.2556
    """

    probabilities: tuple[Floats, ...]
    bins: NDArray[np.int64]
    total: float

    @property
    def same(self) -> Floats:
        """Probability (p,) that a sample shares the bin of the explained row."""
        return np.array([law[b] for law, b in zip(self.probabilities, self.bins, strict=True)])

    @property
    def other(self) -> Floats:
        """Probability (p,) that it does not: its own sum, since 1 - same has no digits left for a narrow kernel."""
        return np.array([math.fsum(np.delete(law, b)) for law, b in zip(self.probabilities, self.bins, strict=True)])


def bin_measure(frequencies: Sequence[Any], *, bins: Any, kernel_width: float | None = None) -> BinMeasure:
    """The law of the bins around a row, with the kernel exp(-D^2 / (2 nu^2)), D^2 the number of features in other bins.

    Parameters
    ----------
    frequencies : p arrays of the frequency of each bin or category in the training data, any unit.
    bins : (p,) the bin of the explained row in each feature.
    kernel_width : nu, 0.75 sqrt(p) if left out.

    Raises
    ------
    InputError : frequencies that are none, a bin that is not there or has frequency 0.
    NumericalError : the kernel is too narrow for doubles.
    """
    p = len(frequencies)
    if p == 0:
        raise InputError("frequencies must hold an array for each feature, got none")
    where = np.asarray(bins)
    if where.shape != (p,) or where.dtype.kind not in "iu":
        raise InputError(f"bins must be ({p},) whole numbers, got {where.dtype} of shape {where.shape}")
    nu = checked_kernel_width(kernel_width, default=0.75 * math.sqrt(p))
    away = math.exp(-0.5 / nu / nu) if nu > 0.03 else 0.0
    if away == 0.0:
        raise NumericalError(f"kernel_width leaves no weight on other bins in doubles, got {nu}; use a larger one")
    laws, total = [], 1.0
    for j, given in enumerate(frequencies):
        law = _frequencies(given, j)
        b = int(where[j])
        if not 0 <= b < len(law) or law[b] == 0:
            raise InputError(
                f"bins must be bins that occur, got {b} for feature {j} with frequencies {shown(law.tolist())}"
            )
        tilted = law * np.where(np.arange(len(law)) == b, 1.0, away)
        mass = math.fsum(tilted)
        laws.append(tilted / mass)
        total *= mass
    return BinMeasure(tuple(laws), where.astype(np.int64), total)


def tabular_lime_limit(
    f: Callable[[NDArray[np.int64]], Any] | Sequence[Any],
    frequencies: Sequence[Any],
    *,
    bins: Any,
    kernel_width: float | None = None,
    parts: Sequence[str] | None = None,
) -> LimeLimit:
    r"""What LIME with bins or categories estimates, for any frequencies.

    .. math:: \beta_j = E_q[f \mid z_j = 1] - E_q[f \mid z_j = 0], \qquad \beta_0 = E_q[f] - \sum_j q_j \beta_j

    with z_j = 1 where a sample shares the bin of the explained row, and q of `BinMeasure`. For an additive f it is the
    mean in that bin less the mean in the others, whatever the kernel. A feature with one bin has the coefficient 0.

    Parameters
    ----------
    f : a function of bins (m, p) that returns (m,) or (m, k), the mean output in these bins; asked about all their
        combinations, at most 2^20. Or p tables (bins,) or (bins, k), whose sum it is.
    frequencies, bins, kernel_width : as in `bin_measure`.
    parts : names, optional.

    Raises
    ------
    InputError : an argument breaks its rule.
    BudgetError : too many combinations.

    Examples
    --------
    >>> tables = [[0.0, 1.0, 4.0], [5.0, 5.0]]
    >>> tabular_lime_limit(tables, [[0.5, 0.25, 0.25], [0.9, 0.1]], bins=[2, 0]).coefficients.ravel().round(6).tolist()
    [3.666667, 0.0]
    >>> limit = tabular_lime_limit(lambda b: (b[:, 0] == 2) & (b[:, 1] == 0), [[1, 1, 1], [3, 1]], bins=[2, 0])
    >>> limit.coefficients.ravel().round(3).tolist()
    [0.824, 0.438]

    References: [garreau2020], for bins of equal frequency.
    """
    measure = bin_measure(frequencies, bins=bins, kernel_width=kernel_width)
    overall, here, elsewhere = _cell_means(f, measure) if callable(f) else _additive_means(f, measure)
    coefficients = np.where(measure.other[:, None] > 0, here - elsewhere, 0.0)
    intercept = overall - (measure.same[:, None] * coefficients).sum(axis=0)
    names = tuple(parts) if parts is not None else tuple(f"feature {j}" for j in range(len(measure.bins)))
    method = "all combinations of bins" if callable(f) else "closed form"
    return LimeLimit(coefficients=coefficients, intercept=intercept, parts=names, method=method)


def _additive_means(tables: Sequence[Any], measure: BinMeasure) -> tuple[Floats, Floats, Floats]:
    """E[f] (k,), and E[f | z_j = 1] and E[f | z_j = 0] (p, k) up to the same constant, of a sum of tables."""
    if len(tables) != len(measure.bins):
        raise InputError(f"f must hold a table for each of the {len(measure.bins)} features, got {len(tables)}")
    overall, here, elsewhere = [], [], []
    for j, (given, law, b) in enumerate(zip(tables, measure.probabilities, measure.bins, strict=True)):
        table = floats(f"f[{j}]", given)
        if table.ndim not in (1, 2) or len(table) != len(law) or not np.isfinite(table).all():
            raise InputError(f"f[{j}] must be ({len(law)},) or ({len(law)}, k) finite numbers, got shape {table.shape}")
        weighted = law[:, None] * table.reshape(len(law), -1)
        overall.append(weighted.sum(axis=0))
        here.append(weighted[b] / law[b])
        elsewhere.append(np.delete(weighted, b, axis=0).sum(axis=0))
    if len({len(average) for average in overall}) != 1:
        raise InputError("f must hold tables of the same number k of outputs, got different ones")
    return np.sum(overall, axis=0), np.array(here), _divided(np.array(elsewhere), measure.other)


def _cell_means(f: Callable[[NDArray[np.int64]], Any], measure: BinMeasure) -> tuple[Floats, Floats, Floats]:
    """The same of any function of bins."""
    p = len(measure.bins)

    def shares_bin(cells: NDArray[np.int64], column: int) -> Floats:
        same = cells[:, column % p] == measure.bins[column % p]
        return np.asarray(same if column < p else ~same, dtype=np.float64)

    overall, joint = grid_sums(f, measure.probabilities, columns=2 * p, column=shares_bin)
    return overall, _divided(joint[:p], measure.same), _divided(joint[p:], measure.other)


def _divided(sums: Floats, mass: Floats) -> Floats:
    """Conditional means (p, k); 0 where there is nothing to condition on."""
    safe = np.where(mass > 0, mass, 1.0)
    return sums / safe[:, None]


def _frequencies(given: Any, feature: int) -> Floats:
    law = floats(f"frequencies[{feature}]", given)
    if law.ndim != 1 or len(law) == 0 or not np.isfinite(law).all() or (law < 0).any() or law.sum() == 0:
        raise InputError(
            f"frequencies[{feature}] must be finite numbers of at least 0, one for each bin, not all 0, got "
            f"{shown(law.tolist())}"
        )
    return np.asarray(law / law.sum())
