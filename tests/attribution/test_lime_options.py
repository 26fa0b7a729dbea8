"""The choices of `Lime`: when it stops, what it keeps, which surrogate it fits, and what a result remembers."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from pellucid import Lime, LocalExplanation, SaveFormatError, Shapley, Words, lime
from pellucid.surrogates import FusedLasso, Lemna

rng = np.random.default_rng(0)
BACKGROUND = rng.normal(size=(200, 6))
ROWS = rng.normal(size=(2, 6))
SLOPES = np.array([4.0, -3.0, 2.0, 1.0, 0.0, 0.0])


def linear(rows):
    return rows @ SLOPES


def bumpy(rows):
    return rows @ SLOPES + np.sin(3.0 * rows[:, 0]) * rows[:, 1] + rows[:, 4] * rows[:, 5]


def two(rows):
    return np.column_stack([bumpy(rows), -rows[:, 4]])


@pytest.mark.parametrize("tolerance", [0.2, 0.05])
@pytest.mark.parametrize("kind", ["table", "text"])
def test_a_tolerance_stops_the_sampling_and_is_kept(kind, tolerance):
    if kind == "table":
        explain = {"model": bumpy, "X": ROWS[:1], "background": BACKGROUND}
    else:
        explain = {"model": lambda texts: [len(t) ** 1.3 + ("w3" in t) for t in texts], "X": Words(WORDS)}

    found = lime(tolerance=tolerance, **explain)

    assert found.report.converged == (True,)
    assert found.report.tolerance == tolerance
    spread = np.ptp(found.values[0, :, 0])
    assert 1.96 * found.std_err.max() <= tolerance * spread
    assert found.report.rows_used < 100_000
    closer = lime(tolerance=tolerance / 2.0, **explain)
    assert closer.report.rows_used >= found.report.rows_used
    assert (np.abs(closer.values - found.values) <= 2.0 * tolerance * spread).all()


WORDS = " ".join(f"w{i}" for i in range(14))


def test_a_tolerance_that_the_budget_cannot_keep_is_said():
    found = Lime(bumpy, BACKGROUND, tolerance=1e-4, budget=700)(ROWS)

    assert found.report.converged == (False, False)
    assert found.report.rows_used <= 700


def test_the_order_of_the_largest_is_settled_or_its_ties_are_named():
    settled = Lime(bumpy, BACKGROUND, settle_top=2, bins=None)(ROWS[:1])
    assert settled.report.converged == (True,)
    assert not any("not settled" in warning for warning in settled.report.warnings)
    assert [part for part, _ in settled.as_map()[0][:2]] == [0, 1]
    assert settled.report.rows_used < 5000

    tied = Lime(lambda rows: rows[:, 0] + rows[:, 1] + rows[:, 2] * rows[:, 3], BACKGROUND, settle_top=1, bins=None)
    found = tied(ROWS[:1] * 0.0)
    if not found.report.converged[0]:
        assert any("'x0' and 'x1' is not settled" in w or "'x1' and 'x0'" in w for w in found.report.warnings)

    even = Lime(lambda rows: rows[:, 0] * rows[:, 1], BACKGROUND, settle_top=3, bins=None, budget=2000)(ROWS[:1] * 0.0)
    assert even.report.converged == (False,)
    assert any("is not settled" in warning for warning in even.report.warnings)


def test_a_sampler_of_ones_own_is_asked_for_more_with_other_seeds():
    asked = []

    def drawn(count, seed):
        asked.append((count, seed))
        return np.random.default_rng(seed).normal(size=(count, 6))

    found = Lime(bumpy, BACKGROUND, bins=None, sampler=drawn, tolerance=0.01, seed=9)(ROWS[:1])

    assert len(asked) > 1
    assert len({seed for _, seed in asked}) == len(asked)
    assert sum(count for count, _ in asked) == found.report.coalitions
    assert found.report.converged == (True,)


def test_a_time_limit_ends_the_sampling_and_is_said():
    found = Lime(bumpy, BACKGROUND, time_limit=1e-9, budget=50_000)(ROWS)

    assert found.report.converged == (False, False)
    assert any("time limit ended the sampling of 2 of 2" in warning for warning in found.report.warnings)
    assert found.report.rows_used < 5000
    assert np.isfinite(found.values).all()
    in_time = Lime(bumpy, BACKGROUND, time_limit=1e4, budget=3000)(ROWS)
    assert in_time.report.converged == ()
    assert in_time.report.rows_used > 2900


@pytest.mark.parametrize("selection", ["auto", "best_subset", "forward", "lasso_path", "highest_weights"])
def test_few_features_are_kept_and_the_others_are_zero(selection):
    found = Lime(two, BACKGROUND, bins=None, max_features=3, selection=selection, budget=1500)(ROWS)

    for row in range(2):
        for output in range(2):
            kept = found.order[row, :, output] >= 0
            assert 1 <= kept.sum() <= 3
            assert (found.values[row, ~kept, output] == 0.0).all()
            assert np.isnan(found.std_err[row, ~kept, output]).all()
            assert (found.std_err[row, kept, output] > 0).all()
            assert sorted(found.order[row, kept, output]) == list(range(kept.sum()))
    assert {part for part, _ in found.as_map()[0]} == {0, 1, 2}
    assert found.as_map()[1][0][0] == 4
    assert any("chosen depends on the sample" in warning for warning in found.report.warnings)


def test_forward_selection_takes_the_largest_first():
    slopes = SLOPES[[3, 5, 1, 0, 4, 2]]
    options = {"bins": None, "around": "instance", "max_features": 4, "selection": "forward"}

    found = Lime(lambda rows: rows @ slopes, BACKGROUND, **options)(ROWS[:1])

    assert found.order[0, :, 0].tolist() == [3, -1, 1, 0, -1, 2]
    np.testing.assert_allclose(found.values[0, :, 0], slopes, rtol=0, atol=1e-9)


def test_as_list_and_as_map():
    found = Lime(two, BACKGROUND, max_features=2, output_names=["score", "other"])(ROWS)

    for row in range(2):
        by_part = found.as_map(row=row)
        assert list(by_part) == [0, 1]
        for output, name in enumerate(found.outputs):
            listed = found.as_list(row=row, output=name)
            assert listed == found.as_list(row=row, output=output)
            assert [value for _, value in listed] == [value for _, value in by_part[output]]
            assert [part for part, _ in listed] == [found.display[row, part] for part, _ in by_part[output]]
            sizes = np.abs([value for _, value in listed])
            assert len(listed) == 2
            assert (np.diff(sizes) <= 0).all()


def test_a_tree_as_the_surrogate():
    pytest.importorskip("sklearn")

    def step(rows):
        return np.where(rows[:, 0] > 0.3, 5.0, 0.0) + np.where(rows[:, 1] > 0.0, 1.0, 0.0)

    bins = {f"x{j}": [0.0, 0.3] for j in range(6)}
    rows = np.array([[1.0, 1.0, 0.0, 0.0, 0.0, 0.0]])
    found = Lime(step, BACKGROUND, bins=bins, surrogate="tree", budget=2000)(rows)

    assert type(found.surrogates[0][0]).__name__ == "DecisionTreeRegressor"
    np.testing.assert_allclose(found.local_predictions, 6.0, rtol=0, atol=1e-9)
    assert abs(found.values[0, 0, 0] - 5.0) < 1e-9  # what it loses without the part
    assert 0.3 < found.values[0, 1, 0] <= 1.0
    np.testing.assert_allclose(found.base_values + found.values.sum(axis=1), found.local_predictions, atol=1e-9)
    assert np.isnan(found.std_err).all()
    assert found.r2.min() > 0.95


def test_a_regressor_of_scikit_learn_as_the_surrogate():
    linear_model = pytest.importorskip("sklearn.linear_model")
    options = {"bins": None, "around": "instance", "budget": 1500}

    plain = Lime(two, BACKGROUND, **options, control_variate=None)(ROWS)
    same = Lime(two, BACKGROUND, **options, surrogate=linear_model.LinearRegression())(ROWS)
    sparse = Lime(linear, BACKGROUND, **options, surrogate=linear_model.Lasso(alpha=0.05))(ROWS)

    np.testing.assert_allclose(same.values, plain.values, rtol=0, atol=1e-9)
    np.testing.assert_allclose(same.base_values, plain.base_values, rtol=0, atol=1e-9)
    np.testing.assert_allclose(same.r2, plain.r2, rtol=0, atol=1e-9)
    assert (sparse.values[0, 4:, 0] == 0.0).all()
    assert np.abs(sparse.values[0, :4, 0]).min() > 0.5
    np.testing.assert_array_equal(sparse.values[0, :, 0], sparse.surrogates[0][0].coef_)


@pytest.mark.parametrize("surrogate", [FusedLasso(bound=4.0), Lemna()], ids=["fused lasso", "lemna"])
def test_the_surrogates_of_pellucid(surrogate):
    """A plateau of slopes: what the fused lasso is made for."""
    slopes = np.array([2.0, 2.0, 2.0, 0.0, 0.0, 0.0])

    found = Lime(lambda rows: rows @ slopes, BACKGROUND, bins=None, around="instance", surrogate=surrogate, budget=800)(
        ROWS[:1]
    )

    assert type(found.surrogates[0][0]) is type(surrogate)
    np.testing.assert_array_equal(found.values[0, :, 0], np.ravel(found.surrogates[0][0].coef_))
    np.testing.assert_allclose(found.values[0, :, 0], slopes, rtol=0, atol=0.2)
    assert type(surrogate).__name__ in found.report.why


@pytest.mark.parametrize(
    "options", [{}, {"max_features": 2}, {"outputs": "top:1"}, {"compat": "lime"}, {"surrogate": "tree"}], ids=str
)
def test_a_file_keeps_an_explanation(tmp_path, options):
    found = Lime(two, BACKGROUND, budget=400, **options)(ROWS)

    found.save(tmp_path / "found.npz")
    again = LocalExplanation.load(tmp_path / "found.npz")

    assert again == found
    assert again.as_list(row=1) == found.as_list(row=1)
    assert again.report.why == found.report.why
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_file_of_another_result_is_refused(tmp_path):
    Shapley(linear, BACKGROUND, budget=2000)(ROWS).save(tmp_path / "other.npz")

    with pytest.raises(SaveFormatError):
        LocalExplanation.load(tmp_path / "other.npz")


def test_an_explanation_of_a_text_and_an_exact_one_are_kept(tmp_path):
    found = Lime(lambda texts: [len(text) for text in texts])(Words("so good, so fine"))

    found.save(tmp_path / "text.npz")
    again = LocalExplanation.load(tmp_path / "text.npz")

    assert again == replace(found, canvas=again.canvas)
    assert again.std_err is None


def test_rows_of_an_explanation_are_explanations():
    found = Lime(two, BACKGROUND, budget=400)(ROWS)

    second = found[1]

    assert isinstance(second, LocalExplanation)
    assert second.values.tobytes() == found.values[1:].tobytes()
    assert second.as_list() == found.as_list(row=1)
    assert second.report.rows_per_row == found.report.rows_per_row[1:]
    assert "LIME" in repr(found)


@pytest.mark.parametrize("link", ["logit", "log"])
def test_a_link_is_applied_to_what_the_model_says(link):
    def probability(rows):
        return 1.0 / (1.0 + np.exp(-linear(rows)))

    found = Lime(probability, BACKGROUND, bins=None, around="instance", link=link, budget=400, scale=0.1)(ROWS)

    if link == "logit":
        np.testing.assert_allclose(found.values[:, :, 0], np.tile(SLOPES, (2, 1)), rtol=0, atol=1e-7)
    np.testing.assert_allclose(
        found.predictions[:, 0],
        np.log(probability(ROWS)) - (0.0 if link == "log" else np.log1p(-probability(ROWS))),
        rtol=1e-9,
    )


def test_control_columns_take_noise_off_and_leave_the_limit():
    bins = "decile"
    values = {
        control: np.array(
            [
                lime(
                    bumpy, ROWS[:1], background=BACKGROUND, bins=bins, budget=400, seed=s, control_variate=control
                ).values.ravel()
                for s in range(25)
            ]
        )
        for control in ("auto", None)
    }

    assert (values["auto"].var(axis=0) < values[None].var(axis=0)).mean() > 0.6
    gap = values["auto"].mean(axis=0) - values[None].mean(axis=0)
    assert (np.abs(gap) < 5.0 * np.sqrt(sum(v.var(axis=0) / 25 for v in values.values()))).all()
