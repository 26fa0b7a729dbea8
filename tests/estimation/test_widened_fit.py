"""A fit whose errors are widened has wider covariances too: of what columns took out, and of ties."""

import numpy as np
import pytest
from pellucid.estimation.local_fit import local_fit


def test_a_widened_fit_is_widened_everywhere():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, (60, 4), dtype=np.uint8)
    fit = local_fit(z, z @ np.arange(4.0) + rng.normal(size=60))
    wide = fit.widened(1.5)
    np.testing.assert_allclose(wide.std_err, 1.5 * fit.std_err)
    np.testing.assert_allclose(wide.intercept_std_err, 1.5 * fit.intercept_std_err)
    np.testing.assert_allclose(np.sqrt(np.diag(wide.covariance())), wide.std_err[:, 0])
    assert wide.difference_std_err(0, 1) == pytest.approx(1.5 * fit.difference_std_err(0, 1))
    assert wide.widened(2.0).std_err == pytest.approx(3.0 * fit.std_err)
