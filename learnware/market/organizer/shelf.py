"""What the tables of an index say of an island."""

from __future__ import annotations

from typing import NamedTuple


class Unusable(Exception):
    """An index is damaged, or not that of its store: it is made anew, so that nobody outside hears of it."""


class Moved(Unusable):
    """The rows of an island have moved to another file since the snapshot that spoke of them: take another one."""


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
