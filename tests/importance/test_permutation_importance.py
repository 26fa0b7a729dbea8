"""Permutation importance: the double sum, its expectation in closed form, its errors, and what must not show."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from pellucid import BudgetError, InputError, ModelOutputError, Space, permutation_importance
from pellucid.results import Importance
from reference.permutation_importance import importance as double_sum

WEIGHTS = np.array([2.0, -1.0, 0.5, 0.0])


def linear(rows):
    return (rows * WEIGHTS).sum(axis=1)


def interacting(rows):
    return rows[:, 0] * rows[:, 1] + np.where(rows[:, 2] > 0, rows[:, 0], 1.0)


def squared(y, prediction):
    return (y - prediction) ** 2


def data(n, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, linear(X) + noise * rng.normal(size=n)


def bits(result):
    return [getattr(result, name).tobytes() for name in ("values", "std_err", "std_err_repeats", "repeats")]


def test_every_pair_once_is_the_double_sum():
    X, y = data(9)
    found = permutation_importance(interacting, X, y, n_repeats=8)
    expected = [double_sum(interacting, X, y, [j], squared) for j in range(4)]
    np.testing.assert_allclose(found.values, expected, atol=1e-13)
    assert (found.std_err_repeats == 0).all()
    assert "every row with every other" in found.report.why
    assert bits(permutation_importance(interacting, X, y, n_repeats=100, seed=3)) == bits(found)


def test_a_sample_of_permutations_has_the_double_sum_as_its_mean():
    """200 seeds: the mean is within four of its standard errors."""
    X, y = data(12)
    exact = permutation_importance(interacting, X, y, n_repeats=11).values
    values = np.array([permutation_importance(interacting, X, y, n_repeats=2, seed=s).values for s in range(200)])
    off = np.abs(values.mean(axis=0) - exact) / np.maximum(values.std(axis=0, ddof=1) / np.sqrt(200), 1e-12)
    assert off.max() < 4.0
    assert values[:, 3].tolist() == [0.0] * 200


def test_no_row_is_its_own_donor():
    """With distinct values each row's prediction must move in every repeat."""
    X = np.arange(7.0)[:, None]
    seen = []

    def recording(rows):
        seen.append(rows[:, 0].copy())
        return rows[:, 0]

    permutation_importance(recording, X, X[:, 0], n_repeats=4, metric=lambda y, p: (y - p) ** 2)
    permuted = np.concatenate(seen)[-28:].reshape(4, 7)
    assert (permuted != X[:, 0]).all()
    assert (np.sort(permuted, axis=1) == X[:, 0]).all()


def test_a_linear_model_has_twice_the_squared_weight_times_the_variance():
    """Independent features, noise of y included: E = 2 w^2 var; 150 samples, within four standard errors."""
    values = np.array([permutation_importance(linear, *data(30, seed=s), n_repeats=3).values for s in range(150)])
    error = values.std(axis=0, ddof=1) / np.sqrt(150)
    np.testing.assert_array_less(np.abs(values.mean(axis=0) - 2 * WEIGHTS**2), 4 * error + 1e-12)


@pytest.mark.parametrize("n_repeats", [1, 2, 10])
def test_intervals_over_rows_cover_the_importance_of_the_population(n_repeats):
    """Squares are skew, so a t interval from 60 rows holds the truth in somewhat fewer than 95 % of 200 samples."""
    truth, covered, values, errors = 2 * WEIGHTS[:3] ** 2, np.zeros(3), [], []
    for seed in range(200):
        found = permutation_importance(linear, *data(60, seed=seed), n_repeats=n_repeats, seed=seed)
        low, high = (end[:3] for end in found.interval())
        covered += (low <= truth) & (truth <= high)
        values.append(found.values[:3])
        errors.append(found.std_err[:3])
    shares = covered / 200
    assert 0.88 <= shares.mean() <= 0.97
    assert shares.min() >= 0.86
    ratio = np.sqrt(np.mean(np.square(errors), axis=0)) / np.std(values, axis=0, ddof=1)
    assert ((ratio > 0.9) & (ratio < 1.15)).all()


def test_the_error_over_rows_is_the_jackknife_where_every_pair_is_played():
    X, y = data(12)
    found = permutation_importance(interacting, X, y, n_repeats=11)
    left_out = np.array(
        [
            [double_sum(interacting, np.delete(X, i, 0), np.delete(y, i), [j], squared) for j in range(4)]
            for i in range(12)
        ]
    )
    # The importance is a double sum less a mean: the jackknife of the double sum is what the formula gives exactly.
    jackknife = np.sqrt(11 / 12 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(found.std_err, jackknife * 2.200985160 / 1.959963984540054, rtol=0.02, atol=1e-12)


def test_intervals_over_repeats_cover_the_importance_of_these_rows():
    X, y = data(25, seed=5)
    exact = permutation_importance(linear, X, y, n_repeats=24).values[:3]
    covered = np.zeros(3)
    for seed in range(200):
        low, high = permutation_importance(linear, X, y, n_repeats=5, seed=seed).interval(over="repeats")
        covered += (low[:3] <= exact) & (exact <= high[:3])
    assert 0.90 <= covered.mean() / 200 <= 0.985
    assert covered.min() / 200 >= 0.88


def test_groups_move_together():
    X, y = data(8)
    groups = {"pair": ["x0", "x2"]}
    found = permutation_importance(interacting, X, y, groups=groups, n_repeats=7)
    assert found.parts == ("pair", "x1", "x3")
    assert found.values[0] == pytest.approx(double_sum(interacting, X, y, [0, 2], squared))
    assert permutation_importance(interacting, X, y, space=Space.infer(X, groups=groups), n_repeats=7) == found


@pytest.mark.parametrize(
    "more",
    [{"n_threads": 2}, {"batch_bytes": 1}, {"batch_bytes": 700}, {"batch_bytes": 2**28}, {"concurrency": 3}],
    ids=str,
)
def test_threads_and_batches_do_not_show(more):
    X, y = data(23)
    assert bits(permutation_importance(interacting, X, y, seed=4, **more)) == bits(
        permutation_importance(interacting, X, y, seed=4)
    )


def test_other_features_do_not_show():
    """A part is permuted by the same donors, whatever other parts there are."""
    X, y = data(23)
    wide = np.column_stack([X, X[:, 0]])
    assert (
        bits(permutation_importance(lambda r: interacting(r[:, :4]), wide, y))[0][:32]
        == bits(permutation_importance(interacting, X, y))[0]
    )


def test_seeds_name_different_permutations_and_the_global_state_is_left_alone():
    X, y = data(23)
    results = {permutation_importance(linear, X, y, seed=seed, n_repeats=2).values.tobytes() for seed in (0, 1, 2**63)}
    assert len(results) == 3
    np.random.seed(1)  # noqa: NPY002
    permutation_importance(linear, X, y)
    after = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert after == np.random.random()  # noqa: NPY002


def test_nothing_of_the_user_is_written():
    X, y = data(11)
    before = X.copy(), y.copy()

    def greedy(rows):
        result = linear(rows)
        rows[:] = np.nan
        return result

    def greedy_metric(y, p):
        losses = (y - p) ** 2
        y[:] = np.nan
        p[:] = np.nan
        return losses

    found = permutation_importance(greedy, X, y, metric=greedy_metric)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert bits(found) == bits(permutation_importance(linear, X, y))


def test_increases_of_rows():
    X, y = data(15)
    found = permutation_importance(linear, X, y, keep_rows=True)
    np.testing.assert_allclose(found.increases.mean(axis=0), found.values)
    assert found.increases.shape == (15, 4)
    np.testing.assert_allclose(found.repeats.mean(axis=0), found.values)
    np.testing.assert_allclose(found.ratios, 1 + found.values / found.baseline)
    assert found.baseline == pytest.approx(((y - linear(X)) ** 2).mean())
    assert permutation_importance(linear, X, y).increases is None


def test_what_is_paid():
    X, y = data(50)
    rows = []

    def counted(block):
        rows.append(len(block))
        return linear(block)

    found = permutation_importance(counted, X, y, budget=1000)
    assert len(found.repeats) == (1000 - 50 - 48) // 200
    assert sum(rows) <= 1000
    assert sum(rows) == round(found.report.rows_used * 50)
    with pytest.raises(BudgetError, match=r"takes 298 model rows"):
        permutation_importance(linear, X, y, budget=297)


def test_one_permutation_is_honest_about_what_it_does_not_know():
    X, y = data(40)
    found = permutation_importance(linear, X, y, n_repeats=1)
    assert np.isnan(found.std_err_repeats).all()
    assert np.isfinite(found.std_err).all()
    assert any("one permutation" in warning for warning in found.report.warnings)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"n_repeats": 0}, "n_repeats must be"),
        ({"n_repeats": 2.0}, "n_repeats must be"),
        ({"n_repeats": True}, "n_repeats must be"),
        ({"n_repeats": 2, "budget": 999}, "give one of them"),
        ({"budget": 0}, "budget must be"),
        ({"metric": "r2"}, "metric must be one of"),
        ({"metric": None}, "metric must be one of"),
        ({"metric": lambda y, p: [1.0, 2.0]}, "one number, or one for each"),
        ({"metric": lambda y, p: "good"}, "one number, or one for each"),
        ({"metric": lambda y, p: np.nan}, "finite numbers"),
        ({"seed": -1}, "seed must be"),
        ({"progress": 3}, "progress must be"),
        ({"groups": {"g": ["no"]}}, "groups"),
    ],
)
def test_arguments_that_are_none(more, says):
    X, y = data(6)
    with pytest.raises(InputError, match=says):
        permutation_importance(linear, X, y, **more)


def test_data_that_does_not_fit():
    X, y = data(6)
    for wrong, says in [(y[:5], "one target for each of the 6 rows"), (3.0, "one target"), (["a"] * 6, "numbers")]:
        with pytest.raises(InputError, match=says):
            permutation_importance(linear, X, wrong)
    with pytest.raises(InputError, match="missing values"):
        permutation_importance(linear, X, np.where(y > 0, np.nan, y))
    with pytest.raises(InputError, match="missing values"):
        permutation_importance(linear, X, [None, *y[1:]])
    with pytest.raises(InputError, match="at least two rows"):
        permutation_importance(linear, X[:1], y[:1])
    with pytest.raises(ModelOutputError):
        permutation_importance(lambda rows: rows[:, 0] * np.nan, X, y)
    with pytest.raises(InputError, match="shape of the predictions"):
        permutation_importance(lambda rows: rows[:, :2], X, y)


def test_two_outputs_and_column_targets():
    X, y = data(10)
    both = permutation_importance(lambda rows: rows[:, :2], X, X[:, :2])
    np.testing.assert_allclose(both.values[0], permutation_importance(lambda r: r[:, 0], X, X[:, 0]).values[0] / 2)
    assert permutation_importance(linear, X, y[:, None]) == permutation_importance(linear, X, y)


def test_frames_and_categories():
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "c": pd.Categorical(["a", "b", "a", "b"])})
    y = [1.0, 12.0, 3.0, 14.0]

    def model(rows):
        return np.asarray(rows["x"]) + 10 * (np.asarray(rows["c"]) == "b")

    found = permutation_importance(model, frame, pd.Series(y), n_repeats=3)
    assert found.parts == ("x", "c")
    assert found.values[1] == pytest.approx(100 * 8 / 12)  # of 12 ordered pairs 8 have different letters
    polars = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "c": ["a", "b", "a", "b"]})
    assert permutation_importance(model, polars, pl.Series(y), n_repeats=3).values.tolist() == found.values.tolist()


def test_saved_and_loaded(tmp_path):
    X, y = data(15)
    for more in ({}, {"keep_rows": True}, {"metric": lambda y, p: float(np.mean((y - p) ** 2))}):
        found = permutation_importance(linear, X, y, **more)
        found.save(tmp_path / "i.npz")
        assert Importance.load(tmp_path / "i.npz") == found
        copy = pickle.loads(pickle.dumps(found))
        assert copy == found
        assert not copy.values.flags.writeable


def test_tables():
    X, y = data(40)
    found = permutation_importance(linear, X, y)
    assert "increase of squared_error" in str(found)
    assert "± standard error over rows" in str(found)
    assert repr(found) == str(found).splitlines()[0]
    assert found.top(2)[0].part == "x0"
    frame = found.to_frame()
    assert ", ".join(frame.columns) == "part, importance, std_err, low, high, std_err_repeats, ratio"
    assert frame["low"].tolist() == found.interval()[0].tolist()
    whole = permutation_importance(linear, X, y, metric=lambda y, p: float(np.mean((y - p) ** 2)))
    assert "over repeats" in str(whole)
    assert np.isnan(whole.interval()[0]).all()
    assert np.isfinite(whole.interval(over="repeats")[0]).all()
    with pytest.raises(InputError, match="over must be"):
        whole.interval(over="columns")


def test_what_does_not_fit_a_result_is_refused():
    X, y = data(15)
    found = permutation_importance(linear, X, y)
    for name, value in [
        ("values", found.values * np.nan),
        ("std_err", -found.std_err - 1),
        ("std_err", found.std_err[:2]),
        ("repeats", found.values),
        ("parts", ("a",)),
        ("n_rows", -1),
        ("increases", np.zeros((3, 4))),
        ("metric", 3),
        ("report", None),
    ]:
        with pytest.raises(InputError):
            replace(found, **{name: value})
