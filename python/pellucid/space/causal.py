"""What is known of causes: which features come before which, and where a common cause hides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.space.declare import listing
from pellucid.space.space import Space


@dataclass(frozen=True)
class CausalOrder:
    """Components of features in causal order: what stands earlier may cause what stands later, never the reverse.

    Parameters
    ----------
    components : sequence of sequences of feature names, every feature once; a group stands for all its features, and
        a name alone is a component of its own.
    confounded : whether the features of a component depend on each other through a hidden common cause alone (True), so
        that setting one tells nothing of the others, or through each other (False); one answer for all, or one per
        component.

    Raises
    ------
    InputError : empty components, a name given twice, or a wrong number of answers.

    Examples
    --------
    >>> order = CausalOrder([["age", "sex"], ["income"]], confounded=[True, False])
    >>> order.components, order.confounded
    ((('age', 'sex'), ('income',)), (True, False))
    """

    components: Sequence[Sequence[str] | str]
    confounded: bool | Sequence[bool] = False

    def __post_init__(self) -> None:
        if isinstance(self.components, str) or not isinstance(self.components, Sequence):
            raise InputError(f"components must be a list of lists of feature names, got {self.components!r}")
        components = tuple((one,) if isinstance(one, str) else tuple(one) for one in self.components)
        names = [name for component in components for name in component]
        odd = next((name for name in names if not isinstance(name, str)), None)
        if odd is not None or not all(components) or not components:
            raise InputError(f"components must be lists of feature names, none of them empty, got {self.components!r}")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"components must hold every feature once, got {twice!r} twice; drop one")
        object.__setattr__(self, "components", components)
        object.__setattr__(self, "confounded", _answers(self.confounded, len(components)))

    def columns(self, space: Space) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The component (d,) of every column, and whether each component is confounded, as 0 and 1.

        Raises
        ------
        InputError : a name that is no feature or group of the space, or a feature that is in no component.
        """
        component_of: dict[str, int] = {}
        for index, component in enumerate(self.components):
            for name in component:
                members = space.groups.get(name, (name,))
                strange = [member for member in members if member not in space.names or member in component_of]
                if strange:
                    twice = strange[0] in component_of
                    raise InputError(
                        f"causal must name features or groups of the data, each feature once, got {strange[0]!r} "
                        f"{'twice' if twice else ''}; the features are {listing(space.names)}"
                    )
                component_of.update(dict.fromkeys(members, index))
        absent = [name for name in space.names if name not in component_of]
        if absent:
            raise InputError(
                f"causal must place every feature, got none for {listing(tuple(absent))}; put features of which "
                "nothing is known into one component with those they may depend on"
            )
        component_of_column = np.array([component_of[name] for name in space.names], dtype=np.int32)
        return component_of_column, np.array(self.confounded, dtype=np.int32)


def _answers(confounded: Any, count: int) -> tuple[bool, ...]:
    if isinstance(confounded, (bool, np.bool_)):
        return (bool(confounded),) * count
    found = tuple(confounded) if isinstance(confounded, (Sequence, np.ndarray)) else ()
    if len(found) != count or not all(isinstance(one, (bool, np.bool_)) for one in found):
        raise InputError(
            f"confounded must be True, False, or one of them for each of the {count} components, got {confounded!r}"
        )
    return tuple(map(bool, found))
