"""The tables of a market's database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from learnware.market.store.migration import carry_over, set_aside

#: Version of the tables below; a larger number in a file means that a newer library wrote it.
SCHEMA_VERSION = 4

# A learnware's current revision is 0 once its bundles have been collected. Numbers of revisions are generations.
TABLES = (
    """CREATE TABLE IF NOT EXISTS learnwares (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        revision INTEGER NOT NULL,
        removed REAL,
        seal BLOB NOT NULL
    )""",
    """CREATE INDEX IF NOT EXISTS learnwares_removed ON learnwares (removed)
        WHERE removed IS NOT NULL AND revision > 0""",
    """CREATE TABLE IF NOT EXISTS revisions (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL REFERENCES learnwares (id),
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        created REAL NOT NULL,
        seal BLOB NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS revisions_id ON revisions (id)",
    "CREATE INDEX IF NOT EXISTS revisions_digest ON revisions (digest)",
    # Not with the specifications that have one: the names of columns are long, and the same for many.
    """CREATE TABLE IF NOT EXISTS spaces (
        number INTEGER PRIMARY KEY,
        seal BLOB NOT NULL UNIQUE,
        content TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS specifications (
        number INTEGER PRIMARY KEY REFERENCES revisions (number) ON DELETE CASCADE,
        level TEXT,
        semantic TEXT NOT NULL,
        space INTEGER REFERENCES spaces (number),
        n_samples INTEGER,
        squared_error REAL,
        n_points INTEGER,
        dtype TEXT,
        arrays BLOB,
        classes TEXT,
        score REAL,
        seal BLOB NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS specifications_space ON specifications (space) WHERE space IS NOT NULL",
    """CREATE TABLE IF NOT EXISTS changes (
        generation INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS cells (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        answerer BLOB NOT NULL,
        asked BLOB NOT NULL,
        content BLOB NOT NULL,
        seal BLOB NOT NULL,
        UNIQUE (answerer, asked)
    )""",
    "CREATE INDEX IF NOT EXISTS cells_asked ON cells (asked)",
    # How many learnwares are there, so that nobody has to count a million rows.
    "CREATE TABLE IF NOT EXISTS tally (n_there INTEGER NOT NULL)",
    """CREATE TRIGGER IF NOT EXISTS learnware_came AFTER INSERT ON learnwares WHEN NEW.removed IS NULL
        BEGIN UPDATE tally SET n_there = n_there + 1; END""",
    """CREATE TRIGGER IF NOT EXISTS learnware_went AFTER UPDATE OF removed ON learnwares
        WHEN (OLD.removed IS NULL) <> (NEW.removed IS NULL)
        BEGIN UPDATE tally SET n_there = n_there + (NEW.removed IS NULL) - (OLD.removed IS NULL); END""",
)

#: What the tally has counted on the way, counted anew.
COUNT = "SELECT COUNT(*) FROM learnwares WHERE removed IS NULL"


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables, or turn those of an earlier version into today's, inside the caller's transaction."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    set_aside(connection, found)
    for statement in TABLES:
        connection.execute(statement)
    carry_over(connection, found)
    count_anew(connection)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def count_anew(connection: sqlite3.Connection) -> None:
    """Write into the tally what the rows say; the caller holds the write lock."""
    connection.execute("DELETE FROM tally")
    connection.execute(f"INSERT INTO tally {COUNT}")


@dataclass(frozen=True)
class Schema:
    """The tables of a database file.

    Parameters
    ----------
    version : int
        As ``PRAGMA user_version`` names it; a larger number in a file means that a newer library wrote it.
    bring_up_to_date : callable
        Makes the tables, or turns those of an earlier version into these, in the transaction of a connection.
    """

    version: int
    bring_up_to_date: Callable[[sqlite3.Connection], None]


#: The tables of a market folder.
SCHEMA = Schema(SCHEMA_VERSION, bring_up_to_date)
