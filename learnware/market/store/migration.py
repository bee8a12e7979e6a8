"""The way from the tables of earlier versions to today's."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

import numpy as np

from learnware.errors import LearnwareError
from learnware.market.store.cells import enter_cells
from learnware.market.store.columns import to_columns
from learnware.market.store.entering import enter_columns
from learnware.market.store.seals import seal
from learnware.market.store.values import Cell
from learnware.specification import RKME, PointLabels, SemanticSpecification, Space, Specification
from learnware.specification.semantic import readable

# What a specification's row had, besides its number and its seal.
_COLUMNS_1 = "semantic, space_key, space, n_samples, squared_error, points, weights, location, scale"
_COLUMNS_2 = f"level, {_COLUMNS_1}"
_COLUMNS_3 = f"{_COLUMNS_2}, outputs, classes, score"
_EARLIER = {1: _COLUMNS_1, 2: _COLUMNS_2, 3: _COLUMNS_3}

# Version 1 had one row a learnware, which an update overwrote and a removal deleted.
_FROM_VERSION_1 = (
    """INSERT INTO learnwares
        SELECT l.position, l.id, c.last, NULL, seal(l.id, c.last, NULL)
        FROM learnwares_old l JOIN (SELECT id, MAX(generation) AS last FROM changes GROUP BY id) c ON c.id = l.id""",
    """INSERT INTO learnwares
        SELECT MIN(generation), id, 0, :now, seal(id, 0, :now)
        FROM changes WHERE id NOT IN (SELECT id FROM learnwares_old) GROUP BY id""",
    """INSERT INTO revisions
        SELECT n.revision, l.id, l.digest, l.size, l.created, seal(n.revision, l.id, l.digest, l.size, l.created)
        FROM learnwares_old l JOIN learnwares n ON n.id = l.id""",
)
_ROWS_1 = f"SELECT n.revision, NULL, {_COLUMNS_1} FROM specifications_old s JOIN learnwares n ON n.id = s.id"


def set_aside(connection: sqlite3.Connection, found: int) -> None:
    """Rename the tables of version `found` that are not today's."""
    if found == 1:
        connection.execute("DROP INDEX IF EXISTS learnwares_digest")
        connection.execute("ALTER TABLE learnwares RENAME TO learnwares_old")
    if found in _EARLIER:
        connection.execute("ALTER TABLE specifications RENAME TO specifications_old")
    if found == 3:
        connection.execute("DROP INDEX cells_asked")
        connection.execute("ALTER TABLE cells RENAME TO cells_old")


def carry_over(connection: sqlite3.Connection, found: int) -> None:
    """Fill today's tables with the rows of those that were set aside, and drop these."""
    if found not in _EARLIER:
        return
    if found == 1:
        connection.create_function("seal", -1, seal, deterministic=True)
        for statement in _FROM_VERSION_1:
            connection.execute(statement, {"now": time.time()} if ":now" in statement else {})
    names = _EARLIER[found].split(", ")
    rows = _ROWS_1 if found == 1 else f"SELECT number, seal, {_EARLIER[found]} FROM specifications_old"
    for number, own, *values in connection.execute(rows):
        whole = found == 1 or own == seal(number, *values)
        _carry(connection, number, dict(zip(names, values, strict=True)), whole)
    if found == 3:
        _carry_cells(connection)
    connection.execute("DROP TABLE specifications_old")
    connection.execute("DROP TABLE IF EXISTS learnwares_old")


def _carry(connection: sqlite3.Connection, number: int, old: dict[str, Any], whole: bool) -> None:
    """Enter an earlier row; one that had changed on the disk is not made good by the move."""
    try:
        if whole:
            enter_columns(connection, number, to_columns(_specification(old)))
            return
    except (LearnwareError, ValueError):
        # Nobody could read it before, either; its bundle has what a check of the folder needs to write it again.
        pass
    connection.execute("INSERT INTO specifications (number, semantic, seal) VALUES (?, '', x'')", (number,))


def _carry_cells(connection: sqlite3.Connection) -> None:
    """Enter the cells that are whole, whose two digests were text."""
    for *values, own in connection.execute("SELECT answerer, asked, content, seal FROM cells_old ORDER BY number"):
        if own == seal(*values):
            enter_cells(connection, [Cell(*values)])
    connection.execute("DROP TABLE cells_old")


def _specification(old: dict[str, Any]) -> Specification:
    words, level = SemanticSpecification.from_dict(_readable(json.loads(old["semantic"]))), old.get("level")
    if old["space"] is None:
        return Specification(words, level=level)
    weights, location, scale = (np.frombuffer(old[name], "<f8") for name in ("weights", "location", "scale"))
    statistical = RKME(
        _rows(old["points"], len(weights)),
        weights,
        Space.from_dict(json.loads(old["space"])),
        location,
        scale,
        old["n_samples"],
        old["squared_error"],
        _labels(old, len(weights)),
    )
    return Specification(words, statistical, level)


def _labels(old: dict[str, Any], n_points: int) -> PointLabels | None:
    if old.get("outputs") is None:
        return None
    classes = None if old["classes"] is None else tuple(json.loads(old["classes"]))
    return PointLabels(_rows(old["outputs"], n_points), classes, old["score"])


def _rows(content: bytes, n_rows: int) -> Any:
    return np.frombuffer(content, "<f8").reshape(n_rows, -1)


def _readable(words: dict[str, Any]) -> dict[str, Any]:
    # Earlier versions took titles with control characters; such a learnware must not keep others from being found.
    for key, name in (("Name", "name"), ("Description", "description")):
        if key in words:
            words[key]["Values"] = readable(words[key]["Values"], name)
    return words
