"""Libraries that boost regression trees, each with settings under which the same rows give the same bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from importlib.util import find_spec
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.estimation.estimate import Array
from pellucid.whitebox import Forest

FEW_ROWS = 400


@dataclass(frozen=True)
class Boosting:
    """How trees are boosted. Errors hardly move for 15 to 63 leaves and rates of 0.05 to 0.2.

    Parameters
    ----------
    trees, leaves, rate : their number, the most leaves of one, and the share of each step that is taken.
    least_rows : in a leaf; None is 20, and 5 below 400 rows.
    ridge : added to the rows of a leaf where its value is their mean.
    bins : of each column.
    """

    trees: int = 300
    leaves: int = 31
    rate: float = 0.1
    least_rows: int | None = None
    ridge: float = 1.0
    bins: int = 255

    def for_rows(self, rows: int) -> Boosting:
        """With `least_rows` for so many rows."""
        if self.least_rows is not None:
            return self
        return replace(self, least_rows=5 if rows < FEW_ROWS else 20)


@dataclass(frozen=True)
class Learner:
    """A library: what is imported, what is installed, and fit(rows, target, boosting, seed) -> fitted regressor."""

    module: str
    package: str
    fitted: Callable[[Array, Array, Boosting, int], Any]

    @property
    def installed(self) -> bool:
        """Whether it can be imported; it is not, to find out."""
        return find_spec(self.module) is not None

    def fit(self, rows: Array, target: Array, boosting: Boosting, seed: int) -> Any:
        """A fitted regressor; InputError where the library is missing."""
        try:
            return self.fitted(rows, target, boosting, seed)
        except ImportError as error:
            raise InputError(
                f"this control variate needs {self.package}, which cannot be imported ({error}); install it, or use "
                "control_variate='kernel'"
            ) from error


def _lightgbm(rows: Array, target: Array, boosting: Boosting, seed: int) -> Any:
    import lightgbm

    parameters = {
        "objective": "regression",
        "num_leaves": boosting.leaves,
        "learning_rate": boosting.rate,
        "min_data_in_leaf": boosting.least_rows,
        "lambda_l2": boosting.ridge,
        "max_bin": boosting.bins,
        "boost_from_average": False,  # targets have mean 0
        "seed": seed % 2**31,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbose": -1,
    }
    data = lightgbm.Dataset(rows, target, params=parameters, free_raw_data=True)
    return lightgbm.train(parameters, data, num_boost_round=boosting.trees)


def _hist(rows: Array, target: Array, boosting: Boosting, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(
        max_iter=boosting.trees,
        max_leaf_nodes=boosting.leaves,
        learning_rate=boosting.rate,
        min_samples_leaf=boosting.least_rows,
        l2_regularization=boosting.ridge,
        max_bins=boosting.bins,
        early_stopping=False,
        random_state=seed % 2**32,
    )
    with threadpool_limits(limits=1, user_api="openmp"):  # its sums of gradients depend on the threads
        return model.fit(rows, target)


DEFAULT = Boosting()
# In order of preference.
LEARNERS = {
    "lightgbm": Learner("lightgbm", "lightgbm", _lightgbm),
    "hist": Learner("sklearn", "scikit-learn", _hist),
}


def preferred_learner() -> str | None:
    """The first of `LEARNERS` that is installed, whether it was imported or not."""
    return next((name for name, learner in LEARNERS.items() if learner.installed), None)


def learner_name(learner: Any) -> str:
    """For reports: the package and its version, or the name of the callable."""
    if isinstance(learner, str):
        package = LEARNERS[learner].package
        try:
            return f"{package} {metadata.version(package)}"
        except metadata.PackageNotFoundError:
            return package
    return str(getattr(learner, "__name__", type(learner).__name__))


def structure_of(fitted: Any) -> Forest:
    """The trees of a fitted regressor."""
    if hasattr(fitted, "model_to_string"):
        return _of_lightgbm(fitted)
    if hasattr(fitted, "_predictors"):
        return _of_hist(fitted)
    if hasattr(fitted, "tree_"):
        return _of_tree(fitted)
    raise InputError(f"learner must give a regressor of trees that pellucid can read, got {type(fitted).__name__}")


def _of_lightgbm(booster: Any) -> Forest:
    starts, parts = [0], []
    for block in booster.model_to_string().split("\nTree=")[1:]:
        fields = dict(line.split("=", 1) for line in block.split("\n\n\n")[0].splitlines() if "=" in line)
        leaves = int(fields["num_leaves"])
        inner = leaves - 1

        def read(name: str, count: int, dtype: Any, fields: dict[str, str] = fields) -> Any:
            return np.array(fields[name].split(), dtype=dtype) if count else np.empty(0, dtype)

        thresholds = read("threshold", inner, np.float64)
        kinds = read("decision_type", inner, np.int64)
        # Inner nodes come first, then the leaves, whose number is the complement of what children say.
        left, right = (
            np.where(c < 0, inner + ~c, c)
            for c in (read(f"{side}_child", inner, np.int64) for side in ("left", "right"))
        )
        # Where no value was missing, a missing one counts as 0.
        missing = np.where((kinds >> 2) & 3 == 2, (kinds >> 1) & 1, thresholds >= 0.0)
        parts.append(
            (
                np.repeat([1, 0], [inner, leaves]),
                *(
                    np.concatenate([of_inner, np.zeros(leaves, of_inner.dtype)])
                    for of_inner in (read("split_feature", inner, np.int32), thresholds, left, right, missing)
                ),
                np.concatenate([np.zeros(inner), read("leaf_value", leaves, np.float64)]),
            )
        )
        starts.append(starts[-1] + inner + leaves)
    names = ("questions", "split_features", "thresholds", "left", "right", "missing_left", "values")
    columns = dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))
    return Forest(
        features=booster.num_feature(),
        tree_starts=starts,
        base=np.zeros(1),
        source="lightgbm",
        **{**columns, "values": columns["values"][:, None]},
    )


def _of_hist(model: Any) -> Forest:
    nodes = [trees[0].nodes for trees in model._predictors]
    every = np.concatenate(nodes)
    leaf = every["is_leaf"].astype(bool)
    return Forest(
        features=model.n_features_in_,
        tree_starts=np.cumsum([0, *map(len, nodes)]),
        questions=np.where(leaf, 0, 1),
        split_features=every["feature_idx"],
        thresholds=np.where(leaf, 0.0, every["num_threshold"]),
        left=every["left"],
        right=every["right"],
        missing_left=every["missing_go_to_left"],
        values=np.where(leaf, every["value"], 0.0)[:, None],
        base=np.ravel(model._baseline_prediction).astype(np.float64),
        source="scikit-learn",
    )


def _of_tree(model: Any) -> Forest:
    tree = model.tree_
    leaf = tree.children_left < 0
    return Forest(
        features=model.n_features_in_,
        tree_starts=[0, tree.node_count],
        questions=np.where(leaf, 0, 1),
        split_features=np.where(leaf, -1, tree.feature),
        thresholds=np.where(leaf, 0.0, tree.threshold),
        left=tree.children_left,
        right=tree.children_right,
        missing_left=getattr(tree, "missing_go_to_left", None),
        values=np.where(leaf, tree.value[:, 0, 0], 0.0)[:, None],
        base=np.zeros(1),
        single=True,
        source="scikit-learn",
    )
