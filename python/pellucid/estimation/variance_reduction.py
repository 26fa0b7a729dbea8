"""A Shapley regression whose pairs a control variate has freed of noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation.adjustment import (
    Adjusted,
    PlayedPairs,
    adjust,
    fit_to_pairs,
    noise_of,
    stacking_weights,
)
from pellucid.estimation.control_choice import KERNEL, AutoWith, described
from pellucid.estimation.control_variate import (
    MOST_LANDMARKS,
    ControlVariate,
    FittedControlVariate,
    KernelControlVariate,
    fold_of_pairs,
)
from pellucid.estimation.designs import Stages
from pellucid.estimation.estimate import Array, background_error
from pellucid.estimation.pair_fits import RULES, PairFit, Played, fit_pairs
from pellucid.estimation.tree_control_variate import MOST_ROWS_TO_LEARN, TreeControlVariate
from pellucid.estimation.tree_learners import preferred_learner
from pellucid.games import GameLike
from pellucid.representation import Mixture

# Rows from which a control variate has something to learn from, and up to which "auto" thinks it cheap; likewise the
# multiplications of the kernel's values against all background rows, and rows times columns times outputs for trees.
FEWEST_ROWS = 150
MOST_ROWS = 150_000
MOST_WORK_FOR_VALUES = 4e9
MOST_WORK_FOR_TREES = 1e5
# From so many pairs on trees are thought of as well. They take no longer than a kernel then, and no trial foretells
# them: on 500 pairs they see nothing of a boosted model of which they take two fifths of the squares with 2,400. A
# small kernel on 1,000 pairs does foretell a full one. It takes 0.4 to 0.9 of the squares that the regression leaves
# for support vector machines; of models with steps, which trees follow better, it takes less.
FEWEST_PAIRS_FOR_TREES = 2000
TRIAL_PAIRS = 1000
TRIAL_LANDMARKS = 200
LEAST_GAIN = 0.2  # a tenth of the standard errors; a fit takes several times as long as the regression
NEARLY_ALL = 0.8  # of the squares, what is known beforehand takes: nothing is fitted
WELL = 0.4  # the kernel does: no trees
BESIDE_TREES = 0.5  # of what trees take, where a trial of the kernel takes more it is fitted, too
# Of the variance that a control variate takes, so much stays: its weight and width were chosen by the outputs it is
# judged by. Without it, intervals of very smooth models with many pairs are 7 % too short.
KEPT = 0.05
BEST_FACTOR = 0.4  # what a control variate leaves of the standard errors at best
ROUNDING = 1e-12  # share of the squares: what is left below it is no noise


def fit_reduced(
    stages: Stages,
    index: int,
    played: Played,
    *,
    game: GameLike,
    variate: tuple[ControlVariate, ...] | ControlVariate | AutoWith | str | None,
    precise: Callable[[PairFit, float], bool],
    last: bool,
) -> PairFit:
    """The regression of stage `index`, with a control variate where one is asked for, or "auto" finds that it pays.

    "auto" decides by counts and by what fits tell of pairs that they have not seen, never by a clock. What is precise
    enough without a control variate is left alone; before the last stage, so is what no control variate is likely to
    make so.
    `precise(fit, factor)` : whether the fit would be, with `factor` of its standard errors.
    """
    stage = stages[index]
    if variate is None:
        return fit_pairs(stage, played)
    mixture = _mixture_of(game)
    known = (variate.known,) if isinstance(variate, AutoWith) else ()
    if not isinstance(variate, (str, AutoWith)):
        if mixture is None:
            plain = fit_pairs(stage, played)
            return replace(plain, rule=f"{plain.rule}; no control variate, as coalitions are not rows of one table")
        return _fit_with(
            variate if isinstance(variate, tuple) else (variate,), _Job.of(stages, index, played, game, mixture)
        )
    if mixture is None or not FEWEST_ROWS <= len(played.outputs) <= MOST_ROWS:
        return fit_pairs(stage, played)
    # What is known beforehand are trees, which a smooth function seldom follows better.
    kernel = not known and _kernel_is_cheap(mixture, parts=stage.masks.shape[1])
    small = len(played.outputs) <= 2 * FEWEST_PAIRS_FOR_TREES
    trees = None if small else cheap_trees(played, columns=mixture.background.shape[1])
    asked_only = not small and trees is None and preferred_learner() is not None
    if not (kernel or trees or known):
        return _told(fit_pairs(stage, played), asked_only)
    plain = fit_pairs(stage, played)
    if precise(plain, 1.0) or not (last or precise(plain, BEST_FACTOR)):
        return plain
    job = _Job.of(stages, index, played, game, mixture, fit=plain.mixed)
    if job.fit.residual_squares.max() < ROUNDING:
        return plain
    if small:
        return _fit_with((KERNEL,) if kernel else known, job)
    by_known = _trial(job, known[0]) if known else 0.0
    if by_known >= NEARLY_ALL:
        return _fit_with(known, job)
    # Margins through a steep link tell as little as a kernel does; trees fitted to the probabilities take twice that.
    beside = known if by_known >= LEAST_GAIN else ()
    by_kernel = _trial(job, KernelControlVariate(landmarks=TRIAL_LANDMARKS)) if kernel else 0.0
    if trees is None or by_kernel >= WELL:
        gain = max(by_known, by_kernel)
        if gain < LEAST_GAIN:
            return _told(_explained_too_little(plain, "a trial"), asked_only)
        if not (last or precise(plain, math.sqrt(1.0 - gain))):
            return plain
        return _told(_fit_with((KERNEL,) if kernel else known, job), asked_only)
    reduction = _Reduction.by((*beside, trees), job)
    if by_kernel > max(LEAST_GAIN, BESIDE_TREES * reduction.gain):
        reduction = reduction.beside(KERNEL, job)
    return reduction.fit(job) if reduction.gain >= LEAST_GAIN else _explained_too_little(plain, "trees")


def _explained_too_little(plain: PairFit, what: str) -> PairFit:
    return replace(plain, rule=f"{plain.rule}; no control variate, as {what} explained too little")


def _told(fit: PairFit, asked_only: bool) -> PairFit:
    """With a word of trees, where they might serve but take seconds for each row."""
    return replace(fit, rule=f"{fit.rule}; control_variate='stack' fits trees as well") if asked_only else fit


def _kernel_is_cheap(mixture: Mixture, *, parts: int) -> bool:
    return len(mixture.background) * parts * min(parts / 2 + 1, 16) * MOST_LANDMARKS <= MOST_WORK_FOR_VALUES


def cheap_trees(played: Played, *, columns: int) -> TreeControlVariate | None:
    """By what is installed, imported or not, and by counts."""
    learner = preferred_learner()
    rows, outputs = played.outputs.shape
    work = min(rows, MOST_ROWS_TO_LEARN) * columns * outputs
    return None if learner is None or work > MOST_WORK_FOR_TREES else TreeControlVariate(learner)


@dataclass(frozen=True)
class _Job:
    """The mixed regression of everything played, its fit to the model itself, and the pairs by draw and size.

    Pairs are in an order that does not depend on how the design grew, so that a refined result has the bits of one
    that played as much at once.
    """

    mixed: Any
    contrasts: Array
    fit: Any
    order: NDArray[np.int64]
    played: Played
    game: GameLike
    mixture: Mixture
    seed: int

    @classmethod
    def of(
        cls, stages: Stages, index: int, played: Played, game: GameLike, mixture: Mixture, *, fit: Any = None
    ) -> _Job:
        """`fit` : that of the mixed regression to the model itself, where it was made already."""
        # A single draw has nothing to move with.
        contrasts = played.contrasts() if len(played.empty) > 1 else np.empty((1, 0))
        mixed = stages.mixed(index)
        if fit is None:
            fit = mixed.solve(played.targets, played.gaps, contrasts)
        return cls(mixed, contrasts, fit, mixed.order(), played, game, mixture, stages.seed)

    def solve(self, targets: Array, gaps: Array) -> Any:
        return self.mixed.solve(self._as_designed(targets), np.ascontiguousarray(gaps), self.contrasts)

    def residuals(self, targets: Array, gaps: Array) -> Array:
        """What is left of the targets at the shrinkage that the model itself called for."""
        left: Array = self.mixed.residuals(
            self._as_designed(targets), np.ascontiguousarray(gaps), self.contrasts, self.fit.shrinkage
        )
        return left[self.order]

    def _as_designed(self, targets: Array) -> Array:
        designed = np.empty_like(targets)
        designed[self.order] = targets
        return designed

    def pairs(self, some: NDArray[np.int64] | slice = slice(None)) -> PlayedPairs:
        """Some of the pairs with their rows, which are composed again rather than kept."""
        masks, draws = self.played.masks(), self.played.draws()
        of = self.order[some]
        both = np.stack([2 * of, 2 * of + 1], axis=1).ravel()
        return PlayedPairs(
            rows=self.game.rows(masks[both], draws[both]),  # type: ignore[attr-defined]
            outputs=np.ascontiguousarray(self.played.outputs[both]),
            masks=masks[2 * of],
            draws=draws[2 * of],
            weights=self.mixed.pair_weights()[of],
            x=self.mixture.x,
            full=self.played.full,
            background=self.mixture.background,
            empty=self.played.empty,
            part_of_column=self.mixture.part_of_column,
        )


@dataclass(frozen=True)
class _Reduction:
    """Control variates that were fitted to the pairs of a job, and what they take of them."""

    variates: tuple[ControlVariate, ...]
    fitted: tuple[FittedControlVariate, ...]
    pairs: PlayedPairs
    folds: NDArray[np.int64]
    adjusted: Adjusted

    @classmethod
    def by(cls, variates: tuple[ControlVariate, ...], job: _Job) -> _Reduction:
        pairs = job.pairs()
        folds = fold_of_pairs(len(pairs.draws), rows=len(pairs.rows), seed=job.seed)
        fitted = tuple(fit_to_pairs(variate, pairs, folds=folds, seed=job.seed) for variate in variates)
        return cls(variates, fitted, pairs, folds, adjust(pairs, fitted, folds=folds, residuals=job.residuals))

    @property
    def gain(self) -> float:
        """The share that goes from the squares of the residuals, of the output where it is most."""
        return float(self.adjusted.gain.max())

    def beside(self, other: ControlVariate, job: _Job) -> _Reduction:
        """With one more, which is the first."""
        fitted = (fit_to_pairs(other, self.pairs, folds=self.folds, seed=job.seed), *self.fitted)
        adjusted = adjust(self.pairs, fitted, folds=self.folds, residuals=job.residuals)
        return replace(self, variates=(other, *self.variates), fitted=fitted, adjusted=adjusted)

    def fit(self, job: _Job) -> PairFit:
        """Values with the control variates' own as a prior; the errors of the same pairs without it.

        The prior has seen the outputs of all pairs, which would make the errors a little too small.
        """
        adjusted, played = self.adjusted, job.played
        with_prior = job.solve(adjusted.targets - adjusted.line, played.gaps - adjusted.prior.sum(axis=1))
        without = job.solve(adjusted.fresh, played.gaps)
        taken = np.maximum(job.fit.variance - without.variance, 0.0)
        rule = RULES["mixed"] if len(played.empty) > 1 else "least squares"
        return PairFit(
            values=with_prior.values + np.einsum("b,bpk->pk", played.draw_weights, adjusted.prior),
            std_err=np.sqrt(without.variance + KEPT * taken),
            background_std_err=background_error(without.background_variance, played.draw_weights),
            rule=f"{rule} with a control variate ({described(self.variates)})",
            explained=adjusted.r2,
        )


def _fit_with(variates: tuple[ControlVariate, ...], job: _Job) -> PairFit:
    return _Reduction.by(variates, job).fit(job)


def _trial(job: _Job, variate: ControlVariate) -> float:
    """The share of the squares of the residuals that a fit to some of the pairs takes, where it is most."""
    from pellucid import _core

    some = np.sort(_core.random_permutations(job.seed, len(job.order), 1, 1)[0][:TRIAL_PAIRS])
    pairs = job.pairs(some)
    used, draws = np.unique(pairs.draws, return_inverse=True)
    pairs = replace(pairs, draws=draws.ravel(), background=pairs.background[used], empty=pairs.empty[used])
    folds = fold_of_pairs(len(some), rows=len(pairs.rows), seed=job.seed)
    left = job.residuals(job.played.targets[job.order], job.played.gaps)[some]
    _, noise, _ = noise_of(pairs, fit_to_pairs(variate, pairs, folds=folds, seed=job.seed), folds=folds)
    return float(stacking_weights(left, [noise], weights=pairs.weights)[1].max())


def _mixture_of(game: GameLike) -> Mixture | None:
    method = getattr(game, "mixture", None)
    return None if method is None else method()
