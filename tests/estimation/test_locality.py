"""Kernels and distances around an explained input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pellucid import InputError
from pellucid.estimation.locality import Locality

Z = np.random.default_rng(0).integers(0, 2, size=(50, 6)).astype(np.uint8)
ORIGIN = np.ones(6)


def test_the_euclidean_kernel():
    values = np.random.default_rng(1).normal(size=(20, 3))
    origin = np.array([0.5, 1.0, -2.0])

    weights = Locality.checked(None, None, None).weights(values, origin=origin, default="euclidean")

    squares = ((values - origin) ** 2).sum(axis=1)
    np.testing.assert_allclose(weights, np.exp(-squares / (2 * 0.75**2 * 3)), rtol=1e-14)


def test_the_cosine_kernel():
    values = np.random.default_rng(1).normal(size=(20, 3))
    origin = np.array([0.5, 1.0, -2.0])

    weights = Locality.checked(None, 0.4, "cosine").weights(values, origin=origin, default="euclidean")

    cosine = values @ origin / np.linalg.norm(values, axis=1) / np.linalg.norm(origin)
    np.testing.assert_allclose(weights, np.exp(-((1.0 - cosine) ** 2) / (2 * 0.4**2)), rtol=1e-13)


@pytest.mark.parametrize("distance", [None, "cosine", "euclidean"])
@pytest.mark.parametrize("kernel", [None, lambda d: 1.0 / (1.0 + d)])
def test_weights_of_a_mask_depend_on_how_many_parts_are_off(distance, kernel):
    locality = Locality.checked(kernel, None, distance)

    by_size = locality.by_size(6, default="cosine")

    np.testing.assert_allclose(
        locality.weights(Z, origin=ORIGIN, default="cosine"), by_size[6 - Z.sum(axis=1, dtype=int)], rtol=1e-13
    )
    assert by_size[0] == 1.0
    assert (np.diff(by_size) < 0).all()


def test_a_distance_of_ones_own_may_look_at_more_than_the_number():
    locality = Locality.checked(None, 1.0, lambda z: 1.0 * (z[:, 0] == 0))

    assert locality.by_size(6, default="cosine") is None
    expected = np.where(Z[:, 0] == 0, math.exp(-0.5), 1.0)
    np.testing.assert_allclose(locality.weights(Z, origin=ORIGIN, default="cosine"), expected, rtol=1e-15)
    assert not locality.plain


def test_nothing_in_common_is_the_largest_cosine_distance_of_masks():
    distances = Locality.checked(None, None, None).distances(np.zeros((2, 6)), origin=ORIGIN, default="cosine")

    assert distances.tolist() == [1.0, 1.0]


def test_widths():
    assert Locality.checked(None, None, None).width_for(16, "euclidean") == 3.0
    assert Locality.checked(None, None, None).width_for(16, "cosine") == 0.25
    assert Locality.checked(None, 2, None).width_for(16, "cosine") == 2.0
    infinite = Locality.checked(None, math.inf, None)
    assert (infinite.weights(Z, origin=ORIGIN, default="cosine") == 1.0).all()
    assert infinite.plain


@pytest.mark.parametrize(
    ("kernel", "width", "idle"),
    [(None, None, False), (None, 1e3, True), (None, math.inf, False), (np.ones_like, None, True)],
)
@pytest.mark.parametrize("default", ["euclidean", "cosine"])
def test_a_kernel_that_does_nothing_is_known(kernel, width, idle, default):
    assert Locality.checked(kernel, width, None).idle(30, default=default) == idle


def test_weights_that_have_vanished():
    with pytest.raises(InputError, match="kernel_width leaves no sample a weight above 0"):
        Locality.checked(None, 1.0, None).some(np.zeros(3))
    with pytest.raises(InputError, match="kernel must leave some sample a weight above 0"):
        Locality.checked(np.zeros_like, None, None).some(np.zeros(3))
    given = np.array([0.0, 2.0, 4.0])
    assert Locality.checked(None, 1.0, None).some(given).tolist() == [0.0, 2.0, 4.0]
    assert Locality.checked(np.zeros_like, None, None).some(given).tolist() == [0.0, 0.5, 1.0]
