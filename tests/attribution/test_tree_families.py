"""Every library of trees through the explainers, against enumeration over all coalitions.

The marginal game is played with the library's own answers to composed rows; the path-dependent one in fractions on the
trees as they were read. Rows and background are at thresholds and beside them, with missing values and categories that
were never seen. Other models, tables and rows:

    PELLUCID_TREE_ROUNDS=50 python -m pytest tests/attribution/test_tree_families.py
"""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest
from pellucid import Shapley, ShapleyInteractions, Space
from pellucid.adapters.structures import find_structure
from pellucid.model.structure_codes import StructureCodes
from reference.family_models import FAMILIES, WIDE, of_sklearn
from reference.foreign_forests import hard_rows
from reference.forest_nodes import nodes_of, scale_of, worths
from reference.forests import interaction_index, path_dependent_value
from reference.forests import shapley as enumerated
from reference.tree_paths import path_values

ROUNDS = int(os.environ.get("PELLUCID_TREE_ROUNDS", "1"))
EXPLAINED, BACKGROUND = 3, 4
over_seeds = pytest.mark.parametrize("seed", range(ROUNDS))
# Other libraries have no such values, or weigh the rows in another way.
WITNESSES = [name for name in FAMILIES if name.startswith(("xgboost", "lightgbm"))]
WITNESSES = [name for name in WITNESSES if name not in ("xgboost, leaves of two targets", "lightgbm, random forest")]
over_families = pytest.mark.parametrize("name", FAMILIES)


@cache
def case(name, seed):
    """The fitted model, its trees, rows to explain and a background of training rows and of hard ones."""
    return _case(FAMILIES[name](seed), seed)


def _case(fitted, seed):
    inside = find_structure(fitted.model, model_output=fitted.output)
    rng = np.random.default_rng([seed, 1])
    with np.errstate(over="ignore"):
        hard = hard_rows(inside, fitted.X, rng, count=EXPLAINED + 2, missing=fitted.missing)
    hard = np.clip(hard, -1e30, 1e30)  # what tells missing values from all others has no finite threshold
    return fitted, inside, hard[:EXPLAINED], np.concatenate([hard[EXPLAINED:], fitted.X[: BACKGROUND - 2]])


def as_read(inside, X):
    """Rows in the codes of the trees."""
    return StructureCodes(inside, Space.infer(X))(X)


def floats(fractions):
    return np.array(fractions, dtype=float)


def assert_close(found, expected, atol):
    np.testing.assert_allclose(found, floats(expected), rtol=0, atol=atol)


def rounding_of_the_library(fitted, inside):
    """How far its own sums may be off, for one answer."""
    scale, trees = scale_of(inside)
    unit = np.finfo(np.float32 if fitted.single else np.float64).eps
    return 4 * unit * scale * (1 + np.log2(1 + trees))


def assert_marginal(fitted, inside, X, background, *, pairs=True, **options):
    d, atol = X.shape[1], rounding_of_the_library(fitted, inside)
    explain = Shapley(fitted.model, background, model_output=fitted.output, method="tree", **options)
    found = explain(X)
    index = ShapleyInteractions(fitted.model, background, model_output=fitted.output, method="tree", **options)
    index = index(X).index if pairs else None
    assert "of trees, marginal" in found.report.method
    np.testing.assert_allclose(found.predictions, fitted.margins(X), rtol=0, atol=atol)
    np.testing.assert_allclose(found.residual, 0.0, atol=d * found.report.error_bound)
    weights = options.get("background_weights")
    shares = None if weights is None else weights / weights.sum()
    for i, x in enumerate(X):
        worth = worths(fitted.margins, x, background, shares)
        assert_close(found.base_values[i], worth[frozenset()], atol)
        assert_close(found.values[i], enumerated(worth.__getitem__, d), 2 * atol)
        if pairs:
            off = ~np.eye(d, dtype=bool)
            assert_close(index[i][off], floats(interaction_index(worth.__getitem__, d))[off], 4 * atol)
    return found


@over_seeds
@over_families
def test_marginal_values_are_those_of_the_librarys_own_answers(name, seed):
    fitted, inside, X, background = case(name, seed)
    assert_marginal(fitted, inside, X, background)


@over_seeds
@over_families
def test_path_dependent_values_are_those_of_the_trees(name, seed):
    fitted, inside, X, _ = case(name, seed)
    d, (scale, _) = X.shape[1], scale_of(inside)
    found = Shapley(fitted.model, model_output=fitted.output)(X)
    index = ShapleyInteractions(fitted.model, model_output=fitted.output)(X).index
    assert "path-dependent" in found.report.method
    assert found.report.error_bound < 1e-11 * scale
    np.testing.assert_allclose(
        found.predictions, fitted.margins(X), rtol=0, atol=rounding_of_the_library(fitted, inside)
    )
    trees, rules = nodes_of(inside)
    for i, x in enumerate(as_read(inside, X)):
        worth = cache(lambda known, x=x: path_dependent_value(trees, x, known, **rules))
        assert_close(found.base_values[i], worth(frozenset()), found.report.error_bound)
        assert_close(found.values[i], enumerated(worth, d), found.report.error_bound)
        off = ~np.eye(d, dtype=bool)
        assert_close(index[i][off], floats(interaction_index(worth, d))[off], 1e-12 * scale)


@over_seeds
@pytest.mark.parametrize("name", WITNESSES)
def test_path_dependent_values_are_those_of_the_library(name, seed):
    fitted, inside, X, _ = case(name, seed)
    atol = 1e-6 * scale_of(inside)[0]
    explain = Shapley(fitted.model, model_output=fitted.output)
    rows = np.concatenate([X, fitted.X[:20]])
    found, witness = explain(rows), fitted.contributions(rows)
    np.testing.assert_allclose(found.values, witness[:, :-1], rtol=0, atol=atol)
    np.testing.assert_allclose(found.base_values, witness[:, -1], rtol=0, atol=atol)
    if fitted.pairs is not None:
        pairs = ShapleyInteractions(fitted.model, model_output=fitted.output)(rows)
        np.testing.assert_allclose(pairs.values, fitted.pairs(rows)[:, :-1, :-1], rtol=0, atol=4 * atol)


@over_seeds
@pytest.mark.parametrize("name", WIDE)
def test_more_features(name, seed):
    fitted, inside, X, background = _case(WIDE[name](seed), seed)
    assert_marginal(fitted, inside, X[:1], background[:2], pairs=False)
    found = Shapley(fitted.model)(X)
    trees, rules = nodes_of(inside)
    base = rules.pop("base")
    assert len(base) == 1
    for x, values in zip(X, found.values, strict=True):
        d = len(x)
        assert_close(values, path_values(trees, x, range(d), d, **rules), found.report.error_bound)


@over_seeds
@pytest.mark.parametrize("name", ["random forest of classes", "xgboost, categories", "lightgbm, categories"])
def test_weights_of_the_background(name, seed):
    fitted, inside, X, background = case(name, seed)
    weights = np.random.default_rng(seed).integers(1, 9, size=BACKGROUND) / 8.0
    found = assert_marginal(fitted, inside, X[:2], background, pairs=False, background_weights=weights)
    repeated = np.repeat(background, (8 * weights).astype(int), axis=0)
    same = Shapley(fitted.model, repeated, model_output=fitted.output, method="tree")(X[:2])
    np.testing.assert_allclose(same.values, found.values, rtol=0, atol=1e-13 * scale_of(inside)[0])


@over_seeds
def test_an_isolation_forest_is_explained_by_its_mean_depth(seed):
    """Its raw score is another function of it, so against a background nothing but coalitions is left."""
    make = of_sklearn("IsolationForest", n_estimators=5, max_samples=20, method="decision_function")
    fitted, inside, X, background = _case(make(seed), seed)
    trees, rules = nodes_of(inside)
    found = Shapley(fitted.model, model_output="raw")(X)
    for x, values in zip(X, found.values, strict=True):
        worth = cache(lambda known, x=x: path_dependent_value(trees, x, known, **rules))
        assert_close(values, enumerated(worth, len(x)), found.report.error_bound)
    sampled = Shapley(fitted.model, background, model_output="raw")(X)
    assert sampled.report.method == "exact Shapley values"
    for x, values in zip(X, sampled.values, strict=True):
        worth = worths(fitted.margins, x, background)
        assert_close(values, enumerated(worth.__getitem__, len(x)), 1e-12)
