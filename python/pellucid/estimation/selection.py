"""Which few columns explain a response best, from the sums of a regression alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import is_real, is_whole, shown
from pellucid.errors import InputError

Array = NDArray[np.float64]

METHODS = ("auto", "forward", "exchange", "lasso_path", "best_subset", "highest_weights")
MOST_COLUMNS_TO_PROVE = 30
MOST_CHOSEN_TO_PROVE = 10
# The search for the best subset stops after so many multiplications, about p^2 for every model looked at.
WORK_OF_AUTO = 200_000_000
WORK_OF_BEST_SUBSET = 4_000_000_000


@dataclass(frozen=True)
class Selection:
    """Columns chosen for a sparse regression.

    Attributes
    ----------
    indices : (at most k,) in the order of entry: each lowers the residual sum of squares most, of those chosen and not
        yet in; for "lasso_path" the order of the path, for "highest_weights" by falling weight. Fewer than k where the
        other columns are constant or combinations of these, or where the path has no such step.
    coefficients : least squares on these columns, in the same order.
    rss : residual sum of squares of that fit.
    proven : no other subset of this size has a lower rss; False says that it is not known.
    method : which method ran.
    note : one sentence for the report.
    """

    indices: NDArray[np.int64]
    coefficients: Array
    rss: float
    proven: bool
    method: str
    note: str


def select(
    gram: Any, response: Any, *, total: float, k: int, method: str = "auto", weights_of: Any = None
) -> Selection:
    r"""The k columns that explain a response best, from its normal equations.

    .. math:: RSS(S) = y^T W y - c_S^T G_{SS}^{-1} c_S, \qquad G = Z^T W Z, \quad c = Z^T W y

    Parameters
    ----------
    gram : (p, p) G of centred columns.
    response : (p,) c of one output.
    total : y'Wy of the centred output.
    k : how many columns, at least 1; from p on, all that vary.
    method : how they are found

        - "forward": the largest fall of the RSS first, one column after another;
        - "exchange": forward, then one column for another while the RSS falls;
        - "lasso_path": the last step of the lasso path with at most k columns [efron2004];
        - "best_subset": the least RSS, proven by leaps and bounds [furnival1974] unless 4 * 10^9 multiplications do
          not suffice; up to 128 columns;
        - "highest_weights": the largest absolute values of `weights_of`;
        - "auto": "best_subset" with 2 * 10^8 multiplications for p <= 30 and k <= 10, else "exchange".
    weights_of : (p,) for "highest_weights"; None takes the coefficients of least squares on all columns.

    Raises
    ------
    InputError : shapes that do not fit, numbers that are not finite, k below 1, an unknown method.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(200, 6))
    >>> y = 3 * Z[:, 4] - 2 * Z[:, 1] + 0.1 * rng.normal(size=200)
    >>> Z, y = Z - Z.mean(axis=0), y - y.mean()
    >>> chosen = select(Z.T @ Z, Z.T @ y, total=y @ y, k=2)
    >>> chosen.indices.tolist(), chosen.proven, chosen.coefficients.round(1).tolist()
    ([4, 1], True, [3.0, -2.0])
    """
    from pellucid import _core

    gram, response, total = _checked_sums(gram, response, total)
    p = len(gram)
    if not is_whole(k) or k < 1:
        raise InputError(f"k must be a whole number of columns of at least 1, got {shown(k)}")
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {shown(method)}")
    if weights_of is not None and method != "highest_weights":
        raise InputError(
            f"weights_of is read by method='highest_weights' only, got method={shown(method)}; leave it out"
        )
    k = min(int(k), p)

    if method == "highest_weights":
        return _highest_weights(gram, response, total, k, weights_of)
    if method == "lasso_path":
        return _lasso_path(gram, response, total, k)
    if method == "forward":
        note = "columns by the largest fall of the residual sum of squares, one after another"
        return _selection(_core.forward_selection(gram, response, total, k), method, note, k)
    if method == "best_subset":
        return _best_subset(gram, response, total, k, WORK_OF_BEST_SUBSET)
    if p <= MOST_COLUMNS_TO_PROVE and k <= MOST_CHOSEN_TO_PROVE:
        return _best_subset(gram, response, total, k, WORK_OF_AUTO)
    note = "forward selection, then exchanges of one column for another while the residual sum of squares fell"
    return _selection(_core.swap_selection(gram, response, total, k), "exchange", note, k)


def select_each(
    gram: Any, responses: Any, *, totals: Any, k: int, method: str = "auto", weights_of: Any = None
) -> tuple[Selection, ...]:
    """`select` for each output of responses (p, m), with totals (m,) and weights_of (p, m) or None.

    Examples
    --------
    >>> import numpy as np
    >>> [s.indices.tolist() for s in select_each(np.eye(2), np.array([[2.0, 0.0], [1.0, 3.0]]), totals=[9.0, 9.0], k=1)]
    [[0], [1]]
    """
    responses, totals = np.atleast_2d(np.asarray(responses, dtype=np.float64)), np.atleast_1d(totals)
    if responses.ndim != 2 or len(totals) != responses.shape[1]:
        raise InputError(
            f"totals must have one number for each column of responses, got {len(totals)} for shape {responses.shape}"
        )
    columns = [None] * len(totals) if weights_of is None else np.asarray(weights_of).T
    return tuple(
        select(gram, response, total=total, k=k, method=method, weights_of=column)
        for response, total, column in zip(responses.T, totals.tolist(), columns, strict=True)
    )


def _checked_sums(gram: Any, response: Any, total: Any) -> tuple[Array, Array, float]:
    gram = np.ascontiguousarray(gram, dtype=np.float64)
    response = np.ascontiguousarray(response, dtype=np.float64)
    if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or len(gram) == 0:
        raise InputError(f"gram must be square with at least one column, got shape {gram.shape}")
    if response.shape != (len(gram),):
        raise InputError(f"response must have shape ({len(gram)},) like gram, got {response.shape}")
    if not is_real(total):
        raise InputError(f"total must be a number, the sum of squares of the centred output, got {shown(total)}")
    return gram, response, float(total)


def _best_subset(gram: Array, response: Array, total: float, k: int, work: int) -> Selection:
    from pellucid import _core

    fit = _core.best_subset(gram, response, total, k, max(1, work // len(gram) ** 2))
    if fit.proven:
        note = f"the least residual sum of squares of all subsets of {len(fit.indices)}, proven"
        note += f" after {fit.nodes:,} models" if fit.nodes else ""
    else:
        note = f"the best subset found in {fit.nodes:,} models; another may be better"
    if fit.ridged:
        note += "; columns are linearly dependent, so subsets were compared with a ridge of 1e-9 of the diagonal"
    return _selection(fit, "best_subset", note, k)


def _lasso_path(gram: Array, response: Array, total: float, k: int) -> Selection:
    from pellucid import _core

    path = _core.lasso_path(gram, response)
    knot = _core.last_knot_of_size(path, k)
    inside = path.coefficients[: knot + 1] != 0.0
    chosen = np.flatnonzero(inside[knot])
    # The knot since which a column has been in without a break.
    since = knot - np.argmin(inside[::-1][:, chosen], axis=0)
    order = chosen[np.argsort(since, kind="stable")]
    note = f"the last step of the lasso path with at most {k} columns"
    if not path.complete:
        note += "; ties of the columns ended the path early"
    return _refitted(gram, response, total, order, "lasso_path", note)


def _highest_weights(gram: Array, response: Array, total: float, k: int, weights_of: Any) -> Selection:
    from pellucid import _core

    if weights_of is None:
        full = _core.forward_selection(gram, response, total, len(gram))
        weights = np.zeros(len(gram))
        weights[full.indices] = full.coefficients
    else:
        weights = np.asarray(weights_of, dtype=np.float64)
        if weights.shape != response.shape or not np.isfinite(weights).all():
            raise InputError(f"weights_of must be {len(gram)} finite numbers, got shape {weights.shape}")
    order = np.argsort(-np.abs(weights), kind="stable")[:k]
    return _refitted(
        gram, response, total, order, "highest_weights", f"the {k} columns of the largest absolute weights"
    )


def _refitted(
    gram: Array, response: Array, total: float, order: NDArray[np.int64], method: str, note: str
) -> Selection:
    """Least squares on the given columns, in their order."""
    from pellucid import _core

    if len(order) == 0:
        return Selection(order.astype(np.int64), np.empty(0), total, False, method, note)
    fit = _core.forward_selection(
        np.ascontiguousarray(gram[np.ix_(order, order)]), np.ascontiguousarray(response[order]), total, len(order)
    )
    coefficients = np.zeros(len(order))
    coefficients[fit.indices] = fit.coefficients
    return Selection(order.astype(np.int64), coefficients, float(fit.rss), False, method, note)


def _selection(fit: Any, method: str, note: str, k: int) -> Selection:
    if len(fit.indices) < k:
        note += f"; {len(fit.indices)} instead of {k}, as the other columns are constant or combinations of these"
    return Selection(
        np.asarray(fit.indices), np.asarray(fit.coefficients), float(fit.rss), bool(fit.proven), method, note
    )
