"""Trees as columns of a sampled LIME: uncorrelated with what is estimated, and useful where they know the model."""

import numpy as np
import pytest
from pellucid import Lime
from pellucid.errors import InputError
from pellucid.estimation import forest_lime_limit
from pellucid.estimation.forest_columns import FittedForests, KnownForest, less_limit
from pellucid.estimation.lime_forest_limits import ForestLimits
from pellucid.representation.table_law import TableLaw
from pellucid.space import Space
from reference import forests


def grown(seed, **options):
    return forests.grown(seed, trees=8, features=3, **options)


@pytest.fixture
def codes():
    return np.random.default_rng(1).normal(size=(300, 3)) * 1.5


def one_tree(rows, outputs, seed):
    """A learner that needs neither of the boosting libraries."""
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(max_leaf_nodes=60, random_state=0).fit(rows, outputs)


@pytest.mark.parametrize("bins", ["quartile", None])
def test_a_forest_less_its_limit_is_uncorrelated_with_z(codes, bins):
    near = TableLaw.learn(codes, Space.infer(codes), bins=bins).around(codes[0])
    forest = grown(3)
    drawn = near.draw(0, 0, 2**15)
    h = less_limit(forest.margins(drawn.codes), drawn.z, ForestLimits(forest, near.part_of_column), near)[:, 0]
    z = drawn.z - drawn.z.mean(axis=0)
    assert abs(h.mean()) < 0.01 * h.std()
    assert (np.abs(z.T @ h / len(h)) < 0.02 * z.std(axis=0) * h.std()).all()


def test_the_margins_of_a_model_take_noise_off_what_its_link_makes_of_them(codes):
    model = grown(3, link="logistic")
    known = Lime(model, codes, outputs=1)(codes[:1])
    plain = Lime(model, codes, outputs=1, method="sampling")(codes[:1])
    assert "columns of the margins of the trees" in known.report.why
    assert "columns of" not in plain.report.why
    assert (known.std_err[0] < 0.75 * plain.std_err[0]).all()
    z = (known.values - plain.values) / np.hypot(known.std_err, plain.std_err)
    assert np.abs(z).max() < 3.5


def test_fitted_trees_leave_the_limit_where_it_is(codes):
    forest = grown(5)
    near = TableLaw.learn(codes, Space.infer(codes)).around(codes[0])
    limit = forest_lime_limit(forest, near)
    found = Lime(forest.predict, codes, control_variate=one_tree, method="sampling")(codes[:1])
    plain = Lime(forest.predict, codes, method="sampling")(codes[:1])
    assert np.abs(limit.distance(found).z).max() < 3.5
    assert "columns of trees of one_tree" in found.report.why
    assert found.report.rows_per_row == plain.report.rows_per_row
    assert found.std_err.mean() < plain.std_err.mean()


def test_too_few_samples_get_no_columns(codes):
    near = TableLaw.learn(codes, Space.infer(codes)).around(codes[0])
    drawn, forest = near.draw(0, 0, 400), grown(1, outputs=1)
    values = forest.margins(drawn.codes)
    assert FittedForests(one_tree).columns(near, drawn.codes, drawn.z, values, seed=0) is None
    known = KnownForest(forest, near.part_of_column)
    assert known.columns(near, drawn.codes, drawn.z, values, seed=0).shape == (400, 1, 1)
    assert known.columns(near, drawn.codes[:10], drawn.z[:10], values[:10], seed=0) is None


@pytest.mark.parametrize("choice", ["forest", 3], ids=str)
def test_other_control_variates_are_refused(codes, choice):
    with pytest.raises(
        InputError, match="control_variate must be one of 'auto', 'lightgbm', 'hist', a callable or None"
    ):
        Lime(len, codes, control_variate=choice)
