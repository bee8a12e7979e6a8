"""The market and the store in memory keep the contracts."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from learnware.errors import LearnwareNotFound
from learnware.market import Market
from learnware.market.store import MemoryStore, Store
from learnware.specification import SemanticSpecification, Specification
from learnware.testing import MarketContract, StoreContract


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


class TestMemoryMarket(MarketContract):
    def open_market(self, folder: Path) -> Market:
        return Market.open()
