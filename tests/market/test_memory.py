"""The market and the store in memory keep the contracts."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from learnware.market import Market
from learnware.market.store import MemoryStore, Store
from learnware.testing import MarketContract, StoreContract


class TestMemoryStore(StoreContract):
    persistent: ClassVar[bool] = False

    def open_store(self, folder: Path) -> Store:
        return MemoryStore()


class TestMemoryMarket(MarketContract):
    def open_market(self, folder: Path) -> Market:
        return Market.open()
