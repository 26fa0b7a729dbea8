"""Losses of predictions: smaller is better, row by row where the loss has rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results.checks import described

Array = NDArray[np.float64]
Loss = Callable[[Array], Array]

# What a probability of 0 costs: -log of it is 36, not infinite.
_SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Metric:
    """A loss with the targets inside: predictions (n, k) -> losses (n,), or (1,) where it has no rows."""

    name: str
    loss: Loss


def metric_of(metric: Any, y: Any, *, predictions: Array, output_names: tuple[str, ...], model_output: str) -> Metric:
    """The loss that `metric` names, for these targets; see `permutation_importance`.

    Parameters
    ----------
    predictions : (n, k) of the model on the rows as they are; the loss is tried on them.

    Raises
    ------
    InputError : an unknown metric, or targets that do not fit it.
    """
    targets = _checked_targets(y, len(predictions))
    if callable(metric):
        return Metric(getattr(metric, "__name__", type(metric).__name__), _called(metric, targets))
    if metric == "auto":
        if model_output == "raw":
            raise InputError(
                "metric='auto' does not know what a raw score should be; name a metric, such as 'auc', or pass a "
                "callable"
            )
        metric = "log_loss" if model_output == "probability" else "squared_error"
    if not isinstance(metric, str) or metric not in _LOSSES:
        names = ", ".join(map(repr, ("auto", *_LOSSES)))
        raise InputError(f"metric must be one of {names} or a callable (y, predictions), got {metric!r}")
    return Metric(metric, _LOSSES[metric](targets, predictions, output_names))


def _checked_targets(y: Any, n: int) -> NDArray[Any]:
    targets = np.array(y.to_numpy() if hasattr(y, "to_numpy") else y)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim not in (1, 2) or len(targets) != n:
        raise InputError(f"y must hold one target for each of the {n} rows of X, got {described(targets)}")
    absent = targets != targets if targets.dtype.kind in "fcO" else np.zeros(1, bool)
    if np.any(absent) or any(one is None for one in targets.ravel()[: n if targets.dtype.kind == "O" else 0]):
        raise InputError("y must not have missing values; drop those rows from X and y")
    return targets


def _called(metric: Callable[..., Any], targets: NDArray[Any]) -> Loss:
    def loss(predictions: Array) -> Array:
        given = predictions[:, 0] if predictions.shape[1] == 1 else predictions
        # Copies, as the callable may write into what it is given.
        returned = metric(targets.copy(), np.array(given))
        try:
            losses = np.atleast_1d(np.array(returned, dtype=np.float64))
        except (TypeError, ValueError):
            losses = np.empty(0)
        if losses.shape not in ((1,), (len(predictions),)):
            raise InputError(
                f"metric must return one number, or one for each of the {len(predictions)} rows, got "
                f"{described(returned)}; predictions are (n,) for one output, else (n, k)"
            )
        if not np.isfinite(losses).all():
            raise InputError("metric must return finite numbers, got NaN or infinity; clip the predictions in it")
        return losses

    return loss


def _numbers(targets: NDArray[Any], predictions: Array) -> Array:
    if targets.dtype.kind not in "biuf":
        raise InputError(
            f"y must be numbers for a loss of regression, got {targets.dtype}; for classes name metric='log_loss', and "
            "give a model of probabilities"
        )
    numbers = targets.astype(np.float64).reshape(len(targets), -1)
    if numbers.shape != predictions.shape:
        raise InputError(
            f"y must have the shape of the predictions, {predictions.shape}, got {targets.shape}; choose one output in "
            "the model, or pass a callable as metric"
        )
    return numbers


def _squared(targets: NDArray[Any], predictions: Array, names: tuple[str, ...]) -> Loss:
    numbers = _numbers(targets, predictions)
    return lambda given: np.asarray(((given - numbers) ** 2).mean(axis=1))


def _absolute(targets: NDArray[Any], predictions: Array, names: tuple[str, ...]) -> Loss:
    numbers = _numbers(targets, predictions)
    return lambda given: np.asarray(np.abs(given - numbers).mean(axis=1))


def _classes(targets: NDArray[Any], predictions: Array, names: tuple[str, ...]) -> NDArray[np.intp]:
    """The position (n,) of the class of each row; of one output, the probability of class 1."""
    known = ("0", "1") if len(names) == 1 else names
    words = [_word(label) for label in targets.tolist()]
    if len(names) == 1:
        words = [{"False": "0", "True": "1"}.get(word, word) for word in words]
    position = {name: i for i, name in enumerate(known)}
    strange = sorted(set(words) - set(position))
    if strange or targets.ndim != 1:
        raise InputError(
            f"y must hold the classes of the model ({', '.join(known[:8])}), got {strange[:4] or described(targets)}; "
            "pass output_names where the model does not know its classes"
        )
    return np.array([position[word] for word in words], dtype=np.intp)


def _word(label: Any) -> str:
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _probabilities(given: Array) -> Array:
    """(n, classes); one output is the probability of the second of two."""
    if given.min() < 0.0 or given.max() > 1.0:
        raise InputError(
            f"predictions must be probabilities for this metric, got {given.min():.4g} to {given.max():.4g}; "
            "use model_output='probability', or another metric"
        )
    return np.column_stack([1.0 - given, given]) if given.shape[1] == 1 else given


def _log_loss(targets: NDArray[Any], predictions: Array, names: tuple[str, ...]) -> Loss:
    rows, own = np.arange(len(predictions)), _classes(targets, predictions, names)
    return lambda given: np.asarray(-np.log(np.maximum(_probabilities(given)[rows, own], _SMALLEST)))


def _brier(targets: NDArray[Any], predictions: Array, names: tuple[str, ...]) -> Loss:
    own = _classes(targets, predictions, names)

    def loss(given: Array) -> Array:
        probabilities = _probabilities(given)
        hit = np.arange(probabilities.shape[1]) == own[:, None]
        return np.asarray(0.5 * ((probabilities - hit) ** 2).sum(axis=1))

    return loss


def _accuracy(targets: NDArray[Any], predictions: Array, names: tuple[str, ...]) -> Loss:
    own = _classes(targets, predictions, names)
    if len(names) == 1:
        _probabilities(predictions)
        return lambda given: ((given[:, 0] > 0.5) != own).astype(np.float64)
    return lambda given: (given.argmax(axis=1) != own).astype(np.float64)


def _auc(targets: NDArray[Any], predictions: Array, names: tuple[str, ...]) -> Loss:
    if len(names) > 2:
        raise InputError(f"metric='auc' needs two classes, but the model has {len(names)} outputs; use 'log_loss'")
    positive = _classes(targets, predictions, names) == 1
    if positive.all() or not positive.any():
        raise InputError("metric='auc' needs rows of both classes in y, got one class; use 'log_loss'")
    return lambda given: np.array([1.0 - _area(given[:, -1], positive)])


def _area(scores: Array, positive: NDArray[np.bool_]) -> float:
    """The share of pairs of rows, one of each class, that the scores put in order; ties count half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * (counts - 1.0))[place]
    hits = int(positive.sum())
    return float((ranks[positive].sum() - 0.5 * hits * (hits + 1.0)) / (hits * (len(scores) - hits)))


_LOSSES: dict[str, Callable[[NDArray[Any], Array, tuple[str, ...]], Loss]] = {
    "squared_error": _squared,
    "absolute_error": _absolute,
    "log_loss": _log_loss,
    "brier": _brier,
    "accuracy": _accuracy,
    "auc": _auc,
}
