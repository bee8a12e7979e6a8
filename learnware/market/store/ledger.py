"""What the database says of each learnware: how it stands, its revisions and their specifications."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from learnware.market.store.base import Entry, Revision
from learnware.market.store.cells import forget_cells
from learnware.market.store.columns import COLUMNS, SPACE, from_columns, to_columns
from learnware.market.store.database import Database
from learnware.market.store.entering import enter_change, enter_columns, enter_standing
from learnware.market.store.failures import damaged
from learnware.market.store.roll import Roll
from learnware.market.store.seals import seal
from learnware.market.store.spaces import Spaces, forget_spaces
from learnware.specification import Specification

_AT_ONCE = 500  # so many rows are in memory together with what is made of them

# The seal of a specification is over that of its space, and not over the number that leads there.
_VALUES = ", ".join("p.seal" if i == SPACE else f"s.{name}" for i, name in enumerate(COLUMNS.split(", ")))
_DRAWN = f"p.content, s.seal, {_VALUES}"
_SPECIFICATION = "specifications s LEFT JOIN spaces p ON p.number = s.space"
_ONE = f"SELECT {_DRAWN} FROM {_SPECIFICATION} WHERE s.number = ?"

# SQLite is told the order of the joins, since it cannot know how long the list is.
_CURRENT = (
    f"SELECT l.id, l.revision, l.removed, l.seal, r.digest, r.size, r.created, r.seal, {_DRAWN} FROM json_each(?) j"
)
_BY_ID = f"""{_CURRENT} CROSS JOIN learnwares l ON l.id = j.value AND l.removed IS NULL
    CROSS JOIN revisions r ON r.number = l.revision CROSS JOIN {_SPECIFICATION} WHERE s.number = l.revision"""
_BY_NUMBER = f"""{_CURRENT} CROSS JOIN revisions r ON r.number = j.value
    CROSS JOIN learnwares l ON l.id = r.id AND l.revision = r.number AND l.removed IS NULL
    CROSS JOIN {_SPECIFICATION} WHERE s.number = r.number"""

_STANDING = """SELECT l.revision, l.removed, l.seal, r.digest, r.size, r.created, r.seal
    FROM learnwares l LEFT JOIN revisions r ON r.number = l.revision WHERE l.id = ?"""
_REVISIONS = "SELECT number, digest, size, created, seal FROM revisions WHERE id = ? ORDER BY number"
_SPACE_OF = "SELECT space FROM specifications WHERE number = ? AND space IS NOT NULL"
_COLLECTABLE = "SELECT id FROM learnwares WHERE removed IS NOT NULL AND revision > 0 AND removed <= ? LIMIT ?"


class Standing(NamedTuple):
    """How a learnware stands: its current revision, and when it was removed, if it was."""

    revision: int
    digest: str
    removed: float | None


class Ledger(Roll):
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
    an id has stood for, ``specifications`` is drawn from them so that opening a market reads no bundle, with the text
    of each space once in ``spaces``, and ``changes`` counts generations: AUTOINCREMENT never gives a number twice.
    ``cells`` is a cache of what models answer at each other's points, and triggers keep the ``tally`` of what is there.

    Every row that decides which bytes or which specification somebody gets carries a hash of its values, and of the id
    it belongs to. An index that leads to the wrong row, or a bit that has changed, is noticed by it.

    Methods that take a connection are for the holder of the write lock.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database)
        self._folder = folder
        self._spaces = Spaces()

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
        rows = self._database.rows(_REVISIONS, (learnware_id,))
        return [(row[0], self._revision(learnware_id, *row)) for row in rows]

    def entries(self, learnware_ids: Iterable[str]) -> dict[str, Entry]:
        """Return the current revision and its specification of the learnwares that are there."""
        wanted = list(learnware_ids)
        found = dict(self._entries(_BY_ID, wanted))
        return {learnware_id: found[learnware_id] for learnware_id in wanted if learnware_id in found}

    def numbered(self, numbers: Iterable[int]) -> dict[int, tuple[str, Entry]]:
        """Return id and entry of those numbers that are the current revision of a learnware."""
        wanted = [int(number) for number in numbers]
        found = {entry.number: (learnware_id, entry) for learnware_id, entry in self._entries(_BY_NUMBER, wanted)}
        return {number: found[number] for number in wanted if number in found}

    def specification(self, learnware_id: str, number: int) -> Specification:
        """Return the specification of one revision."""
        rows = self._database.rows(_ONE, (number,))
        if not rows:
            raise damaged(self._folder, f"the specification of learnware {learnware_id}")
        return self._specification(learnware_id, number, *rows[0])

    def collectable(self, before: float, limit: int) -> list[str]:
        """Return ids removed before a time whose bundles are still kept."""
        ids = [row[0] for row in self._database.rows(_COLLECTABLE, (before, limit))]
        # An index that leads to the wrong row must not cost anybody a learnware.
        return [i for i in ids if (s := self.standing(i)) is not None and s.removed is not None and s.removed <= before]

    def remove(self, connection: sqlite3.Connection, learnware_id: str, number: int) -> None:
        """Enter that a learnware has been removed now."""
        enter_change(connection, learnware_id)
        enter_standing(connection, learnware_id, number, time.time())

    def forget(self, connection: sqlite3.Connection, learnware_id: str) -> set[str]:
        """Delete the revisions of a removed learnware and return the digests that nobody names any more."""
        standing, revisions = self.standing(learnware_id), self.revisions(learnware_id)
        if standing is None or standing.removed is None:
            return set()
        spaces: set[int] = set()
        for number, _ in revisions:
            spaces.update(row[0] for row in connection.execute(_SPACE_OF, (number,)))
            connection.execute("DELETE FROM revisions WHERE number = ?", (number,))
        forget_spaces(connection, spaces)
        enter_standing(connection, learnware_id, 0, standing.removed)
        gone = {revision.digest for _, revision in revisions if not self.names(revision.digest)}
        forget_cells(connection, gone)
        return gone

    def describe_anew(
        self, connection: sqlite3.Connection, learnware_id: str, number: int, specification: Specification
    ) -> None:
        """Write the specification of a revision again; caches notice."""
        enter_change(connection, learnware_id)
        enter_columns(connection, number, to_columns(specification))

    def _entries(self, statement: str, wanted: list[Any]) -> Iterator[tuple[str, Entry]]:
        for start in range(0, len(wanted), _AT_ONCE):
            for row in self._database.rows(statement, (json.dumps(wanted[start : start + _AT_ONCE]),)):
                learnware_id, number, removed, own, *of_revision = row[:8]
                self._compare(own, learnware_id, (learnware_id, number, removed))
                revision = self._revision(learnware_id, number, *of_revision)
                yield learnware_id, Entry(revision, self._specification(learnware_id, number, *row[8:]), number)

    def _revision(self, learnware_id: str, number: int, digest: str, size: int, created: float, own: bytes) -> Revision:
        self._compare(own, learnware_id, (number, learnware_id, digest, size, created))
        return Revision(digest, datetime.fromtimestamp(created, timezone.utc), size)

    def _specification(
        self, learnware_id: str, number: int, of_space: str | None, own: bytes, *values: Any
    ) -> Specification:
        self._compare(own, learnware_id, (number, *values))
        if of_space is None:
            return from_columns(values, None)
        space = self._spaces.read(values[SPACE], of_space)
        if space is None:
            raise damaged(self._folder, f"the space of learnware {learnware_id}")
        return from_columns(values, space)

    def _compare(self, written: bytes | None, learnware_id: str, values: tuple[Any, ...]) -> None:
        if written != seal(*values):
            raise damaged(self._folder, f"a row of learnware {learnware_id}")
