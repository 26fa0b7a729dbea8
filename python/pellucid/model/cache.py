"""Rows already paid for, on disk: the outputs of a model keyed by the bytes of its input codes."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.space import Space

SCHEMA = 1

_BUSY_SECONDS = 30.0
_KEYS_PER_QUERY = 500  # below the least limit on variables of any SQLite build
_inherited: list[sqlite3.Connection] = []


def row_keys(codes: NDArray[np.float64]) -> list[bytes]:
    """The key of each row: 16 bytes of blake2b over its float64 codes, so that -0.0 and 0.0 differ."""
    width = codes.shape[1] * codes.itemsize
    data = np.ascontiguousarray(codes).tobytes()
    return [blake2b(data[at : at + width], digest_size=16).digest() for at in range(0, len(codes) * width, width)]


class RowCache:
    """A file of evaluated rows, shared by any number of processes.

    The outputs are stored as the model returned them, before the link, and each call is committed before
    the next one starts, so that what was paid for survives whatever the model raises later. The file
    cannot see that a model was fitted again: `Model.probe` compares one stored row with a fresh call.

    Parameters
    ----------
    path : the file, made if it does not exist.
    space : the features; the codes are only comparable under the same names, dtypes and categories.
    model_output, description : what the outputs are, and of which model.

    Raises
    ------
    InputError : the file belongs to another model or another program; the first difference is named.
    """

    _lock: threading.Lock
    _opened: sqlite3.Connection | None
    _pid: int  # of the process that opened the connection

    def __init__(self, path: str | os.PathLike[str], *, space: Space, model_output: str, description: str) -> None:
        self.path = str(Path(path).absolute())
        self._header: dict[str, Any] = {
            "schema": SCHEMA,
            "columns": space.d,
            "model_output": model_output,
            "model": description,
            "features": [[f.name, f.kind, f.dtype, [str(c) for c in f.categories]] for f in space.features],
        }
        self._width: int | None = None
        self._prepare()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float64]]:
        """The stored outputs (k,) of those keys that are in the file."""
        found: dict[bytes, NDArray[np.float64]] = {}
        distinct = list(dict.fromkeys(keys))
        with self._connection() as connection:
            for first in range(0, len(distinct), _KEYS_PER_QUERY):
                part = distinct[first : first + _KEYS_PER_QUERY]
                query = f"SELECT key, outputs FROM rows WHERE key IN ({','.join('?' * len(part))})"
                for key, outputs in connection.execute(query, part):
                    found[key] = self._decoded(outputs)
        return found

    def put(self, keys: Sequence[bytes], outputs: NDArray[np.float64]) -> None:
        """Store one row of outputs (m, k) for each of m keys, in one transaction."""
        width = outputs.shape[1]
        records = [(key, row.tobytes()) for key, row in zip(keys, np.ascontiguousarray(outputs, "<f8"), strict=True)]
        with self._connection() as connection, _transaction(connection):
            self._require(connection, "outputs", width)
            self._width = width
            connection.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?)", records)

    def remember(self, codes: NDArray[np.float64]) -> None:
        """Keep the codes (d,) of one stored row, by which another model is told from this one."""
        text = json.dumps(np.ascontiguousarray(codes, "<f8").tobytes().hex())
        with self._connection() as connection, _transaction(connection):
            connection.execute("INSERT OR IGNORE INTO header VALUES ('witness', ?)", (text,))

    def witness(self) -> NDArray[np.float64] | None:
        """The codes (d,) kept by `remember`; None where there are none, or none that the categories of today know."""
        with self._connection() as connection:
            row = connection.execute("SELECT value FROM header WHERE name = 'witness'").fetchone()
        if row is None:
            return None
        codes = np.frombuffer(bytes.fromhex(json.loads(row[0])), dtype="<f8").astype(np.float64)
        features = self._header["features"]
        known = all(not labels or code < len(labels) for code, (*_, labels) in zip(codes, features, strict=True))
        return codes if known else None

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._opened is not None and self._pid == os.getpid():
                self._opened.close()
            self._opened = None

    def _decoded(self, outputs: bytes) -> NDArray[np.float64]:
        row = np.frombuffer(outputs, dtype="<f8").astype(np.float64) if len(outputs) % 8 == 0 else np.empty(0)
        if row.size == 0 or row.size != (self._width or row.size) or not np.isfinite(row).all():
            raise InputError(f"cache={self.path!r} is damaged: a row of {len(outputs)} bytes; use another file")
        self._width = row.size
        return row

    def _prepare(self) -> None:
        self._lock = threading.Lock()
        self._opened = None
        self._pid = os.getpid()
        with self._connection():
            pass

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._opened is not None and self._pid != os.getpid():
                # A connection must not be used, nor closed, on the other side of a fork.
                _inherited.append(self._opened)
                self._opened = None
            if self._opened is None:
                self._opened, self._pid = self._connected(), os.getpid()
            yield self._opened

    def _connected(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if tables and "header" not in tables:
                raise InputError(f"cache={self.path!r} is a database of another program; use another file")
            _write_ahead(connection)
            with _transaction(connection):
                connection.execute("CREATE TABLE IF NOT EXISTS header (name TEXT PRIMARY KEY, value TEXT)")
                connection.execute("CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, outputs BLOB) WITHOUT ROWID")
                for name, value in self._header.items():
                    self._require(connection, name, value)
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise InputError(
                f"cache={self.path!r} cannot be opened as a SQLite file ({error}); use another file"
            ) from error
        except InputError:
            if connection is not None:
                connection.close()
            raise
        return connection

    def _require(self, connection: sqlite3.Connection, name: str, value: Any) -> None:
        """Write one entry of the header, or compare it with the one in the file."""
        row = connection.execute("SELECT value FROM header WHERE name = ?", (name,)).fetchone()
        if row is not None:
            stored = json.loads(row[0])
            if name == "features":
                stored, value = _aligned_features(stored, value)
            if stored != value:
                raise InputError(
                    f"cache={self.path!r} was made for another model: {name} is {stored!r} there and "
                    f"{value!r} here; use another file"
                )
        connection.execute("INSERT OR REPLACE INTO header VALUES (?, ?)", (name, json.dumps(value)))

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_header": self._header, "_width": self._width}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._prepare()


def _aligned_features(stored: list[Any], given: list[Any]) -> tuple[Any, Any]:
    """The first feature that differs, or twice the list with the longer categories of each.

    Categories are only ever appended to a Space, so that of two lists where one continues the other, the
    codes mean the same.
    """
    merged = []
    for old, new in zip(stored, given, strict=True):
        shared = min(len(old[3]), len(new[3]))
        if old[:3] != new[:3] or old[3][:shared] != new[3][:shared]:
            return old, new
        merged.append(max(old, new, key=lambda feature: len(feature[3])))
    return merged, merged


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Readers beside one writer. The switch itself does not honour the busy timeout, so it is retried."""
    connection.execute("PRAGMA synchronous = NORMAL")
    for attempt in range(50):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if attempt == 49:
                raise
            time.sleep(0.02)
