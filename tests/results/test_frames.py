"""The long table, the same in every data-frame library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.results import Attribution, frames

COLUMNS = ["row", "output", "part", "value", "attribution", "std_err"]


@pytest.fixture
def attribution():
    values = np.arange(12.0).reshape(2, 3, 2)
    return Attribution.from_array(
        values,
        parts=["a", "b", "c\ud800"],
        outputs=["no", "yes"],
        base_values=0.0,
        std_err=values / 10,
        data=[[1.5, np.nan, 3], [4, 5, 6]],
    )


def as_lists(frame):
    names = list(getattr(frame, "columns", [])) if not hasattr(frame, "column_names") else frame.column_names
    return {
        name: list(frame[name].to_pylist() if hasattr(frame[name], "to_pylist") else frame[name].to_list())
        for name in names
    }


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_one_line_for_each_value(attribution, backend):
    frame = attribution.to_frame(backend=backend)
    assert type(frame).__module__.split(".")[0] == backend
    found = as_lists(frame)
    assert list(found) == COLUMNS
    assert found["row"] == [0] * 6 + [1] * 6
    assert found["output"] == (["no"] * 3 + ["yes"] * 3) * 2
    assert found["part"] == ["a", "b", "c?"] * 4
    assert found["attribution"] == [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]
    assert found["std_err"] == pytest.approx([x / 10 for x in found["attribution"]])
    assert found["value"][0] == "1.5"
    assert found["value"][1] != found["value"][1] or found["value"][1] is None


def test_pandas_is_the_default(attribution):
    pandas = pytest.importorskip("pandas")
    assert isinstance(attribution.to_frame(), pandas.DataFrame)


@pytest.mark.parametrize("std_err", [None, np.full((2, 3, 2), np.nan)])
def test_errors_that_are_not_there_are_null(attribution, std_err):
    polars = pytest.importorskip("polars")
    frame = replace(attribution, std_err=std_err).to_frame(backend="polars")
    assert frame["std_err"].null_count() == 12
    assert frame["std_err"].dtype == polars.Float64


def test_what_was_selected_is_a_column(attribution):
    chosen = replace(attribution, selected=np.array([[0, 1], [1, 0]]), selected_names=("no", "yes"))
    frame = as_lists(chosen.to_frame(backend="pyarrow"))
    assert frame["selected"] == ["no"] * 3 + ["yes"] * 6 + ["no"] * 3


def test_unknown_and_missing_libraries(attribution, monkeypatch):
    with pytest.raises(InputError, match="backend must be one of pandas, polars, pyarrow"):
        attribution.to_frame(backend="dask")
    monkeypatch.setattr(frames, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install pandas"):
        attribution.to_frame()
    with pytest.raises(InputError, match="pip install polars"):
        attribution.to_frame(backend="polars")
    monkeypatch.undo()
    monkeypatch.setattr(frames, "find_spec", lambda name: name == "polars" or None)
    assert type(attribution.to_frame()).__module__.startswith("polars")
