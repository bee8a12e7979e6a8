"""The rows of a folder's cells: what models answered at the points of others, a cache that may be lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, Protocol

from learnware.market.store.base import Cell
from learnware.market.store.seals import seal

_AT_ONCE = 500  # older builds of SQLite take no more than 999 arguments

_ENTER = """INSERT OR REPLACE INTO cells (answerer, asked, content, seal) SELECT ?, ?, ?, ?
    WHERE EXISTS (SELECT 1 FROM revisions WHERE digest = ?) AND EXISTS (SELECT 1 FROM revisions WHERE digest = ?)"""
_COLUMNS = "number, seal, answerer, asked, content"
# By its numbers, and not by the index of answerers, which would be walked from end to end.
_ANSWERERS = "SELECT answerer, MAX(number) FROM cells NOT INDEXED WHERE number > ? GROUP BY answerer"


class Queried(Protocol):
    """A database as far as it is read; `Database`, which knows the way from earlier tables and with it this module."""

    def rows(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of one query."""


def enter_cells(connection: sqlite3.Connection, cells: Iterable[Cell]) -> None:
    """Enter cells whose two bundles are there; the caller holds the write lock."""
    for cell in cells:
        values = _raw(cell.answerer), _raw(cell.asked), cell.content
        connection.execute(_ENTER, (*values, seal(*values), cell.answerer, cell.asked))


def read_last_cell(database: Queried) -> int:
    """Return the number of the cell that was entered last."""
    return int(database.rows("SELECT COALESCE(MAX(number), 0) FROM cells")[0][0])


def read_cells_of(database: Queried, answerers: Iterable[str]) -> list[Cell]:
    """Return the cells in which some bundles answered, in the order in which they were entered.

    A cell whose bytes have changed on the disk is left out: nobody depends on it.
    """
    wanted = [_raw(digest) for digest in dict.fromkeys(answerers)]
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(wanted), _AT_ONCE):
        part = tuple(wanted[start : start + _AT_ONCE])
        rows += database.rows(f"SELECT {_COLUMNS} FROM cells WHERE answerer IN ({', '.join('?' * len(part))})", part)
    return _whole(sorted(rows))


def read_answerers(database: Queried, since: int) -> tuple[int, set[str]]:
    """Return who answered in the cells entered after number `since`, and the number of the last."""
    rows = database.rows(_ANSWERERS, (since,))
    return max((int(row[1]) for row in rows), default=since), {row[0].hex() for row in rows}


def forget_cells(connection: sqlite3.Connection, digests: Iterable[str]) -> None:
    """Delete the cells of bundles that are gone; the caller holds the write lock."""
    for raw in map(_raw, digests):
        connection.execute("DELETE FROM cells WHERE answerer = ? OR asked = ?", (raw, raw))


def _raw(digest: str) -> bytes:
    # Half as long as the text, of which each cell has two and its indexes three.
    return bytes.fromhex(digest)


def _whole(rows: list[tuple[Any, ...]]) -> list[Cell]:
    return [
        Cell(answerer.hex(), asked.hex(), content)
        for _, own, answerer, asked, content in rows
        if own == seal(answerer, asked, content)
    ]
