"""The way of one row through one tree."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass

from pellucid.whitebox.questions import Question, elided, listed, number_text, short


@dataclass(frozen=True)
class Step:
    """A question and its answer.

    Attributes
    ----------
    node : number of the node in its tree.
    question : what was asked.
    value : what the row has there.
    left : which way it went.
    cover_share : of the training rows, what came to this node; None where it is not known.
    """

    node: int
    question: Question
    value: float
    left: bool
    cover_share: float | None = None

    @property
    def missing(self) -> bool:
        """Whether the value counts as missing here."""
        return self.question.is_missing(self.value)

    def __str__(self) -> str:
        side = "left" if self.left else "right"
        if math.isnan(self.value):
            return f"{self.question.name} missing -> {side}"
        if self.missing:
            return f"{self.question.name} {number_text(self.value)} counts as missing -> {side}"
        said = self.question.of_numbers(self.left).removeprefix(self.question.name)
        return f"{self.question.name} {number_text(self.value)}{said} -> {side}"


@dataclass(frozen=True)
class Condition:
    """What a path says of one feature, all its questions together.

    Attributes
    ----------
    feature, name : column and what it is called.
    lower, upper : the interval of its numbers, infinite where it is open; of which `lower_included`, `upper_included`.
    categories : those that may be; None if any but those `excluded`.
    missing : a missing value takes the same way.
    only_missing : no number does, as far as this row tells: it was missing here.
    """

    feature: int
    name: str
    lower: float = -math.inf
    upper: float = math.inf
    lower_included: bool = False
    upper_included: bool = False
    categories: tuple[int, ...] | None = None
    excluded: tuple[int, ...] = ()
    missing: bool = False
    only_missing: bool = False
    zero_is_missing: bool = False
    single: bool = False

    def __str__(self) -> str:
        if self.only_missing:
            return f"{self.name} missing or 0" if self.zero_is_missing else f"{self.name} missing"
        words = []
        has_lower, has_upper = self.lower > -math.inf, self.upper < math.inf
        lower, upper = number_text(self.lower, self.single), number_text(self.upper, self.single)
        below, above = "<=" if self.lower_included else "<", "<=" if self.upper_included else "<"
        if has_lower and has_upper:
            words.append(f"{lower} {below} {self.name} {above} {upper}")
        elif has_lower:
            words.append(f"{self.name} {'>=' if self.lower_included else '>'} {lower}")
        elif has_upper:
            words.append(f"{self.name} {above} {upper}")
        if self.categories is not None:
            words.append(f"{self.name} in {{{listed(self.categories)}}}")
        elif self.excluded:
            words.append(f"{self.name} not in {{{listed(self.excluded)}}}")
        text = " and ".join(words) or f"{self.name} not missing"
        return f"{text} (or missing)" if self.missing else text


@dataclass(frozen=True)
class DecisionPath:
    """What one row was asked, from the root to its leaf; ``str`` reads in words.

    Attributes
    ----------
    steps : questions and answers, from the root on.
    leaf : number of the leaf in its tree.
    values : of the leaf, one for each of `outputs`.
    outputs : their names.
    cover_share : of the training rows, what came to this leaf; None where it is not known.
    """

    steps: tuple[Step, ...]
    leaf: int
    values: tuple[float, ...]
    outputs: tuple[str, ...]
    cover_share: float | None = None

    def conditions(self) -> tuple[Condition, ...]:
        """All questions about a feature as one condition, in the order in which the features were asked first."""
        grouped: dict[int, list[Step]] = {}
        for step in self.steps:
            grouped.setdefault(step.question.feature, []).append(step)
        return tuple(_merged(steps) for steps in grouped.values())

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.steps), self.result()])

    def to_text(self, *, merged: bool = False) -> str:
        """The path in words; with merged a line for each feature instead of one for each question."""
        return "\n".join([*map(str, self.conditions()), self.result()]) if merged else str(self)

    def result(self) -> str:
        """The leaf in words."""
        if len(self.values) == 1:
            text = f"= {short(self.values[0])}"
        else:
            pairs = zip(self.outputs, self.values, strict=True)
            text = "= " + ", ".join(f"{elided(name)} {short(value)}" for name, value in pairs)
        return text if self.cover_share is None else f"{text}  ({100 * self.cover_share:.3g} % of training rows)"

    def _repr_html_(self) -> str:
        lines = "".join(f"<li>{html.escape(str(step))}</li>" for step in self.steps)
        return f'<div class="pellucid-path"><ol>{lines}</ol><p>{html.escape(self.result())}</p></div>'


def _merged(steps: list[Step]) -> Condition:
    lower, upper = (-math.inf, False), (math.inf, False)
    inside: set[int] | None = None
    excluded: set[int] = set()
    for step in steps:
        q = step.question
        if step.missing:
            continue
        if q.categories is not None:
            if step.left == q.listed_left:
                inside = set(q.categories) if inside is None else inside & set(q.categories)
            else:
                excluded |= set(q.categories)
            continue
        assert q.threshold is not None
        if step.left:
            candidate = (q.threshold, not q.strict)
            upper = min(upper, candidate)  # of equal ones, that which does not include it
        else:
            candidate = (q.threshold, q.strict)
            lower = max(lower, candidate, key=lambda pair: (pair[0], not pair[1]))
    question = steps[0].question
    return Condition(
        feature=question.feature,
        name=question.name,
        lower=lower[0],
        lower_included=lower[1],
        upper=upper[0],
        upper_included=upper[1],
        categories=None if inside is None else tuple(sorted(inside - excluded)),
        excluded=tuple(sorted(excluded)) if inside is None else (),
        missing=all(step.question.missing_left == step.left for step in steps),
        only_missing=all(step.missing for step in steps),
        zero_is_missing=question.zero_is_missing,
        single=question.single,
    )
