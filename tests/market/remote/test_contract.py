"""A remote market does what every market does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from learnware.market import Market
from learnware.testing import MarketContract
from tests.market.remote.fake_dock import FakeDock


class TestRemoteMarket(MarketContract):
    @pytest.fixture(autouse=True)
    def docks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("LEARNWARE_CACHE", str(tmp_path / "cache"))
        self.started: list[FakeDock] = []
        yield
        for dock in self.started:
            dock.stop()

    def open_market(self, folder: Path) -> Market:
        self.started.append(FakeDock(folder))
        return Market.open(self.started[-1].url)
