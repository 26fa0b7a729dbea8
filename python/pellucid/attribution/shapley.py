"""Shapley values of any model that predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import checked_seed, checked_spending, checked_threads, is_whole, require_memory, threads
from pellucid.attribution.background import Background
from pellucid.attribution.insides import checked_method, inside_of, path_dependent, refuse_with_background
from pellucid.attribution.represented import MISSING_BACKGROUND, Reader, representations
from pellucid.attribution.sampled import Explained, Prepared, attribution_of, prepare
from pellucid.attribution.shapley_parts import Spent, explain_each
from pellucid.attribution.value_functions import checked_value_function, value_function_of
from pellucid.attribution.white_box import Asked, WhiteBox
from pellucid.errors import InputError
from pellucid.estimation.clock import Deadline
from pellucid.estimation.control_choice import checked_control_variate
from pellucid.estimation.estimate import Estimate
from pellucid.estimation.linear_orders import ConsistentOrders
from pellucid.estimation.plan import ShapleyPlan, require_enumerable
from pellucid.estimation.tree_values import checked_precision
from pellucid.games import GameLike
from pellucid.model import Model
from pellucid.model.choice import checked_outputs
from pellucid.progress import Progress, checked_progress, track
from pellucid.representation import Representation
from pellucid.results import Attribution
from pellucid.space import CausalOrder, Space, space_of

Array = NDArray[np.float64]
Found = TypeVar("Found")

# What `refine` needs to go on is kept up to this size; beyond it, refining plays again what was played.
KEPT_BYTES = 2**28


class Shapley:
    r"""Shapley values: each feature's average contribution over all orders in which features become known.

    .. math:: \phi_i = \sum_{S \not\ni i} \frac{|S|!\,(p-|S|-1)!}{p!}\,\bigl(v(S \cup i) - v(S)\bigr), \qquad
              v(S) = \sum_b w_b\, f(x_S, b_{\bar S})

    What a coalition S of features does not know comes from the rows b of the background: all of them, never a silent
    subsample. One background row is the baseline game; the mean row gives the mean-imputed one. A prepared explainer
    keeps the design and the outputs of the background, so further rows cost only their own coalitions.
    `value_function` names other games: what f is expected to be given x_S, or after setting x_S.

    Parameters
    ----------
    model : a callable (n, d) -> (n,) or (n, k), or a fitted object with predict_proba, decision_function or predict.
    background : rows (B, d), array or dataframe, of the population the explanation compares with. Trees that know how
        many training rows each node has need none for tables; all other models do.
    background_weights : (B,) weights, at least 0; None is equal weights.
    value_function : "marginal" as above; "baseline", the same with one row; "conditional", v(S) = E[f(X) | X_S = x_S]
        [aas2021]; "causal", E[f(X) | do(X_S = x_S)] [heskes2020]; "path_dependent", trees that follow x in what S
        knows and average both ways by cover in all else [lundberg2020]. "auto" is causal where an order is given, path-
        dependent without a background, else marginal, and never conditional: that credits features a model ignores.
    conditional : the law of the features, learned from the background: "gaussian" (default), "copula" (a normal law of
        the ranks), or "empirical" (the background rows most like x in what S knows; not for causal).
    conditional_draws : draws from a gaussian or copula law, 1000 or 4 d by default; they take the place of the
        background rows, and `seed` names them. For "empirical" the most rows that a coalition keeps, 100 by default.
    conditional_sigma : width of the empirical law's kernel, 0.1 by default; wider is nearer to marginal.
    causal : `CausalOrder` of the features.
    method : "auto" (the inside of the model where it can be read and predicts as the model does, else all coalitions
        where they fit the budget, else regression), "tree", "linear", "exact", "permutation", "regression".
    budget : model rows to pay per explained row; background and probe are charged to every row, so that one row alone
        costs no more. None stops at `tolerance`, or at 100,000 rows, whichever comes first (50,000 beyond the
        background where that has more rows than this); a budget without a tolerance is spent whole.
    tolerance : stop when, with 95 % confidence, no value errs by more than this part of max - min of the values; 0.03
        when no budget is given either.
    time_limit : seconds for one call; what there is then comes back, marked as not converged, with a first, short stage
        of every row at least. Exact values stop between blocks of rows, with a BudgetError. Not with method="exact".
    control_variate : for method="regression": a function fitted to what was played, whose Shapley values are known
        exactly, takes noise off the model's. "kernel" is smooth, "lightgbm" and "hist" (scikit-learn) are boosted
        trees, "stack" is both; a function (rows, outputs, seed) -> fitted trees, a `ControlVariate` or a list of these
        serves, too. "auto" takes what a trial finds to pay where values are not precise enough yet, from 150 to 150,000
        rows, trees from 2,000 pairs on; the margins of a known forest are tried as well. None never does.
    model_output : "probability" (default for classifiers, all classes), "raw" (decision_function, margin) or "value".
    outputs : which outputs: None for all, an index, a name, "predicted", "top:3", or a list of indices or names.
    link : "identity", "logit" or "log" of the model's outputs. It is applied to every model row, inside the average
        over the background, so v stays a mean and sampling stays unbiased; other packages put it outside.
    order : which players come before which, for asymmetric Shapley values [frye2020]: layers [["age", "sex"], ...],
        edges {"age": ["income"]} or a `PartialOrder`. "auto" then plays all coalitions that can arise, or permutations.
    clip : moves outputs into [clip, 1 - clip] before the logit and up to clip before the log, and the report says so;
        None refuses outputs whose link is not finite, such as probabilities of 0 and 1.
    groups : dict of group name -> features that enter and leave together, as one player.
    space : a `Space` where kinds must be declared; None infers it from the background.
    seed : names the sample. Same inputs and seed give the same bits, whatever the threads and the batches.
    n_threads : threads of the core; None for all. The model is called on the caller's thread only.
    batch_bytes : size of the row blocks handed to the model.
    concurrency : calls of the model at once, for slow endpoints; the model must be thread-safe.
    cache : path of a file that keeps evaluated rows between runs.
    output_names : names of the k outputs, where the model has none.
    precision : "double", or "single" for path-dependent values in float32: faster, with an error near 1e-6.
    progress : None (a bar on a terminal after two seconds), True, False, or a callable (done, total, seconds left).

    Raises
    ------
    InputError : no background, or arguments and data that do not fit.
    ModelOutputError : the model returned something that is not one finite row of numbers per row.
    BudgetError : a budget too small for the background and the method, or "exact" with too many players.

    Examples
    --------
    A linear model: each feature gets its weight times its distance from the background mean. [lundberg2017]

    >>> background = np.array([[0.0, 0.0], [2.0, 4.0]])
    >>> explain = Shapley(lambda rows: rows @ [3.0, 1.0], background)
    >>> explanation = explain(np.array([[2.0, 5.0]]))
    >>> explanation.values[0, :, 0].tolist(), explanation.base_values.tolist()
    ([3.0, 3.0], [[5.0]])
    """

    def __init__(
        self,
        model: Any,
        background: Any = None,
        *,
        background_weights: Any = None,
        value_function: str = "auto",
        conditional: str | None = None,
        conditional_draws: int | None = None,
        conditional_sigma: float | None = None,
        causal: CausalOrder | None = None,
        method: str = "auto",
        budget: int | None = None,
        tolerance: float | None = None,
        time_limit: float | None = None,
        control_variate: Any = "auto",
        model_output: str | None = None,
        outputs: Any = None,
        link: str = "identity",
        order: Any = None,
        clip: float | None = None,
        groups: dict[str, Sequence[str]] | None = None,
        space: Space | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        batch_bytes: int = 2**22,
        concurrency: int = 1,
        cache: Any = None,
        output_names: Sequence[str] | None = None,
        precision: str = "double",
        progress: Progress = None,
    ) -> None:
        sampled = checked_method(method)
        checked_spending(budget=budget, tolerance=tolerance, time_limit=time_limit)
        self.seed = checked_seed(seed)
        self.outputs = checked_outputs(outputs)
        self.n_threads = checked_threads(n_threads)
        self.progress = checked_progress(progress)
        self.method = method
        self.budget = budget
        self.tolerance = tolerance
        self.time_limit = time_limit
        self.control_variate = checked_control_variate(control_variate)
        self._spent = Spent(method, budget, tolerance, time_limit, self.control_variate)
        self._order = order
        self._prepared: Prepared | None = None
        self._plan: ShapleyPlan | None = None
        settings: dict[str, Any] = {
            "model_output": model_output,
            "link": link,
            "clip": clip,
            "batch_bytes": batch_bytes,
            "concurrency": concurrency,
            "cache": cache,
            "output_names": output_names,
        }
        self._reader = Reader(model, **settings)
        self._asked = Asked(
            outputs=self.outputs,
            tolerance=tolerance,
            budget=budget,
            time_limit=time_limit,
            batch_bytes=batch_bytes,
            n_threads=self.n_threads,
            progress=self.progress,
            seed=self.seed,
            precision=checked_precision(precision),
        )
        self._inside: WhiteBox | None = None
        self._not_inside, self._probed = "", 0
        self._has_background = background is not None
        if background is None:
            checked_value_function(value_function)
            described = (background_weights, conditional, conditional_draws, conditional_sigma, causal)
            if value_function not in {"auto", "path_dependent"} or any(one is not None for one in described):
                raise InputError(f"{MISSING_BACKGROUND}; what else was given describes a table")
            table: dict[str, Any] = {"space": space, "groups": groups, "method": method, "ordered": order is not None}
            self._without = partial(path_dependent, model, settings, asked=self._asked, **table)
            if groups is not None or space is not None or value_function != "auto" or method == "tree":
                self._find_inside()
            return
        refuse_with_background(value_function=value_function, precision=precision)
        self.space = space_of(background, space=space, groups=groups, argument="background")
        if method == "exact" and order is None:
            require_enumerable(len(self.space.parts))
        self.background = Background.of(background, self.space, weights=background_weights)
        self.model = self._reader.table(self.space)
        self.space = self.model.space
        self.value_function = value_function_of(
            self.background,
            self.space,
            value_function=value_function,
            conditional=conditional,
            conditional_draws=conditional_draws,
            conditional_sigma=conditional_sigma,
            causal=causal,
            seed=self.seed,
        )
        self.orders = ConsistentOrders.of(order, self.space.parts, method=sampled)
        if sampled == "auto":
            self._inside, self._not_inside = inside_of(
                self.model,
                self.value_function,
                method=method,
                ordered=order is not None,
                asked=self._asked,
            )

    def __repr__(self) -> str:
        if not self._has_background:
            return f"Shapley(no background, method={self.method!r})"
        return (
            f"Shapley({self.model.description}, background of {self.background.given:,} rows, "
            f"{len(self.space.parts)} players, method={self.method!r})"
        )

    def __call__(self, X: Any) -> Any:
        """Explain rows X (n, d), in the container of the background or another one with the same columns.

        Of a representation, such as `Words` or `Superpixels`, the parts are the players, and what stands in for the
        missing ones is its own; a list of them gives a list of attributions.
        """
        many = None if type(X) is np.ndarray else representations(X)
        if many is not None:
            with threads(self.n_threads):
                given = track(many, total=len(many), progress=self.progress, label="Shapley values")
                about = {"outputs": self.outputs, "order": self._order, "seed": self.seed}
                found = explain_each(given, self._reader, self._spent, count=len(many), **about)
            return found[0] if isinstance(X, Representation) else found
        exact: Attribution | None = self.exactly(X, "attribution")
        if exact is not None:
            return exact
        estimates, attribution = self.play(X, lambda plan, game, deadline: plan.estimate(game, deadline=deadline))
        return attribution(estimates)

    def exactly(self, X: Any, what: str) -> Any:
        """The "attribution" or the "interactions" of rows X from the inside of the model; None where it is sampled.

        Raises
        ------
        InputError : there is neither a background nor an inside that can do without.
        ModelFormatError : the inside does not predict as the model does, and nothing but it can answer.
        """
        if not self._has_background:
            self._find_inside()
        if self._inside is None or not self._inside.offers(what):
            return None
        found = getattr(self._inside, what)(X)
        if found is None:
            self._not_inside, self._probed = f"sampled, since {self._inside.refusal}", self._inside.rows_probed
            self._inside = None
        return found

    def _find_inside(self) -> None:
        """The road of an explainer without a background."""
        if self._inside is None:
            self._inside, reason = self._without()
            if self._inside is None:
                raise InputError(f"{MISSING_BACKGROUND}, or one reference row of shape (1, d); {reason}")

    def play(
        self, X: Any, estimate: Callable[[ShapleyPlan, GameLike, Deadline | None], Found]
    ) -> tuple[list[Found], Callable[[list[Estimate]], Attribution]]:
        """Play the game of every row X (n, d) by `estimate`, for methods that find more than Shapley values.

        Returns what was found, and the function from the Shapley values among it to their attribution.
        """
        start = perf_counter()
        deadline = None if self.time_limit is None else Deadline.after(self.time_limit)
        model = self._model_for(X)
        inside = model.seconds + (0.0 if model is self.model else self.model.seconds)
        codes = model.space.encode(X)
        with threads(self.n_threads):
            fresh = self._prepared is None
            prepared, plan = self._prepare()
            predictions = model(codes)
            columns, names = self.model.choose(self.outputs, predictions)
            shape = (len(codes), len(self.space.parts), len(names))
            require_memory("values", shape, unit=f"rows, {shape[1]} players and {shape[2]} outputs")
            rows = Explained(model, codes, predictions, columns, names, prepared.shared_rows if fresh else 0)
            found: list[Found] = []
            games = self._games(rows)
            for game in track(games, total=len(codes), progress=self.progress, label="Shapley values"):
                left = len(codes) - len(found)
                found.append(estimate(plan, game, None if deadline is None else deadline.share(left)))
        inside = model.seconds + (0.0 if model is self.model else self.model.seconds) - inside
        seconds = perf_counter() - start
        return found, partial(self._attribution, rows=rows, budget=self.budget, seconds=seconds, inside=inside)

    def _model_for(self, X: Any) -> Model:
        """The model, or a copy of it for rows with values that the background does not have.

        The explainer itself stays as it is: no row changes how later rows are read.
        """
        space = self.space.extend(X)
        return self.model if space == self.space else self.model.with_space(space)

    def _prepare(self) -> tuple[Prepared, ShapleyPlan]:
        """Probe the model and play the background once, whatever number of rows will be explained."""
        if self._prepared is None or self._plan is None:
            self._prepared, self._plan = prepare(
                self.model,
                self.value_function,
                outputs=self.outputs,
                probed=self._probed,
                players=len(self.space.parts),
                spent=self._spent,
                seed=self.seed,
                orders=self.orders,
                control_variate=self.control_variate,
            )
        return self._prepared, self._plan

    def _games(self, rows: Explained) -> Iterator[GameLike]:
        assert self._prepared is not None
        for x, prediction, columns in zip(rows.codes, rows.predictions, rows.columns, strict=True):
            yield self.value_function.game(
                rows.model,
                x,
                columns=columns,
                empty_values=self._prepared.background_outputs,
                full_value=prediction,
            )

    def _attribution(
        self, estimates: list[Estimate], rows: Explained, *, budget: int | None, seconds: float, inside: float
    ) -> Attribution:
        assert self._prepared is not None
        assert self._plan is not None
        return attribution_of(
            estimates,
            rows,
            prepared=self._prepared,
            plan=self._plan,
            worth=self.value_function,
            model=self.model,
            continuation=self._continuation(estimates, rows),
            budget=budget,
            seconds=seconds,
            inside=inside,
            warnings=(self._not_inside,) if self._not_inside else (),
        )

    def _continuation(self, estimates: list[Estimate], rows: Explained) -> Callable[[int], Attribution]:
        """What `Attribution.refine` calls: go on where these estimates stopped."""
        size = sum(part.nbytes for estimate in estimates for part in estimate.played)
        kept = [e if size <= KEPT_BYTES else replace(e, played=()) for e in estimates]

        def refine(budget: int) -> Attribution:
            if not is_whole(budget) or budget < 1:
                raise InputError(f"budget must be a whole number of model rows of at least 1, got {budget!r}")
            start, before = perf_counter(), rows.model.seconds
            with threads(self.n_threads):
                _, plan = self._prepare()
                refined = [
                    old if old.std_err is None else plan.refine(game, int(budget), old=old)
                    for game, old in zip(self._games(rows), kept, strict=True)
                ]
            return self._attribution(
                refined, rows, budget=budget, seconds=perf_counter() - start, inside=rows.model.seconds - before
            )

        return refine

    def __getstate__(self) -> dict[str, Any]:
        # The design is made again from the seed, bit for bit.
        return {**self.__dict__, "_prepared": None, "_plan": None}


def shapley(model: Any, X: Any, *, background: Any = None, **options: Any) -> Any:
    """Shapley values of rows X (n, d) or of a representation: one line over `Shapley`, which has options and errors.

    Examples
    --------
    >>> rows = np.array([[1.0, 1.0], [0.0, 3.0]])
    >>> shapley(lambda rows: rows.prod(axis=1), rows, background=np.zeros((1, 2))).values[:, :, 0].tolist()
    [[0.5, 0.5], [0.0, 0.0]]
    """
    return Shapley(model, background, **options)(X)
