"""Forked children that begin to work when all of them are there."""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.market.forks import exit_status, in_child


def at_once(work: Callable[[], object], n_children: int) -> list[int]:
    """Run `work` in so many children at once, and return how they ended.

    The dock of a test is threads of this very process, which may hold any lock of Python while they answer: nobody is
    forked while a child keeps them busy.
    """
    wait, go = os.pipe()

    def begin() -> None:
        os.close(go)
        os.read(wait, 1)
        work()

    children = [in_child(begin) for _ in range(n_children)]
    os.close(wait)
    os.close(go)
    return [exit_status(child) for child in children]
