"""A model that fails leaves its own exception and a working explainer."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import _core
from properties.bad_inputs.table import one_in
from properties.laws import X, background_of, bits, interacting
from properties.registry import FAULTY
from rounds import rounds

ERRORS = [
    type("Refused", (Exception,), {})("no"),
    type("Stop", (BaseException,), {})("no"),
    ValueError("no"),
    MemoryError("no"),
    np.linalg.LinAlgError("no"),
    StopIteration("no"),
    GeneratorExit("no"),
    KeyboardInterrupt("no"),
    SystemExit("no"),
]


class Flaky:
    """Raises `error` in call number `at`, counted from 0, once."""

    def __init__(self, error: BaseException, at: int) -> None:
        self.error, self.at, self.calls = error, at, 0

    def __call__(self, rows):
        self.calls += 1
        if self.calls == self.at + 1:
            raise self.error
        return interacting(rows)


CASES = [
    pytest.param(error, method, id=f"{type(error).__name__}-{method}")
    for number, error in enumerate(ERRORS)
    for method in one_in(rounds(3, 1), number, FAULTY)
]


@pytest.mark.parametrize(("error", "method"), CASES)
def test_the_same_exception_comes_out_and_the_explainer_works_on(error, method):
    background = background_of(method)
    counting = Flaky(error, at=10**9)
    expected = bits(method.explain(counting, X, background, batch_bytes=2000, seed=3))

    for at in sorted({0, 1, 2, 3, counting.calls // 2, counting.calls - 1}):
        explainer = method.make(Flaky(error, at=at), background, batch_bytes=2000, seed=3)
        with pytest.raises(type(error)) as caught:
            explainer(X)
        assert caught.value is error
        assert error.args == ("no",)
        assert all("raised by the model in batch" in note for note in getattr(error, "__notes__", ()))
        assert bits(explainer(X)) == expected


@pytest.mark.parametrize("method", FAULTY, ids=str)
@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_the_explainer_works_on_after_its_own_preparation_failed(method, error, monkeypatch):
    """As when memory runs out, or an interrupt comes, after the design is drawn and before it is factorised."""
    explainer = method.make(interacting, background_of(method), seed=3)
    expected = bits(method.explain(interacting, X, background_of(method), seed=3))

    def fail(*_, **__):
        raise error

    fail.of_masks = fail.of_numbers = fail  # the constructors of a class
    with monkeypatch.context() as patched:
        for name in dir(_core):
            if "Regression" in name or name in {"antithetic_coalitions", "exact_shapley", "asymmetric_shapley"}:
                patched.setattr(_core, name, fail)
        with pytest.raises(error):
            explainer(X)
    assert bits(explainer(X)) == expected
