"""What the user hands over is never written, and not looked at again later."""

from __future__ import annotations

import numpy as np
import pytest
from properties.laws import WEIGHTS, X, background_of, bits, interacting
from properties.registry import EVERY

over_methods = pytest.mark.parametrize("method", EVERY, ids=str)


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
def test_changing_the_data_later_changes_nothing(method):
    background = background_of(method)
    explainer = method.make(interacting, background)
    expected = bits(explainer(X))

    background[:] = 1e9

    assert bits(explainer(X)) == expected
