"""Which players come before which others, by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError

# Names, or `...` for all players that no rule names.
Layer = Any
NAMES_SHOWN = 6
RULES_SHOWN = 4
OTHERS = "all others"


@dataclass(frozen=True)
class PartialOrder:
    """A partial order of the players: some come before others, and about the rest nothing is said.

    "Before" is transitive. Players that are not named may come anywhere, unless `...` stands for them. Make it with
    `from_layers` or `from_edges`.

    Parameters
    ----------
    rules : sequences of layers, a layer being a tuple of names or `...`, all players that are not named. Everything in
        a layer comes before everything in the later layers of its rule.

    Raises
    ------
    InputError : names that are no names, or players that would have to come before themselves; the cycle is named.

    Examples
    --------
    >>> print(PartialOrder.from_layers([["age", "sex"], ["education"], ...]))
    age, sex before education before all others
    >>> print(PartialOrder.from_edges({"age": ["income"], "sex": ["income", "job"]}))
    age before income; sex before income, job
    """

    rules: tuple[tuple[Layer, ...], ...]

    def __post_init__(self) -> None:
        for rule in self.rules:
            for layer in rule:
                if layer is not ... and not (layer and all(isinstance(name, str) for name in layer)):
                    raise InputError(f"order must consist of names, got {layer!r}")
        try:
            TopologicalSorter(self._earlier((OTHERS,))).prepare()
        except CycleError as error:
            raise InputError(
                f"order must not lead from a player back to itself, got {' before '.join(error.args[1])}; remove one "
                "of these relations"
            ) from None

    @classmethod
    def from_layers(cls, layers: Sequence[Any]) -> PartialOrder:
        """Everything in a layer comes before everything in the later ones.

        Parameters
        ----------
        layers : lists of names, or single names; within a layer nothing is said. One of them may be `...`, all players
            that are not named; without it they may come anywhere.

        Raises
        ------
        InputError : a name in two layers, or layers that are no lists of names.

        Examples
        --------
        >>> PartialOrder.from_layers([["age", "sex"], "education"]).precedes(["education", "age", "sex"]).tolist()
        [[0, 0, 0], [1, 0, 0], [1, 0, 0]]
        """
        if not _is_list(layers):
            raise InputError(f"layers must be a sequence of lists of names, got {layers!r}")
        rule = tuple(layer if layer is ... else _names(layer) for layer in layers)
        named = [name for layer in rule for name in ((OTHERS,) if layer is ... else layer)]
        twice = list(dict.fromkeys(name for name in named if named.count(name) > 1))
        if twice:
            raise InputError(f"layers must name each player once, got {_listed(twice)} more than once")
        return cls((rule,) if rule else ())

    @classmethod
    def from_edges(cls, edges: Mapping[str, Any] | Sequence[Any]) -> PartialOrder:
        """The order of a directed graph without cycles: a node comes before all its descendants.

        Parameters
        ----------
        edges : a mapping from a name to the names that come after it, or pairs (before, after) of names.

        Raises
        ------
        InputError : a cycle, which is named, or edges that are no pairs of names.

        Examples
        --------
        >>> PartialOrder.from_edges([("age", "income"), ("income", "age")])
        Traceback (most recent call last):
        pellucid.errors.InputError: order must not lead from a player back to itself, got age before income before age;
        remove one of these relations
        """
        if isinstance(edges, Mapping):
            return cls(tuple(((name,), *filter(None, [_names(after)])) for name, after in edges.items()))
        if not _is_list(edges) or not all(_is_list(pair) and len(pair) == 2 for pair in edges):
            raise InputError(f"edges must be a mapping, or pairs (before, after) of names, got {edges!r}")
        return cls(tuple(((before,), (after,)) for before, after in edges))

    @classmethod
    def of(cls, order: Any) -> PartialOrder:
        """What an argument `order` means: a `PartialOrder`, a mapping as for `from_edges`, or a list of layers."""
        if isinstance(order, cls):
            return order
        if isinstance(order, Mapping):
            return cls.from_edges(order)
        if not _is_list(order):
            raise InputError(
                "order must be layers such as [['age', 'sex'], ['income']], a mapping such as {'age': ['income']} or a "
                f"PartialOrder, got {order!r}"
            )
        if any(isinstance(layer, tuple) for layer in order):
            raise InputError(
                "order must not hold tuples, which could be layers or pairs; write layers as lists, and pairs as "
                "PartialOrder.from_edges(pairs)"
            )
        return cls.from_layers(order)

    def precedes(self, players: Sequence[str]) -> NDArray[np.uint8]:
        """(p, p): 1 where the player of the row comes before that of the column, directly or through others.

        Raises
        ------
        InputError : the order names somebody who is no player.
        """
        place = {name: i for i, name in enumerate(players)}
        named = self._named()
        for name in named:
            if name not in place:
                near = get_close_matches(name, place, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"the players are {_listed(players)}"
                raise InputError(f"order must name players, got {name!r}; {hint}")
        earlier = self._earlier(tuple(name for name in players if name not in named))
        before = np.zeros((len(place), len(place)), dtype=np.uint8)
        for name in TopologicalSorter(earlier).static_order():
            direct = [place[other] for other in earlier[name]]
            before[:, place[name]] = before[:, direct].any(axis=1)
            before[direct, place[name]] = 1
        return before

    def __str__(self) -> str:
        """In words, shortened where there are many."""
        words = [
            " before ".join(OTHERS if layer is ... else _shortened(layer) for layer in rule)
            for rule in self.rules
            if len(rule) > 1
        ]
        return _shortened(words, most=RULES_SHOWN, separator="; ") if words else "no constraints"

    def _named(self) -> dict[str, None]:
        return dict.fromkeys(name for rule in self.rules for layer in rule if layer is not ... for name in layer)

    def _earlier(self, others: tuple[str, ...]) -> dict[str, set[str]]:
        """For each name those that a rule puts directly before it; `others` are the players that no rule names."""
        earlier: dict[str, set[str]] = {name: set() for name in (*self._named(), *others)}
        for rule in self.rules:
            layers = [layer for layer in (others if layer is ... else layer for layer in rule) if layer]
            for before, after in pairwise(layers):
                for name in after:
                    earlier[name].update(before)
        return earlier


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _names(layer: Any) -> tuple[str, ...]:
    if not isinstance(layer, str) and not _is_list(layer):
        raise InputError(f"order must consist of names and lists of names, got {layer!r}")
    return (layer,) if isinstance(layer, str) else tuple(layer)


def _listed(names: Iterable[str]) -> str:
    return _shortened([repr(name) for name in names], most=40)


def _shortened(texts: Sequence[str], *, most: int = NAMES_SHOWN, separator: str = ", ") -> str:
    more = len(texts) - most
    return separator.join(texts[:most]) + (f" and {more:,} more" if more > 0 else "")
