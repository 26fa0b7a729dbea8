"""Models that bring threads, processes and pellucid itself, and processes of an unusual kind: same bits, no deadlock.

Each runs in a process of its own under a watchdog, over all methods of the registry.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from properties.laws import X, background_of, interacting
from properties.registry import METHODS

TESTS = Path(__file__).resolve().parents[2]
WATCHDOG_SECONDS = 60

# `found(model)`: the bits of every method, in one order. The plain model is asked first, in the same process.
PRELUDE = """
import os, sys, threading
import numpy as np
from pellucid import Shapley, _core
from properties.laws import X, background_of, bits, interacting
from properties.registry import FAULTY, METHODS

def found(model=interacting, **more):
    options = {"seed": 3, "n_threads": 2, **more}
    return [bits(method.explain(model, X, background_of(method), **options)) for method in FAULTY]

"""


def run(script: str, *, prelude: str = PRELUDE, **environment: str) -> list[str]:
    """The words that a script printed; fails on another exit and on a deadlock."""
    paths = os.pathsep.join([str(TESTS), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", prelude + textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        timeout=WATCHDOG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split()


COMPANIONS = {
    "pellucid": """
        inner = Shapley(lambda rows: rows.sum(axis=1), np.eye(3, 7), n_threads=2)

        def model(rows):
            explanation = inner(rows[:1])
            assert np.abs(explanation.residual).max() < 1e-12
            return interacting(rows)
        """,
    "its own explainer": """
        def model(rows):
            if not busy:
                busy.append(1)
                Shapley(model, np.eye(3, 7), n_threads=2)(rows[:1])
                busy.clear()
            return interacting(rows)
        busy = []
        """,
    "threads": """
        def model(rows):
            outputs = np.empty(len(rows))
            def fill(part):
                outputs[part] = interacting(rows[part])
            halves = [slice(None, len(rows) // 2), slice(len(rows) // 2, None)]
            workers = [threading.Thread(target=fill, args=(half,)) for half in halves]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            return outputs
        """,
    "threads of pellucid": """
        def model(rows):
            probes = [threading.Thread(target=_core.parallel_probe, args=(50, 3, 5)) for _ in range(3)]
            for probe in probes:
                probe.start()
            for probe in probes:
                probe.join()
            return interacting(rows)
        """,
    "a forked child": """
        def model(rows):
            child = os.fork()
            if child == 0:
                try:
                    _core.parallel_probe(200, 3, 5)
                    os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitpid(child, 0)[1] == 0
            return interacting(rows)
        """,
    "products of BLAS": """
        def model(rows):
            np.ones((100, 100)) @ np.ones((100, 100))
            return interacting(rows)
        """,
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("companion", COMPANIONS)
def test_a_model_may_bring(companion):
    model = textwrap.dedent(COMPANIONS[companion])
    # Two sizes of batches: one call for all, and many calls.
    script = "print(found(model) == found(), found(model, batch_bytes=20_000) == found())"

    assert run(f"{model}\n{script}") == ["True", "True"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_after_use_explains_the_same():
    script = """
        before, explainers = found(), [m.make(interacting, background_of(m), seed=3) for m in FAULTY]
        expected = [bits(explainer(X)) for explainer in explainers]
        child = os.fork()
        if child == 0:
            same = found() == before and [bits(explainer(X)) for explainer in explainers] == expected
            os._exit(0 if same else 3)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run(script) == ["0"]


def test_many_threads_share_one_explainer():
    script = """
        explainers = [m.make(interacting, background_of(m), seed=3, n_threads=2) for m in FAULTY]
        results = [[] for _ in range(4)]
        def work(own):
            own.extend(bits(explainer(X)) for explainer in explainers)
        workers = [threading.Thread(target=work, args=(own,)) for own in results]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print([own == found() for own in results])
    """
    assert "".join(run(script)) == "[True,True,True,True]"


SMALL = {
    "a stack of 256 KiB": """
        threading.stack_size(256 * 1024)
        result = []
        worker = threading.Thread(target=lambda: result.append(found()))
        worker.start()
        worker.join()
        threading.stack_size(0)
        print(result == [found()])
    """,
    "a recursion limit of 50": """
        expected, limit = found(), sys.getrecursionlimit()
        for lower in (50, 20, 15):
            try:
                sys.setrecursionlimit(lower)
                same = found() == expected
            except RecursionError:
                same = lower < 50
            finally:
                sys.setrecursionlimit(limit)
            assert same
        print(found() == expected)
    """,
    "a locale with a decimal comma": """
        import locale
        expected = found()
        for name in ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"):
            try:
                locale.setlocale(locale.LC_ALL, name)
                assert f"{1.5:n}" == "1,5"
                break
            except locale.Error:
                continue
        else:
            locale.setlocale(locale.LC_ALL, "C.UTF-8")
        print(found() == expected and "1.5" in str(METHODS[0].explain(lambda r: r.sum(axis=1) * 0 + 1.5, X, X)))
    """,
    "subnormal numbers": """
        tiny = np.full((1, 7), 5e-324)
        result = Shapley(lambda rows: rows.sum(axis=1), np.zeros((1, 7)))(tiny)
        print(np.float64(5e-324) * 1.0 != 0.0 and result.predictions[0, 0] == 7 * 5e-324)
    """,
}


@pytest.mark.parametrize("world", SMALL)
def test_a_process_may_have(world):
    assert run(SMALL[world]) == ["True"]


@pytest.mark.parametrize("value", ["0", "-1", "1000000", "many", "", "1.5", "99999999999999999999"])
def test_the_number_of_threads_in_the_environment_changes_no_bit(value):
    script = """
        values = METHODS[2].explain(interacting, X, background_of(METHODS[2]), n_threads=None).values
        print(values.tobytes().hex(), 1 <= _core.thread_count() <= 1024)
    """
    values = METHODS[2].explain(interacting, X, background_of(METHODS[2]), n_threads=1).values

    assert run(script, OMP_NUM_THREADS=value, PELLUCID_NUM_THREADS=value) == [values.tobytes().hex(), "True"]


IN_A_SECOND_INTERPRETER = """
import os
try:
    import numpy as np, pellucid
    ones, zeros = np.ones((1, 3)), np.zeros((1, 3))
    values = pellucid.shapley(lambda rows: rows.sum(axis=1), ones, background=zeros).values
    answer = str(values.ravel().tolist() == [1.0, 1.0, 1.0])
except ImportError as error:
    answer = f"{type(error).__name__} {len(str(error)) > 20}"
os.write(1, answer.encode())
"""


def test_a_second_interpreter_works_or_says_why_not():
    """Of one process; NumPy or pellucid may refuse to be imported there, and nothing may wait for ever."""
    script = f"""
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        interpreters.run_string(interpreters.create(), {IN_A_SECOND_INTERPRETER!r})
    """
    assert run(script, prelude="") in (["True"], ["ImportError", "True"])
