"""Growing a local fit: stages, ridge, selection, ties and what is doubted."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid.estimation.clock import Deadline
from pellucid.estimation.local_fit import local_fit
from pellucid.estimation.local_regression import Fitting, local_regression
from pellucid.estimation.local_samples import Targets

PARTS = tuple("abcdef")


class Drawn:
    """Samples of a known linear law with noise, as many as asked."""

    distance, why = "euclidean", "drawn"
    pairs, exact, idle, independent = False, False, False, False

    def __init__(self, slopes, *, noise=1.0, outputs=1, seed=0, binary=True):
        self.slopes, self.noise = np.array(slopes, dtype=np.float64), noise
        self.origin = np.ones(len(slopes))
        self.grown = []
        rng = np.random.default_rng(seed)
        self._z = rng.integers(0, 2, size=(5000, len(slopes))).astype(np.uint8)
        if not binary:
            self._z = rng.normal(size=(5000, len(slopes)))
        self._y = (self._z @ self.slopes)[:, None] + noise * rng.normal(size=(5000, outputs)) + 3.0
        self.weights = None

    @property
    def rows(self):
        return self.grown[-1]

    model_rows = rows

    @property
    def z(self):
        return self._z[: self.rows]

    @property
    def values(self):
        return self._y[: self.rows]

    def grow(self, rows):
        self.grown.append(rows)

    def targets(self):
        return Targets(self.values)


def fitted(samples, most=4000, first=100, deadline=None, **fitting):
    return local_regression(samples, Fitting(**fitting), first=first, most=most, parts=PARTS, deadline=deadline)


def test_without_a_goal_everything_is_sampled_at_once():
    samples = Drawn([3, 2, 1, 0, 0, 0])

    found = fitted(samples)

    assert samples.grown == [4000]
    fit = local_fit(samples.z, samples.values)
    np.testing.assert_array_equal(found.coefficients, fit.coefficients)
    np.testing.assert_array_equal(found.std_err, fit.std_err)
    np.testing.assert_allclose(found.prediction, found.intercept + found.coefficients.sum(axis=0), rtol=1e-14)
    assert (found.rows, found.reached, found.out_of_time, found.warnings) == (4000, True, False, ())


def test_a_tolerance_is_met_with_as_few_stages_as_it_takes():
    samples = Drawn([3, 2, 1, 0, 0, 0])

    found = fitted(samples, tolerance=0.1)

    assert found.reached
    assert samples.grown == sorted(set(samples.grown))
    assert 100 < samples.grown[-1] < 4000
    assert 1.96 * found.std_err.max() <= 0.1 * np.ptp(found.coefficients)


def test_a_tolerance_out_of_reach():
    found = fitted(Drawn([3, 2, 1, 0, 0, 0]), tolerance=1e-4, most=800)

    assert not found.reached
    assert found.rows == 800


def test_the_order_is_settled():
    samples = Drawn([5, -3, 1, 0, 0, 0])
    found = fitted(samples, settle_top=2)

    assert found.reached
    assert samples.grown == [100]
    assert np.argsort(-np.abs(found.coefficients[:, 0]))[:2].tolist() == [0, 1]


def test_ties_are_named():
    found = fitted(Drawn([2, -2, 0, 0, 0, 0]), settle_top=1, most=500)

    assert not found.reached
    assert any("'a' and 'b' is not settled" in w or "'b' and 'a' is not settled" in w for w in found.warnings)


def test_a_deadline_ends_the_stages():
    samples = Drawn([3, 2, 1, 0, 0, 0])

    found = fitted(samples, deadline=Deadline.after(0.0))

    assert found.out_of_time
    assert samples.grown == [100]
    assert not fitted(Drawn([1] * 6), deadline=Deadline.after(1e4)).out_of_time


def test_few_samples_get_a_ridge_and_say_so():
    samples = Drawn([3, 2, 1, 0, 0, 0])

    found = fitted(samples, most=20, first=20)

    expected = local_fit(samples.z, samples.values, ridge=1.0).coefficients
    np.testing.assert_array_equal(found.coefficients, expected)
    assert any("20 samples are few for 6 coefficients" in w for w in found.warnings)
    own = fitted(Drawn([3, 2, 1, 0, 0, 0]), most=20, first=20, ridge=0.0)
    assert not any("few" in w for w in own.warnings)
    assert fitted(Drawn([3, 2, 1, 0, 0, 0]), most=28, first=20).warnings == ()


@pytest.mark.parametrize("selection", ["auto", "best_subset", "forward", "lasso_path", "highest_weights"])
def test_a_sparse_fit_is_the_fit_of_the_chosen_parts(selection):
    samples = Drawn([3, 0, -2, 0, 0, 1], outputs=2, binary=False)

    found = fitted(samples, max_features=2, selection=selection)

    for output in range(2):
        assert np.flatnonzero(found.order[:, output] >= 0).tolist() == [0, 2]
        alone = local_fit(
            samples.z, np.ascontiguousarray(samples.values[:, output : output + 1]), keep=np.array([0, 2])
        )
        np.testing.assert_array_equal(found.coefficients[:, output], alone.coefficients[:, 0])
        np.testing.assert_array_equal(found.std_err[[0, 2], output], alone.std_err[[0, 2], 0])
        assert np.isnan(found.std_err[[1, 3, 4, 5], output]).all()
        np.testing.assert_allclose(found.intercept[output], alone.intercept[0], rtol=1e-14)
        np.testing.assert_allclose(found.r2[output], alone.r2[0], rtol=1e-14)


def test_of_independent_parts_the_chosen_ones_keep_their_coefficients():
    samples = Drawn([3, 0, -2, 0, 0, 1])
    samples.independent = True
    whole = fitted(Drawn([3, 0, -2, 0, 0, 1]))

    found = fitted(samples, max_features=2, selection="best_subset")

    np.testing.assert_array_equal(found.coefficients[[0, 2]], whole.coefficients[[0, 2]])
    np.testing.assert_array_equal(found.std_err[[0, 2]], whole.std_err[[0, 2]])
    assert (found.coefficients[[1, 3, 4, 5]] == 0.0).all()
    residual = samples.values - found.intercept - samples.z @ found.coefficients
    assert abs(residual.mean()) < 1e-12
    np.testing.assert_allclose(found.r2, 1.0 - residual.var() / samples.values.var(), rtol=1e-12)
    assert any("hold for all parts together" in w for w in found.warnings)


def test_all_features_are_no_selection():
    plain = fitted(Drawn([3, 0, -2, 0, 0, 1]))
    all_of_them = fitted(Drawn([3, 0, -2, 0, 0, 1]), max_features=6)

    np.testing.assert_array_equal(all_of_them.coefficients, plain.coefficients)
    assert all_of_them.warnings == ()
    assert (all_of_them.order == 0).all()


def test_doubts():
    starved = Drawn([3, 2, 1, 0, 0, 0])
    starved.weights = np.full(200, 1e-12)
    starved.weights[:9] = 1.0
    found = fitted(starved, most=200)
    assert any("200 samples are worth 9.0 of equal weight for 6 coefficients" in w for w in found.warnings)

    alike = Drawn([3, 2, 1, 0, 0, 0])
    alike._z[:] = 1
    alike._z[7, 2] = 0
    found = fitted(alike, most=200)
    assert any("1 of 200 samples differ from the explained input" in w for w in found.warnings)

    twins = Drawn([3, 2, 1, 0, 0, 0])
    twins._z[:, 1] = twins._z[:, 0]
    found = fitted(twins, most=200)
    assert any("cannot be told apart" in w for w in found.warnings)

    idle = Drawn([3, 2, 1, 0, 0, 0])
    idle.idle = True
    assert any("the kernel does nothing" in w for w in fitted(idle).warnings)


def test_exact_samples_have_no_errors():
    samples = Drawn([3, 2, 1, 0, 0, 0], noise=0.0)
    samples.exact = True

    found = fitted(samples, most=20, tolerance=1e-9)

    assert found.std_err is None
    assert found.reached
    assert samples.grown == [20]  # in one stage, without a ridge
    np.testing.assert_allclose(found.coefficients[:, 0], samples.slopes, rtol=0, atol=1e-12)
