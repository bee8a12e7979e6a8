"""An index of specifications under ids that tests can read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from learnware.market import searcher
from learnware.market.organizer import Index, Island
from learnware.market.result import SearchResult
from learnware.market.store import MemoryStore
from learnware.specification import RKME, Specification


class _AnyIds(MemoryStore):
    def check_new(self, learnware_id: str) -> str:
        return learnware_id


class Indexed:
    """Specifications by ids, their store and their index."""

    def __init__(self, specifications: dict[str, Specification] | None = None) -> None:
        self.store = _AnyIds()
        self.index = Index(self.store)
        for learnware_id, specification in (specifications or {}).items():
            self.add(learnware_id, specification)

    def add(self, learnware_id: str, specification: Specification, bundle: bytes | None = None) -> None:
        """Store a specification."""
        self.store.add(learnware_id.encode() if bundle is None else bundle, specification, learnware_id)

    def remove(self, *learnware_ids: str) -> None:
        """Remove learnwares."""
        for learnware_id in learnware_ids:
            self.store.remove(learnware_id)

    def island(self, rkme: RKME | None = None) -> Island:
        """Return the island on which a specification falls, or the only one."""
        snapshot = self.index.snapshot()
        (found,) = snapshot.islands if rkme is None else snapshot.islands_for(rkme.space)
        return found

    def ids(self, island: Island) -> list[str]:
        """Return the ids of the rows of an island that are there."""
        return self.at(island, range(len(island)))

    def at(self, island: Island, rows: Iterable[int]) -> list[str]:
        """Return the ids of some rows of an island, as far as they are there."""
        numbers = [int(island.numbers[row]) for row in rows if island.present[row]]
        return list(self.store.ids_of(numbers).values())


def search(indexed: Indexed, query: Any, **options: Any) -> SearchResult:
    """Search an index."""
    other = {name: options.pop(name) for name in ("text", "hidden") if name in options}
    wishes = searcher.Wishes(**options)
    return indexed.index.ask(lambda snapshot: searcher.search(snapshot, query, wishes=wishes, **other))
