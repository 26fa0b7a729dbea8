"""Several calls of a model at once: order, number, failures and interrupts."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from pellucid.model import Model
from pellucid.space import Space

X = np.arange(12.0).reshape(4, 3)
SPACE = Space.infer(X)


def first_column(rows):
    return rows[:, 0]


def model_of(function, **options):
    return Model(function, space=options.pop("space", SPACE), **options)


def test_one_call_at_a_time_is_on_the_caller_thread():
    threads = set()
    model_of(lambda rows: threads.add(threading.get_ident()) or rows[:, 0], batch_bytes=1)(X)
    assert threads == {threading.get_ident()}


def test_concurrent_answers_keep_their_order_and_their_number():
    lock, running, most = threading.Lock(), 0, 0

    def answer(rows):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.03 if rows[0, 0] % 2 == 0 else 0.005)
        with lock:
            running -= 1
        return rows[:, 0]

    rows = np.arange(36.0).reshape(12, 3)
    model = model_of(answer, batch_bytes=1, concurrency=3)
    np.testing.assert_array_equal(model(rows), rows[:, :1])
    assert 2 <= most <= 3
    assert (model.calls, model.rows_used) == (12, 12)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pellucid")]


def test_the_first_failure_cancels_what_has_not_started():
    error = ValueError("second block")
    started = []

    def answer(rows):
        started.append(rows[0, 0])
        if rows[0, 0] == 3:
            raise error
        time.sleep(0.01)
        return rows[:, 0]

    model = model_of(answer, batch_bytes=1, concurrency=2)
    with pytest.raises(ValueError, match="second block") as caught:
        model(np.arange(300.0).reshape(100, 3))
    assert caught.value is error
    assert len(started) <= 4
    assert model.rows_used == len(started)


def test_no_more_blocks_are_made_than_are_in_flight():
    made = []

    def blocks():
        for i in range(20):
            made.append(i)
            yield np.full((1, 3), float(i))

    def stop(outputs):
        assert outputs.tolist() == [[0.0]]
        raise EOFError

    with pytest.raises(EOFError):
        model_of(first_column, concurrency=3).feed(blocks(), stop)
    assert len(made) == 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pellucid") and not _ends(thread)]


def _ends(thread):
    thread.join(1)
    return not thread.is_alive()


def test_an_interrupt_of_the_caller_does_not_wait_for_the_model():
    release = threading.Event()
    model = model_of(lambda rows: release.wait(5) and rows[:, 0], batch_bytes=1, concurrency=2)

    def blocks():
        yield X[:1].copy()
        raise KeyboardInterrupt

    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        model.feed(blocks(), lambda outputs: None)
    elapsed = time.perf_counter() - start
    release.set()
    assert elapsed < 1
