"""The files of an index: so many open at once, moved by others, left behind, and room where there is none."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

from learnware.market import LocalMarket
from learnware.market.organizer import Snapshot, catching_up, volume
from learnware.market.organizer import index as indexing
from learnware.market.organizer.index import Index
from learnware.market.organizer.lately import Lately
from learnware.market.organizer.shelf import Moved
from learnware.market.searcher import Wishes, search
from learnware.market.store import DirectoryStore
from learnware.market.store.turns import Turns
from learnware.specification import RKME, Column, SemanticSpecification, Space, Specification
from learnware.testing import synthetic_market
from tests.market.index_folder import N, fill, found, lose_columns, make, spec
from tests.market.index_folder import volume as volume_of

N_SPACES = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path / "market")


def in_space(number: int, seed: int = 0) -> Specification:
    space = Space((Column("x", "number"), Column(f"only {number}", "number")))
    points = np.random.default_rng([number, seed]).normal(0.0, 1.0, (4, 2))
    semantic = SemanticSpecification(f"Station {number} {seed}")
    return Specification(semantic, RKME(points, np.full(4, 0.25), space, n_samples=50))


def add(market: LocalMarket, *specs: Specification) -> list[str]:
    return market._store.add_many([(one.semantic.name.encode(), one) for one in specs])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_of_many_spaces_only_some_are_held_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "_MOST_OPEN", 3)
    with closing(LocalMarket.in_folder(tmp_path / "market")) as market:
        add(market, *(in_space(number) for number in range(N_SPACES)))
        market.warm()
        before = len(os.listdir("/proc/self/fd"))
        for number in range(N_SPACES):
            assert [hit.name for hit in market.search(in_space(number)).hits] == [f"Station {number} 0"]
        assert len(market.search("station", limit=N_SPACES).hits) == N_SPACES
        for seed in (1, 2):
            add(market, in_space(seed, seed))
            assert len(market.search(in_space(seed)).hits) == 2
        assert len(os.listdir("/proc/self/fd")) <= before + 2 * 3 + 2


def test_opening_a_market_of_many_spaces_opens_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(LocalMarket.in_folder(tmp_path / "market")) as market:
        add(market, *(in_space(number) for number in range(N_SPACES)))
        market.warm()
    opened: list[Path] = []
    real = volume.Columns.__init__

    def counted(self: volume.Columns, capacity: int, path: Path, mode: str = "w+") -> None:
        opened.append(path)
        real(self, capacity, path, mode)

    monkeypatch.setattr(volume.Columns, "__init__", counted)
    with closing(LocalMarket.in_folder(tmp_path / "market")) as market:
        market.search(in_space(7))
        assert len(set(opened)) < N_SPACES
        opened.clear()
        market._index.snapshot()
        assert not opened


def test_an_island_that_another_moves_before_it_is_opened(folder: Path) -> None:
    with closing(DirectoryStore(folder)) as store, closing(LocalMarket.in_folder(folder)) as other:
        index = Index(store, folder / "index")
        n_asked = 0

        def count(snapshot: Snapshot) -> int:
            nonlocal n_asked
            n_asked += 1
            if n_asked == 1:
                fill(other, range(1000, 1300))
                other.warm()
                with pytest.raises(Moved):
                    snapshot.islands[0].numbers  # noqa: B018
            return int(snapshot.islands[0].present.sum())

        name = volume_of(folder).name
        assert index.ask(count) == 600
        assert n_asked == 2
        assert volume_of(folder).name == name
        index.close()


def test_a_snapshot_that_has_been_looked_at_stays(folder: Path) -> None:
    with closing(LocalMarket.in_folder(folder)) as market:
        market.search(spec(7))
        fill(market, range(1000, 1001))
        snapshot = market._index.snapshot()
        fill(market, range(2000, 2300))
        market.warm()
        assert int(snapshot.islands[0].present.sum()) == 301


def test_what_somebody_left_behind_is_deleted(folder: Path) -> None:
    stray = volume_of(folder) / "17-4.columns"
    stray.write_bytes(b"left by a process that was killed")
    with closing(LocalMarket.in_folder(folder)) as market:
        fill(market, range(1000, 1001))
        market.warm()
    assert not stray.exists()
    assert len(list(volume_of(folder).glob("*.columns"))) == 1


def test_only_the_first_of_many_waits_for_who_is_at_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_PATIENCE_SECONDS", 1.0)
    with closing(LocalMarket.in_folder(folder)) as market:
        market.warm()
        with Turns(folder / "index").taken(1.0):
            fill(market, range(1000, 1001))
            started = time.monotonic()
            for _ in range(5):
                assert len(market.search(spec(7)).hits) == 10
            assert 1.0 <= time.monotonic() - started < 2.0


def test_a_store_with_a_specification_written_anew_can_be_indexed_by_and_by(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(DirectoryStore(folder)) as store:
        learnware_id = next(iter(store))
        number = store.entries([learnware_id])[learnware_id].number
        with store._database.writing() as connection:
            store._ledger.describe_anew(connection, learnware_id, number, spec(0, name="mended"))
    monkeypatch.setattr(catching_up, "_AT_ONCE", 64)
    with closing(LocalMarket.in_folder(folder)) as market:
        market.rebuild_index(progress=False)
    name = volume_of(folder).name
    assert found(folder, "mended") == ["mended"]
    assert volume_of(folder).name == name


def test_a_learnware_is_submitted_to_a_market_with_a_damaged_index(tmp_path: Path) -> None:
    drawn = synthetic_market(4, n_features=2, n_points=5, random_state=0)
    first, second = drawn.learnware(0), drawn.learnware(1)
    with closing(LocalMarket.in_folder(tmp_path / "market")) as market:
        market.submit(first)
        market.warm()
    lose_columns(tmp_path / "market")
    with closing(LocalMarket.in_folder(tmp_path / "market")) as market:
        learnware_id = market.submit(second)
        assert learnware_id in market
        assert market.search(drawn.specification(1).statistical, limit=1).hits[0].id == learnware_id


@pytest.fixture
def lately() -> Lately[str, int]:
    return Lately(3, lambda value: value, 10)


def test_what_was_used_lately_stays(lately: Lately[str, int]) -> None:
    lately.put({"a": 1, "b": 2, "c": 3})
    assert lately.get(["a", "x"]) == {"a": 1}
    lately.put({"d": 4})
    assert lately.known() == {"a", "c", "d"}


def test_together_they_are_no_larger_than_agreed(lately: Lately[str, int]) -> None:
    lately.put({"a": 5, "b": 5})
    assert lately.known() == {"a", "b"}
    lately.put({"a": 6})
    assert lately.known() == {"a"}
    # One that is too large on its own is kept until the next.
    lately.put({"large": 50})
    assert lately.known() == {"large"}
    lately.put({"b": 2})
    assert lately.known() == {"b"}
    lately.drop(["b", "not there"])
    lately.put({"c": 10})
    assert lately.get(["c"]) == {"c": 10}


@pytest.mark.parametrize("n_gone", [130, 300])
def test_what_has_gone_since_the_snapshot_is_no_hit(folder: Path, n_gone: int) -> None:
    with closing(LocalMarket.in_folder(folder)) as market:
        snapshot = market._index.snapshot()
        nearest = [hit.id for hit in market.search(spec(7).statistical, limit=N).hits]
        snapshot.islands[0].source.members._kept.drop(snapshot.islands[0].source.members._kept.known())
        for learnware_id in nearest[:n_gone]:
            market._store.remove(learnware_id)
        found = search(snapshot, spec(7).statistical, wishes=Wishes(limit=N))
        assert {hit.id for hit in found.hits} == set(nearest[n_gone:])
        assert (found.mixture is None) == (n_gone == N)
        if n_gone == N:
            assert found.verdict == "nothing fits"
            assert found.reason


def test_threads_wait_no_longer_for_each_other_than_processes_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_PATIENCE_SECONDS", 0.1)
    with closing(LocalMarket.in_folder(folder)) as market:
        market.warm()
        fill(market, range(1000, 1001))
        at_work, done = Event(), Event()
        real = volume.Volume.take_in

        def slow(*arguments: Any, **options: Any) -> None:
            at_work.set()
            done.wait(10)
            real(*arguments, **options)

        monkeypatch.setattr(volume.Volume, "take_in", slow)
        worker = Thread(target=market.warm)
        worker.start()
        assert at_work.wait(10)
        assert len(market.search(spec(7).statistical, limit=1000).hits) == N
        done.set()
        worker.join()
        assert len(market.search(spec(7).statistical, limit=1000).hits) == N + 1


def test_of_large_specifications_fewer_are_kept(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("learnware.market.organizer.members._MOST_COORDINATES", 50 * 10)
    with closing(LocalMarket.in_folder(folder)) as market:
        market.search(spec(7))
        (island,) = market._index.snapshot().islands
        assert len(island.source.members._kept.known()) == 50
