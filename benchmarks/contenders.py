"""Ours and the peers, each as one function: a task, m coalitions for each background row, a seed -> values (n, d)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from pellucid import Attribution, Shapley
from pellucid.model import PROBE_ROWS
from reporting import Timed
from tasks import Array, Task

Method = Callable[[Task, int, int], Array]
PACKAGES = ("pellucid", "shap", "shapiq", "numpy", "scikit-learn", "lightgbm", "xgboost-cpu", "xgboost")
OURS = "pellucid"


class TooFew(Exception):
    """The method cannot run with so few coalitions."""


def explain(task: Task, m: int, seed: int, **options: Any) -> Attribution:
    """Our regression with m * B coalition rows for each explained row, all rows explained in one call.

    The budget also pays for the background, the probe (some rows of it and the mean row, asked twice) and the row
    itself. The others get m coalitions besides these, so we get what they cost on top; what was played is checked.
    """
    B = len(task.background)
    besides = B + 2 * (min(PROBE_ROWS, B) + 1) + 1
    model = Timed(task.predict)
    explainer = Shapley(
        model, task.background, method="regression", budget=m * B + besides, seed=seed, progress=False, **options
    )
    explanation = explainer(task.X)
    assert explanation.report.coalitions <= m * B, (explanation.report.coalitions, m * B)
    assert model.rows <= besides + len(task.X) * (m * B + 1), (model.rows, m * B)
    return explanation


def make_ours(**options: Any) -> Method:
    """Ours with these options of `Shapley`, as a method among others."""
    return lambda task, m, seed: explain(task, m, seed, **options).values[:, :, 0]


def ours() -> dict[str, Method]:
    """The default first; it is the one that the ratios speak of."""
    return {OURS: make_ours(), "pellucid, control_variate=None": make_ours(control_variate=None)}


def shap_kernel(task: Task, m: int, seed: int) -> Array:
    import shap

    np.random.seed(seed)  # noqa: NPY002  # shap's KernelExplainer draws from the global state
    explainer = shap.KernelExplainer(task.predict, task.background)
    return np.asarray(explainer.shap_values(task.X, nsamples=m, l1_reg=False, silent=True))


def shap_permutation(task: Task, m: int, seed: int) -> Array:
    """An order walked forth and back has 2 (d - 1) coalitions besides the ends; the explainer counts 2d + 1 for it."""
    import shap

    d = task.X.shape[1]
    orders = m // (2 * (d - 1))
    if orders < 1:
        raise TooFew
    masker = shap.maskers.Independent(task.background, max_samples=len(task.background))
    explainer = shap.PermutationExplainer(task.predict, masker, seed=seed)
    return np.asarray(explainer(task.X, max_evals=orders * (2 * d + 1), silent=True).values)


def shapiq_run(task: Task, m: int, seed: int, *, name: str, options: dict[str, Any]) -> Array:
    """The ends come on top of m, as for the others."""
    from shapiq import approximator
    from shapiq.imputer import MarginalImputer

    d = task.X.shape[1]
    imputer = MarginalImputer(task.predict, task.background, sample_size=len(task.background), random_state=seed)
    rows = []
    for x in task.X:
        method = getattr(approximator, name)(d, random_state=seed, **options)
        try:
            found = method.approximate(m + 2, imputer.fit(x))
        except ValueError as refused:
            raise TooFew from refused
        rows.append([found.dict_values.get((i,), 0.0) for i in range(d)])
    return np.array(rows)


SHAPIQ: dict[str, dict[str, Any]] = {
    "KernelSHAP": {},
    "LeverageSHAP": {},
    "OddSHAP": {},
    "kADDSHAP": {},
    "PolySHAP": {},
    "RegressionMSR": {"index": "SV"},
    "ProxySHAP": {"index": "SV", "max_order": 1, "adjustment": True, "k_folds": 5},
    "PermutationSamplingSV": {},
}


def peers() -> dict[str, Method]:
    """The approximators of shap and shapiq, with the options that serve them best where the default does not."""
    found: dict[str, Method] = {"shap Kernel": shap_kernel, "shap Permutation": shap_permutation}
    found |= {f"shapiq {name}": partial(shapiq_run, name=name, options=options) for name, options in SHAPIQ.items()}
    return found
