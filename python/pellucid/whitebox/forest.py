"""An ensemble of trees, whatever library it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAF, THRESHOLD, ZERO_IS_MISSING, CATEGORIES = range(4)


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
    link : "identity", "logistic", "softmax", "exp" or another one of `LINKS`: what makes outputs of margins.
    outputs : names of the k margins; None numbers them.
    feature_names : names of the d columns, where the model knows them.
    margin : what the margin is, such as "log-odds".
    source : where it comes from, for reports.

    Raises
    ------
    ModelFormatError : arrays that are not trees; the tree, node and field are named.
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
        link: str = "identity",
        outputs: Sequence[str] | None = None,
        feature_names: Sequence[str] = (),
        margin: str = "prediction",
        source: str = "trees",
    ) -> None:
        from pellucid import _core

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
        self.core = _core.Forest(**self.arrays)
        self.link = link
        self.outputs = tuple(outputs) if outputs is not None else _numbered(self.core.outputs)
        self.feature_names = tuple(feature_names)
        self.margin = margin
        self.source = source

    @property
    def features(self) -> int:
        """Number d of columns."""
        return int(self.core.features)

    @property
    def has_cover(self) -> bool:
        """Whether the weights of the training rows are known, which path-dependent values need."""
        return bool(self.core.has_cover)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "core"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from pellucid import _core

        self.__dict__.update(state)
        self.core = _core.Forest(**self.arrays)


def _numbered(count: int) -> tuple[str, ...]:
    return ("output",) if count == 1 else tuple(f"output {j}" for j in range(count))


def _or_empty(array: Any, dtype: Any) -> Any:
    return np.ascontiguousarray([] if array is None else array, dtype=dtype)
