"""What a dock answers: values that the JSON API and the web pages show, each in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt

from learnware.server.accounts.authorize import Visibility
from learnware.specification import SemanticSpecification


@dataclass(frozen=True)
class Card:
    """One learnware as a list shows it.

    Parameters
    ----------
    id : str
    digest : str
        sha256 of the revision that this tells of.
    semantic : SemanticSpecification
    level : str or None
        What running its model can do: "T0", "T1" or "T2".
    owner : str or None
        An account; None for a learnware that came with the folder.
    visibility : {"public", "unlisted", "private"}
    created : datetime
        When that revision was stored, in UTC.
    size : int
        Bytes of its bundle.
    """

    id: str
    digest: str
    semantic: SemanticSpecification
    level: str | None
    owner: str | None
    visibility: Visibility
    created: datetime
    size: int


@dataclass(frozen=True)
class Page:
    """Some cards of a list, and how to go on.

    Parameters
    ----------
    items : list of Card
    total : int
        How many the whole list has.
    next : str or None
        The cursor of what follows; None at the end.
    """

    items: list[Card]
    total: int
    next: str | None = None


@dataclass(frozen=True, eq=False)
class MapPoints:
    """Learnwares of one island in the plane, those near each other that are made for similar data.

    Parameters
    ----------
    ids, names : list of str
    xy : ndarray of shape (n, 2)
    mine : ndarray of shape (2,) or None
        Where the specification lies that was asked with; None if a learnware was asked for.
    """

    ids: list[str]
    names: list[str]
    xy: npt.NDArray[np.float64]
    mine: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Overview:
    """What a dock holds and does, for its admins.

    Parameters
    ----------
    n_learnwares, n_users : int
    submissions : mapping of str to int
        How many are in each state.
    bytes : int
        What the bundles take on the disk.
    per_day : list of (date, int)
        Submissions by day, the oldest first.
    per_task : mapping of str to int
        Learnwares by task.
    """

    n_learnwares: int
    n_users: int
    submissions: Mapping[str, int]
    bytes: int
    per_day: list[tuple[date, int]]
    per_task: Mapping[str, int]
