"""The questions of a tree in words, as the library that made it asks them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pellucid.whitebox.forest import Forest

LEAF, THRESHOLD, ZERO_IS_MISSING, CATEGORIES = range(4)
NEARLY_ZERO = float(np.float32(1e-35))
NAME_CHARACTERS = 40
LISTED = 8


@dataclass(frozen=True)
class Question:
    """What a node asks of one feature; `yes` goes left where `listed_left`, or where it is no question of categories.

    Attributes
    ----------
    feature, name : column and what it is called.
    threshold : as the library has it; None for categories.
    strict : asked as x < threshold, otherwise x <= threshold.
    categories : the listed ones; None for a threshold.
    listed_left : a listed category goes left.
    missing_left : a missing value goes left.
    zero_is_missing : 0 counts as missing.
    negative_is_missing : so does a negative category.
    single : x is rounded to float32 first.
    """

    feature: int
    name: str
    threshold: float | None
    strict: bool
    categories: tuple[int, ...] | None
    listed_left: bool
    missing_left: bool
    zero_is_missing: bool
    negative_is_missing: bool
    single: bool

    def is_missing(self, x: float) -> bool:
        if math.isnan(x):
            return True
        if self.categories is not None:
            return self.negative_is_missing and x < 0.0
        return self.zero_is_missing and abs(x) <= NEARLY_ZERO

    def goes_left(self, x: float) -> bool:
        if self.is_missing(x):
            return self.missing_left
        if self.categories is not None:
            listed = math.isfinite(x) and math.trunc(x) in self.categories
            return listed == self.listed_left
        assert self.threshold is not None
        with np.errstate(over="ignore"):
            number = float(np.float32(x)) if self.single else x
        return number < self.threshold if self.strict else number <= self.threshold

    def of_numbers(self, left: bool) -> str:
        """`income <= 3.75`, or what is said of those that go right."""
        if self.categories is not None:
            inside = left == self.listed_left
            return f"{self.name} {'in' if inside else 'not in'} {{{listed(self.categories)}}}"
        sign = ("<" if left else ">=") if self.strict else ("<=" if left else ">")
        return f"{self.name} {sign} {number_text(self.threshold, self.single)}"

    def text(self, left: bool = True, *, missing: bool | None = None) -> str:
        """Who goes to this side, with the missing values; not a word of them where they go left as `missing` says."""
        words = self.of_numbers(left)
        if missing == self.missing_left:
            return words
        if self.missing_left != left:
            return words if missing is None else f"{words}, unless missing"
        what = "missing or 0" if self.zero_is_missing else "missing"
        return f"{words} or {self.name} {what}"


def question_of(forest: Forest, node: int) -> Question:
    """That of a node that is no leaf, numbered over the whole forest."""
    a = forest.arrays
    kind, feature = int(a["questions"][node]), int(a["split_features"][node])
    categories = None
    if kind == CATEGORIES:
        start = a["category_starts"]
        categories = tuple(int(c) for c in a["categories"][start[node] : start[node + 1]])
    return Question(
        feature=feature,
        name=name_of(forest, feature),
        threshold=None if kind == CATEGORIES else float(a["thresholds"][node]),
        strict=bool(a["strict"]),
        categories=categories,
        listed_left=not a["others_left"][node],
        missing_left=bool(a["missing_left"][node]),
        zero_is_missing=kind == ZERO_IS_MISSING,
        negative_is_missing=bool(a["negative_is_missing"]),
        single=bool(a["single"]),
    )


def name_of(forest: Forest, feature: int) -> str:
    return elided(forest.feature_names[feature]) if forest.feature_names else f"feature {feature}"


def elided(name: Any, characters: int = NAME_CHARACTERS) -> str:
    """A name of one line and readable length, its ends kept.

    >>> elided("income"), elided("a" * 50 + "z", 9)
    ('income', 'aaaa…aaaz')
    """
    text = " ".join(str(name).split())
    if len(text) <= characters:
        return text
    end = (characters - 1) // 2
    return f"{text[: characters - 1 - end]}…{text[len(text) - end :]}"


def number_text(x: float | None, single: bool = False) -> str:
    """The shortest decimals that are this number; of floats, that ask the same where the library compares floats.

    >>> number_text(float(np.float32(0.1)), True), number_text(0.1), number_text(3.0)
    ('0.1', '0.1', '3')
    >>> number_text(0.04891999997198582, True)  # half-way between two floats
    '0.04892'
    """
    assert x is not None
    with np.errstate(over="ignore"):
        rounded = np.float32(x)
    if single and float(rounded) == x:
        text = str(rounded)
    elif single and np.isfinite(rounded):
        text = _between(x, rounded)
    else:
        text = repr(float(x))
    return text.removesuffix(".0")


def _between(x: float, rounded: np.float32) -> str:
    """Decimals between the same two neighbouring floats as x."""
    other = np.nextafter(rounded, np.float32(math.copysign(math.inf, x - float(rounded))))
    low, high = sorted((float(rounded), float(other)))
    found = (float(f"{x:.{digits}g}") for digits in range(1, 18))
    return repr(next(number for number in found if low < number < high))


def listed(categories: tuple[int, ...]) -> str:
    """The first few, and how many more there are."""
    shown = ", ".join(map(str, categories[:LISTED]))
    return shown if len(categories) <= LISTED else f"{shown}, and {len(categories) - LISTED} more"


def short(x: float) -> str:
    """A value of a leaf, to six digits."""
    return f"{x:.6g}"
