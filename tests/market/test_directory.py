"""The folder market keeps the contracts, and its files survive what happens to files."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from learnware.errors import (
    ChecksumMismatch,
    InvalidParameter,
    InvalidSpecification,
    LearnwareNotFound,
    MarketError,
    MarketNotWritable,
    NewerFormat,
)
from learnware.market import Market
from learnware.market.store import GRACE_SECONDS, DirectoryStore, Store
from learnware.specification import RKME, PointLabels, SemanticSpecification, Specification
from learnware.testing import MarketContract, StoreContract
from tests.market.forks import exit_status, in_child, needs_fork

SPECIFICATION = Specification(SemanticSpecification(name="a name"))


class TestDirectoryStore(StoreContract):
    def open_store(self, folder: Path) -> Store:
        return DirectoryStore(folder)


class TestDirectoryMarket(MarketContract):
    def open_market(self, folder: Path) -> Market:
        return Market.open(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "market"


@pytest.fixture
def store(folder: Path) -> Iterator[DirectoryStore]:
    with closing(DirectoryStore(folder)) as opened:
        yield opened


def files_of(folder: Path) -> list[str]:
    """Return every file that belongs to bundles, stored or on the way."""
    return sorted(p.name for part in ("blobs", "pending") for p in (folder / part).rglob("*") if p.is_file())


def blob_of(folder: Path) -> Path:
    (path,) = (path for path in (folder / "blobs").rglob("*") if path.is_file())
    return path


def test_a_bundle_lies_under_its_sha256_and_leaves_with_its_last_id(store: DirectoryStore, folder: Path) -> None:
    ids = [store.add(b"same", SPECIFICATION), store.add(b"same", SPECIFICATION)]
    digest = "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5"
    assert files_of(folder) == [digest]
    assert blob_of(folder).parent.name == digest[:2]
    store.remove(ids[0])
    assert store.collect_garbage(0) == 0
    assert files_of(folder) == [digest]
    store.replace(ids[1], b"same", SPECIFICATION)
    store.remove(ids[1])
    assert files_of(folder) == [digest]
    assert store.collect_garbage(0) == 1
    assert files_of(folder) == []


def test_a_changed_bit_is_noticed_and_storing_again_heals_it(store: DirectoryStore, folder: Path) -> None:
    learnware_id = store.add(b"bundle", SPECIFICATION)
    for position in range(6):
        content = bytearray(b"bundle")
        content[position] ^= 1 << position
        blob_of(folder).write_bytes(content)
        with pytest.raises(ChecksumMismatch, match="sha256"):
            store.read(learnware_id)
    store.add(b"bundle", SPECIFICATION)
    assert store.read(learnware_id) == b"bundle"


def test_a_lost_bundle_is_named(store: DirectoryStore, folder: Path) -> None:
    learnware_id = store.add(b"bundle", SPECIFICATION)
    blob_of(folder).unlink()
    with pytest.raises(MarketError, match=learnware_id):
        store.read(learnware_id)
    store.remove(learnware_id)
    assert len(store) == 0


@pytest.mark.parametrize(
    ("step", "place"),
    [("write", "file"), ("fsync", "file"), ("replace", "name"), ("fsync", "folder"), ("open", "claim")],
)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EMFILE])
def test_a_disk_that_fails_at_any_step_leaves_nothing(
    store: DirectoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, place: str, code: int
) -> None:
    kept = store.add(b"kept", SPECIFICATION)
    before = files_of(folder)
    _break(monkeypatch, step, place, OSError(code, os.strerror(code)))
    expected = MarketNotWritable if code in (errno.EACCES, errno.EROFS) else MarketError
    with pytest.raises(expected, match=str(folder)):
        store.add(b"new", SPECIFICATION)
    with pytest.raises(expected, match=str(folder)):
        store.replace(kept, b"new", SPECIFICATION)
    monkeypatch.undo()
    assert list(store) == [kept]
    assert store.read(kept) == b"kept"
    assert files_of(folder) == before
    assert store.changes(0).generation == 1


def _break(monkeypatch: pytest.MonkeyPatch, step: str, place: str, error: OSError) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    if step == "write":
        monkeypatch.setattr("learnware.market.store.blobs.open", fail, raising=False)
    elif place == "folder":
        monkeypatch.setattr("learnware.market.store.blobs.sync_folder", fail)
    else:
        monkeypatch.setattr(f"learnware.market.store.blobs.os.{step}", fail)


def test_what_a_dead_writer_left_is_swept_and_a_live_writer_keeps_its_own(folder: Path) -> None:
    with closing(DirectoryStore(folder)) as first:
        kept = first.add(b"kept", SPECIFICATION)
        live = first._blobs.claim("a" * 64)
        live.write(b"on the way")
        dead = first._blobs.claim("b" * 64)
        dead.write(b"never finished")
        dead.release()
        published = first._blobs.claim("c" * 64)
        published.write(b"without a row")
        published.publish()
        published.release()
        with closing(DirectoryStore(folder)) as second:
            assert second.read(kept) == b"kept"
            assert [name.partition(".")[0] for name in files_of(folder)] == [blob_of(folder).name, "a" * 64, "a" * 64]
        live.publish()
        live.clear()
        assert "a" * 64 in files_of(folder)


def test_what_a_writer_of_many_left_is_swept_as_a_whole(folder: Path) -> None:
    digests = [letter * 64 for letter in "abcdef"]
    with closing(DirectoryStore(folder)) as first:
        kept = first.add_many([(b"one", SPECIFICATION), (b"two", SPECIFICATION)])
        before = files_of(folder)
        of_kept = [first.revisions(learnware_id)[0].digest for learnware_id in kept]
        live = first._blobs.claim(*digests[:2])
        live.write(b"on", b"the way")
        written = first._blobs.claim(*digests[2:4])
        written.write(b"never", b"finished")
        written.release()
        published = first._blobs.claim(*digests[4:], of_kept[0])
        published.write(b"without", b"a row", b"one")
        published.publish()
        published.release()
        (folder / "pending" / "many.0123").write_text(f"../../x\n{of_kept[1]}\n{'g' * 64}\n")
        with closing(DirectoryStore(folder)) as second:
            assert [second.read(learnware_id) for learnware_id in kept] == [b"one", b"two"]
        left = [name for name in files_of(folder) if name not in before]
        assert [name.partition(".")[0] for name in left] == [digests[0], digests[1], "many"]
        live.publish()
        live.clear()
        assert files_of(folder) == sorted([*before, *digests[:2]])


@pytest.mark.parametrize("n_items", [1, 3, 40])
def test_the_disk_is_waited_for_before_a_row_is_written(
    store: DirectoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch, n_items: int
) -> None:
    synced, waited, seen = os.fsync, set(), []

    def wait(descriptor: int) -> None:
        synced(descriptor)
        waited.add(os.fstat(descriptor).st_ino)

    def enter(*arguments: object) -> None:
        blobs = folder / "blobs"
        seen.append(all(path.stat().st_ino in waited for path in [blobs, *blobs.rglob("*")]))

    monkeypatch.setattr(os, "fsync", wait)
    monkeypatch.setattr("learnware.market.store.directory.enter_learnware", enter)
    store.add_many([(b"%d" % number, SPECIFICATION) for number in range(n_items)])
    assert seen == [True] * n_items


@pytest.mark.parametrize("n_done", [1, 10, 50])
def test_of_many_that_the_disk_fails_to_take_nothing_stays(
    store: DirectoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch, n_done: int
) -> None:
    synced, calls = os.fsync, iter(range(1000))

    def fail(descriptor: int) -> None:
        if next(calls) >= n_done:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        synced(descriptor)

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(MarketError, match="Input/output"):
            store.add_many([(b"%d" % number, SPECIFICATION) for number in range(40)])
    assert (files_of(folder), list(store)) == ([], [])
    assert len(store.add_many([(b"%d" % number, SPECIFICATION) for number in range(40)])) == len(store) == 40


@pytest.mark.parametrize("n_done", [0, 1, 2])
def test_a_claim_whose_list_could_not_be_written_is_given_up(
    store: DirectoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch, n_done: int
) -> None:
    synced, calls = os.fsync, iter(range(100))

    def fail(descriptor: int) -> None:
        if next(calls) == n_done:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        synced(descriptor)

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(MarketError, match="Disk full"):
            store.add_many([(b"one", SPECIFICATION), (b"two", SPECIFICATION)])
    assert (files_of(folder), list(store)) == ([], [])


def test_nothing_that_is_done_often_walks_through_all_rows(folder: Path) -> None:
    with closing(DirectoryStore(folder)) as store:
        ids = store.add_many([(b"one", SPECIFICATION), (b"two", SPECIFICATION), (b"three", SPECIFICATION)])
        store.remove(ids[2])
    said: list[str] = []
    with closing(DirectoryStore(folder)) as store:
        connection = store._database._connection
        assert connection is not None
        connection.set_trace_callback(said.append)
        assert (len(store), ids[0] in store, ids[2] in store, store.generation()) == (2, True, False, 4)
        store._garbage.collect_some(GRACE_SECONDS)
        store.numbered(store.ids_of(store.numbers_of(ids).values()))
        store.changes(2, 10)
        store.holders([store.revisions(ids[0])[0].digest])
        store.add(b"four", SPECIFICATION)
        with pytest.raises(LearnwareNotFound, match=ids[0]):
            store.read(ids[0][:-1] + "x")
        with pytest.raises(LearnwareNotFound, match="removed"):
            store.read(ids[2])
        connection.set_trace_callback(None)
        plans = {
            one: connection.execute(f"EXPLAIN QUERY PLAN {one}").fetchall() for one in set(said) if "BEGIN" not in one
        }
    steps = [(one, row[3]) for one, plan in plans.items() for row in plan]
    assert len(steps) > 20
    walks = [(one, step) for one, step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    assert [step for _, step in walks if step not in ("SCAN tally", "SCAN CONSTANT ROW")] == []


@needs_fork[0]
@needs_fork[1]
def test_a_reader_without_write_permission_reads_and_is_refused_writing() -> None:
    parent = Path(tempfile.mkdtemp())
    folder = parent / "market"
    try:
        with closing(DirectoryStore(folder)) as store:
            learnware_id = store.add(b"bundle", SPECIFICATION)
        for path in [parent, folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        assert _as_nobody(lambda: _read_only(folder, learnware_id)) == 0
        # Beside a writer that has the folder open, too.
        folder.chmod(0o755)
        with closing(DirectoryStore(folder)) as store:
            second = store.add(b"second", SPECIFICATION)
            assert _as_nobody(lambda: _read_only(folder, learnware_id, second)) == 0
    finally:
        for path in [parent, *parent.rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(parent)


def _read_only(folder: Path, *ids: str) -> None:
    with closing(DirectoryStore(folder)) as store:
        assert list(store) == list(ids)
        assert store.read(ids[0]) == b"bundle"
        assert store.specifications(ids)[ids[0]] == SPECIFICATION
        with pytest.raises(MarketNotWritable):
            store.add(b"new", SPECIFICATION)
        with pytest.raises(MarketNotWritable):
            store.remove(ids[0])
    with pytest.raises(MarketNotWritable):
        DirectoryStore(folder / "deeper" / "market")


def _as_nobody(work: Callable[[], None]) -> int:
    """Run in a child without root's powers, which no permission binds; return its exit status."""

    def powerless() -> None:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        work()

    return exit_status(in_child(powerless))


def test_a_newer_format_is_refused(folder: Path) -> None:
    DirectoryStore(folder).close()
    (folder / "market.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(NewerFormat, match="Upgrade learnware"):
        DirectoryStore(folder)


def test_newer_tables_are_refused(folder: Path) -> None:
    DirectoryStore(folder).close()
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerFormat, match="Upgrade learnware"):
        DirectoryStore(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "1"}', "\x00\xff"])
def test_a_broken_marker_is_refused(folder: Path, content: str) -> None:
    DirectoryStore(folder).close()
    (folder / "market.json").write_text(content)
    with pytest.raises(MarketError):
        DirectoryStore(folder)


def test_a_broken_database_is_refused(folder: Path) -> None:
    DirectoryStore(folder).close()
    (folder / "market.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(MarketError, match="database"):
        DirectoryStore(folder)


def test_a_lost_database_is_refused_while_there_are_bundles(folder: Path) -> None:
    with closing(DirectoryStore(folder)) as store:
        store.add(b"bundle", SPECIFICATION)
    (folder / "market.sqlite").unlink()
    with pytest.raises(MarketError, match="lost its database"):
        DirectoryStore(folder)


def test_a_folder_of_other_files_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(MarketError, match="no market"):
        DirectoryStore(tmp_path)
    with pytest.raises(MarketError, match="is a file"):
        DirectoryStore(tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_creation_that_died_is_finished(folder: Path) -> None:
    folder.mkdir()
    (folder / "market.json.0123").write_text("{")
    with closing(DirectoryStore(folder)) as store:
        assert len(store) == 0


def test_a_closed_market_says_so(folder: Path) -> None:
    market = Market.open(folder)
    market.close()
    with pytest.raises(MarketError, match="closed"):
        len(market)


def test_a_folder_that_vanished_is_named(store: DirectoryStore, folder: Path) -> None:
    learnware_id = store.add(b"bundle", SPECIFICATION)
    shutil.rmtree(folder)
    for use in (lambda: store.add(b"new", SPECIFICATION), lambda: store.read(learnware_id)):
        with pytest.raises(MarketError, match=str(folder)):
            use()


def test_a_folder_may_be_moved(folder: Path, tmp_path: Path) -> None:
    with closing(DirectoryStore(folder)) as store:
        learnware_id = store.add(b"bundle", SPECIFICATION)
    folder.rename(tmp_path / "elsewhere")
    with closing(DirectoryStore(tmp_path / "elsewhere")) as store:
        assert store.read(learnware_id) == b"bundle"


@pytest.mark.parametrize("location", ["ftp://dock.example.org", "s3://bucket/market", 3, ""])
def test_other_places_are_refused(location: object) -> None:
    with pytest.raises(InvalidParameter, match="location"):
        Market.open(location)  # type: ignore[arg-type]


def test_a_token_needs_a_remote_market() -> None:
    with pytest.raises(InvalidParameter, match="token"):
        Market.open(token="lw_0")


def test_numbers_of_a_set_that_was_asked_about_before_are_those_of_now(store: DirectoryStore) -> None:
    first, second, third = store.add_many([(b"%d" % i, SPECIFICATION) for i in range(3)])
    asked = frozenset((first, second))
    assert store.numbers_of(asked) == {first: 1, second: 2}
    store.numbers_of(asked).clear()
    assert store.numbers_of(frozenset((first, second))) == {first: 1, second: 2}
    store.replace(first, b"new", SPECIFICATION)
    assert store.numbers_of(asked) == {first: 4, second: 2}
    store.remove(second)
    assert store.numbers_of(asked) == {first: 4}
    for some in ({first}, {third}, {first, third}, {second}, set[str](), {first, second, third}):
        assert set(store.numbers_of(frozenset(some))) == some - {second}


def test_a_set_is_looked_up_once_while_nothing_changes(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = frozenset(store.add_many([(b"%d" % i, SPECIFICATION) for i in range(3)]))
    asked: list[tuple[object, ...]] = []
    real = store._database.rows
    monkeypatch.setattr(store._database, "rows", lambda query, values=(): asked.append(values) or real(query, values))
    for _ in range(5):
        assert store.numbers_of(ids).keys() == ids
    assert len([values for values in asked if values]) == 1


def test_half_characters_are_refused_by_name(store: DirectoryStore) -> None:
    points = RKME.from_data(np.arange(20.0)[:, None], 2, random_state=0)
    labelled = replace(points, labels=PointLabels(np.full((2, 2), 0.5), ("a\ud800", "b")))
    with pytest.raises(InvalidSpecification, match="UTF-8 can write.*leave it out"):
        store.add(b"bytes", Specification(SemanticSpecification(name="a name"), labelled))
    assert len(store) == 0
