"""What is damaged, belongs to another store or cannot be written to, and what becomes of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from learnware.errors import InvalidSpecification, MarketError
from learnware.market import LocalMarket
from learnware.market.organizer import Index, Snapshot
from learnware.market.organizer import index as indexing
from learnware.market.organizer.shelf import Unusable
from learnware.market.organizer.tables import TablesOnDisk
from learnware.market.store import DirectoryStore
from learnware.specification import RKME, SemanticSpecification
from tests.market.index_folder import (
    DAMAGES,
    N,
    fill,
    found,
    lose_all,
    make,
    nearest,
    spec,
    spoil_columns,
    spoil_tables,
    volume,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path / "market")


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_made_anew(folder: Path, damage: Callable[[Path], None]) -> None:
    before = nearest(folder), found(folder)
    damage(folder)
    assert nearest(folder) == before[0]
    assert found(folder) == before[1]
    assert volume(folder).is_dir()
    reread = nearest(folder)
    assert reread == before[0]


@pytest.mark.parametrize("damage", [spoil_columns, spoil_tables, lose_all])
def test_what_is_damaged_while_it_is_in_use_is_made_anew(folder: Path, damage: Callable[[Path], None]) -> None:
    with closing(LocalMarket.in_folder(folder)) as market, closing(LocalMarket.in_folder(folder)) as other:
        other.warm()
        damage(folder)
        fill(market, range(1000, 1001), centre=50.0)
        assert [hit.name for hit in market.search(spec(1000, centre=50.0), limit=1).hits] == ["Region 1000"]


def test_it_is_made_anew_when_asked(folder: Path) -> None:
    before, name = nearest(folder), volume(folder).name
    with closing(LocalMarket.in_folder(folder)) as market, closing(LocalMarket.in_folder(folder)) as other:
        other.warm()
        market.rebuild_index(progress=False)
        assert volume(folder).name != name
        # Whoever read the old one goes on, and takes the new one with the next change.
        assert [hit.name for hit in other.search(spec(7)).hits] == before
        fill(market, range(1000, 1001), centre=50.0)
        assert other.search(spec(1000, centre=50.0), limit=1).hits[0].name == "Region 1000"
    assert nearest(folder) == before


def test_the_index_of_another_store_is_not_believed(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with closing(LocalMarket.in_folder(other)) as market:
        fill(market, range(5000, 5000 + N))
    shutil.copytree(folder / "index", other / "index")
    assert found(other, "region 7") == []
    assert found(other, "region 5007")[0] == "Region 5007"


def test_an_index_that_knows_more_than_its_store_is_not_believed(folder: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(folder, older)
    shutil.rmtree(older / "index")
    with closing(LocalMarket.in_folder(folder)) as market:
        fill(market, range(1000, 1010), centre=50.0)
        market.warm()
    shutil.copytree(folder / "index", older / "index")
    assert found(older, "region 1005") == []
    with closing(LocalMarket.in_folder(older)) as market:
        fill(market, range(2000, 2010), centre=50.0)
    assert found(older, "region 2005")[0] == "Region 2005"


def test_a_specification_that_was_written_anew_is_read_anew(folder: Path) -> None:
    with closing(DirectoryStore(folder)) as store:
        learnware_id = next(iter(store))
        number = store.entries([learnware_id])[learnware_id].number
        with store._database.writing() as connection:
            store._ledger.describe_anew(connection, learnware_id, number, spec(0, name="mended"))
    assert found(folder, "mended") == ["mended"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(folder: Path) -> None:
    before = nearest(folder)
    for path in (folder, folder / "index", volume(folder)):
        path.chmod(0o500)
    try:
        assert nearest(folder) == before
    finally:
        for path in (folder, folder / "index", volume(folder)):
            path.chmod(0o700)


def files(folder: Path) -> list[str]:
    """Return the names of all files but those that SQLite makes for reading."""
    return sorted(path.name for path in folder.rglob("*") if not path.name.endswith(("-shm", "-wal")))


@pytest.mark.parametrize("state", ["whole", "behind", "damaged", "absent"])
def test_without_permission_to_write_the_index_is_held_in_memory(
    folder: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = nearest(folder)
    if state == "behind":
        with closing(LocalMarket.in_folder(folder)) as market:
            fill(market, range(1000, 1003), centre=50.0)
    if state == "damaged":
        spoil_columns(folder)
    if state == "absent":
        lose_all(folder)
    there = files(folder)
    monkeypatch.setattr(indexing, "_writable", lambda folder: False)
    assert nearest(folder) == before
    assert files(folder) == there
    with closing(DirectoryStore(folder)) as store:
        index = Index(store, folder / "index")
        assert index.snapshot().generation == store.generation()
        index.close()


@pytest.mark.parametrize(
    ("error", "kind"),
    [(sqlite3.OperationalError("database is locked"), MarketError), (sqlite3.DatabaseError("malformed"), Unusable)],
)
def test_tables_that_are_busy_are_not_taken_for_damaged(folder: Path, error: sqlite3.Error, kind: type) -> None:
    tables = TablesOnDisk(volume(folder) / "index.sqlite", writable=True)
    with closing(tables), pytest.raises(kind), tables._connected():
        raise error


@pytest.mark.parametrize("table", ["members", "text_entries", "islands", "text_words"])
def test_damage_that_is_met_while_changes_are_taken_in_is_mended(folder: Path, table: str) -> None:
    path = volume(folder) / "index.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with open(path, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with closing(LocalMarket.in_folder(folder)) as market:
        fill(market, range(1000, 1003), centre=50.0)
        assert market.search(spec(1000, centre=50.0), limit=1).hits[0].name == "Region 1000"
        assert len(market.search("region", limit=1000).hits) == N + 3


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM state",
        "UPDATE state SET generation = 'many'",
        "UPDATE islands SET gammas = '[1'",
        "UPDATE islands SET location = x'00'",
        "UPDATE islands SET space = '{}'",
        "UPDATE groups SET tags = 'none' || number",
        "DELETE FROM text_totals",
        "UPDATE text_lengths SET lengths = x'0000'",
        "UPDATE text_spellings SET signatures = x'00'",
    ],
)
def test_tables_that_say_something_else_are_noticed(folder: Path, change: str) -> None:
    asked = (spec(7), "region 7", "regoin 7", SemanticSpecification(task="regression"))
    before = [found(folder, question) for question in asked]
    with closing(sqlite3.connect(volume(folder) / "index.sqlite")) as connection:
        connection.execute(change)
        connection.commit()
    assert [found(folder, question) for question in asked] == before


@pytest.mark.parametrize("column", ["numbers", "died", "self_products"])
@pytest.mark.parametrize("value", [0, 1, -3, float("nan")])
def test_columns_that_say_something_else_are_noticed(folder: Path, column: str, value: float) -> None:
    before, words = nearest(folder), found(folder, limit=1000)
    with closing(LocalMarket.in_folder(folder)) as market:
        (island,) = market._index.snapshot().islands
        values = getattr(island.columns, column)
        if np.isnan(value) and values.dtype.kind != "f":
            pytest.skip("a whole number")
        if (column == "died" and value <= 0) or (column == "self_products" and value == 1):
            pytest.skip("as it may be")
        values[5:200] = value
    assert nearest(folder) == before
    assert found(folder, limit=1000) == words


def test_threads_that_meet_the_same_damage_make_the_index_anew_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    real = Index._make_anew
    monkeypatch.setattr(Index, "_make_anew", lambda *a, **k: (made.append(a), real(*a, **k))[1])
    with closing(LocalMarket.in_folder(folder)) as market:
        index, together = market._index, Barrier(4)
        asked: list[Snapshot] = []

        def question(snapshot: Snapshot) -> int:
            asked.append(snapshot)
            if len(asked) <= 4:
                together.wait(10)
                raise Unusable("as if something were wrong")
            return len(snapshot.islands)

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda _: index.ask(question), range(4))) == [1] * 4
    assert len(made) == 1


def test_an_index_that_stays_damaged_is_an_error_of_the_market(folder: Path) -> None:
    def question(snapshot: Snapshot) -> None:
        raise Unusable("again")

    with closing(LocalMarket.in_folder(folder)) as market, pytest.raises(MarketError, match="fsck"):
        market._index.ask(question)


def test_points_that_cannot_be_measured_are_refused_to_whoever_asks(folder: Path) -> None:
    before = volume(folder).name
    with closing(LocalMarket.in_folder(folder)) as market, np.errstate(all="ignore"):
        huge = RKME(np.array([[1.7e308, -1.7e308], [0.0, 1.0]]), np.array([0.5, 0.5]), n_samples=100)
        refused = pytest.raises(InvalidSpecification, match="rescale")
        with refused:
            market.search(huge)
    assert volume(folder).name == before
