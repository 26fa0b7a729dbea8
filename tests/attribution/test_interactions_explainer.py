"""The explainer of interactions: what it promises of models, tables and options."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from pellucid import BudgetError, Interactions, Shapley, ShapleyInteractions, Space, interactions
from pellucid.errors import InputError

RNG = np.random.default_rng(7)
BACKGROUND = RNG.normal(size=(5, 6))
X = RNG.normal(size=(2, 6))


def model(rows):
    """Interactions of up to four features; x5 does nothing."""
    return (
        rows[:, 0] * rows[:, 1] - 2.0 * rows[:, 2] * rows[:, 3] * rows[:, 4] + np.where(rows[:, 0] > 0, rows[:, 2], 0.1)
    )


def test_products_have_the_index_of_the_formula():
    """f = x0 x1: I_01 is the mean of (x0 - b0) (x1 - b1) for every background row."""
    found = interactions(lambda rows: rows[:, 0] * rows[:, 1] + rows[:, 2], X, background=BACKGROUND)

    expected = ((X[:, None, 0] - BACKGROUND[:, 0]) * (X[:, None, 1] - BACKGROUND[:, 1])).mean(axis=1)
    np.testing.assert_allclose(found.index[:, 0, 1, 0], expected, rtol=1e-12)
    np.testing.assert_allclose(found.values[:, 2, 2, 0], X[:, 2] - BACKGROUND[:, 2].mean(), rtol=1e-12)
    assert found.std_err is None
    assert found.report.method == "exact Shapley interactions"


def test_the_shapley_values_are_those_of_the_same_run():
    options = {"method": "regression", "budget": 150, "seed": 3}

    found = ShapleyInteractions(model, BACKGROUND, **options)(X)
    alone = Shapley(model, BACKGROUND, **options)(X)

    np.testing.assert_allclose(found.shapley.values, alone.values, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.shapley.std_err, alone.std_err)
    assert found.report.rows_per_row == alone.report.rows_per_row
    assert found.shapley.report.method == alone.report.method == "Shapley values by regression"
    assert found.report.method == "Shapley interactions by regression"


def test_the_rows_paid_for_are_those_of_the_report():
    rows = []

    def counted(block):
        rows.append(len(block))
        return model(block)

    found = interactions(counted, X, background=BACKGROUND, method="regression", budget=150)

    assert sum(rows) == round(found.report.rows_used * 2)
    assert found.report.rows_used <= 150


def test_a_function_and_a_prepared_explainer_agree():
    explain = ShapleyInteractions(model, BACKGROUND, method="regression", budget=150)

    together = explain(X)

    assert interactions(model, X, background=BACKGROUND, method="regression", budget=150).values.tobytes() == (
        together.values.tobytes()
    )
    assert "5 rows, 6 players" in repr(explain)
    assert len(explain(X[:0])) == 0
    assert isinstance(explain(X[:0]), Interactions)


def test_tolerance_by_default_and_when_asked():
    found = interactions(model, X, background=BACKGROUND, method="regression")
    rough = interactions(model, X, background=BACKGROUND, method="regression", tolerance=0.5)

    assert found.report.tolerance == 0.15
    assert all(found.report.converged)
    assert rough.report.rows_used <= found.report.rows_used
    spread = np.maximum(found.values, 0.0).max() - np.minimum(found.values, 0.0).min()
    off = ~np.eye(6, dtype=bool)
    assert found.std_err[:, off].max() <= 0.15 * spread


def test_a_time_limit_ends_the_sampling():
    found = interactions(model, X, background=BACKGROUND, time_limit=1e-6)

    assert found.report.converged == (False, False)
    assert any("time limit" in warning for warning in found.report.warnings)
    assert np.isfinite(found.std_err).any()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "permutation"}, InputError, "'permutation'.*use method='regression'"),
        ({"method": "kernel"}, InputError, "method must be one of"),
        ({"budget": 5}, BudgetError, "too small"),
        ({"tolerance": -1.0}, InputError, "tolerance"),
        ({"background": None}, InputError, "background is missing"),
    ],
)
def test_what_cannot_be_done_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        interactions(model, X, **{"background": BACKGROUND, **options})


def test_groups_outputs_weights_and_frames():
    pd = pytest.importorskip("pandas")
    names = list("abcdef")
    background, rows = pd.DataFrame(BACKGROUND, columns=names), pd.DataFrame(X, columns=names)
    groups = {"first": ["a", "f"]}

    found = interactions(
        lambda table: np.column_stack([model(table.to_numpy()), -model(table.to_numpy())]),
        rows,
        background=background,
        background_weights=[1, 2, 3, 4, 5],
        space=Space.infer(background, groups=groups),
        outputs="top:1",
        output_names=["up", "down"],
    )

    assert found.parts == ("first", "b", "c", "d", "e")
    assert found.values.shape == (2, 5, 5, 1)
    assert found.selected is not None
    assert found.display[0, 0].startswith("a=")
    np.testing.assert_allclose(found.residual, 0.0, atol=1e-12)


def test_one_feature_and_two():
    one = interactions(lambda rows: rows[:, 0] ** 2, np.ones((1, 1)), background=np.zeros((1, 1)))
    two = interactions(
        lambda rows: rows.prod(axis=1), np.ones((1, 2)), background=np.zeros((3, 2)), method="regression"
    )

    assert one.values.tolist() == [[[[1.0]]]]
    assert one.top() == []
    assert "Interactions(1 row, 1 part" in str(one)
    np.testing.assert_allclose(two.values[0, :, :, 0], [[0.0, 0.5], [0.5, 0.0]], atol=1e-12)


def test_pickles_work_on():
    explain = ShapleyInteractions(model, BACKGROUND, method="regression", budget=150)
    expected = explain(X)

    assert pickle.loads(pickle.dumps(explain))(X).values.tobytes() == expected.values.tobytes()
