"""Pipes with deadlines, in both ways of waiting for them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from learnware.runtime.worker.connection import Connection, Ended, Expired, PolledConnection, ThreadedConnection
from learnware.runtime.worker.process import LocalProcess

ECHO = "import os\nwhile True:\n    os.write(1, os.read(0, 2**16))"


def start(program: str) -> LocalProcess:
    command = [sys.executable, "-I", "-S", "-c", program]
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return LocalProcess(subprocess.Popen(command, bufsize=0, start_new_session=True, **pipes))


@pytest.fixture(params=[PolledConnection, ThreadedConnection])
def connected(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a function that starts a program and connects to it."""
    started: list[tuple[LocalProcess, Connection]] = []

    def connect(program: str) -> tuple[LocalProcess, Connection]:
        process = start(program)
        started.append((process, request.param(process)))
        return started[-1]

    yield connect
    for process, connection in started:
        process.kill()
        process.wait()
        connection.close()


def soon(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def test_bytes_go_there_and_back(connected: Any) -> None:
    _, connection = connected(ECHO)
    for size in (1, 5, 60_000):
        data = os.urandom(size)
        connection.send(data, soon())
        assert connection.receive(size, soon()) == data
    assert connection.quiet()


def test_more_than_a_pipe_holds(connected: Any) -> None:
    _, connection = connected("import sys; data = sys.stdin.buffer.read(5_000_000); sys.stdout.buffer.write(data)")
    data = os.urandom(5_000_000)
    connection.send(data, soon())
    assert connection.receive(len(data), soon()) == data


def test_nobody_answers(connected: Any) -> None:
    _, connection = connected("import time; time.sleep(60)")
    before = time.monotonic()
    with pytest.raises(Expired):
        connection.receive(1, soon(0.1))
    assert time.monotonic() - before < 5


def test_nobody_reads(connected: Any) -> None:
    _, connection = connected("import time; time.sleep(60)")
    with pytest.raises(Expired):
        connection.send(bytes(10**6), soon(0.2))


def test_the_end_while_reading_and_writing(connected: Any) -> None:
    process, connection = connected("import os; os.write(1, b'ab')")
    with pytest.raises(Ended):
        connection.receive(3, soon())
    process.wait()
    assert not connection.quiet()
    with pytest.raises(Ended):
        connection.send(bytes(10**6), soon())


def test_the_last_words_are_kept_and_made_harmless(connected: Any) -> None:
    process, connection = connected(
        "import os; [os.write(2, b'x' * 1000) for _ in range(200)]; os.write(2, b'end\\x1b\\xff')"
    )
    with pytest.raises(Ended):
        connection.receive(1, soon())
    process.wait()
    tail = connection.tail()
    assert tail.endswith("xend��")
    assert len(tail.encode()) <= 2**16 + 6


def test_a_flood_of_errors_holds_nobody_up(connected: Any) -> None:
    _, connection = connected("import os; [os.write(2, b'x' * 2**16) for _ in range(100)]; os.write(1, b'done')")
    assert connection.receive(4, soon()) == b"done"


def test_closed_errors_do_not_spin(connected: Any) -> None:
    _, connection = connected("import os, time; os.close(2); time.sleep(0.5); os.write(1, b'done')")
    before = time.process_time()
    assert connection.receive(4, soon()) == b"done"
    assert time.process_time() - before < 0.3


def test_a_descendant_that_keeps_the_pipes_holds_nobody_up(connected: Any) -> None:
    process, connection = connected(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.write(1, b'x')\n    time.sleep(2)"
    )
    assert connection.receive(1, soon()) == b"x"
    process.kill()
    process.wait()
    before = time.monotonic()
    with pytest.raises(Expired):
        connection.receive(1, soon(0.1))
    connection.tail()
    connection.close()
    assert time.monotonic() - before < 1.9


def test_reading_threads_end(connected: Any) -> None:
    before = threading.active_count()
    process, connection = connected(ECHO)
    process.kill()
    process.wait()
    connection.close()
    assert threading.active_count() <= before
