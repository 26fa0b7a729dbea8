"""The door to user code: every bad answer has its sentence, every exception arrives as itself."""

from __future__ import annotations

import pickle
import threading
import time
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pellucid.errors import InputError, ModelOutputError
from pellucid.model import Model
from pellucid.model.buffers import BufferPool
from pellucid.space import Space

X = np.arange(12.0).reshape(4, 3)
SPACE = Space.infer(X)


def first_column(rows):
    return rows[:, 0]


def model_of(function, **options):
    return Model(function, space=options.pop("space", SPACE), **options)


class Tensor:
    """A tensor of the kind that needs its graph and device left before it becomes an array."""

    def __init__(self, values, *, attached=True):
        self.values, self.attached, self.shape = values, attached, values.shape

    def detach(self):
        return Tensor(self.values, attached=False)

    def cpu(self):
        return self

    def numpy(self):
        if self.attached:
            raise RuntimeError("can't call numpy() on a tensor that requires grad")
        return self.values


class LostTensor(Tensor):
    def detach(self):
        raise RuntimeError("device lost")


@pytest.mark.parametrize(
    "answer",
    [
        lambda rows: rows[:, 0],
        lambda rows: rows[:, :1],
        lambda rows: list(rows[:, 0]),
        lambda rows: tuple(rows[:, 0]),
        lambda rows: [[v] for v in rows[:, 0]],
        lambda rows: pd.Series(rows[:, 0], index=range(10, 10 + len(rows))),
        lambda rows: pd.DataFrame({"score": rows[:, 0]}),
        lambda rows: pl.Series(rows[:, 0]),
        lambda rows: pl.DataFrame({"score": rows[:, 0]}),
        lambda rows: Tensor(rows[:, 0]),
        lambda rows: rows[:, 0].astype(object),
        lambda rows: rows[:, 0].astype(np.float16),
        lambda rows: rows[:, 0].astype(np.float32),
        lambda rows: rows[:, 0].astype(np.longdouble),
        lambda rows: rows[:, 0].astype(np.int8),
        lambda rows: np.asfortranarray(rows[:, :1]),
        lambda rows: np.ma.masked_array(rows[:, 0], mask=False),
    ],
)
def test_every_container_of_scores_becomes_one_column(answer):
    outputs = model_of(answer)(X)
    assert outputs.dtype == np.float64
    assert outputs.flags.c_contiguous
    np.testing.assert_array_equal(outputs, X[:, :1])


def test_one_number_is_an_answer_for_one_row_only():
    assert model_of(lambda rows: np.float64(7.0))(X[:1]).tolist() == [[7.0]]
    assert model_of(lambda rows: 7)(X[:1]).tolist() == [[7.0]]
    with pytest.raises(ModelOutputError, match="one number for 4 rows"):
        model_of(lambda rows: 7)(X)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda rows: None, "returned None"),
        (lambda rows: (value for value in rows[:, 0]), "returned a generator"),
        (lambda rows: {"score": rows[:, 0]}, "returned a dict.*order of the outputs"),
        (lambda rows: {1.0, 2.0}, "returned a set"),
        (lambda rows: object(), "returned a object"),
        (lambda rows: "yes", "return scores, not labels"),
        (lambda rows: np.full(len(rows), "cat"), "such as 'cat'; return scores, not labels"),
        (lambda rows: ["cat"] * len(rows), "return scores, not labels"),
        (
            lambda rows: np.array(["cat"] * len(rows), dtype=object),
            "'cat' at row 0; return scores, not labels",
        ),
        (lambda rows: pd.Series(["a", "b", "a", "b"], dtype="category"), "return scores, not labels"),
        (lambda rows: np.array([1.0, 2.0, None, 3.0], dtype=object), "objects, the first None at row 2"),
        (lambda rows: pd.array([1, 2, None, 3], dtype="Int64"), "(at|of) row 2"),
        (lambda rows: [[1.0], [1.0, 2.0], [1.0], [1.0]], "not a rectangular array"),
        (lambda rows: rows[:, 0] + 1j, "complex numbers"),
        (lambda rows: np.full(len(rows), np.datetime64("2020-01-01")), "dtype datetime64"),
        (lambda rows: rows[:-1, 0], "length 3 for 4 rows"),
        (lambda rows: np.zeros(5), "length 5 for 4 rows"),
        (lambda rows: np.zeros((1, 2)), "length 1 for 4 rows"),
        (lambda rows: np.zeros((8, 2)), "length 8 for 4 rows"),
        (lambda rows: [0.0], "list of length 1 for 4 rows"),
        (lambda rows: [rows, rows], "list of length 2 for 4 rows"),
        (lambda rows: np.zeros((4, 2, 2)), r"shape \(4, 2, 2\)"),
        (lambda rows: np.zeros((4, 0)), "without outputs"),
        (lambda rows: np.ma.masked_array(rows[:, 0], mask=rows[:, 0] > 3), "masked"),
        (lambda rows: LostTensor(rows[:, 0]), r"device lost.*detach\(\)\.cpu\(\)\.numpy\(\)"),
        (lambda rows: type("Csr", (), {"toarray": None, "shape": (4, 1)})(), "sparse Csr; return a dense"),
    ],
)
def test_what_is_no_score_per_row_is_refused(answer, sentence):
    model = model_of(answer)
    with pytest.raises(ModelOutputError, match=sentence):
        model(X)
    assert model.rows_used == 4


def test_an_answer_of_the_wrong_size_is_refused_before_it_is_copied():
    class Huge:
        shape = (10**12, 10)

        def __array__(self, dtype=None, copy=None):
            raise MemoryError("copied")

    with pytest.raises(ModelOutputError, match="length 1000000000000 for 4 rows"):
        model_of(lambda rows: Huge())(X)


def test_nan_names_the_first_row_how_many_and_the_input():
    def answer(rows):
        scores = np.stack([rows[:, 0], rows[:, 1]], axis=1)
        scores[scores[:, 0] >= 6, 1] = np.nan
        scores[scores[:, 0] >= 9, 0] = np.inf
        return scores

    with pytest.raises(ModelOutputError) as caught:
        model_of(answer)(X)
    message = str(caught.value)
    assert "2 of 4 rows" in message
    assert "nan in output 1 of row 2" in message
    assert "x0=6, x1=7, x2=8" in message


def test_nan_in_a_later_batch_is_counted_from_the_first_row_asked_for():
    model = model_of(lambda rows: np.where(rows[:, 0] == 6, np.inf, 0.0), batch_bytes=1)
    with pytest.raises(ModelOutputError, match=r"batch 2, row 2.*inf in output 0 of row 2"):
        model(X)


def test_a_width_that_changes_names_both_and_the_call():
    model = model_of(lambda rows: np.zeros((len(rows), 3 if rows[0, 0] < 6 else 2)), batch_bytes=1)
    with pytest.raises(ModelOutputError, match=r"2 outputs in call 3 .*3 outputs in the calls before"):
        model(X)
    assert model.k == 3


def test_an_answer_that_is_a_view_of_the_input_is_copied():
    blocks = [X[:2].copy(), X[2:].copy()]
    outputs = []
    model_of(lambda rows: rows).feed(blocks, outputs.append)
    for block in blocks:
        block[:] = -1
    np.testing.assert_array_equal(np.concatenate(outputs), X)


def test_an_answer_in_a_buffer_of_the_model_is_copied():
    shared = np.empty(1)

    def answer(rows):
        shared[:] = rows[:, 0]
        return shared

    np.testing.assert_array_equal(model_of(answer, batch_bytes=1)(X), X[:, :1])


def test_a_callable_that_writes_into_its_input_changes_nothing_of_ours():
    codes = X.copy()

    def answer(rows):
        scores = rows[:, 0].copy()
        rows[:] = np.nan
        return scores

    np.testing.assert_array_equal(model_of(answer)(codes), X[:, :1])
    np.testing.assert_array_equal(codes, X)


class Stop(BaseException):
    pass


@pytest.mark.parametrize(
    "error_type", [ValueError, MemoryError, Stop, KeyboardInterrupt, SystemExit, StopIteration, GeneratorExit]
)
@pytest.mark.parametrize("concurrency", [1, 2])
def test_whatever_the_callable_raises_arrives_as_the_same_object(error_type, concurrency):
    error = error_type("mine")
    failing = True

    def answer(rows):
        if failing and rows[0, 0] == 6:
            raise error
        return rows[:, 0]

    model = model_of(answer, batch_bytes=2 * 3 * 8, concurrency=concurrency)
    with pytest.raises(error_type) as caught:
        model(X)
    assert caught.value is error
    assert error.args == ("mine",)
    assert any("batch 1, rows 2 to 3" in note for note in getattr(error, "__notes__", ["batch 1, rows 2 to 3"]))
    assert (model.calls, model.rows_used) == (2, 4)

    failing = False
    np.testing.assert_array_equal(model(X), X[:, :1])
    assert (model.calls, model.rows_used) == (4, 8)


@pytest.mark.parametrize("seconds", [0.02])
def test_time_inside_user_code_is_counted_even_when_it_raises(seconds):
    def answer(rows):
        time.sleep(seconds)
        raise ValueError

    model = model_of(answer)
    with pytest.raises(ValueError):
        model(X)
    assert seconds <= model.seconds < 1


def test_codes_of_the_wrong_shape_never_reach_the_callable():
    model = model_of(lambda rows: pytest.fail("called"))
    with pytest.raises(InputError, match=r"shape \(rows, 3\), got \(4, 2\)"):
        model(X[:, :2])


def test_zero_rows_need_no_call_once_the_outputs_are_known():
    model = model_of(lambda rows: np.zeros((len(rows), 2)))
    with pytest.raises(InputError, match="call probe"):
        model(X[:0])
    model.probe(X)
    used = model.rows_used
    assert model(X[:0]).shape == (0, 2)
    assert model.rows_used == used


@pytest.mark.parametrize("batch_bytes", [1, 24, 50, 72, 10**6])
def test_bits_do_not_depend_on_the_batch_size(batch_bytes):
    model = model_of(lambda rows: np.sin(rows).sum(axis=1), batch_bytes=batch_bytes)
    rows = np.random.default_rng(0).normal(size=(7, 3))
    np.testing.assert_array_equal(model(rows), np.sin(rows).sum(axis=1)[:, None])
    step = max(1, batch_bytes // 24)
    assert model.batch_rows == step
    assert model.calls == -(-7 // step)


# --- containers ------------------------------------------------------------------------------------------


def test_a_frame_goes_in_as_a_frame_with_its_dtypes():
    frame = pd.DataFrame({"age": [30, 40], "city": ["Rome", "Oslo"], "member": [True, False]})
    space = Space.infer(frame)
    seen = []

    def answer(rows):
        seen.append(rows)
        return rows["age"] + (rows["city"] == "Oslo")

    outputs = model_of(answer, space=space)(space.encode(frame))
    assert outputs.tolist() == [[30.0], [41.0]]
    pd.testing.assert_frame_equal(seen[0], frame)


def test_polars_goes_in_as_polars():
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    space = Space.infer(frame)
    outputs = model_of(lambda rows: rows.select(pl.col("a") * 2), space=space)(space.encode(frame))
    assert outputs.tolist() == [[2.0], [4.0]]


# --- links -----------------------------------------------------------------------------------------------


def test_links_are_applied_to_every_output():
    probabilities = np.array([[0.25, 0.75], [0.5, 0.5], [1e-9, 1 - 1e-9]])
    space = Space.infer(probabilities)
    logit = Model(lambda rows: rows, space=space, link="logit")
    np.testing.assert_allclose(logit(probabilities), np.log(probabilities / (1 - probabilities)), rtol=1e-12)
    assert logit.output_names == ("output 0", "output 1")
    np.testing.assert_array_equal(
        Model(lambda rows: rows, space=space, link="log")(probabilities), np.log(probabilities)
    )


@pytest.mark.parametrize(
    ("link", "bad", "domain"),
    [("logit", 1.0, "between 0 and 1"), ("logit", 0.0, "between 0 and 1"), ("log", 0.0, "above 0")],
)
def test_a_link_without_a_finite_value_says_what_to_do(link, bad, domain):
    scores = np.array([0.5, bad, 0.5, bad])
    model = model_of(lambda rows: scores, link=link)
    with pytest.raises(InputError, match=rf"{domain}, but 2 of 4 rows .*first {bad} .*link='identity', or clip="):
        model(X)
    assert model.rows_used == 4


def test_an_unknown_link_is_refused():
    with pytest.raises(InputError, match="'identity', 'logit', 'log', got 'probit'"):
        model_of(first_column, link="probit")


# --- the probe -------------------------------------------------------------------------------------------


def test_the_probe_asks_twice_and_is_quiet_about_a_steady_model():
    model = model_of(lambda rows: rows @ np.array([1.0, 0.1, 1e-9]))
    rows = np.random.default_rng(1).normal(size=(40, 3))
    outputs = model.probe(rows)
    assert model.rows_used == 32
    assert model.warnings == []
    np.testing.assert_allclose(outputs, rows[:16] @ np.array([[1.0], [0.1], [1e-9]]), rtol=1e-12)


def test_the_probe_tells_chance():
    rng = np.random.default_rng(2)
    model = model_of(lambda rows: rows[:, 0] + rng.uniform(0.1, 0.2, size=len(rows)))
    model.probe(X)
    assert len(model.warnings) == 1
    assert "not deterministic" in model.warnings[0]
    assert "largest difference 0.0" in model.warnings[0]
    assert model.rows_used == 12


def test_the_probe_tells_dependence_on_the_batch():
    model = model_of(lambda rows: rows[:, 0] - rows[:, 0].mean())
    model.probe(X)
    assert len(model.warnings) == 1
    assert "depend on the other rows of its batch" in model.warnings[0]


def test_the_probe_needs_a_row():
    model = model_of(first_column)
    with pytest.raises(InputError, match="at least one row"):
        model.probe(X[:0])


def test_the_probe_respects_the_batch_size():
    largest = []
    model = model_of(lambda rows: largest.append(len(rows)) or rows[:, 0], batch_bytes=2 * 24)
    model.probe(X)
    assert max(largest) == 2


# --- names and choice ------------------------------------------------------------------------------------


def test_output_names():
    assert _named(1).output_names == ("output",)
    assert _named(2).output_names == ("output 0", "output 1")
    assert _named(2, output_names=["low", "high"]).output_names == ("low", "high")
    with pytest.raises(InputError, match="3 names, but the model returned 2"):
        _named(2, output_names=["a", "b", "c"])
    with pytest.raises(InputError, match="differ from each other"):
        _named(2, output_names=["a", "a"])
    with pytest.raises(InputError, match="sequence of strings"):
        _named(2, output_names="ab")


def _named(k, **options):
    model = model_of(lambda rows: np.zeros((len(rows), k)), **options)
    model(X)
    return model


@pytest.mark.parametrize(
    ("outputs", "columns", "names"),
    [
        (None, [[0, 1, 2], [0, 1, 2]], ("a", "b", "c")),
        (1, [[1], [1]], ("b",)),
        (np.int64(-1), [[2], [2]], ("c",)),
        ("c", [[2], [2]], ("c",)),
        (["c", 0], [[2, 0], [2, 0]], ("c", "a")),
        (np.array([2, 1]), [[2, 1], [2, 1]], ("c", "b")),
        ("predicted", [[1], [0]], ("predicted",)),
        ("top:2", [[1, 2], [0, 1]], ("top 1", "top 2")),
    ],
)
def test_choice_of_outputs(outputs, columns, names):
    model = _named(3, output_names=["a", "b", "c"])
    predictions = np.array([[0.1, 0.6, 0.3], [0.4, 0.4, 0.2]])
    chosen, chosen_names = model.choose(outputs, predictions)
    assert chosen.tolist() == columns
    assert chosen_names == names


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        ("d", "unknown output 'd'; the model has 'a', 'b', 'c'"),
        (3, "index 3 is out of range; the model has 3 outputs"),
        (-4, "index -4 is out of range"),
        ("top:9", "'top:j' with j from 1 to 3"),
        ("top:0", "'top:j' with j from 1 to 3"),
        ("top:x", "'top:j' with j from 1 to 3"),
        ([], "outputs is empty"),
        (["a", 0], "names an output twice"),
        (True, "must be None, an index"),
        (1.5, "must be None, an index"),
    ],
)
def test_a_choice_that_cannot_be_made_says_why(outputs, sentence):
    with pytest.raises(InputError, match=sentence):
        _named(3, output_names=["a", "b", "c"]).choose(outputs, np.zeros((2, 3)))


def test_ties_go_to_the_smaller_index():
    chosen, _ = _named(40).choose("top:3", np.repeat([[0.0, 1.0]], 20, axis=0).reshape(1, 40))
    assert chosen.tolist() == [[1, 3, 5]]


def test_choice_checks_the_predictions():
    with pytest.raises(InputError, match=r"predictions must have shape \(rows, 3\), got \(2, 2\)"):
        _named(3).choose(None, np.zeros((2, 2)))


# --- concurrency -----------------------------------------------------------------------------------------


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


def test_a_callable_may_use_the_model_it_belongs_to():
    inner = model_of(first_column)
    outer = model_of(lambda rows: inner(np.asarray(rows))[:, 0] * 2)
    np.testing.assert_array_equal(outer(X), X[:, :1] * 2)


@pytest.mark.parametrize("argument", ["batch_bytes", "concurrency"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
def test_counts_are_whole_and_positive(argument, value):
    with pytest.raises(InputError, match=f"{argument} must be a whole number of at least 1"):
        model_of(first_column, **{argument: value})


# --- buffers ---------------------------------------------------------------------------------------------


def test_a_buffer_is_reused_when_nobody_refers_to_it():
    pool = BufferPool(3)
    for rows in (5, 3, 5, 1):
        assert pool.take(rows).shape == (rows, 3)
    assert pool.allocated == 1


@pytest.mark.parametrize(
    "hold",
    [
        lambda a: a,
        lambda a: a[1:2],
        lambda a: a.T,
        lambda a: a.reshape(-1)[3:],
        lambda a: memoryview(a),
        lambda a: pd.DataFrame(a, copy=False),
    ],
)
def test_a_buffer_stays_with_whoever_keeps_any_view_of_it(hold):
    pool = BufferPool(3)
    buffer = pool.take(4)
    buffer[:] = 1.0
    held = hold(buffer)
    del buffer
    pool.take(4)[:] = 2.0
    assert (np.asarray(held) == 1.0).all()
    assert pool.allocated == 2
    del held
    pool.take(4)
    assert pool.allocated == 2


def test_a_larger_request_gets_a_larger_buffer():
    pool = BufferPool(1)
    pool.take(2)
    large = pool.take(9)
    large[:] = 0.0
    assert large.shape == (9, 1)
    assert pool.allocated == 2


# --- life ------------------------------------------------------------------------------------------------


def test_a_model_pickles_with_its_counters():
    model = model_of(first_column, link="identity", output_names=["score"])
    model(X)
    copy = pickle.loads(pickle.dumps(model))
    assert (copy.rows_used, copy.output_names, copy.description) == (4, ("score",), model.description)
    np.testing.assert_array_equal(copy(X), model(X))


def test_a_model_of_a_lambda_says_that_it_does_not_pickle():
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model_of(lambda rows: rows[:, 0]))


def test_the_representation_says_what_the_outputs_are():
    model = model_of(first_column)
    assert repr(model) == "Model(callable first_column, model_output='value', link='identity')"
    model(X)
    assert "outputs=['output']" in repr(model)


def test_no_warning_escapes_from_a_quiet_model():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model_of(first_column).probe(X)
