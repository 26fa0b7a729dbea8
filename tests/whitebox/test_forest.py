"""Forests that predict, are compared and are sent elsewhere; and their links."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.whitebox import LINKS, Link, apply_link
from reference import forests


def make(seed=0, **options):
    rng = np.random.default_rng(seed)
    trees = [forests.random_tree(rng, 3, depth=3, categorical=(1,), outputs=2) for _ in range(5)]
    return trees, forests.forest_of(trees, 3, outputs=2, base=[0.5, -0.5], **options)


def test_margins_are_the_sum_of_the_leaves():
    trees, forest = make()
    rows = np.random.default_rng(1).integers(-5, 6, size=(20, 3)).astype(float)
    expected = [[float(v) for v in forests.evaluate(trees, x, outputs=2, base=[0.5, -0.5])] for x in rows.tolist()]
    np.testing.assert_allclose(forest.margins(rows), expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(forest.predict(rows.tolist()), expected, rtol=0, atol=1e-14)
    leaves = forest.leaves(rows)
    values = forest.arrays["values"][leaves].sum(axis=1) + np.array([0.5, -0.5])
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-14)


def test_predictions_go_through_the_link():
    _, forest = make(link="softmax")
    rows = np.zeros((2, 3))
    margins = forest.margins(rows)
    expected = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(forest.predict(rows), expected, rtol=1e-14)


@pytest.mark.parametrize("rows", [np.zeros(3), np.zeros((2, 4)), [["a", "b", "c"]], None])
def test_rows_that_are_none_are_refused(rows):
    with pytest.raises(InputError, match="rows must"):
        make()[1].margins(rows)


def test_a_copy_is_equal_and_answers_alike():
    _, forest = make(link=Link("logistic_each", (0.5,)), feature_names=["a", "b", "c"])
    rows = np.random.default_rng(2).normal(size=(9, 3))
    expected = forest.predict(rows)
    for other in (pickle.loads(pickle.dumps(forest)), copy.deepcopy(forest)):
        assert other == forest
        assert hash(other) == hash(forest)
        assert other.predict(rows).tobytes() == expected.tobytes()
    assert forest != make(seed=1)[1]
    assert forest != make(link="identity", feature_names=["a", "b", "c"])[1]
    assert forest != 3


def test_what_it_says_of_itself():
    trees, forest = make()
    leaves = sum("values" in node for tree in trees for node in tree)
    assert (forest.n_trees, len(forest), forest.n_leaves, forest.depth) == (5, 5, leaves, 3)
    assert repr(forest) == (
        f"Forest(5 trees of {leaves} leaves, depth 3, 3 features, 2 outputs, link 'identity', from trees)"
    )


MARGINS = np.array([[-800.0, 0.0, 800.0], [1.0, -2.0, 0.25]])


def test_links_by_their_formulas():
    m = MARGINS[1:]
    sigmoid = 1.0 / (1.0 + np.exp(-m))
    np.testing.assert_allclose(apply_link("logistic_each", m), sigmoid, rtol=1e-15)
    np.testing.assert_allclose(apply_link("logistic_each:2", m), 1.0 / (1.0 + np.exp(-2.0 * m)), rtol=1e-15)
    np.testing.assert_allclose(apply_link("logistic_normalised", m), sigmoid / sigmoid.sum(), rtol=1e-15)
    np.testing.assert_allclose(apply_link("softmax", m), np.exp(m) / np.exp(m).sum(), rtol=1e-15)
    np.testing.assert_allclose(apply_link("softplus", m), np.log1p(np.exp(m)), rtol=1e-15)
    np.testing.assert_allclose(apply_link("logistic", m[:, :1]), [[1 - sigmoid[0, 0], sigmoid[0, 0]]], rtol=1e-15)
    assert apply_link("signed_square", m).tolist() == [[1.0, -4.0, 0.0625]]
    assert apply_link("exp", m).tolist() == np.exp(m).tolist()
    np.testing.assert_allclose(apply_link("expm1", m), np.exp(m) - 1.0, rtol=1e-13)
    assert apply_link("isolation:2:-0.5", m)[0, 0] == -(2.0**-0.5) + 0.5
    assert apply_link("identity", m) is m


@pytest.mark.parametrize("name", ["logistic_each", "logistic_normalised", "softmax", "softplus"])
def test_links_do_not_overflow(name):
    with np.errstate(over="raise", invalid="raise"):
        assert np.isfinite(apply_link(name, MARGINS)).all()
        assert np.isfinite(apply_link(name, np.full((1, 2), -1e300))).all()


@pytest.mark.parametrize("link", [*LINKS.values(), Link("isolation", (2.0, 0.5)), Link("logistic", (3.0,))], ids=str)
def test_a_link_is_read_from_what_it_writes(link):
    assert Link.of(str(link)) == link
    assert link(np.zeros((4, 1))).shape == (4, link.output_count(1))


@pytest.mark.parametrize(
    "link", ["cubic", "exp:2", "isolation", "isolation:0:1", "logistic:x", "logistic:nan", 3, None]
)
def test_what_is_no_link_is_refused(link):
    with pytest.raises(InputError, match="link"):
        Link.of(link)


def test_the_logistic_link_is_of_one_margin():
    with pytest.raises(InputError, match="one margin, got 2"):
        Link("logistic")(np.zeros((1, 2)))
    assert math.isclose(Link("logistic")(np.array([[-745.0]]))[0, 1], math.exp(-745.0))
