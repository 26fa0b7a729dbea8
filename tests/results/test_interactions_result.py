"""The result class of interactions: its conventions, its checks, its files and what it shows."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from pellucid.errors import InputError, SaveFormatError
from pellucid.results import Attribution, Interactions, PairContribution, Report


def made(n=3, p=4, k=2, *, sampled=True, **more):
    rng = np.random.default_rng(3)
    values, errors = rng.normal(size=(n, p, p, k)), rng.uniform(0.1, 0.2, size=(n, p, p, k))
    values, errors = values + values.transpose(0, 2, 1, 3), errors + errors.transpose(0, 2, 1, 3)
    base = np.full((n, k), 0.5)
    return Interactions(
        **{
            "values": values,
            "std_err": errors if sampled else None,
            "shapley_std_err": np.full((n, p, k), 0.1) if sampled else None,
            "base_values": base,
            "predictions": base + values.sum(axis=(1, 2)),
            "parts": tuple(f"part <{i}> 🙂" for i in range(p)),
            "outputs": tuple(f"out {j}" for j in range(k)),
            "data": rng.normal(size=(n, p)),
            "display": np.full((n, p), "x"),
            "report": Report(method="Shapley interactions by regression", rows_per_row=(10,) * n),
            **more,
        }
    )


def test_rows_sum_to_the_shapley_values_and_all_to_the_prediction():
    found = made()

    assert isinstance(found.shapley, Attribution)
    np.testing.assert_allclose(found.shapley.values, found.values.sum(axis=2))
    np.testing.assert_allclose(found.residual, 0.0, atol=1e-12)
    assert found.shapley.report.method == "Shapley values by regression"
    np.testing.assert_array_equal(found.shapley.std_err, found.shapley_std_err)


def test_the_index_is_both_halves():
    found = made()

    assert found.index[1, 0, 2, 1] == 2 * found.values[1, 0, 2, 1]
    assert np.isnan(found.index[:, range(4), range(4)]).all()
    assert np.isfinite(found.values).all()


def test_top_lists_the_pairs_by_size():
    found = made()

    lines = found.top(3, row=1, output="out 1")

    i, j = np.unravel_index(np.abs(np.triu(found.values[1, :, :, 1], 1)).argmax(), (4, 4))
    assert lines[0] == PairContribution(
        found.parts[i], found.parts[j], 2 * found.values[1, i, j, 1], 2 * found.std_err[1, i, j, 1]
    )
    everything = sorted((abs(line.value) for line in found.top(99, row=1, output=1)), reverse=True)
    assert [abs(line.value) for line in lines] == everything[:3]
    assert len(found.top(99)) == 6
    mean = found.top(1, row=None)[0]
    assert mean.value == pytest.approx(np.nanmax(np.abs(found.index[..., 0]).mean(axis=0)))
    assert made(sampled=False).top(1)[0].std_err is None


def test_intervals():
    found = made()
    low, high = found.interval(0.95)

    np.testing.assert_allclose((high - low) / 2 / found.std_err, 1.959963984540054)
    exact = made(sampled=False)
    assert all((end == exact.values).all() for end in exact.interval())
    with pytest.raises(InputError, match="level"):
        found.interval(95)


def test_rows_are_taken():
    found = made()

    one = found[1]

    assert one.values.shape == (1, 4, 4, 2)
    assert one.report.rows_per_row == (10,)
    assert one == found[[1]] == found[np.array([False, True, False])] == list(found)[1]
    assert one != found[2]
    assert len(found[:0]) == 0
    with pytest.raises(InputError, match="tuple"):
        found[0, 1]


WRONG = {
    "three dimensions": ({"values": np.zeros((1, 2, 2))}, "n rows, p parts, p parts"),
    "not square": ({"values": np.zeros((1, 2, 3, 1))}, "n rows, p parts, p parts"),
    "not symmetric": ({"values": np.arange(16.0).reshape(1, 4, 4, 1)}, "symmetric"),
    "not finite": ({"values": np.full((3, 4, 4, 2), np.nan)}, "finite"),
    "errors of another shape": ({"std_err": np.zeros((3, 4, 4, 1))}, "std_err must have shape"),
    "negative errors": ({"std_err": np.full((3, 4, 4, 2), -1.0)}, "negative"),
    "too few names": ({"parts": ("a",)}, "parts"),
    "another report": ({"report": None}, "Report"),
    "other predictions": ({"predictions": np.zeros(3)}, "predictions"),
}


@pytest.mark.parametrize("change", WRONG)
def test_what_does_not_fit_is_refused(change):
    more, message = WRONG[change]
    with pytest.raises(InputError, match=message):
        made(**more)


def test_arrays_are_copies_that_nobody_writes():
    values = np.zeros((1, 2, 2, 1))
    found = made(1, 2, 1, values=values)
    values += 1.0

    assert (found.values == 0.0).all()
    for array in (found.values, found.std_err, found.base_values, pickle.loads(pickle.dumps(found)).values):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1.0


@pytest.mark.parametrize(
    "more", [{}, {"sampled": False}, {"data": None, "display": None}], ids=["all", "exact", "bare"]
)
def test_files_and_pickles_give_the_same_back(more, tmp_path):
    found = made(**more)
    found.save(tmp_path / "a.npz")

    assert Interactions.load(tmp_path / "a.npz") == found
    assert pickle.loads(pickle.dumps(found)) == found


def test_files_of_the_other_kind_are_refused(tmp_path):
    made().save(tmp_path / "a.npz")
    made().shapley.save(tmp_path / "b.npz")

    with pytest.raises(SaveFormatError, match=r"not one of an attribution|unknown or repeated member"):
        Attribution.load(tmp_path / "a.npz")
    with pytest.raises(SaveFormatError, match=r"not that of a file of Interactions\.save"):
        Interactions.load(tmp_path / "b.npz")
    (tmp_path / "c.npz").write_bytes(b"PK")
    with pytest.raises(SaveFormatError, match=r"no .npz file of Interactions.save"):
        Interactions.load(tmp_path / "c.npz")


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_the_frame_is_long(backend):
    pytest.importorskip(backend)
    import narwhals as nw

    found = made()
    table = nw.from_native(found.to_frame(backend=backend), eager_only=True)

    assert table.columns == ["row", "output", "first", "second", "interaction", "std_err"]
    assert len(table) == 3 * 2 * 4 * 4
    line = table.rows(named=True)[1 * 32 + 1 * 16 + 2 * 4 + 3]
    assert (line["row"], line["output"]) == (1, "out 1")
    assert (line["first"], line["second"]) == (found.parts[2], found.parts[3])
    assert (line["interaction"], line["std_err"]) == (found.values[1, 2, 3, 1], found.std_err[1, 2, 3, 1])
    assert nw.from_native(made(sampled=False).to_frame(backend=backend), eager_only=True)["std_err"].is_null().all()


def test_text_says_what_it_is():
    found = replace(made(5, 6), report=Report(method="Shapley interactions by regression", warnings=("be\ncareful",)))

    assert (
        repr(found)
        == "Interactions(5 rows, 6 parts, 2 outputs; Shapley interactions by regression; with standard errors)"
    )
    text = str(found)
    assert "sum of 8 other pairs" in text
    assert "and 2 more rows" in text
    assert "warning: be careful" in text
    best = found.top(1)[0]
    assert f"{best.first} × {best.second}" in text
    assert "exact" in repr(made(sampled=False))


def test_html_is_static_and_escaped():
    page = made()._repr_html_()

    assert "part &lt;0&gt; 🙂 ×" in page
    assert "<script" not in page
    assert "part <0>" not in page
    assert page.count("<figure>") == 3
    assert "Whiskers" in page
    assert "Whiskers" not in made(sampled=False)._repr_html_()
    assert "<svg" not in made(1, 1)._repr_html_()
