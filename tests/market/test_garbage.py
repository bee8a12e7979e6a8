"""What a removed learnware has left goes after a while, and costs nobody anything."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from learnware.errors import LearnwareNotFound, MarketError
from learnware.market import LocalMarket
from learnware.market.store import GRACE_SECONDS, DirectoryStore
from learnware.specification import RKME, Column, SemanticSpecification, Space, Specification
from learnware.testing import make_learnware

WORDS = Specification(SemanticSpecification(name="a name"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "market"


@pytest.fixture
def store(folder: Path) -> Iterator[DirectoryStore]:
    with closing(DirectoryStore(folder)) as opened:
        yield opened


def n_files(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "blobs").rglob("*"))


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)


def test_bundles_stay_for_their_grace(store: DirectoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learnware_id = store.add(b"one", WORDS)
    store.replace(learnware_id, b"two", WORDS)
    store.remove(learnware_id)
    assert store.collect_garbage() == 0
    assert n_files(folder) == 2
    pass_time(monkeypatch, GRACE_SECONDS + 1)
    assert store.collect_garbage() == 2
    assert n_files(folder) == 0
    with pytest.raises(LearnwareNotFound, match="removed"):
        store.read(learnware_id)
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM revisions").fetchone() == (0,)
        assert connection.execute("SELECT COUNT(*) FROM specifications").fetchone() == (0,)
        assert connection.execute("SELECT COUNT(*) FROM learnwares").fetchone() == (1,)


def test_the_names_of_columns_go_with_the_last_who_has_them(store: DirectoryStore, folder: Path) -> None:
    tables = [
        replace(WORDS, statistical=RKME([[0.0], [1.0]], [0.5, 0.5], Space((Column(name, "number"),)))) for name in "ab"
    ]
    first, second, third = store.add_many([(b"1", tables[0]), (b"2", tables[0]), (b"3", tables[1])])
    store.replace(third, b"4", tables[0])

    def spaces() -> list[str]:
        with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
            return [
                json.loads(row[0])["columns"][0]["name"] for row in connection.execute("SELECT content FROM spaces")
            ]

    assert spaces() == ["a", "b"]
    for gone, left in ((first, ["a", "b"]), (third, ["a"]), (second, [])):
        store.remove(gone)
        store.collect_garbage(0)
        assert spaces() == left
    again = store.add(b"5", tables[1])
    assert (store.describe(again), spaces()) == (tables[1], ["b"])


def test_opening_collects_a_little(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(DirectoryStore(folder)) as store:
        for number in range(50):
            store.remove(store.add(b"%d" % number, WORDS))
    DirectoryStore(folder).close()
    assert n_files(folder) == 50
    pass_time(monkeypatch, GRACE_SECONDS + 1)
    DirectoryStore(folder).close()
    assert n_files(folder) == 18
    DirectoryStore(folder).close()
    assert n_files(folder) == 0


def test_opening_does_not_wait_for_a_writer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(DirectoryStore(folder)) as store:
        kept, gone = store.add(b"kept", WORDS), store.add(b"gone", WORDS)
        store.remove(gone)
        pass_time(monkeypatch, GRACE_SECONDS + 1)
        with store._database.writing():
            start = time.monotonic()
            with closing(DirectoryStore(folder)) as second:
                assert second.read(kept) == b"kept"
            assert time.monotonic() - start < 1.0
        assert n_files(folder) == 2


def test_a_collection_that_fails_is_done_again(
    store: DirectoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.remove(store.add(b"gone", WORDS))

    def fail(digest: str) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(store._blobs, "discard", fail)
        with pytest.raises(MarketError, match="Input/output"):
            store.collect_garbage(0)
    assert store.collect_garbage(0) == 1
    assert n_files(folder) == 0


def test_a_market_collects_too(folder: Path) -> None:
    with LocalMarket.in_folder(folder) as market:
        market.remove(market.submit(make_learnware()))
        assert market.collect_garbage() == 0
        assert market.collect_garbage(grace_seconds=0) == 1
