"""Which control variates a name or the user asks for, and what a report says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.errors import InputError
from pellucid.estimation.adjustment import MOST_CONTROL_VARIATES
from pellucid.estimation.control_variate import ControlVariate, KernelControlVariate
from pellucid.estimation.tree_control_variate import TreeControlVariate
from pellucid.estimation.tree_learners import LEARNERS, preferred_learner

KERNEL = KernelControlVariate()
NAMES = ("auto", "kernel", *LEARNERS, "stack")


@dataclass(frozen=True)
class AutoWith:
    """ "auto" with a function to try that is known beforehand, such as the margins inside a model."""

    known: ControlVariate


def checked_control_variate(choice: Any) -> tuple[ControlVariate, ...] | str | None:
    """What `fit_reduced` takes: "auto", None, or the control variates that a name or the user gives, to be stacked."""
    if choice is None or (isinstance(choice, str) and choice == "auto"):
        return choice
    if not isinstance(choice, (tuple, list)):
        return _members(choice)
    several = tuple(one for each in choice for one in _members(each))
    if not 1 <= len(several) <= MOST_CONTROL_VARIATES:
        raise InputError(f"control_variate must hold 1 to {MOST_CONTROL_VARIATES} members, got {len(several)}")
    return several


def _members(choice: Any) -> tuple[ControlVariate, ...]:
    if isinstance(choice, str):
        return _named(choice)
    if callable(getattr(choice, "fit", None)):
        return (choice,)
    if callable(choice):
        return (TreeControlVariate(choice),)
    raise InputError(
        f"control_variate must be one of {_listed()}, None, an object with fit(rows, outputs, folds=, seed=), a "
        f"function (rows, outputs, seed) -> fitted trees, or a list of these, got {type(choice).__name__}"
    )


def _named(name: str) -> tuple[ControlVariate, ...]:
    if name == "kernel":
        return (KERNEL,)
    if name == "stack":
        learner = preferred_learner()
        return (KERNEL,) if learner is None else (KERNEL, TreeControlVariate(learner))
    if name not in LEARNERS:
        raise InputError(f"control_variate must be one of {_listed()}, or None, got {name!r}")
    if not LEARNERS[name].installed:
        package = LEARNERS[name].package
        raise InputError(f"control_variate={name!r} needs {package}, which is not installed; use 'kernel'")
    return (TreeControlVariate(name),)


def _listed() -> str:
    return ", ".join(map(repr, NAMES))


def described(variates: Sequence[ControlVariate]) -> str:
    """What the control variates are, in words."""
    return " and ".join(str(getattr(variate, "name", type(variate).__name__)) for variate in variates)
