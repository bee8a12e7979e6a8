"""Turns of writing come to everybody who waits, and end with their process."""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from learnware.errors import MarketError
from learnware.market.store import DirectoryStore
from learnware.market.store.database import Database
from learnware.market.store.turns import Turns
from learnware.specification import SemanticSpecification, Specification
from tests.market.forks import exit_status, in_child, needs_fork

pytestmark = needs_fork

N_WRITERS, SECONDS = 3, 3.0


def write_for_a_while(folder: Path, start: float, answer: Path) -> None:
    written = 0
    with closing(Database(folder / "market.sqlite", writable=True)) as database:
        time.sleep(max(0.0, start - time.monotonic()))
        while time.monotonic() < start + SECONDS:
            # Nothing but the transaction, so that each is back for the next as soon as it can be.
            with database.writing() as connection:
                connection.execute("INSERT INTO changes (id) VALUES ('0')")
            written += 1
    answer.write_text(str(written))


def test_writers_in_a_loop_leave_each_other_a_share(tmp_path: Path) -> None:
    DirectoryStore(tmp_path / "market").close()
    answers = [tmp_path / f"{number}" for number in range(N_WRITERS)]
    start = time.monotonic() + 0.3
    children = [in_child(partial(write_for_a_while, tmp_path / "market", start, answer)) for answer in answers]
    assert [exit_status(child) for child in children] == [0] * N_WRITERS
    written = [int(answer.read_text()) for answer in answers]
    assert min(written) >= sum(written) / N_WRITERS / 4, written


def test_a_turn_ends_with_its_process(tmp_path: Path) -> None:
    reader, writer = os.pipe()

    def hold() -> None:
        with Turns(tmp_path).taken(1.0):
            os.write(writer, b".")
            time.sleep(60)

    child = in_child(hold)
    os.read(reader, 1)
    with pytest.raises(MarketError, match=r"busy.*Try again"), Turns(tmp_path).taken(0.05):
        pass
    os.kill(child, signal.SIGKILL)
    exit_status(child)
    with Turns(tmp_path).taken(1.0):
        pass
    os.close(reader)
    os.close(writer)


def test_who_waits_comes_before_who_had_a_turn(tmp_path: Path) -> None:
    reader, writer = os.pipe()

    def want() -> None:
        os.write(writer, b"?")
        with Turns(tmp_path).taken(10.0):
            os.write(writer, b"!")
            time.sleep(0.05)

    with Turns(tmp_path).taken(1.0):
        child = in_child(want)
        os.read(reader, 1)
        time.sleep(0.1)
    with Turns(tmp_path).taken(10.0):
        os.set_blocking(reader, False)
        assert os.read(reader, 1) == b"!"
    assert exit_status(child) == 0
    os.close(reader)
    os.close(writer)


def test_no_turn_is_left_after_a_failure(tmp_path: Path) -> None:
    turns = Turns(tmp_path)
    for _ in range(2):
        with pytest.raises(KeyError), turns.taken(0.0):
            raise KeyError
    open_files = Path("/proc/self/fd")
    if open_files.exists():
        names = [os.readlink(path) for path in open_files.iterdir() if path.exists()]
        assert not [name for name in names if name.startswith(str(tmp_path))]


def test_without_locks_of_the_system_sqlite_has_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.market.store.turns.fcntl", None)
    monkeypatch.setattr("learnware.market.store.blobs.CAN_LOCK", False)
    with closing(DirectoryStore(tmp_path / "market")) as store:
        learnware_id = store.add(b"bundle", Specification(SemanticSpecification(name="name")))
        assert store.read(learnware_id) == b"bundle"
