"""Means and slopes of forests under product laws, against sums over all combinations of values."""

import itertools
import math

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference import forests

VALUES = [-2.0, -0.5, 0.0, 0.25, 1.0, math.nan]
ODD = {"strict": True}, {"single": True}, {"strict": True, "single": True, "negative_is_missing": True}


def answers(trees, rows, **rules):
    """(m, k) sums over the trees, without a base."""
    return np.array([[float(v) for v in forests.evaluate(trees, row, **rules)] for row in rows])


def laws(rng, columns):
    """Probabilities of VALUES in each column, and a number t of each value."""
    return rng.dirichlet(np.ones(len(VALUES)), size=columns), rng.normal(size=(columns, len(VALUES)))


def slopes_by_enumeration(probabilities, numbers, outputs):
    """E f and the least squares coefficients of f on (1, t), from all rows, by the normal equations."""
    places = list(itertools.product(*(range(len(one)) for one in probabilities)))
    weight = np.array([math.prod(one[i] for one, i in zip(probabilities, at, strict=True)) for at in places])
    t = np.array([[one[i] for one, i in zip(numbers, at, strict=True)] for at in places])
    design = np.column_stack([np.ones(len(t)), t])
    gram = design.T @ (weight[:, None] * design)
    fit = np.linalg.solve(gram, design.T @ (weight[:, None] * outputs))
    return weight @ outputs, fit[1:]


def atoms_of(measure, part, values, probabilities, numbers):
    """The law of one column as q and d of its atoms."""
    borders = np.asarray(measure.borders(part))
    count = int(measure.starts[part + 1] - measure.starts[part])
    mean = probabilities @ numbers
    variance = probabilities @ (numbers - mean) ** 2
    q, d = np.zeros((2, count))
    for value, share, number in zip(values, probabilities, numbers, strict=True):
        atom = count - 1 if math.isnan(value) else int(np.searchsorted(borders, value))
        q[atom] += share
        d[atom] += share * (number - mean) / (variance or 1.0)
    return q, d


def as_row(measure, columns, probabilities, numbers):
    found = [atoms_of(measure, j, VALUES, probabilities[j], numbers[j]) for j in range(columns)]
    return tuple(np.concatenate(parts)[None] for parts in zip(*found, strict=True))


@pytest.mark.parametrize("rules", [{}, *ODD], ids=["plain", "strict", "single", "all"])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("categorical", [(), (1, 3)], ids=["numbers", "categories"])
def test_product_measure_is_the_sum_over_all_rows(rules, outputs, categorical):
    rng = np.random.default_rng(7)
    trees = [
        forests.random_tree(rng, 4, depth=5, outputs=outputs, categorical=categorical, zero_missing=True)
        for _ in range(4)
    ]
    forest = forests.forest_of(trees, 4, outputs=outputs, **rules)
    measure = _core.ProductMeasure(forest.core, np.arange(4, dtype=np.int32), 4)
    probabilities, numbers = laws(rng, 4)
    rows = list(itertools.product(*[VALUES] * 4))
    mean, slopes = slopes_by_enumeration(probabilities, numbers, answers(trees, rows, outputs=outputs, **rules))
    found = measure.limits(*as_row(measure, 4, probabilities, numbers)).reshape(5, outputs)
    assert np.allclose(found[0], mean, rtol=0, atol=1e-12)
    assert np.allclose(found[1:], slopes, rtol=0, atol=1e-12)


def test_product_measure_of_trees_for_an_output_each_and_a_base():
    rng = np.random.default_rng(3)
    trees = [forests.random_tree(rng, 3, depth=3) for _ in range(5)]
    options = {"tree_outputs": [0, 2, 1, 0, 2], "base": [1.0, -2.0, 0.5]}
    forest = forests.forest_of(trees, 3, outputs=3, **options)
    measure = _core.ProductMeasure(forest.core, np.arange(3, dtype=np.int32), 3)
    probabilities, numbers = laws(rng, 3)
    rows = list(itertools.product(*[VALUES] * 3))
    mean, slopes = slopes_by_enumeration(probabilities, numbers, answers(trees, rows, outputs=3, **options))
    found = measure.limits(*as_row(measure, 3, probabilities, numbers)).reshape(4, 3)
    assert np.allclose(found, np.vstack([mean, slopes]), rtol=0, atol=1e-12)


def test_product_measure_of_columns_of_which_one_is_hot():
    rng = np.random.default_rng(5)
    trees = [forests.random_tree(rng, 4, depth=4, grid=2) for _ in range(6)]
    forest = forests.forest_of(trees, 4)
    measure = _core.ProductMeasure(forest.core, np.array([0, 0, 1, 0], dtype=np.int32), 2)
    places = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0), (math.nan,) * 3]
    share, number = rng.dirichlet(np.ones(5)), rng.normal(size=5)
    other, other_number = rng.dirichlet(np.ones(6)), rng.normal(size=6)
    rows = [(a, b, value, c) for (a, b, c), value in itertools.product(places, VALUES)]
    mean, slopes = slopes_by_enumeration([share, other], [number, other_number], answers(trees, rows))
    centred = number - share @ number
    q, d = atoms_of(measure, 1, VALUES, other, other_number)
    found = measure.limits(
        np.concatenate([share, q])[None], np.concatenate([share * centred / (share @ centred**2), d])[None]
    )
    assert measure.starts.tolist()[:2] == [0, 5]
    assert np.allclose(found, [[*mean, *slopes[:, 0]]], rtol=0, atol=1e-12)


def test_many_laws_are_each_alone_with_any_threads():
    rng = np.random.default_rng(11)
    trees = [forests.random_tree(rng, 3, depth=6, full=True) for _ in range(900)]  # more than one block
    measure = _core.ProductMeasure(forests.forest_of(trees, 3).core, np.arange(3, dtype=np.int32), 3)
    rows = [as_row(measure, 3, *laws(rng, 3)) for _ in range(3)]
    q, d = (np.vstack(parts) for parts in zip(*rows, strict=True))
    together = measure.limits(q, d)
    threads = _core.thread_count()
    try:
        _core.set_thread_count(1)
        alone = np.vstack([measure.limits(*row) for row in rows])
    finally:
        _core.set_thread_count(threads)
    assert (together == alone).all()


def test_a_law_that_sits_in_one_cell_follows_one_path():
    tree = forests.random_tree(np.random.default_rng(2), 2, depth=4, missing=False)
    measure = _core.ProductMeasure(forests.forest_of([tree], 2).core, np.arange(2, dtype=np.int32), 2)
    point = [atoms_of(measure, j, [0.3, 2.0], np.array([1.0, 0.0]), np.array([0.0, 1.0]))[0] for j in (0, 1)]
    q = np.concatenate(point)[None]
    found = measure.limits(q, np.zeros_like(q))
    assert found[0].tolist() == [forests.leaf(tree, [0.3, 0.3])["values"][0], 0.0, 0.0]


LAWS = {
    "normal": [1.0, 2.0, 0.2, 0.7, -1.0, 3.5],
    "upper tail": [1.0, -2.0, 0.6, -0.5, 0.5, 4.0],
    "point": [1.5, 0.0, 0.5, 0.0, -math.inf, math.inf],
    "uniform": [-1.0, 4.0, 0.0, 0.0, -1.0, 3.0],
    "missing": [math.nan, 0.0, 0.5, 0.0, -math.inf, math.inf],
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("whole", [False, True])
def test_cell_masses_are_the_shares_of_what_is_drawn(name, whole):
    law, normal = np.array([LAWS[name]]), name != "uniform"
    borders = np.array([-1.0, -0.2, 0.5, 1.0, 1.5, 1.75, 3.0])
    count = 100_000
    drawn, inside = np.empty(count), (np.arange(count) + 0.5) / count
    draw = _core.normal_values if normal else _core.linear_values
    draw(np.zeros(count, dtype=np.int32), inside, law, whole, drawn)
    cell = np.where(np.isnan(drawn), len(borders) + 1, np.searchsorted(borders, drawn))
    shares = np.bincount(cell, minlength=len(borders) + 2) / count
    masses = _core.cell_masses(law, borders, normal, whole)
    assert masses.sum() == pytest.approx(1.0, abs=1e-15)
    assert np.allclose(masses[0], shares, rtol=0, atol=2e-5)


def test_normal_cells_keep_their_digits_in_both_tails():
    borders = np.array([-38.0, -30.0, -1.0, 0.0, 1.0, 30.0, 38.0])
    found = _core.normal_cells(borders)
    assert np.allclose(found[0], found[0][::-1], rtol=1e-14, atol=0)
    assert found[0][1] == pytest.approx(0.5 * math.erfc(30 / math.sqrt(2)), rel=1e-12)
    assert found[1][3] == pytest.approx((math.exp(-0.5) - 1.0) / math.sqrt(2.0 * math.pi), rel=1e-14)
    assert found.sum(axis=1) == pytest.approx([1.0, 0.0], abs=1e-15)


def test_product_measure_refuses_what_does_not_fit():
    forest = forests.forest_of([forests.random_tree(np.random.default_rng(0), 3, depth=2)], 3)
    with pytest.raises(InputError, match="part_of_column must have an entry for each of 3 features, got 2"):
        _core.ProductMeasure(forest.core, np.zeros(2, dtype=np.int32), 1)
    with pytest.raises(InputError, match="part 1 has no column"):
        _core.ProductMeasure(forest.core, np.array([0, 0, 2], dtype=np.int32), 3)
    measure = _core.ProductMeasure(forest.core, np.arange(3, dtype=np.int32), 3)
    with pytest.raises(InputError, match="q and d must have shape"):
        measure.limits(np.zeros((1, 2)), np.zeros((1, 2)))
