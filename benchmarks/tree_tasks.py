"""The models of the tree benchmark, and what each package is asked to do with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FEATURES = 30
TRAINING_ROWS = 20_000


@dataclass(frozen=True)
class TreeTask:
    """One ensemble: the fitted object, rows to explain and rows to compare with."""

    name: str
    library: str
    model: Any
    rows: Array
    background: Array

    @property
    def leaves(self) -> int:
        if self.library == "xgboost":
            table = self.model.get_booster().trees_to_dataframe()
            return int((table["Feature"] == "Leaf").sum())
        if self.library == "lightgbm":
            return int((self.model.booster_.trees_to_dataframe()["left_child"].isna()).sum())
        return int(sum(tree.tree_.n_leaves for tree in self.model.estimators_))


def data(features: int = FEATURES) -> tuple[Array, Array]:
    """Informative columns of `make_regression`, the first rows for training."""
    from sklearn.datasets import make_regression

    X, y = make_regression(TRAINING_ROWS + 20_000, features, n_informative=features // 2, noise=10.0, random_state=0)
    return X.astype(np.float32).astype(np.float64), y


def fitted(library: str, trees: int, depth: int, X: Array, y: Array, *, threads: int) -> Any:
    if library == "xgboost":
        import xgboost

        return xgboost.XGBRegressor(n_estimators=trees, max_depth=depth, n_jobs=threads, random_state=0).fit(X, y)
    if library == "lightgbm":
        import lightgbm

        return lightgbm.LGBMRegressor(
            n_estimators=trees, max_depth=depth, num_leaves=2**depth, n_jobs=threads, verbose=-1, random_state=0
        ).fit(X, y)
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(trees, max_depth=depth, n_jobs=threads, random_state=0).fit(X, y)


def task(library: str, trees: int, depth: int, *, threads: int, rows: int = 1000, background: int = 1000) -> TreeTask:
    X, y = data()
    model = fitted(library, trees, depth, X[:TRAINING_ROWS], y[:TRAINING_ROWS], threads=threads)
    name = f"{library} {trees} x {depth}"
    return TreeTask(name, library, model, X[TRAINING_ROWS : TRAINING_ROWS + rows], X[:background])


def ours(model: Any, rows: Array, *, background: Array | None, threads: int, **options: Any) -> Callable[[], Array]:
    """A prepared explainer, called once already."""
    import pellucid

    explain = pellucid.Shapley(
        model, background, model_output="raw" if background is None else None, n_threads=threads, **options
    )
    explain(rows[:2])
    return lambda: explain(rows).values[:, :, 0]


def own_contributions(each: TreeTask, *, threads: int) -> Callable[[], Array] | None:
    """The library's own path-dependent values, on its own prepared matrix."""
    if each.library == "xgboost":
        import xgboost

        booster = each.model.get_booster()
        booster.set_param({"nthread": threads})
        matrix = xgboost.DMatrix(each.rows, nthread=threads)
        return lambda: booster.predict(matrix, pred_contribs=True)[:, :-1]
    if each.library == "lightgbm":
        return lambda: each.model.predict(each.rows, pred_contrib=True, num_threads=threads)[:, :-1]
    return None


def own_interactions(each: TreeTask, *, threads: int) -> Callable[[], Array] | None:
    if each.library != "xgboost":
        return None
    import xgboost

    booster = each.model.get_booster()
    booster.set_param({"nthread": threads})
    matrix = xgboost.DMatrix(each.rows, nthread=threads)
    return lambda: booster.predict(matrix, pred_interactions=True)[:, :-1, :-1]


def shap_values(each: TreeTask, *, background: Array | None, rows: int) -> Callable[[], Array]:
    """shap's own C code; with a background of at most 100 rows, which is where it samples."""
    import shap

    if background is None:
        explainer = shap.TreeExplainer(each.model, feature_perturbation="tree_path_dependent")
        # For xgboost and lightgbm shap would call the library; its own code is what is measured here.
        explainer.model.original_model = None
        explainer.model.model_type = "internal"
    else:
        masker = shap.maskers.Independent(background, max_samples=len(background))
        explainer = shap.TreeExplainer(each.model, masker, feature_perturbation="interventional")
    return lambda: np.asarray(explainer.shap_values(each.rows[:rows], check_additivity=False))


def woodelf_values(each: TreeTask, *, background: Array | None) -> Callable[[], Array]:
    """woodelf has no prepared form: the model is read in every call."""
    import pandas as pd
    import woodelf

    rows = pd.DataFrame(each.rows)
    if background is None:
        explainer = woodelf.WoodelfExplainer(each.model, feature_perturbation="tree_path_dependent")
    else:
        explainer = woodelf.WoodelfExplainer(each.model, pd.DataFrame(background))
    return lambda: np.asarray(explainer.shap_values(rows))
