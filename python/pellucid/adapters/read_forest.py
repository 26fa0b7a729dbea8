"""Trees from a model file, without running the library that wrote it on bytes nobody has checked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pellucid.adapters import catboost_trees, lightgbm_trees, xgboost_trees
from pellucid.adapters.isolation import dump_catboost
from pellucid.adapters.lightgbm_text import parse_text
from pellucid.adapters.structures import find_structure
from pellucid.adapters.tree_documents import reading
from pellucid.adapters.ubjson import read_ubjson
from pellucid.errors import InputError, ModelFormatError
from pellucid.whitebox import Forest

_OUTPUTS = ("raw", "value", "probability")


def read_forest(
    source: Any, *, model_output: str | None = None, iterations: int | None = None, max_bytes: int = 1 << 28
) -> Forest:
    """Read the trees of a model file or of a fitted object.

    .. math:: f(x) = \\mathrm{link}\\Bigl(b + \\sum_t v_{t, \\mathrm{leaf}_t(x)}\\Bigr)

    A file is known by its first bytes, whatever its name: XGBoost's JSON and UBJSON (`save_model`, version 2 and
    later), LightGBM's text (`save_model`), CatBoost's JSON and binary form (`save_model(format="json")`, `"cbm"`). All
    but the last are read here and need no library. The binary form of CatBoost is read by catboost, in a process of its
    own with limits on memory and time. A file that an XGBoost wrapper saved after early stopping is read up to its best
    iteration, as the wrapper predicts.

    Parameters
    ----------
    source : path of a model file, or a fitted object.
    model_output : "raw" (the margin), "value" (what predict of the library gives) or "probability"; None is "raw" for a
        file and what `Model` would choose for an object.
    iterations : rounds of a file to keep; None keeps those that predict uses.
    max_bytes : files larger than that are refused; parsed, a model takes up to about 20 times its file.

    Raises
    ------
    ModelFormatError : not a model of trees, damaged, or not representable; the message says what is wrong.
    InputError : no such file, a file larger than `max_bytes`, an object without trees, or catboost is not installed.

    Examples
    --------
    >>> import json, tempfile
    >>> tree = {"splits": [{"split_type": "FloatFeature", "float_feature_index": 0, "border": 0.5}],
    ...         "leaf_values": [1.0, 2.0], "leaf_weights": [3, 1]}
    >>> feature = {"feature_index": 0, "flat_feature_index": 0, "nan_value_treatment": "AsIs", "feature_id": "age"}
    >>> model = {"features_info": {"float_features": [feature]}, "oblivious_trees": [tree], "scale_and_bias": [1, [0]]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/model.json"
    ...     _ = open(path, "w").write(json.dumps(model))
    ...     forest = read_forest(path)
    >>> forest.feature_names, forest.core.leaves
    (('age',), 2)
    """
    if model_output is not None and model_output not in _OUTPUTS:
        raise InputError(f"model_output must be one of {', '.join(map(repr, _OUTPUTS))} or None, got {model_output!r}")
    if iterations is not None and (not isinstance(iterations, int) or iterations < 1):
        raise InputError(f"iterations must be a whole number of at least 1 or None, got {iterations!r}")
    if not isinstance(source, (str, os.PathLike)):
        return _of_object(source, model_output, iterations)
    path = Path(source)
    if not path.is_file():
        raise InputError(f"source must be a model file or a fitted object, there is no file {path}")
    size = path.stat().st_size
    if size > max_bytes:
        raise InputError(f"{path} has {size} bytes, the limit is max_bytes={max_bytes}; raise it if you trust the file")
    with path.open("rb") as file:
        data = file.read(size)
    name = f"file {path.name}"
    with reading(name):
        return _of_bytes(data, path, name, model_output or "raw", iterations)


def _of_object(model: Any, model_output: str | None, iterations: int | None) -> Forest:
    if iterations is not None:
        raise InputError("iterations is for files; a fitted object says itself how many rounds its predict uses")
    found = find_structure(model, model_output=model_output)
    if not isinstance(found, Forest):
        raise InputError(
            f"source must be a model file or a fitted object of trees, got {type(model).__name__}; pass such an object "
            "to pellucid.shapley to explain it by its predictions"
        )
    return found


def _of_bytes(data: bytes, path: Path, name: str, model_output: str, iterations: int | None) -> Forest:
    if data[:4] == b"CBM1":
        dump = json.loads(dump_catboost(path, len(data)))
        return catboost_trees.forest_of(dump, model_output=model_output, iterations=iterations, source=name)
    if data[:5] in (b"tree\n", b"tree\r"):
        text = parse_text(data.decode("utf-8", "surrogateescape"), name)
        return lightgbm_trees.forest_of(text, model_output=model_output, iterations=iterations, source=name)
    # UBJSON has the type of a length after the brace, JSON a quotation mark, white space or another brace.
    binary = data[:1] == b"{" and data[1:2] in b"iUIlL$#"
    document = read_ubjson(data) if binary else _json(data, name)
    if isinstance(document, dict) and "learner" in document:
        forest = xgboost_trees.forest_of(document, model_output=model_output, iterations=iterations, source=name)
        if isinstance(forest, Forest):
            return forest
        raise ModelFormatError(f"{path} has a linear XGBoost model, expected trees; explain it by its predictions")
    if isinstance(document, dict) and "features_info" in document:
        return catboost_trees.forest_of(document, model_output=model_output, iterations=iterations, source=name)
    raise _unknown(name)


def _json(data: bytes, name: str) -> Any:
    if data.lstrip()[:1] != b"{":
        raise _unknown(name)
    return json.loads(data)


def _unknown(name: str) -> ModelFormatError:
    return ModelFormatError(
        f"{name} is not a model of trees that is known here, expected XGBoost's JSON or UBJSON, LightGBM's text, or "
        "CatBoost's JSON or cbm; save the model again in one of them"
    )
