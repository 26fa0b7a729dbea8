"""Surrogate columns: uncorrelated with the parts under the law, and worth their rows."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from pellucid.estimation.mask_design import MaskDesign
from pellucid.estimation.size_law import SizeLaw
from pellucid.estimation.surrogate_columns import FOLDS, fold_starts, mask_bank, surrogate_columns
from reference.mask_laws import ridge

P = 20
LAW = SizeLaw.exponential(P, base="uniform_size")


def smooth(Z):
    logits = Z @ np.linspace(-1.5, 1.5, P) + 2.0 * Z[:, 0] * Z[:, 1] + 1.5 * Z[:, 18] * Z[:, 19] - 1.0
    return 1 / (1 + np.exp(-np.column_stack([logits, -0.7 * logits])))


def sampled(seed, budget=1024):
    design = MaskDesign(LAW, seed=seed, budget=budget)
    values = None
    while (masks := design.next(values)) is not None:
        values = smooth(masks) if values is None else np.concatenate([values, smooth(masks)])
    return design, values


def columns_of(design, values, seed=0):
    return surrogate_columns(design.masks, values, weights=design.weights, law=LAW, pairs=design.pairs, seed=seed)


def slopes(design, values, columns=None):
    X = design.masks if columns is None else np.column_stack([design.masks, columns])
    return ridge(X, values[:, 0], design.weights, 0.0)[1 : P + 1]


def test_columns_have_no_moments_with_the_parts():
    """E[h (1, z)] = 0, checked on many masks the surrogates have not seen, within 5 standard errors."""
    design, values = sampled(0)
    columns = columns_of(design, values)
    assert columns.shape == (1024, 2, 2)
    X = np.column_stack([np.ones(1024), design.masks]) * design.weights[:, None]
    for e in range(2):
        h = columns[:, e]
        moments, errors = X.T @ h, np.sqrt((X**2).T @ h**2)
        assert np.abs(moments / errors).max() < 5
        assert (h.std(axis=0) > 0.01).all()


def test_variance_falls_and_the_limit_stays():
    truth_design, truth_values = sampled(10_000, budget=100_000)
    truth = slopes(truth_design, truth_values)
    plain, helped = [], []
    for seed in range(8):
        design, values = sampled(seed)
        columns = columns_of(design, values)
        plain.append(slopes(design, values) - truth)
        helped.append(slopes(design, values, columns[:, :, 0]) - truth)
    ratio = np.mean(np.square(plain)) / np.mean(np.square(helped))
    assert ratio > 2.0
    bias, error = np.mean(helped, axis=0), np.std(helped, axis=0, ddof=1) / np.sqrt(8)
    assert (np.abs(bias) < 6 * error + 1e-3).all()


def test_few_rows_and_constant_outputs_have_none():
    design, values = sampled(0, budget=998)
    assert columns_of(design, values).shape == (998, 0, 2)
    design, values = sampled(0)
    assert columns_of(design, np.full_like(values, 0.3)).shape == (1024, 0, 2)
    mixed = values.copy()
    mixed[:, 0] = 0.3
    columns = columns_of(design, mixed)
    assert not columns[:, :, 0].any()
    np.testing.assert_array_equal(columns[:, :, 1], columns_of(design, values)[:, :, 1])


def test_curves_are_for_outputs_within_zero_and_one():
    design, values = sampled(0)
    both, trees = columns_of(design, values), columns_of(design, values * 3.0)
    assert both.shape[1] == 2
    assert trees.shape[1] == 1
    # 3 scales every sum but for its rounding, so that splits that are close may fall otherwise.
    assert np.corrcoef(trees[:, 0, 0], both[:, 1, 0])[0, 1] > 0.99


def test_the_seed_names_the_bank_only():
    design, values = sampled(0)
    one, again, other = (columns_of(design, values, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(one[:, 1], other[:, 1])
    assert 0 < np.abs(one[:, 0] - other[:, 0]).max() < 0.02


@pytest.mark.parametrize("rows", [1000, 1002, 1111])
@pytest.mark.parametrize("pairs", [False, True])
def test_folds_are_blocks_of_whole_pairs(rows, pairs):
    starts = fold_starts(rows, pairs=pairs)
    lengths = np.diff(starts)
    assert len(lengths) == FOLDS
    assert starts[0] == 0
    assert starts[-1] == rows
    assert lengths.max() - lengths.min() <= 2 + pairs
    assert not pairs or (starts[:-1] % 2 == 0).all()


def test_the_bank_is_all_masks_where_they_are_few():
    masks, weights = mask_bank(SizeLaw.exponential(10), seed=0)
    assert len(masks) == 1024
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)
    masks, weights = mask_bank(LAW, seed=0)
    assert len(masks) == 60_000
    counts = np.bincount(P - masks.sum(axis=1, dtype=int), minlength=P + 1)
    assert np.abs(counts - 60_000 * LAW.target).max() < 8


def test_rows_that_do_not_agree():
    masks = _core.sized_masks(0, 0, LAW.half, 0, 1000, False)
    with pytest.raises(InputError, match="row for each"):
        surrogate_columns(masks, np.ones((999, 1)), weights=np.ones(1000), law=LAW, pairs=False, seed=0)
