"""Pixels of an overlay: what was not chosen steps back."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid.results.pixels import dimmed

INSIDE = np.array([[True, False], [False, False]])


@pytest.mark.parametrize(("ground", "stroke", "expected"), [(0, 200, [0, 70]), (255, 60, [255, 187])])
def test_what_was_not_chosen_fades_towards_the_ground(ground, stroke, expected):
    """To 35 % of its distance from black in a dark image, from white in a light one; the ground itself stays."""
    tones = np.array([[stroke, ground], [ground, stroke]], dtype=np.uint8)
    image = np.repeat(tones[..., None], 3, axis=2)

    found = dimmed(image, INSIDE)

    assert found[0, 0].tolist() == [stroke] * 3
    assert found[0, 1].tolist() == [expected[0]] * 3
    assert found[1, 1].tolist() == [expected[1]] * 3
