"""The rows of a folder's cells: what models answered at the points of others, a cache that may be lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from learnware.market.store.base import Cell
from learnware.market.store.database import Database
from learnware.market.store.seals import seal

_ENTER = """INSERT OR REPLACE INTO cells (answerer, asked, content, seal) SELECT ?, ?, ?, ?
    WHERE EXISTS (SELECT 1 FROM revisions WHERE digest = ?) AND EXISTS (SELECT 1 FROM revisions WHERE digest = ?)"""
_READ = "SELECT number, seal, answerer, asked, content FROM cells WHERE number > ? ORDER BY number"


def enter_cells(connection: sqlite3.Connection, cells: Iterable[Cell]) -> None:
    """Enter cells whose two bundles are there; the caller holds the write lock."""
    for cell in cells:
        values = cell.answerer, cell.asked, cell.content
        connection.execute(_ENTER, (*values, seal(*values), cell.answerer, cell.asked))


def read_cells(database: Database, since: int) -> tuple[int, list[Cell]]:
    """Return the cells entered after number `since`, and the number of the last.

    A cell whose bytes have changed on the disk is left out: nobody depends on it.
    """
    rows = database.rows(_READ, (since,))
    whole = [Cell(*values) for _, own, *values in rows if own == seal(*values)]
    return (int(rows[-1][0]) if rows else since), whole


def forget_cells(connection: sqlite3.Connection, digests: Iterable[str]) -> None:
    """Delete the cells of bundles that are gone; the caller holds the write lock."""
    for digest in digests:
        connection.execute("DELETE FROM cells WHERE answerer = ? OR asked = ?", (digest, digest))
