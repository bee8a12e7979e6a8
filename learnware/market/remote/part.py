"""A download that is not done yet: a file that the next process goes on with, or memory where none can be written."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO, FileIO
from pathlib import Path

from learnware.market.store.turns import CAN_LOCK, lock, unlock

_ASK_SECONDS = 0.02


class CacheFault(Exception):
    """The cache cannot be used; the message is the system's."""


class Part:
    """The first bytes of a file, to which more are added.

    Parameters
    ----------
    file : FileIO or BytesIO
        Holds what has come so far.
    path : Path, optional
        Where it lies; None for memory.
    """

    def __init__(self, file: FileIO | BytesIO, path: Path | None = None) -> None:
        self._file = file
        self.path = path
        self.size = file.seek(0, os.SEEK_END)

    def write(self, piece: bytes) -> None:
        """Add bytes."""
        with our_errors():
            written = 0
            while written < len(piece):
                written += self._file.write(piece[written:])
        self.size += len(piece)

    def restart(self) -> None:
        """Forget what has come."""
        with our_errors():
            self._file.seek(0)
            self._file.truncate()
        self.size = 0

    def content(self) -> bytes:
        """Return all that has come."""
        with our_errors():
            self._file.seek(0)
            return self._file.read()

    def sync(self) -> None:
        """Wait until the disk has it."""
        os.fsync(self._file.fileno())


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn errors of the system into `CacheFault`, which no error of a market can be taken for."""
    try:
        yield
    except OSError as error:
        raise CacheFault(str(error)) from error


@contextmanager
def locked_part(path: Path) -> Iterator[Part]:
    """Hold the file of a download alone, waiting for whoever has it; it is made if it is not there."""
    with our_errors():
        descriptor = _locked(path)
    try:
        with our_errors():
            file = FileIO(descriptor, "r+b", closefd=False)
            part = Part(file, path)
        yield part
    finally:
        unlock(descriptor)
        if not CAN_LOCK:
            # Without locks nobody goes on with what somebody else has left.
            with suppress(OSError):
                path.unlink()


def drop_unheld(path: Path) -> bool:
    """Delete the file of a download that nobody is at, and return whether it is gone."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        free = lock(descriptor)
        if free:
            path.unlink(missing_ok=True)
        return free
    finally:
        unlock(descriptor)


def _locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            while not lock(descriptor):
                time.sleep(_ASK_SECONDS)
            # Whoever held it may have given it its place, or deleted it: then this is the file of a past download.
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            unlock(descriptor)
            raise
        unlock(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
