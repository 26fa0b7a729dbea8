"""A Shapley regression whose pairs a control variate has freed of noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.estimation.adjustment import PlayedPairs, adjust, noise_of, stacking_weights
from pellucid.estimation.control_variate import (
    MOST_LANDMARKS,
    ControlVariate,
    KernelControlVariate,
    fold_of_pairs,
)
from pellucid.estimation.designs import MOST_WORK_FOR_SHRINKAGE, Stage, shrinkage_work
from pellucid.estimation.estimate import Array, background_error
from pellucid.estimation.pair_fits import RULES, PairFit, Played, fit_pairs
from pellucid.games import GameLike

# Rows from which a control variate has something to learn from, and up to which "auto" thinks it cheap; likewise the
# multiplications of its values against all background rows.
FEWEST_ROWS = 150
MOST_ROWS = 150_000
MOST_WORK_FOR_VALUES = 4e9
# The trial: rows and landmarks of a small fit, and the share of the residuals it must explain. On a larger fit of smooth
# models a tenth becomes a half; trees stay below it.
TRIAL_ROWS = 1000
TRIAL_LANDMARKS = 100
LEAST_GAIN = 0.1

KINDS: dict[str, ControlVariate] = {"kernel": KernelControlVariate()}


def checked_control_variate(choice: Any) -> ControlVariate | str | None:
    """ "auto", the name of a kind, an object of one's own, or None for none."""
    if choice is None or (isinstance(choice, str) and choice == "auto"):
        return choice
    if isinstance(choice, str):
        if choice not in KINDS:
            names = ", ".join(map(repr, ("auto", *KINDS)))
            raise InputError(f"control_variate must be one of {names}, or None, got {choice!r}")
        return KINDS[choice]
    if not callable(getattr(choice, "fit", None)):
        raise InputError(
            f"control_variate must be 'auto', 'kernel', None, or an object with fit(rows, outputs, folds=, seed=), "
            f"got {type(choice).__name__}"
        )
    found: ControlVariate = choice
    return found


def fit_reduced(
    stage: Stage,
    played: Played,
    *,
    game: GameLike,
    variate: ControlVariate | str | None,
    enough: Callable[[PairFit], bool],
    seed: int,
) -> PairFit:
    """The regression of the stage, with a control variate where one is asked for, or "auto" finds that it pays.

    "auto" decides by counts and by how well a small trial fits, never by a clock; what is precise `enough` without a
    control variate is left alone.
    """
    if variate is None:
        return fit_pairs(stage, played)
    mixture = _mixture_of(game)
    if not isinstance(variate, str):
        if mixture is None:
            return _without(stage, played, "no control variate, as coalitions are no rows of one table")
        return _fit_with(variate, _Regression.of(stage, played), played, game, mixture, seed=seed)
    if mixture is None or not _worth_a_trial(mixture, len(played.outputs), parts=stage.masks.shape[1]):
        return fit_pairs(stage, played)
    plain = fit_pairs(stage, played)
    if enough(plain):
        return plain
    regression = _Regression.of(stage, played)
    if _trial_gain(regression, played, game, mixture, seed=seed) < LEAST_GAIN:
        return replace(plain, rule=f"{plain.rule}; no control variate, as a trial explained too little")
    return _fit_with(KINDS["kernel"], regression, played, game, mixture, seed=seed)


def _worth_a_trial(mixture: Mixture, rows: int, *, parts: int) -> bool:
    work = len(mixture.background) * parts * min(parts / 2 + 1, 16) * MOST_LANDMARKS
    return FEWEST_ROWS <= rows <= MOST_ROWS and work <= MOST_WORK_FOR_VALUES


class Mixture(NamedTuple):
    """Rows that take every column from x (d,) or from a background row (B, d); the part of each column."""

    x: Array
    background: Array
    part_of_column: NDArray[np.int32]


class _Regression(NamedTuple):
    """The mixed regression of everything played, and its fit to the model itself."""

    mixed: Any
    contrasts: Array
    fit: Any

    @classmethod
    def of(cls, stage: Stage, played: Played) -> _Regression:
        from pellucid import _core

        draws, players = len(played.empty), len(stage.masks[0])
        # A single draw has nothing to move with.
        contrasts = played.contrasts() if draws > 1 else np.empty((1, 0))
        if stage.kind in ("mixed", "moving"):
            mixed = stage.regression
        else:
            shrink = draws > 1 and shrinkage_work(players, draws, stage.pairs) <= MOST_WORK_FOR_SHRINKAGE
            mixed = _core.MixedRegression(played.design, shrink)
        return cls(mixed, contrasts, mixed.solve(played.targets, played.gaps, contrasts))

    def solve(self, targets: Array, gaps: Array) -> Any:
        return self.mixed.solve(np.ascontiguousarray(targets), np.ascontiguousarray(gaps), self.contrasts)

    def residuals(self, targets: Array, gaps: Array) -> Array:
        """What is left of the targets at the shrinkage that the model itself called for."""
        left: Array = self.mixed.residuals(
            np.ascontiguousarray(targets), np.ascontiguousarray(gaps), self.contrasts, self.fit.shrinkage
        )
        return left


def _fit_with(
    variate: ControlVariate,
    regression: _Regression,
    played: Played,
    game: GameLike,
    mixture: Mixture,
    *,
    seed: int,
) -> PairFit:
    """Values with the control variate's own as a prior; the errors of the same pairs without it.

    The prior has seen the outputs of all pairs, which would make the errors a little too small.
    """
    pairs = _pairs(regression, played, game, mixture, slice(None))
    folds = fold_of_pairs(played.pairs, rows=len(played.outputs), seed=seed)
    fitted = variate.fit(pairs.rows, pairs.outputs, folds=np.repeat(folds, 2), seed=seed)
    adjusted = adjust(pairs, [fitted], folds=folds, residuals=regression.residuals)

    lines = np.stack(
        [np.sum(pairs.centred_masks() * prior[pairs.draws], axis=1) for prior in _by_output(adjusted.prior)]
    )
    with_prior = regression.solve(adjusted.targets - lines.T, played.gaps - adjusted.prior.sum(axis=1))
    without = regression.solve(adjusted.targets, played.gaps)
    values = with_prior.values + np.einsum("b,bpk->pk", played.draw_weights, adjusted.prior)
    rule = (RULES["mixed"] if len(played.empty) > 1 else "least squares") + " with a control variate"
    background = background_error(without.background_variance, played.draw_weights)
    return PairFit(values, np.sqrt(without.variance), background, rule)


def _trial_gain(regression: _Regression, played: Played, game: GameLike, mixture: Mixture, *, seed: int) -> float:
    """The share of the residuals that a small fit to some of the pairs explains, of the output where it is most."""
    some = slice(0, None, max(1, -(-2 * played.pairs // TRIAL_ROWS)))
    pairs = _pairs(regression, played, game, mixture, some)
    used, draws = np.unique(pairs.draws, return_inverse=True)
    pairs = replace(pairs, draws=draws.ravel(), background=pairs.background[used], empty=pairs.empty[used])
    folds = fold_of_pairs(len(pairs.draws), rows=len(pairs.rows), seed=seed)
    trial = KernelControlVariate(min(TRIAL_LANDMARKS, max(1, len(pairs.rows) // 8)))
    fitted = trial.fit(pairs.rows, pairs.outputs, folds=np.repeat(folds, 2), seed=seed)
    _, noise, _ = noise_of(pairs, fitted, folds=folds)
    left = regression.residuals(played.targets, played.gaps)[some]
    return float(stacking_weights(left, [noise], weights=pairs.weights)[1].max())


def _pairs(regression: _Regression, played: Played, game: GameLike, mixture: Mixture, some: slice) -> PlayedPairs:
    """Some of the pairs with their rows, which are composed again rather than kept."""
    masks, draws = played.masks(), played.draws()
    smaller = np.arange(played.pairs)[some]
    both = np.stack([2 * smaller, 2 * smaller + 1], axis=1).ravel()
    return PlayedPairs(
        rows=game.rows(masks[both], draws[both]),  # type: ignore[attr-defined]
        outputs=np.ascontiguousarray(played.outputs[both]),
        masks=masks[2 * smaller],
        draws=draws[2 * smaller],
        weights=regression.mixed.pair_weights()[smaller],
        x=mixture.x,
        full=played.full,
        background=mixture.background,
        empty=played.empty,
        part_of_column=mixture.part_of_column,
    )


def _by_output(prior: Array) -> list[Array]:
    """(B, p) for each output of (B, p, k)."""
    return [np.ascontiguousarray(prior[:, :, o]) for o in range(prior.shape[2])]


def _mixture_of(game: GameLike) -> Mixture | None:
    method = getattr(game, "mixture", None)
    found = None if method is None else method()
    return None if found is None else Mixture(*found)


def _without(stage: Stage, played: Played, why: str) -> PairFit:
    fit = fit_pairs(stage, played)
    return replace(fit, rule=f"{fit.rule}; {why}")
