"""Rows paid for once: what is stored, for whom, and what survives."""

from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from pellucid.errors import InputError
from pellucid.model import Model
from pellucid.model.cache import RowCache, row_keys
from pellucid.space import Space

X = np.arange(15.0).reshape(5, 3)
SPACE = Space.infer(X)


class Counting:
    """A model that notes every row it was paid for."""

    def __init__(self, factor=1.0):
        self.factor = factor
        self.rows = []

    def __call__(self, rows):
        self.rows.extend(map(tuple, rows))
        return np.stack([rows[:, 0] * self.factor, rows.sum(axis=1)], axis=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows.sqlite"


def cached(path, function, **options):
    return Model(function, space=options.pop("space", SPACE), cache=path, **options)


def test_only_missing_rows_go_to_the_model(path):
    first = Counting()
    model = cached(path, first)
    expected = model(X[:3])
    assert (model.rows_used, model.rows_cached) == (3, 0)

    second = Counting()
    again = cached(path, second)
    outputs = again(X)
    np.testing.assert_array_equal(outputs[:3], expected)
    np.testing.assert_array_equal(outputs[:, 1], X.sum(axis=1))
    assert second.rows == [tuple(X[3]), tuple(X[4])]
    assert (again.rows_used, again.rows_cached) == (2, 3)


def test_a_row_asked_twice_in_one_batch_is_paid_once(path):
    counting = Counting()
    model = cached(path, counting)
    rows = X[[0, 1, 0, 0, 1]]
    np.testing.assert_array_equal(model(rows)[:, 0], rows[:, 0])
    assert counting.rows == [tuple(X[0]), tuple(X[1])]
    assert (model.rows_used, model.rows_cached) == (2, 3)


def test_with_every_row_stored_the_model_is_not_called(path):
    cached(path, Counting())(X)
    model = cached(path, Counting())
    np.testing.assert_array_equal(model(X)[:, 1], X.sum(axis=1))
    assert (model.calls, model.k) == (0, 2)


def test_the_link_is_not_stored(path):
    cached(path, Counting())(X[1:])
    model = cached(path, Counting(), link="log")
    np.testing.assert_array_equal(model(X[1:])[:, 1], np.log(X[1:].sum(axis=1)))
    assert model.rows_used == 0


def test_what_was_paid_before_an_exception_stays(path):
    counting = Counting()

    def failing(rows):
        if rows[0, 0] == 6:
            raise RuntimeError("no more credit")
        return counting(rows)

    with pytest.raises(RuntimeError, match="no more credit"):
        cached(path, failing, batch_bytes=1)(X)
    assert len(counting.rows) == 2

    rest = Counting()
    model = Model(rest, space=SPACE, cache=_as_other_model(path, rest))
    model(X)
    assert rest.rows == [tuple(row) for row in X[2:]]


def _as_other_model(path, model):
    """Let the file belong to `model`, whose description differs from that of the first one."""
    with closing(sqlite3.connect(path)) as connection, connection:
        description = f'"callable {type(model).__name__}"'
        connection.execute("UPDATE header SET value = ? WHERE name = 'model'", (description,))
    return path


def test_rows_refused_by_the_link_were_paid_and_stay(path):
    with pytest.raises(InputError, match="link='logit'"):
        cached(path, Counting(), link="logit")(X)
    model = cached(path, Counting())
    model(X)
    assert model.rows_used == 0


@pytest.mark.parametrize(
    ("space", "options", "difference"),
    [
        (Space.infer(X[:, :2]), {}, "columns is 3 there and 2 here"),
        (Space.infer(X, names=["a", "b", "c"]), {}, "features is .*x0.* there and .*'a'"),
        (Space.infer(X, integer=["x0"]), {}, "features is .*numeric.* there and .*integer"),
        (SPACE, {"model_output": "raw"}, "model_output is 'value' there and 'raw' here"),
    ],
)
def test_the_file_of_another_model_is_refused(path, space, options, difference):
    cached(path, Counting())(X)
    with pytest.raises(InputError, match=rf"{difference}.*use another file"):
        cached(path, Counting(), space=space, **options)


def test_the_file_of_another_class_of_model_is_refused(path):
    cached(path, Counting())(X)
    with pytest.raises(InputError, match=r"model is 'callable Counting' there and .*lambda.*use another file"):
        cached(path, lambda rows: rows)


def test_another_number_of_outputs_is_refused(path):
    cached(path, Counting())(X[:2])

    class Wide(Counting):
        def __call__(self, rows):
            return np.zeros((len(rows), 3))

    Wide.__name__ = "Counting"
    with pytest.raises(InputError, match="outputs is 2 there and 3 here"):
        cached(path, Wide())(X[2:])


def test_appended_categories_keep_their_codes_and_the_file(path):
    frame = pd.DataFrame({"city": ["Oslo", "Rome"]})
    small = Space.infer(frame)
    large = small.extend(pd.DataFrame({"city": ["Bern"]}))
    other = Space.infer(pd.DataFrame({"city": ["Bern", "Rome"]}))

    def score(rows):
        return (rows["city"] == "Rome").astype(float)

    cached(path, score, space=small)(small.encode(frame))
    for space in (large, small):
        model = cached(path, score, space=space)
        assert model(space.encode(frame)).tolist() == [[0.0], [1.0]]
        assert model.rows_used == 0
    for space in (other, small.extend(pd.DataFrame({"city": ["Lima"]}))):
        with pytest.raises(InputError, match=r"features is .*use another file"):
            cached(path, score, space=space)


def test_a_model_that_changed_is_found_by_the_probe(path):
    cached(path, Counting())(X)
    with pytest.raises(InputError, match="model has changed since; use another file"):
        cached(path, Counting(factor=2.0)).probe(X[1:])


def test_the_probe_pays_for_one_witness_of_the_stored_rows(path):
    model = cached(path, Counting())
    model.probe(X[:3])
    assert (model.rows_used, model.rows_cached) == (6, 0)

    again = cached(path, Counting())
    outputs = again.probe(X)
    np.testing.assert_array_equal(outputs[:, 1], X.sum(axis=1))
    assert (again.rows_used, again.rows_cached) == (6, 2)  # the witness and two new rows, twice
    assert again.warnings == []
    assert again(X).shape == (5, 2)
    assert again.rows_used == 6


def test_another_model_is_noticed_although_the_probes_share_no_row(path):
    rows = np.random.default_rng(0).normal(size=(40, 3))
    space = Space.infer(rows)
    first = Model(lambda X: X @ np.ones(3), space=space, cache=path)
    first.probe(rows[:20])
    first(rows)

    second = Model(lambda X: -X @ np.ones(3), space=space, cache=path)
    with pytest.raises(InputError, match="the model has changed"):
        second.probe(rows[20:] + 1.0)

    same = Model(lambda X: X @ np.ones(3), space=space, cache=path)
    same.probe(rows[20:] + 1.0)
    assert same.warnings == []


def test_zeros_of_both_signs_and_missing_values_are_rows_of_their_own():
    rows = np.array([[0.0], [-0.0], [np.nan], [1.0], [1.0]])
    assert len(set(row_keys(rows))) == 4


def test_more_rows_than_variables_of_one_query(path):
    rows = np.random.default_rng(0).normal(size=(1203, 3))
    cached(path, Counting())(rows)
    model = cached(path, Counting())
    np.testing.assert_array_equal(model(rows)[:, 0], rows[:, 0])
    assert model.rows_used == 0


def test_a_file_that_is_no_database_is_refused_and_left_alone(path):
    path.write_text("my notes, which are no database " * 20)
    before = path.read_bytes()
    with pytest.raises(InputError, match="cannot be opened as a SQLite file"):
        cached(path, Counting())
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_refused_and_left_alone(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(InputError, match="database of another program"):
        cached(path, Counting())
    assert path.read_bytes() == before


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(InputError, match="missing"):
        cached(tmp_path / "missing" / "rows.sqlite", Counting())


@pytest.mark.parametrize("outputs", [b"", b"1234567", np.array([1.0]).tobytes(), np.array([np.nan, 1.0]).tobytes()])
def test_a_damaged_row_is_refused(path, outputs):
    model = cached(path, Counting())
    model(X)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE rows SET outputs = ?", (outputs,))
    with pytest.raises(InputError, match="damaged"):
        model(X)


def test_concurrent_blocks_share_the_file(path):
    rows = np.random.default_rng(0).normal(size=(60, 3))
    model = cached(path, Counting(), batch_bytes=24 * 4, concurrency=4)
    np.testing.assert_array_equal(model(rows)[:, 0], rows[:, 0])
    assert model.rows_used == 60
    np.testing.assert_array_equal(model(rows)[:, 0], rows[:, 0])
    assert (model.rows_used, model.rows_cached) == (60, 60)


def test_two_caches_of_one_file_write_at_the_same_time(path):
    rows = np.random.default_rng(0).normal(size=(40, 3))
    caches = [_cache(path) for _ in range(4)]
    errors = []

    def write(cache, part):
        try:
            for row in part:
                cache.put(row_keys(row[None]), row[None])
        except Exception as error:  # the thread must hand it over
            errors.append(error)

    threads = [threading.Thread(target=write, args=(cache, rows[i::4])) for i, cache in enumerate(caches)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(caches[0].get(row_keys(rows))) == 40


def _cache(path):
    return RowCache(path, space=SPACE, model_output="value", description="test")


_OTHER_PROCESS = """
import sys, numpy as np
from pellucid.model.cache import RowCache, row_keys
from pellucid.space import Space
rows = np.arange(600.0).reshape(200, 3) + float(sys.argv[2])
cache = RowCache(sys.argv[1], space=Space.infer(rows), model_output="value", description="test")
for row in rows:
    cache.put(row_keys(row[None]), row[None])
"""


def test_two_processes_share_the_file(path):
    processes = [
        subprocess.Popen([sys.executable, "-c", _OTHER_PROCESS, str(path), offset], stderr=subprocess.PIPE)
        for offset in ("0", "0.5")
    ]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
    rows = np.arange(600.0).reshape(200, 3)
    both = np.concatenate([rows, rows + 0.5])
    assert len(_cache(path).get(row_keys(both))) == 400


def test_a_cached_model_pickles_and_opens_the_file_again(path):
    model = cached(path, Counting())
    model(X)
    copy = pickle.loads(pickle.dumps(model))
    copy(X)
    assert copy.rows_used == model.rows_used == 5
    assert copy.rows_cached == 5


def test_a_closed_cache_opens_itself_again(path):
    cache = _cache(path)
    cache.put(row_keys(X), X)
    cache.close()
    assert len(cache.get(row_keys(X))) == 5
