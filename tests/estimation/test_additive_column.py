"""The column of what adds up over the parts: its closed form, and what it is worth."""

import numpy as np
import pytest
from pellucid.estimation.local_fit import local_fit
from pellucid.estimation.local_samples import additive_column
from pellucid.representation.table_law import TableLaw
from pellucid.space import Space

N = 1000


def around(d=5):
    codes = np.random.default_rng(0).normal(size=(400, d))
    return TableLaw.learn(codes, Space.infer(codes)).around(codes[0])


def test_column_is_the_projection_on_orthonormal_columns():
    rng = np.random.default_rng(1)
    extra = np.linalg.qr(rng.normal(size=(N, 6)))[0] * np.sqrt(N)
    values = rng.normal(size=(N, 2))
    column = additive_column(extra, values)
    assert column.shape == (N, 1, 2)
    np.testing.assert_allclose(column[:, 0], extra @ (extra.T @ (values - values.mean(axis=0))) / N, atol=1e-12)


def test_no_columns_none():
    assert additive_column(np.empty((N, 0)), np.ones((N, 1))) is None


def test_constant_output_gets_zeros_and_no_warning():
    law = around()
    z, codes, _ = law.draw(0, 0, N)
    values = np.column_stack([np.full(N, 2.5), codes[:, 0]])
    own = additive_column(law.extra(0, 0, N, planned=N), values)
    assert (own[:, :, 0] == 0.0).all()
    fit = local_fit(z, values, own=own)
    assert (fit.coefficients[:, 0] == 0.0).all()
    assert not fit.singular


@pytest.mark.parametrize("seed", [0, 1])
def test_column_takes_the_noise_of_curves_within_bins(seed):
    """Four slopes within bins leave noise in the coefficients; with the column there is next to none."""
    law = around()
    z, codes, _ = law.draw(seed, 0, N)
    values = (codes[:, :4] @ np.array([1.0, -2.0, 0.5, 1.5]) + codes[:, 4] ** 2)[:, None]
    alone = local_fit(z, values)
    with_column = local_fit(z, values, own=additive_column(law.extra(seed, 0, N, planned=N), values))
    assert (with_column.std_err < 0.3 * alone.std_err).all()
