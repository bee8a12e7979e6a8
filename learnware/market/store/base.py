"""The contract of a store: bundles and their revisions by id, and a number that grows with every change."""

from __future__ import annotations

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from learnware._validation import complain
from learnware.errors import InvalidParameter, LearnwareNotFound
from learnware.specification import Specification

#: So many random hexadecimal digits tell one id from another; a copy with a slip keeps them at one end or the other.
_TELLING = 6

#: What a removed learnware has left is kept for so long.
GRACE_SECONDS = 24 * 3600.0

_ID = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{12,64}")


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
    """The current revision of a learnware, and the specification that goes with it."""

    revision: Revision
    specification: Specification

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


class Store(ABC):
    """Keeps bundles and their specifications by id.

    A store takes bundles as they are: checking them is the market's affair. Every id is random, given once and
    never again, so that an id somebody has kept can never point at another learnware. A bundle that is replaced stays
    as an earlier revision of its id. Every change adds one to the generation; a cache that remembers the generation
    it was built from asks `changes` for what it lacks.

    Cells are a cache that anybody can make again: they count no generation, may be lost, and go with the bundles that
    they are about.
    """

    @abstractmethod
    def add(self, bundle: bytes, specification: Specification, learnware_id: str | None = None) -> str:
        """Keep `bundle` under a new id and return the id; when it returns, the bundle survives a crash.

        Whoever promised an id beforehand names it: one of `new_id` that was never given.
        """

    @abstractmethod
    def replace(self, learnware_id: str, bundle: bytes, specification: Specification) -> None:
        """Keep `bundle` as the new revision of an id that exists."""

    @abstractmethod
    def remove(self, learnware_id: str) -> None:
        """Forget a learnware with all its revisions, but not that its id was given."""

    @abstractmethod
    def read(self, learnware_id: str, digest: str | None = None) -> bytes:
        """Return the bundle of an id, the very bytes that were given; the current one unless `digest` is said."""

    @abstractmethod
    def describe(self, learnware_id: str, digest: str | None = None) -> Specification:
        """Return the specification of an id; the current one unless `digest` is said."""

    @abstractmethod
    def revisions(self, learnware_id: str) -> tuple[Revision, ...]:
        """Return the revisions of an id, oldest first; the last is the current one."""

    @abstractmethod
    def entries(self, learnware_ids: Iterable[str]) -> dict[str, Entry]:
        """Return what an index needs to know of those of `learnware_ids` that are there."""

    @abstractmethod
    def removed(self, learnware_id: str) -> datetime | None:
        """Return when a learnware was removed, or None for one that is there or never was."""

    @abstractmethod
    def changes(self, since: int) -> Changes:
        """Return what happened after generation `since`; 0 is before anything did.

        Each id occurs once, and the ids come in the order of their last change, the latest at the end.
        """

    @abstractmethod
    def add_cells(self, cells: Iterable[Cell]) -> None:
        """Keep cells, in place of those of the same two bundles; those of bundles that are not there are dropped."""

    @abstractmethod
    def cells(self, since: int = 0) -> tuple[int, list[Cell]]:
        """Return the cells that came after `since`, and the number to ask with next time; 0 is before any."""

    @abstractmethod
    def collect_garbage(self, grace_seconds: float = GRACE_SECONDS) -> int:
        """Delete bundles that only learnwares removed longer ago have, and return how many."""

    @abstractmethod
    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids, oldest first, as they are at this moment."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __contains__(self, learnware_id: object) -> bool: ...

    def close(self) -> None:  # noqa: B027  (a store that holds nothing open has nothing to close)
        """Let go of files and connections."""

    def specifications(self, learnware_ids: Iterable[str]) -> dict[str, Specification]:
        """Return the specifications of those of `learnware_ids` that are there."""
        return {i: entry.specification for i, entry in self.entries(learnware_ids).items()}

    def resolve(self, reference: str) -> tuple[str, str | None]:
        """Return the id and the digest that ``"id"`` or ``"id@sha256"`` stands for.

        Parameters
        ----------
        reference : str
            An id, which has no digest: the current revision is meant. Or an id, ``@``, and the sha256 of one of its
            revisions or at least the first 12 digits of it.

        Raises
        ------
        LearnwareNotFound
            There is no such id, or it has no such revision, or several.
        """
        learnware_id, at, asked = reference.partition("@") if isinstance(reference, str) else (reference, "", "")
        if not at:
            return learnware_id, None
        known = list(dict.fromkeys(revision.digest for revision in self.revisions(learnware_id)))
        meant = [digest for digest in known if digest.startswith(asked)] if _DIGEST.fullmatch(asked) else []
        if len(meant) == 1:
            return learnware_id, meant[0]
        raise self.unknown_revision(learnware_id, asked, known)

    def unknown_revision(self, learnware_id: str, asked: str, known: list[str]) -> LearnwareNotFound:
        """Return the error for a digest that an id does not have."""
        shown = ", ".join(digest[:12] for digest in known[-3:])
        return LearnwareNotFound(
            f"A revision of learnware {learnware_id} is named by its sha256, or by at least 12 of the digits that it "
            f"begins with and no other. Got {asked!r}. It has {shown}{' and earlier ones' if len(known) > 3 else ''}; "
            "market.revisions(id) lists them."
        )

    def check_new(self, learnware_id: str) -> str:
        """Return an id that may be given now.

        Raises
        ------
        InvalidParameter
            It has not the form of an id, or was given before.
        """
        if not is_id(learnware_id):
            raise complain("learnware_id", "Store.add", "32 hexadecimal digits, as new_id() makes them", learnware_id)
        if learnware_id in self or self.removed(learnware_id) is not None:
            raise InvalidParameter(f"The id {learnware_id} was given before, and an id is never given again.")
        return learnware_id

    def unknown(self, learnware_id: object) -> LearnwareNotFound:
        """Return the error for an id that is not there, naming those that look like it."""
        removed = self.removed(learnware_id) if isinstance(learnware_id, str) else None
        if removed is not None:
            return LearnwareNotFound(
                f"The learnware {learnware_id!r} was removed from this market ({removed:%Y-%m-%d %H:%M} UTC). "
                "Its id is never given again."
            )
        asked = str(learnware_id)
        if asked.partition("@")[0] in self:
            return LearnwareNotFound(
                f"A revision never changes and has no revisions. Name the learnware by its id alone. Got {asked!r}."
            )
        ends = {asked[:_TELLING], asked[-_TELLING:]} if len(asked) >= _TELLING else set()
        like = [known for known in self if known[:_TELLING] in ends or known[-_TELLING:] in ends][:3]
        hint = f"Did you mean {' or '.join(map(repr, like))}?" if like else "Its ids are list(market)."
        return LearnwareNotFound(f"This market has no learnware of id {learnware_id!r}. {hint}")
