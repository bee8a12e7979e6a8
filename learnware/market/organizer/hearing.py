"""What models answered, read from the store for those that a search asks about."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from threading import Lock

from learnware.market.organizer.capability import Answers
from learnware.market.store import Cell, Store

#: Of so many models the answers are kept; they take some 10 kB each.
N_KEPT = 1024


class Hearing:
    """The answers of models by the sha256 of their bundles.

    Parameters
    ----------
    store : Store
        Where they are read from.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, tuple[Cell, ...]] = OrderedDict()
        self._reached = 0
        self._lock = Lock()

    def among(self, digests: Collection[str]) -> Answers:
        """Return what the models of some bundles answered."""
        with self._lock:
            self._let_go_of_what_has_changed()
            missing = [digest for digest in digests if digest not in self._kept]
            if missing:
                self._read(missing)
            told = [cell for digest in digests for cell in self._kept[digest]]
            for digest in digests:
                self._kept.move_to_end(digest)
            while len(self._kept) > N_KEPT:
                self._kept.popitem(last=False)
        return Answers(told)

    def _let_go_of_what_has_changed(self) -> None:
        if not self._kept:
            self._reached = self._store.last_cell()
            return
        self._reached, answerers = self._store.answerers(self._reached)
        for digest in answerers & self._kept.keys():
            del self._kept[digest]

    def _read(self, digests: Collection[str]) -> None:
        read: dict[str, list[Cell]] = {digest: [] for digest in digests}
        for cell in self._store.cells_of(digests):
            read[cell.answerer].append(cell)
        self._kept.update((digest, tuple(cells)) for digest, cells in read.items())
