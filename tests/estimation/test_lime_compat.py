"""The lime package's choices on given samples: its own answers, scikit-learn's regressions, and refusals."""

from pathlib import Path

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.estimation.lime_compat import SELECTIONS, lime_fit, lime_masks

NUM_FEATURES = (3, 6, 10, 1000)  # those of golden/make_lime_golden.py, as are the cases


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(__file__).parents[1] / "golden" / "lime.npz") as file:
        return dict(file)


def samples(seed=0, n=300, p=15, k=2):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)))
    y = np.tanh(z @ rng.normal(size=(p, k)) / 2.0) + 0.3 * rng.normal(size=(n, k))
    return z, y, np.sqrt(((z - z[0]) ** 2).sum(axis=1))


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("case", ["table", "table_no_bins", "text", "image"])
def test_the_answers_of_lime_on_its_own_samples(golden, case, selection):
    given = {key.partition("/")[2]: value for key, value in golden.items() if key.startswith(f"{case}/")}
    s = SELECTIONS.index(selection)
    for f, num_features in enumerate(NUM_FEATURES):
        fit = lime_fit(
            given["z"],
            given["y"],
            given["distances"],
            kernel_width=float(given["kernel_width"]),
            num_features=num_features,
            feature_selection=selection,
        )
        for output in range(2):
            expected = given["features"][f, s, output]
            count = np.count_nonzero(expected >= 0)
            parts, values = zip(*fit.local_exp(output), strict=True)
            np.testing.assert_allclose(values, given["coefficients"][f, s, output, :count], rtol=0, atol=1e-12)
            assert list(parts) == expected[:count].tolist()
            numbers = fit.intercept[output], fit.score[output], fit.local_prediction[output]
            np.testing.assert_allclose(numbers, given["numbers"][f, s, output], rtol=0, atol=1e-12)


@pytest.mark.parametrize("how", ["none", "forward", "highest_weights", "lasso_path"])
@pytest.mark.parametrize(("seed", "k"), [(0, 1), (1, 4), (2, 9), (3, 15)])
def test_against_the_twin(how, seed, k):
    twin = pytest.importorskip("reference.lime_compat")
    z, y, distances = samples(seed)
    fit = lime_fit(
        z,
        y,
        distances,
        kernel_width=4.0,
        num_features=k,
        feature_selection="forward_selection" if how == "forward" else how,
    )
    for output in range(2):
        weights = np.sqrt(np.exp(-(distances**2) / 4.0**2))
        chosen, coefficients, *numbers = twin.fit(z, y[:, output], weights, k, how)
        assert fit.chosen[output].tolist() == chosen.tolist()
        np.testing.assert_allclose(fit.values[chosen, output], coefficients, rtol=0, atol=1e-10)
        found = fit.intercept[output], fit.score[output], fit.local_prediction[output]
        np.testing.assert_allclose(found, numbers, rtol=0, atol=1e-10)


def test_the_lasso_path_goes_on_after_a_part_has_crossed_zero():
    """x_0 enters first as the shadow of the others, leaves when they are in, and others enter after that."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    twin = pytest.importorskip("reference.lime_compat")
    rng = np.random.default_rng(2)
    z = rng.normal(size=(200, 8))
    z[:, 0] = z[:, 1:4].sum(axis=1) + 0.5 * rng.normal(size=200)
    y = z[:, 1:4].sum(axis=1) - 0.05 * z[:, 0] + z[:, 4:] @ [0.04, 0.01, 0.003, 0.001]
    path = linear_model.lars_path(z - z.mean(axis=0), y - y.mean(), method="lasso")[2]
    there, sizes = np.abs(path[0]) > 1e-10, (np.abs(path) > 1e-10).sum(axis=0)
    assert any(there[t] and not there[t + 1 : t + 4].any() and sizes[t + 3] > sizes[t + 1] for t in range(6))

    for k in range(1, 9):
        fit = lime_fit(z, y, np.zeros(200), kernel_width=1.0, num_features=k, feature_selection="lasso_path")
        assert sorted(fit.chosen[0]) == sorted(twin.lasso_path(z, y, np.ones(200), k))


def test_only_the_outputs_asked_for():
    z, y, distances = samples(k=3)
    whole = lime_fit(z, y, distances, kernel_width=4.0, num_features=4)
    some = lime_fit(z, y, distances, kernel_width=4.0, num_features=4, outputs=[2, 0])
    np.testing.assert_allclose(some.values, whole.values[:, [2, 0]], rtol=0, atol=1e-13)
    np.testing.assert_allclose(some.intercept, whole.intercept[[2, 0]], rtol=0, atol=1e-13)


@pytest.mark.parametrize("selection", ["auto", "forward_selection", "lasso_path"])
def test_constant_and_repeated_parts_come_last(selection):
    z, y, distances = samples(p=5)
    z[:, 1] = 1.0
    z[:, 3] = z[:, 0]
    fit = lime_fit(z, y, distances, kernel_width=4.0, num_features=3, feature_selection=selection)
    for chosen in fit.chosen:
        assert {0 if part == 3 else part for part in chosen.tolist()} == {0, 2, 4}


@pytest.mark.parametrize("selection", SELECTIONS)
def test_a_constant_response_has_no_coefficients(selection):
    z, _, distances = samples()
    y = np.full(len(z), 0.25)
    fit = lime_fit(z, y, distances, kernel_width=4.0, num_features=3, feature_selection=selection)
    np.testing.assert_allclose(fit.values, 0.0, atol=1e-15)
    np.testing.assert_allclose([fit.intercept[0], fit.local_prediction[0]], 0.25, rtol=1e-14)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"kernel_width": 0.0}, "kernel_width"),
        ({"kernel_width": np.nan}, "kernel_width"),
        ({"kernel_width": 1e-3}, "distances"),
        ({"num_features": 0}, "num_features"),
        ({"feature_selection": "best"}, "feature_selection"),
        ({"y": np.zeros(7)}, "y and distances"),
        ({"z": np.full((300, 15), np.nan)}, "z must be finite"),
        ({"z": np.zeros(300)}, "z must have"),
    ],
)
def test_refusals(change, named):
    z, y, distances = samples()
    given = {"z": z, "y": y, "distances": distances + 1.0, "kernel_width": 4.0, "num_features": 3} | change
    with pytest.raises(InputError, match=named):
        lime_fit(given.pop("z"), given.pop("y"), given.pop("distances"), **given)


def test_masks_of_a_text_remove_a_uniform_number_of_parts():
    p, n = 7, 7001
    masks = lime_masks(p, n, kind="text", seed=3)
    assert masks[0].all()
    kept = masks[1:].sum(axis=1)
    counts = np.bincount(kept, minlength=p + 1)
    assert counts[p] == 0
    # 7,000 draws from 7 sizes: five standard errors of a count are 5 sqrt(7000 * 1/7 * 6/7) = 146.
    assert (np.abs(counts[:p] - 1000) < 146).all()
    inclusion = masks[1:].mean(axis=0)  # (p - 1) / (2 p) = 3/7, standard error .006
    assert (np.abs(inclusion - 3 / 7) < 5 * 0.006).all()


def test_masks_of_an_image_keep_each_part_with_one_half():
    masks = lime_masks(9, 4001, kind="image", seed=3)
    assert masks[0].all()
    centred = masks[1:] - 0.5
    covariance = centred.T @ centred / 4000  # standard error of an entry 0.25 / sqrt(4000) = 0.004
    np.testing.assert_allclose(covariance, 0.25 * np.eye(9), atol=5 * 0.004)
    assert (np.abs(centred.mean(axis=0)) < 5 * 0.008).all()


@pytest.mark.parametrize("kind", ["text", "image"])
def test_a_longer_call_begins_with_the_masks_of_a_shorter_one(kind):
    longer = lime_masks(11, 50, kind=kind, seed=8)
    assert np.array_equal(lime_masks(11, 20, kind=kind, seed=8), longer[:20])
    assert not np.array_equal(lime_masks(11, 50, kind=kind, seed=9), longer)


def test_masks_of_an_unknown_kind_are_refused():
    with pytest.raises(InputError, match="kind"):
        lime_masks(3, 4, kind="table", seed=0)
