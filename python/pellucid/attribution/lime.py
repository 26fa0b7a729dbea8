"""LIME: a linear surrogate around one input, of tables, texts, images and whatever has parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import checked_seed, checked_spending, checked_threads, shown, threads
from pellucid.attribution.background import Background
from pellucid.attribution.lime_masks import explain_representation
from pellucid.attribution.lime_tables import LocalTables
from pellucid.attribution.lime_trees import checked_method
from pellucid.attribution.local_options import (
    LocalOptions,
    checked_fitting,
    checked_learner,
    checked_sampler,
    checked_together,
)
from pellucid.attribution.represented import MISSING_BACKGROUND, Reader, representations
from pellucid.errors import InputError
from pellucid.estimation.clock import Deadline
from pellucid.estimation.locality import Locality
from pellucid.estimation.white_box import checked_surrogate
from pellucid.model.choice import checked_outputs
from pellucid.progress import Progress, checked_progress, track
from pellucid.representation import Representation
from pellucid.representation.table_law import TableLaw
from pellucid.space import Space, space_of

Array = NDArray[np.float64]


class Lime:
    r"""Local surrogates: a weighted linear fit to what the model says around an input. [ribeiro2016]

    .. math:: \min_{\beta_0, \beta} \sum_i \pi(z_i)\,(f(x_i) - \beta_0 - \beta^\top z_i)^2 + \lambda \|\beta\|^2

    A table needs a background, from which it learns how to draw rows x_i around x; z_ij says whether feature j is in
    the bin of x (or, with ``bins=None``, how far it is from there). Of a `Words`, a `Superpixels` or another
    representation, z_i says which parts are left. The kernel is part of how samples are drawn wherever it can be,
    so most weights are 1 and the coefficients have the limit of the weighted fit at a smaller error.

    Parameters
    ----------
    model : a callable, or a fitted object with predict_proba, decision_function or predict. It receives tables in the
        container of the background, texts as a list of str, images as one array (m, ...) of the image's dtype.
    background : rows (B, d) that tables are perturbed after, such as the training data; not for texts and images.
    background_weights : (B,) weights, at least 0; None is equal weights.
    bins : "quartile", "decile", "entropy" (by `labels`), a number of quantile bins, or {feature: edges}; None compares
        numbers as they are, and coefficients are slopes.
    labels : (B,) classes of the background, for bins="entropy".
    continuous : how numbers are drawn: "gaussian", "uniform" or "rows" of the background.
    categorical : categories as often as "observed", or "uniform".
    around : with bins=None, "background": rows spread like the background, weighted by the kernel, slopes per standard
        deviation; "instance": normal noise around x, slopes in data units, with a width of `scale` standard deviations.
    sampler : callable (n, seed) -> n rows in place of all these (of a representation: masks (n, p)).
    kernel, kernel_width, distance : the kernel pi; see `estimation.locality.Locality`. By default exponential,
        0.75 sqrt(p) on the Euclidean distance of z for tables, 0.25 on the cosine distance of masks.
    max_features : keep at most so many parts, chosen by `selection` for each output: "auto", "best_subset",
        "forward", "lasso_path" or "highest_weights".
    surrogate : "linear", "tree", or any regressor with fit(z, y, sample_weight=) and predict, such as those of
        `pellucid.surrogates`: `FusedLasso` and `Lemna`.
    method : "auto" explains tables exactly, without sampling, where the trees of the model can be read, predict as it
        does and add up to its outputs; "tree" insists on it; "sampling" never does.
    ridge : the penalty lambda; None is 0, and 1 below 4 (p + 1) samples.
    budget : model rows to pay per input, the probe included; None is 4096 samples (images: 1024), or up to 100,000
        with a tolerance. Where all masks fit the budget they are all played, and there is no sampling error.
    tolerance : stop when, with 95 % confidence, no coefficient errs by more than this part of their max - min.
    settle_top : stop when the order of so many largest coefficients is settled; ties are named in the report.
    time_limit : seconds for one call; what there is then comes back, marked as not converged.
    control_variate : "auto" adds columns with a known limit of 0 that take noise off the coefficients, margins of the
        model's own trees among them; None does not. Of tables also "lightgbm", "hist" (scikit-learn) or a callable
        (rows, outputs, seed) -> fitted trees: these are fitted to 1,000 samples or more, and seldom bring much.
    compat : "lime" makes the choices of the lime package: samples of the unweighted law with kernel weights, the input
        itself first, a ridge of 1, its feature selection, at its 10 features where `max_features` is not given.
    model_output, outputs, link, clip, space, seed, n_threads, batch_bytes, concurrency, cache, output_names, progress :
        as in `Shapley`.

    Raises
    ------
    InputError : arguments and data that do not fit, a table without a background, or method="tree" without trees.
    ModelFormatError : method="tree" of trees that cannot be followed.
    ModelOutputError : the model returned something that is not one finite row of numbers per row.
    BudgetError : a budget too small to fit anything.

    Examples
    --------
    >>> from pellucid import Words
    >>> weights = {"good": 1.3, "bad": -2.3}
    >>> score = lambda texts: np.array([sum(weights.get(word, 0) for word in text.split()) for text in texts])
    >>> explanation = Lime(score)(Words("good film bad end"))
    >>> [(word, round(value, 6)) for word, value in explanation.as_list()[:2]], explanation.std_err
    ([('bad', -2.3), ('good', 1.3)], None)
    """

    def __init__(
        self,
        model: Any,
        background: Any = None,
        *,
        background_weights: Any = None,
        bins: Any = "quartile",
        labels: Any = None,
        continuous: str = "gaussian",
        categorical: str = "observed",
        around: str = "background",
        scale: float = 1.0,
        sampler: Callable[[int, int], Any] | None = None,
        kernel: Callable[[Array], Any] | None = None,
        kernel_width: float | None = None,
        distance: Any = None,
        max_features: int | None = None,
        selection: str = "auto",
        surrogate: Any = "linear",
        method: str = "auto",
        ridge: float | None = None,
        budget: int | None = None,
        tolerance: float | None = None,
        settle_top: int | None = None,
        time_limit: float | None = None,
        control_variate: Any = "auto",
        compat: str | None = None,
        model_output: str | None = None,
        outputs: Any = None,
        link: str = "identity",
        clip: float | None = None,
        space: Space | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        batch_bytes: int = 2**22,
        concurrency: int = 1,
        cache: Any = None,
        output_names: Sequence[str] | None = None,
        progress: Progress = None,
    ) -> None:
        checked_spending(budget=budget, tolerance=tolerance, time_limit=time_limit)
        learner = checked_learner(control_variate)
        fitting = checked_fitting(
            max_features=max_features,
            selection=selection,
            ridge=ridge,
            tolerance=tolerance,
            settle_top=settle_top,
            compat=compat,
        )
        checked_together(surrogate=surrogate, compat=compat, kernel=kernel, fitting=fitting, time_limit=time_limit)
        self.options = LocalOptions(
            fitting=fitting,
            locality=Locality.checked(kernel, kernel_width, distance),
            sampler=checked_sampler(sampler),
            surrogate=checked_surrogate(surrogate),
            control_variate=control_variate is not None and compat is None,
            learner=learner,
            compat=compat,
            method=checked_method(method),
            outputs=checked_outputs(outputs),
            seed=checked_seed(seed),
            budget=None if budget is None else int(budget),
            time_limit=time_limit,
        )
        self.n_threads = checked_threads(n_threads)
        self.progress = checked_progress(progress)
        self._reader = Reader(
            model,
            model_output=model_output,
            link=link,
            clip=clip,
            batch_bytes=batch_bytes,
            concurrency=concurrency,
            cache=cache,
            output_names=output_names,
        )
        self._tables: LocalTables | None = None
        if background is None:
            if space is not None or labels is not None or background_weights is not None:
                raise InputError("space, labels and background_weights describe a background; pass background=X_train")
            choices = {"continuous": continuous, "categorical": categorical, "around": around, "scale": scale}
            usual = {"continuous": "gaussian", "categorical": "observed", "around": "background", "scale": 1.0}
            if choices != usual or not (isinstance(bins, str) and bins == "quartile"):
                raise InputError(
                    "background is missing: bins, continuous, categorical, around and scale describe a table; pass "
                    "background=X_train"
                )
            return
        if labels is not None and not (isinstance(bins, str) and bins == "entropy"):
            raise InputError(f"labels are for bins='entropy', got bins={shown(bins)}")
        learned = space_of(background, space=space, groups=None, argument="background")
        rows = Background.of(background, learned, weights=background_weights)
        known = self._reader.table(learned)
        law = TableLaw.learn(
            learned.encode(background),
            known.space,
            weights=background_weights,
            bins=bins,
            labels=labels,
            continuous=continuous,
            categorical=categorical,
            around=around,
            scale=scale,
        )
        self._tables = LocalTables(known, law, background=rows.codes, given=rows.given)

    def __repr__(self) -> str:
        about = "no background" if self._tables is None else self._tables.description
        return f"Lime({about}, seed={self.options.seed})"

    def __call__(self, X: Any) -> Any:
        """Explain rows X (n, d), one representation, or a list of them, which gives a list of explanations."""
        many = representations(X)
        with threads(self.n_threads):
            if many is None:
                return self._table().explain(X, self.options, tracked=self._tracked)
            limit = self.options.time_limit
            deadline = None if limit is None else Deadline.after(limit)
            found = []
            for at in self._tracked(range(len(many))):
                left = None if deadline is None else deadline.share(len(many) - at)
                found.append(explain_representation(many[at], self._reader, self.options, deadline=left))
        return found[0] if isinstance(X, Representation) else found

    def _table(self) -> LocalTables:
        if self._tables is None:
            raise InputError(f"{MISSING_BACKGROUND}, or explain a representation such as Words or Superpixels")
        return self._tables

    def _tracked(self, places: range) -> Iterator[int]:
        return iter(track(places, total=len(places), progress=self.progress, label="LIME"))


def lime(model: Any, X: Any, *, background: Any = None, **options: Any) -> Any:
    """Local surrogates of rows X (n, d) or of representations: one line over `Lime`, which documents the options.

    Raises
    ------
    InputError, ModelOutputError, BudgetError : as `Lime`.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(100, 2))
    >>> explanation = lime(lambda rows: 3.0 * rows[:, 0], rows[:1], background=rows, bins=None, around="instance")
    >>> explanation.values.shape, round(float(explanation.values[0, 0, 0]), 9)
    ((1, 2, 1), 3.0)
    """
    return Lime(model, background, **options)(X)
