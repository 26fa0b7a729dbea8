"""The space of a call: the one given, or the one that the data shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.errors import InputError
from pellucid.space.space import Space


def space_of(X: Any, *, space: Space | None, groups: Mapping[str, Sequence[str]] | None, argument: str = "X") -> Space:
    """`space`, grown by the values of X, or the space that X shows where it is None; `argument` names X in errors."""
    if not isinstance(space, (Space, type(None))):
        raise InputError(f"space must be a Space, got {type(space).__name__}; use Space.infer({argument})")
    if space is None:
        return Space.infer(X, groups=groups, argument=argument)
    if groups is not None:
        raise InputError("groups must be part of the space when a space is given; use Space.infer(..., groups=groups)")
    return space.extend(X, argument=argument)
