"""The index of a folder: kept in step with its store by whoever needs it, and made anew when it is damaged."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from learnware.errors import MarketError
from learnware.market import LocalMarket
from learnware.market.organizer import Index
from learnware.market.organizer import index as indexing
from learnware.market.organizer.sketches import Sketches
from learnware.market.store import DirectoryStore
from learnware.market.store.turns import Turns
from learnware.specification import RKME, SemanticSpecification, Specification
from tests.market.forks import in_child

N = 300


def spec(seed: int, name: str = "", centre: float = 0.0) -> Specification:
    rng = np.random.default_rng(seed)
    words = SemanticSpecification(name or f"Region {seed}", task="regression" if seed % 2 else "classification")
    return Specification(words, RKME(rng.normal(centre, 1.0, (5, 2)), np.full(5, 0.2), n_samples=100))


def fill(market: LocalMarket, seeds: range, centre: float = 0.0) -> list[str]:
    return market._store.add_many([(b"%d" % seed, spec(seed, centre=centre)) for seed in seeds])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with closing(LocalMarket.in_folder(tmp_path / "market")) as market:
        fill(market, range(N))
        market.warm()
    return tmp_path / "market"


def volume(folder: Path) -> Path:
    (found,) = (folder / "index").glob("v1-*")
    return found


def found(folder: Path, query: Specification | str = "region 7", limit: int = 10) -> list[str]:
    with closing(LocalMarket.in_folder(folder)) as market:
        return [hit.name for hit in market.search(query, limit=limit).hits]


def nearest(folder: Path) -> list[str]:
    return found(folder, spec(7))


class Reading:
    """Counts the specifications that a store is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.n_read = 0
        real = DirectoryStore.entries

        def counted(store: DirectoryStore, ids: object) -> object:
            entries = real(store, ids)
            self.n_read += len(entries)
            return entries

        monkeypatch.setattr(DirectoryStore, "entries", counted)


def test_another_process_reads_what_one_has_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    assert "Region 7" in nearest(folder)
    assert reading.n_read == 0
    with closing(LocalMarket.in_folder(folder)) as market:
        fill(market, range(N, N + 3))
        market.warm()
        assert reading.n_read == 3


def test_two_markets_on_a_folder_see_what_either_does(folder: Path) -> None:
    with closing(LocalMarket.in_folder(folder)) as one, closing(LocalMarket.in_folder(folder)) as other:
        one.warm()
        other.warm()
        (new,) = fill(one, range(1000, 1001), centre=50.0)
        hits = other.search(spec(1000, centre=50.0)).hits
        assert hits[0].id == new
        other.remove(new)
        assert new not in [hit.id for hit in one.search(spec(1000, centre=50.0)).hits]
        assert one.search("region 1000").verdict == "nothing fits"


def cut(path: Path) -> None:
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)


def spoil_columns(folder: Path) -> None:
    (columns,) = volume(folder).glob("*.columns")
    cut(columns)


def spoil_sketches(folder: Path) -> None:
    (columns,) = volume(folder).glob("*.columns")
    with open(columns, "r+b") as file:
        file.write(np.full(1024, np.nan, np.float16).tobytes())


def lose_columns(folder: Path) -> None:
    (columns,) = volume(folder).glob("*.columns")
    columns.unlink()


def spoil_tables(folder: Path) -> None:
    path = volume(folder) / "index.sqlite"
    with open(path, "r+b") as file:
        file.write(b"no database at all" * 1000)


def lose_tables(folder: Path) -> None:
    for path in volume(folder).glob("index.sqlite*"):
        path.unlink()


def lose_volume(folder: Path) -> None:
    shutil.rmtree(volume(folder))


def lose_all(folder: Path) -> None:
    shutil.rmtree(folder / "index")


def spoil_pointer(folder: Path) -> None:
    (folder / "index" / "v1").write_bytes(b"\xff\x00")


def point_elsewhere(folder: Path) -> None:
    (folder / "index" / "v1").write_text("v1-elsewhere")


DAMAGES = [
    spoil_columns,
    spoil_sketches,
    lose_columns,
    spoil_tables,
    lose_tables,
    lose_volume,
    lose_all,
    spoil_pointer,
    point_elsewhere,
]


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


def test_who_finds_another_at_work_answers_by_what_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_PATIENCE_SECONDS", 0.05)
    with closing(LocalMarket.in_folder(folder)) as market:
        market.warm()
        with Turns(folder / "index").taken(1.0):
            (new,) = fill(market, range(1000, 1001), centre=50.0)
            hits = market.search(spec(1000, centre=50.0)).hits
            assert len(hits) == 10
            assert new not in [hit.id for hit in hits]
        assert market.search(spec(1000, centre=50.0)).hits[0].id == new


def test_who_has_nothing_to_answer_by_waits_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_PATIENCE_WITHOUT_SECONDS", 0.05)
    lose_all(folder)
    (folder / "index").mkdir()
    with (
        closing(LocalMarket.in_folder(folder)) as market,
        Turns(folder / "index").taken(1.0),
        pytest.raises(MarketError, match="busy"),
    ):
        market.search("region 7")


def test_a_growth_that_fails_leaves_the_index_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(LocalMarket.in_folder(folder)) as market:
        market.warm()
        fill(market, range(1000, 1003), centre=50.0)
        from learnware.market.organizer import growth

        real = growth.Growth._write
        calls = []

        def failing(self: growth.Growth, shelf: object) -> None:
            real(self, shelf)
            calls.append(shelf)
            raise MarketError("The disk is full.")

        with monkeypatch.context() as patch:
            patch.setattr(growth.Growth, "_write", failing)
            with pytest.raises(MarketError, match="full"):
                market.search(spec(7))
        assert calls
        assert market.search(spec(1000, centre=50.0), limit=1).hits[0].name == "Region 1000"
        assert len(market.search("region", limit=1000).hits) == N + 3


def test_files_of_earlier_epochs_are_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    with closing(LocalMarket.in_folder(folder)) as market:
        for start in range(0, 120, 10):
            fill(market, range(start, start + 10))
            market.warm()
    assert len(list(volume(folder).glob("*.columns"))) == 1


def test_a_fork_has_an_index_of_its_own(folder: Path) -> None:
    with closing(LocalMarket.in_folder(folder)) as market:
        before = [hit.name for hit in market.search(spec(7)).hits]

        def work() -> None:
            fill(market, range(1000, 1003), centre=50.0)
            names = [hit.name for hit in market.search(spec(7)).hits]
            os._exit(0 if names == before else 1)

        assert in_child(work) is not None
        assert [hit.name for hit in market.search(spec(7)).hits] == before


@pytest.mark.parametrize("n_rows", [3, 50])
def test_products_of_sketches_in_half_precision(n_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    half = rng.normal(0, 0.05, (64, 256)).astype(np.float16)
    vectors = rng.normal(0, 0.05, (3, 256)).astype(np.float32)
    wanted = half[:n_rows].astype(np.float64) @ vectors.T.astype(np.float64)
    for most in (1000, 2):
        monkeypatch.setattr("learnware.market.organizer.sketches.MOST_PLAIN", most)
        sketches = Sketches(half)
        np.testing.assert_allclose(sketches.products(n_rows, vectors[0]), wanted[:, 0], atol=1e-3)
        np.testing.assert_allclose(sketches.products_with(n_rows, vectors), wanted.T, atol=1e-5)


def test_rows_appended_later_are_multiplied_too() -> None:
    half = np.zeros((64, 256), np.float16)
    half[:2] = 1.0
    sketches = Sketches(half)
    ones = np.ones(256, np.float32)
    assert sketches.products(2, ones).tolist() == [256.0] * 2
    half[2] = 2.0
    assert sketches.products(3, ones).tolist() == [256.0, 256.0, 512.0]
    assert sketches.products(2, ones).tolist() == [256.0] * 2


def test_tables_that_are_busy_are_not_taken_for_damaged() -> None:
    error = MarketError("busy")
    error.__cause__ = sqlite3.OperationalError("locked")
    assert not indexing._is_damage(error)
    error.__cause__ = sqlite3.DatabaseError("malformed")
    assert indexing._is_damage(error)
