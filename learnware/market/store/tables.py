"""The tables of a market's database, and the way from earlier versions of them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from learnware.market.store.columns import COLUMNS
from learnware.market.store.seals import seal

#: Version of the tables below; a larger number in a file means that a newer library wrote it.
SCHEMA_VERSION = 3

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
    """CREATE TABLE IF NOT EXISTS specifications (
        number INTEGER PRIMARY KEY REFERENCES revisions (number) ON DELETE CASCADE,
        level TEXT,
        semantic TEXT NOT NULL,
        space_key TEXT,
        space TEXT,
        n_samples INTEGER,
        squared_error REAL,
        points BLOB,
        weights BLOB,
        location BLOB,
        scale BLOB,
        outputs BLOB,
        classes TEXT,
        score REAL,
        seal BLOB NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS changes (
        generation INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS cells (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        answerer TEXT NOT NULL,
        asked TEXT NOT NULL,
        content BLOB NOT NULL,
        seal BLOB NOT NULL,
        UNIQUE (answerer, asked)
    )""",
    "CREATE INDEX IF NOT EXISTS cells_asked ON cells (asked)",
)

_NEW_COLUMNS = ", outputs, classes, score"
_COLUMNS_2 = COLUMNS.removesuffix(_NEW_COLUMNS)
_COLUMNS_1 = _COLUMNS_2.partition(", ")[2]

# Version 2 had no labels at the points.
_FROM_VERSION_2 = (
    *(f"ALTER TABLE specifications ADD COLUMN {column}" for column in ("outputs BLOB", "classes TEXT", "score REAL")),
    f"UPDATE specifications SET seal = resealed(seal, number, {_COLUMNS_2})",
)

# Version 1 had one row a learnware, which an update overwrote and a removal deleted.
_FROM_VERSION_1 = (
    """INSERT INTO learnwares
        SELECT l.position, l.id, c.last, NULL, seal(l.id, c.last, NULL)
        FROM learnwares_1 l JOIN (SELECT id, MAX(generation) AS last FROM changes GROUP BY id) c ON c.id = l.id""",
    """INSERT INTO learnwares
        SELECT MIN(generation), id, 0, :now, seal(id, 0, :now)
        FROM changes WHERE id NOT IN (SELECT id FROM learnwares_1) GROUP BY id""",
    """INSERT INTO revisions
        SELECT n.revision, l.id, l.digest, l.size, l.created, seal(n.revision, l.id, l.digest, l.size, l.created)
        FROM learnwares_1 l JOIN learnwares n ON n.id = l.id""",
    f"""INSERT INTO specifications (number, {COLUMNS}, seal)
        SELECT n.revision, NULL, {_COLUMNS_1}, NULL, NULL, NULL,
            seal(n.revision, NULL, {_COLUMNS_1}, NULL, NULL, NULL)
        FROM specifications_1 s JOIN learnwares n ON n.id = s.id""",
    "DROP TABLE specifications_1",
    "DROP TABLE learnwares_1",
)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables, or turn those of an earlier version into today's, inside the caller's transaction."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == 1:
        connection.execute("DROP INDEX IF EXISTS learnwares_digest")
        for name in ("learnwares", "specifications"):
            connection.execute(f"ALTER TABLE {name} RENAME TO {name}_1")
    for statement in TABLES:
        connection.execute(statement)
    if found == 2:
        connection.create_function("resealed", -1, _resealed, deterministic=True)
        for statement in _FROM_VERSION_2:
            connection.execute(statement)
    if found == 1:
        connection.create_function("seal", -1, seal, deterministic=True)
        for statement in _FROM_VERSION_1:
            connection.execute(statement, {"now": time.time()} if ":now" in statement else {})
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _resealed(own: bytes, *values: bytes | float | str | None) -> bytes:
    """Return the seal of a row with the new columns empty; a row that had changed keeps a seal that does not fit."""
    return seal(*values, None, None, None) if own == seal(*values) else own


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
