"""What models answered, read from the store for those that a search asks about."""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock

from learnware.market.organizer.capability import Answers
from learnware.market.organizer.lately import Lately
from learnware.market.store import Cell, Store

#: Of so many models the answers are kept; they take some 10 kB each.
N_KEPT = 1024
# Of models of many classes, only those of so many bytes.
_MOST_BYTES = 2**26


class Hearing:
    """The answers of models by the sha256 of their bundles.

    Parameters
    ----------
    store : Store
        Where they are read from.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: Lately[str, tuple[Cell, ...]] = Lately(N_KEPT, _n_bytes, _MOST_BYTES)
        self._reached = 0
        self._lock = Lock()

    def among(self, digests: Collection[str]) -> Answers:
        """Return what the models of some bundles answered."""
        with self._lock:
            self._let_go_of_what_has_changed()
            known = self._kept.get(digests)
            missing = [digest for digest in digests if digest not in known]
            if missing:
                read = self._read(missing)
                self._kept.put(read)
                known.update(read)
        return Answers([cell for digest in digests for cell in known[digest]])

    def _let_go_of_what_has_changed(self) -> None:
        kept = self._kept.known()
        if not kept:
            self._reached = self._store.last_cell()
            return
        self._reached, answerers = self._store.answerers(self._reached)
        self._kept.drop(answerers & kept)

    def _read(self, digests: Collection[str]) -> dict[str, tuple[Cell, ...]]:
        read: dict[str, list[Cell]] = {digest: [] for digest in digests}
        for cell in self._store.cells_of(digests):
            read[cell.answerer].append(cell)
        return {digest: tuple(cells) for digest, cells in read.items()}


def _n_bytes(cells: tuple[Cell, ...]) -> int:
    return sum(len(cell.content) for cell in cells)
