"""A store in the memory of this process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import takewhile
from threading import RLock
from typing import Any, NamedTuple

from learnware.errors import MarketError
from learnware.market.store.base import GRACE_SECONDS, Cell, Changes, Entry, Revision, Store, new_id
from learnware.market.store.forks import renew_in_forks
from learnware.specification import Specification


class _Kept(NamedTuple):
    revision: Revision
    bundle: bytes
    specification: Specification


class MemoryStore(Store):
    """Keeps bundles in a dictionary, until the process ends or their learnware is removed.

    Examples
    --------
    >>> from learnware.market.store import MemoryStore
    >>> from learnware.specification import SemanticSpecification, Specification
    >>> store = MemoryStore()
    >>> learnware_id = store.add(b"bytes", Specification(semantic=SemanticSpecification(name="Sales")))
    >>> store.read(learnware_id)
    b'bytes'
    >>> store.changes(since=0).stored == (learnware_id,)
    True
    """

    def __init__(self) -> None:
        self._kept: dict[str, list[_Kept]] = {}
        self._removed: dict[str, datetime] = {}
        self._log: list[str] = []
        self._cells: dict[tuple[str, str], tuple[int, Cell]] = {}
        self._n_cells = 0
        self._closed = False
        self._lock = RLock()
        renew_in_forks(self)

    def __reduce__(self) -> tuple[Any, ...]:
        raise MarketError(
            "A market in memory cannot be copied to another process, where it would be another market. Open one in a "
            "folder: Market.open('market')."
        )

    def add(self, bundle: bytes, specification: Specification, learnware_id: str | None = None) -> str:
        with self._opened():
            learnware_id = new_id() if learnware_id is None else self.check_new(learnware_id)
            self._kept[learnware_id] = [_keep(bundle, specification)]
            self._log.append(learnware_id)
        return learnware_id

    def replace(self, learnware_id: str, bundle: bytes, specification: Specification) -> None:
        with self._opened():
            self._find(learnware_id).append(_keep(bundle, specification))
            self._log.append(learnware_id)

    def remove(self, learnware_id: str) -> None:
        with self._opened():
            self._find(learnware_id)
            del self._kept[learnware_id]
            self._removed[learnware_id] = datetime.now(timezone.utc)
            self._log.append(learnware_id)
            there = self._digests()
            self._cells = {pair: cell for pair, cell in self._cells.items() if there.issuperset(pair)}

    def read(self, learnware_id: str, digest: str | None = None) -> bytes:
        with self._opened():
            return self._revision(learnware_id, digest).bundle

    def describe(self, learnware_id: str, digest: str | None = None) -> Specification:
        with self._opened():
            return self._revision(learnware_id, digest).specification

    def revisions(self, learnware_id: str) -> tuple[Revision, ...]:
        with self._opened():
            return tuple(kept.revision for kept in self._find(learnware_id))

    def entries(self, learnware_ids: Iterable[str]) -> dict[str, Entry]:
        with self._opened():
            current = {i: self._kept[i][-1] for i in learnware_ids if i in self._kept}
        return {i: Entry(kept.revision, kept.specification) for i, kept in current.items()}

    def removed(self, learnware_id: str) -> datetime | None:
        with self._opened():
            return self._removed.get(learnware_id)

    def changes(self, since: int) -> Changes:
        with self._opened():
            # From the end, since an id stands where its last change was.
            touched = list(dict.fromkeys(reversed(self._log[since:])))[::-1]
            stored = tuple(i for i in touched if i in self._kept)
            removed = tuple(i for i in touched if i not in self._kept)
            return Changes(len(self._log), stored, removed)

    def add_cells(self, cells: Iterable[Cell]) -> None:
        with self._opened():
            there = self._digests()
            for cell in cells:
                pair = cell.answerer, cell.asked
                if there.issuperset(pair):
                    self._n_cells += 1
                    # Out and in again, so that the dictionary stays in the order of numbers.
                    self._cells.pop(pair, None)
                    self._cells[pair] = self._n_cells, cell

    def cells(self, since: int = 0) -> tuple[int, list[Cell]]:
        with self._opened():
            latest = takewhile(lambda numbered: numbered[0] > since, reversed(self._cells.values()))
            return self._n_cells, [cell for _, cell in latest][::-1]

    def collect_garbage(self, grace_seconds: float = GRACE_SECONDS) -> int:
        """Return 0: the bundles of a removed learnware went with it."""
        with self._opened():
            return 0

    def __iter__(self) -> Iterator[str]:
        with self._opened():
            return iter(list(self._kept))

    def __len__(self) -> int:
        with self._opened():
            return len(self._kept)

    def __contains__(self, learnware_id: object) -> bool:
        with self._opened():
            return isinstance(learnware_id, str) and learnware_id in self._kept

    def close(self) -> None:
        """Forget everything: there is no place to open again."""
        with self._lock:
            self._closed = True
            self._kept.clear()
            self._cells.clear()

    def renew(self) -> None:
        """Take a new lock in a fork, where another thread may have held the old one."""
        self._lock = RLock()

    @contextmanager
    def _opened(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise MarketError("This market in memory has been closed, and what it held is gone. Open another one.")
            yield

    def _digests(self) -> set[str]:
        return {kept.revision.digest for revisions in self._kept.values() for kept in revisions}

    def _find(self, learnware_id: str) -> list[_Kept]:
        """Look an id up; the caller holds the lock."""
        if learnware_id not in self:
            raise self.unknown(learnware_id)
        return self._kept[learnware_id]

    def _revision(self, learnware_id: str, digest: str | None) -> _Kept:
        kept = self._find(learnware_id)
        if digest is None:
            return kept[-1]
        meant = [one for one in kept if one.revision.digest == digest]
        if not meant:
            raise self.unknown_revision(learnware_id, digest, [one.revision.digest for one in kept])
        return meant[-1]


def _keep(bundle: bytes, specification: Specification) -> _Kept:
    revision = Revision(hashlib.sha256(bundle).hexdigest(), datetime.now(timezone.utc), len(bundle))
    return _Kept(revision, bundle, specification)
