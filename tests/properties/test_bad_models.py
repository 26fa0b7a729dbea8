"""A model that fails leaves its own exception and a working explainer; a model that lies is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pellucid import ModelOutputError
from properties.laws import X, background_of, bits, interacting
from properties.registry import EVERY

over_methods = pytest.mark.parametrize("method", EVERY, ids=str)


class Refused(Exception):
    pass


class Flaky:
    """Raises `error` in call number `at`, counted from 0, once."""

    def __init__(self, error: BaseException, at: int) -> None:
        self.error, self.at, self.calls = error, at, 0

    def __call__(self, rows):
        self.calls += 1
        if self.calls == self.at + 1:
            raise self.error
        return interacting(rows)


@over_methods
@pytest.mark.parametrize(
    "error", [Refused("no"), KeyboardInterrupt(), StopIteration(3), ValueError("x")], ids=lambda e: type(e).__name__
)
def test_the_same_exception_comes_out_and_the_explainer_works_on(method, error):
    background = background_of(method)
    expected = bits(method.explain(interacting, X, background, batch_bytes=2000, seed=3))
    counting = Flaky(error, at=10**9)
    method.explain(counting, X, background, batch_bytes=2000, seed=3)

    for at in sorted({0, 1, 2, 3, counting.calls // 2, counting.calls - 1}):
        model = Flaky(error, at=at)
        explainer = method.make(model, background, batch_bytes=2000, seed=3)
        with pytest.raises(type(error)) as caught:
            explainer(X)
        assert caught.value is error
        assert error.args in {("no",), (), (3,), ("x",)}
        assert bits(explainer(X)) == expected


def spoiled(change, at):
    calls = 0

    def model(rows):
        nonlocal calls
        calls += 1
        outputs = interacting(rows)
        return change(outputs) if calls > at else outputs

    return model


def with_nan(outputs):
    outputs[-1] = np.nan
    return outputs


CHANGES = {
    "NaN": with_nan,
    "infinite": lambda outputs: np.where(np.arange(len(outputs)) == 0, np.inf, outputs),
    "a row short": lambda outputs: outputs[:-1],
    "a row more": lambda outputs: np.append(outputs, 0.0),
    "None": lambda outputs: None,
    "labels": lambda outputs: np.where(outputs > 0, "yes", "no"),
    "another width": lambda outputs: np.column_stack([outputs, outputs]),
    "transposed": lambda outputs: outputs[None, :],
}


@over_methods
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_wrong_answer_is_refused(method, change):
    background = background_of(method)
    if change is CHANGES["transposed"]:
        background = background_of(method) if method.background_rows > 1 else None
        if background is None:
            pytest.skip("one row and its transpose look the same in the first call")

    # After the probe and the background, so that it is the coalitions that go wrong.
    with pytest.raises(ModelOutputError):
        method.explain(spoiled(change, at=4), X, background)


@over_methods
def test_a_wrong_answer_at_once_is_refused(method):
    with pytest.raises(ModelOutputError, match="NaN"):
        method.explain(lambda rows: np.full(len(rows), np.nan), X, background_of(method))
