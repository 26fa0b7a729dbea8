"""Control variates: what is subtracted from pairs has Shapley value zero, and helps where the model is smooth."""

from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np
import pytest
import reference.adjustment as twin
from pellucid import _core
from pellucid.errors import InputError
from pellucid.estimation.adjustment import PlayedPairs, adjust, balanced_noise, fit_to_pairs, noise_of, stacking_weights
from pellucid.estimation.control_variate import KernelControlVariate, fold_of_pairs
from reference.kernel_values import enumerated


def smooth(rows):
    return np.column_stack([np.sin(0.4 * rows.sum(axis=1)), np.exp(-0.1 * (rows**2).sum(axis=1))])


def played(model=smooth, d=6, B=4, part=None, seed=0, agree=True, keep=None):
    """Every pair of the parts that differ, with the weights of complete enumeration; `keep` of them at random."""
    rng = np.random.default_rng(seed)
    x, background = rng.normal(size=d), rng.normal(size=(B, d))
    part = np.arange(d) if part is None else np.asarray(part)
    p = part.max() + 1
    if agree:
        background[0, part == 1] = x[part == 1]
    masks, draws, weights = [], [], []
    for b in range(B):
        E = [i for i in range(p) if (background[b] != x)[part == i].any()]
        n = len(E)
        for size in range(1, n // 2 + 1):
            for S in combinations(E, size):
                if 2 * size == n and E[0] not in S:
                    continue
                masks.append(np.isin(np.arange(p), S))
                draws.append(b)
                weights.append(n * (1 if 2 * size == n else 2) / (size * (n - size)) / comb(n, size))
                weights[-1] *= 2 if 2 * size == n else 1
    masks, draws = np.array(masks), np.array(draws)
    at = np.arange(len(draws)) if keep is None else np.sort(rng.permutation(len(draws))[:keep])
    masks, draws, weights = masks[at], draws[at], np.array(weights)[at]
    inside = masks[:, part]
    rows = np.empty((2 * len(draws), d))
    rows[0::2], rows[1::2] = np.where(inside, x, background[draws]), np.where(inside, background[draws], x)
    return PlayedPairs(
        rows=rows,
        outputs=model(rows),
        masks=masks,
        draws=draws,
        weights=weights,
        x=x,
        full=model(x[None])[0],
        background=background,
        empty=model(background),
        part_of_column=part.astype(np.int32),
    )


def fitted_to(pairs, landmarks=30, seed=0):
    folds = fold_of_pairs(len(pairs.draws), rows=len(pairs.rows), seed=seed)
    return fit_to_pairs(KernelControlVariate(landmarks=landmarks), pairs, folds=folds, seed=seed), folds


def values_of(u, y, gaps, draws, weights):
    """Regression for each draw by itself: (B, p, k)."""
    values = np.zeros((len(gaps), u.shape[1], y.shape[1]))
    for b in range(len(gaps)):
        of = draws == b
        E = (u[of] != 0).any(axis=0)
        U = u[of][:, E]
        n = E.sum()
        centred = U - U.mean(axis=1, keepdims=True)
        root = np.sqrt(weights[of])[:, None]
        target = y[of] - U.sum(axis=1, keepdims=True) * gaps[b] / n
        values[b, E] = gaps[b] / n + np.linalg.lstsq(centred * root, target * root, rcond=None)[0]
    return values


def residuals_of(pairs):
    u = pairs.centred_masks()

    def residuals(targets, gaps):
        values = values_of(u, targets, gaps, pairs.draws, pairs.weights)
        return targets - np.einsum("mp,mpk->mk", u, values[pairs.draws])

    return residuals


@pytest.mark.parametrize("part", [None, [0, 1, 2, 0, 3, 1, 4]])
def test_of_all_pairs_the_values_stay_exact_whatever_is_subtracted(part):
    pairs = played(part=part, d=6 if part is None else 7)
    fit, folds = fitted_to(pairs)
    adjusted = adjust(pairs, [fit], folds=folds)
    assert (adjusted.weights > 0.5).all()
    u = pairs.centred_masks()
    lines = np.einsum("mp,mpk->mk", u, adjusted.prior[pairs.draws])
    gaps = pairs.gaps - adjusted.prior.sum(axis=1)

    def off(targets):
        values = values_of(u, targets - lines, gaps, pairs.draws, pairs.weights) + adjusted.prior
        each = [
            values[b] - enumerated(lambda row: smooth(row[None])[0], pairs.x, background, pairs.part_of_column)
            for b, background in enumerate(pairs.background)
        ]
        return np.abs(each).max()

    assert off(adjusted.targets) < 1e-9
    assert off(adjusted.fresh) > 1e-5  # every pair by another function: their noise does not add up to zero


def by_hand(pairs, fit, folds):
    """h of every fold's function for all pairs, (folds, m, k), its values, and odd parts by the own one."""
    phi = fit.values(pairs.x, pairs.background, part_of_column=pairs.part_of_column, parts=pairs.masks.shape[1])
    differs = np.array(
        [
            [(pairs.x != b)[pairs.part_of_column == i].any() for i in range(pairs.masks.shape[1])]
            for b in pairs.background
        ]
    )
    noises, odds = [], []
    for fold in range(len(phi)):
        all_of = np.full(len(folds), fold)
        predicted = fit.evaluate(pairs.rows, folds=np.repeat(all_of, 2))
        odds.append((predicted[0::2] - predicted[1::2]) / 2)
        noises.append(twin.noise(odds[-1], pairs.masks, differs, phi, all_of, pairs.draws))
    return np.array(noises), phi, np.array(odds)[folds, np.arange(len(folds))], differs


@pytest.mark.parametrize("keep", [None, 60])
def test_against_the_twin(keep):
    pairs = played(part=[0, 1, 2, 0, 3, 1, 4], d=7, keep=keep)
    fit, folds = fitted_to(pairs)
    adjusted = adjust(pairs, [fit], folds=folds)
    noises, phi, odd, differs = by_hand(pairs, fit, folds)
    assert not differs.all()
    share = np.empty(len(folds))
    for i, b in enumerate(pairs.draws):
        n, size = differs[b].sum(), min(pairs.masks[i].sum(), (differs[b] & ~pairs.masks[i]).sum())
        sizes = np.minimum(pairs.masks.sum(axis=1), (differs[pairs.draws] & ~pairs.masks).sum(axis=1))
        share[i] = (sizes[pairs.draws == b] == size).sum() / (comb(n, size) / (2 if 2 * size == n else 1))
    np.testing.assert_allclose(pairs.shares(), share, rtol=1e-15)
    h = twin.balanced(noises, folds, share)
    np.testing.assert_allclose(adjusted.targets, pairs.targets - adjusted.weights[0] * h, rtol=0, atol=1e-12)
    np.testing.assert_allclose(adjusted.prior, adjusted.weights[0] * phi.mean(axis=0), rtol=0, atol=1e-12)
    left = pairs.targets - adjusted.weights[0] * odd
    squares = pairs.weights @ pairs.targets**2
    np.testing.assert_allclose(adjusted.r2, 1 - (pairs.weights @ left**2) / squares, rtol=1e-9)
    assert np.isnan(adjusted.gain).all()
    for fold in range(5):  # the weights of its errors do not count a pair
        inside = folds == fold
        w = pairs.weights[~inside]
        a = (w @ (pairs.targets * odd)[~inside]) / (w @ odd[~inside] ** 2)
        expected = (pairs.targets - a * noises[fold])[inside]
        np.testing.assert_allclose(adjusted.fresh[inside], expected, rtol=0, atol=1e-12)


class Memory:
    """Knows the outputs it has seen by heart, and nothing of any other row: its values by enumeration."""

    def __init__(self, pairs, all_pairs, folds):
        self.known = [
            {
                row.tobytes(): v
                for row, v, f in zip(pairs.rows, pairs.outputs, np.repeat(folds, 2), strict=True)
                if f != g
            }
            for g in range(int(folds.max()) + 1)
        ]
        self.all = all_pairs

    def evaluate(self, rows, *, folds):
        return np.array([self.known[f].get(row.tobytes(), np.zeros(1)) for row, f in zip(rows, folds, strict=True)])

    def values(self, x, background, *, part_of_column, parts):
        found = []
        for fold in range(len(self.known)):
            said = self.evaluate(self.all.rows, folds=np.full(len(self.all.rows), fold))
            odd = (said[0::2] - said[1::2]) / 2
            gaps = np.zeros((len(background), 1))
            found.append(values_of(self.all.centred_masks(), odd, gaps, self.all.draws, self.all.weights))
        return np.array(found)


def test_what_is_only_remembered_changes_nothing():
    """Of pairs drawn without replacement and a function that knows its own: it must not count what it knows twice."""
    everything = played(lambda rows: np.random.default_rng(5).normal(size=(len(rows), 1)), d=6, B=1, agree=False)
    everything = replace(everything, full=np.zeros(1), empty=np.zeros((1, 1)))
    u, w = everything.centred_masks(), everything.weights
    centred = u - u.mean(axis=1, keepdims=True)
    truth = np.einsum("m,mp,m->p", w, centred, everything.targets[:, 0])
    size = np.minimum(everything.masks.sum(axis=1), 6 - everything.masks.sum(axis=1))
    off = {"without": [], "balanced": [], "fresh": []}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        at = np.sort(
            np.concatenate(
                [rng.permutation(np.flatnonzero(size == s))[:k] for s, k in zip((1, 2, 3), (6, 9, 6), strict=True)]
            )
        )
        both = np.stack([2 * at, 2 * at + 1], axis=1).ravel()
        pairs = replace(
            everything,
            rows=everything.rows[both],
            outputs=everything.outputs[both],
            masks=everything.masks[at],
            draws=everything.draws[at],
            weights=w[at],
        )
        folds = fold_of_pairs(len(at), rows=len(both), seed=seed)
        memory = Memory(pairs, everything, folds)
        _, h, phi = noise_of(pairs, memory, folds=folds)
        for name, noise in (
            ("without", 0.0 * h),
            ("balanced", balanced_noise(pairs, memory, h, phi, folds=folds)),
            ("fresh", h),
        ):
            values = np.einsum("m,mp,m->p", w[at] / pairs.shares(), centred[at], (pairs.targets - noise)[:, 0])
            off[name].append(values - truth)
    rms = {name: np.sqrt(np.mean(np.square(errors))) for name, errors in off.items()}
    assert 0.9 < rms["balanced"] / rms["without"] < 1.2, rms  # folds are not even within a size
    assert rms["fresh"] > 1.3 * rms["without"], rms


def test_folds_do_not_see_their_own_pairs():
    """Noise in the outputs is not learnt: what a fit without the pair says of it explains nothing."""
    rng = np.random.default_rng(0)
    pairs = played(d=8, B=6)
    pairs = replace(pairs, outputs=rng.normal(size=pairs.outputs.shape), full=np.zeros(2), empty=np.zeros((6, 2)))
    fit, folds = fitted_to(pairs, landmarks=60)
    assert (adjust(pairs, [fit], folds=folds).r2 < 0.05).all()


def test_a_smooth_model_is_explained_with_less_noise():
    errors = {False: 0.0, True: 0.0}
    for seed in range(6):
        pairs = played(d=8, B=5, seed=seed, agree=False, keep=320)
        fit, folds = fitted_to(pairs, landmarks=120, seed=seed)
        u = pairs.centred_masks()
        coalitions = _core.all_coalitions(8, 0, 256).view(bool)
        game = np.mean([smooth(np.where(coalitions, pairs.x, b)) for b in pairs.background], axis=0)
        exact = _core.exact_shapley(game, 8)
        for with_it in errors:
            targets, gaps, prior = pairs.targets, pairs.gaps, np.zeros((5, 8, 2))
            if with_it:
                adjusted = adjust(pairs, [fit], folds=folds)
                prior = adjusted.prior
                targets = adjusted.targets - np.einsum("mp,mpk->mk", u, prior[pairs.draws])
                gaps = gaps - prior.sum(axis=1)
            values = values_of(u, targets, gaps, pairs.draws, pairs.weights) + prior
            errors[with_it] += np.sum((values.mean(axis=0) - exact) ** 2)
    assert errors[True] < 0.5 * errors[False], errors


def test_weights_count_what_the_regression_leaves():
    """A model that is linear up to noise: the regression has it, so the control variate earns no weight by it."""
    rng = np.random.default_rng(1)
    pairs = played(lambda rows: rows[:, :1] * 3 + rng.normal(size=(len(rows), 1)), d=8, B=5, agree=False)
    fit, folds = fitted_to(pairs)
    residuals = residuals_of(pairs)
    plain, aware = adjust(pairs, [fit], folds=folds), adjust(pairs, [fit], folds=folds, residuals=residuals)
    assert plain.weights[0, 0] > 0.8
    assert aware.weights[0, 0] < 0.3
    assert 0.0 <= aware.gain[0] < 0.05
    np.testing.assert_array_equal(aware.prior_weights, plain.weights)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_stacking_weights_are_the_non_negative_minimum(count):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        H, w = rng.normal(size=(count, 40)), rng.exponential(size=40)
        g = 0.3 * H.sum(axis=0) - 0.5 * H[0] + 0.3 * rng.normal(size=40)
        a, r2 = stacking_weights(g[:, None], list(H[:, :, None]), weights=w)
        np.testing.assert_allclose(a[:, 0], twin.non_negative(H.T, g, w), rtol=0, atol=1e-4)
        assert (a >= 0).all()
        np.testing.assert_allclose(r2[0], 1 - w @ (g - a[:, 0] @ H) ** 2 / (w @ g**2), atol=1e-12)


def test_stacking_weights_of_what_is_degenerate():
    g, ones = np.arange(5.0)[:, None], np.ones(5)
    a, r2 = stacking_weights(g, [g, g], weights=ones)  # twice the same
    np.testing.assert_allclose(a.sum(), 1.0)
    np.testing.assert_allclose(r2, 1.0)
    np.testing.assert_array_equal(stacking_weights(g, [0 * g], weights=ones)[0], 0.0)
    a, r2 = stacking_weights(0 * g, [g], weights=ones)
    assert a[0, 0] == r2[0] == 0.0
    assert stacking_weights(10 * g, [g], weights=ones)[0][0, 0] == 1.3


@pytest.mark.parametrize(("pairs", "rows", "folds"), [(2, 4, 2), (3, 6, 3), (57, 114, 5), (3000, 6000, 3)])
def test_folds_are_even_and_random(pairs, rows, folds):
    fold = fold_of_pairs(pairs, rows=rows, seed=3)
    counts = np.bincount(fold)
    assert len(counts) == folds
    assert counts.max() - counts.min() <= 1
    np.testing.assert_array_equal(fold, fold_of_pairs(pairs, rows=rows, seed=3))
    if pairs > 50:
        assert not np.array_equal(fold, fold_of_pairs(pairs, rows=rows, seed=4))


def test_same_bits_for_any_number_of_threads():
    pairs, found = played(d=8, B=6), set()
    for threads in (1, 3):
        _core.set_thread_count(threads)
        fit, folds = fitted_to(pairs)
        adjusted = adjust(pairs, [fit], folds=folds)
        found.add(adjusted.targets.tobytes() + adjusted.prior.tobytes())
    _core.set_thread_count(0)
    assert len(found) == 1


def test_what_does_not_fit_is_refused():
    pairs = played()
    fit, folds = fitted_to(pairs)
    with pytest.raises(InputError, match="1 to 4 control variates, got 0"):
        adjust(pairs, [], folds=folds)
    with pytest.raises(InputError, match="1 to 4 control variates, got 5"):
        adjust(pairs, [fit] * 5, folds=folds)
    with pytest.raises(InputError, match="one for each pair"):
        adjust(pairs, [fit], folds=folds[1:])
    with pytest.raises(InputError, match="at least 2"):
        fold_of_pairs(1, rows=2, seed=0)
    with pytest.raises(InputError, match="columns"):
        fit.evaluate(pairs.rows[:, 1:], folds=np.repeat(folds, 2))
