"""The methods over which the laws of this folder run: one line each.

A method is a factory of prepared explainers: `make(model, background, seed=, n_threads=, batch_bytes=, **more)` gives
something with `__call__(X) -> Attribution`, or Interactions for those of INTERACTIONS, which share the laws on bits,
inputs, bad models, sums, linearity and outputs; so do the local surrogates of LOCAL, whose values are slopes and
effects around a row and no shares of a prediction. The flags say which laws it promises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pellucid import Attribution, CausalOrder, Interactions, Lime, Shapley, ShapleyInteractions
from pellucid.representation import Representation, Tabular
from properties.over_rows import Halves, OverRows

FEATURES = 7
# The pairs 0, 1 and 3, 6 stay together, as laws exchange or group them.
CHAIN = CausalOrder([["x0", "x1", "x5"], ["x2", "x4"], ["x3", "x6"]], confounded=[False, False, True])
# Only features that stay players when the laws group the others.
ORDER = {"x2": ["x1", "x4"]}


@dataclass(frozen=True)
class Method:
    """One method with the settings under which the laws are checked on FEATURES features.

    name : shown in test ids.
    make : the factory of explainers.
    background_rows : how many rows of background it is given.
    says : what its report must say, so that a setting cannot drift into another regime unseen.
    complete : values add up to prediction - base value.
    exact : no sampling, std_err is None.
    linear : with one seed, values of a f + b g are a values of f + b values of g.
    symmetric : two features that the model and the data cannot tell apart get equal values, within the error. An
        order tells features apart, so that only those with the same features before and after them are alike.
    dummy_exact : a feature that the model ignores gets 0, not only within the error.
    errors_known : std_err is finite.
    outputs_apart : the values of an output do not depend on which others are explained beside it.
    marginal : unknown features come from the background whatever is known. Otherwise the base value is not the mean
        over the background, and a feature that the model ignores gets credit for what it tells about others.
    seeded : a seed changes the values; of an exact method it does where the seed names draws of a law.
    """

    name: str
    make: Callable[..., Any]
    background_rows: int
    says: str
    complete: bool = True
    exact: bool = False
    linear: bool = True
    symmetric: bool = True
    dummy_exact: bool = False
    errors_known: bool = True
    outputs_apart: bool = True
    marginal: bool = True
    seeded: bool | None = None

    @property
    def stochastic(self) -> bool:
        return not self.exact

    @property
    def depends_on_seed(self) -> bool:
        return self.stochastic if self.seeded is None else self.seeded

    def explain(self, model: Any, X: Any, background: Any, **more: Any) -> Attribution | Interactions:
        return self.make(model, background, **more)(X)

    def __str__(self) -> str:
        return self.name


def _shapley(method: str, budget: int | None = None, **options: Any) -> Callable[..., Shapley]:
    settings = {"method": method, "budget": budget, "control_variate": None, "n_threads": 1}

    def make(model: Any, background: Any, **more: Any) -> Shapley:
        return Shapley(model, background, **{**settings, **options, **more})

    return make


def _interactions(method: str, budget: int | None = None) -> Callable[..., ShapleyInteractions]:
    def make(model: Any, background: Any, **more: Any) -> ShapleyInteractions:
        return ShapleyInteractions(model, background, **{"method": method, "budget": budget, "n_threads": 1, **more})

    return make


def _lime(budget: int | None = None, **options: Any) -> Callable[..., Lime]:
    def make(model: Any, background: Any, **more: Any) -> Lime:
        return Lime(model, background, **{"budget": budget, "n_threads": 1, **options, **more})

    return make


def _masks(parts: Callable[..., Representation], budget: int) -> Callable[..., OverRows]:
    def make(model: Any, background: Any, *, background_weights: Any = None, **more: Any) -> OverRows:
        explainer = Lime(model, **{"budget": budget, "n_threads": 1, **more})
        return OverRows(explainer, background, weights=background_weights, parts=parts)

    return make


def thirds(distances: Any) -> Any:
    """A kernel of one's own, by name so that it can be pickled."""
    return 1.0 / (1.0 + distances**3)


def noisy_rows(count: int, seed: int) -> Any:
    """A sampler of one's own: normal rows, other ones for each seed."""
    return np.random.default_rng(seed).normal(size=(count, FEATURES))


METHODS = [
    Method("shapley exact", _shapley("exact"), 4, "128 coalitions, all there are", exact=True, dummy_exact=True),
    Method("shapley auto", _shapley("auto"), 4, "fit the budget", exact=True, dummy_exact=True),
    Method("shapley permutation", _shapley("permutation", 480), 4, "38 antithetic pairs", dummy_exact=True),
    Method(
        "shapley permutation, few",
        _shapley("permutation", 190),
        8,
        "13 antithetic pairs",
        linear=False,
        dummy_exact=True,
    ),
    Method("shapley regression, by draw", _shapley("regression", 495), 4, "a fit for each"),
    Method("shapley regression, mixed", _shapley("regression", 185), 8, "one mixed-effects fit", linear=False),
    Method(
        "shapley regression, kernel",
        _shapley("regression", 227, control_variate="kernel"),
        8,
        "fit for all background rows with a control variate",
        linear=False,
        outputs_apart=False,  # one width of the kernel serves all
    ),
    Method(
        "shapley regression, kernel, one row",
        _shapley("regression", 100, control_variate="kernel"),
        1,
        "least squares with a control variate",
        linear=False,
        outputs_apart=False,
    ),
    Method("shapley regression, pooled", _shapley("regression", 77), 8, "one fit"),
    Method(
        "asymmetric exact",
        _shapley("exact", order=ORDER),
        4,
        "80 coalitions, all that can arise",
        exact=True,
        symmetric=False,
        dummy_exact=True,
    ),
    Method(
        "asymmetric auto",
        _shapley("auto", order=ORDER),
        4,
        "x2 before x1, x4",
        exact=True,
        symmetric=False,
        dummy_exact=True,
    ),
    Method(
        "asymmetric permutation",
        _shapley("permutation", 480, order=ORDER),
        4,
        "38 antithetic pairs",
        symmetric=False,
        dummy_exact=True,
    ),
    Method("shapley regression, one row", _shapley("regression", 70), 1, "pairs of coalitions"),
    Method(
        "conditional, gaussian, exact",
        _shapley("exact", value_function="conditional", conditional_draws=14),
        8,
        "128 coalitions",
        exact=True,
        dummy_exact=True,
        marginal=False,
        seeded=True,
    ),
    Method(
        "conditional, gaussian, mixed",
        _shapley("regression", 200, value_function="conditional", conditional_draws=14),
        8,
        "one mixed-effects fit",
        linear=False,
        marginal=False,
    ),
    Method(
        "conditional, gaussian, permutation",
        _shapley("permutation", 480, value_function="conditional", conditional_draws=14),
        8,
        "antithetic pairs",
        linear=False,
        marginal=False,
    ),
    Method(
        "conditional, copula, exact",
        _shapley("exact", value_function="conditional", conditional="copula", conditional_draws=14),
        8,
        "128 coalitions",
        exact=True,
        dummy_exact=True,
        marginal=False,
        seeded=True,
    ),
    Method(
        "conditional, empirical, exact",
        _shapley("exact", value_function="conditional", conditional="empirical", conditional_sigma=0.4),
        8,
        "128 coalitions",
        exact=True,
        dummy_exact=True,
        marginal=False,
    ),
    Method(
        "conditional, empirical, regression",
        _shapley("regression", 300, value_function="conditional", conditional="empirical", conditional_draws=4),
        8,
        "pairs of coalitions",
        marginal=False,
    ),
    Method(
        "causal, gaussian, exact",
        _shapley("exact", causal=CHAIN, conditional_draws=14),
        8,
        "128 coalitions",
        exact=True,
        dummy_exact=True,
        marginal=False,
        seeded=True,
    ),
    Method("shapley regression, ridge", _shapley("regression", 60), 8, "ridge", linear=False, errors_known=False),
]
INTERACTIONS = [
    Method("interactions exact", _interactions("exact"), 4, "128 coalitions, all there are", exact=True),
    Method("interactions, least squares", _interactions("regression", 290), 4, "by least squares", linear=False),
    Method("interactions, ridge", _interactions("regression", 185), 8, "interactions by ridge", linear=False),
]
LOCAL = [
    Method("lime, quartiles", _lime(300), 8, "with the kernel in its law", complete=False),
    Method("lime, few", _lime(50), 8, "with the kernel in its law", complete=False),
    Method(
        "lime, staged",
        _lime(1500, tolerance=0.05),
        8,
        "with the kernel in its law",
        complete=False,
        linear=False,
        outputs_apart=False,  # one sample serves all
    ),
    Method("lime, slopes", _lime(300, bins=None), 8, "with the kernel in its law", complete=False),
    Method(
        "lime, slopes around the row",
        _lime(300, bins=None, around="instance", scale=0.5),
        8,
        "with the kernel in its law",
        complete=False,
    ),
    Method(
        "lime, whole rows",
        _lime(300, bins=None, continuous="rows"),
        8,
        "samples, a scrambled Sobol net",
        complete=False,
    ),
    Method(
        "lime, sparse",
        _lime(300, max_features=3),
        8,
        "at most 3 parts",
        complete=False,
        linear=False,
        errors_known=False,
    ),
    Method("lime, kernel of one's own", _lime(300, kernel=thirds), 8, "with kernel weights", complete=False),
    Method(
        "lime, sampler of one's own",
        _lime(300, bins=None, sampler=noisy_rows),
        8,
        "samples of your own",
        complete=False,
    ),
    Method(
        "lime, as the package",
        _lime(300, compat="lime"),
        8,
        "the choices of the lime package",
        complete=False,
    ),
    Method(
        "lime, a tree",
        _lime(300, surrogate="tree"),
        8,
        "DecisionTreeRegressor as the surrogate",
        complete=False,
        linear=False,
        errors_known=False,
    ),
    Method("lime, masks", _masks(Tabular, 400), 4, "sizes from the half mixture", complete=False),
    Method(
        "lime, masks after a pilot",
        _masks(Halves, 1200),
        2,
        "in a pilot of",
        complete=False,
        linear=False,
        outputs_apart=False,  # one design serves all
    ),
    Method("lime, all masks", _masks(Tabular, 600), 4, "all masks were played", complete=False, exact=True),
]
EVERY = METHODS + INTERACTIONS + LOCAL
STOCHASTIC = [method for method in METHODS if method.stochastic]
# Bad inputs go to all that explain tables: of the local surrogates to one with bins and one without.
FAULTY = [*METHODS, *(method for method in LOCAL if method.name in ("lime, quartiles", "lime, slopes"))]
