"""Bytes to and from a worker, each within a deadline, and the last that it wrote to its standard error."""

from __future__ import annotations

import os
import select
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import BinaryIO

from learnware.runtime.base import Process
from learnware.runtime.worker.failures import clean

_TAIL_BYTES = 64 * 2**10
_AT_ONCE = 2**20
_LAST_WORDS_SECONDS = 0.3


class Ended(Exception):
    """The worker has closed its side."""


class Expired(Exception):
    """The deadline has passed."""


class Connection(ABC):
    """The three pipes of a worker.

    Parameters
    ----------
    process : Process
        The worker.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._tail = bytearray()

    @abstractmethod
    def send(self, data: bytes | bytearray, deadline: float) -> None:
        """Write all of `data` before `deadline`, a time of `time.monotonic`; raise `Ended` or `Expired`."""

    @abstractmethod
    def receive(self, n_bytes: int, deadline: float) -> bytes:
        """Read exactly so many bytes before `deadline`; raise `Ended` or `Expired`."""

    @abstractmethod
    def quiet(self) -> bool:
        """Tell whether the worker is there and has said nothing that nobody asked for."""

    def tail(self) -> str:
        """Return the last lines of its standard error, without control characters."""
        return clean(bytes(self._tail).decode("utf-8", "replace"))

    def close(self) -> None:
        """Stop waiting and close the pipes."""
        self.close_pipes()

    def close_pipes(self) -> None:
        """Close the pipes, which must be in use by nobody."""
        for pipe in (self._process.to_worker, self._process.from_worker, self._process.errors):
            pipe.close()

    def _keep(self, said: bytes) -> None:
        self._tail += said
        del self._tail[:-_TAIL_BYTES]


class PolledConnection(Connection):
    """Waits for the pipes themselves, so that not even a descendant that keeps them open can hold a caller up."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._to, self._from, self._errors = (
            pipe.fileno() for pipe in (process.to_worker, process.from_worker, process.errors)
        )
        self._writing, self._reading = select.poll(), select.poll()
        for file in (self._to, self._from, self._errors):
            os.set_blocking(file, False)
        self._writing.register(self._to, select.POLLOUT)
        self._reading.register(self._from, select.POLLIN)
        for poll in (self._writing, self._reading):
            poll.register(self._errors, select.POLLIN)
        self._errors_open = True

    def send(self, data: bytes | bytearray, deadline: float) -> None:
        left = memoryview(data)
        while left:
            self._wait(self._writing, self._to, deadline)
            try:
                left = left[os.write(self._to, left[:_AT_ONCE]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Ended from error

    def receive(self, n_bytes: int, deadline: float) -> bytes:
        parts = []
        while n_bytes:
            self._wait(self._reading, self._from, deadline)
            part = os.read(self._from, min(n_bytes, _AT_ONCE))
            if not part:
                raise Ended
            parts.append(part)
            n_bytes -= len(part)
        return b"".join(parts)

    def quiet(self) -> bool:
        return all(file != self._from for file, _ in self._reading.poll(0))

    def tail(self) -> str:
        while self._errors_open and any(file == self._errors for file, _ in self._reading.poll(0)):
            if not self._drain():
                break
        return super().tail()

    def _wait(self, poll: select.poll, wanted: int, deadline: float) -> None:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Expired
            found = [file for file, _ in poll.poll(left * 1000 + 1)]
            if self._errors in found:
                self._drain()
            if wanted in found:
                return

    def _drain(self) -> bool:
        said = os.read(self._errors, _TAIL_BYTES)
        self._keep(said)
        if not said:
            self._errors_open = False
            self._writing.unregister(self._errors)
            self._reading.unregister(self._errors)
        return bool(said)


class ThreadedConnection(Connection):
    """Reads by threads, for systems that cannot wait for pipes."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._changed = threading.Condition()
        self._said = bytearray()
        self._ended = False
        self._threads = [
            threading.Thread(target=self._read, args=arguments, daemon=True)
            for arguments in ((process.from_worker, self._add), (process.errors, self._keep))
        ]
        for thread in self._threads:
            thread.start()

    def send(self, data: bytes | bytearray, deadline: float) -> None:
        # Writing cannot be interrupted here, except by the end of the worker.
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._process.kill()

        timer = threading.Timer(max(0.0, deadline - time.monotonic()), expire)
        timer.start()
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self._process.to_worker.fileno(), left[:_AT_ONCE]) :]
        except OSError as error:
            raise (Expired if expired.is_set() else Ended) from error
        finally:
            timer.cancel()
            timer.join()

    def receive(self, n_bytes: int, deadline: float) -> bytes:
        parts = []
        with self._changed:
            while n_bytes:
                if not self._changed.wait_for(lambda: self._said or self._ended, deadline - time.monotonic()):
                    raise Expired
                if not self._said:
                    raise Ended
                parts.append(bytes(self._said[:n_bytes]))
                del self._said[:n_bytes]
                n_bytes -= len(parts[-1])
                self._changed.notify_all()
        return b"".join(parts)

    def quiet(self) -> bool:
        with self._changed:
            return not self._said and not self._ended

    def tail(self) -> str:
        # The last words may still be on their way from a worker that has just ended.
        self._threads[1].join(_LAST_WORDS_SECONDS)
        return super().tail()

    def close(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._process.to_worker.close()
        for thread in self._threads:
            thread.join(_LAST_WORDS_SECONDS)

    def _add(self, said: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._said) < _AT_ONCE or self._ended)
            if not self._ended:
                self._said += said
            self._ended = self._ended or not said
            self._changed.notify_all()

    @staticmethod
    def _read(pipe: BinaryIO, keep: Callable[[bytes], None]) -> None:
        # Whoever reads also closes: a descendant of the worker may keep the pipe open longer than anyone waits for it.
        with pipe:
            while True:
                said = os.read(pipe.fileno(), _TAIL_BYTES)
                keep(said)
                if not said:
                    return


def connect(process: Process) -> Connection:
    """Return the connection to a worker that this system is able to make."""
    return PolledConnection(process) if hasattr(select, "poll") else ThreadedConnection(process)
