"""The cache keeps what was fetched, within bounds, for several processes at once."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from functools import partial
from io import FileIO
from pathlib import Path

import pytest

from learnware.market.remote import RemoteMarket
from learnware.market.remote.cache import Cache
from learnware.testing import make_learnware
from tests.market.forks import exit_status, in_child, needs_fork
from tests.market.remote.fake_dock import FakeDock, Handler, drop
from tests.market.remote.gate import at_once


def kept(cache: Cache, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    with cache.part(digest) as part:
        part.restart()
        part.write(content)
        cache.keep(digest, part)
    return digest


def test_what_is_kept_comes_back_and_is_nobody_elses(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    digest = kept(cache, b"bundle")
    assert (cache.read(digest), cache.find(digest[:12]), cache.read("0" * 64)) == (b"bundle", digest, None)
    assert stat.S_IMODE((tmp_path / "learnwares").stat().st_mode) == 0o700
    assert not list((tmp_path / "learnwares" / "parts").iterdir())


def test_what_has_changed_is_not_used(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    digest = kept(cache, b"bundle")
    path = tmp_path / "learnwares" / "blobs" / digest[:2] / digest
    path.write_bytes(b"bundlf")
    assert cache.read(digest) is None
    assert not path.exists()


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=250)
    digests = [kept(cache, bytes([i]) * 100) for i in range(2)]
    for age, digest in zip((10, 20), digests, strict=True):
        path = tmp_path / "learnwares" / "blobs" / digest[:2] / digest
        os.utime(path, (time.time() - age, time.time() - age))
        cache.remember("https://dock.example.org", digest[:32], digest)
    assert cache.read(digests[1]) is not None
    latest = kept(cache, b"c" * 100)
    assert [cache.read(digest) is not None for digest in (*digests, latest)] == [False, True, True]
    recalled = [cache.recall("https://dock.example.org", digest[:32]) for digest in digests]
    assert recalled == [None, digests[1]]


def test_a_download_under_way_is_not_swept_away(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=10)
    with cache.part("0" * 64) as held:
        held.write(b"x" * 100)
        kept(cache, b"y" * 100)
        assert held.path is not None
        assert held.path.exists()
    kept(cache, b"z" * 100)
    assert not held.path.exists()


def test_a_market_works_without_a_cache(
    dock: FakeDock, market: RemoteMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnware_id = market.submit(make_learnware())
    (tmp_path / "file").write_text("no folder")
    without = RemoteMarket(dock.url, cache=Cache(tmp_path / "file"))
    with without, pytest.warns(UserWarning, match="cannot be kept"):
        assert without.fetch(learnware_id) == make_learnware()


def test_a_system_without_locks_keeps_files_too(
    dock: FakeDock, market: RemoteMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("cache", "part"):
        monkeypatch.setattr(f"learnware.market.remote.{module}.CAN_LOCK", False)
    learnware_id = market.submit(make_learnware())
    dock.faults = [drop("/bundle", after=1000)]
    assert market.fetch(learnware_id) == market.fetch(learnware_id)
    assert len(dock.asked("/bundle")) == 2
    assert not list((tmp_path / "cache" / "learnwares" / "parts").iterdir())


@pytest.mark.parametrize("at", ["write", "fsync"])
def test_a_full_disk_keeps_nobody_from_a_learnware(
    dock: FakeDock, market: RemoteMarket, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    class Full(FileIO):
        write = full  # type: ignore[assignment]

    learnware_id = market.submit(make_learnware())
    if at == "write":
        monkeypatch.setattr("learnware.market.remote.part.FileIO", Full)
    else:
        monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="No space left"):
        assert market.fetch(learnware_id) == make_learnware()
    assert len(dock.asked("/bundle")) == (2 if at == "write" else 1)


@needs_fork[0]
@needs_fork[1]
def test_processes_that_want_the_same_fetch_it_once(dock: FakeDock, market: RemoteMarket) -> None:
    learnware_id = market.submit(make_learnware())

    def slow(handler: Handler) -> bool:
        if "/bundle" not in handler.path:
            return False
        time.sleep(0.3)
        handler._answer(b"")
        return True

    def work() -> None:
        assert market.fetch(learnware_id) == make_learnware()

    dock.faults = [slow]
    assert at_once(work, 4) == [0] * 4
    assert len(dock.asked("/bundle")) == 1


@needs_fork[0]
@needs_fork[1]
def test_what_a_dead_process_left_is_gone_on_with(dock: FakeDock, market: RemoteMarket) -> None:
    learnware_id = market.submit(make_learnware())

    def die(handler: Handler) -> bool:
        if "/bundle" not in handler.path:
            return False
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + make_learnware().to_bytes()[:700])
        handler.wfile.flush()
        time.sleep(0.2)
        os.kill(child, 9)
        handler.close_connection = True
        return True

    dock.faults = [die]
    child = in_child(partial(market.fetch, learnware_id))
    assert exit_status(child) == -9
    dock.faults = [drop("/bundle", after=10)]
    assert market.fetch(learnware_id) == make_learnware()
    assert [headers.get("Range") for headers in dock.headers if "Range" in headers] == ["bytes=700-", "bytes=710-"]
