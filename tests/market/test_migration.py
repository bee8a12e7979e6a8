"""A folder that the first version of the tables was written to opens as if it had always been today's."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from learnware.errors import LearnwareNotFound, MarketError
from learnware.market import Market, backup, fsck
from learnware.market.store import DirectoryStore
from learnware.market.store.columns import COLUMNS, to_columns
from learnware.market.store.seals import seal
from learnware.specification import Specification
from learnware.testing import make_learnware
from tests.market.forks import exit_status, in_child, needs_fork

SCHEMA_1 = """
CREATE TABLE IF NOT EXISTS learnwares (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS learnwares_digest ON learnwares (digest);
CREATE TABLE IF NOT EXISTS specifications (
    id TEXT PRIMARY KEY REFERENCES learnwares (id) ON DELETE CASCADE,
    semantic TEXT NOT NULL,
    space_key TEXT,
    space TEXT,
    n_samples INTEGER,
    squared_error REAL,
    points BLOB,
    weights BLOB,
    location BLOB,
    scale BLOB
);
CREATE TABLE IF NOT EXISTS changes (
    generation INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL
);
PRAGMA user_version = 1;
"""
IDS = ["1" * 32, "2" * 32, "3" * 32]
CREATED = 1_700_000_000.25


def write_bundle(folder: Path, bundle: bytes) -> str:
    digest = hashlib.sha256(bundle).hexdigest()
    path = folder / "blobs" / digest[:2] / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bundle)
    return digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of version 1: of three learnwares the second was removed and the first updated."""
    folder = tmp_path / "market"
    (folder / "pending").mkdir(parents=True)
    (folder / "market.json").write_text(json.dumps({"format": 1}))
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        connection.executescript(SCHEMA_1)
        connection.execute("PRAGMA journal_mode = WAL")
        for change in (0, 1, 2, 0, 1):
            connection.execute("INSERT INTO changes (id) VALUES (?)", (IDS[change],))
        for number in (0, 2):
            learnware = make_learnware(f"number {number}", float(number))
            bundle = learnware.to_bytes()
            digest = write_bundle(folder, bundle)
            row = (number + 1, IDS[number], digest, len(bundle), CREATED)
            connection.execute("INSERT INTO learnwares VALUES (?, ?, ?, ?, ?)", row)
            columns = COLUMNS.removesuffix(", outputs, classes, score").partition(", ")[2]
            values = to_columns(specification(number))[1:-3]
            marks = ", ".join("?" * (len(values) + 1))
            connection.execute(f"INSERT INTO specifications (id, {columns}) VALUES ({marks})", (IDS[number], *values))
        connection.commit()
    return folder


def specification(number: int) -> Specification:
    """Return what the first version kept of a learnware: no labels."""
    known = make_learnware(f"number {number}", float(number)).specification
    return replace(known, statistical=replace(known.statistical, labels=None))


def test_everything_is_there_after_the_first_opening(folder: Path) -> None:
    for _ in range(2):
        with Market.open(folder) as market:
            assert list(market) == [IDS[0], IDS[2]]
            for number in (0, 2):
                assert market.describe(IDS[number]) == specification(number)
                assert market.fetch(IDS[number]) == make_learnware(f"number {number}", float(number))
                (revision,) = market.revisions(IDS[number])
                assert revision.created.timestamp() == CREATED
            with pytest.raises(LearnwareNotFound, match="removed"):
                market.fetch(IDS[1])
            assert [hit.id for hit in market.search(specification(2)).hits] == [IDS[2], IDS[0]]
    assert json.loads((folder / "market.json").read_text()) == {"format": 3}
    assert fsck(folder).ok


def make_version_2(folder: Path) -> None:
    """Turn a folder of today's version into one of version 2, which had no labels and no cells."""
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        connection.create_function("seal", -1, seal)
        columns = COLUMNS.removesuffix(", outputs, classes, score")
        connection.execute(f"UPDATE specifications SET seal = seal(number, {columns})")
        for column in ("outputs", "classes", "score"):
            connection.execute(f"ALTER TABLE specifications DROP COLUMN {column}")
        connection.execute("DROP TABLE cells")
        connection.execute("PRAGMA user_version = 2")
        connection.commit()
    (folder / "market.json").write_text(json.dumps({"format": 2}))


def test_a_folder_of_the_second_version_opens_too(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    with closing(DirectoryStore(folder)) as store:
        first, second = (store.add(b"bytes", specification(number)) for number in (0, 2))
    make_version_2(folder)
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        connection.execute("UPDATE specifications SET n_samples = 7 WHERE number = 2")
        connection.commit()
    with closing(DirectoryStore(folder)) as store:
        assert store.describe(first) == specification(0)
        # A row that had changed before is not made good by the move.
        with pytest.raises(MarketError, match=second):
            store.describe(second)
        assert store.cells() == (0, [])


def test_caches_go_on_from_their_generation(folder: Path) -> None:
    with closing(DirectoryStore(folder)) as store:
        changes = store.changes(0)
        assert (changes.generation, changes.stored, changes.removed) == (5, (IDS[2], IDS[0]), (IDS[1],))
        store.replace(IDS[0], b"new", specification(0))
        assert store.changes(5).stored == (IDS[0],)
        assert [revision.size for revision in store.revisions(IDS[0])][1:] == [3]


def test_a_migration_that_fails_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("learnware.market.store.tables.TABLES", ("CREATE TABLE nonsense",))
        with pytest.raises(MarketError, match="cannot be used"):
            DirectoryStore(folder)
    assert json.loads((folder / "market.json").read_text()) == {"format": 1}
    test_everything_is_there_after_the_first_opening(folder)


def test_what_only_reads_asks_for_an_opening_first(folder: Path, tmp_path: Path) -> None:
    for look in (lambda: fsck(folder, repair=False), lambda: backup(folder, tmp_path / "copy")):
        with pytest.raises(MarketError, match="earlier version"):
            look()
    assert fsck(folder).ok
    assert backup(folder, tmp_path / "copy") == 2


@needs_fork[0]
@needs_fork[1]
def test_processes_may_migrate_at_once(folder: Path) -> None:
    start = time.monotonic() + 0.3

    def work() -> None:
        time.sleep(max(0.0, start - time.monotonic()))
        with closing(DirectoryStore(folder)) as store:
            store.add(b"%d" % os.getpid(), specification(0))

    children = [in_child(work) for _ in range(4)]
    assert [exit_status(child) for child in children] == [0] * 4
    with closing(DirectoryStore(folder)) as store:
        assert len(store) == 6
        assert store.describe(IDS[2]) == specification(2)
