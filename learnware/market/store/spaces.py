"""The rows of a folder's spaces: many specifications share one, so its text is written once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from learnware.market.store.seals import seal
from learnware.specification import Space

_MOST_REMEMBERED = 256

_FORGET = """DELETE FROM spaces WHERE number = ?1
    AND NOT EXISTS (SELECT 1 FROM specifications WHERE space = ?1)"""


def enter_space(connection: sqlite3.Connection, content: str | None) -> tuple[int | None, bytes | None]:
    """Return number and seal of a space, which is entered if it is new; the caller holds the write lock."""
    if content is None:
        return None, None
    own = seal(content)
    found = connection.execute("SELECT number, content FROM spaces WHERE seal = ?", (own,)).fetchone()
    if found is None:
        cursor = connection.execute("INSERT INTO spaces (seal, content) VALUES (?, ?)", (own, content))
        return int(cursor.lastrowid or 0), own
    if found[1] != content:
        # It has changed on the disk; here is what it was.
        connection.execute("UPDATE spaces SET content = ? WHERE number = ?", (content, found[0]))
    return int(found[0]), own


def forget_spaces(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Delete those of some spaces that no specification has; the caller holds the write lock."""
    for number in numbers:
        connection.execute(_FORGET, (number,))


class Spaces:
    """Spaces as read from their rows, the last few of them kept.

    Specifications of one space get one object, so that comparing theirs is quick.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Space] = {}

    def read(self, own: bytes, content: str) -> Space | None:
        """Return the space of a row, or None if its content has changed since it was sealed."""
        known = self._known.get(own)
        if known is None:
            if own != seal(content):
                return None
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.pop(next(iter(self._known)), None)
            known = self._known[own] = Space.from_dict(json.loads(content))
        return known
