"""A disk that is full, or fails at any call, leaves the state before or the state after, and a market that works."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from learnware.errors import LearnwareError, MarketError
from learnware.market import Market, backup, fsck
from learnware.market.store import DirectoryStore, check_folder
from learnware.specification import SemanticSpecification, Specification
from learnware.testing import make_learnware

WORDS = Specification(SemanticSpecification(name="a name"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 8 MiB; without mount skip, or fail where root runs the tests that must not be left out."""
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("needs root, for a small file system")
    lacking = pytest.fail if os.environ.get("LEARNWARE_REQUIRE_SANDBOX") == "1" else pytest.skip
    if not shutil.which("mount"):
        lacking("needs mount, for a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        lacking(f"mounting a small file system is not allowed here: {mounted.stderr.decode().strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def bundle_files(folder: Path) -> set[str]:
    return {path.name for part in ("blobs", "pending") for path in (folder / part).rglob("*") if path.is_file()}


def until_full(store: DirectoryStore) -> tuple[dict[str, bytes], list[str]]:
    accepted, refused = {}, []
    for number in range(200):
        content = bytes([number]) * (200_000 if number < 100 else 3_000)
        try:
            accepted[store.add(content, WORDS)] = content
        except MarketError as error:
            refused.append(str(error))
    return accepted, refused


def test_a_full_disk_is_named_and_leaves_nothing_half_written(small_disk: Path) -> None:
    folder = small_disk / "market"
    with closing(DirectoryStore(folder)) as store:
        accepted, refused = until_full(store)
        assert len(accepted) > 10
        assert len(refused) > 20
        assert all("Disk full" in said and "Free some space" in said and str(folder) in said for said in refused)
        assert list(store) == list(accepted)
        assert bundle_files(folder) == {hashlib.sha256(content).hexdigest() for content in accepted.values()}
        assert all(store.read(learnware_id) == content for learnware_id, content in accepted.items())
        with pytest.raises(MarketError, match="Disk full"):
            store.replace(next(iter(accepted)), b"x" * 300_000, WORDS)
        assert len(store.revisions(next(iter(accepted)))) == 1


def test_of_many_that_do_not_fit_none_is_kept(small_disk: Path) -> None:
    folder = small_disk / "market"
    with closing(DirectoryStore(folder)) as store:
        kept = store.add_many([(bytes([number]) * 100_000, WORDS) for number in range(10)])
        before = state_of(folder)
        with pytest.raises(MarketError, match="Disk full"):
            store.add_many([(bytes([number]) * 100_000, WORDS) for number in range(5, 100)])
        assert state_of(folder) == before
        assert store.generation() == 10
        kept += store.add_many([(b"small", WORDS), (b"too", WORDS)])
        assert list(store) == kept
    assert check_folder(folder).findings == ()


def fill_up(ballast: Path) -> None:
    with open(ballast, "wb", buffering=0) as file, suppress(OSError):
        while file.write(b"0" * 4096):
            pass
    assert shutil.disk_usage(ballast.parent).free == 0


def test_a_market_goes_on_when_there_is_space_again(small_disk: Path) -> None:
    folder, ballast = small_disk / "market", small_disk / "ballast"
    with Market.open(folder) as market:
        kept = market.submit(make_learnware())
        fill_up(ballast)
        with pytest.raises(MarketError, match="Disk full"):
            market.submit(make_learnware("Another", 3.0))
        assert market.fetch(kept) == make_learnware()
        with pytest.raises(MarketError, match="Disk full"):
            backup(folder, small_disk / "copy")
        ballast.unlink()
        another = market.submit(make_learnware("Another", 3.0))
        assert list(market) == [kept, another]
    assert sorted(path.name for path in small_disk.iterdir()) == ["market"]
    assert fsck(folder).findings == ()


def state_of(folder: Path) -> tuple[dict[str, list[bytes]], set[str]]:
    """Return the bytes of every revision, and the files."""
    with closing(DirectoryStore(folder)) as store:
        held = {i: [store.read(i, revision.digest) for revision in store.revisions(i)] for i in store}
        assert set(store.specifications(held)) == set(held)
        assert [store.read(i) for i in store] == [revisions[-1] for revisions in held.values()]
    return held, bundle_files(folder)


def actions(store: DirectoryStore, learnware_id: str) -> list[Callable[[], object]]:
    return [
        lambda: store.add(b"new", WORDS),
        lambda: store.replace(learnware_id, b"newer", WORDS),
        lambda: store.remove(learnware_id),
        lambda: store.collect_garbage(0),
        lambda: store.add_many([(b"many", WORDS), (b"first", WORDS), (b"many", WORDS), (b"more", WORDS)]),
    ]


@pytest.mark.parametrize("call", ["fsync", "open", "replace", "unlink", "close", "mkdir"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EMFILE, errno.EROFS])
@pytest.mark.parametrize("action", range(5), ids=["add", "replace", "remove", "collect", "many"])
def test_a_call_that_fails_leaves_before_or_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, action: int
) -> None:
    for n_calls in range(60):
        folder = tmp_path / str(n_calls)
        with closing(DirectoryStore(folder)) as store:
            learnware_id = store.add(b"first", WORDS)
            store.remove(store.add(b"gone", WORDS))
            before = state_of(folder)
            with monkeypatch.context() as broken:
                count = failing(broken, call, n_calls, code)
                try:
                    actions(store, learnware_id)[action]()
                    refused = None
                except LearnwareError as error:
                    refused = error
            after = state_of(folder)
            if refused is not None:
                assert isinstance(refused, MarketError)
                assert str(folder) in str(refused)
                assert after[0] == before[0]
                assert after[1] <= before[1]
        assert not (folder / "pending").exists() or not list((folder / "pending").iterdir())
        assert check_folder(folder).findings == ()
        if not count["failed"]:
            return
    pytest.fail("never came to its end")


def failing(broken: pytest.MonkeyPatch, call: str, n_calls: int, code: int) -> dict[str, int]:
    """Let the call number `n_calls` fail, as the system does: what it should do is not done."""
    true, count = getattr(os, call), {"calls": 0, "failed": 0}

    def fail(*arguments: object, **options: object) -> object:
        count["calls"] += 1
        if count["calls"] - 1 == n_calls:
            count["failed"] += 1
            if call == "close":
                true(*arguments)
            raise OSError(code, os.strerror(code))
        return true(*arguments, **options)

    broken.setattr(os, call, fail)
    return count


def test_without_free_descriptors_nothing_is_half_done(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs limits of a Unix")
    folder = tmp_path / "market"
    with closing(DirectoryStore(folder)) as store:
        kept = store.add(b"kept", WORDS)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken = [os.open(os.devnull, os.O_RDONLY)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 1, limits[1]))
        try:
            for use in (lambda: store.add(b"new", WORDS), lambda: store.read(kept), lambda: DirectoryStore(folder)):
                with pytest.raises(MarketError, match=str(folder)):
                    use()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            os.close(taken[0])
        assert list(store) == [kept]
    assert state_of(folder)[0] == {kept: [b"kept"]}
