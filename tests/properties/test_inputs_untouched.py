"""What the user hands over is never written, and its memory layout does not change the answer."""

from __future__ import annotations

import numpy as np
import pytest
from properties.laws import WEIGHTS, X, background_of, bits, interacting
from properties.registry import EVERY

over_methods = pytest.mark.parametrize("method", EVERY, ids=str)

# Values that float32 holds, so that this layout too is the same data.
ROWS = X.astype(np.float32).astype(np.float64)


def strided(array):
    wide = np.full((2 * array.shape[0], 2 * array.shape[1]), np.nan)
    wide[::2, ::2] = array
    return wide[::2, ::2]


def read_only(array):
    copy = array.copy()
    copy.setflags(write=False)
    return copy


LAYOUTS = {
    "read-only": read_only,
    "Fortran": np.asfortranarray,
    "strided": strided,
    "reversed": lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
    "float32": lambda array: array.astype(np.float32),
    "list": lambda array: array.tolist(),
}


@over_methods
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_layouts_give_the_same(method, layout):
    background = background_of(method).astype(np.float32).astype(np.float64)
    weights = WEIGHTS[: len(background)]

    plain = method.explain(interacting, ROWS, background, background_weights=weights)
    other = method.explain(interacting, layout(ROWS), layout(background), background_weights=list(weights))

    # The container of the background is that of the rows the model gets: only a float32 array changes their dtype.
    if layout is LAYOUTS["float32"]:
        np.testing.assert_allclose(other.values, plain.values, rtol=0, atol=1e-4)
    else:
        assert bits(other) == bits(plain)


@over_methods
def test_nothing_of_the_user_is_written(method):
    def greedy(rows):
        """A model that works in place on what it is given."""
        result = interacting(rows)
        rows *= np.nan
        return result

    background, rows, weights = background_of(method), X.copy(), WEIGHTS[: method.background_rows].copy()
    before = [background.copy(), rows.copy(), weights.copy()]

    greedy_result = method.explain(greedy, rows, background, background_weights=weights)

    for array, copy in zip([background, rows, weights], before, strict=True):
        np.testing.assert_array_equal(array, copy)
    plain = method.explain(interacting, rows, background, background_weights=weights)
    assert bits(greedy_result) == bits(plain)


@over_methods
def test_a_model_may_keep_the_rows_it_was_given(method):
    kept = []

    def hoarder(rows):
        kept.append((rows, rows.copy()))
        return interacting(rows)

    method.explain(hoarder, X, background_of(method), batch_bytes=700)

    for rows, copy in kept:
        np.testing.assert_array_equal(rows, copy)


@over_methods
def test_a_model_may_fill_the_same_array_each_time(method):
    buffer = np.empty(100_000)

    def reuser(rows):
        buffer[: len(rows)] = interacting(rows)
        return buffer[: len(rows)]

    background = background_of(method)
    assert bits(method.explain(reuser, X, background)) == bits(method.explain(interacting, X, background))


@over_methods
def test_changing_the_data_later_changes_nothing(method):
    background = background_of(method)
    explainer = method.make(interacting, background)
    expected = bits(explainer(X))

    background[:] = 1e9

    assert bits(explainer(X)) == expected
