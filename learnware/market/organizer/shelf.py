"""What the tables of an index say of an island."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from learnware.errors import InvalidSpecification


class Unusable(Exception):
    """An index is damaged, or not that of its store: it is made anew, so that nobody outside hears of it."""


class Moved(Unusable):
    """The rows of an island have moved to another file since the snapshot that spoke of them: take another one."""


@contextmanager
def as_written(what: str) -> Iterator[None]:
    """Read what an index has written down; where that is not what it was, it is `Unusable`."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, InvalidSpecification) as error:
        raise Unusable(f"{what} is not as it was written: {error!r}") from error


class Shelf(NamedTuple):
    """A row of the table of islands.

    Attributes
    ----------
    number : int
    space_key, space : str
        The space of its members; of learnwares without points the key is empty, and the space None.
    location, scale, gammas : bytes and str, or None
        The frame.
    framed : int
        The epoch that the frame was made in.
    epoch : int
        Counts the files of columns, of which the latest is used.
    capacity : int
        Rows that there is room for in that file.
    n_rows : int
        Rows that are used.
    n_present : int
        Rows of learnwares that have not gone. An island that all have left stays in the table, so that its number and
        its epochs are never another's.
    changed : int
        The generation that it was written in.
    """

    number: int
    space_key: str
    space: str | None = None
    location: bytes | None = None
    scale: bytes | None = None
    gammas: str | None = None
    framed: int = 0
    epoch: int = 0
    capacity: int = 0
    n_rows: int = 0
    n_present: int = 0
    changed: int = 0
