"""Which learnwares there are: ids, numbers and digests of many at once, without what their rows say of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from learnware.market.store.base import Changes
from learnware.market.store.database import Database
from learnware.market.store.tables import COUNT

# An optimizer that knows nothing of the list is told to begin there.
_CURRENT = """revisions r ON r.number = j.value
    CROSS JOIN learnwares l ON l.id = r.id AND l.revision = r.number AND l.removed IS NULL"""
_IDS_OF = f"SELECT r.number, l.id FROM json_each(?) j CROSS JOIN {_CURRENT}"
_NUMBERS_OF = """SELECT l.id, l.revision FROM json_each(?) j
    CROSS JOIN learnwares l ON l.id = j.value AND l.removed IS NULL"""
_ARRIVALS = """SELECT l.id, l.position FROM json_each(?) j
    CROSS JOIN learnwares l ON l.id = j.value AND l.removed IS NULL"""
_EVERY_NUMBER_OF = "SELECT group_concat(r.number) FROM json_each(?) j CROSS JOIN revisions r ON r.id = j.value"
_HOLDERS = """SELECT j.value, (SELECT l.id FROM revisions r
        CROSS JOIN learnwares l ON l.id = r.id AND l.revision = r.number AND l.removed IS NULL
        WHERE r.digest = j.value ORDER BY r.number LIMIT 1) AS holder
    FROM json_each(?) j WHERE holder IS NOT NULL"""
_AFTER = """SELECT id FROM learnwares WHERE removed IS NULL
    AND position > COALESCE((SELECT position FROM learnwares WHERE id = ?), 0) ORDER BY position LIMIT ?"""
_THERE = "SELECT id FROM learnwares WHERE removed IS NULL AND id IN (SELECT value FROM json_each(?))"
_ALIKE = "SELECT id FROM learnwares WHERE id >= ? AND id < ? AND removed IS NULL LIMIT ?"
_BYTES = """SELECT COALESCE(SUM(size), 0) FROM (
    SELECT DISTINCT digest, size FROM revisions WHERE ? IS NULL OR id IN (SELECT value FROM json_each(?)))"""
_CHANGES = """SELECT c.generation, c.id, l.id IS NOT NULL AND l.removed IS NULL
    FROM changes c LEFT JOIN learnwares l ON l.id = c.id
    WHERE c.generation > ? ORDER BY c.generation LIMIT ?"""

_MOST_REMEMBERED = 4
T = TypeVar("T")

_ALL = -1  # as SQLite takes it for a limit


class Roll:
    """Who is there, as the database of a market folder says.

    Parameters
    ----------
    database : Database
        Holds the rows.

    Notes
    -----
    Nothing here is compared with the seals of rows: whoever goes on from an id or a number to a bundle or a
    specification asks the `Ledger`, which does.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: dict[tuple[str, frozenset[str]], tuple[int, Any]] = {}

    def generation(self) -> int:
        """Return the newest generation."""
        return int(self._database.rows("SELECT COALESCE(MAX(generation), 0) FROM changes")[0][0])

    def changes(self, since: int, n_most: int | None = None) -> Changes:
        """Return what happened after generation `since`, looking at `n_most` changes at most."""
        rows = self._database.rows(_CHANGES, (since, _ALL if n_most is None else n_most))
        # From the end, since an id stands where its last change was.
        there = {row[1]: row[2] for row in reversed(rows)}
        stored = tuple(i for i, is_there in reversed(there.items()) if is_there)
        removed = tuple(i for i, is_there in reversed(there.items()) if not is_there)
        return Changes(rows[-1][0] if rows else since, stored, removed)

    def ids(self) -> list[str]:
        """Return the ids that are there, oldest first."""
        rows = self._database.rows("SELECT id FROM learnwares WHERE removed IS NULL ORDER BY position")
        return [row[0] for row in rows]

    def ids_after(self, learnware_id: str | None, n_most: int) -> list[str]:
        """Return the next ids that are there after one that was ever given, or from the beginning."""
        return [row[0] for row in self._database.rows(_AFTER, (learnware_id, n_most))]

    def ids_of(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return the ids of those numbers that are the current revision of a learnware."""
        return self._pairs(_IDS_OF, [int(number) for number in numbers])

    def numbers_of(self, learnware_ids: Iterable[str]) -> dict[str, int]:
        """Return the number of the current revision of those ids that are there."""
        return dict(self._remembered(_NUMBERS_OF, learnware_ids, self._pairs))

    def arrivals(self, learnware_ids: Iterable[str]) -> dict[str, int]:
        """Return numbers of those ids that are there, which ascend in the order in which they came."""
        return self._pairs(_ARRIVALS, list(learnware_ids))

    def every_number_of(self, learnware_ids: Iterable[str]) -> list[int]:
        """Return the numbers of all revisions of some ids."""
        return list(self._remembered(_EVERY_NUMBER_OF, learnware_ids, self._joined))

    def holders(self, digests: Iterable[str]) -> dict[str, str]:
        """Return the ids whose current revision has one of some digests; of several the one that has it longest."""
        return self._pairs(_HOLDERS, list(digests))

    def there(self, learnware_ids: Iterable[str]) -> set[str]:
        """Return those of some ids that are there."""
        return {row[0] for row in self._database.rows(_THERE, (json.dumps(list(learnware_ids)),))}

    def alike(self, beginning: str, n_most: int) -> list[str]:
        """Return some of the ids that are there and begin so."""
        return [row[0] for row in self._database.rows(_ALIKE, (beginning, f"{beginning}\U0010ffff", n_most))]

    def n_bytes(self, learnware_ids: Iterable[str] | None = None) -> int:
        """Return how many bytes the bundles of all revisions have together, of some learnwares or of all."""
        wanted = None if learnware_ids is None else json.dumps(list(learnware_ids))
        return int(self._database.rows(_BYTES, (wanted, wanted))[0][0])

    def __len__(self) -> int:
        # Only a meddler can have deleted the row of the tally.
        rows = self._database.rows("SELECT n_there FROM tally") or self._database.rows(COUNT)
        return int(rows[0][0])

    def names(self, digest: str) -> bool:
        """Tell whether any revision, even of a removed learnware, has these bytes."""
        return bool(self._database.rows("SELECT 1 FROM revisions WHERE digest = ? LIMIT 1", (digest,)))

    def digests(self) -> dict[str, str]:
        """Return every digest that a revision has, with the id of one such learnware."""
        return dict(self._database.rows("SELECT digest, id FROM revisions ORDER BY number"))

    def every_id(self) -> list[str]:
        """Return all ids that were ever given, oldest first."""
        return [row[0] for row in self._database.rows("SELECT id FROM learnwares ORDER BY position")]

    def _remembered(self, statement: str, learnware_ids: Iterable[str], ask: Callable[[str, list[str]], T]) -> T:
        if not isinstance(learnware_ids, frozenset):
            return ask(statement, list(learnware_ids))
        # A set that cannot change is asked about again and again, as what is hidden is in every search.
        generation, asked = self.generation(), (statement, learnware_ids)
        known = self._asked.get(asked)
        if known is None or known[0] != generation:
            known = generation, ask(statement, list(learnware_ids))
            # Another dictionary, since other threads may be reading this one.
            self._asked = dict([*self._asked.items(), (asked, known)][-_MOST_REMEMBERED:])
        remembered: T = known[1]
        return remembered

    def _joined(self, statement: str, wanted: list[Any]) -> list[int]:
        """Return the numbers that a query finds."""
        ((text,),) = self._database.rows(statement, (json.dumps(wanted),))
        return [int(number) for number in text.split(",")] if text else []

    def _pairs(self, statement: str, wanted: list[Any]) -> dict[Any, Any]:
        """Return the pairs that a query finds, in the order of what was wanted."""
        found = dict(self._database.rows(statement, (json.dumps(wanted),)))
        return {one: found[one] for one in wanted if one in found}
