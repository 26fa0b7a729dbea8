"""XGBoost: the trees of its own model document (`save_raw`, `save_model`), as it is since version 2.

x goes left when float32(x) < split_condition. A listed category goes right, any other one left, a negative one too;
only NaN goes where `default_left` says.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.adapters import sklearn
from pellucid.adapters.tree_documents import (
    reading,
    refuse,
    require_names,
    require_outputs,
    single_numbers,
    small_numbers,
    whole_numbers,
)
from pellucid.adapters.ubjson import read_ubjson
from pellucid.adapters.xgboost_meaning import base_margins, categories_of_features, link_of, meaning_of
from pellucid.adapters.xgboost_nodes import nodes_of
from pellucid.whitebox import Forest

if TYPE_CHECKING:
    from pellucid.whitebox import Linear


def find(model: Any, model_output: str | None) -> Forest | Linear | None:
    """The structure of a Booster or of a scikit-learn wrapper; the wrapper stops at its best iteration."""
    source = f"{type(model).__name__} of xgboost"
    wrapped = sklearn.has_method(model, "get_booster")
    if not wrapped and not sklearn.has_method(model, "save_raw"):
        return None
    if wrapped:
        sklearn.require_fitted(model)
        missing = getattr(model, "missing", None)
        if missing is not None and not math.isnan(missing):
            raise refuse(
                source,
                f"it takes the value {missing!r} for a missing one (its parameter missing=)",
                "train it with missing=nan on data where NaN marks what is missing, or explain it by its predictions",
            )
    booster = model.get_booster() if wrapped else model
    with reading(source):
        document = read_ubjson(bytes(booster.save_raw("ubj")))
        probability = sklearn.has_method(model, "predict_proba") and model_output != "value"
        return forest_of(
            document,
            model_output=model_output or ("probability" if probability else "value"),
            best=wrapped,
            classes=sklearn.class_names(model) if probability else (),
            source=source,
        )


def forest_of(
    document: Any,
    *,
    model_output: str,
    source: str,
    best: bool | None = None,
    iterations: int | None = None,
    classes: tuple[str, ...] = (),
) -> Forest | Linear | None:
    """The Forest of a model document, or what `linear_of` makes of a linear booster.

    Parameters
    ----------
    document : as parsed from JSON or UBJSON.
    model_output : "raw", "value" or "probability".
    best : stop at the best iteration of early stopping; None where a scikit-learn wrapper saved the model.
    iterations : rounds to keep, before `best`.
    classes : names of the classes, where they are known.
    """
    learner = document["learner"]
    booster, parameters = learner["gradient_booster"], learner["learner_model_param"]
    if booster["name"] == "gblinear":
        return linear_of(document, model_output=model_output, source=source, classes=classes)
    dart = booster["name"] == "dart"
    if not dart and booster["name"] != "gbtree":
        raise refuse(source, f"its booster is {booster['name']!r}", "expected gbtree or dart")
    model = booster["gbtree"]["model"] if dart else booster["model"]
    outputs = _count_outputs(parameters, source)
    trees = _kept_trees(model, learner, outputs, best=best, iterations=iterations)
    tree_outputs = small_numbers(model["tree_info"])[trees]
    # From version 3.4 on, the weights of dart stand in the model of a plain gbtree.
    drop = booster.get("weight_drop", model.get("weight_drop"))
    weights = np.ones(len(tree_outputs)) if drop is None or not len(drop) else single_numbers(drop)[trees]
    objective = str(learner["objective"]["name"])
    nodes = nodes_of(model["trees"][trees], weights, outputs, source)
    meaning = meaning_of(objective, outputs)
    names = tuple(str(name) for name in learner.get("feature_names") or ())
    features = int(parameters["num_feature"])
    require_names(names, features, source)
    forest = Forest(
        features=features,
        base=base_margins(parameters["base_score"], objective, outputs, source),
        tree_outputs=tree_outputs if nodes["values"].shape[1] < outputs else None,
        strict=True,
        single=True,
        link=link_of(objective, outputs, model_output, source),
        outputs=classes if len(classes) == outputs > 1 else None,
        feature_names=names,
        margin=meaning,
        source=source,
        **nodes,
    )
    forest.feature_categories = categories_of_features(model.get("cats") or {}, tuple(document["version"]))
    return forest


def linear_of(document: Any, *, model_output: str, source: str, classes: tuple[str, ...] = ()) -> Linear | None:
    """The Linear of a linear booster: weights (d, k), and below them the intercepts; it leaves missing values out.

    None where the outputs differ in their base scores: the library adds the first of them to all.
    """
    from pellucid.whitebox import Linear

    learner = document["learner"]
    parameters, objective = learner["learner_model_param"], str(learner["objective"]["name"])
    outputs = _count_outputs(parameters, source)
    weights = single_numbers(learner["gradient_booster"]["model"]["weights"]).reshape(-1, outputs)
    base = base_margins(parameters["base_score"], objective, outputs, source)
    if len(np.unique(base)) > 1:
        return None
    if len(weights) != int(parameters["num_feature"]) + 1:
        raise refuse(source, f"it has weights of {len(weights) - 1} features", f"expected {parameters['num_feature']}")
    return Linear(
        coefficients=weights[:-1],
        intercept=weights[-1] + base,
        missing=np.zeros((len(weights) - 1, outputs)),
        link=link_of(objective, outputs, model_output, source),
        outputs=classes if len(classes) == outputs > 1 else None,
        feature_names=tuple(str(name) for name in learner.get("feature_names") or ()),
        margin=meaning_of(objective, outputs),
        source=source,
    )


def _count_outputs(parameters: Any, source: str) -> int:
    return require_outputs(max(1, int(parameters["num_class"]), int(parameters.get("num_target", 1))), source)


def _kept_trees(model: Any, learner: Any, outputs: int, *, best: bool | None, iterations: int | None) -> slice:
    """The trees that predict uses, from the first one."""
    attributes = learner.get("attributes") or {}
    if best is None:
        best = "scikit_learn" in attributes
    if iterations is None and best and "best_iteration" in attributes:
        iterations = int(attributes["best_iteration"]) + 1
    count = len(model["trees"])
    if iterations is None:
        return slice(0, count)
    ends = model.get("iteration_indptr")
    if ends is None:
        size = max(1, int(model["gbtree_model_param"]["num_parallel_tree"])) * outputs
        ends = np.arange(0, count + 1, size)
    ends = whole_numbers(ends)
    return slice(0, int(np.clip(ends[min(max(iterations, 0), len(ends) - 1)], 0, count)))
