"""What local surrogates alone can be given wrongly: kernels, bins, samplers, surrogates and budgets, on tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from pellucid import BudgetError, InputError, Lime, Space
from pellucid._arguments import shown
from properties.bad_inputs.table import Fault, close, finds, refused, same_bits, warned
from properties.laws import interacting
from properties.registry import FEATURES, LOCAL, thirds

NAN = math.nan
METHOD = next(method for method in LOCAL if method.name == "lime, quartiles")


def each(argument, sentence, *values, **more):
    """One fault for each wrong value of an argument, refused before a row is paid."""
    return [
        Fault(
            f"{argument} {shown(value):.40}",
            refused(InputError, f"{argument}.*{sentence}"),
            options={argument: value, **more},
        )
        for value in values
    ]


def kernel(name, function, sentence, argument="kernel"):
    """A callable that misbehaves is found out where it is first asked: after the samples were paid."""
    return Fault(name, refused(InputError, f"^{argument} {sentence}", unasked=False), options={argument: function})


def all_zero(call, result):
    assert (result.values == 0.0).all()
    assert np.isnan(result.std_err).all()  # nothing is known of parts that never differ


KERNELS = [
    *each("kernel_width", r"positive number, or math\.inf", 0, -1, NAN, "wide", True, -math.inf),
    *each("kernel", "a callable from distances to weights", "rbf", 1.0),
    *each("distance", "'euclidean', 'cosine' or a callable", "manhattan", 3, [1.0], np.ones(3)),
    *each("kernel_width", "a kernel of your own has its own width", 1.0, kernel=thirds),
    Fault("a kernel as wide as inf", close(0.5, options={"kernel_width": 1e6}), options={"kernel_width": math.inf}),
    Fault("a kernel of 1e308", warned("the kernel does almost nothing"), options={"kernel_width": 1e308}),
    Fault("a kernel of ones", warned("the kernel does nothing"), options={"kernel": lambda d: np.ones(len(d))}),
    Fault("a kernel of 1e-9", warned("starves.* 0 of .* samples differ"), options={"kernel_width": 1e-9}),
    Fault("what a kernel of 1e-9 finds", finds(all_zero), options={"kernel_width": 1e-9}),
    kernel("negative weights", lambda d: -1.0 - d, "must return finite numbers of at least 0, got -"),
    kernel("weights of NaN", lambda d: d * NAN, "must return finite numbers of at least 0, got nan"),
    kernel("infinite weights", lambda d: d + math.inf, "must return finite numbers of at least 0, got inf"),
    kernel("complex weights", lambda d: d + 1j, "must return real numbers, got complex128"),
    kernel("a weight short", lambda d: d[:-1], r"must return an array of shape \(\d+,\), one number each, got"),
    kernel("a weight for all", lambda d: 1.0, r"must return an array of shape \(\d+,\), one number each, got \(\)"),
    kernel("no weights", lambda d: None, "must return an array of shape"),
    kernel("weights of text", lambda d: ["near"] * len(d), "must return numbers, got list"),
    kernel("vanishing weights", np.zeros_like, "must leave some sample a weight above 0, got 0 for all"),
    *(
        Fault(
            f"weights of {size}",
            close(1e-12, options={"kernel": lambda d: np.exp(-d)}),
            options={"kernel": lambda d, size=size: size * np.exp(-d)},
        )
        for size in (1e-300, 1e300)
    ),
    kernel("negative distances", lambda z: -np.ones(len(z)), "must return finite numbers of at least 0", "distance"),
    kernel("a distance for each part", lambda z: 1.0 - z, r"must return an array of shape \(\d+,\)", "distance"),
    Fault(
        "everything is far",
        refused(InputError, "kernel_width leaves no sample a weight above 0.* use a larger one", unasked=False),
        options={"distance": lambda z: np.full(len(z), 1e3), "kernel_width": 1.0},
    ),
    Fault(
        "a distance of one's own is that one",
        close(1e-12, options={"distance": "euclidean", "kernel": lambda d: np.exp(-(d**2))}),
        options={"distance": lambda z: np.sqrt((z != 1).sum(axis=1)), "kernel": lambda d: np.exp(-(d**2))},
    ),
]

LAWS = [
    *each("bins", "'quartile', 'decile', 'entropy', a number of bins", "thirds", 0, -1, 1.5, True, 10**9, [1, 2]),
    *each("bins", "features", {"x9": 3}),
    *each("bins", "ascending order", {"x0": [2.0, 1.0]}, {"x0": [NAN]}, {"x0": [math.inf]}),
    *each("labels", "must be given for bins='entropy'", None, bins="entropy"),
    *each("labels", "one per training row", [0, 1], bins="entropy"),
    *each("labels", "are for bins='entropy'", [0] * 8),
    *each("continuous", "gaussian", "normal", None),
    *each("categorical", "observed", "all", None),
    *each("around", "instance", "x", None),
    *each("around", "bins=None", "instance"),
    *each("scale", "positive number", 0, -1, NAN, True, bins=None, around="instance"),
    *each("scale", "must be 1 unless around='instance'", 2.0),
    Fault("one bin for all", finds(all_zero), options={"bins": 1}),
    Fault(
        "groups of features",
        refused(InputError, "space must have no groups but one-hot ones"),
        options={"space": Space.infer(np.zeros((1, FEATURES)), groups={"pair": ["x0", "x1"]})},
    ),
]

FITS = [
    *each("max_features", "whole number of at least 1, or None", 0, -1, 1.5, True, "3"),
    *each("settle_top", "whole number of at least 1, or None", 0, -1, 1.5, True, "3"),
    *each("selection", "one of 'auto'", "best", None, 3),
    *each("ridge", "finite number of at least 0", -1, NAN, math.inf, "1", True),
    *each("control_variate", "a callable or None", "kernel", True),
    *each("surrogate", "'linear', 'tree' or a regressor", "forest", None, 3, object, np.ones(2)),
    *each("compat", "None or 'lime'", "shap", 3, True),
    *each("tolerance", "not for compat", 0.1, compat="lime"),
    *each("selection", "with compat='lime'", "best_subset", compat="lime"),
    *each("ridge", "not for compat", 0.5, compat="lime"),
    *each("kernel", "not for compat", thirds, compat="lime"),
    *each("surrogate", "not for compat", "tree", compat="lime"),
    *each("max_features", "for the linear surrogate", 3, surrogate="tree"),
    *each("tolerance", "for the linear surrogate", 0.1, surrogate="tree"),
    *each("time_limit", "for the linear surrogate", 1.0, surrogate="tree"),
    Fault("more features than there are", same_bits(options={}), options={"max_features": 100}),
    *(
        Fault(
            f"a budget of {budget}",
            refused(BudgetError, f"budget={budget} model rows is too small: .* take 17, .* use budget=21 or more"),
            options={"budget": budget},
        )
        for budget in (1, 2, 20)
    ),
    Fault("the least budget", warned("4 samples are few for 7 coefficients"), options={"budget": 21}),
]


def sampler(name, function, sentence):
    return Fault(name, refused(InputError, sentence, unasked=False), options={"sampler": function})


SAMPLERS = [
    *each("sampler", "callable", 3, "normal"),
    sampler("a row short", lambda n, seed: np.zeros((n - 1, FEATURES)), r"sampler must return the \d+ rows .* got \d+"),
    sampler("a column short", lambda n, seed: np.zeros((n, FEATURES - 1)), "what sampler returned must have 7 columns"),
    sampler("nothing", lambda n, seed: None, "what sampler returned must be a 2-D array"),
    sampler("one axis", lambda n, seed: np.zeros(n), "what sampler returned must be 2-D"),
    sampler("infinite rows", lambda n, seed: np.full((n, FEATURES), np.inf), "what sampler returned must be finite"),
    sampler("rows of text", lambda n, seed: np.full((n, FEATURES), "a"), "what sampler returned must be numeric"),
    Fault(
        "the same row again and again",
        warned("0 of .* samples differ from the explained input"),
        rows=lambda a: a[:1],
        options={"sampler": lambda n, seed: np.zeros((n, FEATURES)), "bins": {f"x{j}": [100.0] for j in range(7)}},
    ),
]


@pytest.mark.parametrize("fault", [*KERNELS, *LAWS, *FITS, *SAMPLERS], ids=str)
def test_surroundings(fault):
    fault.then(fault.call(METHOD))


def test_what_a_kernel_raises_is_not_dressed_up():
    error = ZeroDivisionError("own")

    def raising(_):
        raise error

    with pytest.raises(ZeroDivisionError) as caught:
        METHOD.explain(interacting, np.zeros((1, FEATURES)), np.eye(8, FEATURES), kernel=raising)
    assert caught.value is error


class Surrogate:
    def __init__(self, answer):
        self.answer = answer

    def fit(self, z, y, sample_weight):
        return self

    def predict(self, z):
        return self.answer(z)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda z: np.full(len(z), NAN), "must predict finite numbers, got nan"),
        (lambda z: ["a"] * len(z), "must predict numbers, got list"),
        (lambda z: np.zeros(len(z) + 1), r"must predict one number per row, got shape \(\d+,\) for \d+ rows"),
    ],
)
def test_surrogates_that_do_not_predict_numbers(answer, sentence):
    with pytest.raises(InputError, match=f"surrogate {sentence}"):
        METHOD.explain(interacting, np.zeros((1, FEATURES)), np.eye(8, FEATURES), surrogate=Surrogate(answer))


def test_a_surrogate_without_weights_is_for_samples_without_weights():
    neighbors = pytest.importorskip("sklearn.neighbors").KNeighborsRegressor(3)
    rows, background = np.zeros((1, FEATURES)), np.random.default_rng(0).normal(size=(30, FEATURES))

    found = METHOD.explain(interacting, rows, background, surrogate=neighbors)

    assert np.isfinite(found.values).all()
    with pytest.raises(InputError, match="KNeighborsRegressor takes no weights"):
        METHOD.explain(interacting, rows, background, surrogate=neighbors, distance="cosine")


@pytest.mark.parametrize("options", [{}, {"bins": None}, {"bins": None, "around": "instance"}], ids=str)
def test_a_constant_column_has_the_coefficient_0(options):
    background = np.column_stack([np.ones(20), np.arange(20.0)])

    found = Lime(lambda rows: rows.sum(axis=1), background, budget=200, **options)(background[3:4])

    assert found.values[0, 0, 0] == 0.0
    assert abs(found.values[0, 1, 0]) > 0.5


@pytest.mark.parametrize("bins", ["quartile", None])
def test_a_category_that_the_background_never_showed(bins):
    frame = pd.DataFrame({"pet": ["cat", "dog", "cat", "eel"] * 4, "age": np.arange(16.0)})

    def model(rows):
        assert set(rows["pet"]) <= {"cat", "dog", "eel", "gnu"}
        return (rows["pet"] == "gnu") * 5.0 + 0.0 * rows["age"]

    explainer = Lime(model, frame, bins=bins, budget=300)
    found = explainer(pd.DataFrame({"pet": ["gnu", "cat"], "age": [3.0, 4.0]}))

    np.testing.assert_allclose(found.values[:, :, 0], [[5.0, 0.0], [0.0, 0.0]], rtol=0, atol=0.05)
    assert found.display[0, 0] == "pet = gnu"
    assert found.predictions.ravel().tolist() == [5.0, 0.0]
