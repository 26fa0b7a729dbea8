"""An ensemble of trees, whatever library it comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_whole, shown
from pellucid.errors import InputError, ModelFormatError
from pellucid.whitebox.labels import margin_names, require_order
from pellucid.whitebox.links import Link, apply_link
from pellucid.whitebox.questions import CATEGORIES, LEAF, THRESHOLD, ZERO_IS_MISSING
from pellucid.whitebox.tree import Tree

if TYPE_CHECKING:
    from pellucid import _core

__all__ = ["CATEGORIES", "LEAF", "THRESHOLD", "ZERO_IS_MISSING", "Forest"]

Array = NDArray[np.float64]


class Forest:
    r"""Trees whose sum, through a link, is what a model predicts.

    .. math:: f(x) = \mathrm{link}\Bigl(b + \sum_t v_{t, \mathrm{leaf}_t(x)}\Bigr)

    The sum inside is called the margin. Arrays have an entry for each of N nodes, tree after tree; children are counted
    from the first node of their tree, which is its root.

    Parameters
    ----------
    features : number d of columns.
    tree_starts : (T + 1,) first node of each tree, and N.
    questions : (N,) LEAF, THRESHOLD (x <= threshold goes left), ZERO_IS_MISSING (the same, and 0 counts as missing)
        or CATEGORIES (a listed category goes against `others_left`).
    split_features, thresholds, left, right : (N,), of nodes that are no leaf.
    values : (N, 1) or (N, k), of leaves.
    base : (k,) added once.
    tree_outputs : (T,) the margin each tree counts for; None where leaves have a value for each.
    missing_left : (N,) where NaN goes; None is right.
    others_left, category_starts, categories : of questions about categories.
    cover : (N,) weight of the training rows in each node; None where it is not known.
    strict : the library asks x < threshold.
    single : it rounds x to float32 first.
    negative_is_missing : a negative category counts as missing, and is a category not listed otherwise.
    link : "identity", "logistic", "softmax", "exp" or another `Link` or its name: what makes outputs of margins.
    outputs : names of the k margins; None numbers several, and calls a single one by `margin`.
    feature_names : names of the d columns, where the model knows them.
    margin : what the margin is, such as "log-odds".
    source : where it comes from, for reports.

    Raises
    ------
    ModelFormatError : arrays that are not trees; the tree, node and field are named.
    InputError : a link that is not known.

    Examples
    --------
    >>> stump = Forest(
    ...     features=1, tree_starts=[0, 3], questions=[1, 0, 0], split_features=[0, -1, -1], thresholds=[2.5, 0, 0],
    ...     left=[1, -1, -1], right=[2, -1, -1], values=[[0.0], [0.1], [0.7]], base=[0.0], feature_names=["age"],
    ... )
    >>> stump.margins([[2.0], [3.0]]).tolist()
    [[0.1], [0.7]]
    >>> print(stump.tree(0).decision_path([3.0]))
    age 3 > 2.5 -> right
    = 0.7
    """

    def __init__(
        self,
        *,
        features: int,
        tree_starts: Any,
        questions: Any,
        split_features: Any,
        thresholds: Any,
        left: Any,
        right: Any,
        values: Any,
        base: Any,
        tree_outputs: Any = None,
        missing_left: Any = None,
        others_left: Any = None,
        category_starts: Any = None,
        categories: Any = None,
        cover: Any = None,
        strict: bool = False,
        single: bool = False,
        negative_is_missing: bool = False,
        link: str | Link = "identity",
        outputs: Sequence[str] | None = None,
        feature_names: Sequence[str] = (),
        margin: str = "prediction",
        source: str = "trees",
    ) -> None:
        Link.of(link)
        questions = np.ascontiguousarray(questions, dtype=np.uint8)
        none = np.zeros(len(questions), dtype=np.uint8)
        self.arrays = {
            "features": int(features),
            "tree_starts": np.ascontiguousarray(tree_starts, dtype=np.int64),
            "tree_outputs": _or_empty(tree_outputs, np.int32),
            "questions": questions,
            "split_features": np.ascontiguousarray(split_features, dtype=np.int32),
            "thresholds": np.ascontiguousarray(thresholds, dtype=np.float64),
            "left": np.ascontiguousarray(left, dtype=np.int64),
            "right": np.ascontiguousarray(right, dtype=np.int64),
            "missing_left": none if missing_left is None else np.ascontiguousarray(missing_left, dtype=np.uint8),
            "others_left": none if others_left is None else np.ascontiguousarray(others_left, dtype=np.uint8),
            "category_starts": _or_empty(category_starts, np.int64),
            "categories": _or_empty(categories, np.int64),
            "cover": _or_empty(cover, np.float64),
            "values": np.ascontiguousarray(values, dtype=np.float64),
            "base": np.ascontiguousarray(base, dtype=np.float64),
            "strict": bool(strict),
            "single": bool(single),
            "negative_is_missing": bool(negative_is_missing),
        }
        self._build()
        self.link = link
        self.outputs = tuple(outputs) if outputs is not None else margin_names(self.core.outputs, margin)
        self.feature_names = tuple(feature_names)
        if len(self.outputs) != self.core.outputs:
            raise ModelFormatError(f"outputs must name all {self.core.outputs} margins, got {len(self.outputs)} names")
        if len(self.feature_names) not in (0, self.features):
            raise ModelFormatError(
                f"feature_names must name all {self.features} columns or none, got {len(self.feature_names)} names"
            )
        self.margin = margin
        self.source = source
        # The model may have added its leaves in float32.
        self.single_sums = self.arrays["single"]
        # Column -> the training categories of a column of a frame: its code i stands for entry i.
        self.feature_categories: dict[int, tuple[Any, ...]] = {}

    @property
    def features(self) -> int:
        """Number d of columns."""
        return int(self.core.features)

    @property
    def has_cover(self) -> bool:
        """Whether the weights of the training rows are known, which path-dependent values need."""
        return bool(self.core.has_cover)

    @property
    def n_trees(self) -> int:
        """Number T of trees."""
        return int(self.core.trees)

    @property
    def n_leaves(self) -> int:
        """Of all trees together."""
        return int(self.core.leaves)

    @property
    def depth(self) -> int:
        """Questions on the longest path of any tree."""
        return int(self.core.depth)

    def margins(self, rows: Any) -> Array:
        """(n, d) rows to (n, k) margins, the base first and the trees added in their order, in float64."""
        margins: Array = self._prepared().margins(self._checked(rows))
        return margins

    def predict(self, rows: Any) -> Array:
        """(n, d) rows to the outputs that the link makes of their margins."""
        return apply_link(self.link, self.margins(rows))

    def leaves(self, rows: Any) -> NDArray[np.int32]:
        """(n, T) node in which each row ends, numbered over the whole forest as the arrays are."""
        leaves: NDArray[np.int32] = self._prepared().leaves(self._checked(rows))
        return leaves

    def largest_margins(self) -> Array:
        """(k,) what no margin exceeds in size: the largest leaf of each tree, and the base."""
        a = self.arrays
        sizes = np.where(a["questions"][:, None] == LEAF, np.abs(a["values"]), 0.0)
        largest = np.maximum.reduceat(sizes, a["tree_starts"][:-1], axis=0) if self.n_trees else np.zeros((0, 1))
        total: Array = np.abs(a["base"])
        if len(a["tree_outputs"]):
            np.add.at(total, a["tree_outputs"], largest[:, 0])
        else:
            total += largest.sum(axis=0)
        return total

    def tree(self, index: int) -> Tree:
        """One tree, to be read."""
        if not is_whole(index) or not 0 <= index < self.n_trees:
            raise InputError(
                f"index must be a number from 0 to {self.n_trees - 1}, got {shown(index)}; trees count from 0"
            )
        return Tree(self, int(index))

    def __len__(self) -> int:
        return self.n_trees

    def __repr__(self) -> str:
        outputs = "1 output" if len(self.outputs) == 1 else f"{len(self.outputs)} outputs"
        return (
            f"Forest({self.n_trees} trees of {self.n_leaves} leaves, depth {self.depth}, {self.features} features, "
            f"{outputs}, link {str(self.link)!r}, from {self.source})"
        )

    def __eq__(self, other: object) -> bool:
        """The same trees, link and names."""
        if not isinstance(other, Forest):
            return NotImplemented
        return self._names() == other._names() and self._digest() == other._digest()

    def __hash__(self) -> int:
        return hash(self._digest())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in {"core", "_evaluator"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._build()

    def _build(self) -> None:
        from pellucid import _core

        self.core = _core.Forest(**self.arrays)
        self._evaluator: _core.ForestEvaluator | None = None

    def _prepared(self) -> _core.ForestEvaluator:
        """Made by the first call. Two threads may both make one; either will do."""
        from pellucid import _core

        evaluator = self._evaluator
        if evaluator is None:
            self._evaluator = evaluator = _core.ForestEvaluator(self.core)
        return evaluator

    def _checked(self, rows: Any) -> Array:
        require_order(rows, self.feature_names)
        try:
            array = np.ascontiguousarray(rows, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError(f"rows must be numbers, NaN where missing, got {shown(rows)}; encode them first") from None
        if array.ndim != 2 or array.shape[1] != self.features:
            raise InputError(f"rows must have shape (n, {self.features}), got {array.shape}; pass a table of rows")
        return array

    def _names(self) -> tuple[Any, ...]:
        return (str(self.link), self.outputs, self.feature_names, self.margin)

    def _digest(self) -> bytes:
        digest = hashlib.blake2b(digest_size=16)
        for name, value in self.arrays.items():
            if isinstance(value, np.ndarray):
                digest.update(f"{name} {value.dtype} {value.shape}".encode())
                digest.update(value.tobytes())
            else:
                digest.update(f"{name} {value}".encode())
        return digest.digest()


def _or_empty(array: Any, dtype: Any) -> Any:
    return np.ascontiguousarray([] if array is None else array, dtype=dtype)
