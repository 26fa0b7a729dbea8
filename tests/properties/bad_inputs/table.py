"""The table of bad inputs: what goes wrong, and what must come of it. One line each, run over the methods.

A fault spoils one part of a good call, and `then` says what is expected: a refusal, the bits of a clean call, a
value. A topic is a list of faults; `over(faults)` makes the test of that list over the registry of methods.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from pellucid import Attribution
from properties.laws import X, background_of, bits, interacting
from properties.registry import FAULTY, Method
from rounds import rounds


@dataclass(frozen=True)
class Call:
    """A call of a method, good until a fault spoils a part of it."""

    method: Method
    model: Any = interacting
    rows: Any = field(default_factory=X.copy)
    background: Any = None
    options: dict[str, Any] = field(default_factory=dict)

    def explain(self) -> Attribution:
        return self.method.explain(self.model, self.rows, self.background, **self.options)


Outcome = Callable[[Call], None]


@dataclass(frozen=True)
class Fault:
    """One line of the table.

    name : in the id of the test.
    then : checks what the spoiled call does.
    model, rows, background : what stands in for the good part; of the last two also a function of it.
    options : arguments of the explainer.
    models : makes the model afresh for each test, where it remembers something.
    unless : methods for which this is no fault, or another one.
    """

    name: str
    then: Outcome
    model: Any = interacting
    rows: Any = None
    background: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    models: Callable[[], Any] | None = None
    unless: Callable[[Method], bool] = lambda method: False

    def call(self, method: Method) -> Call:
        model = self.model if self.models is None else self.models()
        rows, background = _spoiled(self.rows, X.copy()), _spoiled(self.background, background_of(method))
        return Call(method, model, rows, background, self.options)

    def __str__(self) -> str:
        return self.name


def _spoiled(change: Any, good: np.ndarray) -> Any:
    if change is None:
        return good
    return change(good) if callable(change) else change


def local(method: Method) -> bool:
    """Whether the method fits a surrogate around a row, and knows nothing of players."""
    return not method.complete


def one_in(share: int, number: int, methods: Sequence[Method]) -> Sequence[Method]:
    """The methods that take the case of that number: in turn, so that every case and every method has its share."""
    return methods[number % min(share, len(methods)) :: share] if methods else methods


def over(faults: list[Fault], methods: Sequence[Method] = FAULTY) -> Any:
    """Parametrises a test by every fault and the methods to which it applies: one in three of many, or all of them."""
    assert len({fault.name for fault in faults}) == len(faults), "two faults have one name"
    share = rounds(3, 1) if len(methods) > 9 else 1
    cases = [
        pytest.param(fault, method, id=f"{fault}-{method}")
        for number, fault in enumerate(faults)
        for method in one_in(share, number, [method for method in methods if not fault.unless(method)])
    ]
    return pytest.mark.parametrize(("fault", "method"), cases)


class Counted:
    """A model that counts its rows."""

    def __init__(self, model: Any) -> None:
        self.model, self.rows = model, 0

    def __call__(self, rows: Any) -> Any:
        self.rows += len(rows)
        return self.model(rows)


def refused(error: type[Exception], sentence: str, *, unasked: bool = True) -> Outcome:
    """`error` with a message that holds the pattern `sentence`; `unasked`: before the model is called at all."""

    def then(call: Call) -> None:
        counted = Counted(call.model) if unasked and callable(call.model) else call.model
        with pytest.raises(error) as caught:
            replace(call, model=counted).explain()
        message = str(caught.value)
        assert type(caught.value) is error
        assert re.search(sentence, message), message
        assert len(message) < 1000
        assert " at 0x" not in message  # where an object lies in memory helps nobody
        if isinstance(counted, Counted):
            assert counted.rows == 0, "rows were paid for a call that cannot be answered"

    return then


def plain(values: Any) -> Any:
    """A copy of a table as a plain float64 array."""
    return np.array(values, dtype=np.float64, order="C")


def same_bits(clean: Callable[[Any], Any] = plain, **other: Any) -> Outcome:
    """What the call finds with clean copies of its rows and its background; `other` parts may differ too."""

    def then(call: Call) -> None:
        expected = replace(call, rows=clean(call.rows), background=clean(call.background), **other).explain()
        found = call.explain()
        assert bits(found) == bits(expected)
        assert np.isfinite(found.values).all()

    return then


def close(tolerance: float, **other: Any) -> Outcome:
    """The values of the clean call, up to a part `tolerance` of the largest."""

    def then(call: Call) -> None:
        expected = replace(call, rows=plain(call.rows), background=plain(call.background), **other).explain()
        scale = np.abs(expected.values).max()
        np.testing.assert_allclose(call.explain().values, expected.values, rtol=0, atol=tolerance * scale)

    return then


def finds(check: Callable[[Call, Attribution], None]) -> Outcome:
    """`check(call, result)` holds."""
    return lambda call: check(call, call.explain())


def warned(sentence: str) -> Outcome:
    """A warning of the report holds the pattern; the numbers are finite."""

    def then(call: Call) -> None:
        result = call.explain()
        assert any(re.search(sentence, warning) for warning in result.report.warnings), result.report.warnings
        assert np.isfinite(result.values).all()

    return then
