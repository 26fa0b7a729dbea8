"""`order=` of explainers of models: the players it speaks of, what is refused, and what else must not change."""

import pickle

import numpy as np
import pandas as pd
import pytest
from pellucid import Attribution, PartialOrder, Shapley, shapley
from pellucid.errors import InputError
from reference.asymmetric_shapley import consistent_orders

rng = np.random.default_rng(3)
BACKGROUND, X = rng.normal(size=(6, 5)), rng.normal(size=(2, 5))
ORDER = {"x3": ["x0", "x1"], "x1": ["x4"]}


def model(rows):
    return rows[:, 0] * rows[:, 1] * rows[:, 3] + np.where(rows[:, 4] > 0, rows[:, 2] * rows[:, 3], rows[:, 1])


def brute_force(x, background, pairs, part_of_column):
    """Mean contributions over all consistent orders, for each background row by itself."""
    part_of_column = np.asarray(part_of_column)
    p = part_of_column.max() + 1
    orders = consistent_orders(p, pairs)
    values = np.zeros(p)
    for order in orders:
        known = np.zeros(p, dtype=bool)
        for i in order:
            before = model(np.where(known[part_of_column], x, background)).mean()
            known[i] = True
            values[i] += model(np.where(known[part_of_column], x, background)).mean() - before
    return values / len(orders)


def test_against_all_consistent_orders():
    result = shapley(model, X, background=BACKGROUND, order=ORDER)

    for x, values in zip(X, result.values, strict=True):
        expected = brute_force(x, BACKGROUND, {(3, 0), (3, 1), (1, 4)}, range(5))
        np.testing.assert_allclose(values[:, 0], expected, atol=1e-12)
    assert "x3 before x0, x1; x1 before x4" in result.report.why
    assert "asymmetric Shapley values" in repr(result)


def test_groups_are_ordered_as_players():
    groups = {"pair": ["x1", "x4"], "other": ["x0", "x2"]}
    result = shapley(model, X, background=BACKGROUND, groups=groups, order=[["pair"], ["x3"], ["other"]])

    assert result.parts == ("other", "pair", "x3")
    expected = brute_force(X[0], BACKGROUND, {(1, 2), (2, 0)}, [0, 1, 0, 2, 1])
    np.testing.assert_allclose(result.values[0, :, 0], expected, atol=1e-12)
    with pytest.raises(InputError, match="order must name players, got 'x1'"):
        shapley(model, X, background=BACKGROUND, groups=groups, order=[["x1"], ...])


def test_names_are_those_of_the_columns():
    names = ["age", "sex", "education", "job", "income"]
    background = pd.DataFrame(BACKGROUND, columns=names)
    by_name = shapley(
        lambda rows: model(np.asarray(rows)),
        pd.DataFrame(X, columns=names),
        background=background,
        order=[["job"], ...],
    )

    by_number = shapley(model, X, background=BACKGROUND, order=[["x3"], ...])
    np.testing.assert_allclose(by_name.values, by_number.values, atol=1e-13)


def test_an_order_of_features_that_do_not_interact_changes_nothing():
    weights = np.array([1.0, -2.0, 0.5, 3.0, 0.0])
    linear = lambda rows: rows @ weights  # noqa: E731
    plain = shapley(linear, X, background=BACKGROUND)
    ordered = shapley(linear, X, background=BACKGROUND, order=ORDER)
    np.testing.assert_allclose(ordered.values, plain.values, atol=1e-12)


def test_twins_that_the_order_does_not_tell_apart_stay_alike():
    background, rows = BACKGROUND.copy(), X.copy()
    background[:, 1], rows[:, 1] = background[:, 0], rows[:, 0]

    def alike(rows):
        return rows[:, 0] * rows[:, 1] * rows[:, 3] + rows[:, 2] * (rows[:, 0] + rows[:, 1])

    same = shapley(alike, rows, background=background, order={"x3": ["x0", "x1"], "x1": ["x4"], "x0": ["x4"]})
    apart = shapley(alike, rows, background=background, order={"x3": ["x1"]})
    np.testing.assert_allclose(same.values[:, 0], same.values[:, 1], atol=1e-13)
    assert np.abs(apart.values[:, 0] - apart.values[:, 1]).min() > 1e-3


def test_only_coalitions_that_can_arise_are_played():
    seen = []

    def counted(rows):
        seen.append(len(rows))
        return model(rows)

    result = shapley(counted, X[:1], background=BACKGROUND, order=["x4", "x3", "x2", "x1", "x0"])

    # Four coalitions between nobody and everybody, against six rows; the rest is the background, the row and the probe.
    assert result.report.coalitions == 4 * 6
    assert sum(seen) == result.report.rows_used < 4 * 6 + 6 + 1 + 3 * 7


@pytest.mark.parametrize("options", [{}, {"method": "permutation", "budget": 500}], ids=["exact", "permutation"])
def test_pickled_explainers_keep_the_order(options):
    explainer = Shapley(model, BACKGROUND, order=ORDER, **options)
    explainer(X)
    copy = pickle.loads(pickle.dumps(Shapley(_pickled, BACKGROUND, order=ORDER, **options)))
    assert copy(X).values.tobytes() == explainer(X).values.tobytes()


def _pickled(rows):
    return model(rows)


def test_results_are_saved_with_their_order(tmp_path):
    result = shapley(model, X, background=BACKGROUND, order=ORDER)
    result.save(tmp_path / "ordered.npz")
    assert Attribution.load(tmp_path / "ordered.npz").report == result.report


def test_refining_goes_on_with_the_same_orders():
    small = shapley(model, X, background=BACKGROUND, order=ORDER, method="permutation", budget=300)
    large = shapley(model, X, background=BACKGROUND, order=ORDER, method="permutation", budget=700)
    assert small.refine(700).values.tobytes() == large.values.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": [["x0"], ["x9"]]}, "order must name players, got 'x9'"),
        ({"order": {"x0": ["x1"], "x1": ["x0"]}}, "back to itself"),
        ({"order": [["x0"], ...], "method": "regression"}, "method='regression' must come without order="),
        ({"order": 5}, "order must be layers"),
    ],
)
def test_what_cannot_be_is_refused_before_the_model_is_asked(options, message):
    asked = []
    with pytest.raises(InputError, match=message):
        Shapley(asked.append, BACKGROUND, **options)
    assert not asked


def test_the_order_may_be_prepared():
    order = PartialOrder.from_edges(ORDER)
    ready, plain = (shapley(model, X, background=BACKGROUND, order=o) for o in (order, ORDER))
    assert ready.values.tobytes() == plain.values.tobytes()
