"""The text of a LightGBM model (`model_to_string`, `save_model`): fields of the head and of each tree.

The text rather than the nested dump: its arrays are flat, so that a tree of any depth is read without recursion, and it
has the bits of decisions and categories as the library tests them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.adapters.tree_documents import refuse


@dataclass(frozen=True)
class ModelText:
    """Parts of the text: fields as they stand there, by name."""

    head: dict[str, str]
    trees: list[dict[str, str]]
    pandas_categorical: list[list[Any]]


def parse_text(text: str, source: str) -> ModelText:
    """Split the text of a model into its parts."""
    if not text.startswith("tree\n") and not text.startswith("tree\r\n"):
        raise refuse(source, "it does not begin with the line 'tree'", "expected the text of a LightGBM model")
    body, end, rest = text.replace("\r\n", "\n").partition("\nend of trees")
    if not end:
        raise refuse(source, "the line 'end of trees' is missing", "the file is cut off; save it again")
    head, *trees = body.split("\nTree=")
    fields = _fields(head)
    if "tree_sizes" in fields and len(fields["tree_sizes"].split()) != len(trees):
        raise refuse(source, "it has another number of trees than it says", "save it again with lightgbm")
    return ModelText(fields, [_fields(tree) for tree in trees], _categories(rest))


def _fields(text: str) -> dict[str, str]:
    parts = (line.partition("=") for line in text.split("\n") if line)
    return {name: value for name, _, value in parts}


def _categories(rest: str) -> list[list[Any]]:
    """Training categories of the categorical columns of a pandas frame, on the last line of the text."""
    _, found, listed = rest.rpartition("\npandas_categorical:")
    values = json.loads(listed.split("\n")[0]) if found else None
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(one, list) for one in values):
        raise TypeError("pandas_categorical must be a list of lists")
    return values


def integers(text: str) -> NDArray[np.int64]:
    return np.array([int(part) for part in text.split()], dtype=np.int64)


def column(trees: list[dict[str, str]], name: str, number: Callable[[str], float]) -> tuple[Any, NDArray[np.int64]]:
    """A field of all trees as one array, and how many entries each tree has; none where the field is missing."""
    lists = [tree.get(name, "").split() for tree in trees]
    counts = np.array([len(parts) for parts in lists], dtype=np.int64)
    dtype = np.int64 if number is int else np.float64
    return np.fromiter(map(number, chain.from_iterable(lists)), dtype=dtype, count=int(counts.sum())), counts
