"""Laws of sizes: against kernels written out, fractions, all masks, and the golden numbers of the limit theory."""

from fractions import Fraction
from math import comb, exp, inf, sqrt

import numpy as np
import pytest
from pellucid.errors import InputError, NumericalError
from pellucid.estimation.size_law import SizeLaw
from reference.mask_laws import all_masks, alpha, limit, measure


def written_out(p, base, nu, distance="cosine"):
    """Unnormalised P(s): the base law times exp(-D^2 / (2 nu^2))."""
    D = [1 - sqrt(1 - s / p) if distance == "cosine" else sqrt(s) for s in range(p + 1)]
    first = [comb(p, s) / 2**p if base == "bernoulli" else (s > 0) / p for s in range(p + 1)]
    return np.array([f * exp(-(d**2) / (2 * nu**2)) for f, d in zip(first, D, strict=True)])


@pytest.mark.parametrize("base", ["bernoulli", "uniform_size"])
@pytest.mark.parametrize("p", [1, 2, 3, 9, 10, 51])
@pytest.mark.parametrize(("nu", "distance"), [(0.25, "cosine"), (1.5, "euclidean"), (inf, "cosine")])
def test_the_law_is_the_kernel_times_the_base(p, base, nu, distance):
    law = SizeLaw.exponential(p, base=base, kernel_width=nu, distance=distance)
    expected = written_out(p, base, nu, distance)
    np.testing.assert_allclose(law.target, expected / expected.sum(), rtol=1e-13, atol=0)
    np.testing.assert_allclose(law.mass, expected.sum(), rtol=1e-13)
    flat = written_out(p, base, inf)
    np.testing.assert_allclose(law.base, flat / flat.sum(), rtol=1e-13, atol=0)
    np.testing.assert_allclose(law.half, (law.target + law.base) / 2, rtol=1e-15)
    np.testing.assert_array_equal(law.symmetric_half, law.symmetric_half[::-1])


def test_a_kernel_of_the_users_own():
    law = SizeLaw(9, base="uniform_size", psi=lambda share: np.where(share <= 0.5, 1.0 - share, 0.0))
    expected = np.array([0.0] + [1 - s / 9 if s <= 4 else 0.0 for s in range(1, 10)])
    np.testing.assert_allclose(law.target, expected / expected.sum(), rtol=1e-14)


@pytest.mark.parametrize("base", ["bernoulli", "uniform_size"])
@pytest.mark.parametrize("p", [1, 2, 7, 10])
def test_alphas_are_those_of_fractions(p, base):
    law = SizeLaw.exponential(p, base=base)
    table = law.alphas(12)
    exact = [Fraction(float(weight)) for weight in law.target]
    for a in range(13):
        for b in range(13):
            expected = float(alpha(exact, p, a, b)) if a + b <= min(p, 12) else 0.0
            assert table[a, b] == pytest.approx(expected, rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("base", ["bernoulli", "uniform_size"])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_five_thousand_parts(base, distance):
    law = SizeLaw.exponential(5000, base=base, distance=distance, kernel_width=0.25 if distance == "cosine" else 2.0)
    assert abs(law.target.sum() - 1) < 1e-12
    table = law.alphas(9)
    # alpha(a, b) = alpha(a + 1, b) + alpha(a, b + 1): a further part is on or off.
    for a in range(8):
        for b in range(8 - a):
            assert table[a, b] == pytest.approx(table[a + 1, b] + table[a, b + 1], rel=1e-12)
    if base == "bernoulli" and distance == "euclidean":
        # The kernel is a product here: every part is off with probability e / (1 + e), e = exp(-1/8).
        assert table[2, 3] == pytest.approx((1 / (1 + exp(-1 / 8))) ** 2 * (1 - 1 / (1 + exp(-1 / 8))) ** 3, rel=1e-11)


@pytest.mark.parametrize("base", ["bernoulli", "uniform_size"])
@pytest.mark.parametrize("p", [1, 2, 3, 8])
def test_projecting_moments_is_least_squares_over_all_masks(p, base):
    if (p, base) == (1, "uniform_size"):
        return
    law = SizeLaw.exponential(p, base=base, kernel_width=0.4)
    Z, w = all_masks(p), measure(law.target, p)
    f = np.random.default_rng(p).normal(size=(2**p, 2))
    X = np.column_stack([np.ones(2**p), Z])
    found = law.inverse.project(X.T @ (f * w[:, None]))
    np.testing.assert_allclose(found, limit(f, Z, w), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("base", "alphas", "c", "sigmas"),
    [
        ("bernoulli", (0.50308, 0.25962, 0.13385), 0.059925, (6.8184, -0.25962, 0.47699, 0.000532)),
        ("uniform_size", (0.49166, 0.34356, 0.25824), 0.48844, (12.997, -0.34356, 5.6198, -0.10466)),
    ],
)
def test_golden_numbers_of_the_limit_theory(base, alphas, c, sigmas):
    """50 parts, kernel width .25; the unnormalised numbers are those here times the mass."""
    law = SizeLaw.exponential(50, base=base)
    table, inverse = law.alphas(2), law.inverse
    np.testing.assert_allclose([law.mass * table[a, 0] for a in range(3)], alphas, atol=6e-6)
    entries = np.array([inverse.intercept, inverse.border, inverse.diagonal, inverse.beside])
    np.testing.assert_allclose(entries * c / law.mass, sigmas, rtol=3e-4, atol=1e-6)


def test_one_word_that_is_always_removed_has_no_regression():
    law = SizeLaw.exponential(1, base="uniform_size")
    np.testing.assert_array_equal(law.target, [0.0, 1.0])
    with pytest.raises(NumericalError, match="wider kernel or more parts"):
        _ = law.inverse


def test_a_kernel_that_leaves_one_size():
    with pytest.raises(NumericalError):
        _ = SizeLaw.exponential(40, distance="euclidean", kernel_width=0.01).inverse
    with pytest.raises(NumericalError, match="told apart"):
        _ = SizeLaw(6, psi=lambda share: (share == 0) + (share == 1.0)).inverse


@pytest.mark.parametrize(
    "make",
    [
        lambda: SizeLaw(0),
        lambda: SizeLaw(2.5),
        lambda: SizeLaw(True),
        lambda: SizeLaw(10**6),
        lambda: SizeLaw(5, base="poisson"),
        lambda: SizeLaw(5, psi=lambda share: -share),
        lambda: SizeLaw(5, psi=lambda share: share * 0),
        lambda: SizeLaw(5, psi=lambda share: share[:2]),
        lambda: SizeLaw(5, psi=lambda share: share * np.nan),
        lambda: SizeLaw(5, base="uniform_size", psi=lambda share: share == 0),
        lambda: SizeLaw.exponential(5, kernel_width=0),
        lambda: SizeLaw.exponential(5, kernel_width=-1.0),
        lambda: SizeLaw.exponential(5, kernel_width=np.nan),
        lambda: SizeLaw.exponential(5, kernel_width="wide"),
        lambda: SizeLaw.exponential(5, distance="manhattan"),
        lambda: SizeLaw(5).alphas(-1),
    ],
)
def test_laws_that_are_none(make):
    with pytest.raises(InputError):
        make()
