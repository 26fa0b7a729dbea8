"""A library whose answers differ at one threshold from the trees that were read of it is found out."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from pellucid import ModelFormatError, Shapley, ShapleyInteractions, Space
from pellucid.adapters.structures import find_structure
from pellucid.model import Model
from pellucid.model.structure_probe import probe_structure
from pellucid.model.structure_rows import SPLITS, beside, visited
from pellucid.whitebox.forest import LEAF
from reference.family_models import FAMILIES, of_sklearn

LIBRARIES = ["random forest", "histogram", "xgboost", "lightgbm", "catboost"]
over_libraries = pytest.mark.parametrize("library", LIBRARIES)


def other_at_equality(library):
    """A model that sends rows at the first threshold of its first tree the other way, and no other row."""
    fitted = FAMILIES[library](0)
    model, a = fitted.model, find_structure(fitted.model).arrays
    assert a["questions"][0] != LEAF
    column, t = a["split_features"][0], a["thresholds"][0]
    number = np.float32(t) if a["single"] else t
    left = number < t if a["strict"] else number <= t
    beyond = t + 1e-3 if left else t - 1e-3
    own = model.predict

    def predict(rows, **options):
        rows = np.array(rows, dtype=float)
        rows[rows[:, column] == t, column] = beyond
        return own(rows, **options)

    model.predict = predict
    return model, np.nan_to_num(fitted.X), f"x{column}="


class TestOneThreshold:
    @over_libraries
    @pytest.mark.parametrize("kind", [Shapley, ShapleyInteractions])
    def test_trees_that_were_asked_for_are_refused(self, library, kind):
        model, X, place = other_at_equality(library)
        with pytest.raises(ModelFormatError, match=rf"refusing: .* a difference of .*, at the row .*{place}"):
            kind(model, X[:20], method="tree")(X[:1])

    @over_libraries
    def test_without_a_background_nothing_else_can_answer(self, library):
        model, X, place = other_at_equality(library)
        with pytest.raises(ModelFormatError, match=rf"refusing: .* at the row .*{place}"):
            Shapley(model)(X[:20])

    @over_libraries
    def test_against_a_background_it_is_sampled_with_a_warning(self, library):
        model, X, place = other_at_equality(library)
        found = Shapley(model, X[:4])(X[:2])
        assert found.report.method == "exact Shapley values"
        (warning,) = [w for w in found.report.warnings if w.startswith("sampled, since")]
        assert place in warning
        played = Shapley(model.predict, X[:4], method="exact")(X[:2])
        np.testing.assert_allclose(found.values, played.values, atol=1e-6 * np.abs(played.values).max())


class Picky:
    """A model that refuses some of the rows that the probe makes."""

    def __init__(self, inside, refuses):
        self.inside, self.refuses = inside, refuses

    def __call__(self, rows):
        if self.refuses(rows).any():
            raise ValueError("no such rows")
        return self.inside.predict(rows)[:, 0] + 0.5 * (rows == threshold(self.inside)).any(axis=1)


def threshold(inside):
    return inside.arrays["thresholds"][0]


class TestRowsThatTheModelRefuses:
    def test_they_take_no_others_with_them(self):
        inside, X = shallow()
        space, refused = Space.infer(X), []

        def just_above(rows):
            refused.append((rows == np.nextafter(threshold(inside), np.inf)).any(axis=1))
            return refused[-1]

        found = probe_structure(Model(Picky(inside, just_above), space=space), inside, X)
        assert np.concatenate(refused).any()
        assert "a difference of 0.5" in found.refusal
        assert not probe_structure(Model(inside, space=space), inside, X).refusal

    def test_a_threshold_that_only_tells_missing_values_is_not_gone_beyond(self):
        assert beside(np.inf) == (float(np.finfo(np.float32).max),)
        assert beside(-np.inf) == (-float(np.finfo(np.float32).max),)


@cache
def shallow():
    fitted = of_sklearn("DecisionTreeRegressor", max_depth=3)(4)
    return find_structure(fitted.model), np.nan_to_num(fitted.X)


class TestVisits:
    def test_many_splits_of_a_single_tree_are_met(self):
        inside, X = shallow()
        met = visited(inside, X[:16])
        assert 4 <= len({node for _, node in met}) == len(met) <= SPLITS

    def test_a_row_meets_what_it_is_paired_with(self):
        inside, X = shallow()
        for row, node in visited(inside, X[:16]):
            steps = inside.tree(0).decision_path(X[row]).steps
            assert node in {step.node for step in steps}
