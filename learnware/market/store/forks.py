"""Locks that another thread held at the moment of a fork: in the child nobody would ever release them."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renews(Protocol):
    """Something with locks of its own."""

    def renew(self) -> None:
        """Take new locks, and mend what another thread may have left half done."""


_watched: weakref.WeakSet[Renews] = weakref.WeakSet()


def renew_in_forks(thing: Renews) -> None:
    """Call ``thing.renew()`` in every child that this process forks."""
    _watched.add(thing)


def _renew_all() -> None:
    for thing in list(_watched):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
