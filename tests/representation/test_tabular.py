"""Rows of a table as parts: weights, composing, contrasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pellucid.errors import InputError
from pellucid.representation import Representation, Tabular
from pellucid.space import Space

BACKGROUND = np.array([[0.0, 10.0, 5.0], [1.0, 20.0, 5.0], [2.0, 60.0, 5.0]])
X = np.array([7.0, 30.0, 5.0])


def naive_rows(x, background, part_of_column, masks, draws):
    rows = background[draws].copy()
    for i, mask in enumerate(masks):
        for j, part in enumerate(part_of_column):
            if mask[part]:
                rows[i, j] = x[j]
    return rows


def test_it_is_a_representation():
    assert isinstance(Tabular(X, BACKGROUND), Representation)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([1, -1, 1], "at least 0, got -1.0 at row 1"),
        ([1, np.nan, 1], "finite and at least 0, got nan at row 1"),
        ([1, np.inf, 1], "got inf at row 1"),
        ([0, 0, 0], "all 0"),
        ([1, 1], r"shape \(3,\), one per background row, got \(2,\)"),
        ([[1], [1], [1]], r"got \(3, 1\)"),
        (["a", "b", "c"], "must be numbers"),
    ],
)
def test_weights_that_are_none_are_refused(weights, sentence):
    with pytest.raises(InputError, match=f"background_weights.*{sentence}"):
        Tabular(X, BACKGROUND, weights=weights)


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e307])
def test_weights_are_normalised_at_any_scale(scale):
    rows = Tabular(X, BACKGROUND, weights=np.array([3.0, 1.0, 0.0]) * scale)
    np.testing.assert_allclose(rows.weights, [0.75, 0.25, 0.0], rtol=1e-12)
    assert Tabular(X, BACKGROUND).weights.tolist() == [1 / 3] * 3


@pytest.mark.parametrize(
    ("x", "background", "sentence"),
    [
        (X, BACKGROUND[0], "background must be 2-D"),
        (X, BACKGROUND[:0], "background has no rows"),
        (X[:2], BACKGROUND, r"x must have shape \(3,\).*got \(2,\)"),
        (X[None], BACKGROUND, r"got \(1, 3\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(x, background, sentence):
    with pytest.raises(InputError, match=sentence):
        Tabular(x, background)


def test_a_space_of_other_features_is_refused():
    with pytest.raises(InputError, match="space has 2 features, but x has 3"):
        Tabular(X, BACKGROUND, space=Space.infer(BACKGROUND[:, :2]))


@pytest.mark.parametrize("groups", [None, {"pair": ["x0", "x2"]}])
def test_compose_is_its_formula(groups):
    space = Space.infer(BACKGROUND, groups=groups)
    rows = Tabular(X, BACKGROUND, space=space)
    rng = np.random.default_rng(0)
    masks = rng.random((20, len(rows.parts))) < 0.5
    draws = rng.integers(0, 3, size=20)
    expected = naive_rows(X, BACKGROUND, space.part_of_column, masks, draws)
    np.testing.assert_array_equal(rows.compose(masks, draws), expected)
    np.testing.assert_array_equal(rows.compose(masks.astype(np.uint8), draws), expected)
    np.testing.assert_array_equal(rows.compose(np.asfortranarray(masks), draws.astype(np.int32)), expected)


def test_a_grid_is_mask_by_mask():
    rows = Tabular(X, BACKGROUND)
    masks = np.array([[1, 0, 0], [0, 1, 1]], dtype=np.uint8)
    grid = rows.compose_grid(masks, first=1, count=2)
    np.testing.assert_array_equal(grid, rows.compose(masks[[0, 0, 1, 1]], np.array([1, 2, 1, 2])))
    with pytest.raises(InputError, match="not within 0 to 2"):
        rows.compose_grid(masks, first=2, count=2)


def test_rows_go_into_the_buffer_given():
    rows = Tabular(X, BACKGROUND)
    buffer = np.full((5, 3), -1.0)
    composed = rows.compose(np.ones((2, 3), dtype=bool), np.zeros(2, dtype=int), out=buffer)
    assert np.shares_memory(composed, buffer)
    assert composed.shape == (2, 3)
    np.testing.assert_array_equal(buffer[:2], [X, X])
    assert (buffer[2:] == -1).all()


@pytest.mark.parametrize(
    "out",
    [np.empty((1, 3)), np.empty((2, 4)), np.empty((3, 2)).T, np.empty((2, 3), np.float32), [[0.0] * 3] * 2],
)
def test_a_buffer_that_does_not_fit_is_refused(out):
    with pytest.raises(InputError, match=r"out must be a C-contiguous float64 array of at least shape \(2, 3\)"):
        Tabular(X, BACKGROUND).compose(np.ones((2, 3), dtype=bool), np.zeros(2, dtype=int), out=out)


@pytest.mark.parametrize(
    ("masks", "draws", "sentence"),
    [
        (np.ones((2, 2), bool), [0, 0], r"masks must have shape \(masks, 3\).*got \(2, 2\)"),
        (np.ones(3, bool), [0], r"got \(3,\)"),
        (np.ones((2, 3)), [0, 0], r"bool or uint8, got float64"),
        (np.full((2, 3), 2, np.uint8), [0, 0], "0 and 1 only, got values 2 to 2"),
        (np.ones((2, 3), bool), [0], r"draws must have shape \(2,\)"),
        (np.ones((2, 3), bool), [0, 3], "draws must be from 0 to 2, got 0 to 3"),
        (np.ones((2, 3), bool), [-1, 0], "draws must be from 0 to 2"),
        (np.ones((2, 3), bool), [0.0, 1.0], "draws must be integers"),
    ],
)
def test_masks_and_draws_that_do_not_fit_are_refused(masks, draws, sentence):
    with pytest.raises(InputError, match=sentence):
        Tabular(X, BACKGROUND).compose(masks, np.array(draws))


def test_the_inputs_are_copied():
    x, background = X.copy(), BACKGROUND.copy()
    rows = Tabular(x, background)
    x[:], background[:] = -1, -1
    assert rows.compose(np.zeros((1, 3), bool), np.zeros(1, int)).tolist() == [BACKGROUND[0].tolist()]


# --- contrasts -------------------------------------------------------------------------------------------


def test_numeric_parts_are_standardised_and_a_constant_is_zero():
    contrasts = Tabular(X, BACKGROUND).contrasts()
    expected = (X - BACKGROUND)[:, :2] / BACKGROUND[:, :2].std(axis=0)
    np.testing.assert_allclose(contrasts[:, :2], expected, rtol=1e-14)
    assert contrasts[:, 2].tolist() == [0.0] * 3


def test_a_constant_that_rounds_is_zero_too():
    assert Tabular([1.0], np.full((10, 1), 0.1)).contrasts().tolist() == [[0.0]] * 10


def test_weights_enter_the_standard_deviation():
    weighted = Tabular(X, BACKGROUND, weights=[2, 1, 1]).contrasts()
    doubled = Tabular(X, BACKGROUND[[0, 0, 1, 2]]).contrasts()
    np.testing.assert_allclose(weighted, doubled[1:], rtol=1e-14)


def test_categories_and_groups_differ_or_not():
    frame = pd.DataFrame(
        {
            "city": ["Rome", "Oslo", "Rome"],
            "member": [True, True, False],
            "a": [1.0, 2.0, 1.0],
            "b": [3.0, 3.0, 9.0],
        }
    )
    space = Space.infer(frame, groups={"ab": ["a", "b"]})
    codes = space.encode(frame)
    contrasts = Tabular(codes[0], codes, space=space).contrasts()
    assert space.parts == ("city", "member", "ab")
    assert contrasts.tolist() == [[0.0, 0.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("x", "expected"), [(np.nan, [1.0, 0.0, 1.0]), (4.0, [(4.0 - 1.0) / 1.0, 1.0, (4.0 - 3.0) / 1.0])]
)
def test_a_missing_value_differs_from_a_known_one(x, expected):
    background = np.array([[1.0], [np.nan], [3.0]])
    space = Space.infer(background)
    np.testing.assert_allclose(Tabular([x], background, space=space).contrasts()[:, 0], expected)
