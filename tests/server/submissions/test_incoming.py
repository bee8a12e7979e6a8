"""Uploads on their way in: whole or gone, and nothing left behind."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from pathlib import Path

import pytest

from learnware.errors import LimitExceeded, MarketError
from learnware.server.submissions.incoming import Incoming
from tests.market.forks import exit_status, in_child, needs_fork
from tests.server.submissions.place import HOUR


@pytest.fixture
def incoming(tmp_path: Path) -> Incoming:
    return Incoming(tmp_path / "market")


def keep(incoming: Incoming, submission_id: str, age: float = 0.0) -> Path:
    with incoming.open(100) as upload:
        upload.write(b"bytes")
        upload.keep(submission_id)
    path = incoming.path(submission_id)
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_a_kept_upload_has_its_name_and_bytes(incoming: Incoming) -> None:
    with incoming.open(100) as upload:
        upload.write(b"some ")
        upload.write(b"bytes")
        upload.keep("some-id")
    assert incoming.path("some-id").read_bytes() == b"some bytes"
    assert (upload.size, upload.digest) == (10, hashlib.sha256(b"some bytes").hexdigest())
    assert [path.name for path in incoming.path("x").parent.iterdir()] == ["some-id.zip"]
    incoming.discard("some-id")
    incoming.discard("some-id")
    assert not incoming.path("some-id").exists()


def test_nobody_else_may_look(incoming: Incoming) -> None:
    path = keep(incoming, "some-id")
    assert [p.stat().st_mode & 0o777 for p in (path, path.parent, incoming.dock)] == [0o600, 0o700, 0o700]


def test_an_upload_that_is_left_leaves_nothing(incoming: Incoming) -> None:
    with incoming.open(100) as upload:
        upload.write(b"half of it")
    assert not list(incoming.path("x").parent.iterdir())


def test_too_many_bytes_are_refused(incoming: Incoming) -> None:
    with incoming.open(10) as upload:
        upload.write(b"x" * 10)
        with pytest.raises(LimitExceeded, match="at most 10 bytes") as refused:
            upload.write(b"x")
    assert refused.value.code == "archive-size"
    assert upload.size == 10


def test_the_disk_has_the_bytes_before_the_name(incoming: Incoming, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (calls.append("fsync"), fsync(descriptor))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), replace(a, b))[1])
    keep(incoming, "first")
    calls.clear()
    keep(incoming, "second")
    assert calls == ["fsync", "replace", "fsync"]


def test_a_full_disk_is_told_as_such(incoming: Incoming, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with incoming.open(100) as upload:
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(MarketError, match="Disk full"):
            upload.write(b"bytes")
        monkeypatch.undo()
    assert not list(incoming.path("x").parent.iterdir())


def test_a_disk_that_takes_a_little_at_a_time_gets_all(incoming: Incoming, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    assert keep(incoming, "some-id").read_bytes() == b"bytes"


def test_a_sweep_deletes_old_files_that_nobody_knows(incoming: Incoming) -> None:
    known, old, young = keep(incoming, "known", 2 * HOUR), keep(incoming, "old", 2 * HOUR), keep(incoming, "young")
    assert incoming.sweep({"known"}) == 1
    assert [path.exists() for path in (known, old, young)] == [True, False, True]
    assert incoming.sweep(set(), forgotten_seconds=0.0) == 2


def test_a_sweep_spares_what_is_coming_in(incoming: Incoming) -> None:
    with incoming.open(100) as coming, incoming.open(100) as kept:
        kept.write(b"bytes")
        kept.keep("kept")
        # Its row is being written; that may take long.
        assert incoming.sweep(set(), forgotten_seconds=-HOUR) == 0
        coming.keep("coming")
    assert incoming.path("kept").exists()
    assert incoming.path("coming").exists()


def test_an_upload_that_came_slowly_is_young(incoming: Incoming) -> None:
    with incoming.open(100) as upload:
        part = next(incoming.path("x").parent.iterdir())
        os.utime(part, (0, 0))
        upload.keep("slow")
    assert incoming.sweep(set()) == 0


def test_a_sweep_without_a_folder_does_nothing(incoming: Incoming) -> None:
    assert incoming.sweep(set()) == 0


class TestDeadProcesses:
    """What a process leaves that is killed while it receives."""

    pytestmark = needs_fork

    def test_an_unfinished_upload_of_a_dead_process_is_swept(self, incoming: Incoming) -> None:
        def die() -> None:
            incoming.open(100).write(b"half of it")
            os._exit(0)

        assert exit_status(in_child(die)) == 0
        assert [path.suffix for path in incoming.path("x").parent.iterdir()] == [".part"]
        assert incoming.sweep(set()) == 1
        assert not list(incoming.path("x").parent.iterdir())
