"""Ours and the lime package, each as functions: a task, rows, a seed -> coefficients; and lime's own explainers."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pellucid
from lime_tasks import LimeTask
from reporting import Timed
from tasks import Array

PACKAGES = ("pellucid", "lime", "numpy", "scikit-learn")
# Designs whose intervals are checked: the default first, of which the ratios speak.
VARIANTS: dict[str, dict[str, Any]] = {"pellucid": {}, "pellucid, control_variate=None": {"control_variate": None}}
# The first call pays for the explained input and 16 rows asked twice, which the budget includes.
PROBED = 33


@dataclass(frozen=True)
class Found:
    values: Array  # (p,)
    std_err: Array  # (p,)
    rows: int  # that the model was asked


def subject_of(task: LimeTask) -> Any:
    """What our explainer is called with."""
    if task.kind == "text":
        return pellucid.Words(task.instance)
    if task.kind == "image":
        return pellucid.Superpixels(task.instance, task.labels, fill=task.fill)
    return task.instance[None]


def our_explainer(task: LimeTask, predict: Callable[[Any], Any], samples: int, seed: int, **options: Any) -> Any:
    if task.kind in ("bins", "gaussian"):
        options = {"background": task.background, "bins": "quartile" if task.kind == "bins" else None} | options
    return pellucid.Lime(predict, budget=samples + PROBED, seed=seed, progress=False, **options)


def ours(task: LimeTask, samples: int, seed: int, **options: Any) -> Found:
    """Our coefficients, which without bins are per standard deviation as lime's are."""
    model = Timed(task.predict)
    outcome = our_explainer(task, model, samples, seed, **options)(subject_of(task))
    return Found(outcome.values[0, :, 0], outcome.std_err[0, :, 0], model.rows)


def two_columns(predict: Callable[[Any], Any]) -> Callable[[Any], Array]:
    """lime wants the probabilities of both classes."""

    def both(rows: Any) -> Array:
        outputs = predict(rows)
        return np.stack([1.0 - outputs, outputs], axis=1)

    return both


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """lime's images draw a progress bar that cannot be turned off."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield


def lime_explainer(task: LimeTask, seed: int, **options: Any) -> Callable[..., Any]:
    """lime's explainer, prepared: called with a predict function and the arguments of `explain_instance`."""
    from lime.lime_image import LimeImageExplainer
    from lime.lime_tabular import LimeTabularExplainer
    from lime.lime_text import LimeTextExplainer

    if task.kind == "text":
        text = LimeTextExplainer(random_state=seed, **options)
        return lambda predict, **arguments: text.explain_instance(task.instance, predict, **arguments)
    if task.kind == "image":
        image = LimeImageExplainer(random_state=seed, **options)
        more = {"segmentation_fn": lambda _: task.labels, "hide_color": None if task.fill == "mean" else task.fill}
        return lambda predict, **arguments: image.explain_instance(task.instance, predict, **more, **arguments)
    table = LimeTabularExplainer(
        task.background, discretize_continuous=task.kind == "bins", random_state=seed, **options
    )
    return lambda predict, row=task.instance, **arguments: table.explain_instance(row, predict, **arguments)


def lime_package(task: LimeTask, rows: int, seed: int) -> Array:
    """All coefficients of the package itself, without selection."""
    explain = lime_explainer(task, seed, feature_selection="none")
    flat = task.kind == "image" and task.instance.ndim == 2  # lime makes three channels of one
    predict = two_columns((lambda images: task.predict(images[..., 0])) if flat else task.predict)
    with quietly():
        found = explain(predict, num_samples=rows, num_features=task.parts, labels=(1,), top_labels=None)
    values = np.zeros(task.parts)
    for part, value in found.local_exp[1]:
        values[part] = value
    return values
