"""A folder that an earlier version of the tables was written to opens as if it had always been today's."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from learnware.errors import LearnwareNotFound, MarketError
from learnware.market import Market, backup, fsck
from learnware.market.store import Cell, DirectoryStore, check_folder
from learnware.market.store.seals import seal
from learnware.specification import RKME, SemanticSpecification, Specification
from learnware.testing import make_learnware
from learnware.testing.examples import specification_of
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
            values = (IDS[number], *old_columns(specification(number))[1:10])
            connection.execute(f"INSERT INTO specifications VALUES ({', '.join('?' * len(values))})", values)
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
    assert json.loads((folder / "market.json").read_text()) == {"format": 4}
    assert fsck(folder).ok


# Of version 3; the second one had not the last three columns.
SPECIFICATIONS_3 = """CREATE TABLE specifications (
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
)"""


def old_columns(specification: Specification) -> tuple[object, ...]:
    """Return what the columns of version 3 hold after the number and before the seal."""
    words, rkme = json.dumps(specification.semantic.to_dict()), specification.statistical
    if rkme is None:
        return (specification.level, words, *[None] * 11)
    arrays = (array.astype("<f8").tobytes() for array in (rkme.points, rkme.weights, rkme.location, rkme.scale))
    space, told = json.dumps(rkme.space.to_dict()), (None, None, None)
    if rkme.labels is not None:
        told = (rkme.labels.values.astype("<f8").tobytes(), json.dumps(rkme.labels.classes), rkme.labels.score)
    return (specification.level, words, rkme.space.key, space, rkme.n_samples, rkme.squared_error, *arrays, *told)


def write_old_cells(connection: sqlite3.Connection) -> None:
    known = connection.execute("SELECT number, lower(hex(answerer)), lower(hex(asked)), content FROM cells").fetchall()
    connection.execute("DROP TABLE cells")
    connection.execute(
        """CREATE TABLE cells (number INTEGER PRIMARY KEY AUTOINCREMENT, answerer TEXT NOT NULL, asked TEXT NOT NULL,
        content BLOB NOT NULL, seal BLOB NOT NULL, UNIQUE (answerer, asked))"""
    )
    connection.execute("CREATE INDEX cells_asked ON cells (asked)")
    for number, *values in known:
        connection.execute("INSERT INTO cells VALUES (?, ?, ?, ?, ?)", (number, *values, seal(*values)))


def make_earlier(folder: Path, version: int) -> None:
    """Turn a folder of today's version into one of version 2, which had no labels and no cells, or 3."""
    with closing(DirectoryStore(folder)) as store:
        ledger = store._ledger
        told = {n: ledger.specification(i, n) for i in store for n, _ in ledger.revisions(i)}
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        for statement in ("TABLE specifications", "TABLE spaces", "TRIGGER learnware_came", "TRIGGER learnware_went"):
            connection.execute(f"DROP {statement}")
        connection.execute("DROP TABLE tally")
        connection.execute(SPECIFICATIONS_3)
        write_old_cells(connection)
        if version == 2:
            for column in ("outputs", "classes", "score"):
                connection.execute(f"ALTER TABLE specifications DROP COLUMN {column}")
            connection.execute("DROP TABLE cells")
        for number, specification in told.items():
            values = old_columns(specification)[: 10 if version == 2 else 13]
            row = (number, *values, seal(number, *values))
            connection.execute(f"INSERT INTO specifications VALUES ({', '.join('?' * len(row))})", row)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    (folder / "market.json").write_text(json.dumps({"format": version}))


def test_a_folder_of_the_second_version_opens_too(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    with closing(DirectoryStore(folder)) as store:
        first, second = (store.add(b"bytes", specification(number)) for number in (0, 2))
    make_earlier(folder, 2)
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        connection.execute("UPDATE specifications SET n_samples = 7 WHERE number = 2")
        connection.commit()
    with closing(DirectoryStore(folder)) as store:
        assert store.describe(first) == specification(0)
        # A row that had changed before is not made good by the move.
        with pytest.raises(MarketError, match=second):
            store.describe(second)
        assert store.last_cell() == 0


def test_a_folder_of_the_third_version_opens_too(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    points, words = np.float32([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]), specification_of("words", points=False)
    single = replace(words, statistical=RKME(points, [0.5, 0.25, 0.25], location=[0.0, 0.5], scale=[1.0, 2.0]))
    told = [make_learnware("labelled").specification, replace(words, level="T1"), single, specification_of("double")]
    with closing(DirectoryStore(folder)) as store:
        ids = store.add_many([(b"%d" % i, one) for i, one in enumerate(told)])
        gone = store.add(b"gone", words)
        store.replace(ids[1], b"again", words)
        store.remove(gone)
        digests = [entry.digest for entry in store.entries(ids).values()]
        cells = [Cell(digests[0], digests[1], b"one"), Cell(digests[2], digests[0], b"two")]
        store.add_cells([*cells, Cell(digests[3], digests[0], b"three")])
        before = store.changes(0)
    make_earlier(folder, 3)
    title = json.dumps({"Name": {"Type": "String", "Values": "a\u202eb"}})
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        connection.create_function("seal", -1, seal)
        connection.execute("UPDATE specifications SET semantic = ? WHERE number = 6", (title,))
        columns = ", ".join(row[1] for row in connection.execute("PRAGMA table_info(specifications)").fetchall()[:-1])
        connection.execute(f"UPDATE specifications SET seal = seal({columns}) WHERE number = 6")
        connection.execute("UPDATE cells SET content = 'other' WHERE answerer = ?", (digests[3],))
        connection.commit()
    with closing(DirectoryStore(folder)) as store:
        assert (list(store), len(store), store.changes(0)) == (ids, 4, before)
        found = store.specifications(ids)
        assert [found[ids[i]] for i in (0, 2, 3)] == [told[0], told[2], told[3]]
        # Its title had a character that earlier versions took and that turns the text around.
        assert found[ids[1]] == Specification(SemanticSpecification("ab"))
        assert [entry.number for entry in store.entries(ids).values()] == [1, 6, 3, 4]
        # One that had changed is a cell that nobody has asked for yet.
        assert (store.cells_of(digests), store.cells_of(digests[2:])) == (cells, cells[1:])
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        written = dict(connection.execute("SELECT number, dtype FROM specifications"))
        assert (written[3], written[4]) == ("<f4", "<f8")
    assert check_folder(folder).ok


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
