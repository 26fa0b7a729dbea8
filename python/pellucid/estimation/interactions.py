"""Pairwise Shapley interactions, from the coalitions that give the Shapley values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pellucid.estimation.clock import Deadline
from pellucid.estimation.estimate import Array, Estimate, precise_enough
from pellucid.estimation.exact import exact_values, weighted_mean
from pellucid.estimation.plan import ShapleyPlan
from pellucid.estimation.regression import contrasts_of
from pellucid.estimation.student import student_factors
from pellucid.games import GameLike

RULES = {
    "by draw": "least squares",
    "shrunk": "ridge, corrected for its bias",
    "none": "inverse probabilities alone, as a fit would take too long",
}
# Pairs of coalitions for each pair of players, in every draw. From the first on least squares is the better fit; from
# the second on it may be, by far where there are no interactions of four players or more, so both are tried.
ENOUGH_PAIRS, LEAST_PAIRS = 1.5, 1.05
CLEARLY_SMALLER = 0.5
PRIOR_TERMS = 4


@dataclass(frozen=True)
class InteractionEstimate:
    """The interactions of one game, with its Shapley values.

    Attributes
    ----------
    shapley : the Shapley values of the same coalitions; `reached` and `rule` speak of the interactions too.
    index : (p (p - 1) / 2, k), the Shapley interaction index of the pairs (0, 1), (0, 2), ..., (1, 2), ...
    std_err : the same shape; None when nothing was sampled.
    sum_std_err : (p, k), of the sum of the index over the pairs of a player; None when nothing was sampled.
    """

    shapley: Estimate
    index: Array
    std_err: Array | None
    sum_std_err: Array | None

    def matrix(self) -> tuple[Array, Array | None]:
        r"""The matrix :math:`\Phi` (p, p, k) and its standard errors.

        Off the diagonal half the index; on it what is left of the Shapley value. Value and sum come from the same
        coalitions and may err together, so their errors are added there; that of the sum is 0 once every draw has
        played its players alone.
        """
        values = _symmetric(self.index / 2, len(self.shapley.values))
        diagonal = np.arange(len(values))
        values[diagonal, diagonal] = self.shapley.values - values.sum(axis=1)
        if self.std_err is None or self.sum_std_err is None or self.shapley.std_err is None:
            return values, None
        errors = _symmetric(self.std_err / 2, len(values))
        errors[diagonal, diagonal] = self.shapley.std_err + self.sum_std_err / 2
        return values, errors


@dataclass
class InteractionSampler:
    """Plays games of one shape as its plan says, and keeps the regressions, which all games share.

    Nothing is played for the interactions: where the Shapley values need the difference of a coalition and its
    complement, the interactions need their sum.
    """

    plan: ShapleyPlan
    _regressions: dict[tuple[int, ...], _Regressions] = field(init=False, default_factory=dict, repr=False)

    def estimate(self, game: GameLike, *, deadline: Deadline | None = None) -> InteractionEstimate:
        """Play one game, stage by stage until the tolerance is met."""
        heard = _Heard(game)
        if self.plan.method == "exact":
            return _exact(heard)
        found: InteractionEstimate | None = None
        for stage in range(len(self.plan.limits)):
            if found is not None and deadline is not None and deadline.passed():
                return replace(found, shapley=replace(found.shapley, out_of_time=True))
            limits = self.plan.limits[: stage + 1]
            played = () if found is None else found.shapley.played
            found = self._estimate(heard, self.plan.play(heard, limits, played=played), limits)
            if found.shapley.reached and self.plan.spending.tolerance is not None:
                break
        assert found is not None
        return found

    def _estimate(self, heard: _Heard, shapley: Estimate, limits: tuple[int, ...]) -> InteractionEstimate:
        empty, full = heard.ends()
        if limits not in self._regressions:
            self._regressions[limits] = _Regressions(self.plan, limits)
        regressions = self._regressions[limits]
        values = np.concatenate(heard.outputs)
        fit = regressions.fit((full + empty[regressions.draws] - values[0::2] - values[1::2]) / 2)
        std_err = _standard_errors(fit.variance, fit.squares)
        tolerance = self.plan.spending.tolerance
        complete = len(values) == (2**self.plan.players - 2) * heard.n_draws
        reached = complete or tolerance is None or _precise_enough(fit.index, std_err, tolerance)
        return InteractionEstimate(
            replace(shapley, reached=reached, rule=f"{shapley.rule}; {fit.rule}"),
            fit.index,
            std_err,
            np.sqrt(fit.sum_variance),
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_regressions": {}}


@dataclass(frozen=True)
class _Fit:
    """Of the pairs of players, (p (p - 1) / 2, k) each; the variance of the sums is (p, k)."""

    index: Array
    variance: Array
    squares: Array
    sum_variance: Array
    rule: str


class _Regressions:
    """The regressions that may be used on the design of a plan, grown through these limits."""

    def __init__(self, plan: ShapleyPlan, limits: tuple[int, ...]) -> None:
        from pellucid import _core

        design = _core.PairedDesign(plan.seed, plan.players, plan.draw_weights)
        for limit in limits:
            design.grow(limit)
        masks = np.ascontiguousarray(design.pair_masks(0, design.pairs)[0::2])
        self.draws = np.ascontiguousarray(design.pair_draws(0, design.pairs)[0::2])
        cells = zip(self.draws.tolist(), masks.sum(axis=1).tolist(), strict=True)
        expected = np.array([design.expected(draw, size) for draw, size in cells])
        active = np.ones((len(plan.draw_weights), plan.players), dtype=np.uint8)

        def regression(enough: float) -> Any:
            return _core.InteractionRegression(masks, self.draws, expected, active, plan.draw_weights, enough)

        self._regressions = [regression(ENOUGH_PAIRS)]
        per_edge = np.bincount(self.draws, minlength=len(active)).min() / (plan.players * (plan.players - 1) / 2)
        if self._regressions[0].kind == "shrunk" and per_edge >= LEAST_PAIRS:
            self._regressions.append(regression(LEAST_PAIRS))

    def fit(self, losses: Array) -> _Fit:
        """All are without bias; each output takes the second where that is clearly more precise."""
        fits = [regression.solve(np.ascontiguousarray(losses)) for regression in self._regressions]
        variances = [fit.variance.sum(axis=0) for fit in fits]
        # By chance the smaller of two like variances is too small, so the choice needs more than chance.
        best = np.where(variances[-1] < CLEARLY_SMALLER * variances[0], len(fits) - 1, 0)

        def chosen(name: str) -> Array:
            found: Array = np.stack([getattr(fits[which], name)[:, k] for k, which in enumerate(best)], axis=1)
            return found

        used = " or ".join(dict.fromkeys(RULES[self._regressions[which].kind] for which in best))
        return _Fit(
            index=chosen("values"),
            variance=chosen("variance"),
            squares=chosen("squares"),
            sum_variance=chosen("sum_variance"),
            rule=f"interactions by {used}",
        )


class _Heard:
    """A game that remembers what its coalitions were worth."""

    def __init__(self, game: GameLike) -> None:
        self._game = game
        self.parts, self.n_draws, self.draw_weights = game.parts, game.n_draws, game.draw_weights
        self.outputs: list[Array] = []

    @property
    def n_outputs(self) -> int:
        return self._game.n_outputs

    def play(self, masks: Any, draws: Any) -> Array:
        self.outputs.append(self._game.play(masks, draws))
        return self.outputs[-1]

    def value(self, masks: Any) -> Array:
        self.outputs.append(self._game.value(masks))
        return self.outputs[-1]

    def ends(self) -> tuple[Array, Array]:
        return self._game.ends()

    def contrasts(self) -> Array | None:
        return contrasts_of(self._game)


def _exact(heard: _Heard) -> InteractionEstimate:
    r"""Without error, up to rounding.

    .. math:: I_{ij} = \sum_{S \not\ni i, j} \frac{|S|!\,(p-|S|-2)!}{(p-1)!}\,
              \bigl(v(S \cup ij) - v(S \cup i) - v(S \cup j) + v(S)\bigr)
    """
    from pellucid import _core

    shapley = exact_values(heard)
    empty, full = heard.ends()
    players = len(heard.parts)
    if players == 1:
        return InteractionEstimate(shapley, np.empty((0, len(full))), None, None)
    values = np.concatenate([weighted_mean(empty, heard.draw_weights)[None], *heard.outputs, full[None]])
    return InteractionEstimate(shapley, _core.exact_interactions(values, players), None, None)


def _standard_errors(variance: Array, squares: Array) -> Array:
    """Standard errors of the pairs (p (p - 1) / 2, k), widened by Student's t.

    Where two players are seldom in the same small coalition, few terms carry the variance: variance^2 / squares of
    them (Satterthwaite). It is moderated by the mean over all pairs of players, which counts as PRIOR_TERMS terms.
    [smyth2004]
    """
    known = squares > 0
    terms = np.divide(variance**2, squares, out=np.zeros_like(squares), where=known)
    moderated = (terms * variance + PRIOR_TERMS * variance.mean(axis=0)) / (terms + PRIOR_TERMS)
    std_err: Array = np.sqrt(np.where(known, moderated, 0.0)) * student_factors(terms + PRIOR_TERMS)
    return std_err


def _precise_enough(index: Array, std_err: Array, tolerance: float) -> bool:
    """As for values, with 0 among them: a pair without interaction belongs to the spread."""
    nothing = np.zeros((1, index.shape[1]))
    return precise_enough(np.vstack([index, nothing]), np.vstack([std_err, nothing]), tolerance)


def _symmetric(pairs: Array, players: int) -> Array:
    """(p, p, k) with zeros on the diagonal, of the values (p (p - 1) / 2, k) above it."""
    matrix: Array = np.zeros((players, players, pairs.shape[1]))
    above = np.triu_indices(players, 1)
    matrix[above] = pairs
    matrix[above[::-1]] = pairs
    return matrix
