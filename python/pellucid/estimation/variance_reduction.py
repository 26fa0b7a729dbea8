"""A Shapley regression whose pairs a control variate has freed of noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.estimation.adjustment import PlayedPairs, adjust, fit_to_pairs, noise_of, stacking_weights
from pellucid.estimation.control_choice import KERNEL, described
from pellucid.estimation.control_variate import (
    MOST_LANDMARKS,
    ControlVariate,
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
MOST_WORK_FOR_TREES = 4e6
# From twice as many pairs on, a trial comes first: what a fit to some takes of the squares that the regression leaves
# foretells what a full one takes, at a third of the time and less. A kernel takes 0.4 to 0.9 for support vector
# machines, where the full fit leaves a third of the error; 0 to 0.2 for most boosted trees, where it leaves four fifths
# or all. There 50 trees on the same pairs foretell less than a full fit of many more takes: 0.1 to 0.6, where it leaves
# a fifth of the error. So they have to show that they see something, and more of it where the kernel does well.
FEWEST_PAIRS_FOR_TREES = 2000
TRIAL_PAIRS = 500
TRIAL_LANDMARKS = 100
TRIAL_TREES = 25
LEAST_GAIN = 0.05
LEAST_GAIN_OF_TREES = 0.02
WELL = 0.5  # the kernel does
SHARE_LEFT_BY_TREES = 0.85  # of what it leaves then
NEARLY_ALL = 0.8
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
    variate: tuple[ControlVariate, ...] | ControlVariate | str | None,
    precise: Callable[[PairFit, float], bool],
    last: bool,
) -> PairFit:
    """The regression of stage `index`, with a control variate where one is asked for, or "auto" finds that it pays.

    "auto" decides by counts and by how well a small trial fits, never by a clock. What is precise enough without a
    control variate is left alone; before the last stage, so is what no control variate is likely to make so.
    `precise(fit, factor)` : whether the fit would be, with `factor` of its standard errors.
    """
    stage = stages[index]
    if variate is None:
        return fit_pairs(stage, played)
    mixture = _mixture_of(game)
    if not isinstance(variate, str):
        if mixture is None:
            plain = fit_pairs(stage, played)
            return replace(plain, rule=f"{plain.rule}; no control variate, as coalitions are not rows of one table")
        return _fit_with(
            variate if isinstance(variate, tuple) else (variate,), _Job.of(stages, index, played, game, mixture)
        )
    if mixture is None or not FEWEST_ROWS <= len(played.outputs) <= MOST_ROWS:
        return fit_pairs(stage, played)
    kernel = _kernel_is_cheap(mixture, parts=stage.masks.shape[1])
    small = len(played.outputs) <= 2 * FEWEST_PAIRS_FOR_TREES
    trees = None if small else cheap_trees(played, columns=mixture.background.shape[1])
    if not (kernel or trees):
        return fit_pairs(stage, played)
    plain = fit_pairs(stage, played)
    if precise(plain, 1.0) or not (last or precise(plain, BEST_FACTOR)):
        return plain
    job = _Job.of(stages, index, played, game, mixture, fit=plain.mixed)
    if job.fit.residual_squares.max() < ROUNDING:
        return plain
    if small:
        return _fit_with((KERNEL,), job)
    chosen, gain = _trial(job, kernel=kernel, trees=trees)
    if gain < LEAST_GAIN:
        return replace(plain, rule=f"{plain.rule}; no control variate, as a trial explained too little")
    if not (last or precise(plain, math.sqrt(1.0 - gain))):
        return plain
    return _fit_with(chosen, job)


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


def _fit_with(variates: tuple[ControlVariate, ...], job: _Job) -> PairFit:
    """Values with the control variates' own as a prior; the errors of the same pairs without it.

    The prior has seen the outputs of all pairs, which would make the errors a little too small.
    """
    pairs, played = job.pairs(), job.played
    folds = fold_of_pairs(len(pairs.draws), rows=len(pairs.rows), seed=job.seed)
    fitted = [fit_to_pairs(variate, pairs, folds=folds, seed=job.seed) for variate in variates]
    adjusted = adjust(pairs, fitted, folds=folds, residuals=job.residuals)

    with_prior = job.solve(adjusted.targets - adjusted.line, played.gaps - adjusted.prior.sum(axis=1))
    without = job.solve(adjusted.fresh, played.gaps)
    taken = np.maximum(job.fit.variance - without.variance, 0.0)
    rule = RULES["mixed"] if len(played.empty) > 1 else "least squares"
    return PairFit(
        values=with_prior.values + np.einsum("b,bpk->pk", played.draw_weights, adjusted.prior),
        std_err=np.sqrt(without.variance + KEPT * taken),
        background_std_err=background_error(without.background_variance, played.draw_weights),
        rule=f"{rule} with a control variate ({described(variates)})",
        explained=adjusted.r2,
    )


def _trial(job: _Job, *, kernel: bool, trees: TreeControlVariate | None) -> tuple[tuple[ControlVariate, ...], float]:
    """What small fits to some of the pairs call for, and the share of the residuals that they explain.

    The share is that of the output where it is most.
    """
    from pellucid import _core

    some = np.sort(_core.random_permutations(job.seed, len(job.order), 1, 1)[0][:TRIAL_PAIRS])
    pairs = job.pairs(some)
    used, draws = np.unique(pairs.draws, return_inverse=True)
    pairs = replace(pairs, draws=draws.ravel(), background=pairs.background[used], empty=pairs.empty[used])
    folds = fold_of_pairs(len(some), rows=len(pairs.rows), seed=job.seed)
    left = job.residuals(job.played.targets[job.order], job.played.gaps)[some]

    def noise(variate: ControlVariate) -> Array:
        return noise_of(pairs, fit_to_pairs(variate, pairs, folds=folds, seed=job.seed), folds=folds)[1]

    def gain(*noises: Array) -> float:
        return float(stacking_weights(left, noises, weights=pairs.weights)[1].max())

    of_kernel = noise(KernelControlVariate(landmarks=TRIAL_LANDMARKS)) if kernel else np.zeros_like(left)
    by_kernel = gain(of_kernel)
    if trees is None or by_kernel >= NEARLY_ALL:
        return (KERNEL,), by_kernel
    of_trees = noise(trees.smaller(TRIAL_TREES))
    by_trees, by_both = gain(of_trees), gain(of_kernel, of_trees)
    most = SHARE_LEFT_BY_TREES * (1.0 - by_kernel) if by_kernel >= WELL else 1.0 - by_kernel - LEAST_GAIN_OF_TREES
    if 1.0 - by_both > most:
        return (KERNEL,), by_kernel
    return ((KERNEL, trees) if by_both > by_trees + LEAST_GAIN else (trees,)), by_both


def _mixture_of(game: GameLike) -> Mixture | None:
    method = getattr(game, "mixture", None)
    return None if method is None else method()
