"""When the regression uses a control variate, what that buys, and what it says of it."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import InputError, Shapley
from pellucid.estimation.control_variate import KernelControlVariate
from rounds import rounds

RNG = np.random.default_rng(3)
BACKGROUND, X = RNG.normal(size=(20, 8)), RNG.normal(size=(2, 8))
WEIGHTS = RNG.normal(size=8)


def smooth(rows):
    total = np.zeros(len(rows))
    for weight, column in zip(WEIGHTS, rows.T, strict=True):
        total += weight * column
    return np.tanh(0.5 * total) + np.sin(rows[:, 0] * rows[:, 1] * rows[:, 2])


def steps(rows):
    """Interactions of all signs, which no smooth function follows."""
    return np.prod(np.where(np.sin(40.0 * rows) > 0, 1.0, -1.0), axis=1)


def explain(model, *, pairs=600, background=BACKGROUND, seed=0, **options):
    overhead = Shapley(model, background, method="regression", budget=10**6)._prepare()[1].overhead
    explainer = Shapley(model, background, method="regression", budget=overhead + 2 * pairs, seed=seed, **options)
    return explainer(X)


def test_a_smooth_model_is_told_with_less_error():
    truth = Shapley(smooth, BACKGROUND, method="exact")(X).values

    def error(choice):
        found = [explain(smooth, control_variate=choice, seed=seed).values for seed in range(8)]
        return np.mean((np.array(found) - truth) ** 2)

    assert error("kernel") < 0.5 * error(None)
    assert error("auto") == error("kernel")


def test_auto_says_what_it_did():
    assert "with a control variate" in explain(smooth).report.why
    assert "as trees explained too little" in explain(steps, pairs=2200).report.why
    assert "control variate" not in explain(smooth, control_variate=None).report.why


def test_auto_names_the_trees_that_it_does_not_fit():
    rows = np.random.default_rng(4).normal(size=(20, 16))

    found = Shapley(steps, rows, method="regression", budget=8_000)(rows[:1])

    assert "control_variate='stack' fits trees as well" in found.report.why


def test_auto_leaves_few_rows_alone():
    assert "control variate" not in explain(smooth, pairs=60).report.why
    assert "with a control variate" in explain(smooth, pairs=60, control_variate="kernel").report.why


def test_auto_leaves_alone_what_is_precise_enough():
    result = explain(smooth, tolerance=0.5)

    assert result.report.converged == (True, True)
    assert "control variate" not in result.report.why


def test_auto_leaves_alone_what_has_no_noise():
    assert "control variate" not in explain(lambda rows: rows.sum(axis=1)).report.why


def test_what_is_enumerated_needs_none():
    result = explain(smooth, pairs=20 * 127, control_variate="kernel")

    assert "all there are" in result.report.why
    assert "control variate" not in result.report.why


@pytest.mark.parametrize("background", [BACKGROUND, BACKGROUND[:1]], ids=["20 rows", "one row"])
def test_intervals_still_cover(background):
    truth = Shapley(smooth, background, method="exact")(X).values
    pairs = 300 if len(background) > 1 else 60
    inside, claimed, errors = [], [], []
    for seed in range(rounds(50, 100)):
        result = explain(smooth, background=background, pairs=pairs, seed=seed, control_variate="kernel")
        assert "with a control variate" in result.report.why
        low, high = result.interval(0.95)
        inside.append((low <= truth) & (truth <= high))
        claimed.append(result.std_err)
        errors.append(result.values - truth)
    assert 0.92 <= np.mean(inside) <= 0.99
    assert np.mean(inside, axis=0).min() >= 0.86
    assert np.sqrt(np.square(claimed).mean() / np.square(errors).mean()) < 1.6


def test_a_control_variate_of_ones_own():
    """Any function with known values serves: here the model itself, which leaves nothing to chance."""

    class Itself:
        def fit(self, rows, outputs, *, folds, seed):
            return self

        def evaluate(self, rows, *, folds):
            return smooth(rows)[:, None]

        def values(self, x, background, *, part_of_column, parts):
            each = [Shapley(smooth, b[None], method="exact")(x[None]).values[0] for b in background]
            return np.repeat(np.array(each)[None], 5, axis=0)

    truth = Shapley(smooth, BACKGROUND, method="exact")(X).values
    result = explain(smooth, pairs=100, control_variate=Itself())

    np.testing.assert_allclose(result.values, truth, atol=1e-6)


def test_missing_values_and_groups():
    background, rows = BACKGROUND.copy(), X.copy()
    background[::3, 2], rows[0, 4] = np.nan, np.nan
    groups = {"first two": ["x0", "x1"]}

    def model(rows):
        return smooth(np.nan_to_num(rows, nan=0.3))

    truth = Shapley(model, background, method="exact", groups=groups)(rows)
    result = Shapley(model, background, method="regression", budget=1000, groups=groups, control_variate="kernel")(rows)

    assert "with a control variate" in result.report.why
    assert (np.abs(result.values - truth.values) <= 5.0 * result.std_err + 1e-9).all()


@pytest.mark.parametrize("choice", ["trees", 3, KernelControlVariate])
def test_what_is_no_control_variate_is_refused(choice):
    if choice is KernelControlVariate:
        choice = object()
    with pytest.raises(InputError, match="control_variate must be"):
        Shapley(smooth, BACKGROUND, control_variate=choice)
