"""What must be ended with this process, and left alone by its forks."""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from typing import Protocol


class Forgets(Protocol):
    """Something that a fork must not go on using: a lock that another thread may have held, or a process."""

    def forget(self) -> None:
        """Start anew in a fork, and leave what was there to the process that made it."""


class Ends(Forgets, Protocol):
    """Something with a process or files of its own."""

    def end(self) -> None:
        """End it at the end of this process, waiting for no lock: daemon threads may still hold any."""


_inherited: weakref.WeakSet[Forgets] = weakref.WeakSet()
_processes: weakref.WeakSet[Ends] = weakref.WeakSet()
_files: weakref.WeakSet[Ends] = weakref.WeakSet()


def forget_in_forks(thing: Forgets) -> None:
    """Let `thing` forget in forks of this process."""
    _inherited.add(thing)


def keep(thing: Ends, *, process: bool = False) -> None:
    """End `thing` when this process ends, processes before the files that they use, and let it forget in forks."""
    forget_in_forks(thing)
    (_processes if process else _files).add(thing)


def _end_all() -> None:
    # All of them, whatever one of them raises; the last is ended first.
    with contextlib.ExitStack() as ends:
        for thing in [*_files, *_processes]:
            ends.callback(thing.end)


def _forget_all() -> None:
    global _inherited, _processes, _files
    things = list(_inherited)
    _inherited, _processes, _files = weakref.WeakSet(), weakref.WeakSet(), weakref.WeakSet()
    for thing in things:
        thing.forget()
        # It goes on living here, and this process may have forks too.
        forget_in_forks(thing)


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
