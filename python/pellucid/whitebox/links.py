"""What makes outputs of margins: the last step of a model whose inside is a sum."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import shown
from pellucid.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Link:
    r"""A function of the k margins of a row, known by its name.

    ======================== ======================================================= ==================
    name                     outputs                                                 parameters
    ======================== ======================================================= ==================
    ``identity``             :math:`m`
    ``logistic``             :math:`(1 - p, p)`, :math:`p = 1 / (1 + e^{-s m})`, of   s, 1 if left out
                             one margin
    ``logistic_each``        :math:`1 / (1 + e^{-s m_j})`                            s, 1 if left out
    ``logistic_normalised``  the same, divided by their sum                          s, 1 if left out
    ``softmax``              :math:`e^{m_j} / \sum_i e^{m_i}`
    ``exp``                  :math:`e^{m_j}`
    ``expm1``                :math:`e^{m_j} - 1`
    ``softplus``             :math:`\log(1 + e^{m_j})`
    ``signed_square``        :math:`\mathrm{sign}(m_j)\, m_j^2`
    ``isolation``            :math:`-2^{-m_j / c} - o` of mean path lengths          c, o
    ======================== ======================================================= ==================

    Parameters
    ----------
    name : one of the table.
    parameters : the numbers of the table. Both can be written in one word, as in ``Link.of("logistic:0.5")``.

    Raises
    ------
    InputError : a name or a number of parameters that is not in the table.

    Examples
    --------
    >>> Link("logistic")(np.array([[0.0]])).tolist()
    [[0.5, 0.5]]
    >>> Link.of("isolation:2:-0.5").output_count(1)
    1
    """

    name: str
    parameters: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in _FUNCTIONS:
            raise InputError(f"link must be one of {', '.join(_FUNCTIONS)}, got {shown(self.name)}; name one of them")
        object.__setattr__(self, "parameters", tuple(float(p) for p in self.parameters))
        allowed = _PARAMETERS.get(self.name, (0,))
        if len(self.parameters) not in allowed or not all(map(math.isfinite, self.parameters)):
            raise InputError(
                f"link {self.name!r} takes {' or '.join(map(str, allowed))} finite parameters, got "
                f"{shown(self.parameters)}; give it those"
            )
        if self.name == "isolation" and self.parameters[0] == 0.0:
            raise InputError("link 'isolation' divides by its first parameter, got 0; give it a positive one")

    @classmethod
    def of(cls, link: str | Link) -> Link:
        """The link of that name, parameters after colons."""
        if isinstance(link, Link):
            return link
        if not isinstance(link, str):
            raise InputError(f"link must be a name or a Link, got {shown(link)}; name one of {', '.join(_FUNCTIONS)}")
        name, *parameters = link.split(":")
        try:
            return cls(name, tuple(float(p) for p in parameters))
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"parameters of link {shown(link)} must be numbers; write name:number") from None

    def __call__(self, margins: Array) -> Array:
        """(n, k) margins to (n, output_count(k)) outputs."""
        margins = np.asarray(margins, dtype=np.float64)
        self.output_count(margins.shape[1])
        outputs: Array = _FUNCTIONS[self.name](margins, *self.parameters)
        return outputs

    def output_count(self, margins: int) -> int:
        """Number of outputs of so many margins."""
        if self.name != "logistic":
            return margins
        if margins != 1:
            raise InputError(f"link 'logistic' is one of one margin, got {margins}; take logistic_each or softmax")
        return 2

    def __str__(self) -> str:
        return ":".join([self.name, *(f"{p!r}" for p in self.parameters)])


def link_name(structure: Any) -> str:
    """ "identity", "logistic", ...: what makes outputs of the margins of a structure."""
    return Link.of(structure.link).name


def link_slope(structure: Any) -> float:
    """The factor of the margins in a logistic link; 1 where it has none."""
    link = Link.of(structure.link)
    return link.parameters[0] if link.parameters and link.name.startswith("logistic") else 1.0


def apply_link(link: str | Link, margins: Array) -> Array:
    """(n, k) margins to (n, k') outputs, by a link or its name."""
    return Link.of(link)(margins)


def _sigmoid(z: Array) -> Array:
    # Of -|z|, so that nothing overflows and small ones keep their digits.
    small = np.exp(-np.abs(z))
    sigmoid: Array = np.where(z >= 0.0, 1.0, small) / (1.0 + small)
    return sigmoid


def _logistic(m: Array, slope: float = 1.0) -> Array:
    return np.concatenate([_sigmoid(-slope * m), _sigmoid(slope * m)], axis=1)


def _logistic_each(m: Array, slope: float = 1.0) -> Array:
    return _sigmoid(slope * m)


def _logistic_normalised(m: Array, slope: float = 1.0) -> Array:
    each = _sigmoid(slope * m)
    total = each.sum(axis=1, keepdims=True)
    # Where all are zero to the last digit no class is preferred.
    normalised: Array = np.where(total > 0.0, each / np.where(total > 0.0, total, 1.0), 1.0 / m.shape[1])
    return normalised


def _softmax(m: Array) -> Array:
    powers = np.exp(m - m.max(axis=1, keepdims=True))
    softmax: Array = powers / powers.sum(axis=1, keepdims=True)
    return softmax


def _softplus(m: Array) -> Array:
    return np.logaddexp(0.0, m)


def _signed_square(m: Array) -> Array:
    return np.sign(m) * m * m


def _isolation(m: Array, length: float, offset: float) -> Array:
    isolation: Array = -np.exp2(-m / length) - offset
    return isolation


_FUNCTIONS: dict[str, Callable[..., Array]] = {
    "identity": lambda m: m,
    "logistic": _logistic,
    "logistic_each": _logistic_each,
    "logistic_normalised": _logistic_normalised,
    "softmax": _softmax,
    "exp": np.exp,
    "expm1": np.expm1,
    "softplus": _softplus,
    "signed_square": _signed_square,
    "isolation": _isolation,
}
# How many there may be, where it is not none.
_PARAMETERS = {"logistic": (0, 1), "logistic_each": (0, 1), "logistic_normalised": (0, 1), "isolation": (2,)}

# Those that need no parameters, by name.
LINKS = {name: Link(name) for name in _FUNCTIONS if 0 in _PARAMETERS.get(name, (0,))}
