"""What a coalition of features is worth: the games that `Shapley` can play, with one face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_whole, shown
from pellucid.attribution.background import Background
from pellucid.errors import InputError
from pellucid.estimation.exact import weighted_mean
from pellucid.games import EmpiricalGame, Game, GameLike
from pellucid.model import Model
from pellucid.representation import ConditionalCopula, ConditionalGaussian, CopulaLaw, EmpiricalLaw, GaussianLaw
from pellucid.space import Space
from pellucid.space.causal import CausalOrder
from pellucid.space.declare import listing

Array = NDArray[np.float64]

_IN_SHAP = {"interventional": "marginal", "tree_path_dependent": "path_dependent"}
VALUE_FUNCTIONS = ("auto", "marginal", "baseline", "conditional", "causal", "path_dependent")
LAWS = ("gaussian", "copula", "empirical")
DEFAULT_DRAWS = 1000
# The budget pays for so many rows per coalition whether they are kept or not, so a high bound would leave most of it.
DEFAULT_NEIGHBOURS = 100
DEFAULT_SIGMA = 0.1

# Kinds whose codes a law cannot speak of. Rounded to its own dtype, an integer stays a number; a category does not.
_NOT_NORMAL = frozenset({"categorical", "boolean", "ordinal"})
_NOT_RANKED = frozenset({"categorical"})


class ValueFunction(Protocol):
    """What `Shapley` needs of a value function, whatever it is.

    Attributes
    ----------
    codes : (B, d) rows whose outputs make up the value of nobody.
    weights : (B,) their weights, with sum 1.
    draw_weights : the weights of the draws that a game has; `weights`, or one draw.
    given : how many background rows the user gave.
    value_function : its name, for the report.
    warnings : what the reader must know.
    rows_per_coalition : the most model rows that a coalition costs under one draw.
    draws_are : what the draws are called, in messages.
    """

    @property
    def codes(self) -> Array: ...

    @property
    def weights(self) -> Array: ...

    @property
    def draw_weights(self) -> Array: ...

    @property
    def given(self) -> int: ...

    @property
    def value_function(self) -> str: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...

    @property
    def rows_per_coalition(self) -> int: ...

    @property
    def draws_are(self) -> str: ...

    def game(self, model: Model, x: Array, *, columns: Any, empty_values: Array, full_value: Array) -> GameLike:
        """The game of row x (d,), given the outputs (B, k) of `codes` and (k,) of x."""
        ...


@dataclass(frozen=True, eq=False)
class Completed:
    """Draws of a law, completed to what is known: the conditional and the causal game."""

    law: GaussianLaw | CopulaLaw
    given: int
    value_function: str
    rows_per_coalition: int = 1
    draws_are: str = "draws"

    @property
    def codes(self) -> Array:
        return self.law.draws if isinstance(self.law, GaussianLaw) else self.law.codes

    @property
    def weights(self) -> Array:
        return np.full(len(self.codes), 1.0 / len(self.codes))

    @property
    def draw_weights(self) -> Array:
        return self.weights

    @property
    def warnings(self) -> tuple[str, ...]:
        return (self.law if isinstance(self.law, GaussianLaw) else self.law.latent).warnings

    def game(self, model: Model, x: Array, *, columns: Any, empty_values: Array, full_value: Array) -> Game:
        _refuse_missing(x[None], model.space, argument="the explained rows")
        law = self.law
        rows = (
            ConditionalGaussian(x, law, space=model.space)
            if isinstance(law, GaussianLaw)
            else ConditionalCopula(x, law, space=model.space)
        )
        return Game(model, rows, columns=columns, empty_values=empty_values, full_value=full_value)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Background rows near the explained one: the conditional game without a law."""

    law: EmpiricalLaw
    given: int
    value_function: str = "conditional, empirical"
    draws_are: str = "background rows"

    @property
    def codes(self) -> Array:
        return self.law.rows

    @property
    def weights(self) -> Array:
        return self.law.weights

    @property
    def draw_weights(self) -> Array:
        return np.ones(1)

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.law.warnings

    @property
    def rows_per_coalition(self) -> int:
        return min(self.law.most, len(self.law.rows))

    def game(self, model: Model, x: Array, *, columns: Any, empty_values: Array, full_value: Array) -> EmpiricalGame:
        _refuse_missing(x[None], model.space, argument="the explained rows", unordered_too=False)
        return EmpiricalGame(
            model,
            x,
            self.law,
            space=model.space,
            columns=columns,
            empty_value=weighted_mean(empty_values, self.weights),
            full_value=full_value,
        )


def value_function_of(
    background: Background,
    space: Space,
    *,
    value_function: str,
    conditional: str | None,
    conditional_draws: int | None,
    conditional_sigma: float | None,
    causal: CausalOrder | None,
    seed: int,
) -> ValueFunction:
    """The value function that the options of `Shapley` name; InputError where they do not fit together or the data."""
    name = _checked_name(value_function, causal)
    law = _checked_law(name, conditional)
    _check_belongs("conditional_draws", conditional_draws, law is not None, "a conditional or causal value function")
    _check_belongs("conditional_sigma", conditional_sigma, law == "empirical", "conditional='empirical'")
    if law is None:
        return _unconditional(background, name)
    if law == "empirical":
        _refuse_missing(background.codes, space, argument="background", unordered_too=False)
        fitted = EmpiricalLaw.fit(
            background.codes,
            background.weights,
            space=space,
            sigma=_checked_sigma(conditional_sigma),
            most=_checked_most(conditional_draws),
        )
        return Neighbours(fitted, background.given)
    _check_kinds(space, law)
    _refuse_missing(background.codes, space, argument="background")
    if len(background.codes) == 1:
        raise InputError(
            f"background has 1 distinct row, from which no {law} law can be learned; pass rows of the training data"
        )
    fit = GaussianLaw.fit if law == "gaussian" else CopulaLaw.fit
    law_of_features = fit(
        background.codes,
        background.weights,
        space=space,
        n_draws=_checked_draws(conditional_draws, space.d),
        seed=seed,
        order=causal,
    )
    return Completed(law_of_features, background.given, f"{name}, {law}")


def checked_value_function(name: Any) -> None:
    """Refuse a game that is not known, with its name here if it has another one in shap."""
    if name not in VALUE_FUNCTIONS:
        here = _IN_SHAP.get(name) if isinstance(name, str) else None
        hint = "leave it out for the default" if here is None else f"it is called {here!r} here"
        raise InputError(
            f"value_function must be one of {', '.join(map(repr, VALUE_FUNCTIONS))}, got {shown(name)}; {hint}"
        )


def _checked_name(value_function: Any, causal: Any) -> str:
    checked_value_function(value_function)
    if causal is not None and not isinstance(causal, CausalOrder):
        raise InputError(f"causal must be a CausalOrder, got {type(causal).__name__}; use CausalOrder(components)")
    if (causal is None) == (value_function == "causal") and value_function != "auto":
        raise InputError(
            f"causal and value_function='causal' go together, got causal={causal!r} with "
            f"value_function={value_function!r}; pass causal=CausalOrder([[...], [...]]) and leave value_function out"
        )
    return "causal" if causal is not None else str(value_function)


def _checked_law(name: str, conditional: Any) -> str | None:
    if name not in {"conditional", "causal"}:
        _check_belongs("conditional", conditional, False, "value_function='conditional' or a causal order")
        return None
    law = "gaussian" if conditional is None else conditional
    if law not in LAWS:
        raise InputError(f"conditional must be one of {', '.join(map(repr, LAWS))}, got {conditional!r}")
    if name == "causal" and law == "empirical":
        raise InputError("conditional must be 'gaussian' or 'copula' with a causal order, got 'empirical'")
    return str(law)


def _check_belongs(argument: str, value: Any, allowed: bool, to: str) -> None:
    if value is not None and not allowed:
        raise InputError(f"{argument} must be None without {to}, got {value!r}; leave it out")


def _unconditional(background: Background, name: str) -> Background:
    if name == "baseline" and len(background.codes) > 1:
        raise InputError(
            f"background must be one row with value_function='baseline', got {len(background.codes):,} distinct rows; "
            "pass the row to compare with, such as the mean row background.mean(axis=0, keepdims=True) (of a data "
            "frame: background.mean().to_frame().T), or use value_function='marginal'"
        )
    return background if name == "auto" else background.named(name)


def _checked_most(draws: Any) -> int:
    if draws is None:
        return DEFAULT_NEIGHBOURS
    if not is_whole(draws) or draws < 1:
        raise InputError(f"conditional_draws must be a whole number of at least 1, got {draws!r}")
    return int(draws)


def _checked_draws(draws: Any, d: int) -> int:
    if draws is None:
        return max(DEFAULT_DRAWS, 4 * d)
    if not is_whole(draws) or draws % 2 or draws < 2 * d:
        raise InputError(
            f"conditional_draws must be an even number of at least {2 * d}, twice the number of features, got {draws!r}"
        )
    return int(draws)


def _checked_sigma(sigma: Any) -> float:
    if sigma is None:
        return DEFAULT_SIGMA
    real = isinstance(sigma, (int, float, np.integer, np.floating)) and not isinstance(sigma, bool)
    if not real or not np.isfinite(sigma) or sigma <= 0:
        raise InputError(f"conditional_sigma must be a positive number, got {sigma!r}; {DEFAULT_SIGMA} is the default")
    return float(sigma)


def _check_kinds(space: Space, law: str) -> None:
    refused = _NOT_NORMAL if law == "gaussian" else _NOT_RANKED
    found = tuple(f"{feature.name} ({feature.kind})" for feature in space.features if feature.kind in refused)
    if found:
        ranked = all(feature.kind not in _NOT_RANKED for feature in space.features)
        raise InputError(
            f"conditional={law!r} cannot describe {listing(found)}, whose codes are no measurements; use "
            f"conditional={'copula' if ranked else 'empirical'!r}, or value_function='marginal'"
        )


def _refuse_missing(codes: Array, space: Space, *, argument: str, unordered_too: bool = True) -> None:
    missing = tuple(
        feature.name
        for feature, column in zip(space.features, codes.T, strict=True)
        if np.isnan(column).any() and (unordered_too or feature.kind not in {"categorical", "boolean"})
    )
    if missing:
        raise InputError(
            f"{argument} must have no missing values for a conditional value function, got some in {listing(missing)}; "
            "fill them in, or use value_function='marginal'"
        )
