"""Trees as control variates: read as they predict, exact in their values, and worth it where a model has steps."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import InputError, Shapley
from pellucid.estimation import tree_learners, variance_reduction
from pellucid.estimation.tree_control_variate import ForestControlVariate, TreeControlVariate, rescaled
from pellucid.estimation.tree_learners import LEARNERS, Boosting, preferred_learner, trees_of
from reference.forests import forest_of, random_tree
from reference.kernel_values import enumerated

RNG = np.random.default_rng(3)
BACKGROUND, X = RNG.normal(size=(20, 8)), RNG.normal(size=(2, 8))
FEW = Boosting(trees=30, leaves=8)
over_learners = pytest.mark.parametrize("learner", [*LEARNERS])


def steps(rows):
    up = rows > 0
    return 1.0 * (up[:, 0] & up[:, 1]) - 2.0 * (up[:, 2] & ~up[:, 3] & up[:, 4]) + 0.5 * up[:, 5] + 1e6


def explain(model, *, pairs=600, seed=0, **options):
    overhead = Shapley(model, BACKGROUND, method="regression", budget=10**6)._prepare()[1].overhead
    explainer = Shapley(model, BACKGROUND, method="regression", budget=overhead + 2 * pairs, seed=seed, **options)
    return explainer(X)


def squared_error(model, choice, *, seeds=(0, 1), pairs=600):
    truth = Shapley(model, BACKGROUND, method="exact")(X).values
    found = [explain(model, control_variate=choice, seed=seed, pairs=pairs).values for seed in seeds]
    return np.mean((np.array(found) - truth) ** 2)


@over_learners
@pytest.mark.parametrize("missing", [False, True], ids=["all seen", "missing"])
def test_trees_are_read_as_they_predict(learner, missing):
    rows = RNG.normal(size=(300, 4)).round(1)
    target = np.sin(3 * rows[:, 0]) * rows[:, 1]
    if missing:
        rows[::3, 1] = np.nan
    fitted = LEARNERS[learner].fit(rows, target, FEW.for_rows(300), 0)
    asked = np.vstack([rows, [[np.nan] * 4], -rows])  # missing where nothing was as well
    np.testing.assert_allclose(trees_of(fitted).margins(asked)[:, 0], fitted.predict(asked), rtol=0, atol=1e-12)


@over_learners
def test_a_target_that_does_not_vary_is_a_constant(learner):
    fitted = TreeControlVariate(learner, FEW).fit(RNG.normal(size=(60, 3)), np.full((60, 1), 7.0), folds=FOLDS, seed=0)
    np.testing.assert_allclose(fitted.evaluate(np.zeros((1, 3)), folds=np.zeros(1, int)), 7.0, rtol=1e-12)


FOLDS = np.arange(60) % 3


@over_learners
def test_values_are_exact_for_every_fold_and_output(learner):
    rows, part = RNG.normal(size=(60, 5)), np.array([0, 1, 2, 0, 1], dtype=np.int32)
    outputs = np.column_stack([rows[:, 0] * rows[:, 1], 1e8 + np.sign(rows[:, 2])])
    fitted = TreeControlVariate(learner, FEW).fit(rows, outputs, folds=FOLDS, seed=0)
    x, background = rows[0], rows[1:3].copy()
    background[0, part == 1] = x[part == 1]
    phi = fitted.values(x, background, part_of_column=part, parts=3)
    assert phi.shape == (3, 2, 3, 2)
    for fold in range(3):
        for b in range(2):

            def s(row, fold=fold):
                return fitted.evaluate(row[None], folds=np.array([fold]))[0]

            # The constant of 1e8 takes eight digits from what is enumerated, not from the values.
            np.testing.assert_allclose(phi[fold, b], enumerated(s, x, background[b], part), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(phi[:, 0, 1], 0.0)
    assert np.abs(phi[:, :, :, 1].sum(axis=2)).max() < 3.0
    # Rows of its own fold do not change a function.
    changed = np.where((FOLDS == 1)[:, None], 0.0, outputs)
    again = TreeControlVariate(learner, FEW).fit(rows, changed, folds=FOLDS, seed=0)
    np.testing.assert_array_equal(again.values(x, background, part_of_column=part, parts=3)[1], phi[1])


@over_learners
def test_same_bits_for_any_number_of_threads(learner, monkeypatch):
    found = set()
    for threads in (1, 2):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        result = explain(steps, pairs=200, control_variate=TreeControlVariate(learner, FEW), n_threads=threads)
        found.add(result.values.tobytes() + result.std_err.tobytes())
    assert len(found) == 1


def test_many_rows_are_drawn_from(monkeypatch):
    monkeypatch.setattr("pellucid.estimation.tree_control_variate.MOST_ROWS_TO_LEARN", 40)
    seen = []

    def learner(rows, outputs, seed):
        from sklearn.tree import DecisionTreeRegressor

        seen.append(len(rows))
        return DecisionTreeRegressor(random_state=seed).fit(rows, outputs)

    rows = RNG.normal(size=(60, 3))
    TreeControlVariate(learner).fit(rows, rows, folds=FOLDS, seed=0)
    assert len(seen) == 9
    assert sum(seen[::3]) == 80


@over_learners
def test_a_model_with_steps_is_told_with_less_error(learner):
    assert squared_error(steps, TreeControlVariate(learner, FEW)) < 0.7 * squared_error(steps, None)


def test_a_learner_of_ones_own():
    def forest(rows, outputs, seed):
        from sklearn.tree import DecisionTreeRegressor

        return DecisionTreeRegressor(min_samples_leaf=5, random_state=seed).fit(rows, outputs)

    assert squared_error(steps, forest) < 0.9 * squared_error(steps, None)
    assert "(trees of forest), cross-fitted R²" in explain(steps, control_variate=forest).report.why
    with pytest.raises(InputError, match="trees that pellucid can read, got int"):
        explain(steps, control_variate=lambda rows, outputs, seed: 3)


def test_a_stack_is_as_good_as_its_better_half():
    def both(rows):
        return steps(rows) + np.tanh(rows @ np.linspace(-1, 1, 8))

    trees = TreeControlVariate("lightgbm", FEW)
    alone = [squared_error(both, choice, seeds=[0, 1]) for choice in ("kernel", trees)]
    assert squared_error(both, ["kernel", trees], seeds=[0, 1]) < 1.25 * min(alone)


def logistic_of_a_forest():
    rng = np.random.default_rng(8)
    forest = forest_of([random_tree(rng, 8, depth=4, missing=False) for _ in range(40)], 8)

    def probability(rows):
        p = 1.0 / (1.0 + np.exp(-0.1 * forest.margins(rows)[:, 0]))
        return np.column_stack([1.0 - p, p])

    return forest, probability


def test_known_trees_cost_nothing_and_take_most_of_the_noise():
    forest, probability = logistic_of_a_forest()
    known = ForestControlVariate(forest)
    assert squared_error(probability, known) < 0.4 * squared_error(probability, None)
    result = explain(probability, control_variate=known)
    assert "(the margins of trees)" in result.report.why
    np.testing.assert_allclose(result.values[:, :, 0], -result.values[:, :, 1], rtol=0, atol=1e-12)


def test_known_trees_leave_nothing_of_a_model_that_is_their_sum():
    forest, _ = logistic_of_a_forest()

    def margin(rows):
        return 3.0 - 2.0 * forest.margins(rows)[:, 0]

    assert squared_error(margin, ForestControlVariate(forest), pairs=100, seeds=[0]) < 1e-20


def test_known_trees_of_another_table_are_refused():
    forest = forest_of([random_tree(np.random.default_rng(0), 3, depth=2)], 3)
    with pytest.raises(InputError, match="a feature for each of 8 columns, got 3"):
        explain(steps, control_variate=ForestControlVariate(forest))


def test_rescaled_margins():
    forest = forest_of([random_tree(RNG, 3, depth=3) for _ in range(3)], 3, base=[1.5])
    rows = RNG.normal(size=(9, 3))
    np.testing.assert_allclose(
        rescaled(forest, centre=2.0, scale=3.0).margins(rows), 2.0 + 3.0 * forest.margins(rows), rtol=1e-12
    )


@pytest.fixture
def quick_auto(monkeypatch):
    """The choice of "auto" on a hundredth of the pairs, with small fits."""
    monkeypatch.setattr(variance_reduction, "FEWEST_PAIRS_FOR_TREES", 600)
    monkeypatch.setattr(variance_reduction, "TRIAL_PAIRS", 300)
    monkeypatch.setattr(variance_reduction, "cheap_trees", lambda *a, **k: TreeControlVariate("lightgbm", FEW))


def test_auto_takes_trees_where_a_trial_of_them_pays(quick_auto):
    assert "control variate (boosted trees of lightgbm" in explain(steps, pairs=800).report.why


def test_auto_does_not_try_trees_on_what_is_smooth(quick_auto, monkeypatch):
    monkeypatch.setattr(TreeControlVariate, "fit", None)
    monkeypatch.setattr(variance_reduction, "WELL", 0.0)  # what the kernel takes is enough

    def smooth(rows):
        return np.exp(-0.05 * (rows**2).sum(axis=1))

    assert "trees" not in explain(smooth, pairs=800).report.why


def test_auto_takes_the_kernel_beside_trees_where_its_trial_does_as_well(quick_auto, monkeypatch):
    monkeypatch.setattr(variance_reduction, "WELL", 2.0)
    monkeypatch.setattr(variance_reduction, "LEAST_GAIN", 0.05)

    def smooth(rows):
        return np.exp(-0.05 * (rows**2).sum(axis=1))

    assert "(a smooth kernel and boosted trees of" in explain(smooth, pairs=800).report.why


def test_the_preferred_learner_is_the_first_installed_one(monkeypatch):
    assert preferred_learner() == "lightgbm"
    missing = {"lightgbm"}
    real = tree_learners.find_spec
    monkeypatch.setattr(tree_learners, "find_spec", lambda name: None if name in missing else real(name))
    assert preferred_learner() == "hist"
    with pytest.raises(InputError, match="needs lightgbm, which is not installed"):
        Shapley(steps, BACKGROUND, control_variate="lightgbm")
    missing.add("sklearn")
    assert preferred_learner() is None
    assert Shapley(steps, BACKGROUND, control_variate="stack").control_variate == (variance_reduction.KERNEL,)


def test_a_learner_that_cannot_be_imported_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    with pytest.raises(InputError, match="needs lightgbm, which cannot be imported"):
        TreeControlVariate("lightgbm").fit(RNG.normal(size=(60, 3)), np.ones((60, 1)), folds=FOLDS, seed=0)


def test_what_does_not_fit_is_refused():
    rows = RNG.normal(size=(60, 3))
    with pytest.raises(InputError, match="learner must be one of 'lightgbm', 'hist' or a callable"):
        TreeControlVariate("forest")
    for variate in (
        TreeControlVariate("hist", FEW),
        ForestControlVariate(forest_of([random_tree(RNG, 3, depth=2)], 3)),
    ):
        with pytest.raises(InputError, match="at least two folds"):
            variate.fit(rows, rows, folds=np.zeros(60, dtype=int), seed=0)
    with pytest.raises(InputError, match="an entry for each of 60 rows"):
        TreeControlVariate("hist", FEW).fit(rows, rows[1:], folds=FOLDS, seed=0)
    with pytest.raises(InputError, match="1 to 4 members, got 5"):
        Shapley(steps, BACKGROUND, control_variate=["kernel"] * 5)
