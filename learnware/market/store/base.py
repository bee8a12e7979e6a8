"""The contract of a store: bundles and their revisions by id, and a number that grows with every change."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from learnware._validation import check_int, complain
from learnware.errors import InvalidParameter, LearnwareNotFound
from learnware.market.store.values import Cell, Changes, Entry, Revision, is_id, new_id
from learnware.specification import Specification

__all__ = ["GRACE_SECONDS", "N_TELLING", "Cell", "Changes", "Entry", "Revision", "Store", "is_id", "new_id"]

#: So many hexadecimal digits tell one id from another; a copy with a slip keeps them at one end or the other.
N_TELLING = 6

#: What a removed learnware has left is kept for so long.
GRACE_SECONDS = 24 * 3600.0

_DIGEST = re.compile(r"[0-9a-f]{12,64}")


class Store(ABC):
    """Keeps bundles and their specifications by id.

    A store takes bundles as they are: checking them is the market's affair. Every id is random, given once and
    never again, so that an id somebody has kept can never point at another learnware. A bundle that is replaced stays
    as an earlier revision of its id. Every change adds one to the generation; a cache that remembers the generation
    it was built from asks `changes` for what it lacks.

    Cells are a cache that anybody can make again: they count no generation, may be lost, and go with the bundles that
    they are about.
    """

    def add(self, bundle: bytes, specification: Specification, learnware_id: str | None = None) -> str:
        """Keep `bundle` under a new id and return the id; when it returns, the bundle survives a crash.

        Whoever promised an id beforehand names it: one of `new_id` that was never given.
        """
        return self.add_many([(bundle, specification)], None if learnware_id is None else [learnware_id])[0]

    @abstractmethod
    def add_many(
        self, items: Sequence[tuple[bytes, Specification]], learnware_ids: Sequence[str] | None = None
    ) -> list[str]:
        """Keep bundles with their specifications as `add` keeps one, all of them or none, and return the new ids."""

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
    def generation(self) -> int:
        """Return the newest generation."""

    @abstractmethod
    def changes(self, since: int, n_most: int | None = None) -> Changes:
        """Return what happened after generation `since`; 0 is before anything did.

        Each id occurs once, and the ids come in the order of their last change, the latest at the end. With `n_most`,
        no more than so many changes are looked at, the oldest, and the generation is that of the last of them. Whether
        an id is there is said as of now, so it may come again in a later part.
        """

    @abstractmethod
    def numbered(self, numbers: Iterable[int]) -> dict[int, tuple[str, Entry]]:
        """Return id and entry of those numbers that are the current revision of a learnware, in the order asked."""

    @abstractmethod
    def ids_of(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return the ids of those numbers that are the current revision of a learnware, in the order asked."""

    @abstractmethod
    def numbers_of(self, learnware_ids: Iterable[str]) -> dict[str, int]:
        """Return the numbers of the current revisions of those ids that are there, in the order asked."""

    @abstractmethod
    def arrivals(self, learnware_ids: Iterable[str]) -> dict[str, int]:
        """Return numbers of those ids that are there, which ascend in the order in which they came first."""

    @abstractmethod
    def every_number_of(self, learnware_ids: Iterable[str]) -> list[int]:
        """Return the numbers of all revisions that some ids have had, as far as they are known."""

    @abstractmethod
    def holders(self, digests: Iterable[str]) -> dict[str, str]:
        """Return the ids whose current revision has one of some sha256s; of several ids the one that has it longest."""

    @abstractmethod
    def add_cells(self, cells: Iterable[Cell]) -> None:
        """Keep cells, in place of those of the same two bundles; those of bundles that are not there are dropped."""

    @abstractmethod
    def last_cell(self) -> int:
        """Return the number of the cell that came last, 0 before any."""

    @abstractmethod
    def cells_of(self, answerers: Iterable[str]) -> list[Cell]:
        """Return the cells in which the bundles of some sha256s answered, in the order in which they came."""

    @abstractmethod
    def answerers(self, since: int = 0) -> tuple[int, set[str]]:
        """Return the number of the cell that came last, and the sha256s of who answered in cells after `since`."""

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

    def new_ids(self, n_ids: int, promised: Sequence[str] | None) -> list[str]:
        """Return so many ids that may be given now, those that were promised if there are any.

        Raises
        ------
        InvalidParameter
            There is not one promised id for each, one is promised twice, or `check_new` refuses one.
        """
        if promised is None:
            return [new_id() for _ in range(n_ids)]
        if len(set(promised)) != n_ids or len(promised) != n_ids:
            raise complain("learnware_ids", "Store.add_many", f"{n_ids} ids, no two the same", list(promised))
        return [self.check_new(learnware_id) for learnware_id in promised]

    def check_most(self, n_most: int | None) -> int | None:
        """Return how many changes to look at, if that is said."""
        return None if n_most is None else check_int(n_most, "n_most", "Store.changes")

    def alike(self, learnware_id: str, n_most: int) -> list[str]:
        """Return ids that begin or end like one that is not there."""
        ends = {learnware_id[:N_TELLING], learnware_id[-N_TELLING:]}
        return [known for known in self if known[:N_TELLING] in ends or known[-N_TELLING:] in ends][:n_most]

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
        like = self.alike(asked, 3) if len(asked) >= N_TELLING else []
        hint = f"Did you mean {' or '.join(map(repr, like))}?" if like else "Its ids are list(market)."
        return LearnwareNotFound(f"This market has no learnware of id {learnware_id!r}. {hint}")
