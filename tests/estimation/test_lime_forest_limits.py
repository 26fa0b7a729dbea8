"""The limit of LIME of trees: against sums over everything that is drawn, closed forms, and its own samples."""

import itertools
import math

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.estimation import forest_lime_limit, tabular_lime_limit
from pellucid.estimation.local_fit import local_fit
from pellucid.representation.cells import TiltedCells
from pellucid.representation.table_law import TableLaw
from pellucid.space import Space
from reference import forests

RULES = {"quartile": "quartile", "decile": "decile", "edges": {"a": [0.0, 0.5], "b": [0.25]}}


def outputs_of(trees, rows):
    """(m,) answers of trees with one output, node by node."""
    total = np.zeros(len(rows))
    for tree in trees:
        open_ = [(tree[0], np.arange(len(rows)))]
        while open_:
            node, at = open_.pop()
            if "values" in node:
                total[at] += node["values"][0]
                continue
            x = rows[at, node["feature"]]
            if "categories" in node:
                left = np.isin(x, node["categories"]) != node["others_left"]
            else:
                left = x <= node["threshold"]
            left = np.where(np.isnan(x), node["missing_left"], left)
            open_ += [(tree[node["left"]], at[left]), (tree[node["right"]], at[~left])]
    return total


def table(rng, *, missing=True, rows=60):
    """Two numbers, a whole one, a category, and columns of which one is hot; the first misses values."""
    a = np.where(rng.random(rows) < 0.1 * missing, np.nan, rng.normal(size=rows))
    hot = np.eye(3)[rng.integers(0, 3, rows)]
    count, kind = rng.integers(-3, 4, rows), rng.integers(0, 3, rows)
    rows = np.column_stack([a, rng.normal(size=rows), count, kind, hot])
    names = ["a", "b", "count", "kind", "h0", "h1", "h2"]
    hot_group = {"hot": names[4:]}
    space = Space.infer(rows, names=names, integer=["count"], categorical=["kind"], one_hot=hot_group)
    return space.encode(rows), space


def random_forest(rng, features=7, trees=4, depth=5, **options):
    made = [forests.random_tree(rng, features, depth=depth, grid=3, categorical=(3,), **options) for _ in range(trees)]
    return made, forests.forest_of(made, features)


def listed(law, part):
    """What is drawn in one part: rows of its columns, probabilities and z, where that is a finite list."""
    assert isinstance(part, TiltedCells)
    found = []
    for cell, mass in enumerate(part.masses):
        if part.law.values[0].kind == "listed":
            values = part.law.values[0]
            at = slice(values.first_of_cell[cell], values.first_of_cell[cell + 1])
            shares = np.diff(values.shares[at], prepend=0.0)
            found += [((v,), mass * s, cell == part.home) for v, s in zip(values.values[at], shares, strict=True)]
        else:
            codes = tuple(values.laws[cell, 0] for values in part.law.values)
            found.append((codes, mass, cell == part.home))
    return found


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("width", [None, 0.4, math.inf])
def test_the_limit_is_the_least_squares_fit_to_all_that_is_drawn(rule, width):
    rng = np.random.default_rng(4)
    codes, space = table(rng, rows=9)
    trees, forest = random_forest(rng)
    law = TableLaw.learn(codes, space, bins=RULES[rule], continuous="rows")
    near = law.around(codes[2], kernel_width=width)
    lists = [listed(law, part) for part in near.laws]
    combined = list(itertools.product(*lists))
    weight = np.array([math.prod(one[1] for one in row) for row in combined])
    z = np.array([[one[2] for one in row] for row in combined], dtype=float)
    columns = [column for part in near.laws for column in part.law.columns]
    rows = np.empty((len(combined), space.d))
    rows[:, columns] = [[code for one in row for code in one[0]] for row in combined]
    design = np.column_stack([np.ones(len(z)), z])
    fit = np.linalg.solve(design.T @ (weight[:, None] * design), design.T @ (weight * outputs_of(trees, rows)))
    limit = forest_lime_limit(forest, near)
    assert limit.intercept[0] == pytest.approx(fit[0], abs=1e-12)
    assert np.allclose(limit.coefficients[:, 0], fit[1:], rtol=0, atol=1e-12)


def test_the_limit_of_steps_at_the_edges_is_that_of_a_function_of_bins():
    rng = np.random.default_rng(8)
    codes = rng.normal(size=(200, 3))
    law = TableLaw.learn(codes, Space.infer(codes), bins={0: [-1.0, 0.0, 1.0], 1: [-1.0, 0.5], 2: [0.0]})
    trees = [forests.random_tree(rng, 3, depth=4, missing=False) for _ in range(5)]
    edges = [one.edges for one in law.laws]
    for node in itertools.chain(*trees):
        if "feature" in node:
            node["threshold"] = rng.choice(edges[node["feature"]])
    near = law.around(codes[0])
    inside = [np.concatenate([edge, [9.0]]) for edge in edges]

    def of_bins(bins):
        return outputs_of(trees, np.column_stack([inside[j][bins[:, j]] for j in range(3)]))

    expected = tabular_lime_limit(of_bins, [one.masses for one in law.laws], bins=[part.home for part in near.laws])
    found = forest_lime_limit(forests.forest_of(trees, 3), near)
    assert np.allclose(found.coefficients, expected.coefficients, rtol=0, atol=1e-12)
    assert np.allclose(found.intercept, expected.intercept, rtol=0, atol=1e-12)


def corner(a, b):
    """1 where x0 > a and x1 > b."""
    nodes = [{"feature": 0, "threshold": a}, {"values": [0.0]}, {"feature": 1, "threshold": b}]
    nodes += [{"values": [0.0]}, {"values": [1.0]}]
    nodes[0].update(left=1, right=2, missing_left=False)
    nodes[2].update(left=3, right=4, missing_left=False)
    return [{"cover": 1.0, **node} for node in nodes]


def upper(t):
    return 0.5 * math.erfc(t / math.sqrt(2.0))


def density(t):
    return math.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi)


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("width", [0.5, 2.0])
def test_the_limit_without_bins_is_a_smoothed_gradient(local, width):
    codes = np.random.default_rng(0).normal(size=(50, 2)) * [1.0, 3.0]
    law = TableLaw.learn(codes, Space.infer(codes), bins=None, around="instance" if local else "background")
    x = np.array([0.3, -1.0])
    near = law.around(x, kernel_width=width)
    deviation, mean = codes.std(axis=0), x if local else codes.mean(axis=0)
    shrunk = width**2 / (1.0 + width**2)
    tau, centre = deviation * math.sqrt(shrunk), x + shrunk * (mean - x)
    limit = forest_lime_limit(forests.forest_of([corner(0.1, -2.0)], 2), near)
    t = (np.array([0.1, -2.0]) - centre) / tau
    unit = np.ones(2) if local else deviation
    slopes = np.array([density(t[0]) * upper(t[1]), upper(t[0]) * density(t[1])]) / tau * unit
    assert np.allclose(limit.coefficients[:, 0], slopes, rtol=1e-12, atol=0)
    z_mean = centre - mean if local else (centre - mean) / deviation
    assert limit.intercept[0] == pytest.approx(upper(t[0]) * upper(t[1]) - z_mean @ slopes, rel=1e-12)


SAMPLED = {
    "quartiles": {},
    "deciles, uniform inside": {"bins": "decile", "continuous": "uniform", "categorical": "uniform"},
    "entropy": {"bins": "entropy"},
    "one bin": {"bins": 1},
    "on a line": {"bins": None},
    "around the row": {"bins": None, "around": "instance", "scale": 0.7},
    "uniform on a line": {"bins": None, "continuous": "uniform"},
}


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("width", [None, 0.7])
def test_samples_of_the_law_are_as_far_from_the_limit_as_they_say(name, width):
    rng = np.random.default_rng(1)
    codes, space = table(rng, missing=SAMPLED[name].get("bins", "") is not None)
    labels = rng.integers(0, 2, len(codes)) if name == "entropy" else None
    law = TableLaw.learn(codes, space, labels=labels, **SAMPLED[name])
    near = law.around(codes[7], kernel_width=width)
    trees, forest = random_forest(rng, trees=3, depth=4)
    drawn = near.draw(0, 0, 2**13)
    fit = local_fit(drawn.z * near.units, outputs_of(trees, drawn.codes))
    limit = forest_lime_limit(forest, near)
    z = limit.distance(fit).z
    assert np.abs(z[np.isfinite(z)]).max() < 3.5
    assert abs(limit.intercept[0] - fit.intercept[0]) < 3.5 * fit.intercept_std_err[0]


@pytest.mark.parametrize("width", [0.05, 30.0])
def test_a_cut_normal_law_is_that_of_its_density(width):
    """Narrow: closed forms; wide: quadrature. Both against a fine grid of what is drawn."""
    codes = np.linspace(0.0, 4.0, 41)[:, None]
    law = TableLaw.learn(codes, Space.infer(codes), bins=None, continuous="uniform")
    near = law.around(np.array([1.3]), kernel_width=width)
    count = 400_000
    drawn = np.empty((1, count))
    near.laws[0].write((np.arange(count) + 0.5) / count, drawn)
    step = [{"feature": 0, "threshold": 1.31, "left": 1, "right": 2, "missing_left": False, "cover": 1.0}]
    step += [{"values": [0.0], "cover": 1.0}, {"values": [1.0], "cover": 1.0}]
    x, above = drawn[0], drawn[0] > 1.31
    slope = np.cov(x, above, bias=True)[0, 1] / x.var() * codes.std()
    found = forest_lime_limit(forests.forest_of([step], 1), near)
    assert found.coefficients[0, 0] == pytest.approx(slope, rel=2e-5)


def test_whole_numbers_of_a_wide_range_are_weighed_like_those_of_a_narrow_one(monkeypatch):
    from pellucid.estimation import atom_laws

    codes = np.random.default_rng(3).integers(-3000, 3000, 200).astype(float)[:, None]
    space = Space.infer(codes, integer=[0])
    near = TableLaw.learn(codes, space, bins=None).around(np.array([100.0]))
    tree = forests.random_tree(np.random.default_rng(2), 1, depth=3, grid=2000, missing=False)
    exact = forest_lime_limit(forests.forest_of([tree], 1), near)
    monkeypatch.setattr(atom_laws, "_MOST_WHOLE", 10)
    wide = forest_lime_limit(forests.forest_of([tree], 1), near)
    assert np.allclose(wide.coefficients, exact.coefficients, rtol=1e-6, atol=0)
    assert (wide.coefficients != exact.coefficients).any()


def test_a_row_of_its_own_kind_brings_its_cell():
    rng = np.random.default_rng(6)
    codes, space = table(rng, missing=False)
    x = codes[0].copy()
    x[0] = np.nan  # training misses nothing
    trees, forest = random_forest(rng)
    near = TableLaw.learn(codes, space).around(x)
    drawn = near.draw(0, 0, 2**13)
    fit = local_fit(drawn.z, outputs_of(trees, drawn.codes))
    z = forest_lime_limit(forest, near).distance(fit).z
    assert np.abs(z[np.isfinite(z)]).max() < 3.5


def test_a_very_narrow_kernel_keeps_the_digits():
    """Half a part in 10^22 of the samples differ from x: one minus that is one."""
    codes = np.linspace(0.0, 1.0, 8)[:, None]
    law = TableLaw.learn(codes, Space.infer(codes), bins={0: [0.5]}, continuous="rows")
    step = [{"feature": 0, "threshold": 0.3, "left": 1, "right": 2, "missing_left": False, "cover": 1.0}]
    step += [{"values": [0.0], "cover": 1.0}, {"values": [1.0], "cover": 1.0}]
    limit = forest_lime_limit(forests.forest_of([step], 1), law.around(np.array([0.9]), kernel_width=0.1))
    assert limit.coefficients[0, 0] == pytest.approx(0.75, abs=1e-15)
    assert limit.intercept[0] == pytest.approx(0.25, abs=1e-15)


def test_what_has_no_limit_is_refused():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(20, 2))
    forest = forests.forest_of([corner(0.0, 0.0)], 2)
    whole = TableLaw.learn(codes, Space.infer(codes), bins=None, continuous="rows").around(codes[0])
    with pytest.raises(InputError, match="near must be a product law"):
        forest_lime_limit(forest, whole)
    wider = np.column_stack([codes, codes])
    with pytest.raises(InputError, match="forest must have the columns of the table, 4, got 2"):
        forest_lime_limit(forest, TableLaw.learn(wider, Space.infer(wider)).around(wider[0]))
