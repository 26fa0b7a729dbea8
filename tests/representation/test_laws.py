"""The laws that conditional rows follow, fitted to small backgrounds whose answer is known."""

from __future__ import annotations

import pickle
from statistics import NormalDist

import numpy as np
import pytest
from pellucid import InputError, Space
from pellucid.representation import (
    ConditionalCopula,
    ConditionalGaussian,
    CopulaLaw,
    EmpiricalLaw,
    GaussianLaw,
    Representation,
)

ROWS = np.array([[0.0, 5.0], [0.0, 6.0], [1.0, 7.0], [4.0, 9.0]])
WEIGHTS = np.array([0.1, 0.2, 0.4, 0.3])
SPACE = Space.infer(ROWS)
PHI_INVERSE = NormalDist().inv_cdf


def copula(rows=ROWS, weights=WEIGHTS, *, n_draws=4000):
    return CopulaLaw.fit(rows, weights, space=Space.infer(rows), n_draws=n_draws, seed=0)


@pytest.mark.parametrize(
    ("value", "probability"),
    [(0.0, 0.15), (1.0, 0.5), (4.0, 0.85), (0.5, 0.3), (-3.0, 0.15), (99.0, 0.85)],
    ids=["tied", "in the middle", "the largest", "between", "below all", "above all"],
)
def test_normal_scores_are_those_of_the_middle_of_the_jump(value, probability):
    assert copula().scores(np.array([value, 7.0]))[0] == pytest.approx(PHI_INVERSE(probability), abs=1e-12)


def test_draws_of_a_copula_have_the_frequencies_of_the_background():
    """Normal draws with exact moments: within 0.02 of the frequencies, for 4000 of them."""
    codes = copula().codes

    for column, values in enumerate(ROWS.T):
        for value in set(values):
            assert np.mean(codes[:, column] == value) == pytest.approx(WEIGHTS[values == value].sum(), abs=0.02)
    assert set(codes.ravel()) == set(ROWS.ravel())


def test_a_latent_law_has_unit_variances_and_the_correlation_of_the_scores():
    law = copula()
    scores = np.array([law.scores(row) for row in ROWS])
    mean = WEIGHTS @ scores
    covariance = (scores - mean).T @ ((scores - mean) * WEIGHTS[:, None])

    rho = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    np.testing.assert_allclose(law.latent.covariance, [[1.0, rho], [rho, 1.0]], rtol=1e-12)


@pytest.mark.parametrize("kind", [ConditionalGaussian, ConditionalCopula])
def test_rows_of_a_law_are_a_representation(kind):
    gaussian = GaussianLaw.fit(ROWS, WEIGHTS, space=SPACE, n_draws=10, seed=0)
    law = gaussian if kind is ConditionalGaussian else copula(n_draws=10)
    rows = kind(np.array([1.0, 6.5]), law, space=SPACE)
    masks, draws = np.array([[1, 0], [0, 1], [1, 1]]), np.array([3, 9, 0])

    composed = rows.compose(masks, draws)

    assert isinstance(rows, Representation)
    assert (rows.parts, rows.n_draws) == (("x0", "x1"), 10)
    assert rows.weights.tolist() == [0.1] * 10
    grid = rows.compose_grid(masks, first=0, count=10).reshape(3, 10, 2)
    np.testing.assert_array_equal(composed, grid[np.arange(3), draws])
    assert composed[0, 0] == 1.0
    assert composed[1, 1] == 6.5
    assert composed[2].tolist() == [1.0, 6.5]
    assert rows.contrasts().shape == (10, 2)


def test_contrasts_are_standardised_and_a_group_has_the_mean_of_its_columns():
    space = Space.infer(ROWS, groups={"both": ["x0", "x1"]})
    law = GaussianLaw.fit(ROWS, WEIGHTS, space=SPACE, n_draws=10, seed=0)
    grouped = GaussianLaw.fit(ROWS, WEIGHTS, space=space, n_draws=10, seed=0)
    x = np.array([1.0, 6.5])

    alone = ConditionalGaussian(x, law, space=SPACE).contrasts()

    deviation = np.sqrt(WEIGHTS @ (ROWS - WEIGHTS @ ROWS) ** 2)
    np.testing.assert_allclose(alone, (x - law.draws) / deviation, rtol=1e-12)
    together = ConditionalGaussian(x, grouped, space=space).contrasts()
    np.testing.assert_allclose(together[:, 0], alone.mean(axis=1), rtol=1e-12)


@pytest.mark.parametrize("x", [np.zeros(3), np.array([0.0, np.nan])], ids=["too long", "missing"])
def test_rows_that_a_law_cannot_speak_of_are_refused(x):
    law = GaussianLaw.fit(ROWS, WEIGHTS, space=SPACE, n_draws=10, seed=0)

    with pytest.raises(InputError, match="x must have"):
        ConditionalGaussian(x, law, space=SPACE)


def test_a_law_is_pickled_without_what_can_be_made_again():
    law = GaussianLaw.fit(ROWS, WEIGHTS, space=SPACE, n_draws=10, seed=0)
    nearest = EmpiricalLaw.fit(ROWS, WEIGHTS, space=SPACE, sigma=0.5, most=4)
    masks = np.array([[1, 0]], dtype=np.uint8)
    before = nearest.kept(ROWS[0] + 0.2, masks)
    law.core.operators(masks)

    copy, near = pickle.loads(pickle.dumps((law, nearest)))

    np.testing.assert_array_equal(copy.core.operators(masks), law.core.operators(masks))
    np.testing.assert_array_equal(near.kept(ROWS[0] + 0.2, masks), before)
