"""What `Lime` is asked for, apart from model and data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pellucid._arguments import is_real, is_whole, shown
from pellucid.errors import BudgetError, InputError
from pellucid.estimation.clock import Deadline
from pellucid.estimation.compat_estimate import checked_selection, compat_estimate
from pellucid.estimation.local_regression import Fitting, LocalEstimate, local_regression
from pellucid.estimation.local_samples import Samples
from pellucid.estimation.locality import Locality
from pellucid.estimation.schedule import DEFAULT_BUDGET
from pellucid.estimation.selection import METHODS
from pellucid.estimation.white_box import white_box_estimate

# Below this a first look at the errors would be mostly chance.
FIRST_STAGE = 512
LEAST = 4


@dataclass(frozen=True)
class LocalOptions:
    """The choices of one explainer, checked.

    Attributes
    ----------
    fitting, locality : how the surrogate is fitted, and what is near.
    sampler : the user's own, or None.
    surrogate : a regressor in place of the linear fit, or None.
    control_variate : columns that take noise off the coefficients.
    learner : of trees fitted for such columns: a name, a callable, or None.
    compat : "lime" or None.
    method : "auto", "tree" or "sampling".
    outputs, seed, budget, time_limit : as `Lime` has them.
    """

    fitting: Fitting
    locality: Locality
    sampler: Callable[[int, int], Any] | None
    surrogate: Any
    control_variate: bool
    learner: Any
    compat: str | None
    method: str
    outputs: Any
    seed: int
    budget: int | None
    time_limit: float | None

    @property
    def plain(self) -> bool:
        """Samples are ours to draw by the law that needs no weights."""
        return self.sampler is None and self.compat is None

    def samples_affordable(self, *, charged: int, default: int, each: int = 1) -> int:
        """How many samples the budget pays after what is charged, at `each` model rows a sample."""
        if self.budget is None:
            return DEFAULT_BUDGET // each if self.fitting.staged else default
        count = (self.budget - charged) // each
        if count < LEAST:
            raise BudgetError(
                f"budget={self.budget:,} model rows is too small: the explained input and the probe take {charged:,}, "
                f"and the fit needs samples; use budget={charged + LEAST * each:,} or more"
            )
        return count

    def fit(self, samples: Samples, *, most: int, parts: tuple[str, ...], deadline: Deadline | None) -> LocalEstimate:
        """Sample and fit by what was chosen."""
        if self.compat is not None:
            samples.grow(most)
            return compat_estimate(samples, self.fitting, self.locality)
        if self.surrogate is not None:
            samples.grow(most)
            return white_box_estimate(samples, self.surrogate)
        first = max(FIRST_STAGE, 8 * (len(parts) + 1))
        return local_regression(samples, self.fitting, first=first, most=most, parts=parts, deadline=deadline)


def checked_fitting(
    *, max_features: Any, selection: Any, ridge: Any, tolerance: Any, settle_top: Any, compat: Any
) -> Fitting:
    """The `Fitting` of these arguments; InputError names the one that is none."""
    for name, value in (("max_features", max_features), ("settle_top", settle_top)):
        if value is not None and (not is_whole(value) or value < 1):
            raise InputError(f"{name} must be a whole number of at least 1, or None, got {shown(value)}")
    if selection not in METHODS:
        raise InputError(f"selection must be one of {', '.join(map(repr, METHODS))}, got {shown(selection)}")
    if ridge is not None and not (is_real(ridge) and ridge >= 0 and math.isfinite(ridge)):
        raise InputError(f"ridge must be a finite number of at least 0, or None, got {shown(ridge)}")
    if compat not in (None, "lime"):
        raise InputError(f"compat must be None or 'lime', got {shown(compat)}")
    if compat is not None and (tolerance is not None or settle_top is not None):
        raise InputError(
            "tolerance and settle_top are not for compat='lime', which samples a fixed number of rows; set a budget"
        )
    if compat is not None:
        checked_selection(selection)
    return Fitting(
        max_features=None if max_features is None else int(max_features),
        selection=selection,
        ridge=None if ridge is None else float(ridge),
        tolerance=tolerance,
        settle_top=None if settle_top is None else int(settle_top),
    )


def checked_together(*, surrogate: Any, compat: Any, kernel: Any, fitting: Fitting, time_limit: float | None) -> None:
    """Refuses arguments that another one would leave without effect."""
    own = not (isinstance(surrogate, str) and surrogate == "linear")
    if compat is not None:
        for name, given in (("kernel", kernel is not None), ("surrogate", own), ("ridge", fitting.ridge is not None)):
            if given:
                raise InputError(f"{name} is not for compat='lime', which makes that choice; leave one of them out")
    linear = {
        "max_features": fitting.max_features,
        "ridge": fitting.ridge,
        "tolerance": fitting.tolerance,
        "settle_top": fitting.settle_top,
    }
    for name, value in linear.items():
        if own and value is not None:
            raise InputError(f"{name} is for the linear surrogate, got {shown(value)} and surrogate={shown(surrogate)}")
    if time_limit is not None and (own or compat is not None):
        raise InputError("time_limit is for the linear surrogate, which grows in stages; set a budget")


def checked_sampler(sampler: Any) -> Callable[[int, int], Any] | None:
    if sampler is not None and not callable(sampler):
        raise InputError(f"sampler must be a callable (n, seed) that returns n rows, got {shown(sampler)}")
    return sampler  # type: ignore[no-any-return]


def checked_learner(control_variate: Any) -> Any:
    """Of the trees that `control_variate` asks for: a name of `LEARNERS` or a callable; None where it asks for none."""
    if control_variate is None or (isinstance(control_variate, str) and control_variate == "auto"):
        return None
    if callable(control_variate):
        return control_variate
    from pellucid.estimation.tree_learners import LEARNERS  # few ask for them

    if not isinstance(control_variate, str) or control_variate not in LEARNERS:
        names = ", ".join(map(repr, ("auto", *LEARNERS)))
        raise InputError(f"control_variate must be one of {names}, a callable or None, got {shown(control_variate)}")
    if not LEARNERS[control_variate].installed:
        package = LEARNERS[control_variate].package
        raise InputError(f"control_variate={control_variate!r} needs {package}, which is not installed; use 'auto'")
    return control_variate
