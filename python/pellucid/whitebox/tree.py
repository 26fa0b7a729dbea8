"""One tree of a forest, read as itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_whole, shown
from pellucid.errors import InputError
from pellucid.whitebox.decision_path import DecisionPath, Step
from pellucid.whitebox.labels import require_order
from pellucid.whitebox.questions import LEAF, ZERO_IS_MISSING, Question, elided, question_of, short

if TYPE_CHECKING:
    from pellucid.whitebox.forest import Forest

DEEPEST_TEXT = 20


class Tree:
    """A tree of a `Forest`, in words: ``forest.tree(0).to_text()``, ``forest.tree(0).decision_path(x)``.

    Nodes are numbered from 0, the root, as the library numbers them.

    Attributes
    ----------
    forest, index : where it is from.
    depth : questions on the longest path.
    mean_questions : questions on the paths of the training rows, in the mean by cover; None where that is not known.
    n_nodes, n_leaves : how many there are.
    output : name of the output it counts for; None where its leaves have a value for each.
    """

    def __init__(self, forest: Forest, index: int) -> None:
        self.forest = forest
        self.index = index
        starts = forest.arrays["tree_starts"]
        self._first, self._last = int(starts[index]), int(starts[index + 1])
        nodes = slice(self._first, self._last)
        self._questions: NDArray[Any] = forest.arrays["questions"][nodes]
        self._left: NDArray[Any] = forest.arrays["left"][nodes]
        self._right: NDArray[Any] = forest.arrays["right"][nodes]
        self.n_nodes = self._last - self._first
        self.n_leaves = int((self._questions == LEAF).sum())
        self.depth = self._depth()
        self.mean_questions = self._mean_questions()
        self.output = self._output()

    def question(self, node: int) -> Question | None:
        """What a node asks; None of a leaf."""
        self._check(node)
        return None if self._questions[node] == LEAF else question_of(self.forest, self._first + node)

    def children(self, node: int) -> tuple[int, int] | None:
        """Left and right; None of a leaf."""
        self._check(node)
        return None if self._questions[node] == LEAF else (int(self._left[node]), int(self._right[node]))

    def values(self, node: int) -> NDArray[np.float64]:
        """Of a leaf: its one value, or one for each output."""
        self._check(node)
        values: NDArray[np.float64] = self.forest.arrays["values"][self._first + node].copy()
        return values

    def cover_share(self, node: int) -> float | None:
        """Of the weight of the training rows, what came to a node; None where it is not known."""
        self._check(node)
        cover = self.forest.arrays["cover"]
        if len(cover) == 0 or cover[self._first] <= 0:
            return None
        return float(cover[self._first + node] / cover[self._first])

    def decision_path(self, x: Any) -> DecisionPath:
        """The questions that one row is asked, and the leaf it comes to.

        Parameters
        ----------
        x : (d,) numbers, NaN where missing, or a mapping from names of features to them; names left out are missing.

        Raises
        ------
        InputError : x has another length, or names that the forest does not know.
        """
        row = _row(self.forest, x)
        steps, node = [], 0
        while self._questions[node] != LEAF:
            question = question_of(self.forest, self._first + node)
            value = float(row[question.feature])
            left = question.goes_left(value)
            steps.append(Step(node=node, question=question, value=value, left=left, cover_share=self.cover_share(node)))
            node = int((self._left if left else self._right)[node])
        names = self.forest.outputs if self.output is None else (self.output,)
        return DecisionPath(
            steps=tuple(steps),
            leaf=node,
            values=tuple(float(v) for v in self.values(node)),
            outputs=tuple(names),
            cover_share=self.cover_share(node),
        )

    def to_text(self, max_depth: int = DEEPEST_TEXT) -> str:
        """The whole tree as nested ifs, what is deeper than max_depth as a count of its leaves.

        Where missing values go is said at each question, or once at the head where that takes fewer words.
        """
        if not is_whole(max_depth) or max_depth < 0:
            raise InputError(f"max_depth must be a whole number, 0 or more, got {shown(max_depth)}; leave it out")
        below = self._leaves_below() if self.depth > max_depth else None
        head, missing = self._missing_rule()
        lines: list[str] = [head] if head else []
        waiting: list[tuple[int, int, str]] = [(0, 0, "")]
        while waiting:
            node, level, before = waiting.pop()
            if before:
                lines.append("    " * (level - 1) + before)
            indent = "    " * level
            question = self.question(node)
            if question is None:
                lines.append(indent + self._leaf_text(node))
            elif below is not None and level >= max_depth:
                lines.append(f"{indent}... {below[node]} leaves")
            else:
                left, right = int(self._left[node]), int(self._right[node])
                waiting.append((right, level + 1, "else:"))
                waiting.append((left, level + 1, f"if {question.text(missing=missing.get(node))}:"))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Tree({self.index} of {self.forest.n_trees}, {self.n_leaves} leaves, depth {self.depth})"

    __str__ = to_text

    def _missing_rule(self) -> tuple[str, dict[int, bool]]:
        """What is true of the missing values of most questions, and where it sends them; "" where of too few.

        A library that met no missing value may send them to the larger side, which is nothing that its tree learned.
        """
        a, splits = self.forest.arrays, np.flatnonzero(self._questions != LEAF)
        lefts = a["missing_left"][self._first : self._last][splits].astype(bool)
        rules = {"missing values go left": np.ones(len(splits), dtype=bool)}
        if len(a["cover"]):
            cover = a["cover"][self._first : self._last]
            larger = cover[self._left[splits]] > cover[self._right[splits]]
            rules["missing values go where more training rows went"] = larger
        exceptions = {rule: int((lefts != where).sum()) for rule, where in rules.items()}
        rule = min(exceptions, key=lambda one: exceptions[one])
        if 1 + exceptions[rule] >= lefts.sum() or (self._questions == ZERO_IS_MISSING).any():
            return "", {}
        but = ", where nothing else is said" if exceptions[rule] else ""
        return f"{rule}{but}", dict(zip(splits.tolist(), rules[rule].tolist(), strict=True))

    def _leaf_text(self, node: int) -> str:
        values = self.values(node)
        text = short(values[0]) if len(values) == 1 else f"({', '.join(map(short, values))})"
        share = self.cover_share(node)
        return f"= {text}" if share is None else f"= {text}  ({100 * share:.3g} % of training rows)"

    def _depth(self) -> int:
        deepest, waiting = 0, [(0, 0)]
        while waiting:
            node, level = waiting.pop()
            deepest = max(deepest, level)
            if self._questions[node] != LEAF:
                waiting += [(int(self._left[node]), level + 1), (int(self._right[node]), level + 1)]
        return deepest

    def _mean_questions(self) -> float | None:
        """Each row that comes to a node is asked there once."""
        if self.cover_share(0) is None:
            return None
        cover = self.forest.arrays["cover"][self._first : self._last]
        return float(cover[self._questions != LEAF].sum() / cover[0])

    def _leaves_below(self) -> NDArray[np.int64]:
        order, waiting = [], [0]
        while waiting:
            node = waiting.pop()
            order.append(node)
            if self._questions[node] != LEAF:
                waiting += [int(self._left[node]), int(self._right[node])]
        leaves: NDArray[np.int64] = (self._questions == LEAF).astype(np.int64)
        for node in reversed(order):
            if self._questions[node] != LEAF:
                leaves[node] = leaves[self._left[node]] + leaves[self._right[node]]
        return leaves

    def _output(self) -> str | None:
        outputs = self.forest.arrays["tree_outputs"]
        if len(outputs):
            return self.forest.outputs[int(outputs[self.index])]
        return self.forest.outputs[0] if len(self.forest.outputs) == 1 else None

    def _check(self, node: int) -> None:
        if not is_whole(node) or not 0 <= node < self.n_nodes:
            raise InputError(f"node must be a number from 0 to {self.n_nodes - 1}, got {shown(node)}; 0 is the root")


def _row(forest: Forest, x: Any) -> NDArray[np.float64]:
    if isinstance(x, Mapping):
        places = {name: j for j, name in enumerate(forest.feature_names)}
        unknown = [name for name in x if name not in places]
        if unknown:
            known = ", ".join(elided(name) for name in forest.feature_names[:6]) or "none, so pass an array"
            raise InputError(f"x must have names of features, got {shown(unknown[0])}; the forest knows {known}")
        named = np.full(forest.features, np.nan)
        for name, value in x.items():
            named[places[name]] = np.nan if value is None else value
        return named
    require_order(x, forest.feature_names)
    try:
        row: NDArray[np.float64] = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"x must be numbers, NaN where missing, got {shown(x)}; encode it first") from None
    if row.shape == (1, forest.features):
        row = row[0]
    if row.shape != (forest.features,):
        raise InputError(f"x must be one row of {forest.features} numbers, got shape {row.shape}; pass one row")
    return row
