"""A mixture of linear regressions, of which the one that owns an instance explains it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid._arguments import checked_seed, is_whole, shown
from pellucid.errors import InputError
from pellucid.surrogates.fused_lasso import FusedLasso
from pellucid.surrogates.rows import Array, WeightedRows, checked_rows, checked_smoothing, checked_z, lines

if TYPE_CHECKING:
    from pellucid import _core

ITERATIONS_OF_A_TRIAL = 20
LIGHTNESS_OF_TRIALS = 0.1  # of the penalty
TOLERANCE = 1e-8  # of the log-likelihood, by effective row
SURE_OF_START = 0.9  # of a row for the group that it starts in


@dataclass(frozen=True)
class MixtureComponent:
    """The component of a mixture that owns a row: its number, its share of the row, and its line."""

    index: int
    responsibility: float
    coef: Array
    intercept: float
    sigma: float


class Lemna:
    r"""Mixture regression with fused lasso, the local model of LEMNA [guo2018], by EM with several starts.

    .. math:: y_i \sim \sum_c \pi_c\, N(\beta_{c0} + z_i \beta_c,\; \sigma_c^2)

    fitted by the largest weighted log-likelihood less
    :math:`\sum_c (\lambda / \tau_c) \sum_j |\beta_{cj} - \beta_{c,j-1}|` with :math:`\lambda = s \sqrt{W \log(p) / K}`,
    W the effective number of rows; or, with `bound`, under :math:`\sum_j |\beta_{cj} - \beta_{c,j-1}| \le S` for every
    component. The scales tau are the sigma that the components reach under a tenth of the penalty. A model that
    bends, or jumps, near the instance is so taken apart into pieces that are linear.

    What is LEMNA here: the mixture, the bound on the differences of neighbours, EM, and the component of the
    instance as the explanation. The text of the paper was not at hand; these four agree with a public
    re-implementation of it. The code of its authors covers one component and takes the penalty sqrt(n log p), which
    is s = 1 for sigma = 1. Of this library are the intercepts, the scales, the responsibilities as weights of the
    regressions (the re-implementation gives every row whole to one component), the starts and the choice of the
    number of components.

    Parameters
    ----------
    components : how many; "bic" takes the number from 1 to `most_components` with the least

        .. math:: BIC = -2 \log L + \log(W) \Big(K - 1 + \sum_c (\text{runs of equal } \beta_c + 2)\Big)

        among those whose components all have more effective rows than parameters.
    most_components : up to how many are tried for "bic".
    smoothness, bound : s and S as in `FusedLasso`; a bound takes the place of the penalty.
    n_starts : of EM: rows grouped by their residuals from one line, then, in turns, by random directions in z and by
        residuals times random directions. Every start has 20 iterations, the best goes on.
    max_iter : iterations of EM at most.
    seed : names the random directions.

    Attributes
    ----------
    components_ : int.
    coefs_, intercepts_, weights_, sigmas_ : (K, p), (K,), (K,), (K,), the largest component first; sigma is at least
        0.01 of the standard deviation of y.
    coef_, intercept_ : (p,) and float, the mean of the components by their weights, which `predict` uses.
    log_likelihoods_ : what is maximised, without the constant of the normal density, after every iteration with the
        final scales; it never falls.
    bic_ : dict from number of components to BIC, infinite where a component is too small.
    converged_ : bool.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(600, 3))
    >>> y = np.where(Z[:, 0] > 0, Z @ [4, 4, 0], Z @ [0, 1, 1]) + 0.1 * rng.normal(size=600)
    >>> fit = Lemna().fit(Z, y)
    >>> fit.components_
    2
    >>> owner = fit.explain([1.0, 0.0, 0.0], 4.0)
    >>> owner.coef.round(1).tolist(), round(owner.responsibility, 3)
    ([4.0, 4.0, 0.0], 1.0)
    """

    components_: int
    coefs_: Array
    intercepts_: Array
    weights_: Array
    sigmas_: Array
    coef_: Array
    intercept_: float
    log_likelihoods_: Array
    bic_: dict[int, float]
    converged_: bool

    def __init__(
        self,
        *,
        components: int | str = "bic",
        most_components: int = 4,
        smoothness: float = 1.0,
        bound: float | None = None,
        n_starts: int = 8,
        max_iter: int = 200,
        seed: int = 0,
    ) -> None:
        if components != "bic" and (not is_whole(components) or int(components) < 1):
            raise InputError(f'components must be "bic" or a whole number of at least 1, got {shown(components)}')
        for name, value in (("most_components", most_components), ("n_starts", n_starts), ("max_iter", max_iter)):
            if not is_whole(value) or value < 1:
                raise InputError(f"{name} must be a whole number of at least 1, got {shown(value)}")
        checked_smoothing(smoothness, bound)
        self.components = components
        self.most_components = most_components
        self.smoothness = smoothness
        self.bound = bound
        self.n_starts = n_starts
        self.max_iter = max_iter
        self.seed = checked_seed(seed)

    def __repr__(self) -> str:
        names = ("components", "most_components", "smoothness", "bound", "n_starts", "max_iter", "seed")
        return f"Lemna({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def fit(self, Z: Any, y: Any, *, sample_weight: Any = None) -> Lemna:
        """Fit to rows Z (n, p) and outputs y (n,) with weights (n,).

        Raises
        ------
        InputError : shapes that do not fit, numbers that are not finite, negative weights, fewer rows than components.
        """
        rows = checked_rows(Z, y, sample_weight)
        numbers = range(1, self.most_components + 1) if self.components == "bic" else [int(self.components)]
        if max(numbers) > len(rows.z) and self.components != "bic":
            raise InputError(f"components must be at most {len(rows.z)}, the rows with a weight, got {max(numbers)}")
        one_line = FusedLasso(smoothness=self.smoothness, bound=self.bound)
        one_line.fit(rows.z, rows.y, sample_weight=rows.weights)
        residuals = rows.y - lines(rows.z, one_line.coef_[None], np.array([one_line.intercept_]))[:, 0]
        fits = {c: self._best_start(rows, residuals, one_line.sigma_, c) for c in numbers if c <= len(rows.z)}
        self.bic_ = {count: self._bic(rows, fit) for count, fit in fits.items()}
        # Where every number has a component that is too small: the first.
        self.components_ = min(self.bic_, key=lambda count: self.bic_[count])
        self._keep(fits[self.components_])
        return self

    def predict(self, Z: Any) -> Array:
        """(n,) mean outputs of the mixture for rows Z (n, p)."""
        z = checked_z(Z, columns=len(self._fitted().coef_))
        return np.asarray(lines(z, self.coef_[None], np.array([self.intercept_]))[:, 0])

    def responsibilities(self, Z: Any, y: Any) -> Array:
        """(n, K) how probable it is that a row (z, y) comes from each component."""
        z = checked_z(Z, columns=len(self._fitted().coef_))
        outputs = np.asarray(y, dtype=np.float64)
        if outputs.shape != (len(z),) or not np.isfinite(outputs).all():
            raise InputError(f"y must be {len(z)} finite numbers, one for each row of Z, got shape {outputs.shape}")
        off = (outputs[:, None] - lines(z, self.coefs_, self.intercepts_)) / self.sigmas_
        with np.errstate(divide="ignore"):
            density = np.log(self.weights_) - np.log(self.sigmas_) - 0.5 * off**2
        density = np.exp(density - density.max(axis=1, keepdims=True))
        return np.asarray(density / density.sum(axis=1, keepdims=True))

    def explain(self, z: Any, y: float) -> MixtureComponent:
        """The component that owns the instance z (p,) with the model's output y there."""
        shares = self.responsibilities(np.asarray(z, dtype=np.float64)[None], [y])[0]
        owner = int(np.argmax(shares))
        return MixtureComponent(
            owner,
            float(shares[owner]),
            self.coefs_[owner].copy(),
            float(self.intercepts_[owner]),
            float(self.sigmas_[owner]),
        )

    def _fitted(self) -> Lemna:
        if not hasattr(self, "coef_"):
            raise InputError("this Lemna is not fitted; call fit(Z, y) first")
        return self

    def _best_start(self, rows: WeightedRows, residuals: Array, sigma: float, count: int) -> _core.MixtureFit:
        """The fit from the start whose trial went furthest; the first of equals."""
        groups, sigmas = np.ones((len(rows.z), 1)), np.full(count, sigma)
        if count > 1:
            # A light penalty: under the full one, a component that is not yet itself has a large sigma, is smoothed
            # into one coefficient, and keeps its large sigma.
            light = LIGHTNESS_OF_TRIALS * self._penalties(rows, sigmas)
            starts = (_start(self._score(rows, residuals, start), count) for start in range(self.n_starts))
            trials = [self._run(rows, start, sigmas, light, ITERATIONS_OF_A_TRIAL) for start in starts]
            best = max(trials, key=lambda trial: trial.log_likelihoods[-1])
            begun = self._run(rows, best.responsibilities, best.sigmas, light, self.max_iter)
            groups, sigmas = begun.responsibilities, begun.sigmas
        return self._run(rows, groups, sigmas, self._penalties(rows, sigmas), self.max_iter)

    def _penalties(self, rows: WeightedRows, scales: Array) -> Array:
        return rows.penalty(self.smoothness, components=len(scales)) / scales

    def _score(self, rows: WeightedRows, residuals: Array, start: int) -> Array:
        """(n,) numbers whose quantiles are the groups of a start."""
        from pellucid import _core

        if start == 0:
            return residuals
        direction = np.asarray(_core.random_projections(rows.z, self.seed, start, 1))[:, 0]
        return direction if start % 2 else direction * residuals

    def _run(
        self, rows: WeightedRows, responsibilities: Array, sigmas: Array, penalties: Array, iterations: int
    ) -> _core.MixtureFit:
        from pellucid import _core

        options = _core.MixtureOptions(
            bound=-1.0 if self.bound is None else float(self.bound),
            floor=rows.least_sigma,
            most_iterations=iterations,
            tolerance=TOLERANCE,
        )
        return _core.mixture_regression(rows.z, rows.y, rows.weights, responsibilities, sigmas, penalties, options)

    @staticmethod
    def _bic(rows: WeightedRows, fit: _core.MixtureFit) -> float:
        """Infinite where a component has no more effective rows than parameters."""
        parameters = (np.diff(fit.coefficients, axis=1) != 0).sum(axis=1) + 3
        if (fit.shares * rows.total <= parameters).any():
            return math.inf
        constant = 0.5 * rows.total * math.log(2 * math.pi)
        freedom = float(parameters.sum()) + len(parameters) - 1
        return 2 * constant - 2 * fit.log_likelihood + math.log(rows.total) * freedom

    def _keep(self, fit: Any) -> None:
        order = np.argsort(-np.asarray(fit.shares), kind="stable")
        self.coefs_ = np.asarray(fit.coefficients)[order]
        self.intercepts_ = np.asarray(fit.intercepts)[order]
        self.weights_ = np.asarray(fit.shares)[order]
        self.sigmas_ = np.asarray(fit.sigmas)[order]
        self.coef_ = (self.weights_[:, None] * self.coefs_).sum(axis=0)
        self.intercept_ = float((self.weights_ * self.intercepts_).sum())
        self.log_likelihoods_ = np.asarray(fit.log_likelihoods)
        self.converged_ = bool(fit.converged)


def _start(score: Array, count: int) -> Array:
    """(n, count) responsibilities: most of a row for the quantile of its score."""
    groups = np.empty(len(score), dtype=np.int64)
    groups[np.argsort(score, kind="stable")] = np.arange(len(score)) * count // len(score)
    result = np.full((len(score), count), (1.0 - SURE_OF_START) / count)
    result[np.arange(len(score)), groups] += SURE_OF_START
    return result
