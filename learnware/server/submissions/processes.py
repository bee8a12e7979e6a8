"""The worker processes of a dock, started again when they end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

_COMMAND = (sys.executable, "-m", "learnware", "worker")

_LOOK_SECONDS = 0.1
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 30.0
# One that lived so long did not die of how it was started.
_LIVED_SECONDS = 60.0
_INTERRUPTED_SECONDS = 5.0


class Workers:
    """Worker processes of a dock.

    Parameters
    ----------
    folder : Path
        The market folder.
    n : int, default=1
        How many.
    isolation : {"auto", "process", "sandbox", "none"}, default="auto"
        Where models run that they verify.
    trust : {"data", "code"}, optional
        What is vouched for.

    Notes
    -----
    They end with this process, even when it is killed: each reads from a pipe that closes then.
    """

    def __init__(self, folder: Path, n: int = 1, *, isolation: str = "auto", trust: str | None = None) -> None:
        options = ["--isolation", isolation, *([] if trust is None else ["--trust", trust])]
        command = [*_COMMAND, str(folder), "--until-stdin-closes", *options]
        self._places = [_Place(command) for _ in range(n)]
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start them and look after them, in a thread, until `stop`."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = Thread(target=self._look_after, name="learnware workers", daemon=True)
            self._thread.start()

    def stop(self, patience: float = 30.0) -> None:
        """Let each finish its submission and end.

        Parameters
        ----------
        patience : float, default=30.0
            Seconds to wait for that; then they give their submissions back to the queue.
        """
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join()
        self._thread = None
        # The second time means: at once.
        for seconds in (patience, _INTERRUPTED_SECONDS):
            end = time.monotonic() + seconds
            for place in self._places:
                place.terminate()
            for place in self._places:
                place.wait(end - time.monotonic())
        for place in self._places:
            place.kill()

    def pids(self) -> list[int]:
        """Return the ids of the processes that run."""
        return [place.process.pid for place in self._places if place.process is not None]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _look_after(self) -> None:
        while not self._stopping.is_set():
            for place in self._places:
                place.tend(time.monotonic())
            self._stopping.wait(_LOOK_SECONDS)


class _Place:
    """A place for one worker process."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._started = 0.0
        self._due = 0.0
        self._pause = _FIRST_PAUSE_SECONDS
        self.process: subprocess.Popen[bytes] | None = None

    def tend(self, now: float) -> None:
        """Start the process if there is none and it is time to."""
        code = None if self.process is None else self.process.poll()
        if code is not None:
            self._end()
            # One that ends by itself has done its share, or was told to.
            self._plan(now, None if code == 0 else f"a worker ended with code {code}")
        if self.process is None and now >= self._due:
            self._started = now
            try:
                self.process = self._start()
            except OSError as error:
                self._plan(now, f"a worker cannot be started: {error}")

    def _plan(self, now: float, fault: str | None) -> None:
        if fault is None or now - self._started > _LIVED_SECONDS:
            self._pause = _FIRST_PAUSE_SECONDS
        self._due = now
        if fault is not None:
            print(f"learnware: {fault}; another starts in {self._pause:.1f} s", file=sys.stderr, flush=True)
            self._due += self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            # What is typed at the dock's terminal is for the dock alone.
            start_new_session=os.name == "posix",
        )

    def terminate(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, seconds: float) -> None:
        if self.process is not None:
            try:
                self.process.wait(max(seconds, 0.0))
            except subprocess.TimeoutExpired:
                return
            self._end()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self._end()

    def _end(self) -> None:
        if self.process is not None:
            if self.process.stdin is not None:
                self.process.stdin.close()
            self.process = None
