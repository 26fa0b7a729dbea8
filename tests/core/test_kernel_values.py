"""Shapley values of a kernel fit against enumeration and the integral, one background row at a time."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.kernel_values import enumerated, integrated


def fit_of(d, n=80, k=2, landmarks=19, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * spread
    Y = np.column_stack([np.sin(X.sum(axis=1) * (o + 1)) for o in range(k)])
    return _core.KernelRidge(X, Y, np.arange(n) % 3, landmarks, seed), X


def values(fit, x, background, part):
    part = np.asarray(part, dtype=np.int32)
    flat = _core.kernel_values(fit, x, np.ascontiguousarray(background), part, int(part.max()) + 1)
    return flat.reshape(fit.folds, len(background), int(part.max()) + 1, -1)


def predictor(fit, fold):
    return lambda row: fit.evaluate(row[None], np.array([fold]))[0]


@pytest.mark.parametrize("d", [1, 2, 3, 6, pytest.param(9, marks=pytest.mark.large)])
def test_against_enumeration(d):
    fit, X = fit_of(d)
    part = np.arange(d)
    phi = values(fit, X[0], X[1:3], part)
    for fold in range(3):
        for b in range(2):
            expected = enumerated(predictor(fit, fold), X[0], X[1 + b], part)
            np.testing.assert_allclose(phi[fold, b], expected, rtol=0, atol=1e-10)


def test_groups_of_columns_are_one_player():
    fit, X = fit_of(7)
    part = np.array([0, 2, 1, 0, 2, 2, 3])
    phi = values(fit, X[0], X[1:2], part)
    np.testing.assert_allclose(phi[1, 0], enumerated(predictor(fit, 1), X[0], X[1], part), rtol=0, atol=1e-10)


def test_missing_values_and_parts_that_agree():
    fit, X = fit_of(6)
    x, b = X[0].copy(), X[1].copy()
    x[0], b[1], x[2], b[2] = np.nan, np.nan, np.nan, np.nan
    b[3] = x[3]
    phi = values(fit, x, b[None], np.arange(6))
    np.testing.assert_allclose(phi[0, 0], enumerated(predictor(fit, 0), x, b, np.arange(6)), rtol=0, atol=1e-10)
    np.testing.assert_array_equal(phi[:, :, 2:4], 0.0)
    np.testing.assert_array_equal(values(fit, x, x[None], np.arange(6)), 0.0)


def test_a_column_that_was_constant_is_a_null_player():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    X[:, 1] = 4.0
    fit = _core.KernelRidge(X, X[:, :1] ** 2, np.arange(50) % 2, 10, 0)
    x = np.array([1.0, 9.0, 0.5])
    phi = values(fit, x, X[:3], np.arange(3))
    np.testing.assert_array_equal(phi[:, :, 1], 0.0)
    assert (phi[:, :, 0] != 0).all()


def test_duplicated_columns_get_equal_values():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    X = np.ascontiguousarray(X[:, [0, 1, 2, 1]])
    fit = _core.KernelRidge(X, np.sin(2 * X[:, :1] * X[:, 1:2]), np.arange(60) % 2, 20, 0)
    phi = values(fit, X[0], X[1:4], np.arange(4))
    np.testing.assert_allclose(phi[:, :, 1], phi[:, :, 3], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("d", [17, 33])
def test_the_rule_is_exact_up_to_33_parts(d):
    fit, X = fit_of(d, spread=2.0)
    rate = fit.gamma / d
    z = (X - fit.centre) * fit.scale
    psi = integrated(z[0], z[1], fit.landmarks, rate, np.arange(d), nodes=40)
    a = fit.coefficients(0)
    expected = psi @ a[:19] + a[19:] * (z[0] - z[1])[:, None]
    np.testing.assert_allclose(values(fit, X[0], X[1:2], np.arange(d))[0, 0], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("d", [61, 100])
def test_beyond_33_parts_the_error_is_that_of_rounding(d):
    fit, X = fit_of(d, spread=2.0)
    rate = fit.gamma / d
    z = (X - fit.centre) * fit.scale
    psi = integrated(z[0], z[1], fit.landmarks, rate, np.arange(d), nodes=60)
    a = fit.coefficients(0)
    expected = psi @ a[:19] + a[19:] * (z[0] - z[1])[:, None]
    np.testing.assert_allclose(values(fit, X[0], X[1:2], np.arange(d))[0, 0], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("d", [5, 40, 120])
def test_values_sum_to_the_difference_of_the_predictions(d):
    fit, X = fit_of(d)
    phi = values(fit, X[0], X[1:30], np.arange(d) // 2)
    for fold in range(3):
        folds = np.full(29, fold)
        gap = fit.evaluate(X[:1], folds[:1]) - fit.evaluate(X[1:30], folds)
        np.testing.assert_allclose(phi[fold].sum(axis=1), gap, rtol=0, atol=1e-10)


def test_rows_far_from_all_landmarks():
    """Every factor underflows: only the linear part is left, and nothing divides by zero."""
    fit, X = fit_of(3)
    x = np.array([1e6, -1e6, 1e6])
    phi = values(fit, x, X[:1], np.arange(3))
    gap = fit.evaluate(x[None], np.zeros(1, dtype=np.int64)) - fit.evaluate(X[:1], np.zeros(1, dtype=np.int64))
    np.testing.assert_allclose(phi[0, 0].sum(axis=0), gap[0], rtol=1e-10)


def test_far_rows_with_many_parts_sum_too():
    """(1 - t)^99 is beyond the rule: the part that it misses is shared equally."""
    fit, X = fit_of(100)
    x = X[0] + 60.0
    phi = values(fit, x, X[1:4], np.arange(100))
    gap = fit.evaluate(x[None], np.zeros(1, dtype=np.int64)) - fit.evaluate(X[1:4], np.zeros(3, dtype=np.int64))
    np.testing.assert_allclose(phi[0].sum(axis=1), gap, rtol=0, atol=1e-9)


def test_a_row_of_the_background_does_not_depend_on_the_others():
    fit, X = fit_of(5)
    phi = values(fit, X[0], X[1:20], np.arange(5))
    for b in (0, 7, 18):
        np.testing.assert_array_equal(values(fit, X[0], X[1 + b : 2 + b], np.arange(5))[:, 0], phi[:, b])


def test_same_bits_for_any_number_of_threads():
    fit, X = fit_of(12)
    found = set()
    for threads in (1, 2, 5):
        _core.set_thread_count(threads)
        found.add(values(fit, X[0], X, np.arange(12)).tobytes())
    _core.set_thread_count(0)
    assert len(found) == 1


@pytest.mark.parametrize("n", [1, 2, 5, 16, 50])
def test_nodes_of_gauss_and_legendre(n):
    t, w = np.polynomial.legendre.leggauss(n)
    np.testing.assert_allclose(_core.gauss_legendre(n), np.column_stack([(t + 1) / 2, w / 2]), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "change",
    [
        {"x": np.zeros(3)},
        {"background": np.zeros((2, 3))},
        {"part_of_column": np.zeros(3, dtype=np.int32)},
        {"part_of_column": np.array([0, 1, 2, 4], dtype=np.int32)},
        {"part_of_column": np.array([0, 1, 2, -1], dtype=np.int32)},
        {"parts": 0},
        {"x": np.full(4, np.inf)},
        {"background": np.full((2, 4), -np.inf)},
    ],
)
def test_what_does_not_fit_is_refused(change):
    fit, _ = fit_of(4)
    good = {
        "x": np.zeros(4),
        "background": np.zeros((2, 4)),
        "part_of_column": np.arange(4, dtype=np.int32),
        "parts": 4,
    }
    _core.kernel_values(fit, **good)
    with pytest.raises(InputError):
        _core.kernel_values(fit, **{**good, **change})


def test_no_nodes_are_refused():
    with pytest.raises(InputError):
        _core.gauss_legendre(0)
