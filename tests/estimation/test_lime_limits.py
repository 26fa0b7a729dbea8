"""The limit of LIME on masks: formula against enumeration, its laws, and the distance of a sampled explanation."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from pellucid import Attribution
from pellucid.errors import BudgetError, InputError
from pellucid.estimation import lime_limit, mask_moments, mask_pattern_limit
from pellucid.games import PlainGame
from pellucid.results import LimeLimit, distance_to_limit
from reference.lime_limits import enumerated_limit, masses

LAWS = pytest.mark.parametrize("law", ["image", "text"])


def table_of(d, seed, outputs=()):
    """A function of masks with no structure at all: a random number for each of the 2^d."""
    table = np.random.default_rng(seed).normal(size=(2**d, *outputs))
    powers = 2 ** np.arange(d)
    return lambda masks: table[np.asarray(masks, dtype=np.int64) @ powers]


@LAWS
@pytest.mark.parametrize("d", [2, 5, 9])
@pytest.mark.parametrize("width", [0.1, 0.25, 2.0])
def test_the_formula_is_the_least_squares_fit_over_all_masks(law, d, width):
    f = table_of(d, seed=d)
    # In rational numbers where that is fast: a narrow kernel leaves doubles nothing to eliminate.
    numbers = Fraction if d <= 5 else float
    given = [numbers(m) for m in masses(d, law, width)]
    solution, gram = enumerated_limit(lambda z: numbers(f(np.array([z]))[0]), d, given)
    expected = np.array([float(b) for b in solution])
    limit = lime_limit(f, d, law=law, kernel_width=width)

    assert abs(limit.coefficients[:, 0] - expected[1:]).max() < 1e-12 * max(1.0, np.abs(expected).max())
    assert abs(limit.intercept[0] - expected[0]) < 1e-12 * max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(
        mask_moments(d, law=law, kernel_width=width).sigma(), np.array(gram, dtype=float), atol=1e-14
    )


@LAWS
def test_twelve_parts_against_numpys_least_squares(law):
    d = 12
    f = table_of(d, seed=1, outputs=(2,))
    masks = (np.arange(2**d)[:, None] >> np.arange(d)) & 1
    size = d - masks.sum(axis=1)
    weights = np.array([m / math.comb(d, s) for s, m in enumerate(masses(d, law, 0.25))])[size]
    design = np.column_stack([np.ones(2**d), masks]) * np.sqrt(weights)[:, None]
    expected = np.linalg.lstsq(design, np.sqrt(weights)[:, None] * f(masks), rcond=None)[0]
    limit = lime_limit(f, d, law=law)

    assert abs(limit.coefficients - expected[1:]).max() < 1e-12
    assert abs(limit.intercept - expected[0]).max() < 1e-12


@pytest.mark.parametrize("d", [2, 3, 4])
def test_in_rational_numbers(d):
    given = [Fraction(s * s + 3, 16) for s in range(d + 1)]
    values = {}

    def f(z):
        return values.setdefault(z, Fraction(len(values) ** 2 % 11, 4))

    expected, _ = enumerated_limit(f, d, given)
    limit = lime_limit(
        lambda masks: np.array([float(f(tuple(map(int, z)))) for z in masks]), d, law=[float(m) for m in given]
    )

    np.testing.assert_allclose(limit.coefficients[:, 0], [float(b) for b in expected[1:]], atol=2e-15)
    np.testing.assert_allclose(limit.intercept, float(expected[0]), atol=4e-15)


@LAWS
def test_the_three_constants_give_the_same_coefficients(law):
    d = 6
    f = table_of(d, seed=3)
    masks = (np.arange(2**d)[:, None] >> np.arange(d)) & 1
    size = d - masks.sum(axis=1)
    weighted = np.array([m / math.comb(d, s) for s, m in enumerate(masses(d, law, 0.25))])[size] * f(masks)
    first, second, third = mask_moments(d, law=law).constants()
    with_part = masks.T @ weighted
    theta = first * weighted.sum() + second * with_part + third * (with_part.sum() - with_part)

    np.testing.assert_allclose(lime_limit(f, d, law=law).coefficients[:, 0], theta, atol=1e-12)


@LAWS
def test_explanations_are_linear_in_f(law):
    f, g = table_of(7, seed=4), table_of(7, seed=5)
    both = lime_limit(lambda masks: 2.0 * f(masks) - g(masks), 7, law=law)
    apart = [lime_limit(h, 7, law=law) for h in (f, g)]

    np.testing.assert_allclose(both.coefficients, 2 * apart[0].coefficients - apart[1].coefficients, atol=1e-12)
    np.testing.assert_allclose(both.intercept, 2 * apart[0].intercept - apart[1].intercept, atol=1e-12)


@pytest.mark.parametrize("width", [1e5, np.inf])
def test_a_large_bandwidth_compares_with_and_without_the_part(width):
    d = 8
    f = table_of(d, seed=6)
    masks = (np.arange(2**d)[:, None] >> np.arange(d)) & 1
    values = f(masks)
    expected = [2.0 * (values[masks[:, j] == 1].mean() - values.mean()) for j in range(d)]
    found = lime_limit(f, d, law="image", kernel_width=width).coefficients[:, 0]

    np.testing.assert_allclose(found, expected, atol=1e-8 if math.isfinite(width) else 1e-13)


@LAWS
def test_a_small_bandwidth_is_the_effect_of_leaving_one_out(law):
    """All weight on the smallest masks: of images, f(x) less f without the part."""
    f = table_of(6, seed=7)
    full = f(np.ones((1, 6)))[0]
    without = f(1 - np.eye(6))
    found = lime_limit(f, 6, law=law, kernel_width=0.015).coefficients[:, 0]
    if law == "image":
        np.testing.assert_allclose(found, full - without, atol=1e-6)
    else:
        # A text is never whole, so that only differences between words are told by masks of one word.
        np.testing.assert_allclose(np.diff(found), -np.diff(without), atol=1e-6)


@pytest.mark.parametrize(("law", "d"), [("image", 1), ("image", 6), ("text", 6), ("image", 10), ("text", 10)])
def test_patterns_are_the_enumeration_of_their_sum(law, d):
    rng = np.random.default_rng(d)
    patterns = rng.integers(-1, 2, size=(7, d))
    values = rng.normal(size=(7, 2))

    def f(masks):
        fits = (patterns[None] < 0) | (patterns[None] == np.asarray(masks, dtype=int)[:, None])
        return fits.all(axis=2) @ values

    found, expected = mask_pattern_limit(patterns, values, law=law), lime_limit(f, d, law=law)

    np.testing.assert_allclose(found.coefficients, expected.coefficients, atol=1e-12)
    np.testing.assert_allclose(found.intercept, expected.intercept, atol=1e-12)


@LAWS
@pytest.mark.parametrize("d", [12, 1000])
def test_shape_detectors_by_the_formula_of_the_paper(law, d):
    """f = z_1 ... z_q: [s1 a_q + s2 a_q + (q-1) s3 a_q + (d-q) s3 a_(q+1)] / c_d within, the other one outside."""
    q = 3
    pattern = np.where(np.arange(d) < q, 1, -1)[None]
    moments = mask_moments(d, law=law)
    a = moments.alphas(q + 1)
    _, s1, s2, s3 = moments.sigmas() / moments.determinant
    inside = s1 * a[q] + s2 * a[q] + (q - 1) * s3 * a[q] + (d - q) * s3 * a[q + 1]
    outside = s1 * a[q] + s2 * a[q + 1] + q * s3 * a[q] + (d - q - 1) * s3 * a[q + 1]
    found = mask_pattern_limit(pattern, [1.0], law=law).coefficients[:, 0]

    np.testing.assert_allclose(found[:q], inside, atol=1e-10 * d / 12)
    np.testing.assert_allclose(found[q:], outside, atol=1e-10 * d / 12)
    assert found[0] > 10 * abs(found[-1])


@LAWS
@pytest.mark.parametrize("width", [0.1, 0.25, np.inf])
def test_a_linear_function_is_its_own_explanation(law, width):
    weights = np.random.default_rng(8).normal(size=1500)
    limit = mask_pattern_limit(2 * np.eye(1500, dtype=int) - 1, weights, law=law, kernel_width=width)

    np.testing.assert_allclose(limit.coefficients[:, 0], weights, atol=1e-11)
    np.testing.assert_allclose(limit.intercept, 0.0, atol=1e-9)


def test_a_game_brings_its_parts_and_its_representation_its_law():
    class Masked:
        mask_law = "text"

    game = PlainGame(lambda masks: masks[:, 0] * 2.0 + masks[:, 1], ["good", "film"])
    game.representation = Masked()

    limit = lime_limit(game)

    assert limit.parts == ("good", "film")
    np.testing.assert_allclose(limit.coefficients[:, 0], [2.0, 1.0], atol=1e-13)
    assert lime_limit(PlainGame(game.value, 2), law="text").coefficients.tolist() == limit.coefficients.tolist()


def test_more_than_one_block_of_masks():
    weights = np.linspace(-1.0, 1.0, 17)
    limit = lime_limit(lambda masks: masks @ weights + masks[:, 0] * masks[:, 16], 17, law="image", kernel_width=np.inf)
    expected = weights + np.where(np.isin(np.arange(17), (0, 16)), 0.5, 0.0)

    np.testing.assert_allclose(limit.coefficients[:, 0], expected, atol=1e-12)


def test_what_the_limit_refuses():
    def f(masks):
        return masks[:, 0]

    with pytest.raises(BudgetError, match="at most 20"):
        lime_limit(f, 21, law="image")
    with pytest.raises(InputError, match="law must say"):
        lime_limit(f, 3)
    with pytest.raises(InputError, match="p must be the number"):
        lime_limit(f, law="image")
    with pytest.raises(InputError, match="p must be left out"):
        lime_limit(PlainGame(f, 3), 3, law="image")
    with pytest.raises(InputError, match="v must be a callable"):
        lime_limit(3, 3, law="image")
    for patterns, values in (
        ([[2, 1]], [1.0]),
        ([[1.0, 0.0]], [1.0]),
        ([1, 0], [1.0]),
        ([[1, 0]], [1.0, 2.0]),
        ([[1, 0]], ["a"]),
        ([[1, 0]], [np.nan]),
    ):
        with pytest.raises(InputError, match=r"patterns must|values must"):
            mask_pattern_limit(patterns, values, law="image")
    with pytest.raises(InputError, match="parts must be 2 names"):
        mask_pattern_limit([[1, 0]], [1.0], law="image", parts=["a"])


def sampled(f, d, n, rng):
    """LIME for images as it is: masks of independent parts, kernel weights, least squares, HC1 errors."""
    masks = rng.integers(0, 2, size=(n, d))
    design = np.column_stack([np.ones(n), masks])
    distance = 1.0 - np.sqrt(masks.sum(axis=1) / d)
    weights = np.exp(-(distance**2) / (2 * 0.25**2))
    inverse = np.linalg.inv(design.T @ (weights[:, None] * design))
    beta = inverse @ design.T @ (weights * f(masks))
    scores = design * (weights * (f(masks) - design @ beta))[:, None]
    covariance = inverse @ (scores.T @ scores) @ inverse * n / (n - d - 1)
    return Attribution.from_array(beta[1:], std_err=np.sqrt(np.diag(covariance))[1:], base_values=beta[0])


def test_sampled_explanations_are_a_standard_error_away():
    """200 explanations of 8 parts: the mean of z^2 is 1 within four standard errors, 4 sqrt(2 / 1600) = 0.14."""
    f, rng = table_of(8, seed=9), np.random.default_rng(10)
    limit = lime_limit(f, 8, law="image")
    distances = [limit.distance(sampled(f, 8, 600, rng)) for _ in range(200)]

    assert abs(np.mean([d.rms**2 for d in distances]) - 1.0) < 0.14
    assert np.mean([d.p_value < 0.05 for d in distances]) < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 200)
    off = LimeLimit(coefficients=limit.coefficients + 1.0, intercept=limit.intercept, parts=limit.parts, method="wrong")
    assert off.distance(sampled(f, 8, 600, rng)).p_value < 1e-6


def test_distances_of_exact_unknown_and_compared_explanations():
    limit = LimeLimit(coefficients=[[1.0], [-2.0]], intercept=[0.0], parts=("a", "b"), method="closed form")
    exact = limit.distance(Attribution.from_array([1.0 + 1e-13, -2.5], std_err=None))
    unknown = limit.distance(Attribution.from_array([1.0, -2.5]))
    two = Attribution.from_array([[9.0, 9.0], [1.3, -2.0]], std_err=[[1.0, 1.0], [0.3, 0.4]])

    assert exact.z.tolist() == [[0.0], [-np.inf]]
    assert (exact.largest, exact.p_value) == (np.inf, 0.0)
    assert np.isnan([unknown.largest, unknown.rms, unknown.p_value]).all()
    assert limit.distance(two, row=1).z.ravel() == pytest.approx([1.0, 0.0])
    other = Attribution.from_array([1.0, -2.0], std_err=[0.4, 0.3])
    assert distance_to_limit(two[1], other).std_err.ravel() == pytest.approx([0.5, 0.5])
    assert limit.distance(limit).largest == 0.0
    two_errors = limit.distance(Attribution.from_array([1.196, -2.0], std_err=[0.1, 0.1]))
    assert two_errors.p_value == pytest.approx(2 * 0.05, rel=1e-3)
    assert two_errors.rms == pytest.approx(1.96 / math.sqrt(2.0))
    assert limit.to_attribution().values.ravel().tolist() == [1.0, -2.0]
    with pytest.raises(InputError, match="of the limit"):
        limit.distance(Attribution.from_array([1.0, 2.0, 3.0]))
    with pytest.raises(InputError, match="must be an Attribution"):
        limit.distance([1.0, 2.0])
