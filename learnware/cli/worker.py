"""The command that verifies what was uploaded to a dock."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path
from threading import Event, Thread
from types import FrameType

from learnware.cli.answer import Answer
from learnware.cli.commands import Commands, add_run_options


def add_commands(commands: Commands) -> None:
    """Add ``worker``."""
    worker = commands.add(_worker, "worker", "verify what is uploaded to the dock of a market folder, until stopped")
    worker.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    worker.add_argument("--once", action="store_true", help="end when nothing waits any more")
    worker.add_argument("--until-stdin-closes", action="store_true", help="end with the process that started it")
    add_run_options(worker)


def _worker(arguments: argparse.Namespace) -> Answer:
    from learnware.bundle import Policy
    from learnware.server.submissions.worker import Worker

    if not arguments.market.is_dir():
        raise NotADirectoryError(f"There is no market folder {str(arguments.market)!r}. `learnware serve` makes one.")
    stop = Event()
    _stop_on_signals(stop)
    if arguments.until_stdin_closes:
        Thread(target=_stop_at_end_of_stdin, args=(stop,), daemon=True).start()
    with Worker(arguments.market, Policy(arguments.isolation, arguments.trust)) as worker:
        done = worker.run(stop, once=arguments.once)
    return Answer(f"{done} submission(s) verified or failed", {"done": done})


def _stop_on_signals(stop: Event) -> None:
    asked = Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            # For the second time: what is at hand goes back into the queue.
            raise KeyboardInterrupt
        asked.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def _stop_at_end_of_stdin(stop: Event) -> None:
    # Not by sys.stdin, whose lock the interpreter would wait for when it ends.
    while os.read(0, 4096):
        pass
    stop.set()
