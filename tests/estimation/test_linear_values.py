"""Values of linear and additive models in closed form, against enumeration and against the sampled game."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError, NumericalError
from pellucid.estimation import linear_values
from pellucid.estimation.linear_values import linear_conditional, linear_marginal, marginal_error_bound
from pellucid.representation import ConditionalGaussian, GaussianLaw
from pellucid.space import Space
from pellucid.space.causal import CausalOrder
from pellucid.whitebox import Additive, Linear
from pellucid.whitebox.additive import Curve, Line, Table
from reference.conditional import conditional_moments
from reference.forests import interaction_index, shapley


def cubes(codes):
    return np.column_stack([codes**3, -codes])


def additive():
    """Four columns, two outputs: a line, a table, a curve and a line with an answer for missing values."""
    return Additive(
        pieces=[
            Line(np.array([2.0, -0.5]), np.full(2, np.nan)),
            Table(np.array([[1.0, 0.25], [-3.0, 2.0], [0.5, 0.0]]), np.array([4.0, 4.0]), np.full(2, np.nan)),
            Curve(cubes, np.array([[1.0, 0.5], [2.0, 0.0]])),
            Line(np.array([1.0, 3.0]), np.array([-2.0, 0.5])),
        ],
        intercept=[0.75, -1.0],
    )


def rows_of(rng, count):
    codes = np.column_stack(
        [rng.normal(size=count), rng.integers(0, 3, size=count), rng.normal(size=count), rng.normal(size=count)]
    )
    codes[::3, 1], codes[1::4, 3] = np.nan, np.nan
    return codes


def marginal_game(model, x, background, weights, members):
    """v of a frozenset of parts, in fractions of the contributions."""
    own = [model.contribution(j, x[j : j + 1])[0] for j in range(model.features)]
    theirs = [model.contribution(j, background[:, j]) for j in range(model.features)]

    def v(S):
        known = {j for part in S for j in members[part]}
        total = [Fraction(float(b)) for b in model.intercept]
        for j in range(model.features):
            for o in range(len(total)):
                if j in known:
                    total[o] += Fraction(float(own[j][o]))
                else:
                    pairs = zip(weights, theirs[j][:, o], strict=True)
                    total[o] += sum(Fraction(float(w)) * Fraction(float(g)) for w, g in pairs)
        return total

    return v


@pytest.mark.parametrize("part_of_column", [[0, 1, 2, 3], [0, 1, 0, 2]], ids=["columns", "a group"])
def test_marginal_values_are_those_of_the_enumeration(part_of_column):
    rng = np.random.default_rng(0)
    model, X, background = additive(), rows_of(rng, 5), rows_of(rng, 8)
    weights = rng.integers(1, 9, size=8) / 64.0
    weights[-1] += 1.0 - weights.sum()
    parts = max(part_of_column) + 1
    members = [[j for j in range(4) if part_of_column[j] == part] for part in range(parts)]

    values, base = linear_marginal(model, X, background, weights, np.array(part_of_column), parts)
    bound = marginal_error_bound(model, X, background, weights, np.array(part_of_column), parts)

    for x, found in zip(X, values, strict=True):
        v = marginal_game(model, x, background, weights, members)
        truth = shapley(v, parts)
        for part, o in itertools.product(range(parts), range(2)):
            assert abs(Fraction(found[part, o]) - truth[part][o]) <= Fraction(bound[o])
        assert base.tolist() == pytest.approx([float(b) for b in v(frozenset())], abs=1e-14)
    assert (bound < 1e-12).all()


def test_parts_of_a_sum_do_not_interact():
    rng = np.random.default_rng(1)
    background = rows_of(rng, 3)
    v = marginal_game(additive(), rows_of(rng, 1)[0], background, [0.25, 0.25, 0.5], [[0], [1], [2], [3]])

    assert all(value == 0 for row in interaction_index(v, 4) for pair in row for value in pair)


def test_lines_far_from_zero_keep_their_digits():
    linear = Linear(coefficients=[[3.0]], intercept=[0.0])
    background = 1e12 + np.arange(4.0)[:, None]

    values, _ = linear_marginal(linear, background[:1] + 1.0, background, np.full(4, 0.25), np.array([0]), 1)

    assert values.item() == -1.5


def case(d, *, seed=0, groups=None, order=None, constant=False, singular=False, k=2):
    rng = np.random.default_rng(seed)
    background = rng.normal(size=(200, d)) @ rng.normal(size=(d, d)) + 5.0 * rng.normal(size=d)
    if constant:
        background[:, 1] = 3.0
    if singular:
        background[:, 2] = background[:, 0]
    space = Space.infer(background, groups=groups or {})
    law = GaussianLaw.fit(background, np.full(200, 1 / 200), space=space, n_draws=4 * d, seed=0, order=order)
    linear = Linear(coefficients=rng.normal(size=(d, k)), intercept=rng.normal(size=k))
    return linear, background[:4] + 0.1, law, space


def by_enumeration(linear, x, law, space):
    """Values (p, k) and base of the game whose rows are completed and averaged, as a sampled explanation plays it."""
    parts, rows = len(space.parts), ConditionalGaussian(x, law, space=space)
    worth = {
        mask: linear.margins(rows.compose_grid(np.array([mask], dtype=np.uint8), first=0, count=rows.n_draws)).mean(0)
        for mask in itertools.product([0, 1], repeat=parts)
    }
    values = np.zeros((parts, len(linear.intercept)))
    for mask, value in worth.items():
        size = sum(mask)
        for part in range(parts):
            if not mask[part]:
                joined = (*mask[:part], 1, *mask[part + 1 :])
                weight = math.factorial(size) * math.factorial(parts - size - 1) / math.factorial(parts)
                values[part] += weight * (worth[joined] - value)
    return values, worth[(0,) * parts]


CASES = {
    "columns": {},
    "a group": {"groups": {"g": ["x0", "x3"]}},
    "a constant": {"constant": True},
    "singular": {"singular": True},
    "causal": {"order": CausalOrder([["x0", "x1"], ["x2", "x3", "x4"]])},
    "confounded": {"order": CausalOrder([["x0", "x1", "x2"], ["x3", "x4"]], confounded=[True, False])},
}


@pytest.mark.parametrize("name", CASES)
def test_conditional_values_are_those_of_the_sampled_game(name):
    linear, X, law, space = case(5, **CASES[name])
    parts = len(space.parts)

    values, std_err, base, note = linear_conditional(linear, X, law, space.part_of_column, parts, seed=0)

    assert std_err is None
    assert f"{2**parts} coalitions" in note
    for x, found in zip(X, values, strict=True):
        truth, empty = by_enumeration(linear, x, law, space)
        np.testing.assert_allclose(found, truth, atol=1e-10)
        np.testing.assert_allclose(base, empty, atol=1e-10)


def test_conditional_values_by_the_textbook():
    linear, X, law, _ = case(3, k=1)
    mean = law.draws.mean(axis=0)

    def v(S):
        unknown = [j for j in range(3) if j not in S]
        row = np.array(X[0])
        row[unknown] = conditional_moments(X[0], sorted(S), mean, law.covariance)[0]
        return [Fraction(float(linear.margins(row[None])[0, 0]))]

    values, *_ = linear_conditional(linear, X[:1], law, np.arange(3), 3, seed=0)

    np.testing.assert_allclose(values[0, :, 0], [float(value[0]) for value in shapley(v, 3)], atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_orders_err_by_what_their_standard_errors_say(name):
    linear, X, law, space = case(5, **CASES[name])
    parts = len(space.parts)
    truth, *_ = linear_conditional(linear, X, law, space.part_of_column, parts, seed=0)

    values, std_err, _, note = linear_conditional(linear, X, law, space.part_of_column, parts, seed=1, budget=1280)

    assert "1,280 orders" in note
    # The errors of all values of a case come from the same orders; 5 standard errors of 64 groups are rare indeed.
    assert (np.abs(values - truth) <= 5.0 * std_err + 1e-10).all()
    np.testing.assert_allclose(values.sum(axis=1), truth.sum(axis=1), atol=1e-10)


def test_standard_errors_are_honest():
    linear, X, law, space = case(6, seed=3, k=1)
    truth, *_ = linear_conditional(linear, X, law, space.part_of_column, 6, seed=0)
    squared = []
    for seed in range(40):
        values, std_err, *_ = linear_conditional(linear, X, law, space.part_of_column, 6, seed=seed, budget=128)
        squared.append(((values - truth) / std_err) ** 2)

    # The mean of 40 squares of about 1 has a standard error near 0.23 for each value, less over 24 values.
    assert 0.7 < np.mean(squared) < 1.4


def test_many_columns_are_left_to_orders():
    linear, X, law, space = case(24, k=1)

    values, std_err, base, _ = linear_conditional(linear, X, law, space.part_of_column, 24, seed=0)
    again, *_ = linear_conditional(linear, X, law, space.part_of_column, 24, seed=0)

    assert (std_err > 0.0).all()
    np.testing.assert_array_equal(values, again)
    np.testing.assert_allclose(values.sum(axis=1) + base, linear.margins(X), atol=1e-9)


def test_groups_of_orders_do_not_depend_on_how_many_are_made_at_once(monkeypatch):
    linear, X, law, space = case(5)
    call = (linear, X, law, space.part_of_column, 5)
    values, *_ = linear_conditional(*call, seed=2, budget=300)
    monkeypatch.setattr(linear_values, "DOUBLES_AT_ONCE", 1)

    np.testing.assert_array_equal(linear_conditional(*call, seed=2, budget=300)[0], values)


def test_orders_by_the_kernel_are_those_by_solving():
    linear, _, law, space = case(6, groups={"g": ["x1", "x4"]})
    orders = linear_values._Orders(linear.coefficients, law, space.part_of_column, 5, seed=0)
    drawn = orders._drawn(3)

    kernel, solved = next(orders._by_factors(drawn, 6)), next(orders._by_solving(drawn, 6))

    def by_part(rows):
        total = np.zeros((5, 6, 2))
        np.add.at(total, space.part_of_column, rows)
        return total

    np.testing.assert_allclose(by_part(kernel), by_part(solved), atol=1e-10)


def test_what_has_no_closed_form_is_refused():
    linear, X, law, space = case(5)
    part = space.part_of_column
    curved = Additive(pieces=[Curve(cubes, np.eye(2))] * 5, intercept=[0.0, 0.0])
    missing = X.copy()
    missing[0, 0] = np.nan

    with pytest.raises(InputError, match="must be linear"):
        linear_conditional(curved, X, law, part, 5, seed=0)
    with pytest.raises(InputError, match="missing values"):
        linear_conditional(linear, missing, law, part, 5, seed=0)
    with pytest.raises(InputError, match="at least 4"):
        linear_conditional(linear, X, law, part, 5, seed=0, budget=3)


def test_the_kernel_refuses_what_is_no_order_or_no_covariance():
    beta, order = np.ones((2, 1)), np.array([[0, 1], [1, 0]])

    with pytest.raises(NumericalError, match="singular"):
        _core.gaussian_linear_orders(np.ones((2, 2)), beta, order, 2)
    with pytest.raises(InputError, match="once"):
        _core.gaussian_linear_orders(np.eye(2), beta, np.array([[0, 0]]), 1)
    with pytest.raises(InputError, match="once"):
        _core.gaussian_linear_orders(np.eye(2), beta, np.array([[0, 2]]), 1)
    with pytest.raises(InputError, match="per_group"):
        _core.gaussian_linear_orders(np.eye(2), beta, order, 3)
    with pytest.raises(InputError, match="same columns"):
        _core.gaussian_linear_orders(np.eye(3), beta, order, 1)
    with pytest.raises(InputError, match="finite"):
        _core.gaussian_linear_orders(np.full((2, 2), np.nan), beta, order, 1)
