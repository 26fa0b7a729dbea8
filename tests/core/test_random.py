"""Philox against NumPy's, and the transforms on top of it."""

from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError

BIG = 2**64 - 1


def numpy_bits(seed, instance, row, n):
    """NumPy adds one to the counter before it generates, our first block is 0."""
    counter = (row * 2**64 - 1) % 2**256
    words = np.array([counter >> 64 * j & BIG for j in range(4)], dtype=np.uint64)
    return np.random.Philox(counter=words, key=np.array([seed, instance], dtype=np.uint64)).random_raw(n)


def test_known_answer_of_random123():
    known = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert _core.random_bits(0, 0, 0, 4).tolist() == known


@pytest.mark.parametrize("seed", [0, 1, BIG])
@pytest.mark.parametrize("instance", [0, 7, BIG])
@pytest.mark.parametrize("row", [0, 1, 2**63, BIG])
def test_bits_are_numpys_philox(seed, instance, row):
    assert _core.random_bits(seed, instance, row, 11).tolist() == numpy_bits(seed, instance, row, 11).tolist()


def test_uniform_is_the_middle_of_its_cell_exactly():
    bits, numbers = _core.random_bits(3, 4, 5, 4000), _core.random_numbers("uniform", 3, 4, 5, 4000)
    for b, u in zip(bits.tolist(), numbers.tolist(), strict=True):
        assert Fraction(u) == Fraction(2 * (b >> 12) + 1, 2**53)


def test_the_largest_uniform_number_is_below_one():
    # The same expression as the core's, at the last of its cells.
    assert (float(BIG >> 12) + 0.5) * 2.0**-52 < 1.0


def test_uniform_moments():
    u = _core.random_numbers("uniform", 0, 0, 0, 200_000)
    assert 0.0 < u.min() < 1e-4 < 1 - 1e-4 < u.max() < 1.0
    assert abs(u.mean() - 0.5) < 4 * np.sqrt(1 / 12 / len(u))
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 4 / np.sqrt(len(u))


def test_normal_is_the_quantile_of_uniform():
    uniform, normal = (_core.random_numbers(kind, 9, 0, 1, 300) for kind in ("uniform", "normal"))
    np.testing.assert_allclose(normal, [NormalDist().inv_cdf(u) for u in uniform], rtol=2e-15)


@pytest.mark.parametrize(
    "probability",
    [5e-324, 1e-300, 1e-100, 1e-17, 1e-10, 0.0749, 0.075, 0.0751, 0.3, 0.5, 0.7, 0.925, 0.99, 1 - 2.0**-53],
)
def test_normal_quantile(probability):
    expected = NormalDist().inv_cdf(probability)
    assert _core.normal_quantile(probability) == pytest.approx(expected, rel=2e-15, abs=1e-300)


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1, 1.1, float("nan"), float("inf")])
def test_normal_quantile_refuses(probability):
    with pytest.raises(InputError, match="probability must lie in"):
        _core.normal_quantile(probability)


@pytest.mark.parametrize(
    "call", [lambda: _core.random_bits(0, 0, 0, -1), lambda: _core.random_numbers("normal", 0, 0, 0, -1)]
)
def test_negative_counts_are_refused(call):
    with pytest.raises(InputError, match="n must not be negative"):
        call()


def test_unknown_kind_is_refused():
    with pytest.raises(InputError, match="kind must be"):
        _core.random_numbers("cauchy", 0, 0, 0, 1)
