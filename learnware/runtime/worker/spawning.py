"""Processes are started by one thread that lives as long as this process.

A worker asks to be ended with its parent, and by that the system means the thread that started it.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

from learnware.errors import WorkerCrashed
from learnware.runtime.base import Process

# More than any start takes that ends at all.
_SECONDS = 60.0
_Job = tuple[Callable[[], Process], "Future[Process]"]


class _Spawner:
    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="learnware-spawner", daemon=True).start()

    def start(self, start: Callable[[], Process]) -> Future[Process]:
        future: Future[Process] = Future()
        self._jobs.put((start, future))
        return future

    def _work(self) -> None:
        while True:
            start, future = self._jobs.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(start())
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
                future.set_exception(error)
            # Else the process would be held until the next one is wanted.
            del start, future


_lock = threading.Lock()
_spawner: _Spawner | None = None


def spawn(start: Callable[[], Process]) -> Process:
    """Call `start` in the long-lived thread and return its process.

    Raises
    ------
    WorkerCrashed
        The system has not started it within a minute.
    """
    global _spawner
    with _lock:
        if _spawner is None:
            _spawner = _Spawner()
        spawner = _spawner
        future = spawner.start(start)
    try:
        if not wait([future], _SECONDS).done:
            _give_up(spawner)
            raise WorkerCrashed(
                f"A process for a model must start within {_SECONDS:g} s. This one did not, perhaps because another "
                f"thread of this program forked meanwhile. The next call tries again."
            )
        return future.result()
    except BaseException:
        # Given up, or interrupted while waiting: nobody would end the process any more.
        if not future.cancel():
            future.add_done_callback(_end)
        raise


def _give_up(spawner: _Spawner) -> None:
    """Have the next process started by another thread; the one that hangs stays, for those that it has started."""
    global _spawner
    with _lock:
        if _spawner is spawner:
            _spawner = None


def _end(future: Future[Process]) -> None:
    if future.exception() is None:
        process = future.result()
        process.kill()
        process.wait()
        for pipe in (process.to_worker, process.from_worker, process.errors):
            pipe.close()


def _forget() -> None:
    # Threads do not survive a fork, and the lock may have been held.
    global _lock, _spawner
    _lock, _spawner = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
