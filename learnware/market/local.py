"""A market on this machine."""

from __future__ import annotations

import hashlib
import numbers
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from learnware._validation import complain
from learnware.bundle import Learnware, Policy
from learnware.errors import LearnwareError, MarketError, RejectedLearnware
from learnware.market.base import Market, OneLearnware, as_learnware
from learnware.market.checker import CHECKS, Check, CheckReport, check_execution, check_learnware
from learnware.market.fetched import SHARING, Fetched
from learnware.market.organizer import Index, ask_around
from learnware.market.organizer.capability_asking import N_ASKED_ABOUT
from learnware.market.result import SearchResult
from learnware.market.searcher import Candidates, search
from learnware.market.searcher.surroundings import Surroundings, surroundings
from learnware.market.store import GRACE_SECONDS, DirectoryStore, MemoryStore, Revision, Store
from learnware.market.store.forks import renew_in_forks
from learnware.specification import RKME, SemanticSpecification, Specification

#: A submission reads the specifications of no more others than these, to find those to compare it with.
_MOST_MISSING = 256


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

    Notes
    -----
    The index is a cache of the store's specifications. Before each search it takes in what has changed since,
    whichever process or thread changed it. Threads may share one market; their searches take turns.

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
    ) -> None:
        self.policy = policy or Policy()
        self._store = store
        self._checks = checks
        self._place = place
        self._index = Index()
        self._generation = 0
        self._lock = Lock()
        self._open: WeakValueDictionary[str, Learnware] = WeakValueDictionary()
        self._fetched = Fetched(self.policy)
        renew_in_forks(self)

    @classmethod
    def in_memory(cls, *, policy: Policy | None = None) -> LocalMarket:
        """Open a market that ends with the process."""
        return cls(MemoryStore(), policy=policy)

    @classmethod
    def in_folder(cls, folder: str | os.PathLike[str], *, policy: Policy | None = None) -> LocalMarket:
        """Open the market in a folder, which is made on first use."""
        return cls(DirectoryStore(folder), place=f"at {Path(folder)}", policy=policy)

    def update(self, learnware_id: str, learnware: OneLearnware) -> None:
        if learnware_id not in self._store:
            raise self._store.unknown(learnware_id)
        opened = as_learnware(learnware, self.policy)
        self._check(opened)
        specification = _with_level(opened)
        self._store.replace(learnware_id, opened.to_bytes(), specification)
        self._compare(opened, specification)

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
        report = self._check(opened)
        specification = _with_level(opened)
        if known:
            self._store.replace(learnware_id, opened.to_bytes(), specification)
        else:
            self._store.add(opened.to_bytes(), specification, learnware_id)
        self._compare(opened, specification)
        return report

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
        specification: Specification | SemanticSpecification | RKME | str,
        *,
        text: str | None = None,
        limit: int = 10,
        mixture_size: int = 5,
        hidden: Collection[str] = (),
    ) -> SearchResult:
        """Find learnwares for a task; see `Market.search`.

        Parameters
        ----------
        hidden : collection of str, optional
            Ids of learnwares that whoever asks must not learn of.
        """
        with self._lock:
            self._refresh()
            return search(
                self._index,
                specification,
                text=text,
                limit=limit,
                mixture_size=mixture_size,
                fetch=self.fetch,
                hidden=hidden,
            )

    def matching(self, wanted: SemanticSpecification, text: str = "", hidden: Collection[str] = ()) -> list[str]:
        """Return the ids of the learnwares with some tags and words.

        Parameters
        ----------
        wanted : SemanticSpecification
            A tag that is not said means any; its name and description are not looked for.
        text : str, default=""
            Words that a learnware must match.
        hidden : collection of str, optional
            Ids of learnwares that whoever asks must not learn of.

        Returns
        -------
        list of str
            Those whose words match best first; where no words were asked for, those changed last at the end.
        """
        with self._lock:
            self._refresh()
            return list(Candidates.of(self._index, wanted, text, hidden))

    def warm(self) -> None:
        """Build the index now, so that the first search need not wait for it."""
        with self._lock:
            self._refresh()
            for island in self._index.islands():
                island.prepare()

    def semantics(self) -> dict[str, SemanticSpecification]:
        """Return what each learnware says of itself in words, by id."""
        with self._lock:
            self._refresh()
            return dict(self._index.semantic())

    def surroundings(self, rkme: RKME, n_most: int, hidden: Collection[str] = ()) -> Surroundings | None:
        """Return where the learnwares around a specification lie, for a map of them.

        Parameters
        ----------
        rkme : RKME
        n_most : int
            So many learnwares at most, half of them the nearest.
        hidden : collection of str, optional
            Ids of learnwares that whoever asks must not learn of.

        Returns
        -------
        Surroundings or None
            None where no learnware has a comparable specification.
        """
        with self._lock:
            self._refresh()
            return surroundings(self._index, rkme, n_most, hidden)

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
        self._store.close()
        self._fetched.clear()

    def renew(self) -> None:
        """Take new locks in a fork, where a search of another thread would hold the old ones for ever."""
        searching, self._lock = self._lock.locked(), Lock()
        self._fetched.renew()
        if searching:
            # It may have been taking in changes; what it left half done is built again.
            self._index, self._generation = Index(), 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self._store, self._checks, self._place, self.policy)

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

    def _submit(self, learnware: Learnware) -> str:
        self._check(learnware)
        specification = _with_level(learnware)
        learnware_id = self._store.add(learnware.to_bytes(), specification)
        self._compare(learnware, specification)
        return learnware_id

    def _compare(self, learnware: Learnware, specification: Specification) -> None:
        """Ask a new model about the points of others, and theirs about its own.

        It is stored already, and what is learned here is a cache: nothing that fails may make it seem refused.
        """
        digest, rkme = learnware.digest, specification.statistical
        if specification.level in SHARING:
            # Models of data cannot be trained, so whoever holds this one can be asked in its place.
            self._open[digest] = learnware
        # Without a check that runs models this one has not been started, and is not started for a cache.
        if rkme is None or rkme.labels is None or check_execution not in self._checks:
            return
        try:
            with self._lock:
                others = self._recent().alike(rkme, 1 + N_ASKED_ABOUT)
            cells = ask_around(learnware, (digest, rkme), others, self._opened_model)
            if cells:
                self._store.add_cells(cells)
        except LearnwareError:
            return

    def _recent(self) -> Index:
        """Return the index, or where it lacks too much, one of the latest learnwares: a submission must not wait."""
        missing = self._store.changes(self._generation).stored
        if len(missing) <= _MOST_MISSING:
            self._refresh()
            return self._index
        recent = Index()
        for learnware_id, entry in self._store.entries(missing[-_MOST_MISSING:]).items():
            recent.add(learnware_id, entry.specification, entry.digest)
        return recent

    def _opened_model(self, digest: str) -> Learnware | None:
        """Return a learnware that somebody holds, so that asking it starts no process."""
        return self._open.get(digest) or self._fetched.held(digest)

    def _check(self, learnware: Learnware) -> CheckReport:
        report = check_learnware(learnware, checks=self._checks)
        if not report.passed:
            raise RejectedLearnware(report)
        return report

    def _refresh(self) -> None:
        changes = self._store.changes(self._generation)
        if changes.generation != self._generation:
            # Read before the index is touched: if the store fails, the index is still that of the old generation.
            fresh = self._store.entries(changes.stored)
            self._index.remove([*changes.removed, *changes.stored])
            for learnware_id, entry in fresh.items():
                self._index.add(learnware_id, entry.specification, entry.digest)
            self._generation = changes.generation
        reached, cells = self._store.cells(self._index.answers.reached)
        self._index.answers.take(cells, reached)


def _with_level(learnware: Learnware) -> Specification:
    return replace(learnware.specification, level=str(learnware.level))


def _reopened(store: Store, checks: Sequence[Check], place: str, policy: Policy) -> LocalMarket:
    return LocalMarket(store, checks=checks, place=place, policy=policy)
