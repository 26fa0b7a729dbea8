"""The laws and models that the LIME benchmark compares with: what is drawn fast is what the model sees."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
pytest.importorskip("scipy")
pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def lime_tasks():
    sys.path.insert(0, str(BENCHMARKS))
    before = set(sys.modules)
    try:
        yield importlib.import_module("lime_tasks")
    finally:
        sys.path.remove(str(BENCHMARKS))
        for name in set(sys.modules) - before:
            if getattr(sys.modules[name], "__file__", None) and Path(sys.modules[name].__file__).parent == BENCHMARKS:
                del sys.modules[name]


@pytest.mark.parametrize("model", ["logistic", "network"])
def test_outputs_on_masks_are_those_on_texts(lime_tasks, model):
    task = lime_tasks.text_task(model, 0)
    z, y, _ = task.by_lime(np.random.default_rng(0), 40)
    words = list(dict.fromkeys(task.instance.split()))
    kept = [{word for word, on in zip(words, row, strict=True) if on} for row in z]
    texts = [" ".join(word for word in task.instance.split() if word in those) for those in kept]
    np.testing.assert_allclose(y, task.predict(texts), atol=1e-12)


@pytest.mark.parametrize("name", ["digits_task", "synthetic_task"])
def test_outputs_on_masks_are_those_on_images(lime_tasks, name):
    task = getattr(lime_tasks, name)(1)
    z, y, _ = task.by_lime(np.random.default_rng(0), 30)
    means = np.array([task.instance[task.labels == s].mean() for s in range(task.parts)])
    fill = means[task.labels] if task.fill == "mean" else np.full(task.instance.shape, task.fill)
    images = np.where(z[:, task.labels] == 1.0, task.instance, fill)
    np.testing.assert_allclose(y, task.predict(images), atol=1e-12)


@pytest.mark.parametrize("kind", ["binned_task", "gaussian_task"])
def test_weighted_and_absorbed_samples_of_a_table_have_one_limit(lime_tasks, kind):
    X = np.random.default_rng(0).normal(size=(200, 3)) * [1.0, 2.0, 0.5]
    X[:, 2] = np.round(X[:, 2])

    def predict(rows):
        return np.tanh(rows[:, 0]) + 0.3 * rows[:, 1] * rows[:, 2]

    task = getattr(lime_tasks, kind)("", "", predict, X, X[0])
    limit, left = lime_tasks.reference(task, 2**15)
    found = np.stack([lime_tasks.ridge(*task.by_lime(np.random.default_rng(s), 8000), 0.0) for s in range(20)])
    error = np.sqrt(found.var(axis=0, ddof=1) / len(found) + left)
    assert (np.abs(found.mean(axis=0) - limit) < 4.0 * error).all()  # four standard errors
    assert (np.sqrt(left) < 0.02 * np.abs(limit).max()).all()
