"""Partial dependence: closed forms, the curves of rows, errors that cover, and what must not show."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from pellucid import BudgetError, InputError, ModelOutputError, partial_dependence
from pellucid.results import PartialDependence
from reference.partial_dependence import curve

rng = np.random.default_rng(3)
X = rng.normal(size=(23, 4))
WEIGHTS = rng.gamma(2.0, size=23)


def additive(rows):
    return 2.0 * rows[:, 0] + np.sin(rows[:, 1]) - rows[:, 2] ** 2


def product(rows):
    return rows[:, 0] * rows[:, 1] + rows[:, 2]


def two_outputs(rows):
    return np.column_stack([additive(rows), product(rows) * rows[:, 3]])


def bits(effect):
    arrays = [effect.values, effect.std_err, effect.std_err_centred]
    return [array.tobytes() for array in (arrays if effect.curves is None else [*arrays, effect.curves])]


def test_curves_are_those_of_the_plain_loop():
    effect = partial_dependence(product, X, features=1, grid_size=7)
    expected = curve(product, X, 1, effect.grids[0])
    np.testing.assert_allclose(effect.curves[:, :, 0], expected, atol=1e-15)
    np.testing.assert_allclose(effect.values[:, 0], expected.mean(axis=0), atol=1e-14)
    t22 = 2.0738730679  # Student's, 22 degrees of freedom
    low, high = effect.interval()
    np.testing.assert_allclose(high - low, 2 * t22 * expected.std(axis=0, ddof=1)[:, None] / np.sqrt(23), rtol=1e-6)


def test_an_additive_model_shows_its_own_terms():
    effect = partial_dependence(additive, X, features="x1").centred()
    grid = effect.grids[0]
    np.testing.assert_allclose(effect.values[:, 0], np.sin(grid) - np.sin(grid[0]), atol=1e-14)
    np.testing.assert_allclose(effect.curves[:, :, 0], np.tile(effect.values[:, 0], (23, 1)), atol=1e-14)
    # The curves are parallel, so the form is known without error though the level is not.
    assert effect.std_err.max() < 1e-14
    assert partial_dependence(additive, X, features="x1").std_err.min() > 0.1


def test_the_curves_of_a_product_have_the_other_factor_as_their_slope():
    effect = partial_dependence(product, X, features="x0")
    slopes = np.diff(effect.curves[:, :, 0], axis=1) / np.diff(effect.grids[0])
    np.testing.assert_allclose(slopes, np.tile(X[:, [1]], slopes.shape[1]), atol=1e-9)
    mean = effect.centred()
    np.testing.assert_allclose(mean.values[:, 0], X[:, 1].mean() * (mean.grids[0] - mean.grids[0][0]), atol=1e-14)
    far = mean.std_err[-1, 0] / (mean.grids[0][-1] - mean.grids[0][0])
    assert far == pytest.approx(X[:, 1].std(ddof=1) / np.sqrt(23) * 2.0738730679 / 1.959963984540054, rel=1e-6)


def test_a_surface_of_two_features():
    effect = partial_dependence(product, X, features=("x1", "x0"), grid_size=5)
    assert effect.values.shape == (5, 5, 1)
    expected = effect.grids[0][:, None] * effect.grids[1] + X[:, 2].mean()
    np.testing.assert_allclose(effect.values[:, :, 0], expected, atol=1e-14)
    np.testing.assert_allclose(effect.centred().values[:, :, 0], expected - expected[0, 0], atol=1e-14)
    assert effect.curves is None
    assert effect.centred().std_err.max() < 1e-14


def test_all_features_of_the_model_at_once():
    effect = partial_dependence(lambda rows: rows[:, 0] ** 2, X[:, :1], features="x0", grid=[0.0, 1.0])
    np.testing.assert_allclose(effect.values.ravel(), [0.0, 1.0], atol=1e-15)
    np.testing.assert_allclose(effect.std_err.ravel(), [0.0, 0.0], atol=1e-15)


@pytest.mark.parametrize("n", [6, 50])
def test_the_intervals_cover_the_effect_in_the_population(n):
    """E[x0 g + x1^2] = 1 at every g, for standard normal features; 200 samples at three points."""
    covered = np.zeros(3)
    for seed in range(200):
        rows = np.random.default_rng(seed).normal(size=(n, 3))
        effect = partial_dependence(
            lambda r: r[:, 0] * r[:, 2] + r[:, 1], rows, features="x2", grid=[-1.0, 0.5, 3.0], extrapolate=True
        )
        low, high = effect.interval()
        covered += (low <= 0).ravel() & (high >= 0).ravel()
    assert 0.92 <= covered.mean() / 200 <= 0.98
    assert covered.min() / 200 >= 0.9


def test_weights():
    effect = partial_dependence(product, X, features=0, grid_size=4, weights=WEIGHTS)
    share = WEIGHTS / WEIGHTS.sum()
    np.testing.assert_allclose(effect.values[:, 0], share @ effect.curves[:, :, 0], atol=1e-14)
    assert effect.freedom == np.floor(1 / (share**2).sum()) - 1
    some = np.where(np.arange(23) % 2, 1.0, 0.0)
    part = partial_dependence(product, X, features=0, grid=[0.0, 0.5], weights=some)
    assert part.rows.tolist() == list(range(1, 23, 2))
    np.testing.assert_array_equal(part.values, partial_dependence(product, X[1::2], features=0, grid=[0.0, 0.5]).values)
    for wrong in (WEIGHTS[:5], -WEIGHTS, 0 * WEIGHTS, "heavy"):
        with pytest.raises(InputError, match="weights"):
            partial_dependence(product, X, features=0, weights=wrong)


def test_grids_of_numbers_are_values_of_the_data():
    many = rng.normal(size=(500, 1))
    grid = partial_dependence(lambda r: r[:, 0], many, features=0, grid_size=11).grids[0]
    assert np.isin(grid, many).all()
    assert (grid[0], grid[-1]) == (many.min(), many.max())
    assert len(grid) == 11
    assert grid[5] == np.sort(many[:, 0])[249]
    few = np.array([[3.0], [1.0], [1.0], [2.0]])
    assert partial_dependence(lambda r: r[:, 0], few, features=0).grids[0].tolist() == [1.0, 2.0, 3.0]
    skewed = np.where(np.arange(500) < 400, 0.0, np.arange(500.0))[:, None]
    grid = partial_dependence(lambda r: r[:, 0], skewed, features=0, grid_size=11).grids[0]
    assert (np.diff(grid) > 0).all()
    assert len(grid) < 11


def test_given_grids():
    effect = partial_dependence(product, X, features="x0", grid=[0.5, -0.5, 0.5])
    assert effect.grids[0].tolist() == [-0.5, 0.5]
    both = partial_dependence(product, X, features=["x0", "x1"], grid={"x1": [0.0]}, grid_size=3)
    assert [len(grid) for grid in both.grids] == [3, 1]
    with pytest.raises(InputError, match=r"stay within the data, got 99"):
        partial_dependence(product, X, features="x0", grid=[0.0, 99.0])
    assert partial_dependence(product, X, features="x0", grid=[99.0], extrapolate=True).grids[0].tolist() == [99.0]
    for grid, says in [
        ([], "at least one value"),
        ("low", "sequence"),
        (3.0, "sequence"),
        ({"x3": [1.0]}, "must name the features"),
        ([[1.0]], "must hold numbers, text"),
        (np.ones((1, 1)), "sequence of values"),
        (["a"], "grid must be numeric"),
        ([np.nan], "got missing"),
    ]:
        with pytest.raises(InputError, match=says):
            partial_dependence(product, X, features="x0", grid=grid)
    with pytest.raises(InputError, match="dict of feature"):
        partial_dependence(product, X, features=["x0", "x1"], grid=[0.0])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"features": "x9"}, "features must be one of"),
        ({"features": ["x0", "x0"]}, "two different parts"),
        ({"features": ["x0", "x1", "x2"]}, "one part or two"),
        ({"features": []}, "one part or two"),
        ({"features": 1.5}, "features must be"),
        ({"grid_size": 1}, "grid_size"),
        ({"grid_size": True}, "grid_size"),
        ({"curves": -1}, "curves must be"),
        ({"curves": 2.0}, "curves must be"),
        ({"outputs": "predicted"}, "differs from row to row"),
        ({"outputs": 7}, "out of range"),
        ({"budget": 0}, "budget must be"),
        ({"link": "probit"}, "link must be"),
        ({"groups": {"both": ["x0", "x1"]}, "features": "both"}, "group 'both'"),
    ],
)
def test_arguments_that_are_none(more, says):
    with pytest.raises(InputError, match=says):
        partial_dependence(product, X, **{"features": "x0", **more})


def test_bad_models_and_no_rows():
    with pytest.raises(ModelOutputError):
        partial_dependence(lambda rows: np.full(len(rows), np.nan), X, features=0)
    with pytest.raises(InputError, match="at least one row"):
        partial_dependence(product, X[:0], features=0)
    with pytest.raises(InputError, match="no value in X"):
        partial_dependence(product, np.full((3, 4), np.nan), features=("x0", "x1"))
    single = partial_dependence(product, X[:1], features=0)
    assert np.isnan(single.std_err).all()


def test_a_budget_refuses_what_it_does_not_pay_for():
    rows = []

    def counted(block):
        rows.append(len(block))
        return product(block)

    effect = partial_dependence(counted, X, features=0, grid_size=5, budget=5 * 23 + 48)
    assert sum(rows) == 5 * 23 + 32 == round(effect.report.rows_used * 23)
    with pytest.raises(BudgetError, match="takes up to 163 model rows"):
        partial_dependence(counted, X, features=0, grid_size=5, budget=5 * 23 + 47)


@pytest.mark.parametrize("features", ["x0", ("x0", "x3")])
@pytest.mark.parametrize(
    "more",
    [{"n_threads": 2}, {"batch_bytes": 1}, {"batch_bytes": 800}, {"batch_bytes": 2**28}, {"concurrency": 3}],
    ids=str,
)
def test_threads_and_batches_do_not_show(features, more):
    plain = partial_dependence(two_outputs, X, features=features, grid_size=6, weights=WEIGHTS)
    assert bits(partial_dependence(two_outputs, X, features=features, grid_size=6, weights=WEIGHTS, **more)) == bits(
        plain
    )


def test_other_points_do_not_show():
    alone = partial_dependence(two_outputs, X, features="x0", grid=[0.25])
    among = partial_dependence(two_outputs, X, features="x0", grid=[-0.5, 0.25, 0.5])
    assert alone.values[0].tobytes() == among.values[1].tobytes()
    assert alone.std_err[0].tobytes() == among.std_err[1].tobytes()


def test_nothing_of_the_user_is_written():
    rows, weights = X.copy(), WEIGHTS.copy()

    def greedy(block):
        result = product(block)
        block[:] = np.nan
        return result

    effect = partial_dependence(greedy, rows, features=0, weights=weights)
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(weights, WEIGHTS)
    assert bits(effect) == bits(partial_dependence(product, X, features=0, weights=WEIGHTS))


def test_outputs_and_links():
    both = partial_dependence(two_outputs, X, features=0, output_names=["a", "b"])
    one = partial_dependence(two_outputs, X, features=0, output_names=["a", "b"], outputs="b")
    assert one.outputs == ("b",)
    np.testing.assert_array_equal(one.values[:, 0], both.values[:, 1])
    logit = partial_dependence(lambda r: 1 / (1 + np.exp(-r[:, 0])), X, features=0, link="logit")
    np.testing.assert_allclose(logit.values[:, 0], logit.grids[0], atol=1e-12)


def test_which_rows_keep_their_curves():
    assert partial_dependence(product, X, features=0, curves=0).curves is None
    some = partial_dependence(product, X, features=0, curves=5)
    assert some.rows.tolist() == [0, 4, 9, 13, 18]
    full = partial_dependence(product, X, features=0, curves=None)
    np.testing.assert_array_equal(some.curves, full.curves[some.rows])
    np.testing.assert_array_equal(some.values, full.values)


def test_saved_and_loaded(tmp_path):
    effects = [
        partial_dependence(two_outputs, X, features=0),
        partial_dependence(two_outputs, X, features=0, curves=0).centred(),
        partial_dependence(two_outputs, X, features=("x0", "x1"), grid_size=3),
    ]
    for effect in effects:
        effect.save(tmp_path / "p.npz")
        assert PartialDependence.load(tmp_path / "p.npz") == effect
        copy = pickle.loads(pickle.dumps(effect))
        assert copy == effect
        assert not copy.grids[0].flags.writeable
    assert effects[0] != effects[1]
    assert effects[0] != effects[0].centred()
    assert effects[1].centred() is effects[1]


def test_tables():
    effect = partial_dependence(two_outputs, X, features=0)
    assert repr(effect) == str(effect).splitlines()[0]
    assert "and 9 more points" in str(effect)
    frame = effect.to_frame()
    assert ", ".join(frame.columns) == "output, value, grid, mean, std_err, low, high"
    assert len(frame) == 2 * 23
    np.testing.assert_array_equal(frame["mean"], effect.values.T.ravel())
    surface = partial_dependence(product, X, features=(0, 1), grid_size=3).to_frame(backend="polars")
    assert surface.columns[1:5] == ["value", "grid", "value_2", "grid_2"]
    assert len(surface) == 9


def test_what_does_not_fit_a_result_is_refused():
    effect = partial_dependence(product, X, features=0)
    for name, value in [
        ("values", effect.values * np.nan),
        ("values", effect.values[:3]),
        ("std_err", -effect.std_err - 1),
        ("grids", ()),
        ("grids", (np.zeros((2, 2)),)),
        ("labels", (("a",),)),
        ("features", ("a", "b", "c")),
        ("curves", effect.curves[:2]),
        ("rows", np.zeros(2)),
        ("data", np.zeros((3, 2))),
        ("is_centred", 1),
        ("report", None),
    ]:
        with pytest.raises(InputError):
            replace(effect, **{name: value})
