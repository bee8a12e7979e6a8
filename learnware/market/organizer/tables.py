"""The tables of an index, and where they live: in a file, or in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Protocol

from learnware.errors import MarketError
from learnware.market.organizer.shelf import Unusable
from learnware.market.organizer.texts import TextIndex
from learnware.market.store.database import Database
from learnware.market.store.tables import Schema

#: Version of the tables and of the columns beside them; an index of another version is made anew.
INDEX_VERSION = 1

_TABLES = (
    "CREATE TABLE IF NOT EXISTS state (generation INTEGER NOT NULL, last TEXT)",
    "INSERT INTO state SELECT 0, NULL WHERE NOT EXISTS (SELECT 1 FROM state)",
    # An island without a space holds the learnwares without points. Its rows are in the file of its epoch.
    """CREATE TABLE IF NOT EXISTS islands (
        number INTEGER PRIMARY KEY,
        space_key TEXT NOT NULL UNIQUE,
        space TEXT,
        location BLOB,
        scale BLOB,
        gammas TEXT,
        framed INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        capacity INTEGER NOT NULL,
        n_rows INTEGER NOT NULL,
        n_present INTEGER NOT NULL,
        changed INTEGER NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS islands_by_change ON islands (changed)",
    "CREATE TABLE IF NOT EXISTS members (id TEXT PRIMARY KEY, number INTEGER NOT NULL, island INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS groups (number INTEGER PRIMARY KEY, tags TEXT NOT NULL UNIQUE)",
)


class Tables(Protocol):
    """What a `Database` offers."""

    def rows(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of one query."""

    def reading(self) -> AbstractContextManager[None]:
        """See one moment in all queries of this thread."""

    def writing(self) -> Any:
        """Hold the write lock; commit at the end, or undo everything when the body raises."""

    def close(self) -> None:
        """Close for good."""


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an index."""
    for statement in _TABLES:
        connection.execute(statement)
    TextIndex.create_tables(connection)
    connection.execute(f"PRAGMA user_version = {INDEX_VERSION}")


INDEX_SCHEMA = Schema(INDEX_VERSION, make_tables)


class TablesOnDisk(Database):
    """The tables of an index in a file. What shows that this is damaged is `Unusable`: it can be made anew.

    Parameters
    ----------
    path : Path
    writable : bool
    """

    def __init__(self, path: Path, writable: bool) -> None:
        super().__init__(path, writable=writable, schema=INDEX_SCHEMA)

    def _told(self, error: sqlite3.Error | UnicodeDecodeError) -> Exception:
        if isinstance(error, sqlite3.OperationalError):
            return super()._told(error)
        return Unusable(f"{self._path}: {error}")


class TablesInMemory:
    """The tables of an index that ends with the process."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._lock = RLock()
        make_tables(self._connection)

    def rows(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(statement, arguments).fetchall()
            except sqlite3.ProgrammingError as error:
                raise MarketError("The market has been closed. Open it again to use it.") from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._lock:
            yield

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def __del__(self) -> None:
        # For an index that nobody closed.
        self._connection.close()
