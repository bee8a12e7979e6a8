"""Writing the rows of a folder's learnwares; whoever does so holds the write lock."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from learnware.market.store.columns import COLUMNS, SPACE
from learnware.market.store.seals import seal
from learnware.market.store.spaces import enter_space

_SPECIFICATION = f"""INSERT OR REPLACE INTO specifications (number, seal, {COLUMNS})
    VALUES (?, ?, {", ".join("?" * len(COLUMNS.split(", ")))})"""


class Bundle(NamedTuple):
    """What the rows say of a bundle."""

    digest: str
    size: int
    #: Those of its specification, see `to_columns`.
    columns: tuple[Any, ...]


def enter_change(connection: sqlite3.Connection, learnware_id: str) -> int:
    """Count a change of a learnware, and return its generation."""
    cursor = connection.execute("INSERT INTO changes (id) VALUES (?)", (learnware_id,))
    return int(cursor.lastrowid or 0)


def enter_learnware(connection: sqlite3.Connection, learnware_id: str, bundle: Bundle) -> None:
    """Enter a new learnware."""
    number = enter_change(connection, learnware_id)
    own = seal(learnware_id, number, None)
    connection.execute("INSERT INTO learnwares VALUES (?, ?, ?, NULL, ?)", (number, learnware_id, number, own))
    _enter_bundle(connection, learnware_id, number, bundle)


def enter_revision(connection: sqlite3.Connection, learnware_id: str, bundle: Bundle) -> None:
    """Enter a new revision of a learnware and make it the current one."""
    number = enter_change(connection, learnware_id)
    _enter_bundle(connection, learnware_id, number, bundle)
    enter_standing(connection, learnware_id, number, None)


def enter_standing(connection: sqlite3.Connection, learnware_id: str, number: int, removed: float | None) -> None:
    """Enter which revision of a learnware is the current one, and when it was removed."""
    connection.execute(
        "UPDATE learnwares SET revision = ?, removed = ?, seal = ? WHERE id = ?",
        (number, removed, seal(learnware_id, number, removed), learnware_id),
    )


def enter_columns(connection: sqlite3.Connection, number: int, columns: Sequence[Any]) -> None:
    """Write the specification of a revision, in place of one that is there."""
    before, content, after = columns[:SPACE], columns[SPACE], columns[SPACE + 1 :]
    space, of_space = enter_space(connection, content)
    own = seal(number, *before, of_space, *after)
    connection.execute(_SPECIFICATION, (number, own, *before, space, *after))


def _enter_bundle(connection: sqlite3.Connection, learnware_id: str, number: int, bundle: Bundle) -> None:
    values = number, learnware_id, bundle.digest, bundle.size, time.time()
    connection.execute("INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?)", (*values, seal(*values)))
    enter_columns(connection, number, bundle.columns)
