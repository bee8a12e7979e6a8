"""The SQLite file of a market folder: one connection, short transactions, our errors."""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from learnware.errors import MarketError, MarketNotWritable, NewerFormat

#: Version of the tables below; a larger number in a file means that a newer library wrote it.
SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS learnwares (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS learnwares_digest ON learnwares (digest);
CREATE TABLE IF NOT EXISTS specifications (
    id TEXT PRIMARY KEY REFERENCES learnwares (id) ON DELETE CASCADE,
    semantic TEXT NOT NULL,
    space_key TEXT,
    space TEXT,
    n_samples INTEGER,
    squared_error REAL,
    points BLOB,
    weights BLOB,
    location BLOB,
    scale BLOB
);
CREATE TABLE IF NOT EXISTS changes (
    generation INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL
);
"""

_BUSY_SECONDS = 10.0


class Database:
    """The rows of a market folder.

    Parameters
    ----------
    path : Path
        The SQLite file; made when `writable` and absent.
    writable : bool
        Without it nothing is written, not even the side files that SQLite keeps for readers.

    Notes
    -----
    ``learnwares`` is the truth, together with the blobs. ``specifications`` is drawn from the bundles so that opening
    a market reads none of them. ``changes`` counts generations: AUTOINCREMENT never gives a number twice.

    A connection must not live on in a forked process: SQLite would believe it holds locks that only the parent has.
    So every connection is closed just before a fork, and both sides open their own when they need one.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        self._path = path
        self._writable = writable
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._lock = RLock()
        _watch_forks(self)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def rows(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of one query, as of one moment."""
        with self._connected() as connection:
            return connection.execute(statement, arguments).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, or undo everything when the body raises."""
        if not self._writable:
            raise not_writable(self._path.parent)
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the connection for good."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def __del__(self) -> None:
        # For a market that nobody closed; SQLite then tidies its log as it does on closing.
        self._disconnect()

    def _prepare(self) -> None:
        version = self.rows("PRAGMA user_version")[0][0]
        if version == 0 and self._writable:
            with self._connected() as connection:
                connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
        if version > SCHEMA_VERSION:
            raise NewerFormat(
                f"The market at {self._path.parent} has tables of version {version}; this version of learnware reads "
                f"up to {SCHEMA_VERSION}. Upgrade learnware to open it."
            )

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._closed:
                raise MarketError(f"The market at {self._path.parent} has been closed. Open it again to use it.")
            try:
                if self._writable:
                    self._connection = self._connection or self._connect()
                    yield self._connection
                else:
                    yield from self._reading()
            except sqlite3.Error as error:
                raise self._explain(error) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _use_log(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _reading(self) -> Iterator[sqlite3.Connection]:
        # A connection for one query only: an immutable one would not notice what others write.
        address = f"{self._path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchall()
        except sqlite3.OperationalError:
            connection.close()
            self._refuse_unread_log()
            connection = sqlite3.connect(f"{address}&immutable=1", uri=True, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    def _refuse_unread_log(self) -> None:
        log = self._path.with_name(self._path.name + "-wal")
        if log.exists() and log.stat().st_size > 0:
            raise MarketError(
                f"The market at {self._path.parent} was not closed and cannot be put in order without write "
                "permission. Open it once with that permission, or copy the folder and open the copy."
            )

    def _explain(self, error: sqlite3.Error) -> MarketError:
        folder, text = self._path.parent, str(error)
        if "readonly" in text:
            return not_writable(folder)
        if "locked" in text:
            return MarketError(
                f"The market at {folder} was busy for {_BUSY_SECONDS:.0f} seconds: another process is writing. "
                "Try again."
            )
        return MarketError(f"The database of the market at {folder} cannot be used: {text}.")

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _use_log(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite itself does not wait when another process is just doing the same."""
    patience = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > patience:
                raise
            time.sleep(0.01)


def not_writable(folder: Path) -> MarketNotWritable:
    """Return the error for writing to a folder without permission."""
    return MarketNotWritable(
        f"The market at {folder} cannot be written to. Check the permissions of the folder and its files, or open a "
        "market elsewhere."
    )


_watched: weakref.WeakSet[Database] = weakref.WeakSet()
_held: list[Database] = []
_watching = False


def _watch_forks(database: Database) -> None:
    global _watching
    _watched.add(database)
    if not _watching and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_let_go, after_in_parent=_resume, after_in_child=_resume)
        _watching = True


def _let_go() -> None:
    for database in list(_watched):
        database._lock.acquire()
        _held.append(database)
        database._disconnect()


def _resume() -> None:
    while _held:
        _held.pop()._lock.release()
