"""The methods over which the laws of this folder run: one line each.

A method is a factory of prepared explainers: `make(model, background, seed=, n_threads=, batch_bytes=, **more)` gives
something with `__call__(X) -> Attribution`, or Interactions for those of INTERACTIONS, which share the laws on bits,
inputs, bad models, sums, linearity and outputs. The flags say which laws it promises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pellucid import Attribution, Interactions, Shapley, ShapleyInteractions

FEATURES = 7


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
    symmetric : two features that the model and the data cannot tell apart get equal values, within the error.
    dummy_exact : a feature that the model ignores gets 0, not only within the error.
    errors_known : std_err is finite.
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

    @property
    def stochastic(self) -> bool:
        return not self.exact

    def explain(self, model: Any, X: Any, background: Any, **more: Any) -> Attribution | Interactions:
        return self.make(model, background, **more)(X)

    def __str__(self) -> str:
        return self.name


def _shapley(method: str, budget: int | None = None) -> Callable[..., Shapley]:
    def make(model: Any, background: Any, **more: Any) -> Shapley:
        return Shapley(model, background, **{"method": method, "budget": budget, "n_threads": 1, **more})

    return make


def _interactions(method: str, budget: int | None = None) -> Callable[..., ShapleyInteractions]:
    def make(model: Any, background: Any, **more: Any) -> ShapleyInteractions:
        return ShapleyInteractions(model, background, **{"method": method, "budget": budget, "n_threads": 1, **more})

    return make


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
    Method("shapley regression, by draw", _shapley("regression", 253), 4, "a fit for each"),
    Method("shapley regression, contrast", _shapley("regression", 185), 8, "moves with the background row"),
    Method("shapley regression, pooled", _shapley("regression", 105), 8, "one fit"),
    Method("shapley regression, one row", _shapley("regression", 70), 1, "pairs of coalitions"),
    Method("shapley regression, ridge", _shapley("regression", 60), 8, "ridge", linear=False, errors_known=False),
]
INTERACTIONS = [
    Method("interactions exact", _interactions("exact"), 4, "128 coalitions, all there are", exact=True),
    Method("interactions, least squares", _interactions("regression", 290), 4, "interactions by least squares"),
    Method("interactions, ridge", _interactions("regression", 185), 8, "interactions by ridge"),
]
EVERY = METHODS + INTERACTIONS
STOCHASTIC = [method for method in METHODS if method.stochastic]
