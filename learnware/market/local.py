"""A market on this machine."""

from __future__ import annotations

import hashlib
import numbers
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from learnware._progress import progress_bar
from learnware._validation import complain
from learnware.bundle import Learnware, Policy
from learnware.errors import MarketError
from learnware.market.base import Market
from learnware.market.bulk import Bulk, OneOfMany
from learnware.market.checker import CHECKS, Check, CheckReport
from learnware.market.fetched import Fetched
from learnware.market.incoming import OneLearnware, as_learnware
from learnware.market.intake import Intake
from learnware.market.organizer import Index
from learnware.market.result import SearchResult
from learnware.market.searcher import Question, Wishes, search_many
from learnware.market.store import GRACE_SECONDS, DirectoryStore, MemoryStore, Revision, Store
from learnware.market.store.folder import INDEX
from learnware.market.store.forks import renew_in_forks
from learnware.specification import Specification

# Of a search for many, so many inner products are held at once.
_PRODUCTS_AT_ONCE = 2**25


class LocalMarket(Market):
    """A market made of a store, checks, an index and searchers.

    Parameters
    ----------
    store : Store
        Keeps the learnwares.
    checks : sequence of callable, default=CHECKS
        What a learnware must pass; see `check_learnware`.
    place : str, default="in memory"
        Where it is, for people.
    policy : Policy, optional
        Where models run that the market checks and fetches; default: apart from this process.
    index_folder : Path, optional
        Where the index is kept; default: in memory.

    Notes
    -----
    The index is a cache of the store's specifications. Before each search it takes in what has changed since,
    whichever process or thread changed it. Threads may share one market, and search it side by side.

    Examples
    --------
    >>> from learnware.market import LocalMarket
    >>> LocalMarket.in_memory()
    LocalMarket(in memory, 0 learnwares)
    """

    def __init__(
        self,
        store: Store,
        *,
        checks: Sequence[Check] = CHECKS,
        place: str = "in memory",
        policy: Policy | None = None,
        index_folder: Path | None = None,
    ) -> None:
        self.policy = policy or Policy()
        self._store = store
        self._place = place
        self._index = Index(store, index_folder)
        self._fetched = Fetched(self.policy)
        self._intake = Intake(store, checks, self._index, self._fetched)
        renew_in_forks(self)

    @classmethod
    def in_memory(cls, *, policy: Policy | None = None) -> LocalMarket:
        """Open a market that ends with the process."""
        return cls(MemoryStore(), policy=policy)

    @classmethod
    def in_folder(cls, folder: str | os.PathLike[str], *, policy: Policy | None = None) -> LocalMarket:
        """Open the market in a folder, which is made on first use."""
        place = Path(folder)
        return cls(DirectoryStore(place), place=f"at {place}", policy=policy, index_folder=place.absolute() / INDEX)

    def update(self, learnware_id: str, learnware: OneLearnware) -> None:
        if learnware_id not in self._store:
            raise self._store.unknown(learnware_id)
        self._intake.replace(learnware_id, as_learnware(learnware, self.policy))

    def admit(self, learnware_id: str, learnware: OneLearnware) -> CheckReport:
        """Take a learnware in under an id that was promised beforehand, or as the next revision of one that is there.

        Doing that twice, as after a crash in between, changes nothing: bytes that are the current revision already
        are neither checked nor stored again.

        Parameters
        ----------
        learnware_id : str
            32 hexadecimal digits; never that of a learnware that was removed.
        learnware : Learnware, str or Path
            Checked as by `submit`.

        Returns
        -------
        CheckReport
            What the checks found, none of it an error.

        Raises
        ------
        RejectedLearnware
            A check found an error.
        LearnwareNotFound
            The learnware of that id was removed.
        """
        opened = as_learnware(learnware, self.policy)
        if self._store.removed(learnware_id) is not None:
            raise self._store.unknown(learnware_id)
        known = learnware_id in self._store
        if known and self._store.revisions(learnware_id)[-1].digest == opened.digest:
            return CheckReport(opened.name)
        if known:
            return self._intake.replace(learnware_id, opened)
        return self._intake.add(opened, learnware_id)[1]

    def submit_many(
        self,
        learnwares: Iterable[OneOfMany],
        *,
        check: bool = True,
        n_jobs: int | None = None,
        progress: bool | None = None,
    ) -> list[str]:
        """Take in many learnwares, hundreds in one turn.

        What is there already, with the same bytes, is passed over unopened: an import that was broken off goes on
        where it ended when it is called again with the same learnwares.

        Parameters
        ----------
        learnwares : iterable of Learnware, str, Path, or tuple of bytes and Specification
            The learnwares, the files that hold them, or the bytes of files with the specifications in them, which are
            believed: for an import from a market that has checked them.
        check : bool, default=True
            Check learnwares and files as `submit` does. Without it files are read, and their models are not started.
        n_jobs : int, optional
            So many processes open and check them, -1 for as many as there are cores; default: this one alone.
        progress : bool, optional
            Show a progress bar; default: in a terminal or notebook.

        Returns
        -------
        list of str
            The id of each.

        Raises
        ------
        RejectedLearnware, BundleError
            As by `submit`; those before it are stored, and ``.accepted`` has their ids.

        Notes
        -----
        Models are not asked about each other's points, as those are that are submitted one by one; searches go by what
        the specifications say of their answers.
        """
        bulk = Bulk(self._store, self.policy, self._intake.checks if check else (), n_jobs)
        return bulk.take_in(learnwares, self._index.snapshot, progress)

    def remove(self, learnware_id: str) -> None:
        self._store.remove(learnware_id)

    def revisions(self, learnware_id: str) -> tuple[Revision, ...]:
        return self._store.revisions(learnware_id)

    def describe(self, learnware_id: str) -> Specification:
        return self._store.describe(*self._store.resolve(learnware_id))

    def fetch(self, learnware_id: str) -> Learnware:
        learnware_id, wanted = self._store.resolve(learnware_id)
        data = self._store.read(learnware_id, wanted)
        return self._fetched.get(hashlib.sha256(data).hexdigest(), data, learnware_id)

    def search(
        self,
        specification: Question,
        *,
        text: str | None = None,
        limit: int = 10,
        mixture_size: int = 5,
        offset: int = 0,
        duplicates: bool = False,
    ) -> SearchResult:
        return self._found([specification], text, Wishes(limit, mixture_size, offset, duplicates))[0]

    def search_many(
        self,
        specifications: Iterable[Question],
        *,
        text: str | None = None,
        limit: int = 10,
        mixture_size: int = 5,
        offset: int = 0,
        duplicates: bool = False,
        progress: bool | None = None,
    ) -> list[SearchResult]:
        asked, n_at_once = list(specifications), max(1, _PRODUCTS_AT_ONCE // (len(self) + 1))
        parts = [asked[start : start + n_at_once] for start in range(0, len(asked), n_at_once)]
        wishes = Wishes(limit, mixture_size, offset, duplicates)
        found = (self._found(part, text, wishes) for part in progress_bar(parts, "searching", shown=progress))
        return [result for part in found for result in part]

    def warm(self) -> None:
        """Bring the index up to date now, so that the first search need not wait for it."""
        self._index.snapshot()

    def rebuild_index(self, progress: bool | None = None) -> None:
        """Make the index anew from what is stored; searches do that by themselves where it is damaged.

        Parameters
        ----------
        progress : bool, optional
            Show a progress bar; default: in a terminal or notebook.
        """
        self._index.rebuild(progress)

    def collect_garbage(self, grace_seconds: float = GRACE_SECONDS) -> int:
        """Delete the bundles of learnwares that were removed longer ago.

        Parameters
        ----------
        grace_seconds : float, default=86400
            How long a bundle stays on the disk after its removal; at least 0.

        Returns
        -------
        int
            How many bundles were deleted.

        Raises
        ------
        InvalidParameter
            `grace_seconds` is no such number.
        """
        if not isinstance(grace_seconds, numbers.Real) or isinstance(grace_seconds, bool) or not grace_seconds >= 0:
            raise complain("grace_seconds", "collect_garbage", "a number of seconds of at least 0", grace_seconds)
        return self._store.collect_garbage(grace_seconds)

    def close(self) -> None:
        self._index.close()
        self._store.close()
        self._fetched.clear()

    def renew(self) -> None:
        """Take new locks in a fork, where a search of another thread would hold the old ones for ever."""
        self._fetched.renew()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self._store, self._intake.checks, self._place, self.policy, self._index.folder)

    def __iter__(self) -> Iterator[str]:
        return iter(self._store)

    def __len__(self) -> int:
        return len(self._store)

    def __contains__(self, learnware_id: object) -> bool:
        return learnware_id in self._store

    def __repr__(self) -> str:
        try:
            held = f"{len(self)} learnwares"
        except MarketError:
            held = "closed or unreadable"
        return f"LocalMarket({self._place}, {held})"

    def _found(self, asked: Sequence[Question], text: str | None, wishes: Wishes) -> list[SearchResult]:
        return self._index.ask(
            lambda snapshot: search_many(snapshot, asked, text=text, wishes=wishes, fetch=self.fetch)
        )

    def _submit(self, learnware: Learnware) -> str:
        return self._intake.add(learnware)[0]


def _reopened(
    store: Store, checks: Sequence[Check], place: str, policy: Policy, index_folder: Path | None
) -> LocalMarket:
    return LocalMarket(store, checks=checks, place=place, policy=policy, index_folder=index_folder)
