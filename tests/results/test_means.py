"""Mean |values|: intervals over rows, the lift by noise, cohorts by a part, differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.results import Attribution
from pellucid.results.moments import folding_lift

# Two-sided 95 % quantiles of Student's t, Abramowitz and Stegun, table 26.10.
T = {1: 12.706, 4: 2.776, 9: 2.262}


def exact(values, **more):
    return Attribution.from_array(values, std_err=None, **more)


def test_the_interval_is_that_of_student():
    values = np.array([0.5, -1.0, 2.0, -0.25, 1.25])
    low, high = exact(values[:, None]).mean_abs().interval()

    sizes = np.abs(values)
    reach = T[4] * sizes.std(ddof=1) / math.sqrt(5)
    assert high[0, 0, 0] == pytest.approx(sizes.mean() + reach, rel=1e-3)
    assert low[0, 0, 0] == pytest.approx(sizes.mean() - reach, rel=1e-3)
    assert exact(values[:, None]).mean_abs().bias_bound.ravel() == [0.0]


def test_other_levels():
    means = exact(np.arange(1.0, 11.0)[:, None]).mean_abs()
    widths = [float((high - low).item()) for low, high in (means.interval(level) for level in (0.5, 0.9, 0.99))]

    # 0.703, 1.833 and 3.250 for nine degrees of freedom
    np.testing.assert_allclose(np.array(widths) / widths[1], [0.703 / 1.833, 1.0, 3.250 / 1.833], rtol=2e-3)
    for level in (0, 1, 95, True, "0.95"):
        with pytest.raises(InputError, match="level"):
            means.interval(level)


@pytest.mark.parametrize("n", [5, 40])
def test_the_interval_covers_the_mean_of_the_population(n):
    """|N(0, 1)| has the mean sqrt(2 / pi); 400 samples, the share has a standard error of 0.011."""
    rng = np.random.default_rng(1)
    truth = math.sqrt(2 / math.pi)
    covered = 0
    for _ in range(400):
        low, high = exact(rng.normal(size=(n, 1))).mean_abs().interval()
        covered += low.item() <= truth <= high.item()

    assert 0.90 <= covered / 400 <= 0.985


@pytest.mark.parametrize("size", [0.0, 0.3, 1.0, 2.0, 4.0])
def test_noise_lifts_the_mean_by_no_more_than_the_bound(size):
    """Against the closed form of the folded normal distribution; equal at zero."""
    x = size + np.random.default_rng(2).normal(size=(200_000, 1))

    folded = math.sqrt(2 / math.pi) * math.exp(-size * size / 2) + size * math.erf(size / math.sqrt(2))
    bound = folding_lift(x, np.ones_like(x)).mean()
    assert bound >= folded - size - 0.004
    if size == 0.0:
        assert bound == pytest.approx(folded, abs=0.004)
    if size == 4.0:
        assert bound < 0.02


def test_the_bound_is_unknown_where_the_errors_are():
    assert np.isnan(folding_lift(np.ones(3), np.array([0.1, np.nan, 0.1]))).tolist() == [False, True, False]
    assert folding_lift(np.ones(3), None).tolist() == [0.0] * 3
    assert folding_lift(np.zeros(3), np.zeros(3)).tolist() == [0.0] * 3
    means = Attribution.from_array([[1.0], [2.0]]).mean_abs()
    assert np.isnan(means.bias_bound).all()
    assert np.isfinite(means.interval()[0]).all()


def test_a_part_without_effect_is_not_called_important():
    noise = 0.1 * np.random.default_rng(3).normal(size=(500, 1))
    means = Attribution.from_array(noise, std_err=0.1).mean_abs()

    assert means.values.item() > 20 * means.std_err.item()
    assert means.interval()[0].item() < 0.005


@pytest.mark.parametrize("n", [5, 40])
def test_intervals_cover_through_the_noise(n):
    """Parts of size 0, 1 and 10 beside noise of 1; 300 samples, the share has a standard error of 0.013."""
    size = np.array([0.0, 1.0, 10.0])
    truth, covered = size * math.sqrt(2 / math.pi), np.zeros(3)
    for seed in range(300):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(n, 3)) * size + rng.normal(size=(n, 3))
        low, high = Attribution.from_array(values, std_err=1.0).mean_abs().interval()
        covered += (low.ravel() <= truth) & (truth <= high.ravel())

    assert (covered / 300).min() >= 0.90
    # Nothing lies below 0, so only one end can miss the part of size 0.
    assert covered[0] / 300 >= 0.945


def test_cohorts_by_a_part_of_numbers():
    data = np.array([[3.0], [1.0], [4.0], [1.0], [5.0], [9.0], [2.0], [6.0], [np.nan]])
    a = exact(np.arange(9.0)[:, None], parts=["age"], data=data)

    means = a.by("age", bins=3)
    assert means.labels == ("1 to 2", "3 to 5", "6 to 9", "missing")
    assert means.counts.tolist() == [3, 3, 2, 1]
    assert means["3 to 5"][0].item() == pytest.approx((0 + 2 + 4) / 3)
    assert a.by("age", bins=7).labels == ("1", "2", "3", "4", "5", "6", "9", "missing")
    close = exact(np.ones((3, 1)), parts=["x"], data=[[1.00001], [1.00002], [1.00003]])
    assert close.by("x").labels == ("1.00001", "1.00002", "1.00003")


def test_cohorts_by_a_part_of_words():
    words = np.array([["red"], ["blue"], ["green"], ["red"]])
    a = exact(np.ones((4, 1)), parts=["colour"], data=[[2.0], [0.0], [1.0], [2.0]], display=words)
    assert a.by("colour", bins=1).labels == ("blue", "green", "red")
    group = exact(np.ones((4, 1)), parts=["colour"], data=np.full((4, 1), np.nan), display=words)
    assert group.by("colour").counts.tolist() == [1, 1, 2]


def test_cohorts_that_are_none():
    a = exact(np.ones((2, 1)), parts=["age"])
    for by, says in [("sex", "by must be one of"), ("age", "neither data nor display"), (3, "one label for each")]:
        with pytest.raises(InputError, match=says):
            a.by(by)
    with pytest.raises(InputError, match="bins"):
        exact(np.ones((2, 1)), parts=["age"], data=np.ones((2, 1))).by("age", bins=0)
    with pytest.raises(InputError, match="hashable"):
        a.by([[1], [2]])


def test_the_difference_is_welch_s():
    """The worked formula; equal sizes and variances give 2 (m - 1) degrees of freedom."""
    first, second = np.array([1.0, 2.0, 4.0]), np.array([3.0, 3.5, 9.0, 9.5, 12.0])
    means = exact(np.concatenate([first, second])[:, None]).by([0] * 3 + [1] * 5)
    difference = means.difference(0, 1)

    one, two = first.var(ddof=1) / 3, second.var(ddof=1) / 5
    freedom = (one + two) ** 2 / (one**2 / 2 + two**2 / 4)
    assert difference.values.item() == pytest.approx(first.mean() - second.mean())
    assert difference.freedom.item() == pytest.approx(freedom)
    assert 5 <= freedom < 6
    low, high = difference.interval()
    assert (high - low).item() == pytest.approx(2 * 2.5706 * math.sqrt(one + two), rel=1e-3)
    other = means.difference(1, 0)
    np.testing.assert_allclose(other.values, -difference.values)
    np.testing.assert_allclose(other.std_err, difference.std_err)


def test_noise_can_lift_either_side_of_a_difference():
    a = Attribution.from_array(np.array([[0.1], [0.0], [1.0], [1.2]]), std_err=[[0.5], [0.5], [0.0], [0.0]])
    means = a.by([0, 0, 1, 1])
    noisy, sharp = means.difference(0, 1), means.difference(1, 0)
    assert means.bias_bound[0].item() > 0.4
    np.testing.assert_allclose(noisy.interval(), [-end for end in sharp.interval()[::-1]])
    plain = exact(a.values).by([0, 0, 1, 1]).difference(0, 1).interval()
    assert noisy.interval()[1] == plain[1]
    assert noisy.interval()[0] < plain[0] - 0.4


def test_differences_without_spread_and_of_single_rows():
    means = exact(np.array([[1.0], [1.0], [2.0], [2.0], [5.0]])).by([0, 0, 1, 1, 2])
    low, high = means.difference(0, 1).interval()
    assert low.item() == high.item() == -1.0
    assert np.isnan(means.difference(0, 2).interval()[0]).all()
    assert np.isnan(means.difference(0, 2).std_err).all()


def test_tables():
    a = exact(np.array([[1.0, 0.1], [3.0, -0.1], [0.0, 0.3]]), parts=["age", "in\u202ecome"], outputs=["score"])
    means = a.by(["young", "young", "old"])
    assert str(means).splitlines()[2].split("  ")[0] == "mean |contribution| to score"
    assert "young (2 rows)" in str(means)
    assert "\u202e" not in str(means)
    frame = means.to_frame()
    names = "cohort, rows, output, part, mean_abs, std_err, low, high, bias_bound"
    assert ", ".join(frame.columns) == names
    assert len(frame) == 4
    assert frame["mean_abs"].tolist() == [2.0, 0.1, 0.0, 0.3]
    assert frame["std_err"].isna().tolist() == [False, False, True, True]
    difference = means.difference("young", "old").to_frame(backend="pyarrow")
    assert difference.column_names == ["output", "part", "difference", "std_err", "low", "high"]
    assert means.top(1, cohort="old")[0].part == "in\u202ecome"
    assert means.difference("young", "old").top(1)[0].value == 2.0
    assert means.top(1)[0].part == "age"
