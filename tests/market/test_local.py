"""A market on this machine: what it puts together stays together, for several threads and several markets."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learnware import Limits
from learnware.bundle import Learnware
from learnware.errors import BundleError, ChecksumMismatch, InvalidParameter, MarketError
from learnware.market import LocalMarket, Market
from learnware.market.store import MemoryStore
from learnware.testing import make_learnware


def test_markets_of_one_folder_notice_each_other(tmp_path: Path) -> None:
    query = make_learnware("Near", 3.0).specification
    with Market.open(tmp_path / "market") as mine, Market.open(tmp_path / "market") as other:
        first = mine.submit(make_learnware())
        assert [hit.id for hit in other.search(query).hits] == [first]
        second = other.submit(make_learnware("Near", 3.0))
        assert [hit.id for hit in mine.search(query).hits] == [second, first]
        mine.update(first, make_learnware("Renamed", 3.1))
        assert {hit.name for hit in other.search(query).hits} == {"Near", "Renamed"}
        other.remove(second)
        assert [hit.id for hit in mine.search(query).hits] == [first]
        assert mine.search("near").hits == ()


def test_an_index_fed_by_changes_answers_as_a_fresh_one(tmp_path: Path) -> None:
    query = make_learnware("Query", 2.0).specification
    with Market.open(tmp_path / "market") as market:
        ids = [market.submit(make_learnware(f"Number {i}", float(i))) for i in range(6)]
        market.search(query)
        market.remove(ids[1])
        market.update(ids[2], make_learnware("Number 7", 7.0))
        market.submit(make_learnware("Number 8", 2.5))
        fed = market.search(query)
        with Market.open(tmp_path / "market") as again:
            fresh = again.search(query)
        assert [hit.id for hit in fed.hits] == [hit.id for hit in fresh.hits]
        assert [hit.distance for hit in fed.hits] == pytest.approx([hit.distance for hit in fresh.hits])
        assert fed.mixture is not None
        assert fresh.mixture is not None
        assert fed.mixture.weights == pytest.approx(fresh.mixture.weights)


def test_threads_may_search_while_others_write(tmp_path: Path) -> None:
    query = make_learnware().specification
    with Market.open(tmp_path / "market") as market, ThreadPoolExecutor(4) as pool:
        first = market.submit(make_learnware())
        # Further apart than near-duplicates, of which one would stand for all.
        learnwares = [make_learnware(f"Number {i}", 1 + i / 10) for i in range(10)]
        writes = [pool.submit(market.submit, learnware) for learnware in learnwares]
        searches = [pool.submit(market.search, query, limit=20) for _ in range(10)]
        ids = {write.result() for write in writes}
        assert all(first in {hit.id for hit in search.result().hits} for search in searches)
        assert {hit.id for hit in market.search(query, limit=20).hits} == {first, *ids}


def test_a_changed_bundle_is_never_served(tmp_path: Path) -> None:
    with Market.open(tmp_path / "market") as market:
        learnware_id = market.submit(make_learnware())
        hit = market.search(make_learnware().specification).hits[0]
        (blob,) = (path for path in (tmp_path / "market" / "blobs").rglob("*") if path.is_file())
        content = bytearray(blob.read_bytes())
        content[len(content) // 2] ^= 1
        blob.write_bytes(content)
        with pytest.raises(ChecksumMismatch):
            market.fetch(learnware_id)
        with pytest.raises(ChecksumMismatch):
            _ = hit.learnware
        assert market.describe(learnware_id) == make_learnware().specification


def test_what_was_checked_is_what_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_learnware().save(tmp_path / "it.zip")
    replacement = make_learnware("Another", 9.0)

    def swap(learnware: Learnware) -> Iterator[object]:
        replacement.save(path)
        return iter(())

    market = LocalMarket(MemoryStore(), checks=[swap])  # type: ignore[list-item]
    assert market.fetch(market.submit(path)) == make_learnware()


def test_a_list_is_opened_before_anything_is_stored(tmp_path: Path) -> None:
    with Market.open() as market:
        for wrong, error in ((tmp_path / "absent.zip", BundleError), (3, InvalidParameter)):
            with pytest.raises(error):
                market.submit([make_learnware(), wrong], progress=False)  # type: ignore[list-item]
        assert len(market) == 0
        assert market.submit([], progress=False) == []


def test_a_generator_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with Market.open() as market:
        ids = market.submit((make_learnware(f"Number {i}") for i in range(3)), progress=True)
        assert list(market) == ids
    assert "submitting" in capsys.readouterr().err


def test_hits_outlive_the_market_as_far_as_they_can(tmp_path: Path) -> None:
    with Market.open(tmp_path / "market") as market:
        market.submit([make_learnware(), make_learnware("Near", 1.0)], progress=False)
        result = market.search(make_learnware().specification)
        fetched = result.hits[0].learnware
    assert fetched.predict(np.zeros((1, 2))).shape == (1,)
    with pytest.raises(MarketError, match="closed"):
        _ = result.hits[1].learnware
    assert "closed" in repr(market)


def test_html_shows_names_as_text(tmp_path: Path) -> None:
    with Market.open(tmp_path / "market") as market:
        market.submit([make_learnware(f"<i>{i}</i>") for i in range(12)], progress=False)
        shown = market._repr_html_()
        assert "&lt;i&gt;0&lt;/i&gt;" in shown
        assert "<i>" not in shown
        assert "and 2 more" in shown
        assert "12 learnwares" in repr(market)


@pytest.mark.parametrize("seconds", ["0", -1, float("nan"), None, True, [0]])
@pytest.mark.parametrize("folder", [None, "market"])
def test_a_grace_is_a_number_of_seconds(tmp_path: Path, seconds: Any, folder: str | None) -> None:
    with Market.open(folder and tmp_path / folder) as market:
        assert isinstance(market, LocalMarket)
        market.remove(market.submit(make_learnware()))
        with pytest.raises(InvalidParameter, match="grace_seconds"):
            market.collect_garbage(seconds)
        assert market.collect_garbage(np.float64(3600)) == market.collect_garbage(float("inf")) == 0


@pytest.mark.parametrize(("room", "n_opened"), [(2**28, 3), (0, 6)])
def test_files_are_read_once_if_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, n_opened: int
) -> None:
    paths = [make_learnware(f"Number {i}").save(tmp_path / f"{i}.zip") for i in range(3)]
    opened, load = [], Learnware.load
    monkeypatch.setattr(Learnware, "load", lambda path, **options: opened.append(path) or load(path, **options))
    monkeypatch.setattr("learnware.market.incoming._OPENED_BYTES", room)
    with Market.open() as market:
        market.submit([*paths, make_learnware()], progress=False)
        assert len(opened) == n_opened
        assert [market.describe(i).semantic.name for i in market][:3] == ["Number 0", "Number 1", "Number 2"]


def test_files_are_let_go_of_one_by_one(tmp_path: Path) -> None:
    paths = [make_learnware(f"Number {i}").save(tmp_path / f"{i}.zip") for i in range(3)]
    alive: list[weakref.ref[Learnware]] = []

    def count(learnware: Learnware) -> Iterator[Any]:
        gc.collect()
        assert not [ref for ref in alive if ref() is not None]
        alive.append(weakref.ref(learnware))
        return iter(())

    with LocalMarket(MemoryStore(), checks=[count]) as market:
        market.submit(paths, progress=False)
    assert len(alive) == 3


def test_copies_of_a_market_in_a_folder_open_it_again(tmp_path: Path) -> None:
    with Market.open(tmp_path / "market", isolation="process") as market:
        learnware_id = market.submit(make_learnware())
        for other in (pickle.loads(pickle.dumps(market)), copy.deepcopy(market)):
            assert list(other) == [learnware_id]
            assert other.policy == market.policy
            other.close()
        assert len(market) == 1


def test_a_market_in_memory_stays_in_its_process() -> None:
    with Market.open() as market, pytest.raises(MarketError, match="folder"):
        pickle.dumps(market)


def test_learnwares_with_a_process_of_their_own_are_not_kept() -> None:
    with Market.open(limits=Limits(memory=2**30)) as market:
        fetched = weakref.ref(market.fetch(market.submit(make_learnware()))._execution)
        gc.collect()
        assert fetched() is None


@pytest.mark.parametrize("wrong", [{"wish": 1}, {"hidden": ()}])
def test_options_that_no_search_has_are_refused_by_name(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with Market.open() as market, pytest.raises(TypeError, match=rf"search_many\(\).*{name}"):
        market.search_many(["words"], progress=False, **wrong)
