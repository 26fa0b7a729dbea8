"""Models whose inside is read: the same tables are refused or answered, and what is odd about trees has an outcome."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pellucid import InputError, ModelFormatError, ModelOutputError, Shapley, ShapleyInteractions
from pellucid.whitebox import Forest
from pellucid.whitebox.linear import Linear
from properties.bad_inputs.table import Fault, finds, over, refused
from properties.bad_inputs.test_bad_arguments import AMOUNTS, WEIGHTS, each
from properties.bad_inputs.test_bad_tables import COLUMNS, DRESSES, NAMES, SHAPES, VALUES, frame, with_value
from properties.laws import bits
from properties.registry import FEATURES, Method
from reference.forests import forest_of, random_tree
from sklearn.linear_model import LinearRegression

NAN = float("nan")
TREES = [random_tree(np.random.default_rng(seed), FEATURES, depth=4) for seed in range(3)]


def forest():
    return forest_of(TREES, FEATURES, feature_names=NAMES)


def line():
    return Linear(coefficients=np.arange(1.0, 1.0 + FEATURES)[:, None], intercept=[0.5])


def white(name, kind, inside, *, against):
    """The model is the inside itself; of what a fault brings only rows, background and options count."""

    def make(model, background, **more):
        return kind(inside(), background if against else None, **{"n_threads": 1, **more})

    return Method(name, make, background_rows=4, says="", exact=True)


BY_COVER = [
    white("trees by cover", Shapley, forest, against=False),
    white("pairs of trees by cover", ShapleyInteractions, forest, against=False),
]
AGAINST_ROWS = [
    white("trees against rows", Shapley, forest, against=True),
    white("pairs of trees against rows", ShapleyInteractions, forest, against=True),
    white("a line", Shapley, line, against=True),
]
# What these say of a model's answers is no fault of trees, which take missing values.
ABOUT_ANSWERS = {"NaN for a model that cannot take it", "a background of nothing but NaN"}
SHARED = [
    fault for fault in [*SHAPES, *VALUES, *COLUMNS, *DRESSES, *AMOUNTS, *WEIGHTS] if fault.name not in ABOUT_ANSWERS
]


def needs_a_background(fault):
    """Rows by themselves can only differ from what the model knows; the message is another one."""
    only_background = fault.rows is None and fault.background is not None
    against_names = fault.rows is not None and fault.background is frame
    return only_background or against_names or fault.name in {"a feature less", "a feature more"} | {TEXT}


TEXT = "text where the background has numbers"
BY_THEMSELVES = [
    Fault(
        f"{name}, by cover",
        refused(error, sentence),
        rows=change,
    )
    for name, change, error, sentence in [
        ("a feature less", lambda a: a[:, :-1], InputError, "fitted on 7 features, but the data has 6; pass the same"),
        ("a feature more", lambda a: np.hstack([a, a]), InputError, "fitted on 7 features, but the data has 14"),
        ("another order", lambda a: frame(a)[NAMES[::-1]], InputError, "column 0 is 'x6', expected 'x0'; reorder"),
        (
            "another column",
            lambda a: frame(a).rename(columns={"x2": "g"}),
            InputError,
            "column 2 is 'g', expected 'x2'",
        ),
        ("text", lambda a: a.astype(str), ModelFormatError, "categories of column 'x0' at the training .* not known"),
        ("a text for a table", "x", InputError, "^X must be .* got str"),
        ("nothing", lambda a: None, InputError, "X must be a 2-D array .* got NoneType"),
    ]
]


def missing_values_follow_the_trees(call, result):
    np.testing.assert_array_equal(result.predictions, forest().margins(call.rows))
    np.testing.assert_allclose(result.residual, 0.0, atol=1e-12)


def no_row(call, result):
    assert result.values.shape[:2] == (0, FEATURES)
    assert result.predictions.shape == (0, 1)
    assert str(result)


def more_than_there_is(call, result):
    clean = replace(call, options={}).explain()
    assert bits(result) == bits(clean)


TREES_ONLY = {"unless": lambda method: method.name == "a line"}
LINES_ONLY = {"unless": lambda method: method.name != "a line"}
ODD = [
    Fault("no rows", finds(no_row), rows=lambda a: a[:0]),
    Fault(
        "nothing but missing values",
        finds(missing_values_follow_the_trees),
        rows=lambda a: np.full_like(a, NAN),
        **TREES_ONLY,
    ),
    Fault(
        "the largest numbers", finds(missing_values_follow_the_trees), rows=lambda a: np.sign(a) * 1.7e308, **TREES_ONLY
    ),
    Fault(
        "a missing value of a line",
        refused(ModelOutputError, "NaN or infinite scores .*x2=missing"),
        rows=with_value(NAN, row=1),
        **LINES_ONLY,
    ),
    Fault(
        "numbers whose sum is infinite",
        refused(ModelOutputError, "NaN or infinite scores"),
        rows=lambda a: np.full_like(a, 1e308),
        **LINES_ONLY,
    ),
    Fault("no time", finds(more_than_there_is), options={"time_limit": 1e-9}),
    Fault("no budget", finds(more_than_there_is), options={"budget": 1}),
    *each("precision", "one of 'double', 'single'", "half", None, 32),
    *each("method", "one of .*'tree', 'linear'", "forest", None),
    *each("groups", "", {"pair": ["x0", "x9"]}, {"pair": []}, ["x0"]),
    *each("outputs", "", 5, "none", [0, 0.5]),
]
ONLY_AGAINST_ROWS = [
    Fault(
        f"{name} with a background",
        refused(InputError, sentence),
        options=options,
    )
    for name, sentence, options in [
        ("path-dependent", "background must be None with", {"value_function": "path_dependent"}),
        ("single precision", "precision must be 'double' with a background", {"precision": "single"}),
        ("an order of the trees", "'tree' is not possible: an order", {"method": "tree", "order": {"x0": ["x1"]}}),
    ]
]


@over([*SHARED, *ODD, *ONLY_AGAINST_ROWS], AGAINST_ROWS)
def test_against_rows(fault, method):
    fault.then(fault.call(method))


@over([*[fault for fault in SHARED if not needs_a_background(fault)], *BY_THEMSELVES, *ODD], BY_COVER)
def test_by_cover(fault, method):
    fault.then(fault.call(method))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("left", -5, "tree 0, node 0: child -5 is not one of the"),
        ("right", 10**6, "tree 0, node 0: child 1000000 is not one of the"),
        ("left", 0, "tree 0"),
        ("split_features", 99, "tree 0, node 0: split feature 99 is not one of 7"),
        ("thresholds", NAN, "tree 0, node 0: threshold is NaN"),
        ("values", np.inf, "tree 0, node [0-9]+: values must be finite"),
        ("cover", -1.0, "tree 0"),
        ("cover", NAN, "tree 0"),
        ("tree_starts", 1, "tree"),
    ],
)
def test_arrays_that_are_no_trees(field, value, sentence):
    arrays = {name: np.copy(array) for name, array in forest().arrays.items()}
    arrays[field][slice(None) if field == "values" else 0] = value
    with pytest.raises(ModelFormatError, match=sentence):
        Forest(**arrays)


def test_what_a_fitted_line_raises_at_missing_values_arrives():
    X = np.random.default_rng(0).normal(size=(20, 3))
    explain = Shapley(LinearRegression().fit(X, X @ [1.0, 2.0, 3.0]), X, method="linear")
    with pytest.raises(ValueError, match="Input X contains NaN"):
        explain(np.where(X[:2] == X[0, 0], NAN, X[:2]))
    np.testing.assert_allclose(explain(X[:2]).values[:, :, 0], [1.0, 2.0, 3.0] * (X[:2] - X.mean(axis=0)), atol=1e-12)
