"""The moments of LIME's masks: golden numbers, exact rational numbers, and the ends of the bandwidth."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from pellucid.errors import InputError, NumericalError
from pellucid.estimation import mask_moments
from reference.lime_limits import masses, rational_alphas, rational_sigmas

GOLDEN = {
    "image": ((0.50308, 0.25962, 0.13385), 0.059925, (6.8184, -0.25962, 0.47699, 0.000532)),
    "text": ((0.49166, 0.34356, 0.25824), 0.48844, (12.997, -0.34356, 5.6198, -0.10466)),
}


def close(found, expected, digits):
    """Agrees with a number printed with so many significant digits."""
    found, expected = np.atleast_1d(found), np.atleast_1d(expected)
    unit = 10.0 ** (np.floor(np.log10(np.abs(expected))) - digits + 1)
    return bool((np.abs(found - expected) <= 0.51 * unit).all())


@pytest.mark.parametrize("law", ["image", "text"])
def test_the_printed_numbers_of_50_parts(law):
    alphas, determinant, sigmas = GOLDEN[law]
    moments = mask_moments(50, law=law, kernel_width=0.25)

    assert close(moments.alphas(2), alphas, 5)
    assert close(moments.determinant, determinant, 5)
    assert close(moments.sigmas()[:3], sigmas[:3], 5 if law == "text" else 4)
    assert close(moments.sigmas()[3], sigmas[3], 3)


@pytest.mark.parametrize("law", ["image", "text"])
@pytest.mark.parametrize("d", [2, 3, 12, 50, 1200])
def test_sigmas_are_those_of_the_papers_in_rational_numbers(law, d):
    moments = mask_moments(d, law=law)
    given = [Fraction(m) * Fraction(moments.total) for m in moments.sizes]
    alphas = rational_alphas(d, given, min(d, 3))
    determinant, sigmas = rational_sigmas(d, alphas)

    np.testing.assert_allclose(moments.alphas(len(alphas) - 1), [float(a) for a in alphas], rtol=1e-13)
    np.testing.assert_allclose(moments.determinant, float(determinant), rtol=1e-12)
    np.testing.assert_allclose(moments.sigmas()[:3], [float(s) for s in sigmas[:3]], rtol=1e-12)
    assert abs(moments.sigmas()[3] - float(sigmas[3])) < 1e-14 * float(sigmas[2])


@pytest.mark.parametrize("law", ["image", "text"])
@pytest.mark.parametrize("d", [1, 2, 7, 12])
def test_the_tilted_law_is_that_of_the_definition(law, d):
    expected = np.array(masses(d, law, 0.3))
    moments = mask_moments(d, law=law, kernel_width=0.3)

    np.testing.assert_allclose(moments.sizes * moments.total, expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("law", ["image", "text"])
def test_sigma_times_its_inverse_is_one(law):
    moments = mask_moments(30, law=law)

    np.testing.assert_allclose(moments.sigma() @ moments.inverse_sigma(), np.eye(31), atol=1e-12)


def test_the_joint_probability_of_parts_kept_and_left_out():
    moments = mask_moments(9, law="text", kernel_width=0.4)
    expected = sum(w * math.comb(9 - 5, s - 2) / math.comb(9, s) for s, w in enumerate(moments.sizes) if 2 <= s <= 6)

    assert moments.joint(3, 2) == pytest.approx(expected, rel=1e-14)
    assert moments.joint(6, 4) == 0.0


@pytest.mark.parametrize("d", [2, 10, 400])
def test_the_constants_at_a_large_bandwidth(d):
    for width, error in ((1e4, 1e-6), (np.inf, 1e-12)):
        first, second, third = mask_moments(d, law="image", kernel_width=width).constants()
        assert abs(first + 2.0) < error * d
        assert abs(second - 4.0) < error * d
        assert abs(third) < error


@pytest.mark.parametrize("d", [3, 40])
def test_text_alphas_without_a_kernel(d):
    alphas = mask_moments(d, law="text", kernel_width=np.inf).alphas(3)

    np.testing.assert_allclose(alphas, [1.0, *((d - q) / (d * (q + 1)) for q in (1, 2, 3))], rtol=1e-13)


def test_masses_of_a_kernel_of_ones_own():
    own = masses(8, "image", 0.5)
    by_name = mask_moments(8, law="image", kernel_width=0.5)
    given = mask_moments(8, law=own)

    np.testing.assert_allclose(given.sigmas(), by_name.sigmas(), rtol=1e-13)
    assert given.total == pytest.approx(by_name.total, rel=1e-14)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"p": 0}, "p must be a whole number"),
        ({"p": True}, "p must be a whole number"),
        ({"p": 30_000}, "p must be a whole number"),
        ({"law": "table"}, "law must be"),
        ({"law": [1.0, 2.0]}, "law must have"),
        ({"law": [0.0] * 6}, "law must have"),
        ({"law": [1.0] * 6, "kernel_width": 0.3}, "left out where law gives masses"),
        ({"law": object()}, "law must be"),
        ({"kernel_width": 0.0}, "kernel_width must be a positive number"),
        ({"kernel_width": np.nan}, "kernel_width must be a positive number"),
        ({"kernel_width": "wide"}, "kernel_width must be a positive number"),
    ],
)
def test_what_is_refused(arguments, match):
    with pytest.raises(InputError, match=match):
        mask_moments(**{"p": 5, "law": "image", **arguments})


@pytest.mark.parametrize("law", ["image", "text"])
def test_a_kernel_too_narrow_for_doubles_says_so(law):
    with pytest.raises(NumericalError, match="kernel_width"):
        mask_moments(5, law=law, kernel_width=1e-4).inverse_sigma()


def test_one_word_has_only_the_empty_text():
    with pytest.raises(NumericalError, match="more than one part"):
        mask_moments(1, law="text").constants()


def test_one_superpixel():
    moments = mask_moments(1, law="image")

    np.testing.assert_allclose(moments.sigma() @ moments.inverse_sigma(), np.eye(2), atol=1e-12)
