"""Cross-fitted kernel ridge against its twin, and what it must do with odd columns."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.kernel_ridge import features, fit, standardise


def problem(n=120, d=4, k=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.arange(1, d + 1) + 5
    waves = np.sin(standardise(X, X) @ rng.normal(size=(d, k))) + 0.1 * rng.normal(size=(n, k))
    return X, waves * 10.0 ** np.arange(k) - 3, rng.permutation(n) % 4


def fitted(X, Y, folds, landmarks=20, seed=1):
    return _core.KernelRidge(X, Y, folds, landmarks, seed)


def check_against_twin(X, Y, folds, landmarks=20):
    fast = fitted(X, Y, folds, landmarks)
    gamma, lams, fits = fit(X, Y, folds, fast.landmarks)
    assert fast.gamma == gamma
    np.testing.assert_allclose(fast.ridge, lams, rtol=1e-12)
    varying = max(1, int((fast.scale > 0).sum()))
    F = features(standardise(X, X), fast.landmarks, gamma / varying)
    expected = np.array([F[i] @ fits[fold][0] + fits[fold][1] for i, fold in enumerate(np.maximum(folds, 0))])
    np.testing.assert_allclose(fast.evaluate(X, np.maximum(folds, 0)), expected, rtol=0, atol=1e-6 * Y.std())
    return fast


@pytest.mark.parametrize(("n", "d", "k", "landmarks"), [(120, 4, 2, 20), (60, 1, 1, 5), (90, 13, 3, 33), (40, 3, 1, 1)])
def test_against_the_twin(n, d, k, landmarks):
    check_against_twin(*problem(n, d, k), landmarks)


def test_landmarks_are_rows_and_the_seed_names_them():
    X, Y, folds = problem()
    C = fitted(X, Y, folds).landmarks
    assert C.shape == (20, 4)
    assert all((np.abs(standardise(X, X) - c).max(axis=1) < 1e-12).any() for c in C)
    assert len(np.unique(C, axis=0)) == 20
    np.testing.assert_array_equal(C, fitted(X, Y, folds).landmarks)
    assert not np.array_equal(C, fitted(X, Y, folds, seed=2).landmarks)


def test_more_landmarks_than_rows_takes_every_row():
    X, Y, folds = problem(n=30)
    fast = check_against_twin(X, Y, folds, landmarks=400)
    np.testing.assert_allclose(fast.landmarks, standardise(X, X), atol=1e-12)


def test_missing_values_count_as_the_mean_of_their_column():
    X, Y, folds = problem()
    X[::3, 1] = np.nan
    X[5] = np.nan
    fast = check_against_twin(X, Y, folds)
    means = np.nanmean(X, axis=0)
    np.testing.assert_allclose(
        fast.evaluate(X[5:6], np.zeros(1, dtype=np.int64)), fast.evaluate(means[None], np.zeros(1, dtype=np.int64))
    )


def test_constant_and_empty_columns_are_left_out():
    X, Y, folds = problem(d=3)
    empty, huge = np.full(len(X), np.nan), 1e200 * X[:, 0]  # squares of the last are beyond the doubles
    wide = np.ascontiguousarray(np.column_stack([X[:, 0], np.full(len(X), 0.1), X[:, 1:], empty, huge]))
    fast, narrow = fitted(wide, Y, folds), fitted(X, Y, folds)
    np.testing.assert_array_equal(fast.scale[[1, 4, 5]], 0.0)
    np.testing.assert_allclose(fast.evaluate(wide, folds), narrow.evaluate(X, folds), rtol=0, atol=1e-9)
    moved = wide.copy()
    moved[:, [1, 4]] = 7.0
    np.testing.assert_array_equal(fast.evaluate(moved, folds), fast.evaluate(wide, folds))


def test_nothing_varies():
    fast = fitted(np.ones((8, 2)), np.full((8, 1), 3.0), np.arange(8) % 2)
    np.testing.assert_allclose(fast.evaluate(np.zeros((1, 2)), np.zeros(1, dtype=np.int64)), 3.0)


def test_duplicated_columns_and_rows():
    X, Y, folds = problem(n=60)
    X = np.ascontiguousarray(np.hstack([X, X]))
    X, Y, folds = np.vstack([X, X]), np.vstack([Y, Y]), np.concatenate([folds, folds])
    fast = fitted(X, Y, folds, landmarks=100)
    assert np.isfinite(fast.evaluate(X, folds)).all()
    a = fast.coefficients(0)
    np.testing.assert_allclose(a[-8:-4], a[-4:], rtol=1e-5, atol=1e-8)


def test_the_fit_of_a_fold_has_not_seen_it():
    X, Y, folds = problem()
    changed = Y.copy()
    changed[folds == 2] += 1e-9 * np.random.default_rng(5).normal(size=changed[folds == 2].shape)
    before, after = fitted(X, Y, folds), fitted(X, changed, folds)
    np.testing.assert_array_equal(before.ridge, after.ridge)
    of = folds == 2
    # Sums and differences in another order: rounding, where seeing the outputs would show 1e-9.
    np.testing.assert_allclose(before.evaluate(X[of], folds[of]), after.evaluate(X[of], folds[of]), rtol=0, atol=1e-10)
    outside = np.zeros(of.sum(), dtype=np.int64)
    assert np.abs(before.evaluate(X[of], outside) - after.evaluate(X[of], outside)).max() > 1e-10


def test_rows_of_no_fold_are_in_every_fit():
    X, Y, folds = problem()
    folds[:10] = -1
    check_against_twin(X, Y, folds)


def test_outputs_of_any_size():
    X, Y, folds = problem(k=1)
    Y = (Y - Y.mean()) / Y.std()
    expected = fitted(X, Y, folds).evaluate(X, folds)
    for size in (1e-150, 1e150):
        np.testing.assert_allclose(fitted(X, Y * size, folds).evaluate(X, folds) / size, expected, atol=1e-7)
    np.testing.assert_allclose(fitted(X, Y + 1e6, folds).evaluate(X, folds) - 1e6, expected, atol=1e-4)


def test_of_many_rows_some_are_drawn():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(20_100, 2))
    fast = fitted(X, X[:, :1] ** 2, np.arange(len(X)) % 2, landmarks=30)
    predicted = fast.evaluate(X, np.arange(len(X)) % 2)[:, 0]
    assert np.mean((predicted - X[:, 0] ** 2) ** 2) < 0.01 * np.var(X[:, 0] ** 2)


def test_same_bits_for_any_number_of_threads():
    X, Y, folds = problem(n=700, d=9, k=3)
    found = set()
    for threads in (1, 2, 5):
        _core.set_thread_count(threads)
        fast = fitted(X, Y, folds, landmarks=90)
        found.add(fast.evaluate(X, folds).tobytes() + b"".join(fast.coefficients(f).tobytes() for f in range(4)))
    _core.set_thread_count(0)
    assert len(found) == 1


def test_predictions_do_not_depend_on_the_other_rows():
    X, Y, folds = problem()
    fast = fitted(X, Y, folds)
    whole = fast.evaluate(X, folds)
    for i in (0, 50, 119):
        np.testing.assert_array_equal(fast.evaluate(X[i : i + 1], folds[i : i + 1])[0], whole[i])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"outputs": np.zeros((11, 1))}, "a row for each"),
        ({"outputs": np.zeros((12, 0))}, "at least one column"),
        ({"outputs": np.full((12, 1), np.nan)}, "outputs must be finite"),
        ({"folds": np.zeros(11, dtype=np.int64)}, "a row for each"),
        ({"folds": np.zeros(12, dtype=np.int64)}, "2 to 64 folds"),
        ({"folds": np.arange(12) - 2}, "2 to 64 folds"),
        ({"folds": np.arange(12) * 90}, "2 to 64 folds"),
        ({"folds": np.ones(12, dtype=np.int64)}, "outside each fold"),
        ({"rows": np.full((12, 2), np.inf)}, "infinity"),
        ({"rows": np.zeros((12, 0))}, "at least one row"),
        ({"landmarks": 0}, "landmarks must be at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(change, match):
    good = {
        "rows": np.random.default_rng(0).normal(size=(12, 2)),
        "outputs": np.zeros((12, 1)),
        "folds": np.arange(12) % 2,
        "landmarks": 3,
        "seed": 0,
    }
    _core.KernelRidge(**good)
    with pytest.raises(InputError, match=match):
        _core.KernelRidge(**{**good, **change})


@pytest.mark.parametrize(
    ("rows", "folds"),
    [
        (np.zeros((2, 3)), [0, 1]),
        (np.zeros((2, 4)), [0]),
        (np.zeros((2, 4)), [-1, 0]),
        (np.zeros((2, 4)), [0, 4]),
        (np.full((1, 4), np.inf), [0]),
    ],
)
def test_rows_to_evaluate_that_do_not_fit_are_refused(rows, folds):
    fast = fitted(*problem())
    with pytest.raises(InputError):
        fast.evaluate(rows, np.array(folds))
