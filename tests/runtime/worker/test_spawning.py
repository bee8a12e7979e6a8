"""The thread that starts processes: a start that never ends holds up nobody else."""

from __future__ import annotations

import threading

import pytest

from learnware.errors import WorkerCrashed
from learnware.runtime.worker import spawning
from learnware.runtime.worker.spawning import spawn
from tests.runtime.models import FakeProcess


class Watched(FakeProcess):
    """A process that tells when it was ended."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.ended = threading.Event()

    def wait(self) -> int:
        self.ended.set()
        return 1


@pytest.fixture
def stuck(monkeypatch):
    """Let a start hang in a thread of its own; return its process and what lets go of it."""
    monkeypatch.setattr(spawning, "_spawner", None)
    monkeypatch.setattr(spawning, "_SECONDS", 0.2)
    late, released = Watched(), threading.Event()

    def start() -> Watched:
        released.wait(30)
        return late

    with pytest.raises(WorkerCrashed, match=r"within 0\.2 s"):
        spawn(start)
    yield late, released
    released.set()
    assert late.ended.wait(10), "nobody wants it any more"


def closed(process: FakeProcess) -> None:
    process.kill()
    for pipe in (process.to_worker, process.from_worker, process.errors):
        pipe.close()


def test_the_next_start_goes_ahead(stuck):
    process = Watched()
    assert spawn(lambda: process) is process
    closed(process)


def test_starts_that_waited_behind_it_are_not_made_later(monkeypatch):
    monkeypatch.setattr(spawning, "_SECONDS", 0.2)
    spawner, released, made = spawning._Spawner(), threading.Event(), []
    monkeypatch.setattr(spawning, "_spawner", spawner)
    late, last = Watched(), Watched()
    hanging = spawner.start(lambda: late if released.wait(30) else last)

    def start() -> Watched:
        made.append(1)
        return last

    with pytest.raises(WorkerCrashed):
        spawn(start)
    released.set()
    assert hanging.result(10) is late
    assert spawner.start(lambda: last).result(10) is last
    assert made == []
    for process in (late, last):
        closed(process)


def test_errors_of_a_start_are_raised_where_it_was_asked_for():
    def start() -> FakeProcess:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        spawn(start)
