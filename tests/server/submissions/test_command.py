"""``learnware worker``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from learnware.cli import main
from learnware.server.submissions.processes import Workers
from learnware.testing import make_learnware
from tests.server.submissions.place import Place
from tests.server.submissions.test_processes import eventually

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


@contextmanager
def worker(place: Place) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command, and wait until it works."""
    command = [sys.executable, "-m", "learnware", "worker", str(place.folder), "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert place.queue.wait(place.send(b"no zip").id, 60.0).state == "failed"
            yield process
        finally:
            process.kill()


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put back the signal handlers that the command sets in this process."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_once_does_what_waits(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    sent = place.send(make_learnware().to_bytes())
    place.send(b"no zip")
    assert main(["worker", str(place.folder), "--once", "--isolation", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"done": 2}
    assert place.queue.get(sent.id).state == "verified"


def test_a_folder_that_is_not_there_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", str(tmp_path / "absent"), "--once"]) == 2
    assert "There is no market folder" in capsys.readouterr().err
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(place: Place, number: int) -> None:
    with worker(place) as process:
        process.send_signal(number)
        assert process.wait(20.0) == 0
        assert process.stdout is not None
        assert process.stdout.read() == b"1 submission(s) verified or failed\n"


def test_the_end_of_its_parent_ends_it(place: Place) -> None:
    with worker(place) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20.0) == 0


def test_killed_in_the_middle_it_is_replaced_and_nothing_is_lost(place: Place) -> None:
    with Workers(place.folder, 1) as workers:
        place.queue.wait(place.send(b"no zip").id, 60.0)
        sent = place.send(make_learnware().to_bytes())
        eventually(lambda: place.queue.get(sent.id).state == "running")
        os.kill(workers.pids()[0], signal.SIGKILL)
        found = place.queue.wait(sent.id, 60.0)
    assert (found.state, found.attempts) == ("verified", 2)
