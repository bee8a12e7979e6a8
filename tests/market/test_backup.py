"""Copies of a market are whole, also while others write, and nothing is ever overwritten."""

from __future__ import annotations

import errno
import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from learnware.errors import ChecksumMismatch, LearnwareNotFound, MarketError
from learnware.market import Market, backup, fsck, restore
from learnware.market.store import DirectoryStore, check_folder
from learnware.specification import SemanticSpecification, Specification
from learnware.testing import make_learnware
from tests.market.forks import exit_status, in_child, needs_fork


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a market of two learnwares, one of them with two revisions, and of one that was removed."""
    with Market.open(tmp_path / "market") as market:
        ids = market.submit([make_learnware(f"number {i}", float(i)) for i in range(3)], progress=False)
        market.update(ids[0], make_learnware("number 0 again", 0.5))
        market.remove(ids[2])
    return tmp_path / "market"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def blobs(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "blobs").rglob("*") if path.is_file())


def test_a_copy_is_a_market_and_comes_back_as_it_was(folder: Path, tmp_path: Path) -> None:
    before = files(folder)
    assert backup(folder, tmp_path / "copy") == 2
    assert restore(tmp_path / "copy", tmp_path / "deep" / "again") == 2
    assert files(folder) == before
    with Market.open(folder) as market, Market.open(tmp_path / "deep" / "again") as again:
        assert list(again) == list(market)
        for learnware_id in market:
            assert again.revisions(learnware_id) == market.revisions(learnware_id)
            assert again.describe(learnware_id) == market.describe(learnware_id)
            for revision in market.revisions(learnware_id):
                reference = f"{learnware_id}@{revision.digest}"
                assert again.fetch(reference) == market.fetch(reference)
    assert len(blobs(tmp_path / "copy")) == 3
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {"market.json", "market.sqlite", "blobs", "pending"}
    assert fsck(tmp_path / "copy").findings == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "deep", "market"]


def test_removed_learnwares_leave_their_ids_only(folder: Path, tmp_path: Path) -> None:
    with closing(DirectoryStore(folder)) as store:
        (gone,) = store.changes(0).removed
    backup(folder, tmp_path / "copy")
    with Market.open(tmp_path / "copy") as market, pytest.raises(LearnwareNotFound, match="removed"):
        market.fetch(gone)


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert backup(folder, tmp_path / "empty") == 2
    (tmp_path / "file").write_text("mine")
    before = files(tmp_path)
    for target in (tmp_path / "empty", tmp_path / "file", folder / "inside", folder):
        with pytest.raises(MarketError, match=r"not empty|is a file|lies inside"):
            backup(folder, target)
    for source in (tmp_path / "absent", tmp_path):
        with pytest.raises(MarketError, match=r"no market|cannot be read"):
            restore(source, tmp_path / "new")
    assert files(tmp_path) == before


def test_a_damaged_bundle_is_never_copied_as_if_it_were_whole(folder: Path, tmp_path: Path) -> None:
    first, second, *_ = blobs(folder)
    content = bytearray(first.read_bytes())
    content[7] ^= 1
    first.write_bytes(content)
    with pytest.raises(ChecksumMismatch, match=first.name):
        backup(folder, tmp_path / "copy")
    second.unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["market"]
    backup(folder, tmp_path / "copy", leave_out_damaged=True)
    assert {path.name for path in blobs(tmp_path / "copy")}.isdisjoint({first.name, second.name})
    with pytest.raises(MarketError, match="missing"):
        restore(tmp_path / "copy", tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "market"]


def test_changed_rows_are_not_copied(folder: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(folder / "market.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE revisions SET size = 7")
    with pytest.raises(MarketError, match="fsck"):
        backup(folder, tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["market"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_copy_that_fails_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    synced = os.fsync
    for n_calls in range(100):
        left = [n_calls]

        def fail(descriptor: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(code, os.strerror(code))
            synced(descriptor)

        refused = ""
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", fail)
            try:
                backup(folder, tmp_path / "copy")
            except MarketError as error:
                refused = str(error)
        assert ("Disk full" in refused) == (bool(refused) and code == errno.ENOSPC)
        if (tmp_path / "copy").exists():
            # Only the last wait comes after the name.
            assert fsck(tmp_path / "copy").ok
            break
        assert sorted(path.name for path in tmp_path.iterdir()) == ["market"]
    assert n_calls > 5


def churn(folder: Path, seed: int) -> None:
    rng, words = random.Random(seed), Specification(SemanticSpecification(name="name"))
    with closing(DirectoryStore(folder)) as store:
        while True:
            mine = [store.add(rng.randbytes(2000), words) for _ in range(3)]
            store.replace(mine[0], rng.randbytes(2000), words)
            store.remove(mine[1])
            store.collect_garbage(0)


@needs_fork[0]
@needs_fork[1]
def test_copies_made_while_others_write_are_whole(folder: Path, tmp_path: Path) -> None:
    with Market.open(folder) as market:
        before = list(market)
    children, sizes = [in_child(partial(churn, folder, seed)) for seed in range(2)], []
    try:
        for number in range(5):
            sizes.append(backup(folder, tmp_path / f"copy {number}"))
            time.sleep(0.1)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        assert [exit_status(child) for child in children] == [-signal.SIGKILL] * 2
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]
    for number, size in enumerate(sizes):
        assert restore(tmp_path / f"copy {number}", tmp_path / f"again {number}") == size
        report = check_folder(tmp_path / f"again {number}")
        assert (report.findings, report.n_learnwares) == ((), size)
        with closing(DirectoryStore(tmp_path / f"again {number}")) as store:
            assert list(store)[:2] == before
    assert check_folder(folder).ok


def test_bundles_collected_during_a_copy_make_it_begin_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from learnware.market.store.backup import _Copy

    begin = _Copy._copy_bundles
    with closing(DirectoryStore(folder)) as store:

        def slow(self: _Copy, digests: dict[str, str]) -> bool:
            if len(store) == 2:
                store.remove(list(store)[1])
                store.collect_garbage(0)
            return begin(self, digests)

        monkeypatch.setattr(_Copy, "_copy_bundles", slow)
        assert backup(folder, tmp_path / "copy") == 1
    assert fsck(tmp_path / "copy").findings == ()
    assert len(blobs(tmp_path / "copy")) == 2
