"""Handles of processes, which go on naming the same process after its end, when its number may belong to another."""

from __future__ import annotations

import ctypes
import errno
import os
import select

from learnware.errors import IsolationUnavailable

# The same number on all processors.
_PIDFD_OPEN = 434


def open_handle(pid: int) -> int | None:
    """Return a file descriptor that stands for a process, or None if there is no such process.

    Raises
    ------
    IsolationUnavailable
        The kernel has no such handles, or gives none now.
    """
    try:
        return _opened(pid)
    except ProcessLookupError:
        return None
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise IsolationUnavailable(
                f"The sandbox needs Linux 5.3 or newer, which has handles for processes. Got {os.uname().release!r} "
                f"instead. Update the system."
            ) from error
        raise IsolationUnavailable(
            f"The sandbox needs a handle of its process, and the system refused: {error.strerror}. Close files or free "
            f"memory (`ulimit -n` is the number of files), or have the container that this runs in allow pidfd_open."
        ) from error


def has_ended(handle: int, seconds: float) -> bool:
    """Wait so long for the end of a process and tell whether it has ended."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _opened(pid: int) -> int:
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid)
    # A Python that was built on an old system lacks the function, whatever the kernel has.
    handle = int(ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_OPEN, pid, 0))
    if handle < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return handle
