"""How far a stored model can be trusted, decided by us from what it is made of."""

from __future__ import annotations

from enum import Enum


class Level(Enum):
    """What running a stored model can do, whatever its developer had in mind.

    Attributes
    ----------
    DATA : Level
        T0. Numbers and names out of fixed lists: it computes an answer and nothing else.
    UNSAFE_MEMORY : Level
        T1. Data too, but compiled code follows positions in it. They are checked before use; were a check incomplete,
        the process that runs it could crash or worse.
    CODE : Level
        T2. Source code or a pickle: it does whatever its author wrote.

    Examples
    --------
    >>> from learnware.models.level import Level
    >>> print(Level.CODE, "-", Level.CODE.meaning)
    T2 - code
    """

    DATA = "T0"
    UNSAFE_MEMORY = "T1"
    CODE = "T2"

    @property
    def meaning(self) -> str:
        """A few words for people."""
        return {"T0": "data", "T1": "data with unsafe memory", "T2": "code"}[self.value]

    def __str__(self) -> str:
        return str(self.value)
