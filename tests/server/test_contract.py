"""A market behind a real server keeps the contract of markets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from learnware import Market
from learnware.testing import MarketContract
from tests.server.running import RunningDock


class TestDock(MarketContract):
    """`Market.open` of the address of a dock."""

    @pytest.fixture(autouse=True)
    def docks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("LEARNWARE_CACHE", str(tmp_path / "cache"))
        with ExitStack() as self._open:
            self._running: dict[Path, RunningDock] = {}
            yield

    def open_market(self, folder: Path) -> Market:
        if folder not in self._running:
            self._running[folder] = self._open.enter_context(RunningDock(folder))
        running = self._running[folder]
        return Market.open(running.url, token=running.token())
