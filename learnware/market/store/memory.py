"""A store in the memory of this process."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import takewhile
from threading import RLock
from typing import Any, NamedTuple

from learnware.errors import MarketError
from learnware.market.store.base import GRACE_SECONDS, Cell, Changes, Entry, Revision, Store
from learnware.market.store.forks import renew_in_forks
from learnware.specification import Specification


class _Kept(NamedTuple):
    number: int
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
        self._current: dict[int, str] = {}
        self._holders: dict[str, dict[int, str]] = {}
        self._removed: dict[str, datetime] = {}
        self._log: list[str] = []
        self._cells: dict[tuple[str, str], tuple[int, Cell]] = {}
        # How many revisions have a digest, and the pairs of the cells about it.
        self._n_revisions: Counter[str] = Counter()
        self._about: dict[str, set[tuple[str, str]]] = {}
        self._n_cells = 0
        self._closed = False
        self._lock = RLock()
        renew_in_forks(self)

    def __reduce__(self) -> tuple[Any, ...]:
        raise MarketError(
            "A market in memory cannot be copied to another process, where it would be another market. Open one in a "
            "folder: Market.open('market')."
        )

    def add_many(
        self, items: Sequence[tuple[bytes, Specification]], learnware_ids: Sequence[str] | None = None
    ) -> list[str]:
        with self._opened():
            ids = self.new_ids(len(items), learnware_ids)
            for learnware_id, (bundle, specification) in zip(ids, items, strict=True):
                self._kept[learnware_id] = []
                self._keep(learnware_id, bundle, specification)
        return ids

    def replace(self, learnware_id: str, bundle: bytes, specification: Specification) -> None:
        with self._opened():
            self._leave(self._find(learnware_id)[-1])
            self._keep(learnware_id, bundle, specification)

    def remove(self, learnware_id: str) -> None:
        with self._opened():
            self._leave(self._find(learnware_id)[-1])
            self._drop(kept.revision.digest for kept in self._kept.pop(learnware_id))
            self._removed[learnware_id] = datetime.now(timezone.utc)
            self._log.append(learnware_id)

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
        return {i: Entry(kept.revision, kept.specification, kept.number) for i, kept in current.items()}

    def numbered(self, numbers: Iterable[int]) -> dict[int, tuple[str, Entry]]:
        with self._opened():
            ids = self.ids_of(numbers)
            entries = self.entries(ids.values())
        return {number: (learnware_id, entries[learnware_id]) for number, learnware_id in ids.items()}

    def ids_of(self, numbers: Iterable[int]) -> dict[int, str]:
        with self._opened():
            return {number: self._current[number] for number in numbers if number in self._current}

    def numbers_of(self, learnware_ids: Iterable[str]) -> dict[str, int]:
        with self._opened():
            return {i: self._kept[i][-1].number for i in learnware_ids if i in self._kept}

    def arrivals(self, learnware_ids: Iterable[str]) -> dict[str, int]:
        with self._opened():
            return {i: self._kept[i][0].number for i in learnware_ids if i in self._kept}

    def every_number_of(self, learnware_ids: Iterable[str]) -> list[int]:
        with self._opened():
            return [kept.number for i in learnware_ids for kept in self._kept.get(i, ())]

    def holders(self, digests: Iterable[str]) -> dict[str, str]:
        with self._opened():
            holding = {digest: self._holders[digest] for digest in digests if digest in self._holders}
            return {digest: ids[min(ids)] for digest, ids in holding.items()}

    def removed(self, learnware_id: str) -> datetime | None:
        with self._opened():
            return self._removed.get(learnware_id)

    def generation(self) -> int:
        with self._opened():
            return len(self._log)

    def changes(self, since: int, n_most: int | None = None) -> Changes:
        n_most = self.check_most(n_most)
        with self._opened():
            reached = len(self._log) if n_most is None else min(len(self._log), since + n_most)
            # From the end, since an id stands where its last change was.
            touched = list(dict.fromkeys(reversed(self._log[since:reached])))[::-1]
            stored = tuple(i for i in touched if i in self._kept)
            removed = tuple(i for i in touched if i not in self._kept)
            return Changes(max(reached, since), stored, removed)

    def add_cells(self, cells: Iterable[Cell]) -> None:
        with self._opened():
            for cell in cells:
                pair = cell.answerer, cell.asked
                if all(digest in self._n_revisions for digest in pair):
                    self._n_cells += 1
                    # Out and in again, so that the dictionary stays in the order of numbers.
                    self._cells.pop(pair, None)
                    self._cells[pair] = self._n_cells, cell
                    for digest in pair:
                        self._about.setdefault(digest, set()).add(pair)

    def last_cell(self) -> int:
        with self._opened():
            return self._n_cells

    def cells_of(self, answerers: Iterable[str]) -> list[Cell]:
        asked = set(answerers)
        with self._opened():
            return [cell for _, cell in self._cells.values() if cell.answerer in asked]

    def answerers(self, since: int = 0) -> tuple[int, set[str]]:
        with self._opened():
            latest = takewhile(lambda numbered: numbered[0] > since, reversed(self._cells.values()))
            return self._n_cells, {cell.answerer for _, cell in latest}

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
            self._current.clear()
            self._holders.clear()
            self._cells.clear()
            self._n_revisions.clear()
            self._about.clear()

    def renew(self) -> None:
        """Take a new lock in a fork, where another thread may have held the old one."""
        self._lock = RLock()

    @contextmanager
    def _opened(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise MarketError("This market in memory has been closed, and what it held is gone. Open another one.")
            yield

    def _keep(self, learnware_id: str, bundle: bytes, specification: Specification) -> None:
        """Make a bundle the current revision of an id; the caller holds the lock."""
        self._log.append(learnware_id)
        number, digest = len(self._log), hashlib.sha256(bundle).hexdigest()
        revision = Revision(digest, datetime.now(timezone.utc), len(bundle))
        self._kept[learnware_id].append(_Kept(number, revision, bundle, specification))
        self._current[number] = learnware_id
        self._holders.setdefault(digest, {})[number] = learnware_id
        self._n_revisions[digest] += 1

    def _drop(self, digests: Iterable[str]) -> None:
        """Note that there is one revision less of each, and forget cells about what is gone; with the lock held."""
        for digest in digests:
            self._n_revisions[digest] -= 1
            if not self._n_revisions[digest]:
                del self._n_revisions[digest]
                for pair in self._about.pop(digest, ()):
                    del self._cells[pair]
                    for other in pair:
                        self._about.get(other, set()).discard(pair)

    def _leave(self, kept: _Kept) -> None:
        """Note that a revision is not the current one any more; the caller holds the lock."""
        del self._current[kept.number]
        holders = self._holders[kept.revision.digest]
        del holders[kept.number]
        if not holders:
            del self._holders[kept.revision.digest]

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
