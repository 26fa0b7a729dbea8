"""Regressors of the user's own as the local surrogate."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import InputError
from pellucid.estimation.white_box import checked_surrogate, white_box_estimate

RNG = np.random.default_rng(0)
Z = RNG.integers(0, 2, size=(300, 4)).astype(np.uint8)
Y = np.column_stack([Z @ [2.0, -1.0, 0.0, 0.5] + 1.0, Z[:, 0] * Z[:, 1] * 4.0])


class Samples:
    why, rows, model_rows, z, values, origin = "drawn", 300, 300, Z, Y, np.ones(4)

    def __init__(self, weights=None):
        self.weights = weights


class Line:
    """Weighted least squares with coef_; remembers how it was asked."""

    def fit(self, z, y, sample_weight):
        assert z.dtype == np.float64
        self.weights = sample_weight
        design = np.column_stack([np.ones(len(z)), z]) * np.sqrt(sample_weight)[:, None]
        found = np.linalg.lstsq(design, y * np.sqrt(sample_weight), rcond=None)[0]
        self.intercept_, self.coef_ = found[0], found[1:]
        return self

    def predict(self, z):
        return z @ self.coef_ + self.intercept_


class Product:
    """No coefficients: 4 where the first two are there."""

    def fit(self, z, y):
        return self

    def predict(self, z):
        return 4.0 * z[:, 0] * z[:, 1]


def test_a_linear_surrogate_has_its_own_coefficients():
    weights = RNG.random(300)
    line = Line()

    found = white_box_estimate(Samples(weights), line)

    np.testing.assert_allclose(found.coefficients[:, 0], [2.0, -1.0, 0.0, 0.5], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.intercept[0], 1.0, rtol=1e-12)
    np.testing.assert_allclose(found.prediction[0], 2.5, rtol=1e-12)
    np.testing.assert_allclose(found.r2[0], 1.0, rtol=1e-12)
    assert not hasattr(line, "coef_")  # copies were fitted
    assert [type(one) for one in found.fitted] == [Line, Line]
    np.testing.assert_array_equal(found.fitted[0].weights, weights)
    np.testing.assert_allclose(found.effective_rows, weights.sum() ** 2 / (weights**2).sum(), rtol=1e-12)
    assert np.isnan(found.std_err).all()
    assert any("no standard errors" in warning for warning in found.warnings)


def test_another_surrogate_gives_what_it_loses_as_a_part_leaves():
    found = white_box_estimate(Samples(), Product())

    assert found.coefficients[:, 1].tolist() == [4.0, 4.0, 0.0, 0.0]
    assert found.prediction.tolist() == [4.0, 4.0]
    assert found.intercept.tolist() == [-4.0, -4.0]
    np.testing.assert_allclose(found.r2[1], 1.0)


def test_a_constant_model_has_no_share_of_a_variance():
    samples = Samples()
    samples.values = np.full((300, 1), 2.0)

    found = white_box_estimate(samples, Line())

    np.testing.assert_allclose(found.coefficients, 0.0, rtol=0, atol=1e-12)
    assert np.isnan(found.r2[0])


def test_weights_need_a_surrogate_that_takes_them():
    with pytest.raises(InputError, match="Product takes no weights"):
        white_box_estimate(Samples(RNG.random(300)), Product())
    white_box_estimate(Samples(np.full(300, 0.25)), Product())  # equal weights are none


def test_what_is_accepted():
    pytest.importorskip("sklearn")
    line = Line()

    assert checked_surrogate("linear") is None
    assert checked_surrogate(line) is line
    assert checked_surrogate("tree").get_params()["max_depth"] == 4
    for wrong in (Line, "forest", None, np.ones(3), 2.0):
        with pytest.raises(InputError, match="surrogate must be 'linear', 'tree' or a regressor"):
            checked_surrogate(wrong)
