"""Arguments that are none: refused before a single row is paid, with the name of the argument."""

from __future__ import annotations

import numpy as np
from pellucid import BudgetError, InputError, Space
from pellucid._arguments import shown
from properties.bad_inputs.table import Fault, local, over, refused, same_bits
from properties.registry import FEATURES

NAN = float("nan")


def each(argument, sentence, *values, **more):
    """One fault for each wrong value of an argument."""
    return [
        Fault(
            f"{argument} {shown(value):.30}",
            refused(InputError, f"{argument}.*{sentence}"),
            options={argument: value},
            **more,
        )
        for value in values
    ]


AMOUNTS = [
    *each("seed", r"from 0 to 2\^64 - 1", -1, 2**64, 2**200, 1.0, NAN, True, "1", None),
    *each("seed", r"got RandomState.*int\(rng", np.random.RandomState(0)),
    *each("seed", r"got Generator.*int\(rng", np.random.default_rng(0)),
    *each("budget", "whole number of model rows of at least 1", 0, -1, 1.5, True, 2**63, NAN, "100"),
    *each("tolerance", r"positive number \(a fraction\)", 0, -0.1, NAN, np.inf, True, "0.1"),
    *each("time_limit", r"positive number \(seconds\)", 0, -1, NAN, np.inf, True, "1"),
    *each("n_threads", "whole number from 1 to 1024, or None", 0, -1, 1.5, True, 10**6, "2"),
    *each("batch_bytes", "whole number of at least 1", 0, -1, 1.5, True, NAN, None),
    *each("concurrency", "whole number of at least 1", 0, -1, 1.5, True, NAN, None),
    Fault("a seed of NumPy", same_bits(options={"seed": 3}), options={"seed": np.uint64(3)}),
]

CHOICES = [
    *each("method", "one of 'auto', 'exact', 'permutation', 'regression'", "forest", None, 3, unless=local),
    *each("link", "one of 'identity', 'logit', 'log'", "probit", None, np.log),
    *each("clip", "must be None with link='identity'", 1e-6),
    *(
        Fault(
            f"clip {value!r} of a {link}",
            refused(InputError, "clip must be a number between 0 and 0.5"),
            options={"link": link, "clip": value},
        )
        for link in ("logit", "log")
        for value in (0.0, 0.5, -1e-6, NAN, True, "tiny")
    ),
    *each("model_output", "one of 'probability', 'raw', 'value'", "log_proba", 1),
    *each("progress", "must be None, a bool or a callable", "yes", 1),
    *each("outputs", "", "top:x", "top:0", 1.5, [], True, [None]),
    *each("output_names", "", "ab", ["a", "a"], [1], 3),
    *each(
        "groups",
        "",
        {"pair": ["x0", "x9"]},
        {"pair": []},
        {"pair": ["x0"], "other": ["x0"]},
        ["x0", "x1"],
        unless=local,
    ),
    *each("space", "", "numeric", {"x0": "numeric"}),
    *each("cache", "", 3, [], b"\0"),
    Fault(
        "groups and a space",
        refused(InputError, "groups must be part of the space"),
        options={"groups": {"pair": ["x0", "x1"]}, "space": Space.infer(np.zeros((1, FEATURES)))},
        unless=local,
    ),
]

WEIGHTS = [
    Fault(
        f"background_weights {value}",
        refused(InputError, f"background_weights {sentence}"),
        background=np.eye(2, FEATURES),
        options={"background_weights": value},
    )
    for sentence, values in {
        r"must have shape \(2,\)": ([1.0, 1.0, 1.0], [[1.0], [1.0]], 1.0),
        "must be numbers": (["1", "2"], [1.0, 1j], np.array([1.0, 1j]), [1.0, [2.0]]),
        "must be finite and at least 0, got .* at row 1": ([1.0, -1.0], [1.0, NAN], [1.0, np.inf]),
        "are all 0": ([0.0, 0.0],),
    }.items()
    for value in values
]

MODELS = [
    Fault("no background", refused(InputError, "background is missing"), background=lambda a: None),
    Fault("a model that is a number", refused(InputError, "model must be a callable or a fitted .* got int"), model=3),
    Fault("a model that is None", refused(InputError, "model must be a callable .* got NoneType"), model=None),
    Fault("a model that is a name", refused(InputError, "model must be a callable .* got str"), model="forest"),
    Fault("a model that is an array", refused(InputError, "model must be .* got ndarray"), model=np.ones(7)),
]

# 2^40 coalitions take 8 TB for their values alone; nothing of it is begun.
EXACT = [
    Fault(
        "forty players one by one",
        refused(BudgetError, r"2\^40 = 1\.1e\+12 coalitions .* the limit is .*; use method='regression', or groups="),
        rows=np.zeros((1, 40)),
        background=np.ones((2, 40)),
        options={"method": "exact"},
        unless=lambda method: not method.exact or not method.symmetric,  # an order leaves fewer coalitions
    ),
]


@over([*AMOUNTS, *CHOICES, *WEIGHTS, *MODELS, *EXACT])
def test_arguments(fault, method):
    fault.then(fault.call(method))
