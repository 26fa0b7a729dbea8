"""LIME on tables: the limits it estimates, its intervals, and what it hands to a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pellucid import Lime, LocalExplanation, lime
from pellucid.estimation import gaussian_lime_limit, tabular_lime_limit

EDGES = [-0.5, 0.0, 0.8]


def rows_of(n, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def bin_of(values):
    return np.searchsorted(EDGES, values, side="left")


def stepped(rows):
    """A function of bins: within them it is constant, so that its limit is known exactly."""
    b = bin_of(rows)
    return (b[:, 0] == 2) * 2.0 + np.sqrt(1.0 + b[:, 1]) * (b[:, 2] > 0) - 0.7 * b[:, 3] * (b[:, 0] < 2)


def limit_of(f, background, x, *, width=None, columns=4):
    """`tabular_lime_limit` of a function of rows that is constant within the bins of EDGES."""
    inside = np.array([-1.0, -0.25, 0.4, 1.5])
    counts = [np.bincount(bin_of(background[:, j]), minlength=4) / len(background) for j in range(columns)]
    return tabular_lime_limit(
        lambda bins: f(inside[np.asarray(bins)]), counts, bins=bin_of(x).tolist(), kernel_width=width
    )


@pytest.mark.parametrize("width", [None, 0.7, np.inf])
@pytest.mark.parametrize("control_variate", ["auto", None])
def test_estimates_are_within_their_errors_of_the_limit(width, control_variate):
    background = rows_of(500)
    bins = {f"x{j}": EDGES for j in range(4)}
    X = rows_of(3, seed=1)

    found = Lime(stepped, background, bins=bins, kernel_width=width, control_variate=control_variate, budget=3000)(X)

    for row, x in enumerate(X):
        limit = limit_of(stepped, background, x, width=width if width != np.inf else 1e8)
        distance = limit.distance(found, row=row)
        assert distance.largest < 5.0
        assert np.abs(distance.difference).max() < 0.2  # and not by errors as large as the values
        assert np.abs(limit.coefficients).max() > 0.7


def test_intervals_of_scrambled_nets_hold_at_least_what_they_say():
    background, x = rows_of(500), rows_of(1, seed=1)
    truth = limit_of(stepped, background, x[0]).coefficients
    explain = {"background": background, "bins": {f"x{j}": EDGES for j in range(4)}, "budget": 500}
    z = []
    for seed in range(100):
        found = lime(stepped, x, seed=seed, **explain)
        z.append((found.values[0] - truth) / found.std_err[0])

    # 400 dependent coefficients; a net only takes variance away.
    assert (np.abs(z) <= 1.96).mean() >= 0.92
    assert np.sqrt(np.mean(np.square(z))) > 0.05  # not by errors far too large


def test_intervals_of_independent_samples_hold_what_they_say():
    """The samples of the user's own are independent, so the intervals must be neither short nor long."""
    background, x = rows_of(500), rows_of(1, seed=1)

    def resampled(count, seed):
        rng = np.random.default_rng(seed)
        return np.column_stack([rng.choice(column, count) for column in background.T])

    truth = limit_of(stepped, background, x[0]).coefficients
    z = []
    for seed in range(100):
        found = lime(
            stepped,
            x,
            background=background,
            bins={f"x{j}": EDGES for j in range(4)},
            budget=600,
            sampler=resampled,
            seed=1000 * seed,
        )
        z.append((found.values[0] - truth) / found.std_err[0])

    assert 0.92 <= (np.abs(z) <= 1.96).mean() <= 0.99


def test_without_bins_the_limit_is_the_gaussian_one():
    background = rows_of(400, d=2) * [1.0, 3.0] + [0.0, 2.0]
    x = np.array([[0.5, 1.0]])

    def f(rows):
        return np.sin(rows[:, 0]) + 0.2 * rows[:, 0] * rows[:, 1]

    found = Lime(f, background, bins=None, budget=4000)(x)

    mean, deviation = background.mean(axis=0), background.std(axis=0)
    limit = gaussian_lime_limit(f, x[0], mean=mean, scale=deviation)
    z = (found.values[0, :, 0] - deviation * limit.coefficients[:, 0]) / found.std_err[0, :, 0]
    assert np.abs(z).max() < 5.0
    np.testing.assert_allclose(found.values[0, :, 0], deviation * limit.coefficients[:, 0], rtol=0, atol=0.05)


def test_around_the_row_with_a_tiny_scale_coefficients_are_the_gradient():
    background = rows_of(300, d=3) * [1.0, 10.0, 0.1]
    x = np.array([[0.3, -4.0, 0.05]])

    found = Lime(
        lambda rows: np.exp(rows[:, 0]) + 0.5 * rows[:, 1] ** 2 - np.cos(rows[:, 2]) * rows[:, 0],
        background,
        bins=None,
        around="instance",
        scale=1e-6,
        budget=600,
    )(x)

    gradient = [np.exp(0.3) - np.cos(0.05), -4.0, np.sin(0.05) * 0.3]
    np.testing.assert_allclose(found.values[0, :, 0], gradient, rtol=0, atol=1e-4)
    np.testing.assert_allclose(found.local_predictions, found.predictions, rtol=0, atol=1e-3)


def standardised(background, X):
    return (X - background.mean(axis=0)) / background.std(axis=0)


@pytest.mark.parametrize(
    ("options", "at"),
    [
        ({}, lambda background, X: np.ones_like(X)),
        ({"max_features": 2}, lambda background, X: np.ones_like(X)),
        ({"compat": "lime"}, lambda background, X: np.ones_like(X)),
        ({"bins": None}, standardised),
        ({"bins": None, "around": "instance"}, lambda background, X: np.zeros_like(X)),
    ],
    ids=["bins", "sparse", "compat", "no bins", "instance"],
)
def test_the_surrogate_adds_up(options, at):
    background, X = rows_of(200), rows_of(2, seed=3)

    found = Lime(stepped, background, budget=400, **options)(X)

    total = found.base_values + np.einsum("np,npk->nk", at(background, X), found.values)
    np.testing.assert_allclose(found.local_predictions, total, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.residual, found.predictions - found.local_predictions, rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", ["table", "table_no_bins"])
@pytest.mark.parametrize(
    ("selection", "name"), [("auto", 0), ("forward", 2), ("highest_weights", 3), ("lasso_path", 4)]
)
def test_fed_the_samples_of_lime_it_says_what_lime_says(case, selection, name):
    """End to end: the samples that the package drew come by `sampler`, and its answers by `model`."""
    with np.load(Path(__file__).parents[1] / "golden" / "lime.npz") as file:
        given = {key.partition("/")[2]: value for key, value in file.items() if key.startswith(f"{case}/")}
    z, y = given["z"].astype(np.float64), given["y"]
    n, p = z.shape
    if case == "table":
        rows, bins = z, {f"x{j}": [0.5] for j in range(p)}
        background = np.vstack([np.ones(p), np.zeros(p)])
    else:
        # z has mean 0 and deviation 1 where the background does.
        rows, bins, background = z, None, np.vstack([np.ones(p), -np.ones(p)])
    asked = {row.tobytes(): at for at, row in enumerate(rows)}

    def model(block):
        if len(block) == n and (block == rows).all():
            return y
        return y[[asked.get(row.tobytes(), 0) for row in np.ascontiguousarray(block)]]

    for f, count in enumerate((3, 6, 10)):
        found = Lime(
            model,
            background,
            bins=bins,
            compat="lime",
            selection=selection,
            max_features=count,
            sampler=lambda size, seed: rows,
            kernel_width=float(given["kernel_width"]),
            budget=n + 2 * 2 + 1,
        )(rows[:1])
        for output in range(2):
            chosen = given["features"][f, name, output]
            chosen = chosen[chosen >= 0]
            expected = np.zeros(p)
            expected[chosen] = given["coefficients"][f, name, output][: len(chosen)]
            np.testing.assert_allclose(found.values[0, :, output], expected, rtol=0, atol=1e-10)
            assert [part for part, _ in found.as_map()[output]] == chosen.tolist()
            intercept, score, prediction = given["numbers"][f, name, output]
            np.testing.assert_allclose(found.base_values[0, output], intercept, rtol=0, atol=1e-10)
            np.testing.assert_allclose(found.r2[0, output], score, rtol=0, atol=1e-10)
            np.testing.assert_allclose(found.local_predictions[0, output], prediction, rtol=0, atol=1e-10)


def frame_of(n, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 70, n),
            "pet": rng.choice(["cat", "dog", "eel"], n, p=[0.5, 0.3, 0.2]),
            "income": rng.gamma(2.0, 1000.0, n),
        },
        index=[f"row {i}" for i in range(n)],
    )


def test_a_model_gets_the_container_and_the_categories_that_it_knows():
    frame, seen = frame_of(200), []

    def model(rows):
        assert isinstance(rows, pd.DataFrame)
        assert list(rows.columns) == ["age", "pet", "income"]
        assert rows.dtypes.equals(frame.dtypes)
        assert set(rows["pet"]) <= {"cat", "dog", "eel"}
        assert (rows["age"] % 1 == 0).all()
        seen.append(len(rows))
        return 0.1 * rows["age"].to_numpy() + (rows["pet"] == "cat") * 3.0

    found = Lime(model, frame, bins={"age": [40]}, budget=2000)(frame.iloc[:2])

    assert found.parts == ("age", "pet", "income")
    labels = [found.display[0, part] for part in range(3)]
    assert labels[0] in ("age <= 40", "age > 40")
    assert labels[1] == f"pet = {frame['pet'].iloc[0]}"
    assert " income " in labels[2] or labels[2].startswith("income ")
    cat = frame["pet"].iloc[0] == "cat"
    pets = frame["pet"].value_counts(normalize=True)
    here = 3.0 if cat else -3.0 * pets["cat"] / (1.0 - pets[frame["pet"].iloc[0]])
    assert abs(found.values[0, 1, 0] - here) < 5.0 * found.std_err[0, 1, 0] + 1e-9
    assert abs(found.values[0, 2, 0]) < 5.0 * found.std_err[0, 2, 0] + 1e-9
    assert sum(seen) == round(found.report.rows_used * 2)


@pytest.mark.parametrize("batch_bytes", [200, 2**22])
@pytest.mark.parametrize("budget", [57, 500, None])
def test_the_report_counts_every_row_of_the_model(budget, batch_bytes):
    paid = []

    def model(rows):
        paid.append(len(rows))
        return stepped(rows)

    explainer = Lime(model, rows_of(50), budget=budget, batch_bytes=batch_bytes)
    first = explainer(rows_of(3, seed=1))
    assert sum(first.report.rows_per_row) == sum(paid)
    if budget is not None:
        # Every row is charged for the probe, which is paid once.
        assert max(first.report.rows_per_row) <= budget
        assert min(first.report.rows_per_row) >= budget - 2 * 16
    paid.clear()
    again = explainer(rows_of(3, seed=1))
    assert sum(again.report.rows_per_row) == sum(paid)
    assert again.values.tobytes() == first.values.tobytes()
    assert max(paid) <= max(1, batch_bytes // (8 * 4))


def test_predicted_and_top_outputs_are_chosen_row_by_row():
    background, X = rows_of(100), np.array([[2.0, 0.0, 0.0, 0.0], [-2.0, 0.0, 0.0, 0.0]])

    def model(rows):
        return np.column_stack([rows[:, 0], -rows[:, 0], 0.1 * rows[:, 1]])

    predicted = Lime(model, background, outputs="predicted", budget=300, output_names=list("abc"))(X)
    top = Lime(model, background, outputs="top:2", budget=300, output_names=list("abc"))(X)
    every = Lime(model, background, budget=300, output_names=list("abc"))(X)

    assert predicted.outputs == ("predicted",)
    assert predicted.selected.tolist() == [[0], [1]]
    assert top.selected.tolist() == [[0, 2], [1, 2]]
    for row in range(2):
        np.testing.assert_allclose(top.values[row], every.values[row][:, top.selected[row]], rtol=0, atol=1e-12)
        np.testing.assert_allclose(predicted.values[row, :, 0], every.values[row, :, row], rtol=0, atol=1e-12)


def test_no_rows_give_no_explanations():
    found = Lime(stepped, rows_of(50), budget=200)(np.empty((0, 4)))

    assert isinstance(found, LocalExplanation)
    assert found.values.shape == (0, 4, 1)


def test_weights_of_the_background_are_copies_of_its_rows():
    background, X = rows_of(40), rows_of(2, seed=1)
    weights = np.random.default_rng(2).integers(1, 4, 40)

    given = {"bins": {f"x{j}": EDGES for j in range(4)}, "budget": 1500}

    weighted = Lime(stepped, background, background_weights=weights, **given)(X)
    copied = Lime(stepped, np.repeat(background, weights, axis=0), **given)(X)

    assert weighted.display.tolist() == copied.display.tolist()
    np.testing.assert_allclose(weighted.values, copied.values, rtol=0, atol=1e-9)
