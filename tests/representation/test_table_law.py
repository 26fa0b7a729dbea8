"""The neighbourhood of a row of a table: laws, z, additive columns, and the edges of what can come."""

import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from pellucid import _core
from pellucid.errors import InputError
from pellucid.representation import column_store
from pellucid.representation.table_law import TableLaw
from pellucid.space import Space
from reference.neighbourhood import tilted
from scipy.stats import kstest, truncnorm

N = 4096


def mixed(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, rows),
            "sex": rng.choice(["female", "male"], rows, p=[0.7, 0.3]),
            "dose": np.where(rng.random(rows) < 0.2, np.nan, rng.exponential(2.0, rows)),
            "visits": rng.poisson(3, rows),
            "smokes": rng.random(rows) < 0.4,
            "red": 0,
            "green": 0,
            "site": 7.0,
        }
    )
    colour = rng.integers(0, 3, rows)
    frame["red"], frame["green"] = (colour == 0).astype(int), (colour == 1).astype(int)
    space = Space.infer(frame, one_hot={"colour": ["red", "green"]})
    return space.encode(frame), space


def numbers(rows=150, d=4, seed=0):
    codes = np.random.default_rng(seed).normal(size=(rows, d)) * np.arange(1, d + 1)
    return codes, Space.infer(codes)


@pytest.mark.parametrize("nu", [None, 0.4, math.inf])
@pytest.mark.parametrize("continuous", ["gaussian", "uniform", "rows"])
def test_parts_are_one_as_often_as_they_should(continuous, nu):
    codes, space = mixed()
    around = TableLaw.learn(codes, space, continuous=continuous).around(codes[3], kernel_width=nu)
    z, drawn, weights = around.draw(0, 0, N)
    assert (z.dtype, drawn.shape, weights) == (np.uint8, (N, space.d), None)
    assert np.abs(z.mean(axis=0) - around.measure).max() <= 2 / N
    np.testing.assert_array_equal(around.z_of(drawn), z)
    assert (around.z_of(codes[3:4]) == 1).all()
    assert around.measure[space.parts.index("site")] == 1.0


def test_labels_say_what_a_part_means():
    codes, space = mixed()
    x = codes[3].copy()
    x[0], x[2], x[5], x[6] = -5.0, np.nan, 0.0, 0.0
    labels = TableLaw.learn(codes, space, bins={"age": [18, 65.5], "visits": [2, 4]}).around(x).labels
    visits = {0: "visits <= 2", 1: "2 < visits <= 4", 2: "visits > 4"}[int(np.searchsorted([2, 4], x[3]))]
    sex, smokes = space.features[1].categories[int(x[1])], str(bool(x[4]))
    expected = ("age <= 18", f"sex = {sex}", "dose missing", visits, f"smokes = {smokes}", "colour = none", "site = 7")
    assert labels == expected
    x[0], x[6] = 20.0, 1.0
    labels = TableLaw.learn(codes, space, bins={"age": [18, 65.5]}).around(x).labels
    assert (labels[0], labels[5]) == ("18 < age <= 65.5", "colour = green")


@pytest.mark.parametrize("nu", [0.3, 1.0])
def test_the_tilted_product_is_the_weighted_law(nu):
    """Every combination of cells: prod q = prod p * weight / its sum, and so are the means of any function."""
    codes, space = mixed()
    law = TableLaw.learn(codes[:, :4], Space(space.features[:4], space.container))
    around = law.around(codes[3, :4], kernel_width=nu)
    cells = [law.laws[j].masses for j in range(4)]
    homes = [law.laws[j].cell_of(codes[3, j]) for j in range(4)]
    base, product = np.ones(1), np.ones(1)
    differ = np.zeros(1)
    for p, home, part in zip(cells, homes, around.laws, strict=True):
        base = np.outer(base, p).ravel()
        product = np.outer(product, part.masses).ravel()
        differ = np.add.outer(differ, (np.arange(len(p)) != home).astype(float)).ravel()
        np.testing.assert_allclose(part.masses, tilted(p, home, nu), atol=1e-15)
    weighted = base * np.exp(-differ / (2 * nu**2))
    np.testing.assert_allclose(product, weighted / weighted.sum(), rtol=1e-12, atol=1e-15)


def test_without_absorbing_the_weights_are_the_kernels():
    codes, space = mixed()
    around = TableLaw.learn(codes, space).around(codes[3], kernel_width=0.8)
    z, drawn, weights = around.draw(2, 0, N, absorbed=False)
    np.testing.assert_array_equal(z, around.z_of(drawn))
    np.testing.assert_allclose(weights, np.exp(-(z == 0).sum(axis=1) / (2 * 0.8**2)), rtol=1e-13)
    frequencies = TableLaw.learn(codes, space).around(codes[3], kernel_width=math.inf).measure
    assert np.abs(z.mean(axis=0) - frequencies).max() <= 2 / N
    assert np.abs(weights @ z / weights.sum() - around.measure).max() < 0.02


def test_bins_hold_normal_laws_cut_at_their_edges():
    codes, space = numbers(d=1)
    values, edges = codes[:, 0], [-0.5, 0.7]
    around = TableLaw.learn(codes, space, bins={"x0": edges}).around(codes[0], kernel_width=math.inf)
    drawn = around.draw(1, 0, N).codes[:, 0]
    bounds = [values.min(), *edges, values.max()]
    for low, high in pairwise(bounds):
        members = values[(values > low) & (values <= high)] if low > bounds[0] else values[values <= high]
        own = drawn[(drawn > low) & (drawn <= high)] if low > bounds[0] else drawn[drawn <= high]
        assert abs(len(own) / N - len(members) / len(values)) <= 2 / N
        law = truncnorm((low - members.mean()) / members.std(), (high - members.mean()) / members.std())
        distance = kstest((own - members.mean()) / members.std(), law.cdf).statistic
        assert distance < 2.5 / len(own)  # a stratified sample: the distance of a random one is sqrt(n) times larger


def test_bins_hold_a_uniform_law_or_the_values_of_training():
    codes, space = numbers(d=1)
    values = codes[:, 0]
    weights = np.random.default_rng(1).random(len(values))
    for continuous in ("uniform", "rows"):
        law = TableLaw.learn(codes, space, bins={"x0": [0.0]}, continuous=continuous, weights=weights)
        drawn = law.around(codes[0], kernel_width=math.inf).draw(1, 0, N).codes[:, 0]
        share = weights[values <= 0].sum() / weights.sum()
        assert abs((drawn <= 0).mean() - share) <= 2 / N
        if continuous == "uniform":
            for low, high in ((values.min(), 0.0), (0.0, values.max())):
                own = np.sort(drawn[(drawn > low) & (drawn <= high)])
                assert kstest((own - low) / (high - low), "uniform").statistic < 2.5 / len(own)
        else:
            counts = [(drawn == value).mean() for value in values]
            np.testing.assert_allclose(counts, weights / weights.sum(), atol=2.1 / N)


def test_whole_numbers_stay_whole_and_in_their_bin():
    values = np.array([[0], [1], [2], [3], [4], [7], [8], [20]])
    space = Space.infer(values, names=["visits"])
    for continuous in ("gaussian", "uniform", "rows"):
        law = TableLaw.learn(space.encode(values), space, continuous=continuous, bins={"visits": [0.5, 3.6, 7]})
        for x in (0.0, 2.0, 5.0, 9.0):
            around = law.around([x])
            z, drawn, _ = around.draw(0, 0, 500)
            assert (drawn == np.rint(drawn)).all()
            np.testing.assert_array_equal(z, around.z_of(drawn))
            assert 0 <= drawn.min() <= drawn.max() <= 20


def test_categories_as_often_as_seen_or_equally_often():
    codes, space = mixed()
    sex = space.names.index("sex")
    female = (codes[:, sex] == 0).mean()
    for categorical, share in (("observed", female), ("uniform", 0.5)):
        law = TableLaw.learn(codes, space, categorical=categorical)
        drawn = law.around(codes[3], kernel_width=math.inf).draw(0, 0, N).codes
        assert abs((drawn[:, sex] == 0).mean() - share) <= 2 / N
    hot = law.around(codes[3], kernel_width=math.inf).draw(0, 0, N).codes[:, 5:7]
    assert (hot.sum(axis=1) <= 1).all()
    np.testing.assert_allclose(hot.mean(axis=0), 1 / 3, atol=2 / N)


@pytest.mark.parametrize("continuous", ["gaussian", "uniform", "rows"])
def test_additive_columns_are_orthonormal_to_one_and_z(continuous):
    codes, space = mixed()
    around = TableLaw.learn(codes, space, continuous=continuous).around(codes[3], kernel_width=0.6)
    n = 2**15
    z, drawn, _ = around.draw(0, 0, n)
    extra = around.extra(0, 0, n, planned=n)
    e = len(around.columns)
    assert around.columns == (0, 2, 3)
    assert extra.shape == (n, 2 * e)
    for i, j in enumerate(around.columns):
        h = extra[:, [i, e + i]]
        assert np.abs(h.mean(axis=0)).max() < 0.02
        assert np.abs(z[:, j] @ h / n).max() < 0.02
        np.testing.assert_allclose(h.T @ h / n, np.eye(2), atol=0.05)
        column = drawn[:, space.names.index(space.parts[j])]
        s = np.where(np.isnan(column), np.nanmean(codes[:, space.names.index(space.parts[j])]), column)
        design = np.column_stack([np.ones(n), z[:, j], s, s**2])
        residual = h - design @ np.linalg.lstsq(design, h, rcond=None)[0]
        assert np.abs(residual).max() < 1e-6


def test_how_many_additive_columns():
    codes, space = numbers()
    around = TableLaw.learn(codes, space).around(codes[0])
    counts = {n: around.extra(0, 0, 10, planned=n).shape[1] for n in (24, 25, 48, 49)}
    assert counts == {24: 0, 25: 4, 48: 4, 49: 8}
    both = around.extra(0, 0, 10, planned=49)
    np.testing.assert_array_equal(around.extra(0, 0, 10, planned=25), both[:, :4])
    np.testing.assert_array_equal(around.extra(0, 4, 3, planned=49), both[4:7])
    assert TableLaw.learn(codes, space, bins=None).around(codes[0]).extra(0, 0, 10, planned=5000).shape == (10, 0)


@pytest.mark.parametrize("bins", ["quartile", None])
def test_rows_are_the_same_however_they_are_asked_for(bins, monkeypatch):
    codes, space = mixed()
    codes[:, 2] = np.nan_to_num(codes[:, 2])
    law = TableLaw.learn(codes, space, bins=bins)
    around = law.around(codes[3])
    whole, extra = around.draw(5, 0, 1000), around.extra(5, 0, 1000, planned=1000)
    for threads in (1, 3):
        _core.set_thread_count(threads)
        fresh = TableLaw.learn(codes, space, bins=bins)
        for first, count in ((0, 0), (17, 400), (999, 1)):
            part = fresh.around(codes[3]).draw(5, first, count)
            np.testing.assert_array_equal(part.codes, whole.codes[first : first + count])
            np.testing.assert_array_equal(part.z, whole.z[first : first + count])
    _core.set_thread_count(0)
    assert (around.draw(6, 0, 1000).codes != whole.codes).any()
    monkeypatch.setattr(column_store, "STORE_BYTES", 0)
    small = pickle.loads(pickle.dumps(law))
    for i in (7, 3, 9, 3):
        sample, columns = (
            small.around(codes[i]).draw(5, 0, 1000),
            small.around(codes[i]).extra(5, 0, 1000, planned=1000),
        )
        if i == 3:
            np.testing.assert_array_equal(sample.codes, whole.codes)
            np.testing.assert_array_equal(sample.z, whole.z)
            np.testing.assert_array_equal(columns, extra)


def test_threads_may_share_a_law(monkeypatch):
    monkeypatch.setattr(column_store, "STORE_BYTES", 0)
    codes, space = numbers()
    law = TableLaw.learn(codes, space)
    alone = [TableLaw.learn(codes, space).around(row).draw(0, 0, 300).codes for row in codes[:40]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda row: law.around(row).draw(0, 0, 300).codes, codes[:40]))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_training_never_showed_counts_as_one_more_row():
    codes, space = mixed()
    seen = codes[codes[:, 1] == 0]
    seen = np.where(np.isnan(seen), 1.0, seen)
    x = np.array(codes[codes[:, 1] == 1][0])
    x[0], x[2] = 500.0, np.nan
    for continuous in ("gaussian", "rows"):
        law = TableLaw.learn(seen, space, bins={"age": [100.0]}, continuous=continuous)
        around = law.around(x, kernel_width=math.inf)
        np.testing.assert_allclose(around.measure[:3], 1 / (len(seen) + 1), rtol=1e-12)
        assert around.labels[:3] == ("age > 100", "sex = male", "dose missing")
        z, drawn, _ = around.draw(0, 0, N)
        np.testing.assert_array_equal(around.z_of(drawn), z)
        assert np.abs(z.mean(axis=0) - around.measure).max() <= 2 / N
        assert set(drawn[z[:, 0] == 1, 0]) == {500.0}
        assert around.extra(0, 0, 20, planned=N).shape == (20, 6)
        assert np.isfinite(around.extra(0, 0, 20, planned=N)).all()
        # The rows of another instance come from the law without that row.
        assert 500.0 not in law.around(seen[0], kernel_width=math.inf).draw(0, 0, N).codes[:, 0]


@pytest.mark.parametrize("bins", ["quartile", 3, None])
def test_one_training_row_one_column_and_constants(bins):
    space = Space.infer([[2.0]])
    around = TableLaw.learn([[2.0]], space, bins=bins).around([2.0])
    z, drawn, _ = around.draw(0, 0, 8)
    assert (drawn == 2.0).all()
    assert (z == around.z_x).all()
    assert around.extra(0, 0, 8, planned=100).shape == (8, 0)
    if bins is not None:
        assert around.labels == ("x0 = 2",)
    z, drawn, _ = TableLaw.learn([[2.0]], space, bins=bins).around([9.0]).draw(0, 0, 8)
    assert (drawn == 2.0).all()


@pytest.mark.parametrize("factor", [1e300, 1e-300, 1e150])
def test_huge_and_tiny_values(factor):
    codes, space = numbers()
    plain = TableLaw.learn(codes, space).around(codes[0])
    large = TableLaw.learn(codes * factor, space).around(codes[0] * factor)
    np.testing.assert_array_equal(large.draw(0, 0, 200).z, plain.draw(0, 0, 200).z)
    np.testing.assert_allclose(large.draw(0, 0, 200).codes / factor, plain.draw(0, 0, 200).codes, rtol=1e-6, atol=1e-9)
    assert np.isfinite(large.extra(0, 0, 200, planned=200)).all()


def test_all_missing_columns_and_missing_x():
    codes, space = numbers()
    codes[:, 1] = np.nan
    codes[::3, 2] = np.nan
    x = codes[0]
    around = TableLaw.learn(codes, space).around(x)
    z, drawn, _ = around.draw(0, 0, 512)
    assert around.measure[1] == 1.0
    assert np.isnan(drawn[:, 1]).all()
    np.testing.assert_array_equal(np.isnan(drawn[:, 2]), z[:, 2] == 1)
    with pytest.raises(InputError, match="background must have no missing values without bins"):
        TableLaw.learn(codes, space, bins=None)
    codes = np.nan_to_num(codes)
    with pytest.raises(InputError, match="x must not be missing in 'x1'"):
        TableLaw.learn(codes, space, bins=None).around(x)


def test_a_tiny_kernel_draws_the_cell_of_x_alone():
    codes, space = mixed()
    for width in (1e-200, 1e-3, 0.01):
        around = TableLaw.learn(codes, space).around(codes[3], kernel_width=width)
        assert (around.draw(0, 0, 300).z == 1).all()
        assert (around.measure == 1).all()
    codes, space = numbers()
    z = TableLaw.learn(codes, space, bins=None).around(codes[3], kernel_width=1e-200).draw(0, 0, 10).z
    np.testing.assert_allclose(z, np.tile(z[0], (10, 1)), rtol=1e-12)
    around = TableLaw.learn(codes, space).around(codes[3], kernel_width=1e-200)
    assert set(around.draw(0, 0, 300, absorbed=False).weights) <= {0.0, 1.0}


def test_what_does_not_fit_is_refused():
    codes, space = numbers()
    cases = {
        "codes must have shape": lambda: TableLaw.learn(codes[:, :2], space),
        "at least one row": lambda: TableLaw.learn(codes[:0], space),
        "codes must be finite": lambda: TableLaw.learn(codes * np.inf, space),
        "weights are all 0": lambda: TableLaw.learn(codes, space, weights=np.zeros(len(codes))),
        "continuous must be one of": lambda: TableLaw.learn(codes, space, continuous="normal"),
        "categorical must be one of": lambda: TableLaw.learn(codes, space, categorical="all"),
        "around must be one of": lambda: TableLaw.learn(codes, space, around="x"),
        "around='instance' must have bins=None": lambda: TableLaw.learn(codes, space, around="instance"),
        "scale must be a positive number": lambda: TableLaw.learn(codes, space, bins=None, around="instance", scale=0),
        "scale must be 1 unless": lambda: TableLaw.learn(codes, space, scale=2.0),
        "bins must name features": lambda: TableLaw.learn(codes, space, bins={"age": [1]}),
        "labels must be given": lambda: TableLaw.learn(codes, space, bins="entropy"),
        "x must be 4 finite codes": lambda: TableLaw.learn(codes, space).around([1.0, 2.0]),
        "kernel_width must be a positive": lambda: TableLaw.learn(codes, space).around(codes[0], kernel_width=0),
        "codes must have shape (rows, 4)": lambda: TableLaw.learn(codes, space).around(codes[0]).z_of(codes[:, :2]),
        "seed must be": lambda: TableLaw.learn(codes, space).around(codes[0]).draw(-1, 0, 4),
    }
    for message, call in cases.items():
        with pytest.raises(InputError) as caught:
            call()
        assert message in str(caught.value)
    grouped = Space.infer(codes, groups={"g": ["x0", "x1"]})
    with pytest.raises(InputError, match="no groups but one-hot ones"):
        TableLaw.learn(codes, grouped)
    codes, space = mixed()
    with pytest.raises(InputError, match=r"bins\['sex'\] must be for a feature on a scale"):
        TableLaw.learn(codes, space, bins={"sex": 3})


def test_rows_without_weight_say_nothing():
    codes, space = mixed()
    weights = np.ones(len(codes))
    weights[100:] = 0.0
    a = TableLaw.learn(codes, space, weights=weights).around(codes[3]).draw(0, 0, 100)
    b = TableLaw.learn(codes[:100], space).around(codes[3]).draw(0, 0, 100)
    np.testing.assert_array_equal(a.codes, b.codes)
