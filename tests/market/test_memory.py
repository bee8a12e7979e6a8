"""The market and the store in memory keep the contracts."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from learnware.errors import LearnwareNotFound
from learnware.market import Market
from learnware.market.store import Cell, MemoryStore, Store
from learnware.specification import SemanticSpecification, Specification
from learnware.testing import MarketContract, StoreContract

SPECIFICATION = Specification(SemanticSpecification("Sales"))


class TestMemoryStore(StoreContract):
    persistent: ClassVar[bool] = False

    def open_store(self, folder: Path) -> Store:
        return MemoryStore()


class Slow(dict[str, Any]):
    """Lets somebody else remove an id right after it was found."""

    def __init__(self, kept: dict[str, Any], remover: Thread) -> None:
        super().__init__(kept)
        self.remover = remover

    def __contains__(self, key: object) -> bool:
        found = super().__contains__(key)
        if self.remover.ident is None:
            self.remover.start()
            self.remover.join(timeout=0.2)
        return found


def test_reading_what_is_being_removed() -> None:
    store = MemoryStore()
    learnware_id = store.add(b"bytes", Specification(SemanticSpecification("Sales")))
    remover = Thread(target=store.remove, args=(learnware_id,))
    store._kept = Slow(store._kept, remover)
    assert store.read(learnware_id) == b"bytes"
    remover.join()
    with pytest.raises(LearnwareNotFound):
        store.read(learnware_id)


def test_cells_go_with_the_last_revision_that_has_their_bytes() -> None:
    store = MemoryStore()
    one, same, other = (store.add(content, SPECIFICATION) for content in (b"one", b"one", b"other"))
    digests = {name: store.revisions(i)[-1].digest for name, i in (("one", one), ("other", other))}
    pairs = [("one", "other"), ("other", "one"), ("one", "one"), ("other", "other")]
    store.add_cells(Cell(digests[answerer], digests[asked], b"") for answerer, asked in pairs)
    store.replace(one, b"newer", SPECIFICATION)
    store.remove(same)
    # The earlier revision of the first has them still.
    assert len(store.cells_of(digests.values())) == 4
    store.remove(one)
    assert [(cell.answerer, cell.asked) for cell in store.cells_of(digests.values())] == [(digests["other"],) * 2]
    store.add_cells([Cell(digests["one"], digests["other"], b"")])
    assert len(store.cells_of(digests.values())) == 1
    store.remove(other)
    assert store.cells_of(digests.values()) == []


def test_a_change_costs_no_more_where_there_are_many() -> None:
    store = MemoryStore()
    ids = store.add_many([(b"%d" % i, SPECIFICATION) for i in range(12_000)])
    start = time.process_time()
    for learnware_id in ids:
        store.add_cells([])
        store.remove(learnware_id)
    # A generous bound: each would walk over all the others for some milliseconds.
    assert time.process_time() - start < 2.0


class TestMemoryMarket(MarketContract):
    def open_market(self, folder: Path) -> Market:
        return Market.open()
