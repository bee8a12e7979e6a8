"""What must be ended with this process, and left alone by its forks."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Protocol


class Ends(Protocol):
    """Something with a process or files of its own."""

    def close(self) -> None:
        """End it."""

    def forget(self) -> None:
        """Let go of it in a fork: it belongs to the process that made it."""


_living: weakref.WeakSet[Ends] = weakref.WeakSet()


def keep(thing: Ends) -> None:
    """Close `thing` when this process ends, and let forks forget it."""
    _living.add(thing)


def _close_all() -> None:
    for thing in list(_living):
        thing.close()


def _forget_all() -> None:
    global _living
    inherited, _living = list(_living), weakref.WeakSet()
    for thing in inherited:
        thing.forget()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
