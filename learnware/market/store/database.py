"""The SQLite file of a market folder: one connection, short transactions, our errors."""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from learnware.errors import MarketError, NewerFormat
from learnware.market.store.failures import PATIENCE_SECONDS, disk_full, is_full, not_writable, of_database
from learnware.market.store.tables import SCHEMA, Schema
from learnware.market.store.turns import Turns


class Database:
    """The rows of a market folder.

    Parameters
    ----------
    path : Path
        The SQLite file; made when `writable` and absent.
    writable : bool
        Without it nothing is written, and a folder without write permission can be read.
    upgrade : bool, default=True
        Make tables that are absent or of an earlier version; otherwise they are refused.
    schema : Schema, default=SCHEMA
        What the tables are.

    Notes
    -----
    `Ledger` knows what the rows mean.

    A connection must not live on in a forked process: SQLite would believe it holds locks that only the parent has.
    So every connection is closed just before a fork, and both sides open their own when they need one.
    """

    def __init__(self, path: Path, *, writable: bool, upgrade: bool = True, schema: Schema = SCHEMA) -> None:
        self._path = path
        self._schema = schema
        self._writable = writable
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._lock = RLock()
        self._turns = Turns(path.parent)
        _watch_forks(self)
        try:
            self._prepare(upgrade and writable)
        except BaseException:
            self.close()
            raise

    def rows(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of one query, as of one moment."""
        with self._connected() as connection:
            return connection.execute(statement, arguments).fetchall()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one moment in all queries of this thread, which writes nothing meanwhile; other threads wait."""
        with self._connected() as connection:
            connection.execute("BEGIN")
            self._reader = connection
            try:
                yield
            finally:
                self._reader = None
                if connection.in_transaction:
                    connection.execute("COMMIT")

    @contextmanager
    def writing(self, patience: float = PATIENCE_SECONDS) -> Iterator[sqlite3.Connection]:
        """Wait for a turn and hold the write lock; commit at the end, or undo everything when the body raises."""
        if not self._writable:
            raise not_writable(self._path.parent)
        # The turn first: whoever waits for it must not keep others from reading.
        with self._turns.taken(patience), self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def copy_to(self, target: Path) -> None:
        """Write the rows as of one moment into another file, while others may go on writing."""
        with self._connected() as connection, closing(sqlite3.connect(target)) as copy:
            try:
                connection.backup(copy)
            except sqlite3.Error as error:
                if is_full(target.parent, error):
                    raise disk_full(target.parent) from error
                raise

    def close(self) -> None:
        """Close the connection for good."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def __del__(self) -> None:
        # For a market that nobody closed; SQLite then tidies its log as it does on closing.
        self._disconnect()

    def _prepare(self, upgrade: bool) -> None:
        version = self.rows("PRAGMA user_version")[0][0]
        if version > self._schema.version:
            raise NewerFormat(
                f"The market at {self._path.parent} has tables of version {version}; this version of learnware reads "
                f"up to {self._schema.version}. Upgrade learnware to open it."
            )
        if version == self._schema.version:
            return
        if not upgrade:
            raise MarketError(
                f"The market at {self._path.parent} was written by an earlier version of learnware. Open it once "
                "with write permission, which brings it up to date, or copy the folder and open the copy."
            )
        with self.writing() as connection:
            self._schema.bring_up_to_date(connection)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._closed:
                raise MarketError(f"The market at {self._path.parent} has been closed. Open it again to use it.")
            try:
                if self._reader is not None:
                    # That of this thread: any other waits for the lock.
                    yield self._reader
                elif self._writable:
                    self._connection = self._connection or self._connect()
                    yield self._connection
                else:
                    yield from self._unwritable()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                # A damaged file can make SQLite complain in letters that are none.
                raise self._told(error) from error

    def _told(self, error: sqlite3.Error | UnicodeDecodeError) -> Exception:
        """Return our error for one of SQLite."""
        return of_database(self._path.parent, error)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _use_log(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA cell_size_check = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def _unwritable(self) -> Iterator[sqlite3.Connection]:
        # A connection for these queries only: an immutable one would not notice what others write.
        address = f"{self._path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)
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

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _use_log(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite itself does not wait when another process is just doing the same."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > patience:
                raise
            time.sleep(0.01)


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
    # Whoever writes to an index reads from the store meanwhile, so the store's lock comes last for everybody.
    for database in sorted(_watched, key=lambda one: one._schema is SCHEMA):
        database._lock.acquire()
        _held.append(database)
        database._disconnect()


def _resume() -> None:
    while _held:
        _held.pop()._lock.release()
