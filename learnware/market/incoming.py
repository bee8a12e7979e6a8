"""Learnwares on their way into a market: objects or files, one or several."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias

from learnware._validation import complain
from learnware.bundle import Learnware, Policy
from learnware.errors import LearnwareError
from learnware.specification import Specification

OneLearnware: TypeAlias = "Learnware | str | os.PathLike[str]"

# Of files that are submitted together, so many bytes stay open until their turn; the others are read again.
_OPENED_BYTES = 256 * 2**20


def as_learnware(learnware: OneLearnware, policy: Policy) -> Learnware:
    """Return a learnware as it is, or read its file, every part of which must be what was written."""
    if isinstance(learnware, Learnware):
        return learnware
    if isinstance(learnware, str | os.PathLike):
        opened = Learnware.load(learnware, **vars(policy))
        opened.verify()
        return opened
    raise complain("learnware", "Market.submit", "a Learnware or a path", learnware)


def all_opened(several: Iterable[OneLearnware], policy: Policy) -> deque[OneLearnware]:
    """Open all files, since one that is broken must not leave the others half submitted; keep what has room."""
    waiting: deque[OneLearnware] = deque()
    n_bytes = 0
    for one in several:
        learnware = as_learnware(one, policy)
        if learnware is not one:
            n_bytes += len(learnware.to_bytes())
        waiting.append(learnware if n_bytes <= _OPENED_BYTES else one)
    return waiting


def specification_of(learnware: Learnware) -> Specification:
    """Return a specification as a market keeps it: with the level that the content shows."""
    return replace(learnware.specification, level=str(learnware.level))


@contextmanager
def telling(accepted: Sequence[str]) -> Iterator[None]:
    """Let an error say which learnwares are stored already."""
    try:
        yield
    except LearnwareError as error:
        error.accepted = tuple(accepted)
        raise
