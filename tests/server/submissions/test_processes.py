"""Worker processes: as many as there should be, and none that outlives the dock."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import pytest

from learnware.server.submissions import processes
from learnware.server.submissions.processes import Workers
from tests.market.forks import exit_status, in_child, needs_fork

pytestmark = [*needs_fork, pytest.mark.skipif(sys.platform == "win32", reason="needs signals")]

Started: TypeAlias = Callable[[], list[int]]
Doing: TypeAlias = Callable[[str], None]

# Stands in for the command, which takes a second to start: notes that it began, and does as it is told.
OBEDIENT = "import os, sys; open(os.path.join(sys.argv[1], str(os.getpid())), 'w').close(); {then}"
UNTIL_STDIN_CLOSES = "sys.stdin.read()"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[], list[int]]]:
    """Return a function that lists the processes that began, and end them all afterwards."""

    def started() -> list[int]:
        return [int(path.name) for path in sorted(tmp_path.iterdir(), key=os.path.getmtime)]

    yield started
    for pid in started():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def doing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def doing(then: str) -> None:
        monkeypatch.setattr(processes, "_COMMAND", (sys.executable, "-S", "-c", OBEDIENT.format(then=then)))

    return doing


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_so_many_run_until_they_are_stopped(tmp_path: Path, started: Started, doing: Doing) -> None:
    doing(UNTIL_STDIN_CLOSES)
    workers = Workers(tmp_path, 2)
    assert workers.pids() == []
    with workers:
        workers.start()  # once more changes nothing
        eventually(lambda: len(started()) == 2)
        assert sorted(workers.pids()) == sorted(started())
        time.sleep(0.3)
        assert len(started()) == 2
    assert workers.pids() == []
    assert not any(map(lives, started()))
    workers.stop()


def test_one_that_is_killed_is_replaced(tmp_path: Path, started: Started, doing: Doing) -> None:
    doing(UNTIL_STDIN_CLOSES)
    with Workers(tmp_path, 1) as workers:
        eventually(lambda: len(started()) == 1)
        os.kill(started()[0], signal.SIGKILL)
        eventually(lambda: len(started()) == 2)
        eventually(lambda: workers.pids() == started()[1:])


def test_one_that_dies_again_and_again_is_replaced_ever_more_slowly(
    tmp_path: Path, started: Started, doing: Doing, capfd: pytest.CaptureFixture[str]
) -> None:
    doing("sys.exit(2)")
    with Workers(tmp_path, 1):
        eventually(lambda: capfd.readouterr().err.count("ended with code 2") > 0)
        time.sleep(1.5)
    # After 0.1, 0.2, 0.4 and 0.8 seconds.
    assert 2 <= len(started()) <= 5


def test_one_that_has_done_its_share_is_replaced_at_once(tmp_path: Path, started: Started, doing: Doing) -> None:
    doing("sys.exit(0)")
    with Workers(tmp_path, 1):
        eventually(lambda: len(started()) >= 8, 8.0)


def test_a_command_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "_COMMAND", (str(tmp_path / "absent"),))
    told: list[str] = []
    with Workers(tmp_path, 1) as workers:
        eventually(lambda: told.append(capfd.readouterr().err) or "".join(told).count("cannot be started") >= 2)
        assert workers.pids() == []


def test_the_pause_has_an_end_and_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    place, pauses = processes._Place([sys.executable, "-S", "-c", "import sys; sys.exit(2)"]), []
    now = 0.0
    for _ in range(12):
        place.tend(now)
        assert place.process is not None
        place.process.wait()
        place.tend(now)
        assert place.process is None
        pauses.append(place._due - now)
        place.tend(place._due - 0.001)
        assert place.process is None
        now = place._due
    assert [round(pause, 3) for pause in pauses[:4]] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-2:] == [30.0, 30.0]
    place.tend(now)
    assert place.process is not None
    place.process.wait()
    place.tend(now + 61.0)
    assert place._due - (now + 61.0) == pytest.approx(0.1)


def test_they_end_with_a_parent_that_is_killed(tmp_path: Path, started: Started, doing: Doing) -> None:
    doing(UNTIL_STDIN_CLOSES)

    def serve() -> None:
        Workers(tmp_path, 2).start()
        time.sleep(60.0)

    parent = in_child(serve)
    eventually(lambda: len(started()) == 2)
    assert all(map(lives, started()))
    os.kill(parent, signal.SIGKILL)
    assert exit_status(parent) == -signal.SIGKILL
    eventually(lambda: not any(map(lives, started())))


def test_one_that_cannot_be_waited_for_is_told_twice(tmp_path: Path, started: Started, doing: Doing) -> None:
    doing(
        "import signal, time; told = []; "
        "signal.signal(signal.SIGTERM, lambda *_: told.append(1) or len(told) < 2 or "
        "(open(sys.argv[1] + '/0', 'w').close(), sys.exit(0))); "
        "open(sys.argv[1] + '/1', 'w').close(); [time.sleep(1) for _ in range(60)]"
    )
    workers = Workers(tmp_path, 1)
    workers.start()
    eventually(lambda: (tmp_path / "1").exists())
    start = time.monotonic()
    workers.stop(patience=0.2)
    assert (tmp_path / "0").exists()
    assert time.monotonic() - start < 5.0
    for name in "01":
        (tmp_path / name).unlink()


def test_one_that_does_not_listen_is_killed(
    tmp_path: Path, started: Started, doing: Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_INTERRUPTED_SECONDS", 0.2)
    doing(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "open(sys.argv[1] + '/1', 'w').close(); time.sleep(60)"
    )
    workers = Workers(tmp_path, 1)
    workers.start()
    eventually(lambda: (tmp_path / "1").exists())
    (tmp_path / "1").unlink()
    workers.stop(patience=0.2)
    assert not any(map(lives, started()))


def test_what_they_are_told(tmp_path: Path) -> None:
    workers = Workers(tmp_path, 1, isolation="process", trust="data")
    assert workers._places[0]._command == [
        *(sys.executable, "-m", "learnware", "worker", str(tmp_path), "--until-stdin-closes"),
        *("--isolation", "process", "--trust", "data"),
    ]
