"""Writes lime.npz: samples as the lime package (0.2.0.1) draws them, and what it fits to them. Needs lime installed.

python tests/golden/make_lime_golden.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from lime.lime_base import LimeBase
from lime.lime_image import LimeImageExplainer
from lime.lime_tabular import LimeTabularExplainer
from lime.lime_text import LimeTextExplainer

NUM_FEATURES = (3, 6, 10, 1000)
SELECTIONS = ("auto", "none", "forward_selection", "highest_weights", "lasso_path")
OUTPUTS = 2


def logistic(score):
    return np.stack([1.0 / (1.0 + np.exp(score)), 1.0 / (1.0 + np.exp(-score))], axis=1)


def recorded(explainer, explain):
    """The samples that an explainer hands to its fit: z (n, p), y (n, k), distances (n,); and its kernel."""
    found = {}

    def fit(z, y, distances, *rest, **options):
        found.update(z=np.array(z, dtype=float), y=np.array(y), distances=np.array(distances))
        return 0.0, [], 0.0, 0.0

    explainer.base.explain_instance_with_data = fit
    explain()
    return found


def table(bins):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(150, 12)) @ np.diag(np.linspace(0.5, 4.0, 12))
    weights = rng.normal(size=12)
    explainer = LimeTabularExplainer(X, discretize_continuous=bins, random_state=0)

    def predict(rows):
        return logistic(rows @ weights / 4.0 + rows[:, 0] * rows[:, 1])

    return explainer, lambda: explainer.explain_instance(X[0], predict, num_samples=160 if bins else 100)


def text():
    rng = np.random.default_rng(2)
    words = ["".join(rng.permutation(list("abcdefgh"))[:5]) for _ in range(18)]
    weights = dict(zip(words, rng.normal(size=18), strict=True))
    explainer = LimeTextExplainer(random_state=0)

    def predict(texts):
        present = [text.split() for text in texts]
        return logistic(np.array([sum(weights[word] for word in each) + 0.3 * len(each) ** 0.5 for each in present]))

    return explainer, lambda: explainer.explain_instance(" ".join(words), predict, num_samples=150)


def image():
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, size=(12, 16, 3), dtype=np.uint8)
    segments = np.arange(12)[:, None] // 3 * 4 + np.arange(16)[None] // 4
    weights = rng.normal(size=picture.shape)
    explainer = LimeImageExplainer(random_state=0)

    def predict(pictures):
        return logistic(((pictures / 255.0 - 0.5) * weights).sum(axis=(1, 2, 3)) / 3.0)

    return explainer, lambda: explainer.explain_instance(
        picture, predict, num_samples=120, segmentation_fn=lambda _: segments
    )


def fits(samples, kernel):
    """lime's answers: features (f, s, k, p) in its order, then -1; coefficients beside them; and three numbers each."""
    p = samples["z"].shape[1]
    shape = (len(NUM_FEATURES), len(SELECTIONS), OUTPUTS)
    features, coefficients, numbers = np.full((*shape, p), -1, np.int8), np.zeros((*shape, p)), np.zeros((*shape, 3))
    for at in np.ndindex(shape):
        intercept, local_exp, score, local_prediction = LimeBase(kernel, random_state=0).explain_instance_with_data(
            samples["z"],
            samples["y"],
            samples["distances"],
            at[2],
            NUM_FEATURES[at[0]],
            feature_selection=SELECTIONS[at[1]],
        )
        count = len(local_exp)
        features[at][:count] = [feature for feature, _ in local_exp]
        coefficients[at][:count] = [value for _, value in local_exp]
        numbers[at] = intercept, score, np.ravel(local_prediction)[0]
    return {"features": features, "coefficients": coefficients, "numbers": numbers}


def main():
    arrays = {}
    for name, (explainer, explain) in {
        "table": table(True),
        "table_no_bins": table(False),
        "text": text(),
        "image": image(),
    }.items():
        kernel = explainer.base.kernel_fn
        samples = recorded(explainer, explain)
        found = samples | fits(samples, kernel) | {"kernel_width": np.array(kernel.keywords["kernel_width"])}
        if name != "table_no_bins":
            found["z"] = found["z"].astype(np.uint8)
        arrays |= {f"{name}/{key}": value for key, value in found.items()}
    np.savez_compressed(Path(__file__).with_name("lime.npz"), **arrays)


if __name__ == "__main__":
    main()
