"""The one parallel loop: every chunk once, one answer for any number of threads, signals, forks."""

import os
import select
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError


@pytest.fixture(autouse=True)
def _default_threads():
    yield
    _core.set_thread_count(0)


def run_python(script, **environment):
    path = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(("n", "chunk"), [(0, 3), (1, 1), (1, 10), (10, 3), (12, 3), (257, 16), (100, 1000)])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_every_chunk_exactly_once(n, chunk, threads):
    _core.set_thread_count(threads)
    rows = [_core.random_numbers("uniform", 0, 0, row, 3).sum() for row in range(n)]
    assert _core.parallel_probe(n, chunk, 3) == pytest.approx(sum(rows), rel=1e-13)


def test_same_bits_for_any_number_of_threads():
    sums = set()
    for threads in (1, 2, 3, 4, 16):
        _core.set_thread_count(threads)
        sums.update(_core.parallel_probe(2000, 7, 20).hex() for _ in range(5))
    assert len(sums) == 1


def test_thread_count_bounds():
    _core.set_thread_count(1024)
    assert _core.thread_count() == 1024
    for wrong in (-1, 1025, 2**31 - 1):
        with pytest.raises(InputError, match="n_threads must be between 1 and 1024"):
            _core.set_thread_count(wrong)
    assert _core.thread_count() == 1024
    _core.set_thread_count(0)
    assert 1 <= _core.thread_count() <= 1024


def test_thread_count_belongs_to_the_calling_thread():
    _core.set_thread_count(3)
    seen = []
    other = threading.Thread(target=lambda: (_core.set_thread_count(5), seen.append(_core.thread_count())))
    other.start()
    other.join()
    assert seen == [5]
    assert _core.thread_count() == 3


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PELLUCID_NUM_THREADS": "3"}, "3"),
        ({"PELLUCID_NUM_THREADS": "99999999999999999999"}, "1024"),
        ({"PELLUCID_NUM_THREADS": "many", "OMP_NUM_THREADS": "2"}, "2"),
        ({"PELLUCID_NUM_THREADS": "-4", "OMP_NUM_THREADS": "1000000"}, "1024"),
    ],
)
def test_threads_of_the_environment(environment, expected):
    script = "from pellucid import _core; print(_core.thread_count(), _core.parallel_probe(9, 2, 2).hex())"
    threads, total = run_python(script, **environment)
    assert threads == expected
    assert total == _core.parallel_probe(9, 2, 2).hex()


@pytest.mark.parametrize(("n", "chunk"), [(-1, 1), (5, 0), (5, -1)])
def test_impossible_loops_are_refused(n, chunk):
    with pytest.raises(InputError, match="chunk positive"):
        _core.parallel_probe(n, chunk, 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_child_works_serially():
    _core.set_thread_count(4)
    expected = _core.parallel_probe(500, 7, 20).hex()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, f"{_core.thread_count()} {_core.parallel_probe(500, 7, 20).hex()}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], 20.0)
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert ready, "the forked child hangs"
    assert os.read(reading, 100).decode().split() == ["1", expected]
    os.close(reading)


@pytest.mark.large
@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_is_answered_within_200_ms(threads):
    script = f"""
        import os, signal, threading, time
        from pellucid import _core

        _core.set_thread_count({threads})
        sent = [0.0]

        def send():
            sent[0] = time.perf_counter()
            os.kill(os.getpid(), signal.SIGINT)

        for _ in range(5):
            timer = threading.Timer(0.1, send)
            timer.start()
            try:
                _core.parallel_probe(10**6, 1, 10**5)
                print("finished")
            except KeyboardInterrupt:
                print(time.perf_counter() - sent[0])
            timer.join()
        print(_core.parallel_probe(300, 7, 3).hex())
    """
    *seconds, after = run_python(script)
    assert "finished" not in seconds
    # The median of five, because the machine may be busy.
    assert sorted(map(float, seconds))[2] < 0.2
    assert after == _core.parallel_probe(300, 7, 3).hex()


@pytest.mark.large
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_an_exception_of_a_signal_handler_surfaces_as_itself():
    script = """
        import signal
        from pellucid import _core

        class Alarm(Exception):
            pass

        alarm = Alarm("mine")

        def ring(number, frame):
            raise alarm

        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        try:
            _core.parallel_probe(10**6, 1, 10**5)
        except Alarm as caught:
            print(caught is alarm)
    """
    assert run_python(script) == ["True"]


@pytest.mark.large
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_a_handler_that_returns_does_not_disturb():
    script = """
        import signal
        from pellucid import _core

        rung = []
        signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
        quiet = _core.parallel_probe(2000, 1, 10**4)
        signal.setitimer(signal.ITIMER_REAL, 0.03, 0.03)
        disturbed = _core.parallel_probe(2000, 1, 10**4)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        print(disturbed == quiet, len(rung) > 0)
    """
    assert run_python(script) == ["True", "True"]


@pytest.mark.large
@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_an_interrupted_design_can_still_grow():
    script = """
        import os, signal, threading
        import numpy as np
        from pellucid import _core

        _core.set_thread_count(1)
        players, weights = 400, np.ones(50)
        design, untouched = (_core.PairedDesign(1, players, weights) for _ in range(2))
        for each in (design, untouched):
            each.grow(2000)
        before = design.pair_masks(0, design.pairs)
        interrupts = 0
        for delay in (0.03, 0.06, 0.1, 0.15):
            timer = threading.Timer(delay, lambda: os.kill(os.getpid(), signal.SIGINT))
            timer.start()
            try:
                design.grow(400_000)
                timer.join()
                break
            except KeyboardInterrupt:
                interrupts += 1
            if design.pairs > 2000:
                break
            assert np.array_equal(design.pair_masks(0, design.pairs), before)
        for each in (design, untouched):
            each.grow(400_000)
        assert np.array_equal(design.pair_masks(0, 5000), untouched.pair_masks(0, 5000))
        assert design.pairs == untouched.pairs
        print(interrupts > 0)
    """
    assert run_python(script) == ["True"]


def test_works_from_another_thread():
    expected, found = _core.parallel_probe(900, 7, 9), []
    workers = [threading.Thread(target=lambda: found.append(_core.parallel_probe(900, 7, 9))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert np.array_equal(found, [expected] * 4)
