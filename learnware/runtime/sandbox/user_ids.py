"""User ids for workers that root starts: one for each, so that limits counted by user bind, and owner of no file."""

from __future__ import annotations

import contextlib
import os
import socket

from learnware.errors import IsolationUnavailable

_FIRST, _LAST = 62000, 62999


class UserId:
    """A user id that no other worker on this machine has.

    Parameters
    ----------
    value : int
        The user id, and the group id.
    lock : int
        File descriptor of a bound socket, whose name keeps other processes from taking the same id.
    """

    def __init__(self, value: int, lock: int) -> None:
        self.value = value
        self._lock: int | None = lock

    def close(self) -> None:
        """Give the id back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __del__(self) -> None:
        self.close()


def reserve_user_id() -> UserId:
    """Take a user id that belongs to no account and to no other worker.

    Raises
    ------
    IsolationUnavailable
        All of them are taken.
    """
    # Not at the top: other systems lack it, and are told so elsewhere.
    import pwd

    for value in range(_FIRST, _LAST + 1):
        with contextlib.suppress(KeyError):
            pwd.getpwuid(value)
            continue
        # A name without a file, which the kernel frees when the process ends, however it ends.
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0learnware-worker-{value}")
        except OSError:
            lock.close()
            continue
        return UserId(value, lock.detach())
    raise IsolationUnavailable(
        f"All user ids from {_FIRST} to {_LAST} are taken by accounts or by workers of this machine. Close the "
        f"learnwares that are not needed, or start Python as a normal user, which needs none of them."
    )
