"""What LIME is asked to explain: models of tables, texts and images, with the law of lime's samples and a reference.

A task knows how lime samples (z, y, weights), as arrays and fast, and a sampler of the same limit with less noise for
the reference. `bench_lime.py` checks once that lime's own package has the same mean and variance.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import qmc
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from tasks import Array, Predict

Samples = tuple[Array, Array, Array]  # z (n, p), y (n,), weights (n,)
MASK_WIDTH = 0.25
REFERENCE_BLOCKS = 16


@dataclass(frozen=True)
class LimeTask:
    """One model and one instance; `kind` is "bins", "gaussian", "text" or "image"."""

    name: str
    model: str
    kind: str
    predict: Callable[[Any], Any]  # what the user has: rows, list[str] or images -> (n,)
    instance: Any  # a row, a text or an image
    parts: int
    by_lime: Callable[[np.random.Generator, int], Samples] | None = None  # None where only time is measured
    for_reference: Callable[[int, int], Samples] | None = None  # seed, rows
    background: Array | None = None
    labels: Array | None = None  # of the superpixels
    fill: Any = None


def ridge(z: Array, y: Array, weights: Array, penalty: float) -> Array:
    """Coefficients of lime's fit on all parts, the intercept not penalised."""
    total = weights.sum()
    z = z - weights @ z / total
    weighted = z * weights[:, None]
    gram = weighted.T @ z + penalty * np.eye(z.shape[1])
    return np.asarray(np.linalg.solve(gram, weighted.T @ (y - weights @ y / total)))


def lime_coefficients(task: LimeTask, rows: int, seed: int) -> Array:
    """What lime says with this many samples: the instance first, kernel weights, a ridge of strength 1."""
    return ridge(*task.by_lime(np.random.default_rng(seed), rows), 1.0)


def reference(task: LimeTask, rows: int) -> tuple[Array, Array]:
    """The limit from many samples without ridge, and the variance that is left in it, coefficient by coefficient."""
    blocks = np.stack(
        [ridge(*task.for_reference(block, rows // REFERENCE_BLOCKS), 0.0) for block in range(REFERENCE_BLOCKS)]
    )
    return blocks.mean(axis=0), blocks.var(axis=0, ddof=1) / len(blocks)


# Tables


@dataclass(frozen=True)
class Bins:
    """Quartile bins of each column: the share of each, and a normal law cut to it, as lime has them."""

    edges: list[Array]
    shares: list[Array]
    centre: list[Array]
    spread: list[Array]
    low: list[Array]  # of the bin, in probabilities of its normal law
    high: list[Array]

    @classmethod
    def of(cls, X: Array) -> Bins:
        found: tuple[list[Array], ...] = ([], [], [], [], [], [])
        for column in X.T:
            edges = np.unique(np.percentile(column, [25, 50, 75]))
            bins = np.searchsorted(edges, column)
            members = [column[bins == b] for b in range(len(edges) + 1)]
            centre = np.array([m.mean() if len(m) else 0.0 for m in members])
            spread = np.array([m.std() if len(m) else 0.0 for m in members]) + 1e-11
            ends = np.concatenate([[column.min()], edges, [column.max()]])
            low, high = (ndtr((each - centre) / spread) for each in (ends[:-1], ends[1:]))
            shares = np.array([len(m) for m in members]) / len(column)
            for into, each in zip(found, (edges, shares, centre, spread, low, high), strict=True):
                into.append(each)
        return cls(*found)

    def of_row(self, x: Array) -> list[int]:
        return [int(np.searchsorted(edges, value)) for edges, value in zip(self.edges, x, strict=True)]

    def rows(self, u: Array, inside: Array, shares: list[Array], own: list[int]) -> tuple[Array, Array]:
        """z and x from uniform numbers for the bin and for the place in it, both (n, d)."""
        z, x = np.empty(u.shape), np.empty(u.shape)
        for j, share in enumerate(shares):
            bins = np.searchsorted(np.cumsum(share)[:-1], u[:, j], side="right")
            at = self.low[j][bins] + inside[:, j] * (self.high[j] - self.low[j])[bins]
            x[:, j] = self.centre[j][bins] + self.spread[j][bins] * ndtri(np.clip(at, 1e-15, 1 - 1e-15))
            z[:, j] = bins == own[j]
        return z, x


def sobol(seed: int, rows: int, d: int) -> Array:
    points = qmc.Sobol(d, rng=np.random.default_rng(seed)).random(rows)
    return np.asarray(np.clip(points, 1e-12, 1 - 1e-12))


def binned_task(name: str, model: str, predict: Predict, X: Array, x: Array) -> LimeTask:
    """Kernel 0.75 sqrt(d) on the number of features in another bin; absorbed, it tilts the shares of the own bins."""
    bins, d = Bins.of(X), X.shape[1]
    own, width = bins.of_row(x), 0.75 * np.sqrt(d)
    other = np.exp(-0.5 / width**2)
    tilted = [
        np.where(np.arange(len(share)) == b, 1.0, other) * share for share, b in zip(bins.shares, own, strict=True)
    ]
    tilted = [share / share.sum() for share in tilted]

    def by_lime(rng: np.random.Generator, n: int) -> Samples:
        z, rows = bins.rows(rng.random((n, d)), rng.random((n, d)), bins.shares, own)
        z[0], rows[0] = 1.0, x
        return z, predict(rows), np.exp(-0.5 * (1.0 - z).sum(axis=1) / width**2)

    def for_reference(seed: int, n: int) -> Samples:
        u = sobol(seed, n, 2 * d)
        z, rows = bins.rows(u[:, :d], u[:, d:], tilted, own)
        return z, predict(rows), np.ones(n)

    return LimeTask(name, model, "bins", predict, x, d, by_lime, for_reference, X)


def gaussian_task(name: str, model: str, predict: Predict, X: Array, x: Array) -> LimeTask:
    """Normal rows about the mean of the data; absorbed, the kernel moves them towards x and narrows them."""
    mean, scale, d = X.mean(axis=0), X.std(axis=0), X.shape[1]
    own, width = (x - mean) / scale, 0.75 * np.sqrt(d)
    narrow = 1.0 / (1.0 + width**-2)

    def by_lime(rng: np.random.Generator, n: int) -> Samples:
        z = rng.normal(size=(n, d))
        z[0] = own
        return z, predict(mean + z * scale), np.exp(-0.5 * ((z - own) ** 2).sum(axis=1) / width**2)

    def for_reference(seed: int, n: int) -> Samples:
        z = narrow * own / width**2 + np.sqrt(narrow) * ndtri(sobol(seed, n, d))
        return z, predict(mean + z * scale), np.ones(n)

    return LimeTask(name, model, "gaussian", predict, x, d, by_lime, for_reference, X)


def _table(loader: Any, estimator: Any) -> tuple[Predict, Array, Array]:
    X, y = loader(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    learn, rest = order[: int(0.8 * len(X))], order[int(0.8 * len(X)) :]
    model = estimator.fit(X[learn], y[learn])
    if hasattr(model, "predict_proba"):
        return lambda rows: model.predict_proba(rows)[:, 1], X[learn], X[rest]
    return model.predict, X[learn], X[rest]


TABLES: dict[str, Callable[[], tuple[Predict, Array, Array]]] = {
    "boosting": lambda: _table(load_breast_cancer, GradientBoostingClassifier(random_state=0)),
    "forest": lambda: _table(load_breast_cancer, RandomForestClassifier(random_state=0)),
    "network": lambda: _table(
        load_wine, make_pipeline(StandardScaler(), MLPClassifier((32, 32), max_iter=2000, random_state=0))
    ),
    "SVR": lambda: _table(load_diabetes, make_pipeline(StandardScaler(), SVR(C=100.0))),
}


# Masks: texts and images


def cosine_weights(z: Array) -> Array:
    """exp(-D^2 / 2 nu^2) with D = 1 - sqrt(kept / p); a row without any part has D = 1."""
    return np.asarray(np.exp(-0.5 * ((1.0 - np.sqrt(z.mean(axis=1))) / MASK_WIDTH) ** 2))


def mask_task(name: str, model: str, kind: str, f: Predict, p: int, **more: Any) -> LimeTask:
    """f is the model on masks (n, p). A text loses 1 to p parts, each number as likely; an image each with 1/2."""

    def draw(rng: np.random.Generator, n: int) -> Array:
        if kind == "image":
            return rng.integers(0, 2, (n, p)).astype(float)
        removed = rng.integers(1, p + 1, (n, 1))
        return (rng.random((n, p)).argsort(axis=1).argsort(axis=1) >= removed).astype(float)

    def by_lime(rng: np.random.Generator, n: int) -> Samples:
        z = draw(rng, n)
        z[0] = 1.0
        return z, f(z), cosine_weights(z)

    def for_reference(seed: int, n: int) -> Samples:
        z = draw(np.random.default_rng((seed, 1)), n)
        return z, f(z), cosine_weights(z)

    return LimeTask(name, model, kind, parts=p, by_lime=by_lime, for_reference=for_reference, **more)


@cache
def docstrings() -> tuple[list[str], Array]:
    """Docstrings of scikit-learn's public functions and classes, small letters only, and which are of classes."""
    import sklearn

    found: dict[str, bool] = {}
    for module in sorted(each.name for each in pkgutil.iter_modules(sklearn.__path__)):
        if module.startswith("_") or module in ("tests", "conftest", "externals", "experimental"):
            continue
        for _, item in sorted(
            inspect.getmembers(importlib.import_module(f"sklearn.{module}")), key=lambda each: each[0]
        ):
            if (inspect.isclass(item) or inspect.isfunction(item)) and item.__module__.startswith(f"sklearn.{module}"):
                words = re.findall(r"[a-z]{2,}", (inspect.getdoc(item) or "").lower())
                if len(words) >= 40:
                    found[" ".join(words[:400])] = inspect.isclass(item)
    return list(found), np.array(list(found.values()), dtype=int)


@cache
def text_model(name: str) -> Pipeline:
    texts, y = docstrings()
    last = (
        LogisticRegression(C=10.0)
        if name == "logistic"
        else MLPClassifier((16,), max_iter=20, learning_rate_init=0.01, random_state=0)
    )
    return make_pipeline(TfidfVectorizer(token_pattern=r"\w+"), last).fit(texts, y)


def text_task(model: str, number: int) -> LimeTask:
    """A text of about 141 different words; removing words is removing counts, so that lime's side needs no strings."""
    pipeline = text_model(model)
    vectorizer, last = pipeline[0], pipeline[-1]
    different = [len(set(text.split())) for text in docstrings()[0]]
    text = docstrings()[0][np.argsort(np.abs(np.array(different) - 141), kind="stable")[number]]
    words = list(dict.fromkeys(text.split()))  # by first appearance, as in ours and in lime's
    column = [vectorizer.vocabulary_[word] for word in words]
    strength = np.array([text.split().count(word) for word in words]) * vectorizer.idf_[column]

    def predict(texts: Any) -> Array:
        return np.asarray(pipeline.predict_proba(texts)[:, 1])

    def of_masks(z: Array) -> Array:
        kept = z * strength
        length = np.sqrt((kept**2).sum(axis=1, keepdims=True))
        kept /= np.where(length > 0.0, length, 1.0)
        if model == "logistic":
            return np.asarray(1.0 / (1.0 + np.exp(-(kept @ last.coef_[0, column] + last.intercept_[0]))))
        hidden = np.maximum(kept @ last.coefs_[0][column] + last.intercepts_[0], 0.0)
        return np.asarray(1.0 / (1.0 + np.exp(-(hidden @ last.coefs_[1][:, 0] + last.intercepts_[1][0]))))

    name = f"text {model}"
    return mask_task(f"{name}, {number}", name, "text", of_masks, len(words), predict=predict, instance=text)


def grid(height: int, width: int, down: int, across: int) -> Array:
    """A label map of down x across rectangles."""
    return np.arange(height)[:, None] * down // height * across + np.arange(width)[None] * across // width


@cache
def digits_network() -> tuple[MLPClassifier, Array, Array]:
    X, y = load_digits(return_X_y=True)
    return (
        MLPClassifier((64,), max_iter=60, learning_rate_init=0.005, random_state=0).fit(X[:1500] / 16.0, y[:1500]),
        X[1500:],
        y[1500:],
    )


def digits_task(number: int) -> LimeTask:
    """A digit four times as large, 7 x 7 superpixels that do not follow the pixels, each off at its mean."""
    network, X, y = digits_network()
    small, label, labels = X[number].reshape(8, 8) / 16.0, int(y[number]), grid(32, 32, 7, 7)
    picture = np.kron(small, np.ones((4, 4)))
    means = np.array([picture[labels == s].mean() for s in range(49)])[labels]

    def pooled(images: Array) -> Array:
        return np.asarray(images.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(-1, 64))

    def predict(images: Array) -> Array:
        return np.asarray(network.predict_proba(pooled(np.asarray(images)))[:, label])

    off, on = pooled(means[None])[0], pooled((labels == np.arange(49)[:, None, None]) * (picture - means))
    return mask_task(
        f"digits, {number}",
        "digits network",
        "image",
        lambda z: np.asarray(network.predict_proba(off + z @ on)[:, label]),
        49,
        predict=predict,
        instance=picture,
        labels=labels,
        fill="mean",
    )


def synthetic_task(number: int) -> LimeTask:
    """A network of two layers with random weights on 50 pixels, each a superpixel that is off at 0."""
    rng = np.random.default_rng(number)
    first, second, third = rng.normal(size=(50, 20)) / 3.0, rng.normal(size=(20, 10)) / 3.0, rng.normal(size=10)
    picture = rng.uniform(0.5, 1.5, size=(5, 10))

    def predict(images: Array) -> Array:
        rows = np.asarray(images).reshape(-1, 50)
        return np.asarray(1.0 / (1.0 + np.exp(-np.tanh(np.tanh(rows @ first) @ second) @ third)))

    return mask_task(
        f"synthetic, {number}",
        "synthetic network",
        "image",
        lambda z: predict(z * picture.reshape(-1)),
        50,
        predict=predict,
        instance=picture,
        labels=np.arange(50).reshape(5, 10),
        fill=0.0,
    )


FAMILIES = ("bins", "gaussian", "text", "image")


def tasks_of(family: str, instances: int) -> Iterator[LimeTask]:
    """The tasks of one family, `instances` for each model."""
    if family in ("bins", "gaussian"):
        for name, build in TABLES.items():
            predict, X, rest = build()
            for number in range(instances):
                make = binned_task if family == "bins" else gaussian_task
                yield make(f"{name}, {number}", name, predict, X, rest[number])
    elif family == "text":
        yield from (text_task(model, number) for model in ("logistic", "network") for number in range(instances))
    else:
        yield from (make(number) for make in (digits_task, synthetic_task) for number in range(instances))
