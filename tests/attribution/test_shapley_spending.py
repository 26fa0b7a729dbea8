"""What an explanation costs, where it stops, and how it goes on."""

from __future__ import annotations

import pickle
import re
import sys
import time

import numpy as np
import pytest
from estimation.closed_form import Products
from pellucid import Attribution, BudgetError, InputError, Shapley, shapley
from rounds import rounds

EXPLAINER = sys.modules[Shapley.__module__]
METHODS = ["auto", "exact", "permutation", "regression"]

rng = np.random.default_rng(11)
BACKGROUND = rng.normal(size=(6, 5))
X = rng.normal(size=(3, 5))
MODEL = Products.random(5, terms=6, orders=(2, 4), seed=9)
MODEL_VALUES = np.stack([MODEL.values(x, BACKGROUND) for x in X])[:, :, None]


class Counted:
    def __init__(self, model):
        self.model, self.rows = model, 0

    def __call__(self, rows):
        self.rows += len(rows)
        return self.model(rows)


def two_outputs(rows):
    return np.column_stack([MODEL(rows), -rows[:, 0]])


class TestSpending:
    @pytest.mark.parametrize("method", ["permutation", "regression", "auto"])
    @pytest.mark.parametrize("draws", [1, 6, 40])
    @pytest.mark.parametrize("budget", [130, 455, 2000])
    def test_a_row_never_costs_more_than_the_budget(self, method, draws, budget):
        model = Counted(Products.random(9, terms=8, orders=(2, 3), seed=1))
        background = np.random.default_rng(2).normal(size=(draws, 9))

        result = shapley(model, background[:1] + 1.0, background=background, method=method, budget=budget)

        assert model.rows <= budget
        assert result.report.rows_used == model.rows
        assert result.report.budget == budget

    @pytest.mark.parametrize("method", METHODS)
    def test_the_report_counts_what_the_model_counted(self, method):
        model = Counted(MODEL)
        explainer = Shapley(model, BACKGROUND, method=method, budget=2000)

        first = explainer(X)
        assert sum(first.report.rows_per_row) == model.rows
        paid = model.rows
        second = explainer(X[:2])
        assert sum(second.report.rows_per_row) == model.rows - paid
        assert second.report.rows_used < first.report.rows_used

    @pytest.mark.parametrize("method", ["permutation", "regression"])
    def test_a_budget_too_small_names_one_that_works(self, method):
        with pytest.raises(BudgetError, match="background rows") as caught:
            shapley(MODEL, X[:1], background=BACKGROUND, method=method, budget=10)
        enough = int(re.search(r"use budget=([\d,]+)", str(caught.value))[1].replace(",", ""))

        model = Counted(MODEL)
        shapley(model, X[:1], background=BACKGROUND, method=method, budget=enough)
        assert model.rows <= enough

    def test_the_report_tells_the_truth(self):
        result = shapley(MODEL, X, background=BACKGROUND, method="regression", budget=400, seed=7)

        report = result.report
        assert report.method == "Shapley values by regression"
        assert (report.seed, report.budget, report.tolerance, report.link) == (7, 400, None, "identity")
        assert (report.value_function, report.background_rows) == ("marginal", 6)
        assert report.converged == ()
        assert 0 <= report.seconds_outside_model <= report.seconds
        assert report.coalitions <= 400
        assert report.model_output == "value"

    @pytest.mark.parametrize("tolerance", [None, 1e-9])
    def test_a_time_limit_returns_what_there_is(self, tolerance):
        model = Products.random(15, terms=20, orders=(2, 4), seed=1)

        def slow(rows):
            time.sleep(len(rows) * 1e-5)
            return model(rows)

        start = time.perf_counter()
        result = shapley(
            slow,
            np.ones((3, 15)),
            background=np.zeros((2, 15)),
            method="regression",
            budget=300_000,
            tolerance=tolerance,
            time_limit=0.3,
        )

        assert time.perf_counter() - start < 3.0  # 9 without a limit
        assert result.values.shape == (3, 15, 1)
        assert not any(result.report.converged)
        assert any("time limit ended the sampling of 3 of 3 rows" in warning for warning in result.report.warnings)
        assert np.abs(result.residual).max() < 1e-9

    def test_progress_is_told(self):
        told = []

        shapley(MODEL, X, background=BACKGROUND, progress=lambda *state: told.append(state))

        assert [state[:2] for state in told] == [(1, 3), (2, 3), (3, 3)]
        assert all(left >= 0 for *_, left in told)
        assert told[-1][2] == 0


class TestRefine:
    def explain(self, **more):
        return shapley(MODEL, X, background=BACKGROUND, **{"method": "regression", "budget": 150, **more})

    def test_it_goes_on_where_it_stopped(self):
        refined = self.explain().refine(300)

        np.testing.assert_allclose(refined.values, self.explain(budget=300).values, atol=1e-11)
        again = refined.refine(600)
        np.testing.assert_allclose(again.values, MODEL_VALUES, atol=1e-10)  # all coalitions are in

    def test_rows_that_stopped_at_different_stages(self):
        model = Products.random(10, terms=12, orders=(2, 4), seed=3)
        rows = np.vstack([np.full(10, 0.01), np.random.default_rng(0).normal(size=(2, 10))])
        result = shapley(
            model, rows, background=np.zeros((1, 10)) + 0.3, method="regression", tolerance=0.05, budget=900
        )

        refined = result.refine(950)

        fresh = shapley(model, rows, background=np.zeros((1, 10)) + 0.3, method="regression", budget=950)
        np.testing.assert_allclose(refined.values, fresh.values, atol=1e-10)

    @pytest.mark.parametrize("method", ["regression", "permutation"])
    def test_what_was_too_large_to_keep_is_played_again_and_counted(self, method, monkeypatch):
        monkeypatch.setattr(EXPLAINER, "KEPT_BYTES", 0)
        asked = 0

        def model(rows):
            nonlocal asked
            asked += len(rows)
            return MODEL(rows)

        result = Shapley(model, BACKGROUND, method=method, budget=150)(X)
        refined = result.refine(400)

        assert asked == sum(refined.report.rows_per_row)
        assert max(refined.report.rows_per_row) <= 400
        assert any("played again" in warning for warning in refined.report.warnings)
        with pytest.raises(BudgetError, match="refine needs a budget of at least"):
            result.refine(200)

    @pytest.mark.parametrize("method", ["regression", "permutation"])
    def test_it_can_be_refined_again_and_again(self, method):
        """Every refinement goes on from the last, and ends where one call with the whole budget does."""
        rng = np.random.default_rng(3)
        background, x = rng.normal(size=(40, 18)), rng.normal(size=(2, 18))

        def model(rows):
            return np.sin(rows).sum(axis=1) + rows[:, 0] * rows[:, 1]

        result = Shapley(model, background, method=method, budget=3000)(x)
        for budget in (5000, 9000, 24_000):
            result = result.refine(budget)
        direct = Shapley(model, background, method=method, budget=24_000)(x)

        np.testing.assert_allclose(result.values, direct.values, atol=1e-10)
        np.testing.assert_allclose(result.std_err, direct.std_err, atol=1e-10)
        assert result.report.rows_per_row == direct.report.rows_per_row

    def test_a_budget_already_spent_is_refused(self):
        with pytest.raises(BudgetError, match="refine needs a budget of at least"):
            self.explain().refine(150)
        with pytest.raises(InputError, match="budget"):
            self.explain().refine(0)

    def test_an_exact_one_stays_as_it_is(self):
        result = self.explain(method="exact", budget=None)

        np.testing.assert_array_equal(result.refine(10**6).values, result.values)

    def test_after_loading_it_says_why_not(self, tmp_path):
        result = self.explain()
        result.save(tmp_path / "saved.npz")

        loaded = Attribution.load(tmp_path / "saved.npz")

        assert loaded == result
        for copy in (loaded, pickle.loads(pickle.dumps(result)), result[0]):
            with pytest.raises(InputError, match="refine needs an attribution as its explainer returned it"):
                copy.refine(1000)

    @pytest.mark.parametrize("method", METHODS)
    def test_saving_keeps_all_bits(self, method, tmp_path):
        result = shapley(two_outputs, X, background=BACKGROUND, method=method, outputs="top:2", budget=2000)
        result.save(tmp_path / "saved")

        assert Attribution.load(tmp_path / "saved") == result


class TestOutliers:
    """One background row far from the others and a model that curves: few pairs play the row that matters most."""

    def setup_method(self):
        rng = np.random.default_rng(0)
        weights, u = np.triu(rng.normal(size=(8, 8))), rng.normal(size=(3, 8))
        self.background = rng.normal(size=(60, 8))
        self.background[-1, :5] = 12.0
        self.x = rng.normal(size=(1, 8))
        self.model = lambda rows: (
            np.einsum("ij,jk,ik->i", rows, weights, rows)
            + 20 * np.sin(rows @ u[0] * 0.5)
            + 0.3 * (rows @ u[1]) * (rows @ u[2]) * rows[:, 0]
        )
        self.truth = shapley(self.model, self.x, background=self.background, method="exact").values[0, :, 0]

    @pytest.mark.parametrize("options", [{"budget": 800}, {"tolerance": 0.2}])
    def test_intervals_cover(self, options):
        hits = []
        for seed in range(rounds(30, 60)):
            explain = Shapley(self.model, self.background, method="regression", seed=seed, **options)
            result = explain(self.x)
            low, high = result.interval(0.95)
            hits.append((low[0, :, 0] <= self.truth + 1e-9) & (self.truth - 1e-9 <= high[0, :, 0]))
        shares = np.mean(hits, axis=0)

        assert shares.mean() > 0.9
        assert shares.min() > 0.75
