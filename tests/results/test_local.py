"""Local explanations as results: shapes, lists, files, rows."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import InputError, LocalExplanation, Report


def explanation(**changes):
    values = np.array([[[1.0, 0.0], [-3.0, 2.0], [0.0, -2.5]], [[0.5, 1.0], [0.25, 0.0], [4.0, 0.0]]])
    given = {
        "values": values,
        "base_values": np.array([[1.0, 2.0], [3.0, 4.0]]),
        "predictions": np.array([[0.0, 2.0], [8.0, 5.5]]),
        "std_err": np.full((2, 3, 2), 0.1),
        "parts": ("age", "pet", "income"),
        "outputs": ("no", "yes"),
        "display": np.array([["age <= 3", "pet = cat", "9 < income"], ["3 < age", "pet = eel", "income <= 9"]]),
        "local_predictions": np.array([[-1.0, 1.5], [7.75, 5.0]]),
        "r2": np.array([[0.5, 0.6], [0.7, np.nan]]),
        "effective_rows": np.array([100.0, 50.0]),
        "order": np.array([[[1, -1], [0, 1], [-1, 0]], [[1, 0], [2, -1], [0, -1]]]),
        "report": Report(method="LIME"),
    }
    return LocalExplanation(**{**given, **changes})


def test_lists_hold_the_chosen_parts_the_largest_first():
    found = explanation()

    assert found.as_list() == [("pet = cat", -3.0), ("age <= 3", 1.0)]
    assert found.as_list(output="yes") == [("9 < income", -2.5), ("pet = cat", 2.0)]
    assert found.as_list(row=1, output=0) == [("income <= 9", 4.0), ("3 < age", 0.5), ("pet = eel", 0.25)]
    assert found.as_list(row=-1) == found.as_list(row=1)
    assert found.as_map(row=1) == {0: [(2, 4.0), (0, 0.5), (1, 0.25)], 1: [(0, 1.0)]}


def test_a_label_that_does_not_name_its_part_is_not_shown():
    shown = explanation(display=np.array([["3", "cat", "9.5"], ["4", "eel", "8"]]))

    assert shown.as_list() == [("pet", -3.0), ("age", 1.0)]
    assert explanation(display=None).as_list() == [("pet", -3.0), ("age", 1.0)]


def test_the_residual_is_what_the_surrogate_misses_at_the_row():
    np.testing.assert_allclose(explanation().residual, [[1.0, 0.5], [0.25, 0.5]])


def test_rows_take_everything_along():
    second = explanation()[1]

    assert second.values.shape == (1, 3, 2)
    assert second.local_predictions.tolist() == [[7.75, 5.0]]
    assert second.effective_rows.tolist() == [50.0]
    assert second.order.tolist() == [[[1, 0], [2, -1], [0, -1]]]
    assert second.as_list() == explanation().as_list(row=1)


@pytest.mark.parametrize("std_err", [None, np.full((2, 3, 2), 0.1)])
def test_files(tmp_path, std_err):
    found = explanation(std_err=std_err)

    found.save(tmp_path / "found.npz")

    assert LocalExplanation.load(tmp_path / "found.npz") == found


def test_arrays_are_read_only():
    found = explanation()

    for name in ("local_predictions", "r2", "effective_rows", "order"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[0] = 0


@pytest.mark.parametrize(
    ("name", "value", "shape"),
    [
        ("local_predictions", np.zeros((2, 3)), "n, k"),
        ("r2", np.zeros(2), "n, k"),
        ("effective_rows", np.zeros((2, 1)), "n"),
        ("order", np.zeros((2, 3), dtype=int), "n, p, k"),
    ],
)
def test_shapes_that_do_not_fit(name, value, shape):
    with pytest.raises(InputError, match=rf"{name} must have shape .*\({shape}[,)]"):
        explanation(**{name: value})


@pytest.mark.parametrize(("row", "output"), [(2, 0), (0, 2), (0, "maybe"), (1.5, 0)])
def test_places_that_there_are_not(row, output):
    with pytest.raises(InputError):
        explanation().as_list(row=row, output=output)
