"""A store in the memory of this process."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from threading import Lock

from learnware.market.store.base import Changes, Store
from learnware.specification import Specification


class MemoryStore(Store):
    """Keeps bundles in a dictionary, until the process ends.

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
        self._kept: dict[str, tuple[bytes, Specification]] = {}
        self._log: list[str] = []
        self._lock = Lock()

    def add(self, bundle: bytes, specification: Specification) -> str:
        learnware_id = secrets.token_hex(16)
        with self._lock:
            self._put(learnware_id, bundle, specification)
        return learnware_id

    def replace(self, learnware_id: str, bundle: bytes, specification: Specification) -> None:
        with self._lock:
            self._find(learnware_id)
            self._put(learnware_id, bundle, specification)

    def remove(self, learnware_id: str) -> None:
        with self._lock:
            self._find(learnware_id)
            del self._kept[learnware_id]
            self._log.append(learnware_id)

    def read(self, learnware_id: str) -> bytes:
        with self._lock:
            return self._find(learnware_id)[0]

    def specifications(self, learnware_ids: Iterable[str]) -> dict[str, Specification]:
        with self._lock:
            return {i: self._kept[i][1] for i in learnware_ids if i in self._kept}

    def changes(self, since: int) -> Changes:
        with self._lock:
            # From the end, since an id stands where its last change was.
            touched = list(dict.fromkeys(reversed(self._log[since:])))[::-1]
            stored = tuple(i for i in touched if i in self._kept)
            removed = tuple(i for i in touched if i not in self._kept)
            return Changes(len(self._log), stored, removed)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, learnware_id: object) -> bool:
        return isinstance(learnware_id, str) and learnware_id in self._kept

    def _put(self, learnware_id: str, bundle: bytes, specification: Specification) -> None:
        self._kept[learnware_id] = (bundle, specification)
        self._log.append(learnware_id)

    def _find(self, learnware_id: str) -> tuple[bytes, Specification]:
        """Look an id up; the caller holds the lock."""
        if learnware_id not in self:
            raise self.unknown(learnware_id)
        return self._kept[learnware_id]
