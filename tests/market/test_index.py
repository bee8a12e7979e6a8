"""The index of a folder: kept in step with its store by whoever needs it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from learnware.errors import MarketError
from learnware.market import LocalMarket
from learnware.market.organizer import index as indexing
from learnware.market.store import DirectoryStore
from learnware.market.store.turns import Turns
from tests.market.forks import exit_status, in_child, needs_fork
from tests.market.index_folder import N, fill, lose_all, make, nearest, spec, volume


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path / "market")


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


@needs_fork[0]
@needs_fork[1]
def test_a_fork_has_an_index_of_its_own(folder: Path) -> None:
    with closing(LocalMarket.in_folder(folder)) as market:
        before = [hit.name for hit in market.search(spec(7)).hits]

        volume = market._index._volume

        def work() -> None:
            assert market._index._opened() is not volume
            fill(market, range(1000, 1003), centre=50.0)
            assert market.search(spec(1000, centre=50.0), limit=1).hits[0].name == "Region 1000"
            assert [hit.name for hit in market.search(spec(7)).hits] == before

        assert exit_status(in_child(work)) == 0
        assert [hit.name for hit in market.search(spec(7)).hits] == before
        assert market.search(spec(1000, centre=50.0), limit=1).hits[0].name == "Region 1000"
