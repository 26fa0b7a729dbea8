"""Libraries that boost regression trees, each with settings under which the same rows give the same bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from pellucid.adapters.structures import find_structure
from pellucid.errors import InputError
from pellucid.estimation.estimate import Array
from pellucid.whitebox import Forest

FEW_ROWS, MANY_ROWS = 400, 20_000


@dataclass(frozen=True)
class Boosting:
    """How trees are boosted.

    Parameters
    ----------
    trees, leaves, rate : their number, the most leaves of one, and the share of each step that is taken.
    least_rows : in a leaf.
    ridge : added to the rows of a leaf where its value is their mean.
    bins : of each column.
    """

    trees: int = 100
    leaves: int = 31
    rate: float = 0.2
    least_rows: int = 20
    ridge: float = 1.0
    bins: int = 255

    @classmethod
    def for_rows(cls, rows: int) -> Boosting:
        """What serves so many rows: 300 trees of 63 leaves take five times as long as 100 of 31.

        Of the squares they leave two thirds on 40,000 rows of boosted trees, forests and networks, and about as many
        on fewer rows.
        """
        if rows >= MANY_ROWS:
            return cls(trees=300, leaves=63, rate=0.1)
        return cls(least_rows=5 if rows < FEW_ROWS else 20)


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


def trees_of(fitted: Any) -> Forest:
    """The trees of a fitted regressor."""
    found = find_structure(fitted, model_output=None)
    if not isinstance(found, Forest) or str(found.link) != "identity" or len(found.outputs) != 1:
        raise InputError(f"learner must give a regressor of trees that pellucid can read, got {type(fitted).__name__}")
    return found
