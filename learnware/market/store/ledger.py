"""What the database says: which learnwares there are, their revisions and specifications, and what has changed."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from learnware.market.store.base import Changes, Entry, Revision
from learnware.market.store.cells import forget_cells
from learnware.market.store.columns import COLUMNS, from_columns, to_columns
from learnware.market.store.database import Database
from learnware.market.store.failures import damaged
from learnware.market.store.seals import seal
from learnware.specification import Specification

_AT_ONCE = 500  # older builds of SQLite take no more than 999 arguments

_STANDING = """SELECT l.revision, l.removed, l.seal, r.digest, r.size, r.created, r.seal
    FROM learnwares l LEFT JOIN revisions r ON r.number = l.revision WHERE l.id = ?"""
_REVISIONS = "SELECT number, digest, size, created, seal FROM revisions"
_ENTRIES = f"""SELECT l.id, l.revision, l.removed, l.seal, r.digest, r.size, r.created, r.seal, s.seal, {COLUMNS}
    FROM learnwares l JOIN revisions r ON r.number = l.revision JOIN specifications s ON s.number = l.revision
    WHERE l.removed IS NULL AND l.id IN """
_AFTER = """SELECT id FROM learnwares WHERE removed IS NULL
    AND position > COALESCE((SELECT position FROM learnwares WHERE id = ?), 0) ORDER BY position LIMIT ?"""
_THERE = "SELECT id FROM learnwares WHERE removed IS NULL AND id IN (SELECT value FROM json_each(?))"
_BYTES = """SELECT COALESCE(SUM(size), 0) FROM (
    SELECT DISTINCT digest, size FROM revisions WHERE ? IS NULL OR id IN (SELECT value FROM json_each(?)))"""
_CHANGES = """SELECT c.id, l.id IS NOT NULL AND l.removed IS NULL, MAX(c.generation)
    FROM changes c LEFT JOIN learnwares l ON l.id = c.id
    WHERE c.generation > ? GROUP BY c.id ORDER BY MAX(c.generation)"""


class Standing(NamedTuple):
    """How a learnware stands: its current revision, and when it was removed, if it was."""

    revision: int
    digest: str
    removed: float | None


class Ledger:
    """The rows of a market folder.

    Parameters
    ----------
    database : Database
        Holds them.
    folder : Path
        The market, for messages.

    Notes
    -----
    ``learnwares`` has a row for every id that was ever given; a removed one keeps it. ``revisions`` says which bytes
    an id has stood for, ``specifications`` is drawn from them so that opening a market reads no bundle, and
    ``changes`` counts generations: AUTOINCREMENT never gives a number twice. ``cells`` is a cache of what models answer
    at each other's points.

    Every row that decides which bytes or which specification somebody gets carries a hash of its values, and of the id
    it belongs to. An index that leads to the wrong row, or a bit that has changed, is noticed by it.

    Methods that take a connection are for the holder of the write lock.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def standing(self, learnware_id: str) -> Standing | None:
        """Return how a learnware stands, or None if its id was never given."""
        rows = self._database.rows(_STANDING, (learnware_id,))
        if not rows:
            return None
        number, removed, own, digest, *rest = rows[0]
        self._compare(own, learnware_id, (learnware_id, number, removed))
        if removed is None:
            self._revision(learnware_id, number, digest, *rest)
        return Standing(number, digest or "", removed)

    def revisions(self, learnware_id: str) -> list[tuple[int, Revision]]:
        """Return the revisions of a learnware with their numbers, oldest first."""
        rows = self._database.rows(f"{_REVISIONS} WHERE id = ? ORDER BY number", (learnware_id,))
        return [(row[0], self._revision(learnware_id, *row)) for row in rows]

    def entries(self, learnware_ids: Iterable[str]) -> dict[str, Entry]:
        """Return digest and specification of the learnwares that are there."""
        wanted, found = list(learnware_ids), {}
        for start in range(0, len(wanted), _AT_ONCE):
            part = tuple(wanted[start : start + _AT_ONCE])
            for row in self._database.rows(f"{_ENTRIES} ({', '.join('?' * len(part))})", part):
                learnware_id, number, removed, own, *rest, drawn = *row[:8], row[8:]
                self._compare(own, learnware_id, (learnware_id, number, removed))
                revision = self._revision(learnware_id, number, *rest)
                found[learnware_id] = Entry(revision, self._specification(learnware_id, number, *drawn))
        # SQLite has an order of its own, and an index is a function of the order in which it takes learnwares in.
        return {learnware_id: found[learnware_id] for learnware_id in wanted if learnware_id in found}

    def specification(self, learnware_id: str, number: int) -> Specification:
        """Return the specification of one revision."""
        rows = self._database.rows(f"SELECT seal, {COLUMNS} FROM specifications WHERE number = ?", (number,))
        if not rows:
            raise damaged(self._folder, f"the specification of learnware {learnware_id}")
        return self._specification(learnware_id, number, *rows[0])

    def changes(self, since: int) -> Changes:
        """Return what happened after generation `since`."""
        rows = self._database.rows(_CHANGES, (since,))
        stored = tuple(row[0] for row in rows if row[1])
        removed = tuple(row[0] for row in rows if not row[1])
        return Changes(rows[-1][2] if rows else since, stored, removed)

    def ids(self) -> list[str]:
        """Return the ids that are there, oldest first."""
        rows = self._database.rows("SELECT id FROM learnwares WHERE removed IS NULL ORDER BY position")
        return [row[0] for row in rows]

    def ids_after(self, learnware_id: str | None, n_most: int) -> list[str]:
        """Return the next ids that are there after one that was ever given, or from the beginning."""
        rows = self._database.rows(_AFTER, (learnware_id, n_most))
        return [row[0] for row in rows]

    def n_bytes(self, learnware_ids: Iterable[str] | None = None) -> int:
        """Return how many bytes the bundles of all revisions have together, of some learnwares or of all."""
        wanted = None if learnware_ids is None else json.dumps(list(learnware_ids))
        return int(self._database.rows(_BYTES, (wanted, wanted))[0][0])

    def there(self, learnware_ids: Iterable[str]) -> set[str]:
        """Return those of some ids that are there."""
        return {row[0] for row in self._database.rows(_THERE, (json.dumps(list(learnware_ids)),))}

    def __len__(self) -> int:
        return int(self._database.rows("SELECT COUNT(*) FROM learnwares WHERE removed IS NULL")[0][0])

    def names(self, digest: str) -> bool:
        """Tell whether any revision, even of a removed learnware, has these bytes."""
        return bool(self._database.rows("SELECT 1 FROM revisions WHERE digest = ? LIMIT 1", (digest,)))

    def digests(self) -> dict[str, str]:
        """Return every digest that a revision has, with the id of one such learnware."""
        return dict(self._database.rows("SELECT digest, id FROM revisions ORDER BY number"))

    def every_id(self) -> list[str]:
        """Return all ids that were ever given, oldest first."""
        return [row[0] for row in self._database.rows("SELECT id FROM learnwares ORDER BY position")]

    def collectable(self, before: float, limit: int) -> list[str]:
        """Return ids removed before a time whose bundles are still kept."""
        statement = "SELECT id FROM learnwares WHERE removed IS NOT NULL AND revision > 0 AND removed <= ? LIMIT ?"
        ids = [row[0] for row in self._database.rows(statement, (before, limit))]
        # An index that leads to the wrong row must not cost anybody a learnware.
        return [i for i in ids if (s := self.standing(i)) is not None and s.removed is not None and s.removed <= before]

    def add(
        self, connection: sqlite3.Connection, learnware_id: str, digest: str, size: int, specification: Specification
    ) -> None:
        """Enter a new learnware."""
        number = _count(connection, learnware_id)
        own = seal(learnware_id, number, None)
        connection.execute("INSERT INTO learnwares VALUES (?, ?, ?, NULL, ?)", (number, learnware_id, number, own))
        _enter_revision(connection, learnware_id, number, digest, size, specification)

    def replace(
        self, connection: sqlite3.Connection, learnware_id: str, digest: str, size: int, specification: Specification
    ) -> None:
        """Enter a new revision of a learnware and make it the current one."""
        number = _count(connection, learnware_id)
        _enter_revision(connection, learnware_id, number, digest, size, specification)
        _enter_standing(connection, learnware_id, number, None)

    def remove(self, connection: sqlite3.Connection, learnware_id: str, number: int) -> None:
        """Enter that a learnware has been removed now."""
        _count(connection, learnware_id)
        _enter_standing(connection, learnware_id, number, time.time())

    def forget(self, connection: sqlite3.Connection, learnware_id: str) -> set[str]:
        """Delete the revisions of a removed learnware and return the digests that nobody names any more."""
        standing, revisions = self.standing(learnware_id), self.revisions(learnware_id)
        if standing is None or standing.removed is None:
            return set()
        for number, _ in revisions:
            connection.execute("DELETE FROM revisions WHERE number = ?", (number,))
        _enter_standing(connection, learnware_id, 0, standing.removed)
        gone = {revision.digest for _, revision in revisions if not self.names(revision.digest)}
        forget_cells(connection, gone)
        return gone

    def describe_anew(
        self, connection: sqlite3.Connection, learnware_id: str, number: int, specification: Specification
    ) -> None:
        """Write the specification of a revision again; caches notice."""
        _count(connection, learnware_id)
        _enter_specification(connection, number, specification)

    def _revision(self, learnware_id: str, number: int, digest: str, size: int, created: float, own: bytes) -> Revision:
        self._compare(own, learnware_id, (number, learnware_id, digest, size, created))
        return Revision(digest, datetime.fromtimestamp(created, timezone.utc), size)

    def _specification(self, learnware_id: str, number: int, own: bytes, *values: Any) -> Specification:
        self._compare(own, learnware_id, (number, *values))
        return from_columns(values)

    def _compare(self, written: bytes | None, learnware_id: str, values: tuple[Any, ...]) -> None:
        if written != seal(*values):
            raise damaged(self._folder, f"a row of learnware {learnware_id}")


def _enter_specification(connection: sqlite3.Connection, number: int, specification: Specification) -> None:
    """Write the specification of a revision, in place of one that is there."""
    values = to_columns(specification)
    marks = ", ".join("?" * (len(values) + 2))
    connection.execute(
        f"INSERT OR REPLACE INTO specifications (number, seal, {COLUMNS}) VALUES ({marks})",
        (number, seal(number, *values), *values),
    )


def _enter_revision(
    connection: sqlite3.Connection, learnware_id: str, number: int, digest: str, size: int, specification: Specification
) -> None:
    created = time.time()
    connection.execute(
        "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?)",
        (number, learnware_id, digest, size, created, seal(number, learnware_id, digest, size, created)),
    )
    _enter_specification(connection, number, specification)


def _enter_standing(connection: sqlite3.Connection, learnware_id: str, number: int, removed: float | None) -> None:
    connection.execute(
        "UPDATE learnwares SET revision = ?, removed = ?, seal = ? WHERE id = ?",
        (number, removed, seal(learnware_id, number, removed), learnware_id),
    )


def _count(connection: sqlite3.Connection, learnware_id: str) -> int:
    cursor = connection.execute("INSERT INTO changes (id) VALUES (?)", (learnware_id,))
    return int(cursor.lastrowid or 0)
