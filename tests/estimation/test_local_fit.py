"""The weighted local regression against its twin, against ridge regression, and at its edges."""

import numpy as np
import pytest
from pellucid import _core
from pellucid._arguments import threads
from pellucid.errors import InputError
from pellucid.estimation.local_fit import local_fit, max_t
from reference import local_regression as twin


def problem(m=120, p=9, k=2, *, kind="binary", weights="any", e=0, e2=0, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 2, size=(m, p)).astype(np.uint8) if kind == "binary" else rng.normal(3.0, 2.0, size=(m, p))
    shared = rng.normal(size=(m, e)) + 0.3 * z[:, :1] if e else None
    own = rng.normal(size=(m, e2, k)) + 0.3 * z[:, 1:2, None] if e2 else None
    y = z @ rng.normal(size=(p, k)) + np.sin(5.0 * z[:, :1] * z[:, 1:2]) + rng.normal(size=(m, k)) * (0.2 + z[:, :1])
    y += 0.0 if shared is None else shared @ rng.normal(size=(e, k))
    y += 0.0 if own is None else own.sum(axis=1)
    w = {
        "ones": np.ones(m),
        "any": rng.exponential(size=m),
        "few": rng.choice([0.25, 1.0, 3.0], size=m),
        "some": rng.exponential(size=m) * (np.arange(m) % 5 != 2),
    }[weights]
    return z, y, w, shared, own


def compare(z, y, w, shared, own, *, pairs=False, ridge=0.0, keep=None):
    fit = local_fit(z, y, weights=w, shared=shared, own=own, pairs=pairs, ridge=ridge, keep=keep)
    parts = np.arange(z.shape[1]) if keep is None else np.array(sorted(keep))
    for o in range(y.shape[1]):
        own_o = None if own is None else own[:, :, o]
        kept = z[:, parts].astype(float)
        b, V = twin.fit(kept, y[:, o], w, shared=shared, own=own_o, ridge=ridge, pairs=pairs)
        inside = slice(1, 1 + len(parts))
        covariance = np.zeros((z.shape[1], z.shape[1]))
        covariance[np.ix_(parts, parts)] = V[inside, inside]
        coefficients = np.zeros(z.shape[1])
        coefficients[parts] = b[inside]
        near = {"rtol": 1e-10, "atol": 1e-10}
        np.testing.assert_allclose(fit.coefficients[:, o], coefficients, **near)
        np.testing.assert_allclose(fit.intercept[o], b[0], **near)
        np.testing.assert_allclose(fit.std_err[parts, o], np.sqrt(np.diag(V)[inside]), **near)
        np.testing.assert_allclose(fit.intercept_std_err[o], np.sqrt(V[0, 0]), **near)
        np.testing.assert_allclose(fit.covariance(o), covariance, **near)
        np.testing.assert_allclose(fit.r2[o], twin.r2(kept, y[:, o], w, b[0], b[inside]), **near)
    return fit


@pytest.mark.parametrize("kind", ["binary", "float"])
@pytest.mark.parametrize("weights", ["ones", "any", "few", "some"])
@pytest.mark.parametrize(("e", "e2"), [(0, 0), (4, 0), (0, 2), (5, 3)])
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("ridge", [0.0, 1.7])
def test_against_the_twin(kind, weights, e, e2, pairs, ridge):
    fit = compare(*problem(kind=kind, weights=weights, e=e, e2=e2), pairs=pairs, ridge=ridge)

    assert not fit.singular
    assert (fit.dropped, fit.fixed_rows) == ((), 0)


@pytest.mark.parametrize(("m", "p", "k"), [(40, 1, 1), (60, 8, 3), (90, 17, 1), (2100, 33, 1), (300, 3, 11)])
@pytest.mark.parametrize("kind", ["binary", "float"])
def test_other_shapes_against_the_twin(m, p, k, kind):
    compare(*(problem(m, p, k, kind=kind, seed=4) if p > 1 else one_part(m, k, kind)))


def one_part(m, k, kind):
    z, y, w, shared, own = problem(m, 2, k, kind=kind)
    return np.ascontiguousarray(z[:, :1]), y, w, shared, own


@pytest.mark.parametrize("kind", ["binary", "float"])
def test_only_the_parts_kept_are_fitted(kind):
    data = problem(kind=kind, e=2, e2=1)

    fit = compare(*data, pairs=True, keep=[7, 2, 3])

    assert np.flatnonzero(fit.coefficients[:, 0]).tolist() == [2, 3, 7]
    assert np.flatnonzero(fit.std_err[:, 1]).tolist() == [2, 3, 7]


def test_weights_by_size_and_weights_all_different_agree():
    """The counts for each distinct weight and the sums over rows are two ways to one Gram matrix."""
    z, y, w, *_ = problem(700, 20, weights="few")

    counted, summed = local_fit(z, y, weights=w), local_fit(z, y, weights=w * (1 + 1e-15 * np.arange(700)))

    np.testing.assert_allclose(counted.coefficients, summed.coefficients, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(counted.std_err, summed.std_err, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["binary", "float"])
@pytest.mark.parametrize(("m", "ridge"), [(150, 1.0), (150, 0.01), (7, 1.0)])
def test_it_is_the_ridge_of_scikit_learn(kind, m, ridge):
    linear_model = pytest.importorskip("sklearn.linear_model")
    z, y, w, *_ = problem(m, 12, kind=kind)

    peer = linear_model.Ridge(alpha=ridge, solver="cholesky").fit(z.astype(float), y, sample_weight=w)
    fit = local_fit(z, y, weights=w, ridge=ridge)

    # The dual form that scikit-learn takes where rows are few has its own rounding.
    near = 1e-10 if m > 12 else 1e-8
    np.testing.assert_allclose(fit.coefficients.T, peer.coef_, rtol=near, atol=near)
    np.testing.assert_allclose(fit.intercept, peer.intercept_, rtol=near, atol=near)
    np.testing.assert_allclose(fit.r2, [score(peer, z, y, w, o) for o in range(2)], rtol=1e-8)


def score(peer, z, y, w, output):
    metrics = pytest.importorskip("sklearn.metrics")
    return metrics.r2_score(y[:, output], peer.predict(z.astype(float))[:, output], sample_weight=w)


@pytest.mark.parametrize(("e", "e2"), [(0, 0), (3, 2)])
@pytest.mark.parametrize("ridge", [0.0, 2.0])
def test_the_normal_equations_hold(e, e2, ridge):
    z, y, w, shared, own = problem(e=e, e2=e2)
    fit = local_fit(z, y, weights=w, shared=shared, own=own, ridge=ridge)

    gram, response, total = fit.normal_equations()

    centred = z - w @ z / w.sum()
    np.testing.assert_allclose(gram, centred.T @ np.diag(w) @ centred, atol=1e-10)
    np.testing.assert_allclose((gram + ridge * np.eye(9)) @ fit.coefficients, response, atol=1e-9)
    for o in range(2):
        b, _ = twin.fit(z, y[:, o], w, shared=shared, own=None if own is None else own[:, :, o], ridge=ridge)
        adjusted = y[:, o] - twin.design(z, shared, None if own is None else own[:, :, o])[:, 10:] @ b[10:]
        adjusted = adjusted - w @ adjusted / w.sum()
        np.testing.assert_allclose(response[:, o], centred.T @ (w * adjusted), atol=1e-9)
        np.testing.assert_allclose(total[o], w @ adjusted**2, rtol=1e-10)


def test_the_error_of_a_difference_has_the_covariance():
    z, y, w, *_ = problem()
    fit = local_fit(z, y, weights=w)
    _, V = twin.fit(z, y[:, 1], w)

    expected = np.sqrt(V[3, 3] + V[5, 5] - 2 * V[3, 5])
    assert fit.difference_std_err(2, 4, 1) == pytest.approx(expected, rel=1e-10)
    assert fit.difference_std_err(4, 4) == 0.0


def test_effective_rows_and_freedom():
    z, y, w, shared, own = problem(e=3, e2=2)
    single, paired = (local_fit(z, y, weights=w, shared=shared, own=own, pairs=pairs) for pairs in (False, True))
    clusters = w.reshape(-1, 2).sum(axis=1)

    assert single.ess == paired.ess == pytest.approx(w.sum() ** 2 / (w @ w))
    assert single.freedom == pytest.approx(single.ess - 15)
    assert paired.freedom == pytest.approx(clusters.sum() ** 2 / (clusters @ clusters) - 15)


@pytest.mark.parametrize("kind", ["binary", "float"])
@pytest.mark.parametrize("pairs", [False, True])
def test_same_bits_for_any_threads(kind, pairs):
    data = problem(4500, 21, 2, kind=kind, e=3, e2=2)

    def bits(count):
        z, y, w, shared, own = data
        with threads(count):
            fit = local_fit(z, y, weights=w, shared=shared, own=own, pairs=pairs)
            found = (fit.coefficients, fit.intercept, fit.std_err, fit.r2, fit.covariance(), *fit.normal_equations())
        return [part.tobytes() for part in found]

    assert bits(1) == bits(2) == bits(5)


def test_a_column_far_from_zero_loses_nothing():
    z, y, w, *_ = problem(kind="float")
    near, far = local_fit(z, y, weights=w), local_fit(z + 2.0**20, y, weights=w)

    np.testing.assert_allclose(far.coefficients, near.coefficients, rtol=1e-8)
    np.testing.assert_allclose(far.std_err, near.std_err, rtol=1e-8)


@pytest.mark.parametrize("kind", ["binary", "float"])
def test_columns_that_do_not_vary_are_dropped(kind):
    z, y, w, *_ = problem(kind=kind, weights="some")
    z[:, 3] = 1
    z[:, 6] = w == 0.0  # varies where nothing is weighed
    fit = local_fit(z, y, weights=w)
    rest = np.delete(np.arange(9), [3, 6])
    b, V = twin.fit(z[:, rest], y[:, 0], w)

    assert fit.dropped == (3, 6)
    assert not fit.singular
    assert (fit.coefficients[[3, 6]] == 0.0).all()
    assert (fit.std_err[[3, 6]] == 0.0).all()
    np.testing.assert_allclose(fit.coefficients[rest, 0], b[1:], atol=1e-10)
    np.testing.assert_allclose(fit.std_err[rest, 0], np.sqrt(np.diag(V)[1:]), atol=1e-10)


@pytest.mark.parametrize("kind", ["binary", "float"])
def test_columns_that_are_equal_share_their_coefficient(kind):
    z, y, w, *_ = problem(kind=kind)
    single = local_fit(z, y, weights=w)
    double = local_fit(np.column_stack([z, z[:, 4]]), y, weights=w)

    assert double.singular
    assert double.dropped == ()
    shared = np.vstack([double.coefficients[:4], 2 * double.coefficients[4:5], double.coefficients[5:9]])
    np.testing.assert_allclose(double.coefficients[9], double.coefficients[4], atol=1e-9)
    np.testing.assert_allclose(shared, single.coefficients, atol=1e-9)
    np.testing.assert_allclose(double.r2, single.r2, atol=1e-9)
    np.testing.assert_allclose(2 * double.std_err[9], single.std_err[4], rtol=1e-7)
    assert double.freedom == pytest.approx(single.freedom)


def test_further_columns_that_add_nothing_change_nothing():
    z, y, w, *_ = problem()
    useless = np.column_stack([np.zeros(120), np.ones(120), z[:, 2]]).astype(float)
    plain = local_fit(z, y, weights=w)
    shared = local_fit(z, y, weights=w, shared=useless)
    own = local_fit(z, y, weights=w, own=np.repeat(useless[:, :, None], 2, axis=2))

    for fit in (shared, own):
        np.testing.assert_allclose(fit.coefficients, plain.coefficients, atol=1e-10)
        np.testing.assert_allclose(fit.std_err, plain.std_err, atol=1e-10)
        assert fit.freedom == pytest.approx(plain.freedom)


def test_a_constant_output_is_explained_by_the_intercept():
    z, y, w, *_ = problem()
    y[:, 1] = 0.1

    fit = local_fit(z, y, weights=w)

    assert (fit.coefficients[:, 1] == 0.0).all()
    assert (fit.std_err[:, 1] == 0.0).all()
    assert fit.intercept[1] == 0.1
    assert fit.r2[1] == 1.0


def test_an_exact_model_is_found():
    z, _, w, *_ = problem()
    b = np.arange(18.0).reshape(9, 2) - 7.0

    fit = local_fit(z, 5.0 + z @ b, weights=w)

    np.testing.assert_allclose(fit.coefficients, b, atol=1e-12)
    np.testing.assert_allclose(fit.r2, 1.0, atol=1e-14)
    assert (fit.std_err < 1e-12).all()


def test_a_row_that_fixes_its_residual_takes_the_noise_of_the_others():
    z, y, w, *_ = problem()
    z[:, 5] = np.arange(120) == 17
    fit = compare(z, y, w, None, None)

    assert fit.fixed_rows == 1
    assert (fit.std_err[5] > 0.1).all()
    assert compare(z, y, w, None, None, pairs=True).fixed_rows == 2


def test_without_rows_for_the_noise_there_is_no_error():
    z, y, w, *_ = problem(7, 9)
    fit = local_fit(z, y, weights=w)

    assert fit.singular
    assert fit.freedom == 0.0
    np.testing.assert_allclose(fit.intercept + z @ fit.coefficients, y, atol=1e-9)
    assert np.isnan(fit.std_err[np.setdiff1d(np.arange(9), fit.dropped)]).all()
    assert np.isnan(max_t(0.95, fit))
    assert np.isfinite(local_fit(z, y, weights=w, ridge=1.0).std_err).all()


def test_one_row_of_weight_says_its_output_alone():
    z, y, _, *_ = problem()
    w = np.zeros(120)
    w[8] = 0.3

    fit = local_fit(z, y, weights=w)

    assert (fit.coefficients == 0.0).all()
    np.testing.assert_allclose(fit.intercept, y[8], rtol=1e-15)
    assert fit.dropped == tuple(range(9))
    assert (fit.ess, fit.freedom) == (1.0, 0.0)


def broken(name, value, where=0):
    def change(arguments):
        array = arguments[name].astype(float) if name == "z" else arguments[name].copy()
        array.reshape(-1)[where] = value
        return {**arguments, name: array}

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (broken("y", np.nan), "y must be finite"),
        (broken("z", np.inf), "z must be finite"),
        (broken("shared", np.nan), "shared and own must be finite"),
        (broken("weights", np.inf), "weights must be finite"),
        (broken("weights", -1.0), "not negative"),
        (lambda a: {**a, "weights": np.zeros(120)}, "choose a larger kernel_width"),
        (lambda a: {**a, "weights": np.full(120, 1e308)}, "divide them by their largest"),
        (lambda a: {**a, "weights": np.ones(119)}, "one for each of the 120 rows"),
        (lambda a: {**a, "z": a["z"] + np.uint8(1)}, "z must hold 0 and 1"),
        (lambda a: {**a, "z": a["z"][1:]}, "z must have the 120 rows"),
        (lambda a: {**a, "z": a["z"][0]}, "z must have 2 dimensions"),
        (lambda a: {**a, "shared": a["shared"][1:]}, "shared and own must have the 120 rows"),
        (lambda a: {**a, "own": a["shared"]}, "own must be"),
        (lambda a: {**a, "keep": [9]}, "keep must list part numbers from 0 to 8"),
        (lambda a: {**a, "keep": [0.5]}, "keep must list"),
        (lambda a: {**a, "ridge": -1.0}, "ridge must be a number >= 0"),
        (lambda a: {**a, "ridge": "much"}, "ridge must be a number"),
        (lambda a: {**a, "y": np.full((120, 1), "x")}, "y must be an array of numbers"),
        (lambda a: {name: array[:1] for name, array in a.items()}, "at least 2 rows"),
        (lambda a: {**{name: array[:119] for name, array in a.items()}, "pairs": True}, "even number of rows"),
    ],
)
def test_what_is_refused(change, message):
    z, y, w, shared, _ = problem(e=1)

    with pytest.raises(InputError, match=message):
        local_fit(**change({"z": z, "y": y, "weights": w, "shared": shared}))


def test_the_intervals_cover_where_the_noise_is_unequal():
    """400 samples of y = x'b + (1 + 3 z_0) noise: 95 % intervals of 6 coefficients cover in 94 to 97 % of them."""
    rng = np.random.default_rng(1)
    m, p, repeats = 150, 6, 400
    truth = np.arange(p) - 2.0
    covered = np.zeros(p)
    together = 0
    critical = None
    for _ in range(repeats):
        z = rng.integers(0, 2, size=(m, p)).astype(np.uint8)
        w = rng.uniform(0.5, 1.5, size=m)
        fit = local_fit(z, z @ truth + (1.0 + 3.0 * z[:, 0]) * rng.normal(size=m), weights=w)
        critical = max_t(0.95, fit) if critical is None else critical
        away = np.abs(fit.coefficients[:, 0] - truth) / fit.std_err[:, 0]
        covered += away <= 1.96
        together += (away <= critical).all()

    assert 0.94 <= covered.mean() / repeats <= 0.97
    assert covered.min() / repeats >= 0.92
    # Three standard errors of 400 trials are 0.033.
    assert 0.92 <= together / repeats <= 0.985


def test_the_intervals_of_pairs_cover():
    """Complements share a noise, which cancels in the coefficients: rows taken for independent say too large errors."""
    rng = np.random.default_rng(2)
    pairs, p, repeats = 90, 5, 400
    covered = np.zeros((2, p + 1))
    for _ in range(repeats):
        half = rng.integers(0, 2, size=(pairs, p)).astype(np.uint8)
        z = np.stack([half, 1 - half], axis=1).reshape(-1, p)
        noise = np.repeat(rng.normal(size=pairs), 2) * 2.0 + rng.normal(size=2 * pairs)
        for at, paired in enumerate((True, False)):
            fit = local_fit(z, noise, pairs=paired)
            found = np.append(fit.coefficients, fit.intercept) / np.append(fit.std_err, fit.intercept_std_err)
            covered[at] += np.abs(found) <= 1.96

    rates = covered / repeats
    assert 0.93 <= rates[0].mean() <= 0.97
    assert rates[1, :p].mean() > 0.99


def test_max_t_of_independent_parts_is_the_bound():
    rng = np.random.default_rng(3)
    z = rng.integers(0, 2, size=(4000, 10)).astype(np.uint8)
    fit = local_fit(z, rng.normal(size=4000))

    bound, drawn = max_t(0.9, fit), max_t(0.9, fit, draws=20_000)

    assert bound == pytest.approx(2.55955, abs=1e-4)
    assert bound - 0.04 < drawn <= bound
    assert drawn == max_t(0.9, fit, draws=20_000)


def test_max_t_of_one_common_error_is_that_of_one_part():
    """All correlations 1: the largest of the |t| is any of them."""
    assert _core.max_normal_quantile(np.ones((5, 5)), level=0.95, draws=20_000, seed=0) == pytest.approx(1.96, abs=0.04)
    with threads(1):
        one = _core.max_normal_quantile(np.eye(5), level=0.95, draws=1000, seed=7)
    with threads(3):
        assert _core.max_normal_quantile(np.eye(5), level=0.95, draws=1000, seed=7) == one


@pytest.mark.parametrize(("level", "draws"), [(1.0, 0), (0.0, 0), ("high", 0), (0.95, 50), (0.95, 1.5)])
def test_max_t_refuses(level, draws):
    z, y, w, *_ = problem()

    with pytest.raises(InputError, match=r"level|draws"):
        max_t(level, local_fit(z, y, weights=w), draws=draws)


@pytest.mark.parametrize("index", [-1, 9, 1.0, True])
def test_a_part_is_asked_for_by_its_number(index):
    z, y, w, *_ = problem()

    with pytest.raises(InputError, match="from 0 to 8"):
        local_fit(z, y, weights=w).difference_std_err(0, index)
