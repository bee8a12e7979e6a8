"""Turns of writing: whoever waits comes before whoever has just had one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from learnware.market.store.failures import busy

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this kind; there SQLite's own lock has to do
    fcntl = None  # type: ignore[assignment]

#: Whether this system has locks that end with their process.
CAN_LOCK = fcntl is not None

_QUEUE, _WRITER = "market.queue", "market.lock"

#: The files that are locked; where nobody writes they may be deleted.
LOCKS = (_QUEUE, _WRITER)

# Only one process at a time waits for the writer's lock, so it may ask often; those in the queue ask less often.
_ASK_WRITER_SECONDS, _ASK_QUEUE_SECONDS = 0.0003, 0.001


class Turns:
    """Lets processes write to a folder one after the other.

    SQLite lets whoever asks at the right moment in, so a process that writes in a loop keeps all others out. Here a
    writer first enters the queue, waits there for the writer's lock, and leaves the queue once it has it. Who wants
    another turn must enter the queue again, and finds it held by the one who waits.

    Parameters
    ----------
    folder : Path
        Holds the two files that are locked, which are made on first use and stay empty.

    Notes
    -----
    The locks are the kernel's: they end with the process that holds them, whatever ends it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from learnware.market.store.turns import Turns
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Turns(Path(folder)).taken(patience=1.0):
    ...         print("nobody else writes now")
    nobody else writes now
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def taken(self, patience: float) -> Iterator[None]:
        """Wait for a turn and hold it.

        Parameters
        ----------
        patience : float
            Seconds to wait at most.

        Raises
        ------
        MarketError
            The turn did not come.
        """
        end = time.monotonic() + patience
        with ExitStack() as turn:
            with self._locked(_QUEUE, _ASK_QUEUE_SECONDS, end, patience):
                turn.enter_context(self._locked(_WRITER, _ASK_WRITER_SECONDS, end, patience))
            yield

    @contextmanager
    def _locked(self, name: str, pause: float, end: float, patience: float) -> Iterator[None]:
        # For reading, since the file may belong to another user who writes here too.
        descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_CREAT, 0o666)
        try:
            while not lock(descriptor):
                if time.monotonic() > end:
                    raise busy(self._folder, patience)
                time.sleep(pause)
            yield
        finally:
            unlock(descriptor)


def lock(descriptor: int) -> bool:
    """Lock an open file for this process, without waiting; say whether it succeeded."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Give up a lock and close its file."""
    # Nothing was written to the file, so nothing can have been lost; and what the lock was for is done by now.
    with suppress(OSError):
        # Not by closing alone: a process that is just being started may hold a copy of the descriptor.
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    with suppress(OSError):
        os.close(descriptor)
