"""What is damaged, belongs to another store or cannot be written to, and what becomes of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from learnware.errors import MarketError
from learnware.market import LocalMarket
from learnware.market.organizer import Index
from learnware.market.organizer import index as indexing
from learnware.market.store import DirectoryStore
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


def test_tables_that_are_busy_are_not_taken_for_damaged() -> None:
    error = MarketError("busy")
    error.__cause__ = sqlite3.OperationalError("locked")
    assert not indexing._is_damage(error)
    error.__cause__ = sqlite3.DatabaseError("malformed")
    assert indexing._is_damage(error)
