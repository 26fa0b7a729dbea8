"""Five models that people have, with rows to explain and the exact values of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from exact_values import Leaves, by_coalitions, by_leaves
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

Array = NDArray[np.float64]
Predict = Callable[[Array], Array]


@dataclass(frozen=True)
class Problem:
    """A fitted model, the rows it learned from, rows it did not, and its exact values for each background row."""

    name: str
    title: str
    predict: Predict  # (n, d) -> (n,)
    trained_on: Array
    X: Array  # (n, d), to explain
    exact: Callable[[Array, Array], Array]  # x (d,), background (B, d) -> (B, d)

    @property
    def features(self) -> int:
        return self.X.shape[1]


@dataclass(frozen=True)
class Task:
    """What a method gets: a model, a background, rows to explain; and their exact values, which it does not get."""

    predict: Predict
    background: Array
    X: Array
    truth: Array  # (n, d)


def _split(loader: Any, trained: int, explained: int) -> tuple[Array, Array, Array]:
    """Rows and targets to learn from, and rows to explain, the same every time."""
    X, y = loader(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    learn, rest = order[:trained], order[trained:]
    return X[learn], y[learn], X[rest[:explained]]


def _by_coalitions(name: str, title: str, predict: Predict, trained_on: Array, X: Array) -> Problem:
    return Problem(name, title, predict, trained_on, X, lambda x, background: by_coalitions(predict, x, background))


def _boosting(
    name: str, title: str, trained_on: Array, y: Array, X: Array, *, of_class: int, **options: Any
) -> Problem:
    """The raw margin of one class; of several, only its trees are asked."""
    model = GradientBoostingClassifier(random_state=0, **options).fit(trained_on, y)
    trees = [tree.tree_ for tree in model.estimators_[:, of_class]]
    rate = model.learning_rate
    margins = model.decision_function(trained_on[:1]).reshape(-1)

    def boosted(rows: Array) -> Array:
        single = rows.astype(np.float32)
        return rate * sum(tree.predict(single)[:, 0] for tree in trees)

    start = margins[of_class] - boosted(trained_on[:1])[0]
    leaves = Leaves.of((tree, rate * tree.value[:, 0, 0]) for tree in trees)
    return Problem(
        name,
        title,
        lambda rows: start + boosted(rows),
        trained_on,
        X,
        lambda x, background: by_leaves(leaves, x, background),
    )


def diabetes() -> Problem:
    trained_on, y, X = _split(load_diabetes, 400, 5)
    model = make_pipeline(StandardScaler(), SVR(C=100.0)).fit(trained_on, y)
    return _by_coalitions("diabetes", "diabetes, support vector regression", model.predict, trained_on, X)


def wine() -> Problem:
    trained_on, y, X = _split(load_wine, 168, 4)
    network = MLPClassifier((32, 32), max_iter=2000, random_state=0)
    model = make_pipeline(StandardScaler(), network).fit(trained_on, y)
    return _by_coalitions("wine", "wine, neural network", lambda rows: model.predict_proba(rows)[:, 1], trained_on, X)


def forest() -> Problem:
    trained_on, y, X = _split(load_breast_cancer, 500, 5)
    model = RandomForestClassifier(random_state=0).fit(trained_on, y)
    shares = ((tree.tree_, tree.tree_.value[:, 0, :]) for tree in model.estimators_)
    leaves = Leaves.of((tree, value[:, 1] / value.sum(axis=1) / len(model.estimators_)) for tree, value in shares)
    return Problem(
        "forest",
        "breast cancer, random forest",
        lambda rows: model.predict_proba(rows)[:, 1],
        trained_on,
        X,
        lambda x, background: by_leaves(leaves, x, background),
    )


def boosting() -> Problem:
    return _boosting("boosting", "breast cancer, boosting", *_split(load_breast_cancer, 500, 5), of_class=0)


def digits() -> Problem:
    """The margin of the class of eights; three pixels of the 64 are always blank."""
    trained_on, y, X = _split(load_digits, 1500, 3)
    inked = np.ptp(load_digits().data, axis=0) > 0
    return _boosting(
        "digits", "digits, boosting", trained_on[:, inked], y, X[:, inked], of_class=8, n_estimators=50, max_depth=4
    )


BUILD = {build.__name__: build for build in (diabetes, wine, forest, boosting, digits)}


@cache
def problem(name: str) -> Problem:
    return BUILD[name]()


@cache
def task(name: str, background_rows: int, explained: int | None = None) -> Task:
    """The problem with a background of that many rows it learned from, and its first rows to explain; None is all."""
    of = problem(name)
    chosen = np.random.default_rng(1).permutation(len(of.trained_on))[:background_rows]
    background = of.trained_on[chosen]
    rows = of.X[:explained]
    truth = np.stack([of.exact(x, background).mean(axis=0) for x in rows])
    return Task(of.predict, background, rows, truth)


def error(values: Array, truth: Array) -> float:
    """Mean over the rows of ||phi - truth||^2 / ||truth||^2."""
    return float(np.mean(((values - truth) ** 2).sum(axis=1) / (truth**2).sum(axis=1)))
