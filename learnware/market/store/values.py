"""What a store takes and tells: ids, revisions, changes and cells."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from learnware.specification import Specification

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Revision:
    """One state of a learnware, which never changes; an update adds another.

    Parameters
    ----------
    digest : str
        sha256 of the bundle's bytes, 64 hexadecimal digits.
    created : datetime
        When it was stored, in UTC.
    size : int
        Bytes of the bundle.
    """

    digest: str
    created: datetime
    size: int


@dataclass(frozen=True)
class Entry:
    """The current revision of a learnware, and the specification that goes with it.

    Parameters
    ----------
    revision : Revision
    specification : Specification
    number : int
        Of the revision: the generation at which it was stored. No two revisions of a store have the same.
    """

    revision: Revision
    specification: Specification
    number: int

    @property
    def digest(self) -> str:
        """The sha256 of the bundle."""
        return self.revision.digest


@dataclass(frozen=True)
class Changes:
    """What happened in a store since some generation.

    Parameters
    ----------
    generation : int
        The generation that these changes lead to.
    stored : tuple of str
        Ids added or given a new bundle, and still there.
    removed : tuple of str
        Ids that are gone; some may have come and gone since, unseen by the reader.
    """

    generation: int
    stored: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """What one model answered at the points of another specification; a store does not look inside.

    Parameters
    ----------
    answerer, asked : str
        sha256 of the bundle whose model answered, and of the bundle whose points it was asked about.
    content : bytes
        The answers.
    """

    answerer: str
    asked: str
    content: bytes


def new_id() -> str:
    """Return an id that nobody else has: 128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def is_id(learnware_id: object) -> bool:
    """Tell whether something has the form of an id."""
    return isinstance(learnware_id, str) and _ID.fullmatch(learnware_id) is not None
